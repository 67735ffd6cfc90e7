/* Calls by their signalling: outcomes, times, who ended them, attempts and branches. */
#include "tests/unit/call/scene.h"

#include <criterion/criterion.h>

#define MS INT64_C(1000000)

static int64_t since_start(int64_t ns)
{
    return ns ? (ns - SCENE_START_NS) / MS : -1;
}

Test(dialog, a_basic_call_is_told_from_start_to_end)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 50);
    scene_bye(s, 5000, "call-1");
    cr_assert_eq(s->ended_count, 0, "it lingers");
    scene_wait(s, 9000);
    cr_assert_eq(s->ended_count, 1);
    const struct seen_call *c = &s->call[0];
    cr_expect_str_eq(c->states, "TRAE");
    cr_expect_eq(c->call.outcome, CALL_OUTCOME_ANSWERED);
    cr_expect_eq(c->call.end_reason, CALL_END_BYE);
    cr_expect_eq(c->call.released_by, CALL_CALLER);
    cr_expect_eq(c->call.partial, false);
    cr_expect_eq(c->call.sip_code, 200);
    cr_expect_eq(since_start(c->call.started_ns), 0);
    cr_expect_eq(since_start(c->call.trying_ns), 50);
    cr_expect_eq(since_start(c->call.ringing_ns), 200);
    cr_expect_eq(since_start(c->call.answered_ns), 1000);
    cr_expect_eq(since_start(c->call.acked_ns), 1010);
    cr_expect_eq(since_start(c->call.bye_ns), 5000);
    cr_expect_eq(since_start(c->call.bye_ok_ns), 5020);
    cr_expect_eq(since_start(c->call.ended_ns), 5000);
    cr_expect_eq(c->sip, 7);
    cr_expect_eq(c->call.messages, 7);
    cr_expect_eq(c->call.branches, 1);
    cr_expect_str_eq(c->from_user, "alice");
    cr_expect_str_eq(c->to_user, "bob");
    cr_expect_str_eq(c->to_tag, "b");
    cr_expect_eq(c->call.uid[6] >> 4, 8);
    cr_expect_eq(c->call.uid[8] >> 6, 2);
    cr_expect(c->call.media_seen[CALL_CALLER] && c->call.media_seen[CALL_CALLEE]);
    cr_expect_eq(scene_count(s, C_CALL_ATTEMPTS), 1);
    cr_expect_eq(scene_count(s, C_CALLS_ENDED + CALL_OUTCOME_ANSWERED), 1);
    cr_expect_eq(scene_count(s, C_CALLS_ACTIVE), 0);
    cr_expect_eq(scene_count(s, C_CALLS_NO_AUDIO), 0);
    cr_expect_gt(s->ticks, 4 * 10, "every worker gets them");
    scene_end(s);
}

Test(dialog, the_callee_hangs_up)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_sip(s, 3000,
              (struct sip_line){UB, UA, "BYE", .from_tag = "b", .to_tag = "a", .branch = "z9hG4bKx",
                                .from = "bob", .to = "alice",
                                .headers = "Reason: Q.850;cause=16\r\n"});
    scene_wait(s, 9000);
    cr_assert_eq(s->ended_count, 1);
    cr_expect_eq(s->call[0].call.released_by, CALL_CALLEE);
    cr_expect_eq(s->call[0].call.q850_cause, 16);
    scene_end(s);
}

/* What one final response makes of an attempt that rang or did not. */
static void refused(int code, bool rings, enum call_outcome outcome, enum call_end_reason reason)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    if (rings)
        scene_sip(s, 300, (struct sip_line){UB, UA, .status = 180, .to_tag = "b"});
    scene_sip(s, 900, (struct sip_line){UB, UA, .status = code, .to_tag = "b"});
    scene_sip(s, 910, (struct sip_line){UA, UB, "ACK", .to_tag = "b"});
    scene_wait(s, 9000);
    cr_assert_eq(s->ended_count, 1);
    const struct call *c = &s->call[0].call;
    cr_expect_eq(c->outcome, outcome, "%d", code);
    cr_expect_eq(c->end_reason, reason, "%d", code);
    cr_expect_eq(c->sip_code, code);
    cr_expect_eq(since_start(c->ended_ns), 900);
    cr_expect_eq(c->answered_ns, 0);
    cr_expect_str_eq(s->call[0].states, rings ? "TRE" : "TE");
    cr_expect_eq(scene_count(s, C_CALLS_ENDED + outcome), 1);
    scene_end(s);
}

