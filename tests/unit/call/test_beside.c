/* What media ports carry beside RTP: never counted as RTP, each as what it is; relays. */
#include <criterion/criterion.h>

#include "tests/unit/call/stun_scene.h"

struct beside_case {
    const char *what;
    struct slice bytes;
    unsigned label;
};

#define BYTES(text)                                                                                \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }

static const struct beside_case cases[] = {
    {"Binding indication",
     BYTES("\x00\x11\x00\x00\x21\x12\xa4\x42"
           "0123456789ab"),
     LABEL_PROTO_STUN},
    {"old Binding",
     BYTES("\x00\x01\x00\x00"
           "0123456789abcdef"),
     LABEL_PROTO_STUN},
    {"ClientHello",
     BYTES("\x16\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04"
           "abcd"),
     LABEL_PROTO_DTLS},
    {"ZRTP Hello", BYTES("\x10\x00\x00\x01ZRTP\x00\x00\x00\x01PZ"), LABEL_PROTO_ZRTP},
    {"no ZRTP", BYTES("\x10\x00\x00\x01ZZTP\x00\x00\x00\x01PZ"), LABEL_PROTO_OTHER},
    {"channel data",
     BYTES("\x40\x01\x00\x04"
           "abcd"),
     LABEL_PROTO_TURN},
    {"wrong length",
     BYTES("\x40\x01\x00\x40"
           "abcd"),
     LABEL_PROTO_OTHER},
    {"nothing", BYTES(""), LABEL_PROTO_KEEPALIVE},
    {"one octet", BYTES("\x00"), LABEL_PROTO_KEEPALIVE},
    {"four octets", BYTES("\x80\x08\x00\x01"), LABEL_PROTO_KEEPALIVE},
    {"line ends", BYTES("\r\n\r\n"), LABEL_PROTO_KEEPALIVE},
    {"empty RTP of another type", BYTES("\x80\x14\x00\x01\x00\x00\x00\x00\x00\x00\xaa\xaa"),
     LABEL_PROTO_KEEPALIVE},
    {"other bits", BYTES("\xff\xff\xff\xff\xff\xff"), LABEL_PROTO_OTHER},
};

Test(beside, nothing_else_is_counted_as_rtp)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene *s = scene_new(NULL);
        scene_setup(s, 0, "call-1");
        scene_talk(s, 1020, 10);
        uint64_t before = scene_count(s, C_DECODED + cases[i].label);
        for (unsigned k = 0; k < 5; k++)
            scene_udp(s, 1300 + 150 * k, MA, MB, cases[i].bytes.data, cases[i].bytes.size);
        cr_expect_eq(scene_count(s, C_DECODED + cases[i].label) - before, 5, "%s", cases[i].what);
        cr_expect_eq(scene_count(s, C_DECODED + LABEL_PROTO_RTP), 20, "%s", cases[i].what);
        cr_expect_eq(scene_flow(s, 0, MA, MB)->rtp, 10, "%s", cases[i].what);
        cr_expect_eq(s->call_count, 1);
        scene_end(s);
    }
}

Test(beside, an_empty_packet_of_the_type_in_use_is_rtp)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 10);
    scene_udp(s, 1300, MA, MB, "\x80\x08\x00\x0a\x00\x00\x00\x00\x00\x00\xaa\xaa", 12);
    cr_expect_eq(scene_flow(s, 0, MA, MB)->rtp, 11);
    scene_end(s);
}

