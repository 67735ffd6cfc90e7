/* Calls that belong together, at the front: groups, waiting for what comes of a transfer, bounds.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/call/scene.h"

#define UC "10.0.0.3:5060"

static void refer_with(struct scene *s, double at_ms, int cseq, int status, const char *headers)
{
    char branch[32];
    snprintf(branch, sizeof branch, "z9hG4bKr%d", cseq);
    scene_sip(s, at_ms,
              (struct sip_line){UB, UA, "REFER", .cseq = cseq, .from = "bob", .to = "alice",
                                .from_tag = "b", .to_tag = "a", .branch = branch,
                                .headers = headers});
    scene_sip(s, at_ms + 5,
              (struct sip_line){UA, UB, .status = status, .of = "REFER", .cseq = cseq,
                                .from = "bob", .to = "alice", .from_tag = "b", .to_tag = "a",
                                .branch = branch});
}

static void refer(struct scene *s, double at_ms, int cseq, int status)
{
    refer_with(s, at_ms, cseq, status, "Refer-To: <sip:carol@example.com>\r\n");
}

static void notify(struct scene *s, double at_ms, int cseq, const char *event, const char *status)
{
    char headers[128], branch[32];
    snprintf(headers, sizeof headers, "Event: %s\r\nSubscription-State: active\r\n", event);
    snprintf(branch, sizeof branch, "z9hG4bKn%d", cseq);
    scene_sip(s, at_ms,
              (struct sip_line){UA, UB, "NOTIFY", .cseq = cseq, .to_tag = "b", .branch = branch,
                                .headers = headers, .sdp = status, .type = "message/sipfrag"});
}

static void invite(struct scene *s, double at_ms, const char *call, const char *headers)
{
    scene_sip(s, at_ms,
              (struct sip_line){UA, UC, "INVITE", .call = call, .to = "carol", .from_tag = "c",
                                .branch = "z9hG4bKi", .headers = headers,
                                .sdp = sdp_audio("10.0.0.1", 4010, NULL)});
}

static void answer(struct scene *s, double at_ms, const char *call, const char *headers)
{
    scene_sip(s, at_ms,
              (struct sip_line){UC, UA, .status = 200, .call = call, .to = "carol", .from_tag = "c",
                                .to_tag = "d", .branch = "z9hG4bKi", .headers = headers,
                                .sdp = sdp_audio("10.0.0.3", 5010, NULL)});
}

static bool same_group(const struct scene *s, unsigned a, unsigned b)
{
    const struct call *x = &s->call[a].call, *y = &s->call[b].call;
    return x->grouped && y->grouped && memcmp(x->group, y->group, sizeof x->group) == 0;
}

static bool is_named_after(const struct scene *s, unsigned a, unsigned first)
{
    const struct call *x = &s->call[a].call;
    return x->grouped && memcmp(x->group, s->call[first].call.uid, sizeof x->group) == 0;
}

Test(relate, a_call_that_is_over_waits_for_what_comes_of_its_transfer)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, NULL);
    refer(s, 2000, 7, 202);
    invite(s, 2100, "call-2", NULL);
    scene_bye(s, 3000, NULL);
    scene_wait(s, 20000);
    cr_assert(!s->call[0].ended, "17 s after its BYE: the target still rings");
    answer(s, 20100, "call-2", NULL);
    scene_wait(s, 23000);
    cr_assert(s->call[0].ended);
    cr_assert_eq(s->call[0].call.transfer_count, 1);
    cr_assert(strstr(s->call[0].notes, "transfer_success(callee)") != NULL, "%s", s->call[0].notes);
    scene_finish(s);
    cr_assert(same_group(s, 0, 1) && is_named_after(s, 1, 0));
    cr_assert_eq(s->call[1].call.link_count, 1);
    scene_end(s);
}

Test(relate, it_waits_no_longer_than_64_seconds)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, NULL);
    refer(s, 2000, 7, 202);
    scene_bye(s, 3000, NULL);
    scene_wait(s, 65000);
    cr_assert(!s->call[0].ended);
    scene_wait(s, 67000);
    cr_assert(s->call[0].ended);
    scene_end(s);
}

Test(relate, a_refer_with_credentials_is_the_same_transfer)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, NULL);
    refer(s, 2000, 7, 401);
    refer(s, 2100, 8, 202);
    notify(s, 2200, 20, "refer;id=8", "SIP/2.0 503 Service Unavailable\r\n");
    scene_bye(s, 3000, NULL);
    scene_wait(s, 6000);
    cr_assert(s->call[0].ended);
    cr_assert_eq(s->call[0].call.transfer_count, 1);
    cr_assert(strstr(s->call[0].notes, "transfer_failed(callee)") != NULL, "%s", s->call[0].notes);
    scene_end(s);
}

Test(relate, a_notify_of_another_event_or_refer_says_nothing)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, NULL);
    refer(s, 2000, 7, 202);
    notify(s, 2200, 20, "dialog", "SIP/2.0 200 OK\r\n");
    notify(s, 2300, 21, "refer;id=99", "SIP/2.0 200 OK\r\n");
    notify(s, 2400, 22, "refer", "SIP/2.0 180 Ringing\r\n");
    scene_finish(s);
    cr_assert(strstr(s->call[0].notes, "transfer_success") == NULL, "%s", s->call[0].notes);
    scene_end(s);
}

Test(relate, a_dialog_is_remembered_for_64_seconds_after_it_left)
{
    const struct {
        double at_ms;
        bool found;
    } cases[] = {{30000, true}, {90000, false}};
    for (unsigned i = 0; i < 2; i++) {
        struct scene *s = scene_new(NULL);
        scene_setup(s, 0, NULL);
        scene_bye(s, 3000, NULL);
        scene_wait(s, 10000);
        cr_assert(s->call[0].ended);
        invite(s, cases[i].at_ms, "call-2", "Replaces: call-1;to-tag=b;from-tag=a\r\n");
        scene_finish(s);
        cr_assert_eq(s->call[1].call.grouped, cases[i].found);
        cr_assert_eq(s->call[1].call.link_count, cases[i].found);
        scene_end(s);
    }
}

Test(relate, tags_may_be_named_from_either_side_but_must_be_those_of_the_dialog)
{
    static const struct {
        const char *header;
        bool found;
    } cases[] = {{"Replaces: call-1;to-tag=b;from-tag=a\r\n", true},
                 {"Replaces: call-1;from-tag=b;to-tag=a\r\n", true},
                 {"Join: call-1 ; to-tag=b ; from-tag=a\r\n", true},
                 {"Replaces: call-1;to-tag=a;from-tag=a\r\n", false},
                 {"Replaces: call-1;to-tag=b\r\n", false},
                 {"Replaces: call-9;to-tag=b;from-tag=a\r\n", false},
                 {"Replaces: call-1;to-tag=B;from-tag=a\r\n", false}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *s = scene_new(NULL);
        scene_setup(s, 0, NULL);
        invite(s, 2000, "call-2", cases[i].header);
        scene_finish(s);
        cr_assert_eq(s->call[1].call.grouped, cases[i].found, "%s", cases[i].header);
        cr_assert_eq(s->call[0].call.grouped, cases[i].found);
        scene_end(s);
    }
}

Test(relate, a_call_that_names_itself_stands_alone)
{
    struct scene *s = scene_new(NULL);
    invite(s, 0, "call-2", "Replaces: call-2;to-tag=c;from-tag=c\r\n");
    answer(s, 100, "call-2", NULL);
    scene_finish(s);
    cr_assert(!s->call[0].call.grouped);
    scene_end(s);
}

/* Two groups of two calls each become one, with the name of the oldest call; whoever leaves first.
 */
