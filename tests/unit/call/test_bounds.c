/* What strangers can make grow, and what must not be disturbed by it. */
#include "tests/unit/call/scene.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

Test(bounds, a_flood_of_invites_pushes_out_only_itself)
{
    struct front_config config;
    scene_config(&config);
    config.calls_max = 100;
    struct scene *s = scene_new(&config);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 20);
    for (unsigned i = 0; i < 2000; i++) {
        char call[32];
        snprintf(call, sizeof call, "flood-%u", i);
        scene_sip(s, 1500 + i,
                  (struct sip_line){"10.6.6.6:5060", UB, "INVITE", .call = call,
                                    .sdp = sdp_audio("10.6.6.6", 1024 + i * 2, NULL)});
    }
    scene_talk(s, 4000, 20);
    scene_bye(s, 5000, "call-1");
    cr_expect_eq(scene_count(s, C_CALLS_EVICTED), 2000 - 99);
    cr_expect_eq(scene_count(s, C_CALLS_ENDED + CALL_OUTCOME_LOST), 2000 - 99);
    cr_expect_eq(scene_count(s, C_CALLS_ACTIVE), 99);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 40);
    scene_wait(s, 9000);
    cr_expect(s->call[0].ended);
    cr_expect_eq(s->call[0].call.end_reason, CALL_END_BYE);
    scene_end(s);
}

Test(bounds, answered_calls_are_never_given_up)
{
    struct front_config config;
    scene_config(&config);
    config.calls_max = 2;
    struct scene *s = scene_new(&config);
    scene_setup(s, 0, "call-1");
    scene_setup(s, 0, "call-2");
    scene_sip(s, 2000, (struct sip_line){UA, UB, "INVITE", .call = "call-3"});
    cr_expect_eq(s->call_count, 2);
    cr_expect_eq(s->ended_count, 0);
    cr_expect_eq(scene_count(s, C_CALLS_EVICTED + 2), 1);
    scene_end(s);
}

Test(bounds, one_announced_port_of_a_victim_does_not_steal_its_media)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 20);
    for (unsigned i = 0; i < 50; i++) {
        char call[32];
        snprintf(call, sizeof call, "thief-%u", i);
        scene_sip(s, 2000 + i,
                  (struct sip_line){"10.6.6.6:5060", UB, "INVITE", .call = call,
                                    .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    }
    scene_talk(s, 3000, 20);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 40);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLEE), 40);
    scene_end(s);
}

Test(bounds, messages_past_the_limit_are_counted_only)
{
    struct front_config config;
    scene_config(&config);
    config.call_messages_max = 10;
    struct scene *s = scene_new(&config);
    scene_setup(s, 0, "call-1");
    for (unsigned i = 0; i < 1000; i++) {
        char branch[32];
        snprintf(branch, sizeof branch, "z9hG4bKr%u", i);
        scene_sip(s, 2000 + i,
                  (struct sip_line){UA, UB, "INVITE", .cseq = 2 + (int)i, .to_tag = "b",
                                    .branch = branch,
                                    .sdp = sdp_audio("10.0.0.1", 4000 + i % 500 * 2, NULL)});
    }
    scene_finish(s);
    const struct seen_call *c = &s->call[0];
    cr_expect_eq(c->sip, 1005);
    cr_expect_eq(c->over_limit, 995);
    cr_expect_eq(c->call.messages, 1005);
    cr_expect_eq(c->call.messages_over_limit, 995);
    cr_expect_eq(c->call.reinvites, 1000);
    cr_expect_leq(c->call.event_count, 200);
    cr_expect_eq(scene_count(s, C_MESSAGES_OVER_LIMIT), 995);
    scene_end(s);
}

Test(bounds, text_past_the_limit_is_counted_only)
{
    struct front_config config;
    scene_config(&config);
    config.call_text_max = 1000;
    struct scene *s = scene_new(&config);
    scene_setup(s, 0, "call-1");
    scene_finish(s);
    cr_expect_gt(s->call[0].over_limit, 0);
    cr_expect_lt(s->call[0].over_limit, 5);
    scene_end(s);
}

Test(bounds, junk_waits_in_a_bounded_place)
{
    struct front_config config;
    scene_config(&config);
    config.held_bytes_max = 64 << 10;
    config.flows_max = 256;
    struct scene *s = scene_new(&config);
    for (unsigned i = 0; i < 3000; i++) {
        char src[32];
        snprintf(src, sizeof src, "10.7.%u.%u:2000", i / 250, 1 + i % 250);
        scene_rtp(s, i, (struct rtp_run){src, "10.0.0.8:7000", 1, i, (uint16_t)(i * 331), i, 0});
    }
    scene_setup(s, 3000, "call-1");
    scene_talk(s, 4020, 20);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 20);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLEE), 20);
    cr_expect_leq(scene_count(s, C_TABLE_SIZE + 3), 64 << 10);
    scene_wait(s, 20000);
    cr_expect_eq(scene_count(s, C_RTP_HELD_DROPPED) + scene_count(s, C_RTP_ORPHAN), 3000);
    scene_end(s);
}

Test(bounds, a_spray_at_an_announced_port_leaves_room_for_the_call)
{
    struct scene *s = scene_new(NULL);
    for (unsigned i = 0; i < 2000; i++) {
        char src[32];
        snprintf(src, sizeof src, "10.7.%u.%u:2000", i / 250, 1 + i % 250);
        if (i == 1000)
            scene_setup(s, 1000, "call-1");
        scene_rtp(s, i < 1000 ? i : 1011 + i,
                  (struct rtp_run){src, MB, 1, i, (uint16_t)(i * 331), i, 0});
    }
    scene_talk(s, 4020, 20);
    cr_expect_eq(scene_flow(s, 0, MA, MB)->rtp, 20);
    cr_expect_eq(scene_flow(s, 0, MB, MA)->rtp, 20);
    scene_end(s);
}

