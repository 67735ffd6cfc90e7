/* MGCP and H.323 calls: messages and RTP at the table of calls, without frames around them. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/call/expire.h"
#include "capture/call/flows.h"
#include "capture/call/foreign_calls.h"
#include "capture/foreign/h225.h"
#include "tests/unit/call/scene.h"

#define STAGE_CALLS 8

#define AGENT   "10.0.0.9:2727"
#define GATE_A  "10.0.0.1:2427"
#define GATE_B  "10.0.0.2:2427"
#define MEDIA_A "10.0.0.1:4000"
#define MEDIA_B "10.0.0.2:5000"

struct shown {
    struct call call; /* as it ended */
    char from_user[64], from_host[64], to_user[64], to_host[64], call_id[64], reason[64];
    char notes[400];
    char states[16];
    uint8_t uid[16];
    unsigned rtp[2]; /* by party */
    unsigned bound;
    enum flow_confidence confidence;
    bool ended;
};

struct stage {
    struct calls calls;
    struct foreign_calls *foreign;
    struct counters_set *set;
    struct counters *counters;
    struct shown shown[STAGE_CALLS];
    unsigned count;
    unsigned at[64];    /* call number -> index + 1 */
    uint8_t party[256]; /* by flow */
};

static void note_state(struct shown *s, const struct call_brief *b)
{
    size_t n = strlen(s->states);
    char now = "TRAE"[b->state];
    if (n + 1 < sizeof s->states && (n == 0 || s->states[n - 1] != now))
        s->states[n] = now;
}

static void take_ended(struct shown *s, struct call *call)
{
    s->call = *call;
    s->ended = true;
    slice_copy_to(call->from.user, s->from_user, sizeof s->from_user);
    slice_copy_to(call->from.host, s->from_host, sizeof s->from_host);
    slice_copy_to(call->to.user, s->to_user, sizeof s->to_user);
    slice_copy_to(call->to.host, s->to_host, sizeof s->to_host);
    slice_copy_to(call->call_id, s->call_id, sizeof s->call_id);
    slice_copy_to(call->reason_phrase, s->reason, sizeof s->reason);
    size_t used = 0;
    for (const struct call_event *e = call->events; e && used < sizeof s->notes; e = e->next)
        used += (size_t)snprintf(s->notes + used, sizeof s->notes - used, "%s%s(%.*s)",
                                 used ? " " : "", e->kind, SLICE_ARGS(e->detail));
    call_free(call);
}

static bool take(void *context, unsigned worker, const struct event *e)
{
    struct stage *t = context;
    (void)worker;
    if (e->kind == EVENT_TICK || event_is_user(e->kind))
        return true;
    if (e->kind == EVENT_CALL_STARTED && t->count < STAGE_CALLS)
        t->at[e->call % 64] = ++t->count;
    struct shown *s = &t->shown[t->at[e->call % 64] - 1];
    switch ((enum event_kind)e->kind) {
    case EVENT_CALL_STARTED:
    case EVENT_CALL_CHANGED:
        note_state(s, (const struct call_brief *)(const void *)e->body.data);
        memcpy(s->uid, ((const struct call_brief *)(const void *)e->body.data)->uid, 16);
        break;
    case EVENT_CALL_ENDED:
        take_ended(s, e->ended.call);
        break;
    case EVENT_FLOW_BOUND: {
        struct flow_media media;
        memcpy(&media, e->body.data, sizeof media);
        t->party[e->flow % 256] = media.party;
        s->confidence = (enum flow_confidence)media.confidence;
        s->bound++;
        break;
    }
    case EVENT_MEDIA:
        s->rtp[t->party[e->flow % 256]]++;
        break;
    default:
        break;
    }
    return true;
}

