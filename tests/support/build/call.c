/* A call is drawn whole when it begins: who, where, the script of its signalling, and from when to
 * when each side sends media. Nothing is decided later, so its truth is known from here on but for
 * what the network does to packets. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

#include "tests/support/build/internal.h"

#define MS 1000

static void add(struct call *call, int64_t us, struct step step)
{
    assert(call->step_count < STEPS_MAX);
    step.us = us;
    call->steps[call->step_count++] = step;
}

#define REQUEST(m, n, ...)                                                                         \
    (struct step)                                                                                  \
    {                                                                                              \
        .method = (m), .by_caller = true, .cseq = (n), __VA_ARGS__                                 \
    }
#define RESPONSE(status, n, ...)                                                                   \
    (struct step)                                                                                  \
    {                                                                                              \
        .method = "INVITE", .code = (status), .by_caller = true, .cseq = (n), __VA_ARGS__          \
    }

/* ---- who ---- */

static void draw_side(const struct traffic_config *c, struct call *call, int which)
{
    struct side *s = &call->side[which];
    uint32_t host = call->index + 1;

    *s = (struct side){.sip_port = 5060};
    if (c->ipv6) {
        static const uint8_t prefix[4] = {0x20, 0x01, 0x0d, 0xb8};
        memcpy(s->ip, prefix, 4);
        s->ip[5] = which ? 2 : 1;
        put32(s->ip + 12, host);
    } else {
        put32(s->ip, (which ? 0x0a400000u : 0x0a200000u) + host);
    }
    inet_ntop(c->ipv6 ? AF_INET6 : AF_INET, s->ip, s->ip_text, sizeof s->ip_text);
    snprintf(s->user, sizeof s->user, "+49%s%07u", which ? "8922" : "3011", host);
    snprintf(s->tag, sizeof s->tag, "%08x", (uint32_t)rng_next(&call->rng));
    s->rtp_port = (uint16_t)(10000 + 2 * rng_below(&call->rng, 20000));
    s->ip_id = (uint16_t)rng_next(&call->rng);
}

static void draw_parties(struct traffic *t, struct call *call)
{
    const struct traffic_config *c = &t->config;
    draw_side(c, call, 0);
    draw_side(c, call, 1);
    snprintf(call->call_id, sizeof call->call_id, "%016llx-%u@earshot.example",
             (unsigned long long)rng_next(&call->rng), call->index + 1);
    if (rng_chance(&call->rng, c->vlan_pct)) { /* the directions often differ */
        call->side[0].vlan = 100;
        call->side[1].vlan = 200;
    }
    for (int i = 0; i < 2; i++) {
        struct side *from = &call->side[i], *to = &call->side[!i];
        wire_head_make(&call->sip_head[i], c->link_type, c->ipv6, from, to, from->sip_port,
                       to->sip_port);
    }
}

static enum traffic_outcome draw_outcome(const struct traffic_config *c, struct rng *r)
{
    if (c->outcome != OUTCOME_MIX)
        return c->outcome;
    uint32_t draw = rng_below(r, 105);
    return draw < 70 ? OUTCOME_ANSWERED : (enum traffic_outcome)(OUTCOME_BUSY + (draw - 70) / 5);
}

/* ---- signalling before the answer ---- */

/* The INVITE up to 100 Trying; returns the time, and the CSeq that was processed. */
static int64_t open_call(const struct traffic_config *c, struct call *call, uint8_t *ret_cseq)
{
    struct rng *r = &call->rng;
    int64_t us = call->started_us;
    uint8_t sdp = c->late_offer ? SDP_NONE : SDP_SENDRECV;
    uint8_t flags = STEP_INITIAL | (c->big_invite ? STEP_BIG : 0);
    uint8_t cseq = 1;

    add(call, us, REQUEST("INVITE", cseq, .sdp = sdp, .flags = flags));
    if (c->auth && call->outcome != OUTCOME_LOST) {
        us += rng_between(r, 3 * MS, 12 * MS);
        add(call, us, RESPONSE(407, cseq, .flags = STEP_CHALLENGE));
        us += rng_between(r, 1 * MS, 5 * MS);
        add(call, us, REQUEST("ACK", cseq, .flags = STEP_CHALLENGE));
        us += rng_between(r, 1 * MS, 9 * MS);
        cseq++;
        add(call, us, REQUEST("INVITE", cseq, .sdp = sdp, .flags = flags | STEP_CREDENTIALS));
    }
    *ret_cseq = cseq;
    if (call->outcome == OUTCOME_LOST)
        return us;
    us += rng_between(r, 2 * MS, 20 * MS);
    add(call, us, RESPONSE(100, cseq));
    return us;
}

