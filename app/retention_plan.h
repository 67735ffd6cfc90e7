/* What retention deletes, in which order, and why: one thing after the other. The same plan serves whoever deletes and whoever only wants to
 * know (`earshot retention --dry-run`): it looks at the disk once, and from then on counts what it named as gone.
 *
 *   1. age        spool, recordings, messages, records: what is older than its term
 *   2. quota      the same order: the oldest, until a class is within its bytes
 *   3. low_disk   spool, recordings, messages: the oldest, until [retention] min_free is free; records never
 *
 * With a day of records its recordings go first: no file is left without a record. What may not go now is decided in one place,
 * protected_because() of the .c file. One thread. */
#pragma once

#include "app/settings.h"
#include "storage/media_dir.h"
#include "storage/store.h"

enum retention_class { RETAIN_AUDIO, RETAIN_SPOOL, RETAIN_CALLS, RETAIN_MESSAGES, RETAIN_CLASSES }; /* as LABELS(STORED) */
enum retention_reason { RETAIN_AGE, RETAIN_QUOTA, RETAIN_LOW_DISK, RETAIN_REQUEST };                /* as LABELS(DELETED) */

struct retention_limits {
    int64_t age_us[RETAIN_CLASSES];   /* 0: for ever */
    uint64_t bytes[RETAIN_CLASSES];   /* 0: no bound */
    uint64_t min_free;
    uint64_t growing;                 /* bytes that the segments being written may grow to */
    bool from_api;                    /* put there, not configured (retention_terms.h) */
};

struct retention_use {
    uint64_t bytes[RETAIN_CLASSES];
    uint64_t protected_bytes[RETAIN_CLASSES];
    uint64_t free_bytes, total_bytes;
};

struct retention_item {
    enum retention_class class;
    enum retention_reason reason;
    char object[64];                  /* id of the recording, 00000040.seg, calls-20261121 */
    char uid[40];                     /* "": of many calls */
    int64_t since_us;                 /* when it began; of a segment when it was written last */
    uint32_t files;
    uint64_t bytes;
    uint32_t segment;
    char day[9];
    int64_t imported_since_us;        /* of a day of calls: those imported since then stay, and their day with them */
    bool left;                        /* retention_do(): some of it is there still */
    struct call_record *record;       /* of a recording; the item's */
};

void retention_limits_of(const struct settings *s, struct retention_limits *ret_limits);

struct retention_plan;

struct retention_ask {
    const char *data_dir;
    const struct retention_limits *limits;
    int64_t now_us;                   /* 0: nothing is old (a capture of last year is looked at for what it is) */
    uint64_t audio_bytes;             /* blocks of the tree of recordings (audio_walk) */
    bool live;                        /* calls come in: there may be some that have no row yet */
};

int retention_plan_open(const struct retention_ask *ask, struct retention_plan **ret_plan);
void retention_plan_close(struct retention_plan *p);
#define RETENTION_AGAIN 2
/* 1: *ret_item goes next (free it with retention_item_fini()); 0: nothing more; RETENTION_AGAIN: nothing yet, and the next call goes on;
 * or an ERR_. */
int retention_plan_next(struct retention_plan *p, struct retention_item *ret_item);
void retention_item_fini(struct retention_item *item);
/* As if what was named had gone. */
void retention_plan_use(const struct retention_plan *p, struct retention_use *ret_use);
/* min_free, or an eighth of the disk where that is less. */
uint64_t retention_free_least(const struct retention_limits *limits, const struct retention_use *use);
/* Less is free than that. */
bool retention_is_low(const struct retention_limits *limits, const struct retention_use *use);
bool retention_plan_is_low(const struct retention_plan *p);

/* Blocks of the files of a record that are there; *ret_files: how many. */
uint64_t retention_files_of(const char *data_dir, const struct call_record *r, uint32_t *ret_files);
/* Walks the tree of recordings: a step looks at up to `entries` of it; true at its end, with its bytes. NULL without memory. */
struct audio_walk;
struct audio_walk *audio_walk_open(const char *data_dir);
bool audio_walk_step(struct audio_walk *w, unsigned entries, uint64_t *ret_bytes);
void audio_walk_close(struct audio_walk *w);

/* The number in "00000040.seg"; 0: that is no segment. */
uint32_t retention_segment_of(const char *object);

const char *retention_class_text(enum retention_class c);
const char *retention_reason_text(enum retention_reason r);
