/* Flows: who sends, to which call they belong, and when. */
#include "tests/unit/call/scene.h"

#include <criterion/criterion.h>

Test(media, both_directions_are_bound_by_sdp)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 50);
    scene_rtcp(s, 1500, "10.0.0.1:4001", "10.0.0.2:5001", 0xaaaa);
    scene_rtcp(s, 1501, MB, MA, 0xbbbb); /* multiplexed */
    const struct seen_flow *ab = scene_flow(s, 0, MA, MB), *ba = scene_flow(s, 0, MB, MA);
    cr_assert(ab && ba);
    cr_expect_eq(ab->rtp, 50);
    cr_expect_eq(ba->rtp, 50);
    cr_expect_eq(ba->rtcp, 1);
    cr_expect_eq(ab->media.party, CALL_CALLER);
    cr_expect_eq(ba->media.party, CALL_CALLEE);
    cr_expect_eq(ab->media.confidence, FLOW_SDP);
    cr_expect(ab->media.announced && ab->media.keep && !ab->media.early && !ab->media.secure);
    cr_expect_eq(ab->media.media_type, SDP_AUDIO);
    cr_assert_eq(ab->media.codec_count, 2);
    cr_expect_eq(ab->media.negotiated_count, 2);
    cr_expect_str_eq(ab->media.codecs[0].name, "PCMA");
    cr_expect_eq(ab->media.codecs[0].payload_type, 8);
    cr_expect_eq(ab->media.codecs[1].kind, CODEC_EVENT);
    const struct seen_flow *rtcp = scene_flow(s, 0, "10.0.0.1:4001", "10.0.0.2:5001");
    cr_assert(rtcp);
    cr_expect_eq(rtcp->media.party, CALL_CALLER);
    cr_expect_eq(s->call_count, 1);
    scene_end(s);
}

Test(media, each_side_names_its_own_payload_types)
{
    struct scene *s = scene_new(NULL);
    const char *a =
        "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
        "m=audio 4000 RTP/AVP 96 0 8\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n";
    const char *b = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n"
                    "m=audio 5000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\na=ptime:40\r\n";
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .sdp = a});
    scene_sip(s, 10, (struct sip_line){UB, UA, .status = 200, .to_tag = "b", .sdp = b});
    scene_talk(s, 20, 1);
    const struct flow_media *to_b = &scene_flow(s, 0, MA, MB)->media;
    const struct flow_media *to_a = &scene_flow(s, 0, MB, MA)->media;
    cr_expect_eq(to_b->codecs[0].payload_type, 111);
    cr_expect_eq(to_b->ptime_ms, 40);
    cr_expect_eq(to_b->negotiated_count, 1);
    cr_expect_eq(to_b->codec_count, 4, "what only the sender named comes last");
    cr_expect_eq(to_a->codecs[0].payload_type, 96);
    cr_expect_eq(to_a->negotiated_count, 1);
    cr_expect_str_eq(to_a->codecs[0].fmtp, "useinbandfec=1");
    cr_expect_str_eq(to_a->codecs[1].name, "PCMU");
    scene_end(s);
}

Test(media, a_late_offer_stands_in_the_answer)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    scene_sip(s, 100,
              (struct sip_line){UB, UA, .status = 200, .to_tag = "b",
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_sip(
        s, 110,
        (struct sip_line){UA, UB, "ACK", .to_tag = "b", .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    scene_talk(s, 120, 20);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 20);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLEE), 20);
    cr_expect_eq(s->call[0].brief.state, CALL_ANSWERED);
    scene_end(s);
}

