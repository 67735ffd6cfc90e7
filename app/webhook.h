/* Tells another program of calls while they happen: who calls whom, for a screen pop; and of recordings and findings. One
 * thread sends; whoever has news only puts it into a bounded list and never waits. What does not arrive is tried again,
 * further and further apart, and given up once it is old; of a call one event goes after the other. Another thread writes
 * what still waits to the disk a moment later, so that it is sent after a restart. */
#pragma once

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
/* Any thread, as all that follows. One event for who wants to see whether it arrives, as all others are sent. ERR_EXISTS: one of before still waits. */
#define WEBHOOK_TEST_ID_SIZE 40
int webhook_test(struct webhook *w, const char *actor, char ret_id[WEBHOOK_TEST_ID_SIZE]);
/* Where to, what, how it goes: an object. No secrets, and of the address nothing that may be one. */
#define WEBHOOK_NAME "webhook" /* there is one, and it is called as its section */
void webhook_json(struct webhook *w, struct json *j);

/* webhook_json.c */
const char *webhook_event_text(unsigned event);
/* All that is known when it happens: the body up to the value of `tags`, which are those of the moment of sending. */
void webhook_say(struct buf *out, unsigned event, const struct call_record *r);
void webhook_say_tracks(struct buf *out, const struct call_record *r);
void webhook_body(struct buf *out, struct slice said, const struct record_tags *tags);
/* The whole body: no call, no tags. */
void webhook_say_alert(struct buf *out, const struct finding_record *f);
void webhook_say_test(struct buf *out, const char *id, const char *actor, int64_t now_us);
