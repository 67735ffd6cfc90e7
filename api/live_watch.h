/* Who watches live events (live_events.h), and the thread that tells them. */
#pragma once

#include <sys/types.h>

#include "api/body_pipe.h"
#include "api/live_filter.h"
#include "api/handlers.h"

#define WATCHERS_MAX 400 /* of CONNECTIONS_MAX: the rest is for everybody else */

struct live_watch_config {
    struct identity who;
    struct live_filter filter; /* taken over when a watcher was opened */
    int64_t interval_ns;       /* 0: every event; else at most one of a call and its sort in this time, the newest */
    bool resumes;              /* behind last_id, if it is still known */
    uint64_t last_id;
};

struct live_watcher;

/* ERR_FULL: as many watch as may; ERR_BUSY: the service is stopping; ERR_NOMEM. Any thread. */
int live_watch_open(struct live_events *l, const struct live_watch_config *config, struct live_watcher **ret_watcher);
/* How to stop asking it, and how to begin again; ahead of the first live_watch_read(). */
void live_watch_begin(struct live_watcher *w, const struct body_pipe_reader *reader);
/* Bytes, BODY_PIPE_WAIT (it was parked) or BODY_PIPE_END. */
ssize_t live_watch_read(struct live_watcher *w, void *out, size_t max);
void live_watch_close(struct live_watcher *w);

/* The thread; `api` outlives it. ERR_NOMEM. */
int live_events_start(struct live_events *l, const struct api_context *api);
/* All streams end, nobody comes any more. Ahead of the end of the library's daemon: none of them stays parked. */
void live_events_stop(struct live_events *l);