Test(media, early_media_is_marked)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    scene_sip(s, 100,
              (struct sip_line){UB, UA, .status = 183, .to_tag = "b",
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_rtp(s, 150, (struct rtp_run){MB, MA, 100, 0xbbbb, 0, 0, 8});
    scene_sip(s, 2500,
              (struct sip_line){UB, UA, .status = 200, .to_tag = "b",
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_rtp(s, 2520, (struct rtp_run){MA, MB, 10, 0xaaaa, 0, 0, 8});
    scene_finish(s);
    const struct seen_call *c = &s->call[0];
    cr_expect_eq(c->call.early_media_ns, SCENE_START_NS + 150 * INT64_C(1000000));
    cr_expect_eq(c->call.ringing_ns, SCENE_START_NS + 100 * INT64_C(1000000));
    cr_expect(scene_flow(s, 0, MB, MA)->media.early);
    cr_expect_not(scene_flow(s, 0, MA, MB)->media.early);
    cr_expect_eq(scene_count(s, C_CALLS_ONE_WAY), 0);
    scene_end(s);
}

Test(media, sdp_in_prack_and_update_counts)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    scene_sip(s, 100,
              (struct sip_line){UB, UA, .status = 183, .to_tag = "b",
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_sip(s, 110,
              (struct sip_line){UA, UB, "PRACK", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKp",
                                .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    scene_talk(s, 150, 5);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 5);
    scene_sip(s, 300,
              (struct sip_line){UA, UB, "UPDATE", .cseq = 3, .to_tag = "b", .branch = "z9hG4bKu",
                                .sdp = sdp_audio("10.0.0.1", 4100, NULL)});
    scene_rtp(s, 310, (struct rtp_run){MB, "10.0.0.1:4100", 5, 0xbbbb, 5, 800, 8});
    const struct seen_flow *f = scene_flow(s, 0, MB, "10.0.0.1:4100");
    cr_assert(f);
    cr_expect_eq(f->rtp, 5);
    scene_finish(s);
    cr_expect_eq(s->call[0].call.updates, 1);
    scene_end(s);
}

Test(media, a_re_invite_moves_the_port_within_the_call)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 50);
    scene_sip(s, 3000,
              (struct sip_line){UA, UB, "INVITE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKr",
                                .sdp = sdp_audio("10.0.0.1", 4100, NULL)});
    scene_sip(s, 3010,
              (struct sip_line){UB, UA, .status = 200, .cseq = 2, .to_tag = "b",
                                .branch = "z9hG4bKr", .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_rtp(s, 3020, (struct rtp_run){MB, "10.0.0.1:4100", 20, 0xbbbb, 50, 8000, 8});
    scene_rtp(s, 3021, (struct rtp_run){MB, MA, 2, 0xbbbb, 48, 7680, 8}); /* late ones */
    scene_finish(s);
    cr_assert_eq(s->call_count, 1);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLEE), 72);
    cr_expect_eq(s->call[0].call.reinvites, 1);
    cr_expect_not_null(strstr(s->call[0].notes, "reinvite(caller)"));
    cr_expect_not_null(strstr(s->call[0].notes, "media_moved(10.0.0.1:4100)"));
    scene_end(s);
}

Test(media, a_refused_re_invite_changes_nothing)
{
    struct scene *s = scene_new(NULL);
    const char *fax = "v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 "
                      "0\r\nm=image 4000 udptl t38\r\n";
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 10);
    scene_sip(s, 2000,
              (struct sip_line){UA, UB, "INVITE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKr",
                                .sdp = fax});
    scene_sip(
        s, 2010,
        (struct sip_line){UB, UA, .status = 488, .cseq = 2, .to_tag = "b", .branch = "z9hG4bKr"});
    scene_rtp(s, 2020, (struct rtp_run){MB, MA, 10, 0xcccc, 7, 7, 8});
    const struct seen_flow *f = scene_flow(s, 0, MB, MA);
    cr_expect_eq(f->media.media_type, SDP_AUDIO);
    cr_expect_eq(f->rtp, 20);
    cr_expect_eq(f->bound, 1, "nothing new to say");
    scene_end(s);
}

Test(media, fax_keeps_the_call_alive_and_is_forwarded_as_what_it_is)
{
    struct scene *s = scene_new(NULL);
    const char *a = "v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 "
                    "0\r\nm=image 4000 udptl t38\r\n";
    const char *b = "v=0\r\no=- 1 2 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 "
                    "0\r\nm=image 5000 udptl t38\r\n";
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 10);
    scene_sip(s, 2000,
              (struct sip_line){UB, UA, "INVITE", .from_tag = "b", .to_tag = "a",
                                .branch = "z9hG4bKr", .sdp = b});
    scene_sip(s, 2010,
              (struct sip_line){UA, UB, .status = 200, .from_tag = "b", .to_tag = "a",
                                .branch = "z9hG4bKr", .sdp = a});
    for (unsigned i = 0; i < 100; i++)
        scene_udp(s, 2020 + i * 1000, MA, MB, "\x00\x01\x06\x01\x02\x03\x04", 7);
    cr_expect_eq(s->ended_count, 0);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 10);
    cr_expect_eq(scene_flow(s, 0, MA, MB)->fax, 100);
    cr_expect_eq(scene_count(s, C_DECODED + 5), 100);
    scene_end(s);
}

