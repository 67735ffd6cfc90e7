/* What is told of a call. A few fields of the call object under the same names; `id` names the
 * event, so that one that arrives twice is known by it. */
#include "app/webhook.h"

#include <stdio.h>

#include "api/record_json.h"
#include "api/user_json.h"

const char *webhook_event_text(unsigned event)
{
    static const char *const TEXTS[WEBHOOK_EVENTS] = {[WORKER_CALL_STARTED] = "call.started",
                                        [WORKER_CALL_RINGING] = "call.ringing",
                                        [WORKER_CALL_ANSWERED] = "call.answered",
                                        [WORKER_CALL_ENDED] = "call.ended",
                                        [WORKER_CALL_PAUSED] = "call.paused",
                                        [WORKER_CALL_RESUMED] = "call.resumed",
                                        [WEBHOOK_RECORDED] = "call.recorded",
                                        [WEBHOOK_ALERT] = "alert",
                                        [WEBHOOK_TEST] = "test"};
    return TEXTS[event];
}

static int64_t event_time(unsigned event, const struct call_record *r)
{
    switch (event) {
    case WORKER_CALL_RINGING:
        return r->ringing_us;
    case WORKER_CALL_ANSWERED:
        return r->answered_us;
    case WORKER_CALL_ENDED:
        return r->ended_us;
    case WORKER_CALL_PAUSED:
    case WORKER_CALL_RESUMED:
        return r->event_count ? r->events[0].time_us : 0;
    case WEBHOOK_RECORDED:
        return r->recording.started_us + r->recording.duration_ms * 1000;
    default:
        return r->started_us;
    }
}

static void known(struct json *j, const char *key, struct slice text)
{
    if (text.size)
        json_kv_text(j, key, text);
    else
        json_kv_null(j, key);
}

/* `number` is E.164 where the rules of [numbers] give one, `user` what was on the wire. */
static void party(struct json *j, const char *key, const struct record_party *p,
                  const struct record_number *n)
{
    json_key(j, key);
    json_object(j);
    known(j, "number", n->number);
    known(j, "user", p->user);
    known(j, "host", p->host);
    known(j, "display", p->display);
    json_end(j);
}

static void ended(struct json *j, const struct call_record *r)
{
    json_kv_time(j, "ended_at", r->ended_us);
    json_kv_str(j, "outcome", r->outcome);
    json_kv_str(j, "end_reason", r->end_reason);
    if (r->sip_code)
        json_kv_int(j, "sip_code", r->sip_code);
    else
        json_kv_null(j, "sip_code");
    if (r->duration_ms >= 0)
        json_kv_int(j, "duration_ms", r->duration_ms);
    else
        json_kv_null(j, "duration_ms");
}

static void call(struct json *j, unsigned event, const struct call_record *r)
{
    json_kv_str(j, "uid", r->uid);
    json_kv_text(j, "call_id", r->call_id);
    json_kv_str(j, "state", r->state);
    json_kv_str(j, "direction", r->direction);
    party(j, "from", &r->from, &r->identity.caller);
    party(j, "to", &r->to, &r->identity.callee);
    known(j, "tenant", r->tenant);
    known(j, "trunk", r->trunk);
    known(j, "site", r->site);
    json_kv_time(j, "started_at", r->started_us);
    json_kv_time(j, "ringing_at", r->ringing_us);
    json_kv_time(j, "answered_at", r->answered_us);
    if (event == WORKER_CALL_ENDED || event == WEBHOOK_RECORDED)
        ended(j, r);
    if (event != WEBHOOK_RECORDED)
        return;
    json_key(j, "recording");
    record_json_recording(j, r, false, true);
}

static bool comes_often(unsigned event)
{
    return event == WORKER_CALL_PAUSED || event == WORKER_CALL_RESUMED;
}

static void say(struct buf *out, unsigned event, const char *id, const struct call_record *r)
{
    struct json j;
    json_init(&j, out);
    json_object(&j);
    json_kv_str(&j, "event", webhook_event_text(event));
    json_kv_str(&j, "id", id);
    json_kv_time(&j, "time", event_time(event, r));
    known(&j, "probe", r->probe);
    if (comes_often(event)) /* "both, by token:crm, for 60 s" */
        known(&j, "detail", r->event_count ? r->events[0].detail : slice_none());
    json_key(&j, "call");
    json_object(&j);
    call(&j, event, r);
    json_key(&j, "tags");
}

void webhook_say(struct buf *out, unsigned event, const struct call_record *r)
{
    char id[104];
    int n = snprintf(id, sizeof id, "%s/%s", r->uid, webhook_event_text(event) + 5);
    if (comes_often(event))
        snprintf(id + n, sizeof id - (size_t)n, "/%lld", (long long)event_time(event, r));
    say(out, event, id, r);
}

/* The same event as that of the recording, and not to be taken for it. */
void webhook_say_tracks(struct buf *out, const struct call_record *r)
{
    char id[104];
    snprintf(id, sizeof id, "%s/recorded/tracks", r->uid);
    say(out, WEBHOOK_RECORDED, id, r);
}

void webhook_body(struct buf *out, struct slice said, const struct record_tags *tags)
{
    struct json j;
    buf_slice(out, said);
    json_init(&j, out);
    record_json_tags(&j, tags);
    buf_str(out, "}}"); /* of the call and of all */
}

/* Once more when it becomes worse or begins again: then the id is another one. */
void webhook_say_alert(struct buf *out, const struct finding_record *f)
{
    char id[120];
    struct json j;
    snprintf(id, sizeof id, "%s/%lld/%s", f->uid, (long long)f->episodes, f->severity);
    json_init(&j, out);
    json_object(&j);
    json_kv_str(&j, "event", webhook_event_text(WEBHOOK_ALERT));
    json_kv_str(&j, "id", id);
    json_kv_time(&j, "time", f->updated_us);
    json_key(&j, "finding");
    json_object(&j);
    user_fields_json(&j, USER_FINDING, f, false);
    json_end(&j);
    json_end(&j);
}

void webhook_say_test(struct buf *out, const char *id, const char *actor, int64_t now_us)
{
    struct json j;
    json_init(&j, out);
    json_object(&j);
    json_kv_str(&j, "event", webhook_event_text(WEBHOOK_TEST));
    json_kv_str(&j, "id", id);
    json_kv_time(&j, "time", now_us);
    json_kv_str(&j, "by", actor);
    json_end(&j);
}
