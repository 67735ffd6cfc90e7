/* Responses ahead of their INVITE, BYEs of strangers, session timers, Reason headers, missing ACKs.
 */
#include "tests/unit/call/story.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/call/ahead.h"

#define MS    INT64_C(1000000)
#define EARLY (C_EARLY_RESPONSES)
enum { MATCHED, LATE, LIMIT };

static int64_t since_start(int64_t ns)
{
    return ns ? (ns - SCENE_START_NS) / MS : -1;
}

/* ---- ahead ---- */

Test(ends, responses_ahead_of_their_invite_belong_to_it)
{
    static const struct story stories[] = {
        {"a 100",
         {{0, 'B', 'A', "100"}, {10, 'A', 'B', "INVITE"}, {900, 'B', 'A', "200", .tag = "b"}},
         "1<0=200",
         "b@1*=200/cut",
         "1=answered",
         CALL_OUTCOME_ANSWERED,
         200},
        {"all three, in their order",
         {{0, 'B', 'A', "100"},
          {5, 'B', 'A', "180", .tag = "b"},
          {9, 'B', 'A', "486", .tag = "b"},
          {10, 'A', 'B', "INVITE"}},
         "1<0=486",
         "b@1=486/rejected",
         "1=rejected",
         CALL_OUTCOME_BUSY,
         486,
         .over = true},
        {"an answer with SDP",
         {{0, 'B', 'A', "200", .tag = "b",
           .sdp = "v=0\r\nc=IN IP4 10.0.0.2\r\nm=audio 5000 RTP/AVP 8\r\n"},
          {10, 'A', 'B', "INVITE"}},
         "1<0=200",
         "b@1*=200/cut",
         "1=answered",
         CALL_OUTCOME_ANSWERED,
         200},
        {"too far ahead: never mind",
         {{0, 'B', 'A', "486", .tag = "b"},
          {700, 'A', 'B', "INVITE"},
          {900, 'B', 'A', "200", .tag = "c"}},
         "1<0=200",
         "c@1*=200/cut",
         "1=answered",
         CALL_OUTCOME_ANSWERED,
         200},
        {"of another CSeq",
         {{0, 'B', 'A', "486", .tag = "b", .cseq = 7},
          {10, 'A', 'B', "INVITE"},
          {900, 'B', 'A', "200", .tag = "c"}},
         "1<0=200",
         "c@1*=200/cut",
         "1=answered",
         CALL_OUTCOME_ANSWERED,
         200},
    };
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++)
        story_check(&stories[i]);
}

Test(ends, what_came_ahead_has_the_time_of_its_invite)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UB, UA, .status = 180, .to_tag = "b"});
    scene_sip(s, 20, (struct sip_line){UA, UB, "INVITE"});
    scene_finish(s);
    cr_expect_eq(since_start(s->call[0].call.ringing_ns), 20);
    cr_expect_eq(since_start(s->call[0].call.processed_ns), 20);
    cr_expect_eq(s->call[0].call.messages, 2);
    cr_expect_eq(scene_count(s, EARLY + MATCHED), 1);
    scene_end(s);
}

Test(ends, sixteen_responses_wait_and_the_oldest_goes)
{
    struct scene *s = scene_new(NULL);
    char call[16];
    for (int i = 0; i < AHEAD_SLOTS + 4; i++) {
        snprintf(call, sizeof call, "c%d", i);
        scene_sip(s, i, (struct sip_line){UB, UA, .status = 180, .to_tag = "b", .call = call});
    }
    cr_expect_eq(scene_count(s, EARLY + LIMIT), 4);
    scene_sip(s, 50, (struct sip_line){UA, UB, "INVITE", .call = "c0"});
    scene_sip(s, 51, (struct sip_line){UA, UB, "INVITE", .call = "c10"});
    cr_expect_str_eq(s->call[0].states, "T");
    cr_expect_str_eq(s->call[1].states, "TR");
    cr_expect_eq(scene_count(s, EARLY + MATCHED), 1);
    /* what nobody fetched in time is late, not over the limit */
    for (int i = 0; i < AHEAD_SLOTS; i++) {
        snprintf(call, sizeof call, "d%d", i);
        scene_sip(s, 2000 + i,
                  (struct sip_line){UB, UA, .status = 180, .to_tag = "b", .call = call});
    }
    cr_expect_eq(scene_count(s, EARLY + LIMIT), 4);
    cr_expect_eq(scene_count(s, EARLY + LATE), AHEAD_SLOTS - 1);
    scene_end(s);
}

