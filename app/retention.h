/* Retention at work: a thread that looks each second what is over its quota or whether the disk is nearly full, each minute what is too old, and
 * deletes by the plan (retention_plan.h), 32 things at a time with a pause between, at the lowest priority for processor and disk. It
 * waits for the writer, nobody waits for it. */
#pragma once

#include "api/retention.h"
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
/* The terms in force. Any thread. */
void retention_terms(struct retention *r, struct retention_limits *ret_limits);
/* Bytes that may be written without anything having to go for them. Any thread. */
uint64_t retention_room(struct retention *r);
/* For the API: any thread, for as long as retention runs. */
struct api_retention_source retention_source(struct retention *r);

/* ---- without a service ---- */
typedef void retention_item_fn(void *context, const struct retention_item *item);
/* One pass over all; `fn` (may be NULL) is told of each thing ahead of its going. `writer` NULL: nothing goes. */
int retention_pass(const struct retention_config *config, retention_item_fn *fn, void *context, struct retention_use *ret_use);