Test(dialog, refusals_have_their_outcomes)
{
    refused(486, true, CALL_OUTCOME_BUSY, CALL_END_REJECTED);
    refused(480, true, CALL_OUTCOME_NO_ANSWER, CALL_END_REJECTED);
    refused(408, true, CALL_OUTCOME_NO_ANSWER, CALL_END_REJECTED);
    refused(603, true, CALL_OUTCOME_REJECTED, CALL_END_REJECTED);
    refused(404, false, CALL_OUTCOME_FAILED, CALL_END_REJECTED);
    refused(503, false, CALL_OUTCOME_FAILED, CALL_END_REJECTED);
    refused(302, false, CALL_OUTCOME_REDIRECTED, CALL_END_REDIRECTED);
}

Test(dialog, a_cancelled_call_ends_with_its_487)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    scene_sip(s, 300, (struct sip_line){UB, UA, .status = 180, .to_tag = "b"});
    scene_sip(s, 4000, (struct sip_line){UA, UB, "CANCEL"});
    scene_sip(s, 4010, (struct sip_line){UB, UA, .status = 200, .of = "CANCEL"});
    cr_expect_str_eq(s->call[0].states, "TR");
    scene_sip(s, 4020, (struct sip_line){UB, UA, .status = 487, .to_tag = "b"});
    scene_wait(s, 9000);
    const struct call *c = &s->call[0].call;
    cr_expect_eq(c->outcome, CALL_OUTCOME_CANCELLED);
    cr_expect_eq(c->end_reason, CALL_END_CANCEL);
    cr_expect_eq(c->released_by, CALL_CALLER);
    cr_expect_eq(since_start(c->cancelled_ns), 4000);
    cr_expect_eq(since_start(c->ended_ns), 4020);
    cr_expect_eq(c->sip_code, 487);
    scene_end(s);
}

Test(dialog, an_answer_that_crosses_the_cancel_wins)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    scene_sip(s, 1000, (struct sip_line){UA, UB, "CANCEL"});
    scene_sip(s, 1001, (struct sip_line){UB, UA, .status = 200, .to_tag = "b"});
    scene_bye(s, 1200, "call-1");
    scene_wait(s, 9000);
    cr_expect_eq(s->call[0].call.outcome, CALL_OUTCOME_ANSWERED);
    cr_expect_eq(s->call[0].call.end_reason, CALL_END_BYE);
    scene_end(s);
}

Test(dialog, credentials_are_the_same_attempt)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    scene_sip(s, 20, (struct sip_line){UB, UA, .status = 407, .to_tag = "p"});
    scene_sip(s, 25, (struct sip_line){UA, UB, "ACK", .to_tag = "p"});
    scene_sip(s, 30000, (struct sip_line){UA, UB, "INVITE", .cseq = 2, .branch = "z9hG4bK2"});
    scene_sip(s, 30010,
              (struct sip_line){UB, UA, .status = 407, .to_tag = "p"}); /* late, of the first */
    scene_sip(
        s, 30100,
        (struct sip_line){UB, UA, .status = 180, .cseq = 2, .to_tag = "b", .branch = "z9hG4bK2"});
    scene_sip(
        s, 31000,
        (struct sip_line){UB, UA, .status = 200, .cseq = 2, .to_tag = "b", .branch = "z9hG4bK2"});
    scene_sip(s, 35000,
              (struct sip_line){UA, UB, "BYE", .cseq = 3, .to_tag = "b", .branch = "z9hG4bK3"});
    scene_wait(s, 40000);
    cr_assert_eq(s->call_count, 1);
    const struct call *c = &s->call[0].call;
    cr_expect_eq(c->outcome, CALL_OUTCOME_ANSWERED);
    cr_expect_eq(c->auth_attempts, 1);
    cr_expect_eq(since_start(c->started_ns), 0);
    cr_expect_eq(since_start(c->processed_ns), 30000);
    cr_expect_eq(c->sip_code, 200);
    cr_expect_eq(c->branches, 1, "the proxy's tag is none");
    cr_expect_eq(scene_count(s, C_CALL_ATTEMPTS), 1);
    scene_end(s);
}

