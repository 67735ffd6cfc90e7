/* Address translation: media from where no SDP points to, signs of it, aliases, strangers. */
#include <criterion/criterion.h>

#include "tests/unit/call/scene.h"

/* A phone at 192.168.1.5 behind 198.51.100.7, one at 192.168.2.6 behind 203.0.113.9; between them a
 * server at 192.0.2.3 that relays media on ports of its own. */
#define PHONE_A "198.51.100.7:1024"
#define PHONE_B "203.0.113.9:1025"
#define SERVER  "192.0.2.3:5060"
#define MEDIA_A "198.51.100.7:41000"
#define MEDIA_B "203.0.113.9:51000"
#define RELAY_A "192.0.2.3:30000" /* where A sends to */
#define RELAY_B "192.0.2.3:30002"

static void natted_call(struct scene *s)
{
    const char *via = "z9hG4bK1", *hop = "z9hG4bK2";
    const char *contact = "Contact: <sip:alice@192.168.1.5:5060>\r\n";
    scene_sip(s, 0,
              (struct sip_line){PHONE_A, SERVER, "INVITE", .branch = via, .headers = contact,
                                .sdp = sdp_audio("192.168.1.5", 4000, NULL)});
    scene_sip(s, 10,
              (struct sip_line){SERVER, PHONE_B, "INVITE", .branch = hop,
                                .sdp = sdp_audio("192.0.2.3", 30002, NULL)});
    scene_sip(s, 100,
              (struct sip_line){PHONE_B, SERVER, .status = 200, .branch = hop, .to_tag = "b",
                                .sdp = sdp_audio("192.168.2.6", 5000, NULL)});
    scene_sip(s, 110,
              (struct sip_line){SERVER, PHONE_A, .status = 200, .branch = via, .to_tag = "b",
                                .sdp = sdp_audio("192.0.2.3", 30000, NULL)});
}

static void expect_flow(struct scene *s, const char *src, const char *dst, unsigned rtp,
                        enum call_party party, enum flow_confidence confidence)
{
    const struct seen_flow *f = scene_flow(s, 0, src, dst);
    cr_assert(f != NULL, "%s > %s", src, dst);
    cr_expect_eq(f->rtp, rtp, "%s > %s: %u", src, dst, f->rtp);
    cr_expect_eq(f->media.party, party, "%s > %s", src, dst);
    cr_expect_eq(f->media.confidence, confidence, "%s > %s: %u", src, dst, f->media.confidence);
}

Test(nat, both_sides_behind_one_are_heard)
{
    struct scene *s = scene_new(NULL);
    natted_call(s);
    for (unsigned i = 0; i < 20; i++) {
        double at = 200 + 20 * i;
        uint16_t n = (uint16_t)i;
        scene_rtp(s, at, (struct rtp_run){MEDIA_A, RELAY_A, 1, 0xaaaa, n, n * 160, 8});
        scene_rtp(s, at + 1, (struct rtp_run){RELAY_B, MEDIA_B, 1, 0xaaaa, n, n * 160, 8});
        scene_rtp(s, at + 2, (struct rtp_run){MEDIA_B, RELAY_B, 1, 0xbbbb, n, n * 160, 8});
        scene_rtp(s, at + 3, (struct rtp_run){RELAY_A, MEDIA_A, 1, 0xbbbb, n, n * 160, 8});
    }
    expect_flow(s, MEDIA_A, RELAY_A, 20, CALL_CALLER, FLOW_LEARNED);
    expect_flow(s, RELAY_A, MEDIA_A, 20, CALL_CALLEE, FLOW_SDP_SOURCE);
    expect_flow(s, MEDIA_B, RELAY_B, 20, CALL_CALLEE, FLOW_LEARNED);
    expect_flow(s, RELAY_B, MEDIA_B, 20, CALL_CALLER, FLOW_SDP_SOURCE);
    scene_finish(s);
    cr_expect_eq(s->call_count, 1);
    cr_expect_eq(s->call[0].call.nat, CALL_NAT_SDP_PRIVATE | CALL_NAT_MEDIA_SOURCE |
                                          CALL_NAT_VIA_RECEIVED | CALL_NAT_CONTACT_PRIVATE);
    scene_end(s);
}

