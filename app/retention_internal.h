/* The thread that deletes (retention.c) and what others ask of it (retention_api.c). Private to both. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "app/retention.h"

struct retention {
    struct retention_config config; /* its limits: under the lock */
    struct counters *counters; /* the thread's */
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    bool stopping, woken;
    unsigned terms_put;          /* how often; a pass by other terms ends */
    pthread_mutex_t doing;       /* held while a batch goes, and while terms are put: none goes by the old ones afterwards */
    _Atomic unsigned putting;    /* who waits for that */
    _Atomic uint64_t audio_bytes;
    _Atomic bool walked;     /* audio_bytes is known */
    int64_t age_ns, walk_ns; /* when they are due; mono */
    bool low, failing;
};

/* Recordings of so many bytes have gone. Any thread. */
void retention_took(struct retention *r, uint64_t bytes);