Test(dialog, a_challenge_without_a_further_try_is_a_rejection)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    scene_sip(s, 20, (struct sip_line){UB, UA, .status = 401, .to_tag = "p"});
    scene_wait(s, 100000);
    cr_assert_eq(s->ended_count, 1);
    cr_expect_eq(s->call[0].call.outcome, CALL_OUTCOME_REJECTED);
    cr_expect_eq(s->call[0].call.sip_code, 401);
    cr_expect_eq(since_start(s->call[0].call.ended_ns), 20);
    scene_end(s);
}

Test(dialog, a_redirected_invite_is_the_same_attempt)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    scene_sip(s, 20, (struct sip_line){UB, UA, .status = 302, .to_tag = "p"});
    scene_sip(s, 100,
              (struct sip_line){UA, "10.0.0.3:5060", "INVITE", .cseq = 2, .branch = "z9hG4bK2"});
    scene_sip(s, 200,
              (struct sip_line){"10.0.0.3:5060", UA, .status = 200, .cseq = 2, .to_tag = "c",
                                .branch = "z9hG4bK2"});
    scene_finish(s);
    cr_assert_eq(s->call_count, 1);
    cr_expect_eq(s->call[0].call.outcome, CALL_OUTCOME_ANSWERED);
    cr_expect_str_eq(s->call[0].states, "TETA");
    cr_expect_eq(scene_count(s, C_CALL_ATTEMPTS), 1);
    cr_expect_eq(scene_count(s, C_CALLS_ENDED + CALL_OUTCOME_REDIRECTED), 0);
    scene_end(s);
}

Test(dialog, nobody_answers_an_invite)
{
    struct scene *s = scene_new(NULL);
    double at[] = {0, 500, 1500, 3500, 7500};
    for (unsigned i = 0; i < 5; i++)
        scene_sip(s, at[i], (struct sip_line){UA, UB, "INVITE"});
    scene_wait(s, 200000);
    cr_assert_eq(s->ended_count, 1);
    const struct call *c = &s->call[0].call;
    cr_expect_eq(c->outcome, CALL_OUTCOME_LOST);
    cr_expect_eq(c->end_reason, CALL_END_SIP_TIMEOUT);
    cr_expect_eq(since_start(c->ended_ns), 7500);
    cr_expect_eq(c->retransmissions, 4);
    cr_expect_eq(c->messages, 5);
    cr_expect_eq(scene_count(s, C_CALL_ATTEMPTS), 1);
    cr_expect_eq(scene_count(s, C_SIP_RETRANSMISSIONS + SIP_INVITE), 4);
    scene_end(s);
}

Test(dialog, of_two_branches_the_first_answer_wins)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    scene_sip(s, 100, (struct sip_line){UB, UA, .status = 180, .to_tag = "b1"});
    scene_sip(s, 110, (struct sip_line){UB, UA, .status = 180, .to_tag = "b2"});
    scene_sip(s, 900,
              (struct sip_line){UB, UA, .status = 200, .to_tag = "b2",
                                .sdp = sdp_audio("10.0.0.2", 5002, NULL)});
    scene_sip(s, 910,
              (struct sip_line){UB, UA, .status = 200, .to_tag = "b1",
                                .sdp = sdp_audio("10.0.0.2", 5001, NULL)});
    /* the loser is released: that ends nothing */
    scene_sip(s, 950,
              (struct sip_line){UA, UB, "BYE", .cseq = 2, .to_tag = "b1", .branch = "z9hG4bKl"});
    scene_sip(s, 960,
              (struct sip_line){UB, UA, .status = 200, .of = "BYE", .cseq = 2, .to_tag = "b1",
                                .branch = "z9hG4bKl"});
    cr_expect_str_eq(s->call[0].states, "TRA");
    scene_sip(s, 4000,
              (struct sip_line){UA, UB, "BYE", .cseq = 3, .to_tag = "b2", .branch = "z9hG4bKw"});
    scene_wait(s, 9000);
    cr_assert_eq(s->call_count, 1);
    cr_expect_eq(s->call[0].call.branches, 2);
    cr_expect_str_eq(s->call[0].to_tag, "b2");
    cr_expect_eq(since_start(s->call[0].call.answered_ns), 900);
    cr_expect_eq(since_start(s->call[0].call.ended_ns), 4000);
    scene_end(s);
}

