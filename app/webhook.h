/* Tells another program of calls while they happen: who calls whom, for a screen pop. One thread of its
 * own sends; whoever has news only puts it into a bounded queue and never waits. What does not arrive is
 * tried again, further and further apart, and given up once it is old; an order of events is kept. */
#pragma once

#include "app/webhook_config.h"
#include "base/counters.h"
#include "storage/store.h"

struct webhook;

/* Nothing (NULL, 0) without a url. Tags come from the store in `data_dir`. */
int webhook_start(const struct webhook_config *config, const char *data_dir, struct counters_set *counters,
                  struct webhook **ret_webhook, struct why *why);
/* What waits has two more seconds. NULL is fine. */
void webhook_stop(struct webhook *w);
/* Any thread; takes the record. When the queue is full the oldest in it goes, and is counted. */
void webhook_put(struct webhook *w, enum worker_call_event event, struct call_record *record);
size_t webhook_depth(struct webhook *w);

/* webhook_json.c */
const char *webhook_event_text(enum worker_call_event event);
void webhook_json(struct buf *out, enum worker_call_event event, const struct call_record *r, const struct record_tags *tags);
