/* Tells what really happened, as calls and streams end. */
#include <stdio.h>

#include "tests/support/build/internal.h"

static const char *const outcome_text[] = {
    "mix", "answered", "busy", "no_answer", "cancelled", "rejected", "redirected", "failed", "lost",
};

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void truth_of_call(const struct traffic_config *c, struct call *call)
{
    if (c->on_call == NULL || c->media_only)
        return;
    for (int i = 0; i < 2 && call->no_bye; i++)
        if (call->stream[i].on)
            call->ended_us = later(call->ended_us, call->stream[i].last_us);
    struct truth_call truth = {
        .call_id = call->call_id,
        .outcome = outcome_text[call->outcome],
        .released_by = call->released_by,
        .from = call->side[0].user,
        .to = call->side[1].user,
        .sip_code = call->code,
        .started_us = call->started_us,
        .ringing_us = call->ringing_us,
        .answered_us = call->answered_us,
        .ended_us = call->ended_us,
    };
    c->on_call(c->ctx, &truth);
}

static void endpoint(const struct traffic_config *c, const struct side *s, char *out, size_t size)
{
    snprintf(out, size, c->ipv6 ? "[%s]:%u" : "%s:%u", s->ip_text, s->rtp_port);
}

void truth_of_stream(const struct traffic_config *c, const struct call *call,
                     const struct stream *s)
{
    if (c->on_stream == NULL || s->sent == 0)
        return;
    struct truth_stream truth = {
        .call_id = c->media_only ? NULL : call->call_id,
        .party = s->party,
        .codec = s->audio->name,
        .ssrc = s->ssrc,
        .speech_ms = s->speech_ms,
        .packets = s->sent,
        .expected = s->sent + s->lost,
        .lost = s->lost,
        .duplicates = s->duplicates,
    };
    endpoint(c, s->from, truth.src, sizeof truth.src);
    endpoint(c, s->to, truth.dst, sizeof truth.dst);
    c->on_stream(c->ctx, &truth);
}