Test(dialog, both_sides_of_a_proxy_are_one_call)
{
    struct scene *s = scene_new(NULL);
    const char *up = "10.0.0.9:5060", *down = "10.0.0.9:5061";
    scene_sip(s, 0, (struct sip_line){UA, up, "INVITE", .branch = "z9hG4bKu"});
    scene_sip(s, 2, (struct sip_line){down, UB, "INVITE", .branch = "z9hG4bKd1"});
    scene_sip(s, 3, (struct sip_line){down, "10.0.0.3:5060", "INVITE", .branch = "z9hG4bKd2"});
    /* one branch is busy: the proxy goes on */
    scene_sip(s, 500,
              (struct sip_line){UB, down, .status = 486, .to_tag = "b1", .branch = "z9hG4bKd1"});
    cr_expect_str_eq(s->call[0].states, "T");
    scene_sip(s, 900,
              (struct sip_line){"10.0.0.3:5060", down, .status = 200, .to_tag = "b2",
                                .branch = "z9hG4bKd2"});
    scene_sip(s, 902,
              (struct sip_line){up, UA, .status = 200, .to_tag = "b2", .branch = "z9hG4bKu"});
    scene_finish(s);
    cr_assert_eq(s->call_count, 1);
    cr_expect_eq(since_start(s->call[0].call.answered_ns), 900);
    cr_expect_eq(s->call[0].call.retransmissions, 0);
    cr_expect_eq(scene_count(s, C_CALL_ATTEMPTS), 1);
    scene_end(s);
}

Test(dialog, a_failed_branch_tells_why_when_nothing_else_does)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, "10.0.0.9:5060", "INVITE", .branch = "z9hG4bKu"});
    scene_sip(s, 2, (struct sip_line){"10.0.0.9:5060", UB, "INVITE", .branch = "z9hG4bKd"});
    scene_sip(
        s, 500,
        (struct sip_line){UB, "10.0.0.9:5060", .status = 486, .to_tag = "b", .branch = "z9hG4bKd"});
    scene_wait(s, 300000);
    cr_assert_eq(s->ended_count, 1);
    cr_expect_eq(s->call[0].call.outcome, CALL_OUTCOME_BUSY);
    cr_expect_eq(s->call[0].call.sip_code, 486);
    scene_end(s);
}

Test(dialog, a_re_invite_in_the_middle_picks_the_call_up)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "ACK", .call = "x", .to_tag = "b"});
    scene_sip(s, 1, (struct sip_line){UA, UB, "BYE", .call = "y", .to_tag = "b"});
    scene_sip(s, 2, (struct sip_line){UB, UA, .status = 180, .call = "z", .to_tag = "b"});
    cr_assert_eq(s->call_count, 0, "none of these begins a call");
    scene_sip(s, 10,
              (struct sip_line){UA, UB, "INVITE", .cseq = 7, .to_tag = "b",
                                .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    cr_assert_eq(s->call_count, 1);
    scene_sip(s, 20,
              (struct sip_line){UB, UA, .status = 200, .cseq = 7, .to_tag = "b",
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_talk(s, 30, 10);
    scene_sip(
        s, 5000,
        (struct sip_line){UB, UA, "BYE", .from_tag = "b", .to_tag = "a", .branch = "z9hG4bK9"});
    scene_wait(s, 9000);
    const struct call *c = &s->call[0].call;
    cr_expect(c->partial);
    cr_expect_eq(c->outcome, CALL_OUTCOME_ANSWERED);
    cr_expect_eq(c->released_by, CALL_CALLEE);
    cr_expect_eq(c->answered_ns, 0, "nobody saw it");
    cr_expect_eq(c->reinvites, 1);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 10);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLEE), 10);
    cr_expect_eq(scene_count(s, C_CALL_ATTEMPTS), 0);
    scene_end(s);
}

Test(dialog, an_answer_without_its_invite_picks_the_call_up)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0,
              (struct sip_line){UB, UA, .status = 200, .to_tag = "b",
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_sip(s, 10, (struct sip_line){UA, UB, "ACK", .to_tag = "b"});
    scene_bye(s, 3000, "call-1");
    scene_wait(s, 9000);
    cr_assert_eq(s->ended_count, 1);
    cr_expect(s->call[0].call.partial);
    cr_expect_eq(since_start(s->call[0].call.answered_ns), 0);
    cr_expect_eq(since_start(s->call[0].call.acked_ns), 10);
    struct endpoint a = scene_endpoint(UA);
    cr_expect(endpoint_equal(&s->call[0].call.src, &a), "the caller's side");
    scene_end(s);
}