static struct stage *stage_new(uint32_t calls_max)
{
    struct stage *t = calloc(1, sizeof *t);
    struct front_config config;
    scene_config(&config);
    config.calls_max = calls_max;
    t->set = counters_set_new();
    t->counters = counters_block(t->set);
    struct event_sink sink = {.context = t, .workers = 1, .push = take};
    cr_assert_eq(calls_init(&t->calls, &config, &sink, t->counters), 0);
    cr_assert_eq(foreign_calls_new(&t->calls, &t->foreign), 0);
    t->calls.time_ns = t->calls.steady_ns = SCENE_START_NS;
    expire_advance(&t->calls);
    return t;
}

static void stage_end(struct stage *t)
{
    expire_all(&t->calls, CALL_END_CUT);
    foreign_calls_free(t->foreign);
    calls_fini(&t->calls);
    counters_set_free(t->set);
    free(t);
}

static uint64_t count_of(const struct stage *t, unsigned cell)
{
    return counters_sum(t->set, cell);
}

static void pass(struct stage *t, double at_ms)
{
    int64_t now_ns = SCENE_START_NS + (int64_t)(at_ms * 1e6);
    struct calls *c = &t->calls;
    while (c->steady_ns / TICK_NS < now_ns / TICK_NS) {
        c->time_ns = c->steady_ns = (c->steady_ns / TICK_NS + 1) * TICK_NS;
        expire_advance(c);
    }
    c->time_ns = c->steady_ns = now_ns;
}

static struct datagram datagram_of(const struct stage *t, const char *src, const char *dst,
                                   struct slice payload, uint8_t proto)
{
    return (struct datagram){.src = scene_endpoint(src),
                             .dst = scene_endpoint(dst),
                             .payload = payload,
                             .payload_wire = (uint32_t)payload.size,
                             .time_ns = t->calls.time_ns,
                             .proto = proto,
                             .transport = proto};
}

static bool say(struct stage *t, double at_ms, const char *src, const char *dst, const char *text)
{
    pass(t, at_ms);
    struct datagram d = datagram_of(t, src, dst, slice_str(text), PROTO_UDP);
    return foreign_calls_datagram(t->foreign, &d);
}

static void rtp(struct stage *t, double at_ms, const char *src, const char *dst, unsigned count)
{
    uint8_t packet[172] = {0x80, 0};
    memcpy(packet + 8, src + 5, 4);
    for (unsigned i = 0; i < count; i++) {
        pass(t, at_ms + 20.0 * i);
        packet[3] = (uint8_t)i;
        packet[2] = (uint8_t)(i >> 8);
        uint32_t timestamp = i * 160;
        for (unsigned k = 0; k < 4; k++)
            packet[4 + k] = (uint8_t)(timestamp >> (24 - 8 * k));
        struct datagram d = datagram_of(t, src, dst, slice_of(packet, sizeof packet), PROTO_UDP);
        cr_assert(!foreign_calls_datagram(t->foreign, &d));
        flows_packet(&t->calls, &d);
    }
}

/* ---- MGCP ---- */

#define SDP_A "\r\nv=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n"
#define SDP_B "\r\nv=0\r\nc=IN IP4 10.0.0.2\r\nm=audio 5000 RTP/AVP 0\r\n"

/* As RFC 3435 has it: a side, the other, ringing, both ways. */
static void set_up(struct stage *t, bool sdp)
{
    say(t, 0, AGENT, GATE_A, "CRCX 1 aaln/1@a.example MGCP 1.0\r\nC: 77\r\nM: recvonly\r\n");
    say(t, 20, GATE_A, AGENT, sdp ? "200 1 OK\r\nI: A1\r\n" SDP_A : "200 1 OK\r\nI: A1\r\n");
    say(t, 100, AGENT, GATE_B,
        sdp ? "CRCX 2 aaln/2@b.example MGCP 1.0\r\nC: 77\r\nM: sendrecv\r\n" SDP_A
            : "CRCX 2 aaln/2@b.example MGCP 1.0\r\nC: 77\r\nM: sendrecv\r\n");
    say(t, 120, GATE_B, AGENT, sdp ? "200 2 OK\r\nI: B1\r\n" SDP_B : "200 2 OK\r\nI: B1\r\n");
    say(t, 200, AGENT, GATE_B, "RQNT 3 aaln/2@b.example MGCP 1.0\r\nX: 1\r\nR: hd\r\nS: L/rg\r\n");
    say(t, 220, GATE_B, AGENT, "200 3 OK\r\n");
    say(t, 3000, AGENT, GATE_A,
        sdp ? "MDCX 4 aaln/1@a.example MGCP 1.0\r\nC: 77\r\nI: A1\r\nM: sendrecv\r\n" SDP_B
            : "MDCX 4 aaln/1@a.example MGCP 1.0\r\nC: 77\r\nI: A1\r\nM: sendrecv\r\n");
    say(t, 3020, GATE_A, AGENT, "200 4 OK\r\n");
}

