/* What was lost and stands again in a later packet: RED, and the copy inside Opus packets; stereo
 * and pauses of Opus. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "capture/rtp/red.h"
#include "tests/support/encode/encode.h"
#include "tests/support/guard.h"
#include "tests/unit/decode/call.h"

#define SECONDS 2

static int16_t speech[48000 * SECONDS];
static struct encoded encoded;

/* `blocks` earlier frames, 1 to `blocks` packets back, then the primary. */
static size_t red_payload(unsigned at, unsigned blocks, uint8_t type, unsigned ticks, uint8_t *out)
{
    uint8_t *head = out;
    unsigned first = at > blocks ? at - blocks : 0;
    for (unsigned i = first; i < at; i++) {
        uint32_t rest = (at - i) * ticks << 10 | encoded.size[i];
        *head++ = type | 0x80;
        *head++ = (uint8_t)(rest >> 16);
        *head++ = (uint8_t)(rest >> 8);
        *head++ = (uint8_t)rest;
    }
    *head++ = type;
    for (unsigned i = first; i <= at; i++) {
        memcpy(head, encoded.data[i], encoded.size[i]);
        head += encoded.size[i];
    }
    return (size_t)(head - out);
}

static bool is_lost(unsigned i, const unsigned *lost)
{
    for (; *lost; lost++)
        if (*lost == i)
            return true;
    return false;
}

/* A call whose packets `lost` (ends with 0) never came; blocks 0: without RED. */
static void render_red(unsigned blocks, const unsigned *lost, struct call_sound *s)
{
    struct call_flow f;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 7);
    f.codecs[1] = (struct render_codec){"red", "0/0", 8000, 99, 1};
    f.codec_count = 2;
    f.payload_type = blocks ? 99 : 0;
    for (unsigned i = 0; i < encoded.count; i++) {
        uint8_t payload[2000];
        size_t size = blocks ? red_payload(i, blocks, 0, 160, payload) : encoded.size[i];
        if (is_lost(i, lost)) {
            f.sequence++;
            f.timestamp += 160;
            f.now_ns += 20 * CALL_MS;
            continue;
        }
        call_send(&f, blocks ? payload : encoded.data[i], size, 160, 20);
    }
    cr_assert_eq(call_render(&f, 1, s), 0);
    cr_assert_eq(s->frames, 160 * encoded.count);
    cr_assert_eq(s->result.undecodable_packets, 0);
    call_flow_fini(&f);
}

static void encode_pcmu(void)
{
    const struct encode_as as = {.encoder = "pcm_mulaw", .rate_hz = 8000, .frame = 160};
    call_speech(speech, 8000 * SECONDS, 8000, 1);
    cr_assert(encode(&as, speech, 8000 * SECONDS, &encoded));
}

Test(repair, red_gives_back_what_was_lost_to_the_sample)
{
    static const unsigned none[] = {0}, one[] = {30, 50, 0}, two[] = {30, 31, 60, 61, 0},
                          three[] = {30, 31, 32, 0};
    struct call_sound whole, s;
    encode_pcmu();
    render_red(0, none, &whole);
    for (unsigned blocks = 1; blocks <= 3; blocks++) {
        const unsigned *lost[] = {none, one, two, three};
        for (unsigned n = 0; n < 4; n++) {
            unsigned count = 0;
            for (unsigned i = 0; lost[n][i]; i++)
                count++;
            render_red(blocks, lost[n], &s);
            bool all = blocks >= n;
            cr_assert_eq(memcmp(whole.channel[0], s.channel[0], 320 * encoded.count) == 0, all,
                         "%u blocks, case %u", blocks, n);
            if (all)
                cr_assert_eq(s.result.repaired[0], count, "%u blocks, case %u: %lu", blocks, n,
                             (unsigned long)s.result.repaired[0]);
            cr_assert_eq(s.result.concealed[0] == 0, all);
            call_sound_fini(&s);
        }
    }
    render_red(0, one, &s);
    cr_assert_eq(s.result.repaired[0], 0);
    cr_assert_eq(s.result.concealed[0], 2);
    call_sound_fini(&s);
    call_sound_fini(&whole);
}

