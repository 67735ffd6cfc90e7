/* Deleting what a plan named (retention_plan.h). */
#pragma once

#include "app/retention_plan.h"
#include "app/writer.h"

#define RETENTION_BATCH 32

struct retention_hands {
    const char *data_dir;
    struct writer *writer;
    struct counters *counters; /* of the thread that calls; NULL: nothing is counted */
    const char *actor;
    bool (*is_over)(void *context); /* what takes long is left to a later pass; NULL: never */
    bool (*other_terms)(void *context); /* that is why: by those the rest may stay; NULL: never */
    void *context;
};

/* Things of one class; their records are taken. 0, or the first error, whatever could be done done. *ret_bytes: given back, of what is not `left`. */
int retention_do(const struct retention_hands *h, struct retention_item *items, unsigned count, uint64_t *ret_bytes);
/* Deletions that a crash interrupted are ended. */
int retention_resume(const struct retention_hands *h);