struct sign {
    const char *what;
    const char *src, *address, *headers, *media;
    unsigned nat;
};

Test(nat, each_sign_is_noted_alone)
{
    static const struct sign signs[] = {
        {"none", "10.9.9.9:5060", "10.9.9.9", "", "10.9.9.9:4000", 0},
        {"public", "10.9.9.9:5060", "198.51.100.7", "", "198.51.100.7:4000", 0},
        {"Via", "10.0.0.1:5060", "10.0.0.1", "", "10.0.0.1:4000", CALL_NAT_VIA_RECEIVED},
        {"SDP", "198.51.100.7:5060", "192.168.1.5", "", NULL,
         CALL_NAT_SDP_PRIVATE | CALL_NAT_VIA_RECEIVED},
        {"media", "10.9.9.9:5060", "10.9.9.9", "", "198.51.100.7:4000",
         CALL_NAT_SDP_PRIVATE | CALL_NAT_MEDIA_SOURCE},
        {"media of the same kind", "10.9.9.9:5060", "10.9.9.9", "", "10.9.9.8:4000",
         CALL_NAT_MEDIA_SOURCE},
        {"media from another port", "10.9.9.9:5060", "10.9.9.9", "", "10.9.9.9:4002", 0},
        {"Contact", "198.51.100.7:5060", "198.51.100.7", "Contact: <sip:a@172.16.0.9>\r\n", NULL,
         CALL_NAT_CONTACT_PRIVATE | CALL_NAT_VIA_RECEIVED},
        {"Contact by name", "10.9.9.9:5060", "10.9.9.9", "Contact: <sip:a@phone.example>\r\n", NULL,
         0},
    };
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        const struct sign *n = &signs[i];
        struct scene *s = scene_new(NULL);
        scene_sip(s, 0,
                  (struct sip_line){n->src, UB, "INVITE", .headers = n->headers,
                                    .sdp = sdp_audio(n->address, 4000, NULL)});
        scene_sip(s, 10,
                  (struct sip_line){UB, n->src, .status = 200, .to_tag = "b",
                                    .sdp = sdp_audio("10.0.0.2", 5000, NULL)});
        if (n->media)
            scene_rtp(s, 20, (struct rtp_run){n->media, MB, 5, 0xaaaa, 0, 0, 8});
        scene_finish(s);
        cr_expect_eq(s->call[0].call.nat, n->nat, "%s: %u", n->what, s->call[0].call.nat);
        scene_end(s);
    }
}

Test(nat, an_alias_is_the_other_name_of_an_endpoint)
{
    for (unsigned count = 0; count < 2; count++) {
        struct front_config config;
        scene_config(&config);
        config.alias[0] = (struct front_alias){scene_endpoint("198.51.100.7:0").addr,
                                               scene_endpoint("10.0.0.1:0").addr};
        config.alias_count = count;
        struct scene *s = scene_new(&config);
        scene_setup(s, 0, "call-1");
        scene_rtp(s, 1100, (struct rtp_run){"198.51.100.7:4000", "10.0.7.7:7", 5, 0xa, 0, 0, 8});
        scene_rtp(s, 1100, (struct rtp_run){"198.51.100.7:4000", MB, 5, 0xaaaa, 0, 0, 8});
        const struct seen_flow *f = scene_flow(s, 0, "198.51.100.7:4000", MB);
        cr_assert(f);
        cr_expect_eq(f->media.confidence, count ? FLOW_SDP : FLOW_LEARNED);
        cr_expect_eq(scene_flow(s, 0, "198.51.100.7:4000", "10.0.7.7:7") != NULL, count);
        scene_end(s);
    }
}

/* ---- strangers ---- */

#define STRANGER "203.0.113.66:6666"