Test(ends, a_response_over_two_kilobytes_does_not_wait)
{
    struct scene *s = scene_new(NULL);
    char headers[AHEAD_BYTES + 64];
    int n = snprintf(headers, sizeof headers, "X-Long: ");
    memset(headers + n, 'x', AHEAD_BYTES);
    strcpy(headers + n + AHEAD_BYTES, "\r\n");
    scene_sip(s, 0, (struct sip_line){UB, UA, .status = 180, .to_tag = "b", .headers = headers});
    scene_sip(s, 10, (struct sip_line){UA, UB, "INVITE"});
    cr_expect_str_eq(s->call[0].states, "T");
    cr_expect_eq(scene_count(s, EARLY + LIMIT), 1);
    scene_end(s);
}

/* ---- strangers ---- */

#define EVIL "10.0.0.66:5060"

static void evil_bye(struct scene *s, double at_ms, const char *branch)
{
    scene_sip(s, at_ms,
              (struct sip_line){EVIL, UB, "BYE", .cseq = 2, .to_tag = "b", .branch = branch});
}

Test(ends, a_bye_of_a_stranger_is_not_believed_while_media_goes_on)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 50);
    evil_bye(s, 2020, "z9hG4bKe1");
    scene_talk(s, 2025, 250); /* to 7025 */
    cr_expect_str_eq(s->call[0].states, "TRA");
    cr_expect_eq(scene_count(s, C_SPOOFED_BYES), 1);
    evil_bye(s, 7030, "z9hG4bKe2");
    scene_talk(s, 7035, 250);
    cr_expect_eq(scene_count(s, C_SPOOFED_BYES), 1, "one finding a call");
    scene_bye(s, 12100, "call-1");
    scene_wait(s, 20000);
    const struct call *c = &s->call[0].call;
    cr_assert_eq(s->ended_count, 1);
    cr_expect_eq(since_start(c->ended_ns), 12100);
    cr_expect_eq(since_start(c->spoofed_bye_ns), 2020);
    struct endpoint evil = scene_endpoint(EVIL);
    cr_expect(endpoint_equal(&c->spoofed_bye_src, &evil));
    cr_expect_not_null(strstr(s->call[0].notes, "bye_spoofed(" EVIL ")"), "%s", s->call[0].notes);
    scene_end(s);
}

Test(ends, a_bye_of_a_stranger_after_which_all_is_silent_was_one)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 50);
    evil_bye(s, 2020, "z9hG4bKe1");
    scene_talk(s, 2025, 20); /* what was on its way */
    scene_wait(s, 6000);
    cr_expect_str_eq(s->call[0].states, "TRAE");
    scene_wait(s, 20000);
    const struct call *c = &s->call[0].call;
    cr_assert_eq(s->ended_count, 1);
    cr_expect_eq(since_start(c->ended_ns), 2020);
    cr_expect_eq(c->end_reason, CALL_END_BYE);
    cr_expect_eq(c->released_by, CALL_CALLER);
    cr_expect_eq(c->spoofed_bye_ns, 0);
    cr_expect_eq(scene_count(s, C_SPOOFED_BYES), 0);
    scene_end(s);
}

