/* Sizes and key frames out of payloads: of encoders as they are, of sets that were written bit by bit, of every cut of them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "capture/video/meter.h"
#include "tests/support/guard.h"

TestSuite(video, .timeout = 60);

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t n = 0;
    for (; hex[2 * n]; n++) {
        unsigned byte = 0;
        cr_assert_eq(sscanf(hex + 2 * n, "%2x", &byte), 1);
        out[n] = (uint8_t)byte;
    }
    return n;
}

/* Beginnings of payloads: of films that libx264, libx265, libvpx and libsvtav1 made; parameter sets of pictures that are cropped. */
static const struct {
    enum video_codec codec;
    const char *payload;
    unsigned width, height;
    bool key;
} payloads[] = {
    {VIDEO_H264, "18000209f000196764000cacd942847e5c0440000003004000000c83c50a6580000468efbcb002ba0605ffffb6dc45e9bde6d948b7962cd820d923eeef78323634202d20636f72652031363420723330", 160, 120, false},
    {VIDEO_H264, "7c8588840077d71a7b7083648664758fabe4f76bed9dce96a5ab5260d313490998a0f0d42445bf28f6f72eb6c2a5c4e79f1887d062c95a4ee436212abb7748ae61be2e0b4aa96b255f11b47c20e7fb00", 0, 0, true},
    {VIDEO_H264, "7c45030508ceb0bfdecb5c6ab1f81d038bae9fe62e680973b96898517682d43fb35b9489703d31efa390656b9933dc17c2de40fcced8a28123bfb2a45e437c2be82fdcbe8db3aafc4af73277ac3563be", 0, 0, false},
    {VIDEO_H264, "18000209f00295419a23188effcedfe88ce5d64bc88a567ba27a615900caefb172dfc91f39e0120cc298d19be82a8a56fd4531892f75ec5c83c3ae728d96af42c79994829df0cd54a21588de3b2ab087", 0, 0, false},
    {VIDEO_H265, "60010003460150001840010c01ffff01600000030090000003000003003c959009002b42010101600000030090000003000003003ca01420207cb965644a4c2f016808000003000800000300c8400006", 160, 120, false},
    {VIDEO_H265, "620194ac2120b974ca4f3ca224bcf1bb76bd0a86b28eec729a0a5e20bfa104e4bff5da8a4cab588204d11d62dcfca6028f2a53f392f4069151877bea1323ea3d394e6290afaf135c493d5aff0d508f98", 0, 0, true},
    {VIDEO_H265, "620181d0195e20e1054ce9823ddde92009d6a6f0e6ebf3708f1012ac6cffa7a71fba1167743dcac4ad074976d4f55f2a544499367b09dcc3036a8dea4c9cacc41eabb3974cdb922f0cf33dca62a1ac41", 0, 0, false},
    {VIDEO_VP8, "90808000304a009d012aa00078000007088585889984880202c805fc07f007a81feabf603aa03fc6bf0071bff4007f80fe00eb81fe03e4a1fa77f46ff01cc33f99ff04fe21f5ffcc033002a6018d01fe", 160, 120, true},
    {VIDEO_VP8, "808080004304f976f7cf6253421e4e7c31f5a88b0b9ace2d19d96f7aad2a480d6b71cf993a05f703ed7e71345bc79bb6939914ce4cafc37f1c358c65b64ca1f8851801064dfddd6311ba664eb56d12d2", 0, 0, false},
    {VIDEO_VP8, "90808001310d00091128001e93c316fffaeefffffe038ca8407fffd74e25717ff2848ef7fffffdde863e5be5cd6a5ec66ffea22788efa87cebe55affffd501db7d5fdffddcf5cd7f39927f2b78967e95", 0, 0, false},
    {VIDEO_VP9, "08824983420009f007760638241c18420009005f7f9fe4fbf67c2ff9cf62f5bd13f1fe5ffa7fc7f97fd5fa0fe0fd1fb7d6ff0fcffc9f27f37cbff6ff6fe3ffeb7abf7f07be3fde9fc77eee5fea3de837", 160, 120, true},
    {VIDEO_VP9, "0886004092f0a1250000847f90d8d37d9e97455080fcfadfb93fdf5c53dab0d1bb2e52b8884be1760ba000007ddf153f3d142295d3d01e445af8ff3879e27eb115fa03aecff9cf540b3a8f3445079a86", 0, 0, false},
    {VIDEO_VP9, "00457f154641fa6e9523d2848432fb169a77d8a414ccc91f2765606252f95610f53518c652ac5011e9787b41795d896af135b032c5e7c8d5bff9b698e30134e8b0f17844870e69982ba199c43c31f953", 0, 0, false},
    {VIDEO_AV1, "180800000003b4ff73efe401", 160, 120, false},
    {VIDEO_AV1, "503014002168000002179f7900dd3afdc57e7421ad975cb36535b8482028c23f877f93f4439f690295a35352b0a91172cb7d3a131edea62cb4e9edf5847f38a9cc61a6582ab9b57a272bde66c14469dc", 0, 0, true},
    {VIDEO_AV1, "c0cc087cc4871fa0e32d1c1d99bb83b573541c313637ea84bcc236fbcd8db584b15e1ab55663800ecd8e3d1a059f844a341c0a29e5430abf2c21b79a3b88bfbd1b4482d5d2f6b06357660b7602950e40", 0, 0, false},
    {VIDEO_AV1, "1030320108049249112300000088004000b30895922b3891cd6d6b4474c2675dd7d4671c3e850c021fb7eae100031058683f6596be8984835416dfe9d56773e9680f5e15acf819acb86e2c9f6fa9576e", 0, 0, false},
    {VIDEO_H264, "6742c028da01e0089f970110000003001000000300a0f1832a", 1920, 1080, false},
    {VIDEO_H265, "420101016000000300900000030000030078a003c0801107cb965654a4c2f016808000000300800000030284", 1920, 1080, false},
    {VIDEO_H264, "6742c016da0290bf88930110000003001000000300a0f162ea", 642, 362, false},
};

