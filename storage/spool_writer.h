/* The inside of a writer of the spool, shared by its three files; private to spool_*.c.
 *
 *   packet -> flow's gather buffer -(hold_ms old, tail asked)-> write buffer -(full, due, flush)-> segment
 *             spool_gather.c                                    spool_segment.c
 *
 * spool_write.c opens and closes it and brings the time. One owner, one thread. */
#pragma once

#include "storage/spool_format.h"
#include "storage/spool_sync.h"

#define MS_NS    INT64_C(1000000)
#define DAY_NS   (86400000 * MS_NS)
#define RETRY_MS 1000
#define GIVEN_UP 8u /* one takes at least RETRIES_MAX seconds */

struct pool_slab {
    struct pool_slab *next;
    uint8_t *bytes;
};

/* Gather buffers of one size. */
struct gather_pool {
    struct pool_slab *slabs;
    uint8_t **free;
    uint32_t free_count, total, max;
    uint32_t bytes; /* of a buffer */
};

struct gather_list {
    struct spool_flow *first, *last;
};

struct spool_flow {
    struct spool_flow *next, *prev; /* all flows */
    struct spool_flow *gather_next, *gather_prev;
    struct gather_list *list; /* that it stands in */
    uint8_t *gather;          /* NULL: nothing gathered */
    uint32_t gathered, gather_room;
    uint32_t packets;
    uint64_t lost;
    int64_t since_ns;             /* tick time when it came into its list */
    struct slice next_descriptor; /* ours: in force from describe_at on; data NULL: none */
    uint32_t describe_at;
    struct spool_ref tail;
    struct spool_ref safe; /* newest chunk known to be written when `tail` went to the buffer */
    uint32_t described;    /* segment that has the present descriptor; 0: none */
    struct spool_flow_info info; /* info.descriptor is a copy of ours */
};

struct spool {
    struct spool_config config;
    char data_dir[SPOOL_PATH_MAX];
    struct counters *counters;
    unsigned written_cell;
    int64_t now_ns;

    int fd; /* of the active segment, -1: none could be made */
    uint32_t segment;
    int64_t day;   /* of the segment's first tick, from 1970 on; 0: none yet */
    uint64_t base; /* segment offset of buffer[0]: all before it is written */
    uint8_t *buffer;
    uint32_t used, room;
    uint32_t done; /* bytes of the buffer that a short write got rid of */
    int64_t buffer_since_ns;
    struct spool_sync *syncer;
    int64_t synced_ns;
    bool unsynced; /* written since the last sync was asked for */
    int error;
    unsigned retries;
    int64_t slow_ns; /* tick time of the last write that took long; 0: the last one did not */
    struct spool_ref given_up[GIVEN_UP]; /* the newest: what stands in these segments from there on is not written */
    unsigned given_up_count;
    int64_t retry_ns;
    uint64_t appended, written;

    struct spool_flow *flows;
    struct gather_list fresh, going;
    uint64_t large_bytes; /* in gather buffers that are not of a pool */
    struct gather_pool small, full;
    uint8_t *describing; /* room for a descriptor */
};

/* ---- spool_segment.c ---- */

/* As in base/labels.def. */
enum spool_trouble { SPOOL_AT_WRITE, SPOOL_AT_SYNC, SPOOL_AT_OPEN };
/* The disk said no: the error stands, the next try is in a second. */
void spool_fail(struct spool *s, int err, enum spool_trouble at);
/* Offers the write buffer once. After a short write the rest is offered again; it is free when all of it is written. */
int buffer_write(struct spool *s);
/* Packets in the chunks that wait in the buffer. */
uint32_t buffer_packets(const struct spool *s);
int segment_create(struct spool *s);
/* Writes out, closes, opens the next. Without a next one fd stays -1 until spool_tick() tries again. */
int segment_roll(struct spool *s);
void segment_close(struct spool *s);
void segment_sync(struct spool *s);
/* Another try after an error. */
void spool_recover(struct spool *s);
uint32_t descriptor_bytes(const struct spool_flow *f);
/* A chunk of packets, behind the flow's descriptor where the segment does not have it. False: no room. */
bool packets_append(struct spool *s, struct spool_flow *f, struct slice body, uint32_t packets, int64_t first_ns,
                    int64_t last_ns);

/* ---- spool_gather.c ---- */

bool pool_init(struct spool *s);
void pool_fini(struct spool *s);
/* Seals what is due. */
void gather_due(struct spool *s);
/* Seals all that any flow gathered. */
void gather_flush(struct spool *s);