Test(ends, a_true_bye_ends_the_call_while_a_strangers_is_in_doubt)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 50);
    evil_bye(s, 2020, "z9hG4bKe1");
    scene_talk(s, 2025, 25);
    scene_bye(s, 2600, "call-1");
    scene_wait(s, 20000);
    cr_assert_eq(s->ended_count, 1);
    cr_expect_eq(since_start(s->call[0].call.ended_ns), 2600);
    cr_expect_eq(scene_count(s, C_SPOOFED_BYES), 0);
    scene_end(s);
}

/* Whom the call knows is no stranger: by the address of a hop, a Contact, an endpoint of media. */
static void known_by(const char *what, const char *from, const char *contact)
{
    struct scene *s = scene_new(NULL);
    char headers[64] = "";
    if (contact)
        snprintf(headers, sizeof headers, "Contact: <sip:x@%s>\r\n", contact);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .sdp = sdp_audio("10.0.0.7", 4000, NULL)});
    scene_sip(s, 900,
              (struct sip_line){UB, UA, .status = 200, .to_tag = "b", .headers = headers,
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_rtp(s, 950, (struct rtp_run){"10.0.0.7:4000", MB, 50, 0xaaaa, 1, 160, 8});
    scene_sip(s, 2000,
              (struct sip_line){from, UB, "BYE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKz"});
    cr_expect_str_eq(s->call[0].states, "TAE", "%s", what);
    scene_end(s);
}

Test(ends, whom_the_call_knows_is_no_stranger)
{
    known_by("the caller's address, another port", "10.0.0.1:9999", NULL);
    known_by("where its media comes from", "10.0.0.7:5060", NULL);
    known_by("the callee's Contact", "10.0.0.55:5060", "10.0.0.55:5062");
}

Test(ends, without_media_every_bye_of_the_dialog_counts)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    evil_bye(s, 2020, "z9hG4bKe1");
    cr_expect_str_eq(s->call[0].states, "TRAE");
    scene_end(s);
}

/* ---- session timers ---- */