Test(video, encoders_say_their_size)
{
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        uint8_t bytes[512];
        struct video_look look;
        video_look(payloads[i].codec, slice_of(bytes, from_hex(payloads[i].payload, bytes)), &look);
        cr_expect(look.width == payloads[i].width && look.height == payloads[i].height, "%zu: %ux%u", i,
                  look.width, look.height);
        cr_expect_eq(look.key, payloads[i].key, "%zu", i);
    }
}

Test(video, every_cut_of_a_payload_is_survived)
{
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++) {
        uint8_t bytes[512];
        size_t size = from_hex(payloads[i].payload, bytes);
        for (size_t n = 0; n <= size; n++) {
            struct slice cut = guard_copy(slice_of(bytes, n));
            for (enum video_codec c = VIDEO_NONE; c <= VIDEO_AV1; c++) {
                struct video_look look;
                video_look(c, cut, &look);
                cr_assert(look.width <= VIDEO_SIDE_MAX && look.height <= VIDEO_SIDE_MAX);
            }
            guard_free(cut);
        }
    }
}

Test(video, sdp_says_a_size_ahead_of_any_packet)
{
    struct video_look look;
    struct slice fmtp = slice_str("packetization-mode=1; sprop-parameter-sets="
                                  "Z2QADay0CwS2AiAAAAMAIAAABlHihVQ=,aO8Pyw==; profile-level-id=64000D");
    cr_assert(video_look_announced(VIDEO_H264, fmtp, &look));
    cr_expect(look.width == 352 && look.height == 288);
    cr_expect_not(video_look_announced(VIDEO_H265, fmtp, &look));
    cr_expect_not(video_look_announced(VIDEO_H264, slice_str("sprop-parameter-sets=,,x,Z2QA"), &look));
}

