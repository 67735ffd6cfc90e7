/* Hops, legs and tries: who was asked, who rang, who answered, why it went on. */
#include "tests/unit/call/story.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define ALL(stories)                                                                               \
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++)                                \
    story_check(&stories[i])

Test(branches, one_hop_and_the_tries_of_a_caller)
{
    static const struct story stories[] = {
        {"answered",
         {{0, 'A', 'B', "INVITE"},
          {50, 'B', 'A', "100"},
          {90, 'B', 'A', "180", .tag = "b"},
          {900, 'B', 'A', "200", .tag = "b"},
          {910, 'A', 'B', "ACK", "2", "b"},
          {5000, 'A', 'B', "BYE", "3", "b", 2}},
         "1<0=200",
         "b@1*=200/bye+",
         "1=answered",
         CALL_OUTCOME_ANSWERED,
         200,
         .over = true},
        {"asked for credentials",
         {{0, 'A', 'B', "INVITE"},
          {50, 'B', 'A', "407", .tag = "p"},
          {60, 'A', 'B', "ACK", .tag = "p"},
          {100, 'A', 'B', "INVITE", "2", .cseq = 2},
          {900, 'B', 'A', "200", "2", "b", 2},
          {5000, 'A', 'B', "BYE", "3", "b", 3}},
         "1<0=407 2<0=200",
         "b@2*=200/bye",
         "1=challenged 2=answered",
         CALL_OUTCOME_ANSWERED,
         200,
         .over = true},
        {"sent elsewhere",
         {{0, 'A', 'B', "INVITE"},
          {50, 'B', 'A', "302", .tag = "b"},
          {100, 'A', 'C', "INVITE", "2", .cseq = 2},
          {900, 'C', 'A', "486", "2", "c", 2}},
         "1<0=302 2<0=486",
         "b@1=302/redirected c@2=486/rejected",
         "1=redirected 2=rejected",
         CALL_OUTCOME_BUSY,
         486,
         .over = true},
        {"a longer session interval",
         {{0, 'A', 'B', "INVITE"},
          {50, 'B', 'A', "422", .tag = "b"},
          {100, 'A', 'B', "INVITE", "2", .cseq = 2},
          {900, 'B', 'A', "200", "2", "c", 2}},
         "1<0=422 2<0=200",
         NULL,
         "1=adjusted 2=answered",
         CALL_OUTCOME_ANSWERED,
         200},
        {"the next target after a refusal",
         {{0, 'A', 'B', "INVITE"},
          {50, 'B', 'A', "503", .tag = "b"},
          {100, 'A', 'C', "INVITE", "2", .cseq = 2},
          {900, 'C', 'A', "200", "2", "c", 2}},
         "1<0=503 2<0=200",
         NULL,
         "1=rejected 2=answered",
         CALL_OUTCOME_ANSWERED,
         200,
         1},
        {"the next target after silence",
         {{0, 'A', 'B', "INVITE"},
          {2000, 'A', 'C', "INVITE", "2", .cseq = 2},
          {2900, 'C', 'A', "200", "2", "c", 2}},
         "1<0=0 2<0=200",
         NULL,
         "1=timeout 2=answered",
         CALL_OUTCOME_ANSWERED,
         200,
         1},
        {"three in a row",
         {{0, 'A', 'B', "INVITE"},
          {50, 'B', 'A', "503", .tag = "b"},
          {100, 'A', 'C', "INVITE", "2", .cseq = 2},
          {150, 'C', 'A', "500", "2", "c", 2},
          {200, 'A', 'D', "INVITE", "3", .cseq = 3},
          {250, 'D', 'A', "404", "3", "d", 3}},
         "1<0=503 2<0=500 3<0=404",
         NULL,
         "1=rejected 2=rejected 3=rejected",
         CALL_OUTCOME_FAILED,
         404,
         2,
         true},
        {"cancelled",
         {{0, 'A', 'B', "INVITE"},
          {90, 'B', 'A', "180", .tag = "b"},
          {500, 'A', 'B', "CANCEL"},
          {510, 'B', 'A', "200 CANCEL"},
          {520, 'B', 'A', "487", .tag = "b"}},
         "1<0=487x",
         "b@1=487/cancelled",
         "1=cancelled",
         CALL_OUTCOME_CANCELLED,
         487,
         .over = true},
    };
    ALL(stories);
}