static void hang_up(struct stage *t, double at_ms)
{
    say(t, at_ms, GATE_B, AGENT, "NTFY 900 aaln/2@b.example MGCP 1.0\r\nX: 1\r\nO: L/hu\r\n");
    say(t, at_ms + 10, AGENT, GATE_B, "200 900 OK\r\n");
    say(t, at_ms + 20, AGENT, GATE_A, "DLCX 5 aaln/1@a.example MGCP 1.0\r\nC: 77\r\nI: A1\r\n");
    say(t, at_ms + 25, AGENT, GATE_B, "DLCX 6 aaln/2@b.example MGCP 1.0\r\nC: 77\r\nI: B1\r\n");
    say(t, at_ms + 40, GATE_A, AGENT, "250 5 OK\r\nP: PS=50, OS=8000, PR=50, OR=8000, PL=0\r\n");
    say(t, at_ms + 45, GATE_B, AGENT, "250 6 OK\r\n");
}

static double ms(int64_t time_ns)
{
    return (double)(time_ns - SCENE_START_NS) / 1e6;
}

Test(mgcp_calls, a_call_has_its_names_times_and_media)
{
    struct stage *t = stage_new(100);
    set_up(t, true);
    rtp(t, 3100, MEDIA_A, MEDIA_B, 50);
    rtp(t, 4200, MEDIA_B, MEDIA_A, 40);
    hang_up(t, 6000);
    pass(t, 20000);
    cr_assert_eq(t->count, 1);
    const struct shown *s = &t->shown[0];
    cr_assert(s->ended);
    cr_assert_eq(s->call.kind, CALL_MGCP);
    cr_assert_str_eq(s->call_id, "77");
    cr_assert_str_eq(s->from_user, "aaln/1");
    cr_assert_str_eq(s->from_host, "a.example");
    cr_assert_str_eq(s->to_user, "aaln/2");
    cr_assert_str_eq(s->to_host, "b.example");
    cr_assert_str_eq(s->states, "TRAE");
    cr_assert_eq(s->call.outcome, CALL_OUTCOME_ANSWERED);
    cr_assert_eq(s->call.end_reason, CALL_END_BYE);
    cr_assert_eq(s->call.released_by, CALL_CALLEE);
    cr_assert_float_eq(ms(s->call.started_ns), 0, 0.01);
    cr_assert_float_eq(ms(s->call.ringing_ns), 200, 0.01);
    cr_assert_float_eq(ms(s->call.answered_ns), 3020, 0.01);
    cr_assert_float_eq(ms(s->call.ended_ns), 6025, 0.01);
    cr_assert_eq(s->rtp[CALL_CALLER], 50);
    cr_assert_eq(s->rtp[CALL_CALLEE], 40);
    cr_assert_eq(s->confidence, FLOW_SDP);
    cr_assert(!s->call.partial);
    cr_assert_eq(s->call.messages, 14);
    cr_assert_str_eq(s->notes, "update(caller) connection_statistics(PS=50, OS=8000, PR=50, "
                               "OR=8000, PL=0)");
    cr_assert_eq(count_of(t, C_UNSUPPORTED + 1), 0);
    cr_assert_eq(count_of(t, C_CALLS_ACTIVE), 0);
    cr_assert_eq(count_of(t, C_CALLS_ENDED + CALL_OUTCOME_ANSWERED), 1);
    stage_end(t);
}