/* ---- the meter ---- */

static const struct rtp_codec vp8 = {.payload_type = 96, .kind = CODEC_VIDEO, .clock_hz = 90000, .name = "VP8"};
#define MS INT64_C(1000000)

static void feed(struct video_meter *m, uint16_t sequence, uint32_t timestamp, int64_t at_ms)
{
    struct rtp_packet p = {.sequence = sequence, .timestamp = timestamp, .payload_type = 96, .payload = slice_of("\x10\x01xx", 4)};
    video_meter_packet(m, &p, &vp8, 1000, false, false, at_ms * MS);
}

Test(video, pictures_are_counted_by_timestamps_in_any_order_of_showing)
{
    static const uint8_t order[] = {0, 3, 1, 2, 6, 4, 5, 9, 7, 8};
    struct video_meter m;
    struct video_stats s;
    video_meter_init(&m, true);
    for (unsigned i = 0; i < 100; i++)
        for (unsigned k = 0; k < 3; k++)
            feed(&m, (uint16_t)(65400 + 3 * i + k), UINT32_MAX - 100000 + 3600 * (10 * (i / 10) + order[i % 10]), 40 * i + k);
    video_meter_stats(&m, &s);
    cr_expect_eq(s.pictures, 100);
    cr_expect_float_eq(s.per_second, 25, 0.3);
    cr_expect_float_eq(s.kbit_per_s, 3 * 1000 * 8 * 25 / 1000., 10);
    cr_expect_eq(s.freezes, 0);
}

Test(video, a_late_packet_begins_no_picture)
{
    struct video_meter m;
    struct video_stats s;
    video_meter_init(&m, true);
    for (unsigned i = 0; i < 10; i++)
        feed(&m, (uint16_t)i, 3600 * i, 40 * i);
    struct rtp_packet p = {.sequence = 4, .timestamp = 3600 * 4, .payload_type = 96, .payload = slice_of("\x10\x01xx", 4)};
    video_meter_packet(&m, &p, &vp8, 4, true, false, 401 * MS);
    feed(&m, 10, 36000, 402);
    video_meter_stats(&m, &s);
    cr_expect_eq(s.pictures, 11);
}

Test(video, a_pause_is_no_freeze_but_a_gap_with_loss_is)
{
    struct video_meter m;
    struct video_stats s;
    for (unsigned lost = 0; lost < 2; lost++) {
        video_meter_init(&m, true);
        for (unsigned i = 0; i < 20; i++)
            feed(&m, (uint16_t)i, 3600 * i, 40 * i);
        for (unsigned i = 0; i < 20; i++)
            feed(&m, (uint16_t)(20 + lost + i), 3600 * 400 + 3600 * i, 16000 + 40 * i);
        video_meter_stats(&m, &s);
        cr_expect_eq(s.freezes, lost);
        cr_expect_eq(s.frozen_ms, lost ? 15240 : 0);
        if (lost == 0)
            cr_expect_float_eq(s.per_second, 25, 0.01);
    }
}

Test(video, protected_payloads_are_not_read)
{
    struct video_meter m;
    struct video_stats s;
    video_meter_init(&m, false);
    struct rtp_packet p = {.payload_type = 96, .payload = slice_of("\x10\x10\x02\x00\x9d\x01\x2a\xa0\x00\x78\x00", 11)};
    video_meter_packet(&m, &p, &vp8, 11, false, false, MS);
    video_meter_stats(&m, &s);
    cr_expect(s.width == 0 && s.key_pictures == -1 && s.pictures == 1);
    video_meter_init(&m, true);
    video_meter_packet(&m, &p, &vp8, 11, false, false, MS);
    video_meter_stats(&m, &s);
    cr_expect(s.width == 160 && s.height == 120 && s.key_pictures == 1);
}
