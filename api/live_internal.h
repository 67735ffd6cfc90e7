/* Shared by live_events.c (events in, the thread) and live_watch.c (watchers). */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "api/live_ring.h"
#include "api/live_watch.h"
#include "base/inbox.h"

struct live_watcher {
    struct live_events *events;
    unsigned slot;
    uint64_t serial;
    struct identity who;
    struct live_filter filter;
    struct body_pipe_reader reader;
    int64_t interval_ns, batch_ns; /* batch: when the last one began; 0: none yet */
    uint64_t next;                 /* the first event that was not looked at */
    uint64_t horizon;              /* the last one of this batch */
    uint64_t stats_seen;
    int64_t opened_ns, sent_ns;
    const char *reset; /* why the watcher has to look again; NULL: it has not */
    bool greeted, parked, ending;
    unsigned broken; /* looks at the token that failed in a row */
    struct buf out;  /* not sent yet, from `sent` on */
    size_t sent;
};

struct live_events {
    struct inbox *inbox;
    _Atomic bool wanted;
    _Atomic uint64_t lost; /* found no room in the inbox */
    uint64_t lost_known;   /* of them; of the thread alone */
    const struct api_context *api;
    struct counters *counters; /* with the lock */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* guards all below; readers are parked and unparked while it is held, and nothing else is called */
    bool stopping; /* nobody comes any more */
    bool over;     /* all that there was is in the ring: the end of every stream */
    struct live_ring ring;
    int64_t unwatched_ns; /* since when; 0: somebody watches */
    uint64_t stats_number;
    char stats[256]; /* the newest, as it is sent; "" without */
    uint64_t serials;
    unsigned count, max;
    struct live_watcher *watchers[WATCHERS_MAX];
};

/* ---- live_watch.c; the lock is held ---- */

/* Everybody to whom something can be told now goes on. */
void live_watch_serve(struct live_events *l);
/* This one may not any more: it ends where it is. */
void live_watch_end(struct live_watcher *w);
/* The end for all, once they have read what there is. */
void live_watch_end_all(struct live_events *l);