static int64_t ring(const struct traffic_config *c, struct call *call, int64_t us, uint8_t cseq)
{
    us += rng_between(&call->rng, 80 * MS, 600 * MS);
    if (c->early) {
        add(call, us, RESPONSE(183, cseq, .sdp = SDP_SENDRECV));
        call->ringing_us = us; /* the caller hears something: it counts as ringing */
        us += rng_between(&call->rng, 5 * MS, 50 * MS);
    }
    add(call, us, RESPONSE(180, cseq));
    if (call->ringing_us == 0)
        call->ringing_us = us;
    return us + rng_between(&call->rng, 800 * MS, 3000 * MS);
}

static void refuse(struct call *call, int64_t us, uint8_t cseq, uint16_t code, const char *by)
{
    add(call, us, RESPONSE(code, cseq, .flags = code == 302 ? STEP_REDIRECT : 0));
    call->code = code;
    call->released_by = by;
    call->ended_us = us;
    us += rng_between(&call->rng, 1 * MS, 20 * MS);
    add(call, us, REQUEST("ACK", cseq));
}

static void cancel(struct call *call, int64_t us, uint8_t cseq)
{
    add(call, us, REQUEST("CANCEL", cseq, .flags = STEP_INITIAL));
    us += rng_between(&call->rng, 2 * MS, 15 * MS);
    add(call, us, (struct step){.method = "CANCEL", .code = 200, .by_caller = true, .cseq = cseq});
    us += rng_between(&call->rng, 1 * MS, 5 * MS);
    refuse(call, us, cseq, 487, "caller");
}

/* Nobody answers: the INVITE again after 0.5 s, 1 s more, 2 s more (RFC 3261 17.1.1.2). */
static void lose(struct call *call, int64_t us, uint8_t cseq)
{
    struct step again = call->steps[0];
    (void)cseq;
    for (int64_t wait = 500 * MS; wait <= 2000 * MS; wait *= 2) {
        us += wait;
        add(call, us, again);
    }
    call->released_by = "unknown";
    call->ended_us = us;
}

/* ---- an answered call ---- */

static void change_hold(struct call *call, int64_t us, uint8_t cseq, bool hold)
{
    uint8_t offer = hold ? SDP_SENDONLY : SDP_SENDRECV;
    uint8_t answer = hold ? SDP_RECVONLY : SDP_SENDRECV;
    add(call, us, REQUEST("INVITE", cseq, .sdp = offer));
    add(call, us + 12 * MS, RESPONSE(200, cseq, .sdp = answer));
    add(call, us + 20 * MS, REQUEST("ACK", cseq, .branch = 1));
}

static void hang_up(struct call *call, int64_t us, uint8_t cseq)
{
    bool by_caller = rng_below(&call->rng, 2) == 0;
    struct step bye = {.method = "BYE", .by_caller = by_caller, .cseq = by_caller ? cseq : 1};
    add(call, us, bye);
    bye.code = 200;
    add(call, us + rng_between(&call->rng, 3 * MS, 30 * MS), bye);
    call->released_by = by_caller ? "caller" : "callee";
    call->ended_us = us;
}

static void plan_stream(struct traffic *t, struct call *call, int which, int64_t from_us,
                        int64_t to_us)
{
    const struct traffic_config *c = &t->config;
    struct stream *s = &call->stream[which];
    struct side *from = &call->side[which], *to = &call->side[!which];
    uint32_t ptime_us = c->ptime_ms * MS;

    from_us += (int64_t)rng_below(&call->rng, 4000);
    *s = (struct stream){.on = true,
                         .rng = {rng_next(&call->rng)},
                         .config = c,
                         .audio = &t->audio,
                         .from = from,
                         .to = to,
                         .first_us = from_us,
                         .slots = (uint32_t)((to_us - from_us) / ptime_us),
                         .party = c->media_only ? "unknown"
                                  : which       ? "callee"
                                                : "caller"};
    wire_head_make(&s->head, c->link_type, c->ipv6, from, to, from->rtp_port, to->rtp_port);
    wire_head_make(&s->rtcp_head, c->link_type, c->ipv6, from, to, (uint16_t)(from->rtp_port + 1),
                   (uint16_t)(to->rtp_port + 1));
    s->rtcp_us = from_us + rng_between(&call->rng, 500 * MS, 5000 * MS);
    if (c->restart || c->ssrc_change)
        s->joint = s->slots * 7 / 10;
    if (c->dtmf && which == 0 && s->slots >= 200)
        s->dtmf_from = s->slots / 5;
}

