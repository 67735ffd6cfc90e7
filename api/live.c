/* Calls that have not ended: the pipeline's snapshot as JSON. Field names are those of the call
 * object where both have them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/limit.h"
#include "api/record_json.h"

#define LIVE_LIMIT_DEFAULT 100
#define LIVE_LIMIT_MAX     1000

static void kv_text(struct json *j, const char *key, const char *text)
{
    if (text[0])
        json_kv_text(j, key, slice_str(text));
    else
        json_kv_null(j, key);
}

static void party_json(struct json *j, const char *key, const char *user, const char *display,
                       const char *host)
{
    json_key(j, key);
    json_object(j);
    kv_text(j, "user", user);
    kv_text(j, "display", display);
    kv_text(j, "host", host);
    json_end(j);
}

static void endpoint_json(struct json *j, const char *key, const struct endpoint *e)
{
    char text[ENDPOINT_TEXT_SIZE];

    json_kv_str(j, key, addr_is_any(e->addr) && e->port == 0 ? NULL : endpoint_text(e, text));
}

static void live_stream_json(struct json *j, const struct live_stream *s)
{
    char ssrc[16];

    snprintf(ssrc, sizeof ssrc, "0x%08x", s->ssrc);
    json_object(j);
    json_kv_str(j, "party", s->party);
    json_kv_str(j, "ssrc", ssrc);
    endpoint_json(j, "src", &s->src);
    endpoint_json(j, "dst", &s->dst);
    kv_text(j, "codec", s->codec);
    json_kv_int(j, "packets", (int64_t)s->packets);
    json_kv_int(j, "expected", (int64_t)s->expected);
    json_kv_int(j, "lost", (int64_t)s->lost);
    json_kv_double(j, "loss_ratio", s->expected ? (double)s->lost / (double)s->expected : NAN, 6);
    json_kv_double(j, "jitter_ms", s->jitter_ms, 3);
    json_kv_double(j, "mos", s->mos, 3);
    json_kv_double(j, "rtt_ms", s->rtt_ms, 3);
    json_kv_double(j, "remote_loss_ratio", s->remote_loss_ratio, 6);
    json_kv_time(j, "last_at", s->last_us);
    json_end(j);
}

/* Nothing is attached where the store cannot say. */
static void live_tags_json(struct exchange *x, struct json *j, const struct live_call *c)
{
    struct record_tags tags;

    bool known = store_tags(x->reader, c->uid, c->started_us, &tags) == 0;
    json_key(j, "tags");
    record_json_tags(j, known ? &tags : NULL);
}

static void live_call_json(struct exchange *x, struct json *j, const struct live_call *c)
{
    json_object(j);
    json_kv_str(j, "uid", c->uid);
    json_kv_str(j, "kind", c->kind);
    json_kv_str(j, "state", c->state);
    json_kv_str(j, "direction", c->direction);
    json_kv_str(j, "trunk", c->trunk);
    json_kv_str(j, "site", c->site);
    json_kv_str(j, "from_site", c->from_site);
    json_kv_str(j, "to_site", c->to_site);
    json_kv_str(j, "tenant", c->tenant);
    json_kv_time(j, "started_at", c->started_us);
    json_kv_time(j, "ringing_at", c->ringing_us);
    json_kv_time(j, "answered_at", c->answered_us);
    json_kv_bool(j, "partial", c->partial);
    kv_text(j, "call_id", c->call_id);
    party_json(j, "from", c->from_user, c->from_display, c->from_host);
    party_json(j, "to", c->to_user, "", c->to_host);
    kv_text(j, "user_agent", c->user_agent);
    endpoint_json(j, "src", &c->src);
    endpoint_json(j, "dst", &c->dst);
    if (c->sip_code)
        json_kv_int(j, "sip_code", c->sip_code);
    else
        json_kv_null(j, "sip_code");
    json_kv_bool(j, "recording", c->recording);
    json_kv_str(j, "paused", c->paused);
    json_kv_time(j, "paused_at", c->paused_us);
    json_kv_time(j, "resumes_at", c->resumes_us);
    live_tags_json(x, j, c);
    json_key(j, "streams");
    json_array(j);
    for (unsigned i = 0; i < c->stream_count && i < LIVE_STREAMS_MAX; i++)
        live_stream_json(j, &c->streams[i]);
    json_end(j);
    json_end(j);
}

static bool may_see(const void *asker, const struct live_call *call)
{
    return limit_allows_live(asker, call);
}

/* False: the problem is set. */
static bool snapshot(struct exchange *x, const char *uid, unsigned max,
                     struct live_call **ret_calls, unsigned *ret_count)
{
    const struct live_source *live = &x->api->config->live;
    const struct live_want want = {.uid = uid, .may_see = may_see, .asker = &x->who.limit};

    *ret_calls = NULL;
    *ret_count = 0;
    if (live->snapshot == NULL ||
        live->snapshot(live->context, &want, max, ret_calls, ret_count) == 0)
        return true;
    problem(x->rs, x->rq, 503, "live_unavailable", NULL,
            "The live view does not answer; try again.");
    return false;
}

void handle_live_calls(struct exchange *x)
{
    struct live_call *calls;
    unsigned count;
    uint32_t limit;
    struct json j;

    if (!exchange_number(x, "limit", LIVE_LIMIT_DEFAULT, LIVE_LIMIT_MAX, &limit) ||
        !snapshot(x, NULL, limit + 1, &calls, &count))
        return;
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_key(&j, "data");
    json_array(&j);
    for (unsigned i = 0; i < count && i < limit; i++)
        live_call_json(x, &j, &calls[i]);
    json_end(&j);
    json_kv_bool(&j, "has_more", count > limit);
    json_kv_time(&j, "at", x->rq->now_us);
    json_end(&j);
    free(calls);
    exchange_json_done(x);
}

struct live_call *exchange_live_call(struct exchange *x)
{
    struct live_call *calls;
    unsigned count;

    if (!snapshot(x, x->rq->path_value[0], 1, &calls, &count))
        return NULL;
    if (count == 0) {
        free(calls);
        calls = NULL;
        exchange_store_problem(x, ERR_NOT_FOUND, "live call");
    }
    return calls;
}

void handle_live_call(struct exchange *x)
{
    struct live_call *call = exchange_live_call(x);
    struct json j;

    if (call == NULL)
        return;
    json_init(&j, &x->rs->body);
    live_call_json(x, &j, call);
    exchange_json_done(x);
    free(call);
}