Test(branches, forks_and_proxies)
{
    static const struct story stories[] = {
        {"through two proxies",
         {{0, 'A', 'P', "INVITE"},
          {2, 'P', 'Q', "INVITE", "2"},
          {4, 'Q', 'B', "INVITE", "3"},
          {900, 'B', 'Q', "200", "3", "b"},
          {902, 'Q', 'P', "200", "2", "b"},
          {904, 'P', 'A', "200", "1", "b"},
          {5000, 'A', 'P', "BYE", "9", "b", 2}},
         "1<0=200 2<1=200 3<2=200",
         "b@3*=200/bye",
         "3=answered",
         CALL_OUTCOME_ANSWERED,
         200,
         .over = true},
        {"forked at once, one busy, one answers",
         {{0, 'A', 'P', "INVITE"},
          {2, 'P', 'B', "INVITE", "2"},
          {3, 'P', 'C', "INVITE", "3"},
          {100, 'B', 'P', "486", "2", "b"},
          {200, 'C', 'P', "180", "3", "c"},
          {900, 'C', 'P', "200", "3", "c"},
          {902, 'P', 'A', "200", "1", "c"}},
         "1<0=200 2<1=486 3<1=200",
         "b@2=486/rejected c@3*=200/cut",
         "2=rejected 3=answered",
         CALL_OUTCOME_ANSWERED,
         200},
        {"forked at once, the slow one is cancelled",
         {{0, 'A', 'P', "INVITE"},
          {2, 'P', 'B', "INVITE", "2"},
          {3, 'P', 'C', "INVITE", "3"},
          {100, 'B', 'P', "180", "2", "b"},
          {200, 'C', 'P', "180", "3", "c"},
          {900, 'C', 'P', "200", "3", "c"},
          {902, 'P', 'A', "200", "1", "c"},
          {904, 'P', 'B', "CANCEL", "2"},
          {910, 'B', 'P', "487", "2", "b"}},
         "1<0=200 2<1=487x 3<1=200",
         "b@2=487/cancelled c@3*=200/cut",
         "2=cancelled 3=answered",
         CALL_OUTCOME_ANSWERED,
         200},
        {"one after the other",
         {{0, 'A', 'P', "INVITE"},
          {2, 'P', 'B', "INVITE", "2"},
          {100, 'B', 'P', "503", "2", "b"},
          {110, 'P', 'C', "INVITE", "3"},
          {200, 'C', 'P', "486", "3", "c"},
          {202, 'P', 'A', "486", "1", "c"}},
         "1<0=486 2<1=503 3<1=486",
         "b@2=503/rejected c@3=486/rejected",
         "2=rejected 3=rejected",
         CALL_OUTCOME_BUSY,
         486,
         1,
         true},
        {"only the far side is seen",
         {{0, 'P', 'B', "INVITE", "2"}, {100, 'B', 'P', "603", "2", "b"}},
         "1<0=603",
         "b@1=603/rejected",
         "1=rejected",
         CALL_OUTCOME_REJECTED,
         603,
         .over = true},
        {"the far INVITE is captured first",
         {{0, 'P', 'B', "INVITE", "2"},
          {1, 'A', 'P', "INVITE"},
          {100, 'B', 'P', "200", "2", "b"},
          {102, 'P', 'A', "200", "1", "b"}},
         "1<2=200 2<0=200",
         "b@1*=200/cut",
         "1=answered",
         CALL_OUTCOME_ANSWERED,
         200},
        {"a far failure ahead of its INVITE",
         {{0, 'A', 'P', "INVITE"},
          {10, 'B', 'P', "486", "2", "b"},
          {12, 'P', 'B', "INVITE", "2"},
          {14, 'P', 'C', "INVITE", "3"},
          {900, 'C', 'P', "200", "3", "c"},
          {902, 'P', 'A', "200", "1", "c"}},
         "1<0=200 2<1=486 3<1=200",
         "b@2=486/rejected c@3*=200/cut",
         "2=rejected 3=answered",
         CALL_OUTCOME_ANSWERED,
         200, 1},
        {"a far failure whose INVITE never comes",
         {{0, 'A', 'P', "INVITE"},
          {10, 'B', 'P', "486", "2", "b"},
          {902, 'P', 'A', "480", "1", "p"}},
         "1<0=480",
         "b@0=486/rejected p@1=480/rejected",
         "1=rejected",
         CALL_OUTCOME_REJECTED,
         480,
         .over = true},
        {"a failure whose Via was changed on the way is the caller's",
         {{0, 'A', 'B', "INVITE"}, {100, 'B', 'A', "486", "other", "b"}},
         "1<0=486",
         "b@1=486/rejected",
         "1=rejected",
         CALL_OUTCOME_BUSY,
         486,
         .over = true},
        {"a refusal of an INVITE that was missed",
         {{0, 'A', 'B', "INVITE"},
          {50, 'B', 'A', "407", .tag = "p"},
          {900, 'B', 'A', "486", "2", "b", 2}},
         "1<0=407",
         NULL,
         NULL,
         CALL_OUTCOME_BUSY,
         486,
         .over = true},
    };
    ALL(stories);
}

