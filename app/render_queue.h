/* What render threads have to do: a bounded queue of jobs, many producers, many consumers. A job
 * that has to wait for something (records of others that are not stored yet) carries the time from
 * which on it is worth a look; until then it holds up neither a thread nor the jobs behind it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/record.h"

enum render_kind { RENDER_CALL, RENDER_TRACKS, RENDER_SIDECAR }; /* of a call; of the conference it ended; the file beside it, once more */

struct render_job {
    enum render_kind kind;
    char uid[40];
    struct call_record *record; /* RENDER_CALL: as it was committed; NULL: it stands in the store */
    int64_t since_ns;           /* mono */
    int64_t not_before_ns;      /* mono; 0: now */
    int64_t pause_ns;           /* before the next look; 0: none yet */
    bool failed;                /* tried in vain; it stands in the store, so nobody has to wait for it */
    struct render_job *next;    /* the queue's */
};

struct render_queue;

struct render_queue *render_queue_new(size_t ceiling);
/* With the jobs that are left. NULL is fine. */
void render_queue_free(struct render_queue *q);
/* Copies `job`; the queue owns its record. False when full, closed or without memory: nothing is
 * taken. */
bool render_queue_put(struct render_queue *q, const struct render_job *job);
/* The next job that is due; the caller frees it with its record. NULL when there was none for
 * timeout_ms, or when the queue is closed. */
struct render_job *render_queue_take(struct render_queue *q, int timeout_ms);
/* Wakes who waits; no job comes out any more. */
void render_queue_close(struct render_queue *q);
bool render_queue_is_closed(struct render_queue *q);
/* Jobs that are worth waiting for: those that failed and are tried again are not among them. */
size_t render_queue_depth(struct render_queue *q);
bool render_queue_is_empty(struct render_queue *q);