static void hold_with(const char *held, const char *held_answer, const char *address)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 50);
    scene_sip(s, 3000,
              (struct sip_line){UA, UB, "INVITE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKh",
                                .sdp = sdp_audio(address, 4000, held)});
    scene_sip(s, 3010,
              (struct sip_line){UB, UA, .status = 200, .cseq = 2, .to_tag = "b",
                                .branch = "z9hG4bKh",
                                .sdp = sdp_audio("10.0.0.2", 5000, held_answer)});
    scene_wait(s, 93000); /* longer than the media time-out */
    cr_expect_eq(s->ended_count, 0, "%s", held);
    scene_sip(s, 93000,
              (struct sip_line){UA, UB, "INVITE", .cseq = 3, .to_tag = "b", .branch = "z9hG4bKi",
                                .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    scene_sip(s, 93010,
              (struct sip_line){UB, UA, .status = 200, .cseq = 3, .to_tag = "b",
                                .branch = "z9hG4bKi", .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_talk(s, 93020, 50);
    scene_sip(s, 95000,
              (struct sip_line){UA, UB, "BYE", .cseq = 4, .to_tag = "b", .branch = "z9hG4bKj"});
    scene_wait(s, 99000);
    cr_assert_eq(s->ended_count, 1);
    const struct call *c = &s->call[0].call;
    cr_expect_eq(c->holds, 1, "%s", held);
    cr_expect_eq(c->held_ns, 90000 * INT64_C(1000000), "%s", held);
    cr_expect_not_null(strstr(s->call[0].notes, "hold(caller)"), "%s", s->call[0].notes);
    cr_expect_not_null(strstr(s->call[0].notes, "resume(caller)"));
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLEE), 100);
    scene_end(s);
}

Test(media, hold_has_three_styles)
{
    hold_with("a=sendonly\r\n", "a=recvonly\r\n", "10.0.0.1");
    hold_with("a=inactive\r\n", "a=inactive\r\n", "10.0.0.1");
    hold_with(NULL, NULL, "0.0.0.0");
}

Test(media, lines_come_and_go)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_sip(s, 2000,
              (struct sip_line){
                  UA, UB, "INVITE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKv",
                  .sdp = sdp_audio("10.0.0.1", 4000,
                                   "m=video 4200 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n")});
    scene_sip(s, 2010,
              (struct sip_line){
                  UB, UA, .status = 200, .cseq = 2, .to_tag = "b", .branch = "z9hG4bKv",
                  .sdp = sdp_audio("10.0.0.2", 5000,
                                   "m=video 5200 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n")});
    scene_rtp(s, 2020, (struct rtp_run){"10.0.0.1:4200", "10.0.0.2:5200", 10, 0xdddd, 0, 0, 96});
    scene_sip(s, 4000,
              (struct sip_line){UA, UB, "INVITE", .cseq = 3, .to_tag = "b", .branch = "z9hG4bKw",
                                .sdp = sdp_audio("10.0.0.1", 4000, "m=video 0 RTP/AVP 96\r\n")});
    scene_sip(s, 4010,
              (struct sip_line){UB, UA, .status = 200, .cseq = 3, .to_tag = "b",
                                .branch = "z9hG4bKw",
                                .sdp = sdp_audio("10.0.0.2", 5000, "m=video 0 RTP/AVP 96\r\n")});
    scene_finish(s);
    const struct seen_flow *video = scene_flow(s, 0, "10.0.0.1:4200", "10.0.0.2:5200");
    cr_assert(video);
    cr_expect_eq(video->media.media_type, SDP_VIDEO);
    cr_expect_eq(video->media.media_index, 1);
    cr_expect_eq(video->rtp, 10);
    cr_expect_not_null(strstr(s->call[0].notes, "media_added(video)"));
    cr_expect_not_null(strstr(s->call[0].notes, "media_removed(video)"));
    scene_end(s);
}