Test(mgcp_calls, without_sdp_its_media_are_orphans)
{
    struct stage *t = stage_new(100);
    set_up(t, false);
    rtp(t, 3100, MEDIA_A, MEDIA_B, 50);
    hang_up(t, 6000);
    pass(t, 60000);
    cr_assert_eq(t->count, 2);
    cr_assert_eq(t->shown[0].call.kind, CALL_MGCP);
    cr_assert_eq(t->shown[0].rtp[CALL_CALLER] + t->shown[0].rtp[CALL_CALLEE], 0);
    cr_assert_eq(t->shown[0].call.outcome, CALL_OUTCOME_NO_ANSWER, "nobody knew where to send");
    cr_assert_eq(t->shown[1].call.kind, CALL_ORPHAN);
    cr_assert_eq(t->shown[1].rtp[CALL_CALLER], 50);
    stage_end(t);
}

Test(mgcp_calls, one_connection_and_a_remote_description_are_a_call)
{
    struct stage *t = stage_new(100);
    say(t, 0, AGENT, GATE_A, "CRCX 1 aaln/$@a.example MGCP 1.0\r\nC: 5\r\nM: sendrecv\r\n" SDP_B);
    say(t, 20, GATE_A, AGENT, "200 1 OK\r\nI: 1\r\nZ: aaln/7@a.example\r\n" SDP_A);
    rtp(t, 100, MEDIA_B, MEDIA_A, 10);
    say(t, 1000, AGENT, GATE_A, "DLCX 2 aaln/7@a.example MGCP 1.0\r\n"); /* no C:, no I: */
    pass(t, 20000);
    const struct shown *s = &t->shown[0];
    cr_assert(s->ended);
    cr_assert_str_eq(s->from_user, "aaln/7");
    cr_assert_str_eq(s->states, "TAE");
    cr_assert_eq(s->call.outcome, CALL_OUTCOME_ANSWERED);
    cr_assert_eq(s->rtp[CALL_CALLEE], 10);
    stage_end(t);
}

Test(mgcp_calls, repetitions_change_nothing)
{
    struct stage *t = stage_new(100);
    for (unsigned i = 0; i < 3; i++) {
        say(t, i * 10, AGENT, GATE_A, "CRCX 1 aaln/1@a MGCP 1.0\r\nC: 5\r\nM: recvonly\r\n");
        say(t, i * 10 + 5, GATE_A, AGENT, "200 1 OK\r\nI: 1\r\n" SDP_A);
    }
    say(t, 100, AGENT, GATE_A, "DLCX 2 aaln/1@a MGCP 1.0\r\nC: 5\r\nI: 1\r\n");
    pass(t, 20000);
    cr_assert_eq(t->count, 1);
    cr_assert(t->shown[0].ended);
    cr_assert_eq(t->shown[0].call.retransmissions, 4);
    cr_assert_eq(t->shown[0].call.outcome, CALL_OUTCOME_CANCELLED);
    stage_end(t);
}

Test(mgcp_calls, a_refused_connection_ends_the_attempt)
{
    struct stage *t = stage_new(100);
    say(t, 0, AGENT, GATE_A, "CRCX 1 aaln/1@a MGCP 1.0\r\nC: 5\r\nM: recvonly\r\n");
    say(t, 5, GATE_A, AGENT, "100 1 Wait\r\n");
    say(t, 50, GATE_A, AGENT, "510 1 Protocol error\r\n");
    pass(t, 20000);
    cr_assert(t->shown[0].ended);
    cr_assert_eq(t->shown[0].call.outcome, CALL_OUTCOME_FAILED);
    cr_assert_eq(t->shown[0].call.released_by, CALL_NETWORK);
    cr_assert_str_eq(t->shown[0].reason, "510 Protocol error");
    stage_end(t);
}

