/* The ring of live events, what a filter wants of them, and their text. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/live_filter.h"
#include "api/live_ring.h"
#include "requests.h"

TestSuite(live_events, .timeout = 60);

static struct live_event *event(enum live_event_kind kind, const char *uid)
{
    struct live_event *e = calloc(1, sizeof *e);
    e->kind = kind;
    e->call = (struct live_call){.kind = "call", .state = "answered", .direction = "in", .trunk = "carrier", .from_site = "here", .to_site = "there"};
    snprintf(e->call.uid, sizeof e->call.uid, "%s", uid);
    snprintf(e->call.from_user, sizeof e->call.from_user, "alice");
    snprintf(e->call.to_user, sizeof e->call.to_user, "+4930123");
    snprintf(e->call.call_id, sizeof e->call.call_id, "C1@test");
    snprintf(e->call.user_agent, sizeof e->call.user_agent, "Phone/1.0");
    e->call.sip_code = 200;
    e->call.stream_count = 1;
    snprintf(e->call.streams[0].codec, sizeof e->call.streams[0].codec, "PCMA");
    return e;
}

Test(live_events, ids_follow_each_other_and_the_text_is_one_block_of_lines)
{
    struct live_ring r = {0};
    cr_assert_eq(live_ring_open(&r, 1000), 0);
    struct live_event *e = event(LIVE_CALL_STARTED, "u1");
    snprintf(e->call.from_display, sizeof e->call.from_display, "\n\nevent: x\r\n\"\xff");
    cr_assert(live_ring_push(&r, e));
    cr_assert(live_ring_push(&r, event(LIVE_CALL_ENDED, "u1")));
    const struct live_entry *first = live_ring_at(&r, 1000);
    cr_assert_not_null(first);
    cr_expect_eq(first->overtaken_by, 1001);
    cr_expect_eq(live_ring_at(&r, 1001)->overtaken_by, 0);
    cr_expect_null(live_ring_at(&r, 999));
    cr_expect_null(live_ring_at(&r, 1002));
    unsigned lines = 0;
    for (uint32_t i = 0; i < first->text_size; i++)
        lines += first->text[i] == '\n';
    cr_expect_eq(lines, 4, "what somebody sent breaks no line");
    cr_expect(slice_starts(slice_of(first->text, first->text_size), "id: 1000\nevent: call.started\ndata: {\"at\":"));
    live_ring_close(&r);
}

Test(live_events, the_oldest_give_way_and_a_gap_is_left_where_all_was_forgotten)
{
    struct live_ring r = {0};
    char uid[16];
    cr_assert_eq(live_ring_open(&r, 5), 0);
    for (unsigned i = 0; i < LIVE_EVENTS_MAX + 3; i++) {
        snprintf(uid, sizeof uid, "u%u", i % 7000);
        cr_assert(live_ring_push(&r, event(LIVE_CALL_UPDATED, uid)));
    }
    cr_expect_eq(r.next - r.first, LIVE_EVENTS_MAX);
    cr_expect_null(live_ring_at(&r, 7));
    cr_expect_eq(live_ring_at(&r, 8)->overtaken_by, 7008, "the same call, a lap later");
    cr_expect_eq(live_ring_at(&r, 6000)->overtaken_by, 0);
    live_ring_clear(&r);
    cr_expect_eq(r.bytes, 0);
    cr_expect_eq(r.first, r.next);
    cr_expect_gt(r.first, 5 + LIVE_EVENTS_MAX + 3);
    uint64_t next = r.next;
    live_ring_close(&r);
    cr_assert_eq(live_ring_open(&r, 1), 0);
    cr_expect_gt(r.first, next, "numbers never come again");
    live_ring_close(&r);
}

Test(live_events, what_is_large_takes_the_room_of_many)
{
    struct live_ring r = {0};
    cr_assert_eq(live_ring_open(&r, 1), 0);
    for (unsigned i = 0; i < LIVE_EVENTS_MAX; i++) {
        struct live_event *e = event(LIVE_CALL_UPDATED, "u");
        e->call.stream_count = LIVE_STREAMS_MAX;
        memset(e->call.call_id, 1, sizeof e->call.call_id - 1); /* six bytes each when escaped */
        memset(e->call.user_agent, 1, sizeof e->call.user_agent - 1);
        cr_assert(live_ring_push(&r, e));
        cr_assert(r.bytes <= LIVE_EVENTS_BYTES);
    }
    cr_expect_lt(r.next - r.first, LIVE_EVENTS_MAX);
    live_ring_close(&r);
}

