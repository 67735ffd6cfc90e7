/* ICE: candidates, connectivity checks, another path in the middle of a call, BUNDLE. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "tests/unit/call/stun_scene.h"

#define HOST_A "a=candidate:1 1 UDP 2130706431 10.0.0.1 4000 typ host\r\n"
#define SRFLX_A                                                                                    \
    "a=candidate:2 1 UDP 1694498815 198.51.100.7 41000 typ srflx raddr 10.0.0.1 rport 4000\r\n"
#define RAW_A  "198.51.100.7:41000"
#define WIFI_A "a=candidate:3 1 UDP 2130706431 10.0.5.1 4400 typ host\r\n"
#define HOST_B "a=candidate:1 1 UDP 2130706431 10.0.0.2 5000 typ host\r\n"

static void expect_flow(struct scene *s, const char *src, const char *dst, unsigned rtp,
                        enum call_party party, enum flow_confidence confidence)
{
    const struct seen_flow *f = s->call_count ? scene_flow(s, 0, src, dst) : NULL;
    cr_assert(f != NULL, "%s > %s", src, dst);
    cr_expect_eq(f->rtp, rtp, "%s > %s: %u", src, dst, f->rtp);
    cr_expect_eq(f->media.party, party);
    cr_expect_eq(f->media.confidence, confidence, "%s > %s", src, dst);
}

Test(ice, a_reflexive_candidate_binds_what_the_default_address_does_not_name)
{
    struct scene *s = scene_new(NULL);
    scene_ice_call(s, sdp_ice("10.0.0.1", 4000, "aaaa", HOST_A SRFLX_A),
                   sdp_ice("203.0.113.9", 5000, "bbbb", ""));
    scene_rtp(s, 200, (struct rtp_run){RAW_A, "203.0.113.9:5000", 5, 0xaaaa, 0, 0, 8});
    scene_rtp(s, 200, (struct rtp_run){"203.0.113.9:5000", RAW_A, 5, 0xbbbb, 0, 0, 8});
    expect_flow(s, RAW_A, "203.0.113.9:5000", 5, CALL_CALLER, FLOW_SDP);
    expect_flow(s, "203.0.113.9:5000", RAW_A, 5, CALL_CALLEE, FLOW_SDP);
    cr_expect_str_eq(scene_flow(s, 0, RAW_A, "203.0.113.9:5000")->media.codecs[0].name, "PCMA");
    cr_expect_eq(s->call_count, 1);
    scene_end(s);
}

Test(ice, the_base_of_a_candidate_binds_inside_the_nat)
{
    struct scene *s = scene_new(NULL);
    scene_ice_call(s, sdp_ice("198.51.100.7", 41000, "aaaa", SRFLX_A),
                   sdp_ice("203.0.113.9", 5000, "bbbb", ""));
    scene_rtp(s, 200, (struct rtp_run){MA, "203.0.113.9:5000", 5, 0xaaaa, 0, 0, 8});
    expect_flow(s, MA, "203.0.113.9:5000", 5, CALL_CALLER, FLOW_SDP);
    scene_end(s);
}

/* Between two endpoints of which no SDP knows anything. */
#define PEER_A "198.51.100.7:47777"
#define PEER_B "203.0.113.9:58888"

static struct scene *hidden_call(void)
{
    struct scene *s = scene_new(NULL);
    scene_ice_call(
        s, sdp_ice("0.0.0.0", 9, "aaaa", "a=candidate:1 1 UDP 1 x1.local 4000 typ host\r\n"),
        sdp_ice("0.0.0.0", 9, "bbbb", "a=candidate:1 1 UDP 1 x2.local 5000 typ host\r\n"));
    return s;
}

static void hidden_media(struct scene *s)
{
    scene_rtp(s, 300, (struct rtp_run){PEER_A, PEER_B, 10, 0xaaaa, 0, 0, 8});
    scene_rtp(s, 300, (struct rtp_run){PEER_B, PEER_A, 10, 0xbbbb, 0, 0, 8});
}

Test(ice, a_check_binds_endpoints_that_no_sdp_names)
{
    struct scene *s = hidden_call();
    scene_stun(s, 250, PEER_A, PEER_B, (struct stun_line){BINDING, "bbbb:aaaa"});
    hidden_media(s);
    expect_flow(s, PEER_A, PEER_B, 10, CALL_CALLER, FLOW_SDP);
    expect_flow(s, PEER_B, PEER_A, 10, CALL_CALLEE, FLOW_SDP);
    cr_expect_eq(scene_flow(s, 0, PEER_A, PEER_B)->media.codec_count, 1);
    scene_finish(s);
    cr_expect_eq(s->call[0].call.holds, 0, "0.0.0.0 is no hold with ICE");
    cr_expect_eq(s->call_count, 1);
    scene_end(s);
}

