#include "api/live_json.h"

#include <math.h>
#include <stdio.h>

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

void live_json_fields(struct json *j, const struct live_call *c)
{
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
}

void live_json_streams(struct json *j, const struct live_call *c)
{
    json_key(j, "streams");
    json_array(j);
    for (unsigned i = 0; i < c->stream_count && i < LIVE_STREAMS_MAX; i++)
        live_stream_json(j, &c->streams[i]);
    json_end(j);
}

/* ---- events ---- */

static void end_json(struct json *j, const struct live_event *e)
{
    json_key(j, "end");
    json_object(j);
    json_kv_time(j, "ended_at", e->end.ended_us);
    json_kv_str(j, "outcome", e->end.outcome);
    json_kv_str(j, "end_reason", e->end.end_reason);
    json_kv_str(j, "released_by", e->end.released_by);
    if (e->end.duration_ms < 0)
        json_kv_null(j, "duration_ms");
    else
        json_kv_int(j, "duration_ms", e->end.duration_ms);
    json_end(j);
}

static void alert_json(struct json *j, const struct live_event *e)
{
    char ssrc[16];

    snprintf(ssrc, sizeof ssrc, "0x%08x", e->alert.ssrc);
    json_key(j, "alert");
    json_object(j);
    json_kv_str(j, "party", e->alert.party);
    json_kv_str(j, "ssrc", ssrc);
    json_kv_double(j, "mos", e->alert.mos, 3);
    json_kv_str(j, "scale", e->alert.scale);
    json_kv_str(j, "quality", e->alert.band);
    json_end(j);
}

void live_json_event(struct json *j, const struct live_event *e)
{
    json_object(j);
    json_kv_time(j, "at", e->at_us);
    if (e->kind == LIVE_CALL_ENDED)
        end_json(j, e);
    if (e->kind == LIVE_QUALITY_ALERT)
        alert_json(j, e);
    if (e->kind == LIVE_RECORDING_PAUSED || e->kind == LIVE_RECORDING_RESUMED)
        json_kv_text(j, "detail", slice_str(e->detail));
    json_key(j, "call");
    json_object(j);
    live_json_fields(j, &e->call);
    live_json_streams(j, &e->call);
    json_end(j);
    json_end(j);
}