static const struct flow_media *media_of(struct scene *s, const char *src, const char *dst)
{
    const struct seen_flow *f = scene_flow(s, 0, src, dst);
    cr_assert(f != NULL, "%s > %s", src, dst);
    return &f->media;
}

Test(nat, a_stranger_does_not_join_a_talk)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 50);
    for (unsigned i = 0; i < 50; i++) {
        uint16_t n = (uint16_t)(50 + i);
        scene_rtp(s, 2020 + 20 * i, (struct rtp_run){MA, MB, 1, 0xaaaa, n, n * 160, 8});
        scene_rtp(s, 2030 + 20 * i, (struct rtp_run){STRANGER, MB, 1, 0x666, n, n * 160, 8});
    }
    cr_expect_not(media_of(s, STRANGER, MB)->keep);
    cr_expect_eq(media_of(s, STRANGER, MB)->confidence, FLOW_GUESSED);
    cr_expect(media_of(s, MA, MB)->keep);
    /* the one whom SDP names falls silent */
    scene_rtp(s, 3020, (struct rtp_run){STRANGER, MB, 200, 0x666, 100, 16000, 8});
    cr_expect(media_of(s, STRANGER, MB)->keep);
    cr_expect_eq(media_of(s, STRANGER, MB)->confidence, FLOW_LEARNED);
    /* and comes back */
    scene_rtp(s, 7100, (struct rtp_run){"10.0.0.1:4001", MB, 2, 0xaaab, 0, 0, 8});
    cr_expect_not(media_of(s, "10.0.0.1:4001", MB)->keep && media_of(s, STRANGER, MB)->keep);
    scene_end(s);
}

Test(nat, a_stranger_who_was_first_gives_way_to_the_named)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_rtp(s, 1020, (struct rtp_run){STRANGER, MB, 10, 0x666, 0, 0, 8});
    cr_expect(media_of(s, STRANGER, MB)->keep);
    for (unsigned i = 0; i < 10; i++) {
        uint16_t n = (uint16_t)i;
        scene_rtp(s, 1220 + 20 * i, (struct rtp_run){MA, MB, 1, 0xaaaa, n, n * 160, 8});
        scene_rtp(s, 1230 + 20 * i,
                  (struct rtp_run){STRANGER, MB, 1, 0x666, (uint16_t)(10 + n), 0, 8});
    }
    cr_expect(media_of(s, MA, MB)->keep);
    cr_expect_not(media_of(s, STRANGER, MB)->keep);
    scene_end(s);
}

Test(nat, a_phone_that_gets_another_port_goes_on)
{
    struct scene *s = scene_new(NULL);
    natted_call(s);
    double at = scene_rtp(s, 200, (struct rtp_run){MEDIA_A, RELAY_A, 50, 0xaaaa, 0, 0, 8});
    scene_rtp(s, at + 100,
              (struct rtp_run){"198.51.100.7:41999", RELAY_A, 50, 0xaaaa, 55, 8800, 8});
    expect_flow(s, MEDIA_A, RELAY_A, 100, CALL_CALLER, FLOW_LEARNED);
    scene_finish(s);
    cr_expect_str_eq(s->call[0].notes, "media_moved(198.51.100.7:41999)");
    scene_end(s);
}

Test(nat, who_copies_the_numbers_of_a_talker_is_still_a_stranger)
{
    struct scene *s = scene_new(NULL);
    scene_setup(s, 0, "call-1");
    scene_talk(s, 1020, 50);
    for (unsigned i = 0; i < 50; i++) {
        uint16_t n = (uint16_t)(50 + i);
        scene_rtp(s, 2020 + 20 * i, (struct rtp_run){MA, MB, 1, 0xaaaa, n, n * 160, 8});
        scene_rtp(s, 2030 + 20 * i,
                  (struct rtp_run){STRANGER, MB, 1, 0xaaaa, (uint16_t)(n + 1), 0, 8});
    }
    expect_flow(s, MA, MB, 100, CALL_CALLER, FLOW_SDP);
    cr_expect_not(media_of(s, STRANGER, MB)->keep);
    scene_end(s);
}