Test(ice, a_check_of_anybody_else_binds_nothing)
{
    static const char *const names[] = {"bbbb:cccc", "cccc:aaaa", "aaaa:aaaa", "bbbb", "", ":"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct scene *s = hidden_call();
        scene_stun(s, 250, PEER_A, PEER_B, (struct stun_line){BINDING, names[i]});
        hidden_media(s);
        cr_expect(scene_flow(s, 0, PEER_A, PEER_B) == NULL, "%s", names[i]);
        scene_end(s);
    }
}

Test(ice, what_checks_show_is_bounded)
{
    struct scene *s = hidden_call();
    char src[32];
    for (unsigned i = 0; i < 200; i++) {
        snprintf(src, sizeof src, "198.51.100.7:%u", 20000 + i);
        scene_stun(s, 250 + i, src, PEER_B, (struct stun_line){BINDING, "bbbb:aaaa"});
    }
    scene_rtp(s, 500, (struct rtp_run){src, PEER_B, 5, 0xaaaa, 0, 0, 8});
    cr_assert(scene_flow(s, 0, src, PEER_B));
    scene_rtp(s, 500, (struct rtp_run){"198.51.100.7:20000", "203.0.113.1:7", 5, 0xa, 0, 0, 8});
    cr_expect(scene_flow(s, 0, "198.51.100.7:20000", "203.0.113.1:7") == NULL, "the oldest went");
    scene_end(s);
}

static void reoffer(struct scene *s, double at_ms, const char *offer, int status)
{
    scene_sip(s, at_ms,
              (struct sip_line){UA, UB, "INVITE", .cseq = 2, .to_tag = "b", .branch = "z9hG4bKre",
                                .sdp = offer});
    scene_sip(
        s, at_ms + 50,
        (struct sip_line){UB, UA, .status = status, .cseq = 2, .to_tag = "b", .branch = "z9hG4bKre",
                          .sdp = status < 300 ? sdp_ice("10.0.0.2", 5000, "bbbb", HOST_B) : NULL});
}

#define STRAY "203.0.113.77:7777"

static bool binds_after(const char *offer, int status)
{
    struct scene *s = scene_new(NULL);
    scene_ice_call(s, sdp_ice("10.0.0.1", 4000, "aaaa", HOST_A WIFI_A),
                   sdp_ice("10.0.0.2", 5000, "bbbb", HOST_B));
    reoffer(s, 200, offer, status);
    scene_rtp(s, 300, (struct rtp_run){"10.0.5.1:4400", STRAY, 10, 0xaaaa, 0, 0, 8});
    bool bound = scene_flow(s, 0, "10.0.5.1:4400", STRAY) != NULL;
    scene_end(s);
    return bound;
}

Test(ice, a_candidate_that_is_not_offered_any_more_binds_nothing)
{
    cr_expect(binds_after(sdp_ice("10.0.0.1", 4000, "aaaa", HOST_A WIFI_A), 200));
    cr_expect_not(binds_after(sdp_ice("10.0.0.1", 4000, "aaaa", HOST_A), 200));
    cr_expect_not(binds_after(sdp_audio("10.0.0.1", 4000, ""), 200));
    cr_expect(binds_after(sdp_ice("10.0.0.1", 4000, "aaaa", HOST_A), 488), "it was refused");
}

/* ---- paths ---- */

static struct scene *moving(const char *candidates, double *ret_at, double gap_ms, unsigned lost)
{
    struct scene *s = scene_new(NULL);
    scene_ice_call(s, sdp_ice("10.0.0.1", 4000, "aaaa", candidates),
                   sdp_ice("10.0.0.2", 5000, "bbbb", HOST_B));
    double at = scene_rtp(s, 200, (struct rtp_run){MA, MB, 50, 0xaaaa, 0, 0, 8});
    scene_stun(s, at, "10.0.5.1:4400", MB,
               (struct stun_line){BINDING, "bbbb:aaaa", .use_candidate = true});
    *ret_at = scene_rtp(s, at + gap_ms,
                        (struct rtp_run){"10.0.5.1:4400", MB, 50, 0xaaaa, (uint16_t)(50 + lost),
                                         (50 + lost) * 160, 8});
    return s;
}