Test(mgcp_calls, silence_ends_what_nobody_deletes)
{
    struct stage *t = stage_new(100);
    set_up(t, true);
    rtp(t, 3100, MEDIA_A, MEDIA_B, 50);
    pass(t, 120000);
    cr_assert(t->shown[0].ended);
    cr_assert_eq(t->shown[0].call.end_reason, CALL_END_MEDIA_TIMEOUT);
    cr_assert(t->shown[0].call.partial);
    cr_assert_float_eq(ms(t->shown[0].call.ended_ns), 3100 + 49 * 20, 0.01);
    stage_end(t);
}

Test(mgcp_calls, two_agents_may_use_the_same_name)
{
    struct stage *t = stage_new(100);
    say(t, 0, AGENT, GATE_A, "CRCX 1 aaln/1@a MGCP 1.0\r\nC: 5\r\nM: recvonly\r\n");
    say(t, 1, "10.0.0.8:2727", GATE_B, "CRCX 1 aaln/1@b MGCP 1.0\r\nC: 5\r\nM: recvonly\r\n");
    cr_assert_eq(t->count, 2);
    cr_assert_neq(memcmp(t->shown[0].uid, t->shown[1].uid, 16), 0);
    stage_end(t);
}

Test(mgcp_calls, all_of_a_gateway_go_by_one_command)
{
    struct stage *t = stage_new(100);
    say(t, 0, AGENT, GATE_A, "CRCX 1 aaln/1@a MGCP 1.0\r\nC: 5\r\nM: recvonly\r\n");
    say(t, 1, AGENT, GATE_A, "CRCX 2 aaln/2@a MGCP 1.0\r\nC: 5\r\nM: recvonly\r\n");
    say(t, 2, AGENT, GATE_A, "DLCX 3 *@a MGCP 1.0\r\nC: 5\r\n");
    pass(t, 20000);
    cr_assert(t->shown[0].ended);
    cr_assert_eq(t->shown[0].call.end_reason, CALL_END_CANCEL);
    stage_end(t);
}

Test(mgcp_calls, a_flood_of_calls_stays_within_the_table)
{
    struct stage *t = stage_new(4);
    for (unsigned i = 0; i < 60; i++) {
        char text[128];
        snprintf(text, sizeof text, "CRCX %u aaln/%u@a MGCP 1.0\r\nC: %u\r\nM: recvonly\r\n" SDP_B,
                 i + 1, i, i);
        say(t, i, AGENT, GATE_A, text);
        cr_assert_leq(t->calls.live_count, 4);
    }
    cr_assert_eq(count_of(t, C_CALLS_EVICTED), 56);
    stage_end(t);
}

Test(mgcp_calls, a_call_has_few_connections)
{
    struct stage *t = stage_new(4);
    for (unsigned i = 0; i < 20; i++) {
        char text[128];
        snprintf(text, sizeof text, "CRCX %u aaln/%u@a MGCP 1.0\r\nC: 1\r\nM: recvonly\r\n", i + 1,
                 i);
        say(t, i, AGENT, GATE_A, text);
    }
    cr_assert_eq(t->count, 1);
    cr_assert_eq(count_of(t, C_STREAMS_OVER_LIMIT), 20 - 8);
    stage_end(t);
}

/* ---- counting ---- */

Test(foreign_calls, a_flow_that_is_not_followed_counts_once)
{
    struct stage *t = stage_new(4);
    for (unsigned i = 0; i < 5; i++) {
        cr_assert(say(t, i * 1000, GATE_A, AGENT, "RSIP 9 *@a MGCP 1.0\r\nRM: restart\r\n"));
        cr_assert(say(t, i * 1000 + 5, AGENT, GATE_A, "200 9 OK\r\n"));
    }
    cr_assert_eq(count_of(t, C_UNSUPPORTED + 1), 1);
    say(t, 6000, GATE_B, AGENT, "RSIP 9 *@b MGCP 1.0\r\nRM: restart\r\n");
    cr_assert_eq(count_of(t, C_UNSUPPORTED + 1), 2);
    cr_assert(!say(t, 6001, "10.1.1.1:9", "10.1.1.2:9", "200 9 OK\r\n"));
    stage_end(t);
}