Test(media, packets_ahead_of_their_sdp_are_not_lost)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE"});
    scene_rtp(s, 10, (struct rtp_run){MB, "10.0.0.1:4000", 40, 0xbbbb, 0, 0, 8});
    scene_rtcp(s, 500, "10.0.0.2:5001", "10.0.0.1:4001", 0xbbbb);
    cr_expect_eq(s->call[0].flow_count, 0);
    scene_sip(s, 900,
              (struct sip_line){UB, UA, .status = 200, .to_tag = "b",
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_sip(
        s, 910,
        (struct sip_line){UA, UB, "ACK", .to_tag = "b", .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    scene_rtp(s, 920, (struct rtp_run){MB, MA, 10, 0xbbbb, 40, 6400, 8});
    const struct seen_flow *f = scene_flow(s, 0, MB, MA);
    cr_assert(f);
    cr_expect_eq(f->rtp, 50);
    cr_expect_eq(f->held, 40);
    cr_expect_eq(f->media.party, CALL_CALLEE);
    cr_expect_eq(f->media.confidence, FLOW_SDP, "described anew when the other side answered");
    cr_expect_eq(scene_flow(s, 0, "10.0.0.2:5001", "10.0.0.1:4001")->rtcp, 1);
    cr_expect_eq(scene_count(s, C_RTP_HELD_DROPPED), 0);
    scene_end(s);
}

Test(media, a_source_behind_nat_is_learned)
{
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0,
              (struct sip_line){UA, UB, "INVITE", .sdp = sdp_audio("192.168.1.5", 4000, NULL)});
    scene_sip(s, 10,
              (struct sip_line){UB, UA, .status = 200, .to_tag = "b",
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_rtp(s, 20, (struct rtp_run){"203.0.113.7:31000", MB, 10, 0xaaaa, 0, 0, 8});
    scene_rtp(s, 21, (struct rtp_run){MB, "203.0.113.7:31000", 10, 0xbbbb, 0, 0, 8});
    const struct seen_flow *up = scene_flow(s, 0, "203.0.113.7:31000", MB);
    const struct seen_flow *down = scene_flow(s, 0, MB, "203.0.113.7:31000");
    cr_assert(up && down);
    cr_expect_eq(up->media.party, CALL_CALLER);
    cr_expect_eq(up->media.confidence, FLOW_LEARNED);
    cr_expect_eq(down->media.party, CALL_CALLEE);
    cr_expect_eq(down->media.confidence, FLOW_SDP_SOURCE);
    cr_expect_eq(up->rtp, 10);
    cr_expect_eq(down->rtp, 10);
    scene_end(s);
}

Test(media, a_relay_announces_more_endpoints_of_the_same_party)
{
    struct scene *s = scene_new(NULL);
    const char *proxy = "10.0.0.9:5060";
    scene_sip(s, 0,
              (struct sip_line){UA, proxy, "INVITE", .branch = "z9hG4bKu",
                                .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    scene_sip(s, 1,
              (struct sip_line){proxy, UB, "INVITE", .branch = "z9hG4bKd",
                                .sdp = sdp_audio("10.0.0.9", 6000, NULL)});
    scene_sip(s, 10,
              (struct sip_line){UB, proxy, .status = 200, .to_tag = "b", .branch = "z9hG4bKd",
                                .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
    scene_sip(s, 11,
              (struct sip_line){proxy, UA, .status = 200, .to_tag = "b", .branch = "z9hG4bKu",
                                .sdp = sdp_audio("10.0.0.9", 6002, NULL)});
    scene_rtp(s, 20, (struct rtp_run){MA, "10.0.0.9:6002", 10, 0xaaaa, 0, 0, 8});
    scene_rtp(s, 21, (struct rtp_run){"10.0.0.9:6000", MB, 10, 0xaaaa, 0, 0, 8});
    scene_rtp(s, 22, (struct rtp_run){MB, "10.0.0.9:6000", 10, 0xbbbb, 0, 0, 8});
    scene_rtp(s, 23, (struct rtp_run){"10.0.0.9:6002", MA, 10, 0xbbbb, 0, 0, 8});
    scene_finish(s);
    cr_expect_eq(s->call_count, 1);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 20);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLEE), 20);
    for (unsigned i = 0; i < s->call[0].flow_count; i++)
        cr_expect_eq(s->call[0].flow[i].media.confidence, FLOW_SDP);
    cr_expect_null(strstr(s->call[0].notes, "media_moved"));
    scene_end(s);
}

Test(media, the_next_call_on_the_same_ports_gets_its_own_packets)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 50);
    scene_bye(s, 2100, "call-1");
    scene_setup(s, 2200, "call-2");
    scene_rtp(s, 3210, (struct rtp_run){MB, MA, 20, 0x2222, 0, 0, 8, .step_ms = 5});
    scene_rtp(s, 3310,
              (struct rtp_run){MB, MA, 3, 0xbbbb, 50, 8000, 8,
                               .step_ms = 5}); /* late ones of the first */
    scene_rtp(s, 3330, (struct rtp_run){MB, MA, 20, 0x2222, 20, 3200, 8, .step_ms = 5});
    scene_bye(s, 5000, "call-2");
    scene_wait(s, 9000);
    cr_assert_eq(s->call_count, 2);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLEE), 53);
    cr_expect_eq(scene_rtp_of(s, 1, CALL_CALLEE), 40);
    cr_expect_eq(scene_rtp_of(s, 1, CALL_CALLER), 0);
    cr_expect_eq(s->ended_count, 2);
    scene_end(s);
}

Test(media, a_new_source_on_the_ports_of_an_ended_call_is_not_its_own)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 50);
    scene_bye(s, 2100, "call-1");
    scene_rtp(s, 2150, (struct rtp_run){MB, MA, 20, 0x3333, 0, 0, 8});
    scene_rtp(s, 2151, (struct rtp_run){MB, MA, 5, 0xbbbb, 50, 8000, 8});
    scene_wait(s, 30000);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLEE), 55);
    cr_assert_eq(s->call_count, 2, "an orphan");
    cr_expect_eq(s->call[1].brief.kind, CALL_ORPHAN);
    cr_expect_eq(scene_rtp_of(s, 1, CALL_CALLER), 20);
    scene_end(s);
}