Test(ice, media_that_takes_another_path_stays_one_stream)
{
    double at;
    struct scene *s = moving(HOST_A WIFI_A, &at, 0, 0);
    scene_rtp(s, at, (struct rtp_run){MA, MB, 1, 0xaaaa, 49, 49 * 160, 8}); /* a late one */
    expect_flow(s, MA, MB, 101, CALL_CALLER, FLOW_SDP);
    expect_flow(s, "10.0.5.1:4400", MB, 0, CALL_CALLER, FLOW_SDP);
    scene_bye(s, at + 1000, "call-1");
    scene_finish(s);
    cr_expect_str_eq(s->call[0].notes, "media_moved(10.0.5.1:4400)");
    cr_expect_eq(s->call_count, 1);
    scene_end(s);
}

Test(ice, a_check_alone_is_enough_to_move)
{
    double at;
    struct scene *s = moving(HOST_A, &at, 40, 2);
    expect_flow(s, MA, MB, 100, CALL_CALLER, FLOW_SDP);
    scene_end(s);
}

Test(ice, a_stream_that_only_looks_alike_is_another)
{
    struct scene *s = scene_new(NULL);
    scene_ice_call(s, sdp_ice("10.0.0.1", 4000, "aaaa", HOST_A WIFI_A),
                   sdp_ice("10.0.0.2", 5000, "bbbb", HOST_B));
    double at = scene_rtp(s, 200, (struct rtp_run){MA, MB, 50, 0xaaaa, 0, 0, 8});
    scene_rtp(s, at, (struct rtp_run){"10.0.5.1:4400", MB, 5, 0xcccc, 50, 8000, 8});
    expect_flow(s, MA, MB, 50, CALL_CALLER, FLOW_SDP);
    expect_flow(s, "10.0.5.1:4400", MB, 5, CALL_CALLER, FLOW_SDP);
    scene_rtp(s, at, (struct rtp_run){MA, "10.0.0.2:5002", 5, 0xaaaa, 45, 7200, 8});
    expect_flow(s, MA, "10.0.0.2:5002", 5, CALL_CALLER, FLOW_SDP_SOURCE);
    scene_end(s);
}

/* ---- one port for several lines ---- */

static const char *sdp_bundle(const char *address, unsigned audio, unsigned video, bool group,
                              bool bundle_only)
{
    static char ring[4][2048];
    static unsigned at;
    char *out = ring[at++ % 4];
    snprintf(
        out, sizeof ring[0],
        "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n%s"
        "m=audio %u UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-mux\r\n"
        "m=video %u UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\na=rtcp-mux\r\n%s"
        "m=application %u UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n",
        address, address, group ? "a=group:BUNDLE 0 1 2\r\n" : "", audio, video,
        bundle_only ? "a=bundle-only\r\n" : "", audio);
    return out;
}

static unsigned codecs_of(const char *offer, const char *answer, const char *src, const char *dst)
{
    struct scene *s = scene_new(NULL);
    scene_ice_call(s, offer, answer);
    scene_rtp(s, 200, (struct rtp_run){src, dst, 3, 0xaaaa, 0, 0, 111});
    scene_rtcp(s, 300, src, dst, 0xaaaa);
    const struct seen_flow *f = scene_flow(s, 0, src, dst);
    cr_assert(f);
    cr_expect_eq(f->rtp, 3);
    cr_expect_eq(f->rtcp, 1);
    cr_expect_eq(f->media.media_type, SDP_AUDIO);
    cr_expect_eq(f->media.media_index, 0);
    cr_expect(f->media.secure);
    cr_expect_str_eq(f->media.codecs[0].name, "opus");
    unsigned n = f->media.codec_count;
    cr_expect_eq(f->media.negotiated_count, n);
    scene_end(s);
    return n;
}

Test(ice, lines_of_a_bundle_share_a_flow)
{
    const char *a = sdp_bundle("10.0.0.1", 4000, 4000, true, false);
    const char *b = sdp_bundle("10.0.0.2", 5000, 5000, true, false);
    cr_expect_eq(codecs_of(a, b, MA, MB), 2);
    cr_expect_eq(codecs_of(a, b, MB, MA), 2);
    const char *apart = sdp_bundle("10.0.0.1", 4000, 4002, true, false);
    cr_expect_eq(codecs_of(apart, b, MB, MA), 2, "accepted: all comes to the first port");
    const char *only = sdp_bundle("10.0.0.1", 4000, 0, true, true);
    cr_expect_eq(codecs_of(only, b, MB, MA), 2);
    const char *refused = sdp_bundle("10.0.0.2", 5000, 5002, false, false);
    cr_expect_eq(codecs_of(apart, refused, MB, MA), 1, "no group: each line its port");
}