static bool stream(struct stage *t, double at_ms, const char *src, const char *dst,
                   struct slice bytes, bool first, void **user)
{
    pass(t, at_ms);
    struct datagram d = datagram_of(t, src, dst, bytes, PROTO_TCP);
    return foreign_calls_stream(t->foreign, &d, first, user);
}

Test(foreign_calls, streams_of_others_are_counted_and_left)
{
    struct stage *t = stage_new(4);
    void *user = NULL;
    static const uint8_t sccp[] = {4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    struct slice rtsp = slice_str("OPTIONS rtsp://cam RTSP/1.0\r\n\r\n");
    cr_assert(!stream(t, 0, "10.0.0.1:99", "10.0.0.2:554", rtsp, true, &user));
    cr_assert(!stream(t, 0, "10.0.0.1:99", "10.0.0.2:554", rtsp, true, &user));
    cr_assert(
        !stream(t, 0, "10.0.0.1:99", "10.0.0.2:2000", slice_of(sccp, sizeof sccp), true, &user));
    cr_assert(
        !stream(t, 0, "10.0.0.1:99", "10.0.0.2:80", slice_str("GET / HTTP/1.1\r\n"), true, &user));
    cr_assert_null(user);
    cr_assert_eq(count_of(t, C_UNSUPPORTED + 3), 1, "SCCP");
    cr_assert_eq(count_of(t, C_UNSUPPORTED + 4), 1, "RTSP");
    stage_end(t);
}

/* ---- H.323 ---- */

#define TERMINAL "10.0.0.1:33000"
#define PEER     "10.0.0.2:1720"

struct q931 {
    uint8_t type;
    bool back; /* from the peer */
    uint8_t cause;
};

static void put_q931(struct buf *b, struct q931 m)
{
    static const uint8_t numbers[] = {0x6c, 5, 0x81, '1', '0', '0', '1',
                                      0x70, 5, 0x81, '2', '0', '0', '2'};
    static const uint8_t user_user[] = {0x7e, 0, 2, 5, 0x20};
    size_t start = b->size;
    buf_u32(b, 0x03000000);
    buf_u16(b, 0x0802);
    buf_u16(b, m.back ? 0x8011 : 0x0011);
    buf_u8(b, m.type);
    if (m.cause) {
        buf_u16(b, 0x0802);
        buf_u8(b, 0x80);
        buf_u8(b, 0x80 | m.cause);
    }
    if (m.type == H225_SETUP)
        buf_add(b, numbers, sizeof numbers);
    buf_add(b, user_user, sizeof user_user);
    b->data[start + 3] = (uint8_t)(b->size - start);
}

static void h225(struct stage *t, double at_ms, struct q931 m, void **user)
{
    struct buf b;
    buf_init(&b, 1024);
    put_q931(&b, m);
    cr_assert(stream(t, at_ms, m.back ? PEER : TERMINAL, m.back ? TERMINAL : PEER, buf_view(&b),
                     *user == NULL, user));
    buf_fini(&b);
}

Test(h323_calls, a_call_has_its_numbers_times_and_end)
{
    struct stage *t = stage_new(4);
    void *user = NULL;
    h225(t, 0, (struct q931){H225_SETUP}, &user);
    h225(t, 50, (struct q931){H225_CALL_PROCEEDING, true}, &user);
    h225(t, 300, (struct q931){H225_ALERTING, true}, &user);
    h225(t, 2000, (struct q931){H225_CONNECT, true}, &user);
    h225(t, 9000, (struct q931){H225_RELEASE_COMPLETE, false, 16}, &user);
    pass(t, 20000);
    foreign_calls_stream_closed(t->foreign, user);
    const struct shown *s = &t->shown[0];
    cr_assert_eq(t->count, 1);
    cr_assert(s->ended);
    cr_assert_eq(s->call.kind, CALL_H323);
    cr_assert_str_eq(s->call_id, "10.0.0.1:33000/17");
    cr_assert_str_eq(s->from_user, "1001");
    cr_assert_str_eq(s->from_host, "10.0.0.1");
    cr_assert_str_eq(s->to_user, "2002");
    cr_assert_str_eq(s->states, "TRAE");
    cr_assert_eq(s->call.outcome, CALL_OUTCOME_ANSWERED);
    cr_assert_eq(s->call.released_by, CALL_CALLER);
    cr_assert_eq(s->call.q850_cause, 16);
    cr_assert_float_eq(ms(s->call.trying_ns), 50, 0.01);
    cr_assert_float_eq(ms(s->call.ringing_ns), 300, 0.01);
    cr_assert_float_eq(ms(s->call.answered_ns), 2000, 0.01);
    cr_assert_float_eq(ms(s->call.ended_ns), 9000, 0.01);
    cr_assert_eq(s->call.messages, 5);
    cr_assert_eq(count_of(t, C_UNSUPPORTED), 0);
    cr_assert_eq(count_of(t, C_CALLS_NO_AUDIO), 0);
    stage_end(t);
}

Test(h323_calls, causes_give_outcomes)
{
    static const struct {
        struct q931 end;
        bool rings;
        enum call_outcome outcome;
        enum call_party by;
    } table[] = {
        {{H225_RELEASE_COMPLETE, true, 17}, false, CALL_OUTCOME_BUSY, CALL_CALLEE},
        {{H225_RELEASE_COMPLETE, true, 19}, true, CALL_OUTCOME_NO_ANSWER, CALL_CALLEE},
        {{H225_RELEASE_COMPLETE, true, 21}, true, CALL_OUTCOME_REJECTED, CALL_CALLEE},
        {{H225_RELEASE_COMPLETE, true, 1}, false, CALL_OUTCOME_FAILED, CALL_NETWORK},
        {{H225_RELEASE_COMPLETE, true, 34}, false, CALL_OUTCOME_FAILED, CALL_NETWORK},
        {{H225_RELEASE_COMPLETE, false, 16}, true, CALL_OUTCOME_CANCELLED, CALL_CALLER},
        {{H225_RELEASE_COMPLETE, false, 0}, false, CALL_OUTCOME_CANCELLED, CALL_CALLER},
        {{H225_RELEASE_COMPLETE, true, 0}, false, CALL_OUTCOME_REJECTED, CALL_CALLEE},
    };
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        struct stage *t = stage_new(4);
        void *user = NULL;
        h225(t, 0, (struct q931){H225_SETUP}, &user);
        if (table[i].rings)
            h225(t, 10, (struct q931){H225_ALERTING, true}, &user);
        h225(t, 20, table[i].end, &user);
        pass(t, 20000);
        foreign_calls_stream_closed(t->foreign, user);
        cr_assert(t->shown[0].ended, "%u", i);
        cr_assert_eq(t->shown[0].call.outcome, table[i].outcome, "%u", i);
        cr_assert_eq(t->shown[0].call.released_by, table[i].by, "%u", i);
        stage_end(t);
    }
}

Test(h323_calls, the_middle_of_a_call_is_counted_only)
{
    struct stage *t = stage_new(4);
    void *user = NULL;
    h225(t, 0, (struct q931){H225_CONNECT, true}, &user);
    h225(t, 10, (struct q931){H225_RELEASE_COMPLETE, true, 16}, &user);
    foreign_calls_stream_closed(t->foreign, user);
    cr_assert_eq(t->count, 0);
    cr_assert_eq(count_of(t, C_UNSUPPORTED), 1);
    stage_end(t);
}

Test(h323_calls, a_reference_may_be_used_again)
{
    struct stage *t = stage_new(4);
    void *user = NULL;
    for (unsigned i = 0; i < 3; i++) {
        h225(t, i * 100, (struct q931){H225_SETUP}, &user);
        h225(t, i * 100 + 50, (struct q931){H225_RELEASE_COMPLETE, true, 17}, &user);
    }
    foreign_calls_stream_closed(t->foreign, user);
    cr_assert_eq(t->count, 3);
    stage_end(t);
}