Test(media, media_without_signalling_becomes_an_orphan)
{
    struct scene *s = scene_new(NULL);
    for (unsigned i = 0; i < 200; i++) {
        scene_rtp(s, i * 20, (struct rtp_run){MA, MB, 1, 0xaaaa, (uint16_t)i, i * 160, 8});
        scene_rtp(s, i * 20 + 3, (struct rtp_run){MB, MA, 1, 0xbbbb, (uint16_t)i, i * 160, 8});
    }
    scene_rtcp(s, 4010, "10.0.0.1:4001", "10.0.0.2:5001", 0xaaaa);
    scene_wait(s, 30000);
    cr_assert_eq(s->call_count, 1);
    const struct seen_call *c = &s->call[0];
    cr_assert(c->ended);
    cr_expect_eq(c->call.kind, CALL_ORPHAN);
    cr_expect_eq(c->call.outcome, CALL_OUTCOME_NONE);
    cr_expect_eq(c->call.end_reason, CALL_END_MEDIA_TIMEOUT);
    cr_expect_eq(c->call.started_ns, SCENE_START_NS);
    cr_expect_eq(c->call.ended_ns, SCENE_START_NS + 4010 * INT64_C(1000000));
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 200);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLEE), 200);
    cr_expect_eq(scene_flow(s, 0, MA, MB)->media.confidence, FLOW_GUESSED);
    cr_expect_not(scene_flow(s, 0, MA, MB)->media.announced);
    cr_expect_eq(scene_flow(s, 0, "10.0.0.1:4001", "10.0.0.2:5001")->rtcp, 1);
    cr_expect_eq(scene_count(s, C_RTP_ORPHAN), 400);
    cr_expect_eq(scene_count(s, C_RTP_HELD_DROPPED), 0);
    scene_end(s);
}

