/* Joins the front to its workers. Without threads a push becomes a call into the one worker: the reference. With threads each worker
 * has a byte ring and a thread of its own; media that finds its ring nearly full is refused and counted, everything else
 * waits for room. Both make equal records. */
#pragma once

#include "app/worker.h"
#include "capture/front.h"

struct pipeline;

struct pipeline_config {
    unsigned workers;               /* 0: single mode */
    size_t ring_bytes;              /* default 8 MiB a worker */
    bool lossless;                  /* wait instead of refusing media: files, where nobody presses */
    struct front_config front;
    struct worker_config worker;    /* index and spool.writer are set for each */
    struct counters_set *counters;
    struct counters *block;         /* of the caller's thread; NULL: a new one of the set */
};

int pipeline_new(const struct pipeline_config *config, struct pipeline **ret_pipeline, struct why *why);
/* The caller's thread is the front. */
void pipeline_frame(struct pipeline *p, const struct frame *frame);
/* A datagram or whole message out of a spool. */
void pipeline_datagram(struct pipeline *p, const struct datagram *datagram);
/* Frames were lost before they came here: the calls that go on are marked. */
void pipeline_capture_lost(struct pipeline *p, uint64_t frames, int64_t since_ns);
/* What opens TLS (front.h). */
void pipeline_key_line(struct pipeline *p, struct slice line);
int pipeline_private_key(struct pipeline *p, struct slice pem, struct why *why);
/* Live and idle: packet time is at least now. */
void pipeline_tick(struct pipeline *p, int64_t now_ns);
/* Runs dry from left to right: ends the open calls, waits until the workers have emitted every record, frees all. */
void pipeline_finish(struct pipeline *p, enum call_end_reason reason);

/* Runs `look` in each worker's own thread (in the caller's in single mode, which must then be the front's) within a tick; returns when
 * all have answered or timeout_ms passed (false). From any thread. */
typedef void pipeline_look_fn(void *context, struct worker *w);
bool pipeline_look(struct pipeline *p, pipeline_look_fn *look, void *context, int timeout_ms);
/* Bytes waiting in all rings, and their size, for /metrics. */
void pipeline_depth(const struct pipeline *p, size_t *ret_depth, size_t *ret_capacity);