static struct scene *with_timer(const char *header)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    scene_sip(s, 1000,
              (struct sip_line){UB, UA, .status = 200, .to_tag = "b", .headers = header,
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    return s;
}

static void refresh(struct scene *s, double at_ms, const char *header)
{
    int cseq = 2 + (int)(at_ms / 1000);
    char branch[24];
    snprintf(branch, sizeof branch, "z9hG4bKr%d", cseq);
    struct sip_line l = {UA, UB, "UPDATE", .cseq = cseq, .to_tag = "b", .branch = branch};
    scene_sip(s, at_ms, l);
    l = (struct sip_line){UB,
                          UA,
                          .status = 200,
                          .of = "UPDATE",
                          .cseq = cseq,
                          .to_tag = "b",
                          .branch = branch,
                          .headers = header};
    scene_sip(s, at_ms + 10, l);
}

Test(ends, a_session_that_nobody_refreshes_is_over)
{
    struct scene *s = with_timer("Session-Expires: 90;refresher=uac\r\n");
    scene_wait(s, 92000);
    cr_expect_str_eq(s->call[0].states, "TA");
    scene_wait(s, 94000);
    cr_expect_str_eq(s->call[0].states, "TAE");
    scene_wait(s, 110000);
    cr_assert_eq(s->ended_count, 1);
    const struct call *c = &s->call[0].call;
    cr_expect(c->session_expired);
    cr_expect_eq(c->session_expires_s, 90);
    cr_expect_eq(c->session_refresher, CALL_CALLER);
    cr_expect_eq(c->end_reason, CALL_END_SIP_TIMEOUT);
    cr_expect(c->partial);
    scene_end(s);
}

Test(ends, a_refresh_prolongs_the_session_and_one_without_a_timer_ends_it)
{
    struct scene *s = with_timer("x: 90 ; refresher = uas\r\n");
    refresh(s, 60000, "Session-Expires: 90\r\n");
    scene_wait(s, 140000);
    cr_expect_eq(s->ended_count, 0);
    refresh(s, 145000, NULL);
    scene_wait(s, 1000e3);
    cr_expect_eq(s->ended_count, 0);
    scene_bye(s, 1000e3, "call-1");
    scene_wait(s, 1010e3);
    cr_assert_eq(s->ended_count, 1);
    cr_expect_not(s->call[0].call.session_expired);
    scene_end(s);
}

Test(ends, media_outlives_its_session_timer)
{
    struct scene *s = with_timer("Session-Expires: 90;refresher=uas\r\n");
    scene_rtp(s, 1100, (struct rtp_run){MA, MB, 1000, 0xaaaa, 1, 160, 8, .step_ms = 100});
    cr_expect_eq(s->ended_count, 0);
    scene_bye(s, 101200, "call-1");
    scene_wait(s, 110000);
    cr_assert_eq(s->ended_count, 1);
    cr_expect(s->call[0].call.session_expired);
    cr_expect_eq(s->call[0].call.session_refresher, CALL_CALLEE);
    cr_expect_eq(s->call[0].call.end_reason, CALL_END_BYE);
    cr_expect_not_null(strstr(s->call[0].notes, "session_expired(callee)"));
    scene_end(s);
}

Test(ends, session_timers_that_make_no_sense_are_none)
{
    static const char *const headers[] = {
        "Session-Expires: 0\r\n",
        "Session-Expires: soon\r\n",
        "Session-Expires:\r\n",
        "Session-Expires: -90\r\n",
        "Session-Expires: ;refresher=uac\r\n",
        "Session-Expires: 99999999999\r\n",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        struct scene *s = with_timer(headers[i]);
        scene_wait(s, 1000e3);
        cr_expect_eq(s->ended_count, 0, "%s", headers[i]);
        scene_finish(s);
        cr_expect_eq(s->call[0].call.session_expires_s, 0, "%s", headers[i]);
        scene_end(s);
    }
}

/* ---- Reason headers ---- */

static void reasons(const char *header, const char *causes, unsigned q850)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_sip(s, 3000,
              (struct sip_line){UA, UB, "BYE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKq",
                                .headers = header});
    scene_finish(s);
    cr_expect_str_eq(s->call[0].causes, causes, "%s: %s", header, s->call[0].causes);
    cr_expect_eq(s->call[0].call.q850_cause, q850, "%s", header);
    scene_end(s);
}

Test(ends, reasons_are_read)
{
    reasons("Reason: Q.850;cause=16;text=\"Normal, \\\"clearing\\\"\"\r\n",
            "Q.850 16 Normal, \\\"clearing\\\"", 16);
    reasons("Reason: SIP;cause=200;text=\"elsewhere\", Q.850;cause=31\r\n",
            "Q.850 31 , SIP 200 elsewhere", 31);
    reasons("Reason: SIP;cause=486\r\nReason: q.850 ; cause = 17\r\n", "Q.850 17 , SIP 486 ", 17);
    reasons("Reason: Q.850;cause=0\r\n", "", 0);
    reasons("Reason: Q.850;cause=128, SIP;cause=700\r\n", "", 0);
    reasons("Reason: Q.850;text=\"x\"\r\n", "", 0);
    reasons("Reason: X;cause=3\r\n", "", 0);
    reasons("Reason: ;;;,,;cause=1\r\n", "", 0);
}

Test(ends, the_reason_of_a_target_before_is_forgotten)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    scene_sip(s, 50,
              (struct sip_line){UB, UA, .status = 503, .to_tag = "b",
                                .headers = "Reason: Q.850;cause=38;text=\"no net\"\r\n"});
    scene_sip(s, 100, (struct sip_line){UA, UB, "INVITE", .cseq = 2, .branch = "z9hG4bK2"});
    scene_sip(
        s, 150,
        (struct sip_line){UB, UA, .status = 486, .cseq = 2, .to_tag = "c", .branch = "z9hG4bK2"});
    scene_finish(s);
    cr_expect_str_eq(s->call[0].causes, "");
    cr_expect_eq(s->call[0].call.q850_cause, 0);
    scene_end(s);
}

/* ---- ACKs ---- */