Test(bounds, orphans_are_made_before_a_full_ring_forgets)
{
    struct front_config config;
    scene_config(&config);
    config.held_bytes_max = 32 << 10;
    struct scene *s = scene_new(&config);
    for (unsigned k = 0; k < 40; k++) {
        for (unsigned i = 0; i < 20; i++) {
            char src[32];
            snprintf(src, sizeof src, "10.7.0.%u:2000", 1 + i);
            scene_rtp(s, k * 20 + i * 0.5,
                      (struct rtp_run){src, MB, 1, i + 1, (uint16_t)k, k * 160, 8});
        }
    }
    scene_finish(s);
    cr_expect_eq(scene_count(s, C_RTP_ORPHAN), 800);
    cr_expect_eq(scene_count(s, C_RTP_HELD_DROPPED), 0);
    scene_end(s);
}

Test(bounds, flows_of_one_call_are_limited)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    for (unsigned i = 0; i < 500; i++) {
        char src[32];
        snprintf(src, sizeof src, "10.7.0.9:%u", 10000 + i);
        scene_rtp(s, 1020 + i, (struct rtp_run){src, MB, 1, i + 1, 0, 0, 8});
    }
    cr_expect_geq(scene_count(s, C_STREAMS_OVER_LIMIT), 400);
    scene_end(s);
}

Test(bounds, one_tuple_claimed_again_and_again_stays_short)
{
    struct scene *s = scene_new(NULL);
    for (unsigned i = 0; i < 60; i++) {
        char call[32];
        snprintf(call, sizeof call, "claim-%u", i);
        scene_sip(s, i * 10,
                  (struct sip_line){UA, UB, "INVITE", .call = call,
                                    .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
        scene_rtp(s, i * 10 + 1, (struct rtp_run){MB, MA, 3, 1000 + i, 0, 0, 8, .step_ms = 1});
    }
    scene_wait(s, 700);
    cr_expect_leq(scene_count(s, C_TABLE_SIZE + 1), 8);
    for (unsigned i = 0; i < 60; i++)
        cr_expect_eq(scene_rtp_of(s, i, CALL_CALLEE), 3, "%u", i);
    scene_end(s);
}

Test(bounds, long_names_are_kept_apart)
{
    struct scene *s = scene_new(NULL);
    char a[3000], b[3000];
    memset(a, 'x', sizeof a - 1);
    a[sizeof a - 1] = 0;
    memcpy(b, a, sizeof b);
    b[sizeof b - 2] = 'y';
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .call = a});
    scene_sip(s, 1, (struct sip_line){UA, UB, "INVITE", .call = b});
    scene_sip(s, 2, (struct sip_line){UB, UA, .status = 486, .call = b, .to_tag = "b"});
    cr_expect_eq(s->call_count, 2);
    cr_expect_str_eq(s->call[0].states, "T");
    cr_expect_str_eq(s->call[1].states, "TE");
    scene_end(s);
}

/* ---- the same frames, the same events ---- */

static void play(struct scene *s, unsigned seed)
{
    for (unsigned i = 0; i < 6; i++) {
        char call[16];
        snprintf(call, sizeof call, "c%u", i);
        scene_setup(s, i * 900, call);
        scene_talk(s, i * 900 + 300, 25);
        if (seed % 2 == 0)
            scene_wait(s, i * 900 + 810); /* idle ticks of a live source change nothing */
        if (i % 2)
            scene_bye(s, i * 900 + 850, call);
        scene_rtp(s, i * 900 + 860,
                  (struct rtp_run){"10.3.3.3:9000", "10.3.3.4:9000", 5, 5, (uint16_t)(i * 5),
                                   i * 800, 8, .step_ms = 1});
    }
    scene_finish(s);
}

Test(bounds, equal_frames_give_equal_events)
{
    struct scene *a = scene_new(NULL), *b = scene_new(NULL), *c = scene_new(NULL);
    play(a, 1);
    play(b, 1);
    play(c, 2);
    cr_expect_gt(a->log.size, 1000);
    cr_expect_str_eq(buf_text(&a->log), buf_text(&b->log));
    cr_expect_str_eq(buf_text(&a->log), buf_text(&c->log));
    for (unsigned i = 0; i < a->call_count; i++)
        cr_expect_eq(memcmp(a->call[i].call.uid, b->call[i].call.uid, 16), 0);
    scene_end(a);
    scene_end(b);
    scene_end(c);
}

/* Cut, doubled and altered messages: nothing must break, whatever it means. */
Test(bounds, broken_messages_break_nothing)
{
    struct scene *s = scene_new(NULL);
    const char *whole =
        "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=a\r\n"
        "To: <sip:b@x>\r\nCall-ID: k\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n\r\n"
        "v=0\r\nc=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 8 96\r\na=rtpmap:96 x/1\r\n";
    size_t size = strlen(whole);
    unsigned seed = 12345;
    for (size_t i = 0; i < size; i++)
        scene_udp(s, (double)i, UA, UB, whole, i);
    for (unsigned i = 0; i < 3000; i++) {
        char text[1024];
        memcpy(text, whole, size);
        for (unsigned k = 0; k < 3; k++) {
            seed = seed * 1103515245 + 12345;
            text[(seed >> 8) % size] = (char)(seed >> 24);
        }
        scene_udp(s, 1000 + i, UA, UB, text, size);
    }
    scene_finish(s);
    cr_expect_eq(scene_count(s, C_CALLS_ACTIVE), 0);
    scene_end(s);
}