Test(beside, without_a_call_it_makes_none)
{
    struct scene *s = scene_new(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (unsigned k = 0; k < 20; k++)
            scene_udp(s, 150 * k, MA, MB, cases[i].bytes.data, cases[i].bytes.size);
    scene_wait(s, 60000);
    cr_expect_eq(s->call_count, 0);
    scene_end(s);
}

Test(beside, fax_on_an_image_port_is_fax)
{
    static const char sdp[] =
        "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=-\r\nc=IN IP4 10.0.0.2\r\nt=0 0\r\n"
        "m=image 5000 udptl t38\r\n";
    struct scene *s = scene_new(NULL);
    scene_sip(s, 0, (struct sip_line){UA, UB, "INVITE", .sdp = sdp_audio("10.0.0.1", 4000, NULL)});
    scene_sip(s, 10, (struct sip_line){UB, UA, .status = 200, .to_tag = "b", .sdp = sdp});
    static const uint8_t starts[] = {0x00, 0x10, 0x16, 0x40, 0x7f, 0x90, 0xff};
    for (unsigned i = 0; i < sizeof starts; i++) {
        uint8_t udptl[14] = {starts[i], (uint8_t)i, 0x06, 0xd0};
        scene_udp(s, 100 + i, MA, MB, udptl, sizeof udptl);
    }
    cr_expect_eq(scene_count(s, C_DECODED + LABEL_PROTO_T38), sizeof starts);
    scene_stun(s, 200, MA, MB, (struct stun_line){BINDING});
    scene_udp(s, 201, MA, MB, "", 0);
    cr_expect_eq(scene_count(s, C_DECODED + LABEL_PROTO_STUN), 1);
    cr_expect_eq(scene_count(s, C_DECODED + LABEL_PROTO_KEEPALIVE), 1);
    cr_expect_eq(scene_count(s, C_DECODED + LABEL_PROTO_RTP), 0);
    scene_end(s);
}

Test(beside, rtp_after_dtls_without_sdp_is_encrypted_media)
{
    for (int dtls = 0; dtls < 2; dtls++) {
        struct scene *s = scene_new(NULL);
        if (dtls)
            scene_udp(s, 0, MB, MA, cases[2].bytes.data, cases[2].bytes.size);
        scene_rtp(s, 100, (struct rtp_run){MA, MB, 300, 0xaaaa, 0, 0, 111});
        scene_finish(s);
        cr_assert_eq(s->call_count, 1);
        cr_expect_eq(s->call[0].brief.kind, CALL_ORPHAN);
        cr_expect_eq(s->call[0].flow[0].media.secure, dtls);
        cr_expect_eq(s->call[0].call.encrypted_media, dtls);
        scene_end(s);
    }
}

/* ---- relays: client A 10.0.0.1:4000 behind 192.0.2.3, relayed address :49152 ---- */

#define SERVER  "192.0.2.3:3478"
#define RELAYED "192.0.2.3:49152"
#define PEER    "203.0.113.9:5000"
#define RELAY_A                                                                                    \
    "a=candidate:1 1 UDP 16777215 192.0.2.3 49152 typ relay raddr 198.51.100.7 rport 41000\r\n"

static struct scene *relay_call(const char *more)
{
    struct scene *s = scene_new(NULL);
    scene_ice_call(s, sdp_ice("192.0.2.3", 49152, "aaaa", more),
                   sdp_ice("203.0.113.9", 5000, "bbbb", ""));
    return s;
}

static void bind_channel(struct scene *s, double at_ms)
{
    scene_stun(s, at_ms, MA, SERVER,
               (struct stun_line){CHANNEL_BIND, .channel = 0x4001, .peer = PEER});
}

static unsigned rtp_of(const struct scene *s, const char *src, const char *dst)
{
    const struct seen_flow *f = s->call_count ? scene_flow(s, 0, src, dst) : NULL;
    return f ? f->rtp : 0;
}

Test(beside, both_legs_of_a_relay_belong_to_the_call)
{
    struct scene *s = relay_call(RELAY_A);
    scene_stun(s, 190, SERVER, MA, (struct stun_line){ALLOCATE_OK, .relayed = RELAYED});
    bind_channel(s, 200);
    scene_channel(s, 300, 0x4001, (struct rtp_run){MA, SERVER, 20, 0xaaaa, 0, 0, 8});
    scene_rtp(s, 301, (struct rtp_run){RELAYED, PEER, 20, 0xaaaa, 0, 0, 8});
    scene_rtp(s, 302, (struct rtp_run){PEER, RELAYED, 20, 0xbbbb, 0, 0, 8});
    scene_channel(s, 303, 0x4001, (struct rtp_run){SERVER, MA, 20, 0xbbbb, 0, 0, 8});
    cr_expect_eq(rtp_of(s, MA, PEER), 20);
    cr_expect_eq(rtp_of(s, RELAYED, PEER), 20);
    cr_expect_eq(rtp_of(s, PEER, RELAYED), 20);
    cr_expect_eq(rtp_of(s, PEER, MA), 20);
    cr_expect_eq(scene_flow(s, 0, MA, PEER)->media.party, CALL_CALLER);
    cr_expect_eq(scene_flow(s, 0, MA, PEER)->media.confidence, FLOW_SDP, "by the allocation");
    cr_expect_eq(scene_flow(s, 0, PEER, MA)->media.party, CALL_CALLEE);
    cr_expect_eq(scene_flow(s, 0, PEER, MA)->media.confidence, FLOW_SDP);
    cr_expect_eq(scene_count(s, C_DECODED + LABEL_PROTO_TURN), 40);
    cr_expect_eq(scene_count(s, C_DECODED + LABEL_PROTO_RTP), 80);
    cr_expect_eq(s->call_count, 1);
    scene_end(s);
}

Test(beside, a_channel_that_nobody_bound_carries_nothing_we_know)
{
    struct scene *s = relay_call(RELAY_A);
    scene_channel(s, 300, 0x4001, (struct rtp_run){MA, SERVER, 20, 0xaaaa, 0, 0, 8});
    bind_channel(s, 900);
    scene_channel(s, 1000, 0x4002, (struct rtp_run){MA, SERVER, 20, 0xaaaa, 0, 0, 8});
    cr_expect_eq(s->call[0].flow_count, 0);
    cr_expect_eq(scene_count(s, C_DECODED + LABEL_PROTO_TURN), 40);
    cr_expect_eq(scene_count(s, C_DECODED + LABEL_PROTO_RTP), 0);
    /* after ten minutes of silence it is forgotten */
    scene_wait(s, 700000);
    cr_expect_eq(scene_count(s, C_TABLE_SIZE + label_find(LABELS_TABLE, slice_str("turn"))), 0);
    scene_end(s);
}

Test(beside, send_and_data_indications_are_unwrapped)
{
    struct scene *s = relay_call(RELAY_A);
    struct rtp_run out = {.ssrc = 0xaaaa, .payload_type = 8},
                   back = {.ssrc = 0xbbbb, .payload_type = 8};
    for (unsigned i = 0; i < 5; i++) {
        scene_stun(s, 300 + 20 * i, MA, SERVER,
                   (struct stun_line){SEND, .peer = PEER, .data = rtp_bytes(out, i)});
        scene_stun(s, 301 + 20 * i, SERVER, MA,
                   (struct stun_line){DATA, .peer = PEER, .data = rtp_bytes(back, i)});
    }
    cr_expect_eq(rtp_of(s, MA, PEER), 5);
    cr_expect_eq(rtp_of(s, PEER, MA), 5);
    cr_expect_eq(scene_count(s, C_DECODED + LABEL_PROTO_TURN), 10);
    scene_end(s);
}

Test(beside, a_call_leaves_its_relay_in_the_middle)
{
    struct scene *s =
        relay_call(RELAY_A "a=candidate:2 1 UDP 2130706431 10.0.0.1 4000 typ host\r\n"
                           "a=candidate:3 1 UDP 2130706431 10.0.5.1 4400 typ host\r\n");
    bind_channel(s, 200);
    double at = scene_channel(s, 300, 0x4001, (struct rtp_run){MA, SERVER, 50, 0xaaaa, 0, 0, 8});
    at = scene_rtp(s, at, (struct rtp_run){MA, PEER, 50, 0xaaaa, 50, 8000, 8}); /* direct */
    at = scene_rtp(s, at, (struct rtp_run){"10.0.5.1:4400", PEER, 50, 0xaaaa, 100, 16000, 8});
    cr_expect_eq(rtp_of(s, MA, PEER), 150, "one stream all the way");
    scene_finish(s);
    cr_expect_str_eq(s->call[0].notes, "media_moved(10.0.5.1:4400)");
    cr_expect_eq(s->call_count, 1);
    scene_end(s);
}

Test(beside, relays_within_relays_are_left_closed)
{
    struct scene *s = relay_call(RELAY_A);
    uint8_t inner[4 + 172] = {0x40, 0x02, 0, 172};
    for (unsigned i = 0; i < 4; i++)
        scene_stun(s, 300 + 150 * i, MA, SERVER,
                   (struct stun_line){SEND, .peer = PEER, .data = slice_of(inner, sizeof inner)});
    cr_expect_eq(scene_count(s, C_DECODED + LABEL_PROTO_TURN), 8);
    cr_expect_eq(s->call[0].flow_count, 0);
    scene_end(s);
}

Test(beside, the_table_of_relays_is_bounded)
{
    struct front_config config;
    scene_config(&config);
    config.turn_max = 8;
    struct scene *s = scene_new(&config);
    for (unsigned i = 0; i < 100; i++)
        scene_stun(s, i, MA, SERVER,
                   (struct stun_line){CHANNEL_BIND, .channel = 0x4000 + i, .peer = PEER});
    scene_wait(s, 1000);
    cr_expect_eq(scene_count(s, C_TABLE_SIZE + label_find(LABELS_TABLE, slice_str("turn"))), 8);
    cr_expect_eq(scene_count(s, C_TURN_EVICTED), 92);
    scene_end(s);
}

Test(beside, a_channel_in_use_keeps_its_peer)
{
    struct scene *s = relay_call(RELAY_A);
    bind_channel(s, 200);
    scene_stun(s, 250, MA, SERVER,
               (struct stun_line){CHANNEL_BIND, .channel = 0x4001, .peer = "203.0.113.66:6"});
    scene_channel(s, 300, 0x4001, (struct rtp_run){MA, SERVER, 20, 0xaaaa, 0, 0, 8});
    cr_expect_eq(rtp_of(s, MA, PEER), 20);
    scene_end(s);
}