Test(branches, a_cancel_of_a_stranger_cancels_nothing)
{
    static const struct story stories[] = {
        {"another branch from elsewhere",
         {{0, 'A', 'B', "INVITE"},
          {90, 'B', 'A', "180", .tag = "b"},
          {500, 'X', 'B', "CANCEL", "evil"},
          {40500, 'B', 'A', "480", .tag = "b"}},
         "1<0=480",
         "b@1=480/rejected",
         "1=rejected",
         CALL_OUTCOME_NO_ANSWER,
         480,
         .over = true},
        {"the same branch from elsewhere",
         {{0, 'A', 'B', "INVITE"},
          {90, 'B', 'A', "180", .tag = "b"},
          {500, 'X', 'B', "CANCEL"},
          {40500, 'B', 'A', "480", .tag = "b"}},
         "1<0=480",
         "b@1=480/rejected",
         "1=rejected",
         CALL_OUTCOME_NO_ANSWER,
         480,
         .over = true},
        {"of the request before",
         {{0, 'A', 'B', "INVITE"},
          {50, 'B', 'A', "407", .tag = "p"},
          {100, 'A', 'B', "INVITE", "2", .cseq = 2},
          {150, 'A', 'B', "CANCEL", "1", .cseq = 1},
          {900, 'B', 'A', "200", "2", "b", 2}},
         "1<0=407 2<0=200",
         NULL,
         NULL,
         CALL_OUTCOME_ANSWERED,
         200},
        {"it worked all the same",
         {{0, 'A', 'B', "INVITE"}, {500, 'X', 'B', "CANCEL"}, {510, 'B', 'A', "487", .tag = "b"}},
         "1<0=487",
         "b@1=487/cancelled",
         "1=cancelled",
         CALL_OUTCOME_CANCELLED,
         487,
         .over = true},
    };
    ALL(stories);
}