Test(media, short_streams_need_four_packets)
{
    struct scene *s = scene_new(NULL);
    scene_rtp(s, 0, (struct rtp_run){MA, MB, 4, 0xaaaa, 65534, 0, 0});
    scene_rtp(s, 0, (struct rtp_run){"10.0.0.3:7000", MB, 3, 0xaaab, 0, 0, 0});
    scene_finish(s);
    cr_assert_eq(s->call_count, 1);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 4);
    scene_end(s);
}

Test(media, what_only_begins_like_rtp_is_no_orphan)
{
    static const struct {
        const char *name, *dst;
        struct rtp_run run;
    } rows[] = {
        {"sequence stands",
         MB,
         {.count = 100, .sequence = 1, .sequence_step = 65536, .payload_type = 0}},
        {"sequence jumps",
         MB,
         {.count = 100, .sequence = 1, .sequence_step = 977, .payload_type = 0}},
        {"RTCP type", MB, {.count = 100, .payload_type = 72}},
        {"DNS port", "10.0.0.2:53", {.count = 100, .payload_type = 0}},
        {"unassigned type, few", MB, {.count = 8, .payload_type = 40}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene *s = scene_new(NULL);
        struct rtp_run run = rows[i].run;
        run.src = MA;
        run.dst = rows[i].dst;
        scene_rtp(s, 0, run);
        scene_finish(s);
        cr_expect_eq(s->call_count, 0, "%s", rows[i].name);
        scene_end(s);
    }
}

Test(media, orphans_can_be_switched_off)
{
    struct front_config config;
    scene_config(&config);
    config.orphans = false;
    struct scene *s = scene_new(&config);
    scene_rtp(s, 0, (struct rtp_run){MA, MB, 100, 0xaaaa, 0, 0, 8});
    scene_wait(s, 20000);
    cr_expect_eq(s->call_count, 0);
    cr_expect_eq(scene_count(s, C_RTP_HELD_DROPPED), 100);
    scene_end(s);
}

Test(media, signalling_takes_an_orphan_over)
{
    struct scene *s = scene_new(NULL);
    scene_rtp(s, 0, (struct rtp_run){MB, MA, 300, 0xbbbb, 0, 0, 8});
    cr_assert_eq(s->call_count, 1);
    scene_setup(s, 6000, "call-1");
    scene_rtp(s, 7020, (struct rtp_run){MB, MA, 50, 0xbbbb, 300, 48000, 8});
    scene_bye(s, 9000, "call-1");
    scene_wait(s, 30000);
    cr_assert_eq(s->call_count, 2);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 300);
    cr_expect_eq(scene_rtp_of(s, 1, CALL_CALLEE), 50);
    cr_expect_eq(s->ended_count, 2);
    cr_expect_eq(s->call[0].call.ended_ns, SCENE_START_NS + 299 * 20 * INT64_C(1000000));
    scene_end(s);
}

Test(media, late_packets_of_an_ended_call_find_it)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_bye(s, 2000, "call-1");
    /* the first packets ever come after the BYE, between the announced ends */
    scene_rtp(s, 2050, (struct rtp_run){MA, MB, 9, 0xaaaa, 0, 0, 8});
    scene_wait(s, 9000);
    cr_expect_eq(s->call_count, 1);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 9);
    cr_expect_eq(s->call[0].call.early_media_ns, 0);
    scene_end(s);
}

