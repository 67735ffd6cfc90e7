/* The memory behind sctp.c: directions of associations and the fragments that wait in them.
 *
 *     association --- fragments, sorted: those of one message stand side by side
 *     fragment ------ a block of 2 KiB; what does not fit goes on in `more`
 *
 * A fragment's place is (group, order). DATA: one group, the order is the TSN, for the fragments of
 * a message have consecutive ones (RFC 9260 6.9). I-DATA: the group is stream and message id, the
 * order the fragment's number (RFC 8260 2.1). A run is what stands side by side without a gap
 * between a fragment with the B bit and one with the E bit. */
#pragma once

#include "base/map.h"
#include "capture/net/sctp.h"

#define SCTP_NONE          UINT32_MAX
#define SCTP_KEY_WORDS     6
#define SCTP_WINDOW        1024u /* TSNs remembered */
#define SCTP_FRAGMENTS_MAX 512u  /* that wait in one direction */
#define SCTP_BLOCK_SIZE    2048u

enum sctp_flag { SCTP_END = 1, SCTP_BEGIN = 2, SCTP_UNORDERED = 4 };

struct sctp_fragment {
    uint32_t more; /* next block of the same fragment; also: next free block */
    uint32_t size; /* bytes, all blocks together */
    uint64_t group;
    int64_t time_ns;
    uint32_t order;
    uint32_t stream; /* DATA: stream, and sequence number where it counts */
    uint32_t protocol;
    uint32_t association;
    uint32_t before, behind; /* by place */
    uint32_t older, newer;   /* by arrival */
    uint8_t flags;           /* enum sctp_flag */
};

#define SCTP_BLOCK_BYTES (SCTP_BLOCK_SIZE - sizeof(struct sctp_fragment))

struct sctp_block {
    struct sctp_fragment fragment; /* of a first block; else only `more` */
    uint8_t bytes[SCTP_BLOCK_BYTES];
};

struct sctp_association {
    uint64_t key[SCTP_KEY_WORDS];
    int64_t last_ns;
    uint32_t older, newer; /* also: next free */
    uint32_t first, last;  /* fragments by place */
    uint32_t fragments;
    uint32_t top; /* highest TSN */
    bool any;     /* `top` is set */
    uint64_t seen[SCTP_WINDOW / 64];
};

struct sctp_ages {
    uint32_t oldest;
    uint32_t newest;
};

struct sctp {
    struct sctp_config config;
    sctp_message_fn *fn;
    void *context;
    struct counters *counters;
    unsigned errors_cell; /* PARSE_ERRORS{proto="other"}, first reason */
    unsigned dropped_cell;
    unsigned timeouts_cell;
    unsigned size_cell;

    struct sctp_association *associations;
    uint32_t associations_used; /* ever; those given back are in free_association */
    uint32_t free_association;
    uint32_t count;
    struct map by_key;
    struct sctp_ages idle;

    struct sctp_block *blocks;
    uint32_t blocks_max;
    uint32_t blocks_used;
    uint32_t blocks_free; /* in free_block */
    uint32_t free_block;
    struct sctp_ages waiting;

    uint8_t *whole; /* message_max bytes */
};

/* 0 or ERR_NOMEM, then whatever there is goes with sctp_table_fini(). */
int sctp_table_init(struct sctp *s);
void sctp_table_fini(struct sctp *s);

uint32_t sctp_association_find(const struct sctp *s, const uint64_t key[SCTP_KEY_WORDS]);
/* Finds or makes it, and makes it the newest; the one idle longest may go. */
uint32_t sctp_association_take(struct sctp *s, const uint64_t key[SCTP_KEY_WORDS], int64_t now_ns);
/* With its fragments, which count as dropped when `count_dropped`. */
void sctp_association_release(struct sctp *s, uint32_t i, bool count_dropped);
/* Notes the TSN; false when it was there before. */
bool sctp_association_new_tsn(struct sctp_association *a, uint32_t tsn);

/* Keeps a copy of the fragment; returns its index. Others, the oldest first, may have to go.
 * SCTP_NONE when its place is taken. */
uint32_t sctp_fragment_add(struct sctp *s, const struct sctp_fragment *fragment,
                           struct slice bytes);
/* First of the run that the fragment stands in. */
uint32_t sctp_run_first(const struct sctp *s, uint32_t i);
/* The next of the run, or SCTP_NONE. */
uint32_t sctp_run_next(const struct sctp *s, uint32_t i);
/* Gives the whole run back; returns how many fragments it had. */
uint32_t sctp_run_release(struct sctp *s, uint32_t i);
/* Copies the fragment's bytes to `to`. */
void sctp_fragment_copy(const struct sctp *s, uint32_t i, uint8_t *to);
/* What is too old goes. */
void sctp_table_expire(struct sctp *s, int64_t now_ns);

static inline struct sctp_fragment *sctp_fragment_at(const struct sctp *s, uint32_t i)
{
    return &s->blocks[i].fragment;
}