Test(dialog, a_bye_must_be_of_the_dialog)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_sip(
        s, 2000,
        (struct sip_line){UA, UB, "BYE", .cseq = 2, .to_tag = "stranger", .branch = "z9hG4bKf"});
    scene_sip(s, 2001,
              (struct sip_line){UB, UA, "BYE", .cseq = 2, .from_tag = "stranger", .to_tag = "a",
                                .branch = "z9hG4bKg"});
    cr_expect_str_eq(s->call[0].states, "TRA");
    scene_bye(s, 3000, "call-1");
    cr_expect_str_eq(s->call[0].states, "TRAE");
    scene_end(s);
}

Test(dialog, a_challenged_bye_has_not_ended_the_call)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_sip(s, 3000,
              (struct sip_line){UA, UB, "BYE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bK2"});
    scene_sip(s, 3010,
              (struct sip_line){UB, UA, .status = 407, .of = "BYE", .cseq = 2, .to_tag = "b",
                                .branch = "z9hG4bK2"});
    scene_sip(s, 3400,
              (struct sip_line){UA, UB, "BYE", .cseq = 3, .to_tag = "b", .branch = "z9hG4bK3"});
    scene_wait(s, 9000);
    cr_assert_eq(s->ended_count, 1);
    cr_expect_eq(since_start(s->call[0].call.ended_ns), 3400);
    cr_expect_str_eq(s->call[0].states, "TRAEAE");
    cr_expect_eq(scene_count(s, C_CALLS_ACTIVE), 0);
    scene_end(s);
}

Test(dialog, crossing_byes_end_a_call_once)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_sip(s, 3000,
              (struct sip_line){UA, UB, "BYE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bK2"});
    scene_sip(
        s, 3001,
        (struct sip_line){UB, UA, "BYE", .from_tag = "b", .to_tag = "a", .branch = "z9hG4bK3"});
    scene_wait(s, 9000);
    cr_expect_eq(s->ended_count, 1);
    cr_expect_eq(s->call[0].call.released_by, CALL_CALLER);
    scene_end(s);
}

Test(dialog, an_invite_after_the_bye_is_another_call)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_bye(s, 2000, "call-1");
    scene_sip(s, 2500, (struct sip_line){UA, UB, "INVITE", .cseq = 3, .branch = "z9hG4bKnew"});
    scene_finish(s);
    cr_assert_eq(s->call_count, 2);
    cr_expect_neq(memcmp(s->call[0].call.uid, s->call[1].call.uid, 16), 0);
    cr_expect_eq(scene_count(s, C_CALL_ATTEMPTS), 2);
    scene_end(s);
}

Test(dialog, what_is_open_at_the_end_was_cut)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 100);
    scene_sip(s, 3500, (struct sip_line){UA, UB, "INVITE", .call = "call-2"});
    scene_finish(s);
    cr_assert_eq(s->ended_count, 2);
    const struct call *c = &s->call[0].call;
    cr_expect_eq(c->outcome, CALL_OUTCOME_ANSWERED);
    cr_expect_eq(c->end_reason, CALL_END_CUT);
    cr_expect(c->partial);
    cr_expect_eq(since_start(c->ended_ns), 1020 + 99 * 20 + 5, "its last sign of life");
    cr_expect_eq(s->call[1].call.outcome, CALL_OUTCOME_LOST);
    cr_expect_eq(s->call[1].call.end_reason, CALL_END_CUT);
    scene_end(s);
}

Test(dialog, without_a_bye_silence_ends_the_call)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    double end = scene_talk(s, 1020, 100);
    scene_wait(s, end + 59000);
    cr_expect_eq(s->ended_count, 0);
    scene_wait(s, end + 61000);
    cr_assert_eq(s->ended_count, 1);
    const struct call *c = &s->call[0].call;
    cr_expect_eq(c->end_reason, CALL_END_MEDIA_TIMEOUT);
    cr_expect_eq(c->outcome, CALL_OUTCOME_ANSWERED);
    cr_expect(c->partial);
    cr_expect_eq(since_start(c->ended_ns), (int64_t)end - 15);
    scene_end(s);
}

Test(dialog, a_call_without_media_may_be_silent_for_hours)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_wait(s, 3 * 3600e3);
    cr_expect_eq(s->ended_count, 0);
    scene_wait(s, 5 * 3600e3);
    cr_expect_eq(s->ended_count, 1);
    cr_expect_eq(scene_count(s, C_CALLS_NO_AUDIO), 1);
    scene_end(s);
}