Test(relate, groups_that_meet_take_the_name_of_the_first_call)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, NULL);
    invite(s, 2000, "call-2", NULL);
    answer(s, 2100, "call-2", NULL);
    invite(s, 3000, "call-3", "Join: call-2;to-tag=d;from-tag=c\r\n");
    invite(s, 4000, "call-4", "Join: call-1;to-tag=b;from-tag=a\r\n");
    char headers[160];
    snprintf(headers, sizeof headers,
             "Refer-To: <sip:x@y?Replaces=call-2%%3Bto-tag%%3Dd%%3Bfrom-tag%%3Dc>\r\n");
    refer_with(s, 5000, 9, 202, headers);
    scene_finish(s);
    for (unsigned i = 0; i < 4; i++)
        cr_assert(is_named_after(s, i, 0), "call %u", i + 1);
    scene_end(s);
}

Test(relate, a_group_has_a_ceiling)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, NULL);
    for (unsigned i = 0; i < 300; i++) {
        char call[32];
        snprintf(call, sizeof call, "more-%u", i);
        invite(s, 2000 + i, call, "Join: call-1;to-tag=b;from-tag=a\r\n");
    }
    scene_finish(s);
    cr_assert_eq(s->call[0].call.link_count, CALL_LINKS_MAX);
    cr_assert(is_named_after(s, 40, 0));
    scene_end(s);
}

Test(relate, transfers_of_a_call_and_waiting_ones_have_ceilings)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, NULL);
    for (int i = 0; i < 40; i++)
        refer(s, 2000 + i * 10, 10 + i, 202);
    scene_finish(s);
    cr_assert_eq(s->call[0].call.transfer_count, CALL_TRANSFERS_MAX);
    scene_end(s);
}

static void focus_call(struct scene *s, double at_ms, const char *call, const char *focus)
{
    char contact[128];
    snprintf(contact, sizeof contact, "Contact: <sip:%s>;isfocus\r\n", focus);
    invite(s, at_ms, call, NULL);
    answer(s, at_ms + 100, call, contact);
}

Test(relate, a_focus_without_a_user_is_a_host_with_many_rooms)
{
    struct scene *s = scene_new(NULL);
    focus_call(s, 0, "call-1", "mixer.test");
    focus_call(s, 1000, "call-2", "mixer.test");
    focus_call(s, 2000, "call-3", "room@mixer.test");
    focus_call(s, 3000, "call-4", "room@mixer.test;x=y");
    scene_finish(s);
    cr_assert(!s->call[0].call.grouped && !s->call[1].call.grouped);
    cr_assert(same_group(s, 2, 3) && is_named_after(s, 3, 2));
    scene_end(s);
}

Test(relate, more_conferences_than_there_is_room_for_push_out_the_oldest)
{
    struct scene *s = scene_new(NULL);
    for (unsigned i = 0; i < 700; i++) {
        char call[32], focus[32];
        snprintf(call, sizeof call, "call-%u", i);
        snprintf(focus, sizeof focus, "room%u@mixer", i);
        focus_call(s, i * 200, call, focus);
    }
    scene_finish(s);
    uint64_t evicted = 0;
    for (unsigned i = 0; i < LABEL_COUNT_TABLE; i++)
        evicted += scene_count(s, C_RELATIONS_EVICTED + i);
    cr_assert_eq(evicted, 700 - 512);
    scene_end(s);
}