static void plan_hold(struct call *call, int64_t duration_us, uint8_t *cseq)
{
    struct stream *s = &call->stream[1];
    int64_t hold_us = call->answered_us + duration_us * 4 / 10;
    int64_t resume_us = call->answered_us + duration_us * 6 / 10;
    uint32_t ptime_us;

    change_hold(call, hold_us, ++*cseq, true);
    change_hold(call, resume_us, ++*cseq, false);
    if (!s->on)
        return;
    ptime_us = s->audio->ptime_ms * MS;
    s->hold_from = (uint32_t)((hold_us + 12 * MS - s->first_us) / ptime_us) + 1;
    s->hold_to = (uint32_t)((resume_us + 12 * MS - s->first_us) / ptime_us) + 1;
}

static void answer(struct traffic *t, struct call *call, int64_t us, int64_t early_us, uint8_t cseq)
{
    const struct traffic_config *c = &t->config;
    int64_t duration_us = (int64_t)(c->duration_s * 1e6);
    int64_t ack_us = us + rng_between(&call->rng, 5 * MS, 30 * MS);
    int64_t end_us = us + duration_us;

    add(call, us, RESPONSE(200, cseq, .sdp = SDP_SENDRECV));
    add(call, ack_us,
        REQUEST("ACK", cseq, .branch = 1, .sdp = c->late_offer ? SDP_SENDRECV : SDP_NONE));
    call->code = 200;
    call->answered_us = us;
    if (!c->sip_only) {
        int64_t callee_us = c->early        ? early_us + 10 * MS
                            : c->late_offer ? ack_us + 6 * MS
                                            : us + 6 * MS;
        plan_stream(t, call, 0, ack_us + 4 * MS, end_us);
        plan_stream(t, call, 1, callee_us, end_us);
    }
    if (c->hold)
        plan_hold(call, duration_us, &cseq);
    call->no_bye = rng_chance(&call->rng, c->no_bye_pct);
    if (!call->no_bye)
        hang_up(call, end_us + (int64_t)(c->jitter_ms * MS) + 30 * MS, ++cseq);
    else
        call->ended_us = call->steps[call->step_count - 1].us; /* media may prolong it */
}

/* ---- all of it ---- */

static void plan_signalling(struct traffic *t, struct call *call)
{
    const struct traffic_config *c = &t->config;
    uint8_t cseq;
    int64_t us = open_call(c, call, &cseq);
    int64_t soon = us + rng_between(&call->rng, 30 * MS, 300 * MS);

    switch (call->outcome) {
    case OUTCOME_BUSY:
        refuse(call, soon, cseq, 486, "callee");
        break;
    case OUTCOME_REDIRECTED:
        refuse(call, soon, cseq, 302, "callee");
        break;
    case OUTCOME_FAILED:
        refuse(call, soon, cseq, call->index % 2 ? 404 : 503, "network");
        break;
    case OUTCOME_LOST:
        lose(call, us, cseq);
        break;
    case OUTCOME_REJECTED:
        refuse(call, ring(c, call, us, cseq), cseq, 603, "callee");
        break;
    case OUTCOME_NO_ANSWER:
        refuse(call, ring(c, call, us, cseq), cseq, 480, "callee");
        break;
    case OUTCOME_CANCELLED:
        cancel(call, ring(c, call, us, cseq), cseq);
        break;
    default: {
        int64_t answered_us = ring(c, call, us, cseq);
        answer(t, call, answered_us, call->ringing_us, cseq);
    }
    }
}

void call_plan(struct traffic *t, struct call *call, uint32_t index, int64_t start_us)
{
    const struct traffic_config *c = &t->config;

    *call = (struct call){.index = index, .started_us = start_us, .released_by = "unknown"};
    call->rng.state = c->seed * UINT64_C(0x9e3779b97f4a7c15) + index * UINT64_C(0xd1342543de82ef95);
    draw_parties(t, call);
    call->outcome = c->media_only ? OUTCOME_ANSWERED : draw_outcome(c, &call->rng);
    if (!c->media_only) {
        plan_signalling(t, call);
        return;
    }
    for (int i = 0; i < 2; i++)
        plan_stream(t, call, i, start_us, start_us + (int64_t)(c->duration_s * 1e6));
}