static void answered_again(const char *what, double ack_ms, bool missing)
{
    static const double again[] = {1500, 2500, 4500, 8500};
    struct scene *s = scene_new(NULL);
    struct sip_line answer = {UB, UA, .status = 200, .to_tag = "b"};
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    scene_sip(s, 1000, answer);
    for (unsigned i = 0; i < 4; i++) {
        if (ack_ms > 0 && ack_ms < again[i])
            break;
        scene_sip(s, again[i], answer);
    }
    if (ack_ms > 0)
        scene_sip(s, ack_ms, (struct sip_line){UA, UB, "ACK", .to_tag = "b", .branch = "z9hG4bKa"});
    scene_sip(
        s, 9000,
        (struct sip_line){UB, UA, "BYE", .from_tag = "b", .to_tag = "a", .branch = "z9hG4bKb"});
    scene_finish(s);
    cr_expect_eq(s->call[0].call.ack_missing, missing, "%s", what);
    scene_end(s);
}

Test(ends, an_answer_that_comes_again_and_again_lacks_its_ack)
{
    answered_again("never", 0, true);
    answered_again("in time", 1100, false);
    answered_again("after one repetition", 1600, false);
    answered_again("late", 8600, false);
}

/* ---- what was not captured, told by what was ---- */

struct missed {
    const char *name;
    struct sip_line line[8];
    double at_ms[8];
    int64_t answered_ms, ended_ms;
    bool answered, partial;
    enum call_party by;
};

static void check_missed(const struct missed *m)
{
    struct scene *s = scene_new(NULL);
    for (unsigned i = 0; i < 8 && m->line[i].src; i++)
        scene_sip(s, m->at_ms[i], m->line[i]);
    scene_wait(s, 400000);
    cr_assert_eq(s->ended_count, 1, "%s", m->name);
    const struct call *call = &s->call[0].call;
    cr_expect_eq(call->outcome == CALL_OUTCOME_ANSWERED, m->answered, "%s", m->name);
    cr_expect_eq(since_start(call->answered_ns), m->answered_ms, "%s: %lld", m->name,
                 (long long)since_start(call->answered_ns));
    cr_expect_eq(since_start(call->ended_ns), m->ended_ms, "%s: %lld", m->name,
                 (long long)since_start(call->ended_ns));
    cr_expect_eq(call->partial, m->partial, "%s", m->name);
    cr_expect_eq(call->released_by, m->by, "%s", m->name);
    scene_end(s);
}

#define M_INVITE   {UA, UB, "INVITE"}
#define M_RINGING  {UB, UA, .status = 180, .to_tag = "b"}
#define M_ANSWER   {UB, UA, .status = 200, .to_tag = "b"}
#define M_ACK      {UA, UB, "ACK", .to_tag = "b", .branch = "z9hG4bKk"}
#define M_BYE      {UA, UB, "BYE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKb"}
#define M_BYE_OK   {UB, UA, .status = 200, .of = "BYE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKb"}
#define M_THIRD    "10.0.0.66:5060"

