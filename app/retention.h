/* Retention at work: a thread that looks each second what is over its quota or whether the disk is nearly full, each minute what is too old, and
 * deletes by the plan (retention_plan.h), 32 things at a time with a pause between, at the lowest priority for processor and disk. It
 * waits for the writer, nobody waits for it. */
#pragma once

#include "app/retention_plan.h"
#include "app/writer.h"

struct retention;

struct retention_config {
    const char *data_dir;
    struct retention_limits limits;
    struct writer *writer;
    struct counters_set *counters;
    bool live; /* else nothing is old */
};

int retention_start(const struct retention_config *config, struct retention **ret_retention, struct why *why);
/* Ends within a batch. NULL is fine. */
void retention_stop(struct retention *r);
/* The files of this record are there. Any thread. */
void retention_rendered(struct retention *r, const struct call_record *record);
/* Looks now, ages too. Any thread. */
void retention_wake(struct retention *r);
/* What somebody asked for. Any thread; returns when the files have gone. */
int retention_delete(struct retention *r, const char *uid, const char *actor, uint32_t *ret_files, uint64_t *ret_bytes);
/* The terms in force. Any thread. */
void retention_terms(struct retention *r, struct retention_limits *ret_limits);
/* Other terms: stored, and once it returns 0 nothing goes by those from before. ERR_BUSY: those in force are not `before` any more. Any thread. */
int retention_put_terms(struct retention *r, const struct retention_limits *before, const struct retention_limits *after);

/* What would go by other terms. */
struct retention_would {
    struct {
        uint64_t things, files, bytes;
        int64_t oldest_us, newest_us;
    } classes[RETAIN_CLASSES];
    bool complete; /* else the look took too long, and these are the first of them */
};
/* Nothing goes. Any thread; takes seconds at most. */
int retention_try(struct retention *r, const struct retention_limits *limits, struct retention_would *ret_would);
/* What is stored now, and the terms it is kept for. Any thread. */
int retention_look(struct retention *r, struct retention_limits *ret_limits, struct retention_use *ret_use);

/* ---- without a service ---- */
typedef void retention_item_fn(void *context, const struct retention_item *item);
/* One pass over all; `fn` (may be NULL) is told of each thing ahead of its going. `writer` NULL: nothing goes. */
int retention_pass(const struct retention_config *config, retention_item_fn *fn, void *context, struct retention_use *ret_use);