Test(branches, two_answers)
{
    static const struct story stories[] = {
        {"the second one is released: the call goes on",
         {{0, 'A', 'B', "INVITE"},
          {900, 'B', 'A', "200", .tag = "b"},
          {950, 'B', 'A', "200", .tag = "c"},
          {960, 'A', 'B', "ACK", "2", "b"},
          {961, 'A', 'B', "ACK", "3", "c"},
          {970, 'A', 'B', "BYE", "4", "c", 2},
          {5000, 'A', 'B', "BYE", "5", "b", 3}},
         "1<0=200",
         "b@1*=200/bye+ c@1=200/bye+",
         "1=answered",
         CALL_OUTCOME_ANSWERED,
         200,
         .over = true},
        {"the first one is released: the other one is the call",
         {{0, 'A', 'B', "INVITE"},
          {900, 'B', 'A', "200", .tag = "b"},
          {950, 'B', 'A', "200", .tag = "c"},
          {970, 'A', 'B', "BYE", "4", "b", 2},
          {5000, 'A', 'B', "BYE", "5", "c", 3}},
         "1<0=200",
         "b@1=200/bye c@1*=200/bye",
         "1=answered",
         CALL_OUTCOME_ANSWERED,
         200,
         .over = true},
        {"one of them is nobody's",
         {{0, 'A', 'B', "INVITE"},
          {900, 'B', 'A', "200", .tag = "b"},
          {970, 'A', 'B', "BYE", "4", "z", 2}},
         "1<0=200",
         "b@1*=200/cut",
         "1=answered",
         CALL_OUTCOME_ANSWERED,
         200},
    };
    ALL(stories);
}

/* Nobody knows of branches and tags who follows RFC 2543: the Via's sender tells, and what comes
 * without a tag is taken for the one that answered without. */
Test(branches, peers_of_the_old_rfc)
{
    static const struct story stories[] = {
        {"no To tag at all",
         {{0, 'A', 'B', "INVITE"},
          {90, 'B', 'A', "180"},
          {900, 'B', 'A', "200"},
          {910, 'A', 'B', "ACK"},
          {5000, 'A', 'B', "BYE", .cseq = 2}},
         "1<0=200",
         "",
         "1=answered",
         CALL_OUTCOME_ANSWERED,
         200,
         .over = true},
        {"a tag while it rang, none later",
         {{0, 'A', 'B', "INVITE"},
          {90, 'B', 'A', "180", .tag = "b"},
          {900, 'B', 'A', "200"},
          {5000, 'A', 'B', "BYE", .cseq = 2}},
         "1<0=200",
         "b@1=0/cancelled",
         "1=answered",
         CALL_OUTCOME_ANSWERED,
         200,
         .over = true},
        {"refused without a tag",
         {{0, 'A', 'B', "INVITE"}, {90, 'B', 'A', "486"}},
         "1<0=486",
         "",
         "1=rejected",
         CALL_OUTCOME_BUSY,
         486,
         .over = true},
        {"cancelled without a tag",
         {{0, 'A', 'B', "INVITE"}, {90, 'A', 'B', "CANCEL"}, {100, 'B', 'A', "487"}},
         "1<0=487x",
         "",
         "1=cancelled",
         CALL_OUTCOME_CANCELLED,
         487,
         .over = true},
    };
    ALL(stories);
}

Test(branches, a_caller_without_a_tag_is_released_by_the_callee)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .from_tag = "-", .branch = ""});
    scene_sip(
        s, 900,
        (struct sip_line){UB, UA, .status = 200, .from_tag = "-", .to_tag = "b", .branch = ""});
    scene_sip(s, 5000, (struct sip_line){UB, UA, "BYE", .from_tag = "b", .branch = ""});
    scene_sip(s, 5010,
              (struct sip_line){UA, UB, .status = 200, .of = "BYE", .from_tag = "b", .branch = ""});
    scene_wait(s, 12000);
    cr_assert_eq(s->ended_count, 1);
    cr_expect_eq(s->call_count, 1);
    cr_expect_eq(s->call[0].call.released_by, CALL_CALLEE);
    cr_expect_eq(s->call[0].call.end_reason, CALL_END_BYE);
    cr_expect_neq(s->call[0].call.bye_ok_ns, 0);
    scene_end(s);
}