Test(media, refused_media_marks_the_call)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 10);
    s->refuse_media = true;
    scene_rtp(s, 1300, (struct rtp_run){MA, MB, 5, 0xaaaa, 10, 1600, 8});
    s->refuse_media = false;
    cr_expect_eq(s->missed, 0);
    scene_rtp(s, 1500, (struct rtp_run){MA, MB, 2, 0xaaaa, 15, 2400, 8});
    cr_expect_eq(s->missed, 5, "told once there is room again");
    scene_finish(s);
    cr_expect(s->call[0].call.capture_suspect);
    cr_expect_eq(scene_count(s, C_DROPS + 2), 5);
    scene_end(s);
}

Test(media, what_was_refused_before_a_flow_goes_is_told_with_its_going_and_of_no_other_call)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 10);
    s->refuse_media = true;
    scene_rtp(s, 1300, (struct rtp_run){MA, MB, 5, 0xaaaa, 10, 1600, 8});
    scene_bye(s, 1500, "call-1");
    scene_wait(s, 9000);
    s->refuse_media = false;
    cr_assert(s->call[0].ended);
    cr_expect_eq(scene_flow(s, 0, MA, MB)->missed, 5);
    cr_expect_eq(scene_flow(s, 0, MB, MA)->missed, 0);
    scene_setup(s, 10000, "call-2");
    scene_talk(s, 11020, 10);
    scene_finish(s);
    cr_expect(s->call_count == 2 && !s->call[1].call.capture_suspect);
    cr_expect(s->missed == 0 && scene_flow(s, 1, MA, MB)->missed == 0);
    scene_end(s);
}

/* A call whose media moves `count` times. */
static bool moved_is_limited(unsigned count)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    for (unsigned i = 0; i < count; i++) {
        struct sip_line again = {.src = UA, .dst = UB, .method = "INVITE", .cseq = (int)(2 + i), .to_tag = "b",
                                 .branch = i % 2 ? "z9hG4bKr1" : "z9hG4bKr2", .sdp = sdp_audio("10.0.0.1", 4000 + 2 * (i % 2), "")};
        scene_sip(s, 2000 + 100 * i, again);
        scene_sip(s, 2020 + 100 * i, (struct sip_line){.src = UB, .dst = UA, .status = 200, .cseq = (int)(2 + i), .to_tag = "b",
                                                       .branch = again.branch, .sdp = sdp_audio("10.0.0.2", 5000, "")});
    }
    scene_bye(s, 9000, "call-1");
    scene_finish(s);
    cr_assert(s->call_count == 1 && s->call[0].ended);
    cr_expect_eq(s->call[0].call.announced_count, count + 1 < CALL_ANNOUNCED_MAX ? count + 1 : CALL_ANNOUNCED_MAX);
    bool limited = s->call[0].call.limited;
    scene_end(s);
    return limited;
}

Test(media, a_call_of_which_not_all_announcements_are_kept_says_so)
{
    cr_expect_not(moved_is_limited(9));
    cr_expect(moved_is_limited(30));
}

Test(media, stun_and_dtls_are_counted_not_forwarded)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 1);
    uint8_t stun[20] = {0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, dtls[20] = {22, 254, 253};
    scene_udp(s, 1100, MA, MB, stun, sizeof stun);
    scene_udp(s, 1101, MA, MB, dtls, sizeof dtls);
    cr_expect_eq(scene_rtp_of(s, 0, CALL_CALLER), 1);
    cr_expect_eq(scene_count(s, C_DECODED + 6), 1);
    cr_expect_eq(scene_count(s, C_DECODED + 4), 1);
    scene_end(s);
}

Test(media, srtp_is_marked)
{
    struct scene *s = scene_new(NULL);
    const char *a = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 "
                    "0\r\nm=audio 4000 RTP/SAVP 8\r\n";
    const char *b = "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 "
                    "0\r\nm=audio 5000 RTP/SAVP 8\r\n";
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .sdp = a});
    scene_sip(s, 10, (struct sip_line){UB, UA, .status = 200, .to_tag = "b", .sdp = b});
    scene_talk(s, 20, 3);
    scene_finish(s);
    cr_expect(s->call[0].call.encrypted_media);
    cr_expect(scene_flow(s, 0, MA, MB)->media.secure);
    cr_expect_eq(scene_count(s, C_DECODED + 3), 6);
    scene_end(s);
}