Test(live_events, a_pause_or_an_alert_does_not_overtake_what_happens_to_the_call)
{
    struct live_ring r = {0};
    const enum live_event_kind kinds[] = {LIVE_CALL_UPDATED, LIVE_QUALITY_ALERT, LIVE_RECORDING_PAUSED, LIVE_RECORDING_RESUMED, LIVE_CALL_UPDATED};
    const uint64_t overtaken[] = {5, 0, 4, 0, 0};
    cr_assert_eq(live_ring_open(&r, 1), 0);
    for (unsigned i = 0; i < 5; i++)
        cr_assert(live_ring_push(&r, event(kinds[i], "u")));
    cr_assert(live_ring_push(&r, event(LIVE_CALL_UPDATED, "another")));
    for (unsigned i = 0; i < 5; i++)
        cr_expect_eq(live_ring_at(&r, i + 1)->overtaken_by, overtaken[i], "event %u", i + 1);
    live_ring_close(&r);
}

/* -1: the query is refused. */
static int wanted(const char *query, const struct live_event *e)
{
    struct http_request rq = request_for("GET", "/api/v1/live/events", query);
    struct call_filter_error error;
    struct live_filter f;
    if (!live_filter_parse(&rq, &f, &error))
        return -1;
    request_for("GET", "/", "x=yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"); /* what the filter borrowed is gone */
    int wants = live_filter_wants(&f, e);
    live_filter_fini(&f);
    return wants;
}

Test(live_events, a_filter_wants_what_it_says)
{
    static const struct {
        const char *query;
        int wanted;
    } CASES[] = {
        {"", 1},
        {"from_user=alice", 1},
        {"from_user=alic", 0},
        {"from_user=bob&from_user=alice", 1},
        {"to_user=alice", 0},
        {"number=alice", 1},
        {"number=%2B4930123", 1},
        {"number__prefix=%2B49", 1},
        {"number__prefix=%2B43", 0},
        {"call_id=C1@test", 1},
        {"call_id=c1@test", 0},
        {"q=c1@", 1},
        {"q=phone", 1},
        {"q=%25", 0},
        {"user_agent__contains=phone/1.", 1},
        {"user_agent__contains=phone.1", 0},
        {"trunk=carrier", 1},
        {"trunk=carrier-2", 0},
        {"tenant=x", 0},
        {"site=there", 1},
        {"site=elsewhere", 0},
        {"direction=in", 1},
        {"direction=out", 0},
        {"kind=call", 1},
        {"kind=orphan", 0},
        {"sip_code=200", 1},
        {"sip_code=486&sip_code=200", 1},
        {"sip_code=486", 0},
        {"codec=pcma", 1},
        {"codec=PCMU", 0},
        {"partial=false", 1},
        {"partial=true", 0},
        {"ip=192.0.2.1", 0},
        {"event=call.answered", 1},
        {"event=call.ended&event=stats", 0},
        {"trunk=carrier&from_user=bob", 0},
        {"event=call", -1},
        {"kind=x", -1},
        {"ip=x", -1},
        {"sip_code=99", -1},
    };
    struct live_event *e = event(LIVE_CALL_ANSWERED, "u");
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
        cr_expect_eq(wanted(CASES[i].query, e), CASES[i].wanted, "%s", CASES[i].query);
    e->call.streams[0].dst.addr = addr_v4(0xc0000201);
    cr_expect_eq(wanted("ip=192.0.2.1", e), 1);
    free(e);
}