Test(branches, the_call_takes_the_media_of_the_leg_it_moves_to)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    scene_sip(s, 900,
              (struct sip_line){UB, UA, .status = 200, .to_tag = "b",
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_sip(s, 910,
              (struct sip_line){UB, UA, .status = 200, .to_tag = "c",
                                .sdp = sdp_audio("10.0.0.2", 6000, NULL)});
    struct rtp_run rtp = {MA, "10.0.0.2:5000", 10, 0xaaaa, 1, 160, 8};
    scene_rtp(s, 950, rtp);
    cr_expect_null(scene_flow(s, 0, MA, "10.0.0.2:6000"));
    scene_sip(s, 2000,
              (struct sip_line){UA, UB, "BYE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKl"});
    rtp = (struct rtp_run){MA, "10.0.0.2:6000", 10, 0xaaaa, 11, 1760, 8};
    scene_rtp(s, 2050, rtp);
    rtp = (struct rtp_run){"10.0.0.2:6000", MA, 10, 0xcccc, 1, 160, 8};
    scene_rtp(s, 2055, rtp);
    const struct seen_flow *there = scene_flow(s, 0, MA, "10.0.0.2:6000");
    const struct seen_flow *back = scene_flow(s, 0, "10.0.0.2:6000", MA);
    cr_assert(there && back);
    cr_expect_eq(there->media.party, CALL_CALLER);
    cr_expect_eq(there->rtp, 10);
    cr_expect_eq(back->media.party, CALL_CALLEE);
    scene_finish(s);
    cr_expect_eq(s->call_count, 1, "no orphan");
    scene_end(s);
}

/* ---- bounds ---- */

Test(branches, a_call_keeps_sixteen_legs)
{
    struct scene *s = scene_new(NULL);
    char tag[8];
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    for (int i = 0; i < 20; i++) {
        snprintf(tag, sizeof tag, "b%d", i);
        scene_sip(s, 100 + i, (struct sip_line){UB, UA, .status = 180, .to_tag = tag});
    }
    /* one that found no place answers, talks and is released all the same */
    scene_sip(s, 900, (struct sip_line){UB, UA, .status = 200, .to_tag = "b19"});
    scene_sip(s, 5000,
              (struct sip_line){UA, UB, "BYE", .cseq = 2, .to_tag = "b19", .branch = "z9hG4bKl"});
    scene_wait(s, 12000);
    cr_assert_eq(s->ended_count, 1);
    const struct call *c = &s->call[0].call;
    cr_expect_eq(c->leg_count, CALL_LEGS_MAX);
    cr_expect_geq(c->branches, 20);
    cr_expect_eq(c->end_reason, CALL_END_BYE);
    cr_expect_str_eq(s->call[0].to_tag, "b19");
    scene_end(s);
}

Test(branches, a_call_keeps_twenty_four_hops)
{
    struct scene *s = scene_new(NULL);
    char branch[8], to[24];
    scene_sip(s, 0, (struct sip_line){UA, "10.0.0.8:5060", "INVITE", .branch = "first"});
    for (int i = 0; i < 30; i++) {
        snprintf(branch, sizeof branch, "f%d", i);
        snprintf(to, sizeof to, "10.0.1.%d:5060", i);
        scene_sip(s, 10 + i, (struct sip_line){"10.0.0.8:5060", to, "INVITE", .branch = branch});
    }
    /* all of them refuse, those without a place too: the proxy has not */
    for (int i = 0; i < 30; i++) {
        snprintf(branch, sizeof branch, "f%d", i);
        snprintf(to, sizeof to, "10.0.1.%d:5060", i);
        scene_sip(s, 100 + i,
                  (struct sip_line){to, "10.0.0.8:5060", .status = 486, .to_tag = branch,
                                    .branch = branch});
    }
    cr_expect_str_eq(s->call[0].states, "T");
    scene_sip(
        s, 500,
        (struct sip_line){"10.0.0.8:5060", UA, .status = 486, .to_tag = "f0", .branch = "first"});
    cr_expect_str_eq(s->call[0].states, "TE");
    scene_finish(s);
    cr_expect_eq(s->call[0].call.hop_count, CALL_HOPS_MAX);
    cr_expect_eq(s->call[0].call.hops_over_limit, 7);
    cr_expect_eq(s->call[0].call.attempt_count, CALL_HOPS_MAX - 1);
    cr_expect_eq(s->call[0].call.outcome, CALL_OUTCOME_BUSY);
    scene_end(s);
}