Test(ends, an_ack_of_its_own_branch_tells_of_the_answer)
{
    static const struct missed cases[] = {
        {"one direction of the mirror is missing",
         {M_INVITE, M_ACK, M_BYE}, {0, 1000, 5000}, 1000, 5000, true, true, CALL_CALLER},
        {"the answer alone is missing",
         {M_INVITE, M_RINGING, M_ACK, M_BYE, M_BYE_OK}, {0, 200, 1000, 5000, 5010},
         1000, 5000, true, true, CALL_CALLER},
        {"it comes behind its ACK",
         {M_INVITE, M_RINGING, M_ACK, M_ANSWER, M_BYE}, {0, 200, 1000, 1001, 5000},
         1001, 5000, true, false, CALL_CALLER},
        {"the ACK of a failure has the branch of the INVITE",
         {M_INVITE, {UA, UB, "ACK", .to_tag = "b"}, M_BYE}, {0, 1000, 5000},
         -1, 5000, false, false, CALL_CALLER},
        {"who is not the caller acknowledges nothing",
         {M_INVITE, {M_THIRD, UB, "ACK", .to_tag = "b", .branch = "z9hG4bKk"}, M_BYE},
         {0, 1000, 5000}, -1, 5000, false, false, CALL_CALLER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_missed(&cases[i]);
}

Test(ends, the_answer_to_a_bye_tells_of_it)
{
    static const struct missed cases[] = {
        {"the BYE is missing",
         {M_INVITE, M_ANSWER, M_ACK, M_BYE_OK}, {0, 1000, 1010, 5010},
         1000, 5010, true, true, CALL_CALLER},
        {"it is the callee's",
         {M_INVITE, M_ANSWER, M_ACK,
          {UA, UB, .status = 200, .of = "BYE", .cseq = 7, .from_tag = "b", .to_tag = "a"}},
         {0, 1000, 1010, 5010}, 1000, 5010, true, true, CALL_CALLEE},
        {"it comes behind its answer",
         {M_INVITE, M_ANSWER, M_ACK, M_BYE_OK, M_BYE}, {0, 1000, 1010, 5010, 5011},
         1000, 5010, true, false, CALL_CALLER},
        {"a refusal of it ends nothing",
         {M_INVITE, M_ANSWER, M_ACK,
          {UB, UA, .status = 500, .of = "BYE", .cseq = 2, .to_tag = "b"}, M_BYE},
         {0, 1000, 1010, 3000, 5000}, 1000, 5000, true, false, CALL_CALLER},
        {"nor does what a stranger says",
         {M_INVITE, M_ANSWER, M_ACK,
          {M_THIRD, UA, .status = 200, .of = "BYE", .cseq = 2, .to_tag = "b"}, M_BYE},
         {0, 1000, 1010, 3000, 5000}, 1000, 5000, true, false, CALL_CALLER},
        {"nor one of another dialog",
         {M_INVITE, M_ANSWER, M_ACK,
          {UB, UA, .status = 200, .of = "BYE", .cseq = 2, .to_tag = "c"}, M_BYE},
         {0, 1000, 1010, 3000, 5000}, 1000, 5000, true, false, CALL_CALLER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_missed(&cases[i]);
}

/* ---- a clock that is set back ---- */

Test(ends, a_call_lasts_as_long_as_it_did_when_the_clock_is_set_back)
{
    static const struct {
        const char *name;
        double step_ms;    /* from there on times are an hour back */
        int64_t lasted_ms; /* without what passed from the last packet before to the first behind */
        bool bye;
    } cases[] = {
        {"within the call", 3000, 3990, true},
        {"ahead of its answer", 500, 4000, true},
        {"within the call, whose end is not seen", 3000, 2990, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct sip_line alive = {UB, UA, "OPTIONS", .cseq = 8, .from_tag = "b", .to_tag = "a"};
        const struct sip_line still = {UB, UA, "OPTIONS", .cseq = 9, .from_tag = "b", .to_tag = "a"};
        const double at_ms[] = {0, 1000, 1010, 2990, 3000, 4000, 5000};
        const struct sip_line lines[] = {M_INVITE, M_ANSWER, M_ACK, alive, still, alive, M_BYE};
        struct scene *s = scene_new(NULL);
        for (size_t k = 0; k < sizeof lines / sizeof lines[0] - !cases[i].bye; k++)
            scene_sip(s, at_ms[k] - (at_ms[k] >= cases[i].step_ms ? 3600000 : 0), lines[k]);
        scene_wait(s, 18000000);
        cr_assert_eq(s->ended_count, 1, "%s", cases[i].name);
        const struct call *call = &s->call[0].call;
        cr_expect_eq((call->ended_ns - call->answered_ns) / MS, cases[i].lasted_ms, "%s: %lld",
                     cases[i].name, (long long)((call->ended_ns - call->answered_ns) / MS));
        scene_end(s);
    }
}
