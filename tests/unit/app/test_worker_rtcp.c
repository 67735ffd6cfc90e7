/* A relay passes SSRCs on: reports belong to the hop they ran on. */
#include <criterion/criterion.h>

#include "app/worker_internal.h"
#include "base/error.h"
#include "capture/sip/sdp.h"

enum { CALLER_TO_RELAY, RELAY_TO_CALLEE, RTCP_OF_CALLEE };

static const struct endpoint caller = {.addr = {0, 0xffff0a000001}, .port = 4000};
static const struct endpoint relay_in = {.addr = {0, 0xffff0a000009}, .port = 5000};
static const struct endpoint relay_out = {.addr = {0, 0xffff0a000009}, .port = 6000};
static const struct endpoint callee = {.addr = {0, 0xffff0a000002}, .port = 7000};

#define SSRC 0x11223344u

static void keep(void *context, struct call_record *record)
{
    *(struct call_record **)context = record;
}

static void bind(struct worker *w, uint32_t flow, const struct endpoint *src,
                 const struct endpoint *dst)
{
    struct flow_media media = {.party = CALL_CALLER, .media_type = SDP_AUDIO, .announced = true};
    struct event e = {.kind = EVENT_FLOW_BOUND,
                      .flow = flow,
                      .time_ns = 1000000000,
                      .body = slice_of(&media, sizeof media),
                      .bound = {.src = *src, .dst = *dst}};
    worker_event(w, &e);
}

static void put(struct worker *w, uint32_t flow, struct slice body, bool rtcp, int64_t time_ns)
{
    struct event e = {.kind = EVENT_MEDIA,
                      .flow = flow,
                      .time_ns = time_ns,
                      .body = body,
                      .media = {.wire_bytes = (uint32_t)body.size, .rtcp = rtcp}};
    worker_event(w, &e);
}

static void put_media(struct worker *w, uint32_t flow)
{
    uint8_t packet[172] = {0x80, 0, 0, 0, 0, 0, 0, 0, 0x11, 0x22, 0x33, 0x44};
    for (uint8_t n = 0; n < 10; n++) {
        packet[3] = n;
        packet[7] = (uint8_t)(n * 160);
        packet[6] = (uint8_t)(n * 160 >> 8);
        put(w, flow, slice_of(packet, sizeof packet), false, 1000000000 + n * INT64_C(20000000));
    }
}

/* A receiver report of the callee about the SSRC. */
static void put_report(struct worker *w)
{
    static const uint8_t report[32] = {0x81, 201,  0,    7,    0x55, 0x66, 0x77, 0x88,
                                       0x11, 0x22, 0x33, 0x44, 0,    0,    0,    0};
    put(w, RTCP_OF_CALLEE, slice_of(report, sizeof report), true, 1300000000);
}

static void end(struct worker *w)
{
    struct arena *arena = arena_new(4096, 1 << 20);
    struct call *call = arena_alloc(arena, sizeof *call);
    call->arena = arena;
    call->state = CALL_ENDED;
    call->started_ns = 1000000000;
    call->ended_ns = 1400000000;
    struct event e = {.kind = EVENT_CALL_ENDED, .time_ns = 1400000000, .ended = {.call = call}};
    worker_event(w, &e);
}

Test(worker, a_report_belongs_to_the_hop_it_ran_on)
{
    struct counters_set *set = counters_set_new();
    struct call_record *record = NULL;
    struct worker_config config = {.probe = "p", .context = &record, .emit = keep};
    struct call_brief brief = {.kind = CALL_SIP, .started_ns = 1000000000};
    struct endpoint rtcp_src = callee, rtcp_dst = relay_out;
    struct worker *w = NULL;
    struct why why = {0};
    cr_assert_eq(worker_new(&config, counters_block(set), &w, &why), 0);
    struct event start = {
        .kind = EVENT_CALL_STARTED, .time_ns = 1000000000, .body = slice_of(&brief, sizeof brief)};
    worker_event(w, &start);
    rtcp_src.port++;
    rtcp_dst.port++;
    bind(w, CALLER_TO_RELAY, &caller, &relay_in);
    bind(w, RELAY_TO_CALLEE, &relay_out, &callee);
    bind(w, RTCP_OF_CALLEE, &rtcp_src, &rtcp_dst);
    put_media(w, CALLER_TO_RELAY);
    put_media(w, RELAY_TO_CALLEE);
    put_report(w);
    end(w);
    worker_free(w);
    cr_assert_not_null(record);
    cr_assert_eq(record->stream_count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const struct record_stream *s = &record->streams[i];
        cr_assert_eq(s->ssrc, SSRC);
        cr_assert_eq(s->rtcp.receiver_reports, endpoint_equal(&s->dst, &callee) ? 1 : 0);
    }
    record_free(record);
    counters_set_free(set);
}

static unsigned flows_of(const struct worker *w)
{
    unsigned n = 0;
    for (const struct wflow *f = w->calls[0]->flows; f; f = f->next)
        n++;
    return n;
}

/* Who sprays a call from ever new sources leaves nothing behind but what is in its record. */
Test(worker, flows_that_left_nothing_are_forgotten)
{
    struct counters_set *set = counters_set_new();
    struct call_record *record = NULL;
    struct worker_config config = {.probe = "p", .context = &record, .emit = keep};
    struct call_brief brief = {.kind = CALL_SIP, .started_ns = 1000000000};
    struct endpoint stranger = {.addr = {0, 0xffffac100001}, .port = 1024};
    struct worker *w = NULL;
    struct why why = {0};
    cr_assert_eq(worker_new(&config, counters_block(set), &w, &why), 0);
    struct event start = {
        .kind = EVENT_CALL_STARTED, .time_ns = 1000000000, .body = slice_of(&brief, sizeof brief)};
    worker_event(w, &start);
    for (unsigned i = 0; i < 1000; i++) {
        stranger.addr.low++;
        bind(w, 5, &stranger, &callee);
        put_media(w, 5);
        struct event gone = {.kind = EVENT_FLOW_GONE, .flow = 5, .time_ns = 1000000000};
        worker_event(w, &gone);
    }
    cr_expect_leq(flows_of(w), 16, "%u", flows_of(w));
    bind(w, 6, &caller, &relay_in); /* the end of the list is where it was */
    cr_expect_leq(flows_of(w), 17);
    end(w);
    worker_free(w);
    cr_assert_not_null(record);
    cr_expect_eq(record->stream_count, 16);
    record_free(record);
    counters_set_free(set);
}
