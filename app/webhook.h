/* Tells another program of calls while they happen: who calls whom, for a screen pop; and of recordings and findings. One
 * thread sends; whoever has news only puts it into a bounded list and never waits. What does not arrive is tried again,
 * further and further apart, and given up once it is old; of a call one event goes after the other. Another thread writes
 * what still waits to the disk a moment later, so that it is sent after a restart. */
#pragma once

#include "api/webhooks.h"
#include "app/webhook_config.h"
#include "base/counters.h"
#include "base/json.h"
#include "storage/store.h"
#include "storage/user_record.h"

struct webhook;

/* Nothing (NULL, 0) without a url. Tags come from the store in `data_dir`; what was not sent before is there, too. */
int webhook_start(const struct webhook_config *config, const char *data_dir, struct counters_set *counters,
                  struct webhook **ret_webhook, struct why *why);
/* What the receiver takes within two more seconds is sent, the rest stays on the disk. NULL is fine. */
void webhook_stop(struct webhook *w);
/* Bits of what somebody wants to be told. 0 for NULL. */
unsigned webhook_events(const struct webhook *w);
/* Any thread; the record is borrowed. What nobody wants to know is not put, nor is WEBHOOK_RECORDED of what is not kept; `w` NULL: nobody wants
 * anything. When too many wait the oldest goes, and is counted. */
void webhook_put(struct webhook *w, unsigned event, const struct call_record *record);
/* WEBHOOK_RECORDED once more: the tracks of its conference are there. */
void webhook_put_tracks(struct webhook *w, const struct call_record *record);
void webhook_alert(struct webhook *w, const struct finding_record *finding);
size_t webhook_depth(struct webhook *w);
/* For the API, which shows no secrets, and of the address nothing that may be one. NULL: there is none. */
struct api_webhook_source webhook_source(struct webhook *w);

/* webhook_json.c */
const char *webhook_event_text(unsigned event);
/* All that is known when it happens: the body up to the value of `tags`, which are those of the moment of sending. */
void webhook_say(struct buf *out, unsigned event, const struct call_record *r);
void webhook_say_tracks(struct buf *out, const struct call_record *r);
void webhook_body(struct buf *out, struct slice said, const struct record_tags *tags);
/* The whole body: no call, no tags. */
void webhook_say_alert(struct buf *out, const struct finding_record *f);
void webhook_say_test(struct buf *out, const char *id, const char *actor, int64_t now_us);