Test(repair, red_tells_by_its_timestamps_which_block_is_missing)
{
    static const unsigned lost[] = {30, 0};
    struct call_sound s;
    encode_pcmu();
    struct call_flow f;
    call_flow_init(&f, 0, "PCMU", 0, 8000, 7);
    f.codecs[1] = (struct render_codec){"red", "0/0", 8000, 99, 1};
    f.codec_count = 2;
    f.payload_type = 99;
    for (unsigned i = 0; i < encoded.count; i++) {
        uint8_t payload[400] = {0x80, (uint8_t)(320 >> 6), (uint8_t)(320 << 2 & 0xff), 160, 0};
        memcpy(payload + 5, encoded.data[i < 2 ? 0 : i - 2], 160);
        memcpy(payload + 165, encoded.data[i], 160);
        if (is_lost(i, lost)) {
            f.sequence++;
            f.timestamp += 160;
            f.now_ns += 20 * CALL_MS;
        } else {
            call_send(&f, payload, 325, 160, 20);
        }
    }
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, 160 * encoded.count);
    cr_assert_eq(s.result.repaired[0], 0, "packet 31 holds 29, which was there");
    cr_assert_eq(s.result.concealed[0], 1);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(repair, every_truncation_of_red_keeps_to_the_payload)
{
    encode_pcmu();
    uint8_t payload[2000];
    size_t size = red_payload(5, 2, 0, 160, payload);
    struct red_block blocks[RED_BLOCKS_MAX];
    for (size_t n = 0; n <= size; n++) {
        struct slice g = guard_copy(slice_of(payload, n));
        cr_assert_eq(red_blocks(g, blocks), n >= 9 + 320 ? 3 : 0, "%zu", n);
        guard_free(g);
    }
    cr_assert_eq(red_blocks(slice_of(payload, size), blocks), 3);
    cr_assert(blocks[0].behind == 320 && blocks[1].behind == 160 && blocks[2].behind == 0);
    cr_assert_eq(memcmp(blocks[2].payload.data, encoded.data[5], 160), 0);
    memset(payload, 0x80, sizeof payload);
    cr_assert_eq(red_blocks(slice_of(payload, sizeof payload), blocks), 0, "headers without end");
}

/* Likeness to the speech where frames were lost. */
static double opus_call(bool fec, uint64_t *ret_repaired)
{
    const struct encode_as as = {
        .encoder = "libopus direct", .rate_hz = 48000, .frame = 960, .bit_rate = 24000, .fec = fec};
    struct call_flow f;
    struct call_sound s;
    call_speech(speech, 48000 * SECONDS, 48000, 3);
    cr_assert(encode(&as, speech, 48000 * SECONDS, &encoded));
    call_flow_init(&f, 0, "opus", 111, 48000, 7);
    for (unsigned i = 0; i < encoded.count; i++) {
        if (i % 8 == 5) {
            f.sequence++;
            f.timestamp += 960;
            f.now_ns += 20 * CALL_MS;
        } else {
            call_send(&f, encoded.data[i], encoded.size[i], 960, 20);
        }
    }
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, 960 * encoded.count);
    int lag = call_best_lag(speech, 20000, s.channel[0], s.frames, 700);
    static int16_t sent[48000 * SECONDS], heard[48000 * SECONDS];
    int64_t count = 0;
    for (unsigned i = 13; i + 2 < encoded.count; i += 8, count += 960) {
        memcpy(sent + count, speech + i * 960, 1920);
        memcpy(heard + count, s.channel[0] + i * 960 + lag, 1920);
    }
    double like = call_correlation(sent, count, heard, count, 0);
    *ret_repaired = s.result.repaired[0];
    call_sound_fini(&s);
    call_flow_fini(&f);
    return like;
}

Test(repair, opus_frames_come_back_from_the_copy_in_the_next_packet)
{
    uint64_t repaired, none;
    double with = opus_call(true, &repaired), without = opus_call(false, &none);
    cr_assert_geq(repaired, 5, "%lu", (unsigned long)repaired);
    cr_assert_eq(none, 0);
    cr_assert_geq(with, without + 0.05, "%.3f with, %.3f without", with, without);
    cr_assert_geq(with, 0.8, "%.3f", with);
}

/* A tone on the left alone is half as loud on one channel; a pause is not sent, or as one octet. */
Test(opus, stereo_is_mixed_and_pauses_keep_time)
{
    static int16_t stereo[2 * 48000 * SECONDS];
    const struct encode_as as = {.encoder = "libopus direct",
                                 .rate_hz = 48000,
                                 .frame = 960,
                                 .channels = 2,
                                 .bit_rate = 64000,
                                 .dtx = true};
    call_tone(speech, 48000, 48000, 440, 8000);
    for (int i = 0; i < 48000; i++)
        stereo[2 * i] = speech[i];
    cr_assert(encode(&as, stereo, 48000 * SECONDS, &encoded));
    struct call_flow f;
    struct call_sound s;
    unsigned tiny = 0;
    call_flow_init(&f, 0, "opus", 111, 48000, 7);
    f.codecs[0].channels = 2;
    for (unsigned i = 0; i < encoded.count; i++) {
        bool pause = encoded.size[i] <= 2;
        tiny += pause;
        if (!pause || tiny % 2)
            call_put(&f, encoded.data[i], encoded.size[i]);
        f.sequence = (uint16_t)(f.sequence + (!pause || tiny % 2));
        f.timestamp += 960;
        f.now_ns += 20 * CALL_MS;
    }
    cr_assert_gt(tiny, 20);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.result.decode_errors, 0);
    cr_assert_geq(s.frames, 960 * (encoded.count - 1));
    cr_assert_leq(s.frames, 960 * encoded.count);
    double level = call_amplitude(s.channel[0] + 24000, 12000, 48000, 440);
    cr_assert_float_eq(level, 4000, 800, "%.0f", level);
    cr_assert_lt(call_rms(s.channel[0] + 72000, 12000), 100);
    call_sound_fini(&s);
    call_flow_fini(&f);
}
