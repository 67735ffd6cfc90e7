/* Chains of calls as one conversation. Times are seconds. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "storage/segments.h"

#define S INT64_C(1000000)

static struct call_record *call(const char *uid, const char *from, const char *to, int64_t answered,
                                int64_t ended)
{
    struct call_record *r = record_new();
    cr_assert(r != NULL);
    snprintf(r->uid, sizeof r->uid, "%s", uid);
    r->from.user = arena_copy(r->arena, slice_str(from));
    r->to.user = arena_copy(r->arena, slice_str(to));
    r->started_us = (answered ? answered : ended) * S - S;
    r->answered_us = answered * S;
    r->ended_us = ended * S;
    r->events = arena_alloc(r->arena, 8 * sizeof *r->events);
    r->related.links = arena_alloc(r->arena, 8 * sizeof *r->related.links);
    return r;
}

static void event(struct call_record *r, int64_t at, const char *kind)
{
    r->events[r->event_count++] =
        (struct record_event){.time_us = at * S, .kind = slice_str(kind), .detail = slice_str("x")};
}

static void joins(struct call_record *r, const struct call_record *other, const char *kind)
{
    struct record_link *l = &r->related.links[r->related.link_count++];
    l->kind = record_text(kind);
    snprintf(l->uid, sizeof l->uid, "%s", other->uid);
}

/* "1-5 alice,bob; 6-9 ..." of up to four calls, which it frees. */
static const char *told(struct call_record *a, struct call_record *b, struct call_record *c,
                        struct call_record *d)
{
    static char text[1024];
    const struct call_record *calls[4] = {a, b, c, d};
    unsigned count = d ? 4 : c ? 3 : b ? 2 : 1;
    size_t n = 0;
    struct segments *g = segments_of(calls, count);
    text[0] = '\0';
    for (unsigned i = 0; i < g->count; i++) {
        const struct segment *s = &g->segment[i];
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%lld-%lld ", i ? "; " : "",
                              (long long)(s->from_us / S), (long long)(s->to_us / S));
        for (unsigned k = 0; k < s->user_count; k++)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%.*s", k ? "," : "",
                                  SLICE_ARGS(s->users[k]));
    }
    free(g);
    record_free(a);
    record_free(b);
    record_free(c);
    record_free(d);
    return text;
}

Test(segments, a_call_alone_is_one)
{
    cr_assert_str_eq(told(call("1", "alice", "bob", 1, 5), NULL, NULL, NULL), "1-5 alice,bob");
    cr_assert_str_eq(told(call("1", "alice", "bob", 0, 5), NULL, NULL, NULL), "");
    cr_assert_str_eq(told(call("1", "alice", "bob", 1, 0), NULL, NULL, NULL), "1-0 alice,bob");
}

Test(segments, holding_is_no_talking)
{
    struct call_record *r = call("1", "alice", "bob", 1, 9);
    event(r, 3, "hold");
    event(r, 4, "update");
    event(r, 5, "resume");
    event(r, 7, "hold");
    cr_assert_str_eq(told(r, NULL, NULL, NULL), "1-3 alice,bob; 5-7 alice,bob");
}

Test(segments, an_attended_transfer_is_three_conversations)
{
    struct call_record *a = call("1", "alice", "bob", 1, 13), *b = call("2", "bob", "carol", 7, 12);
    struct call_record *c = call("3", "alice", "carol", 11, 15);
    event(a, 5, "hold");
    event(b, 10, "hold");
    joins(c, b, "replaces");
    joins(c, a, "transfer_attended");
    cr_assert_str_eq(told(a, b, c, NULL), "1-5 alice,bob; 7-10 bob,carol; 11-15 alice,carol");
}

Test(segments, a_phone_that_mixes_makes_three_talk)
{
    struct call_record *a = call("1", "alice", "bob", 1, 25), *b = call("2", "bob", "carol", 6, 20);
    event(a, 4, "hold");
    event(a, 10, "resume");
    joins(a, b, "conference");
    cr_assert_str_eq(told(a, b, NULL, NULL),
                     "1-4 alice,bob; 6-10 bob,carol; 10-20 alice,bob,carol; 20-25 alice,bob");
}

Test(segments, calls_side_by_side_without_a_link_stay_apart)
{
    struct call_record *a = call("1", "alice", "bob", 1, 9), *b = call("2", "bob", "carol", 3, 6);
    cr_assert_str_eq(told(a, b, NULL, NULL), "1-9 alice,bob; 3-6 bob,carol");
}

Test(segments, the_focus_of_a_conference_is_nobody)
{
    struct call_record *r[3];
    const char *names[] = {"alice", "bob", "carol"};
    for (int i = 0; i < 3; i++) {
        char uid[2] = {(char)('1' + i), '\0'};
        r[i] = call(uid, names[i], "room", 1 + 2 * i, 20 + i);
        r[i]->related.conference.focus_uri = slice_str("sip:room@mixer");
    }
    cr_assert_str_eq(
        told(r[0], r[1], r[2], NULL),
        "1-3 alice; 3-5 alice,bob; 5-20 alice,bob,carol; 20-21 bob,carol; 21-22 carol");
}

Test(segments, a_segment_says_where_it_is_in_the_recording)
{
    struct call_record *r = call("1", "alice", "bob", 10, 30);
    const struct call_record *calls[1] = {r};
    event(r, 15, "hold");
    event(r, 20, "resume");
    snprintf(r->recording.id, sizeof r->recording.id, "1");
    r->recording.started_us = 10 * S + 20000;
    r->recording.duration_ms = 19980;
    struct segments *g = segments_of(calls, 1);
    cr_assert_eq(g->count, 2);
    cr_assert_eq(g->segment[0].calls[0].audio_ms, 0);
    cr_assert_eq(g->segment[1].calls[0].audio_ms, 9980);
    free(g);
    r->recording.duration_ms = 100;
    g = segments_of(calls, 1);
    cr_assert_eq(g->segment[1].calls[0].audio_ms, -1, "beyond the end of the file");
    free(g);
    record_free(r);
}