Test(dialog, no_call_is_longer_than_the_limit)
{
    struct front_config config;
    scene_config(&config);
    config.max_duration_ns = 10000 * MS;
    struct scene *s = scene_new(&config);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 600);
    scene_wait(s, 20000);
    cr_assert_geq(s->ended_count, 1);
    cr_expect_eq(s->call[0].call.end_reason, CALL_END_MAX_DURATION);
    scene_end(s);
}

Test(dialog, software_and_identities_are_kept)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .headers = "User-Agent: Phone 1.0\r\n"});
    scene_sip(s, 10, (struct sip_line){UB, UA, .status = 100, .headers = "Server: Proxy 3\r\n"});
    scene_sip(
        s, 20,
        (struct sip_line){UB, UA, .status = 180, .to_tag = "b", .headers = "Server: Desk 2.0\r\n"});
    scene_finish(s);
    cr_expect_str_eq(s->call[0].user_agent, "Phone 1.0");
    cr_expect_str_eq(s->call[0].server, "Desk 2.0");
    cr_expect_str_eq(call_brief_text(&s->call[0].brief, BRIEF_FROM_DISPLAY), "A. Caller");
    cr_expect_str_eq(call_brief_text(&s->call[0].brief, BRIEF_FROM_HOST), "example.com");
    scene_end(s);
}

Test(dialog, other_requests_are_counted_alone)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "REGISTER"});
    scene_sip(s, 1, (struct sip_line){UB, UA, .status = 401, .of = "REGISTER", .to_tag = "r"});
    scene_sip(s, 2, (struct sip_line){UA, UB, "OPTIONS", .cseq = 2});
    cr_expect_eq(s->call_count, 0);
    cr_expect_eq(scene_count(s, C_SIP_REQUESTS + SIP_REGISTER), 1);
    cr_expect_eq(scene_count(s, C_SIP_REQUESTS + SIP_OPTIONS), 1);
    cr_expect_eq(
        scene_count(s, C_SIP_RESPONSES + SIP_REGISTER * LABEL_COUNT_CODE + label_code(401)), 1);
    scene_end(s);
}

Test(dialog, time_that_goes_back_ends_nothing)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 3600e3, "call-1");
    scene_talk(s, 3600e3 + 1020, 10);
    /* another file follows, a whole hour older */
    scene_setup(s, 0, "call-2");
    cr_expect_eq(s->ended_count, 0);
    cr_expect_gt(scene_count(s, C_CLOCK_BACKSTEPS), 0);
    scene_bye(s, 2000, "call-2");
    scene_wait(s, 5000);
    cr_expect_eq(s->ended_count, 1);
    scene_wait(s, 70000);
    cr_assert_eq(s->ended_count, 2, "the first one ends by its silence");
    cr_expect(s->call[1].call.ended_ns >= s->call[1].call.answered_ns);
    scene_end(s);
}

Test(dialog, equal_names_in_two_address_spaces_are_two_calls)
{
    static const struct net_space spaces[] = {{.id = 10, .space = 1}, {.id = 20, .space = 2}};
    for (unsigned apart = 0; apart < 2; apart++) {
        struct front_config config;
        scene_config(&config);
        config.net.spaces = spaces;
        config.net.spaces_count = apart ? 2 : 0;
        struct scene *s = scene_new(&config);
        for (unsigned i = 0; i < 2; i++) {
            s->vlan = (uint16_t)(10 + 10 * i);
            scene_setup(s, 0, "call-1");
        }
        scene_talk(s, 1020, 10);
        scene_bye(s, 2000, "call-1"); /* in VLAN 20 */
        scene_wait(s, 10000);
        cr_expect_eq(s->call_count, apart ? 2 : 1);
        cr_expect_eq(s->ended_count, 1);
        cr_expect_eq(s->call[apart].ended, true);
        cr_expect_eq(scene_rtp_of(s, apart, CALL_CALLER), 10);
        if (apart) {
            cr_expect_not(s->call[0].ended);
            cr_expect_eq(s->call[0].flow_count, 0);
            cr_expect_neq(memcmp(s->call[0].brief.uid, s->call[1].brief.uid, 16), 0);
        }
        scene_end(s);
    }
}
