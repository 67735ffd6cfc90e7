/* AMR and AMR-WB beyond the golden rows: pauses, comfort noise, frames out of order, payloads that
 * are cut or lie about themselves. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "decode/amr_payload.h"
#include "decode/av.h"
#include "decode/codec.h"
#include "tests/support/encode/encode.h"
#include "tests/support/guard.h"
#include "tests/unit/decode/call.h"

#define SECONDS 4
#define RATE    16000
#define NOISE   60 /* RMS */

static int16_t pcm[RATE * SECONDS];
static struct encoded encoded;

static const struct encode_as narrow = {
    .encoder = "amrnb", .rate_hz = 8000, .frame = 160, .mode = 7, .dtx = true};
static const struct encode_as wide = {
    .encoder = "amrwb", .rate_hz = 16000, .frame = 320, .mode = 2, .dtx = true};

/* A second of speech, then noise, with comfort noise and pauses from the encoder. */
static void encode_pause(const struct encode_as *as)
{
    unsigned state = 1;
    call_speech(pcm, (size_t)as->rate_hz, as->rate_hz, 1);
    for (int i = as->rate_hz; i < as->rate_hz * SECONDS; i++) {
        double sum = -3;
        for (int k = 0; k < 6; k++) {
            state = state * 1664525 + 1013904223;
            sum += state / 4294967296.0;
        }
        pcm[i] = (int16_t)lrint(sum * NOISE * sqrt(2));
    }
    cr_assert(encode(as, pcm, (size_t)as->rate_hz * SECONDS, &encoded));
}

/* `group` frames a packet; a packet of frames that all were not sent is none. */
static unsigned send_frames(struct call_flow *f, const struct encode_as *as, unsigned group,
                            bool aligned)
{
    unsigned sent = 0;
    for (unsigned i = 0; i + group <= encoded.count; i += group) {
        uint8_t payload[600];
        bool something = false;
        for (unsigned k = 0; k < group; k++)
            something |= (encoded.data[i + k][0] >> 3 & 15) != 15;
        size_t size = encode_amr_payload(&encoded, i, group, as == &wide, aligned, payload);
        if (something) {
            call_put(f, payload, size);
            f->sequence++;
            sent++;
        }
        f->timestamp += (uint32_t)as->frame * group;
        f->now_ns += 20 * CALL_MS * group;
    }
    return sent;
}

static void pauses(const struct encode_as *as, unsigned group, bool aligned)
{
    struct call_flow f;
    struct call_sound s;
    encode_pause(as);
    call_flow_init(&f, 0, as == &wide ? "AMR-WB" : "AMR", 97, (uint32_t)as->rate_hz, 3);
    strcpy(f.codecs[0].fmtp, aligned ? "octet-align=1" : "");
    unsigned sent = send_frames(&f, as, group, aligned);
    cr_assert_lt(sent * group, encoded.count * 5 / 6, "%u of %u", sent, encoded.count);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.result.decode_errors, 0);
    cr_assert_eq(s.result.concealed[0], 0);
    cr_assert_eq(s.result.packets[0], sent);
    cr_assert_geq(s.frames, as->rate_hz * (SECONDS * 20 - 8 * (int)group) / 20, "%ld",
                  (long)s.frames);
    cr_assert_leq(s.frames, as->rate_hz * SECONDS);
    int64_t from = as->rate_hz * 2, count = as->rate_hz;
    double level = 20 * log10(call_rms(s.channel[0] + from, count) / NOISE);
    cr_assert(fabs(level) < (as == &wide ? 4.5 : 2), "%s by %u: noise off by %.1f dB", as->encoder,
              group, level);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(amr, a_pause_is_noise_of_the_level_that_was_sent)
{
    for (unsigned group = 1; group <= 5; group += 2) {
        pauses(&narrow, group, true);
        pauses(&narrow, group, false);
        pauses(&wide, group, true);
        pauses(&wide, group, false);
    }
}

/* Octet-aligned with interleaving: packet p of a group holds the frames p, p + apart, ... */
static size_t interleaved(unsigned first, unsigned apart, unsigned index, unsigned per_packet,
                          uint8_t *out)
{
    uint8_t *at = out;
    *at++ = 0xf0;
    *at++ = (uint8_t)((apart - 1) << 4 | index);
    for (unsigned k = 0; k < per_packet; k++)
        *at++ =
            (encoded.data[first + index + k * apart][0] & 0x7c) | (k + 1 < per_packet ? 0x80 : 0);
    for (unsigned k = 0; k < per_packet; k++) {
        unsigned n = first + index + k * apart;
        memcpy(at, encoded.data[n] + 1, encoded.size[n] - 1u);
        at += encoded.size[n] - 1;
    }
    return (size_t)(at - out);
}

static void interleave(unsigned apart, unsigned per_packet, unsigned lost, const int16_t *straight)
{
    struct call_flow f;
    struct call_sound s;
    unsigned group = apart * per_packet, packet = 0;
    call_flow_init(&f, 0, "AMR", 97, 8000, 3);
    strcpy(f.codecs[0].fmtp, "octet-align=1; interleaving=30");
    unsigned frames = encoded.count / group * group;
    for (unsigned first = 0; first + group <= encoded.count; first += group) {
        uint32_t timestamp = f.timestamp;
        for (unsigned index = 0; index < apart; index++, packet++) {
            uint8_t payload[600];
            size_t size = interleaved(first, apart, index, per_packet, payload);
            f.timestamp = timestamp + 160 * index;
            f.now_ns = CALL_START_NS + (int64_t)packet * per_packet * 20 * CALL_MS;
            if (packet != lost)
                call_put(&f, payload, size);
            f.sequence++;
        }
        f.timestamp = timestamp + 160 * group;
    }
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.result.decode_errors, 0);
    cr_assert_eq(s.frames, 160 * frames, "%u by %u: %ld of %u", apart, per_packet, (long)s.frames,
                 160 * frames);
    if (lost > packet)
        cr_assert_eq(memcmp(s.channel[0], straight, 320 * (size_t)frames), 0, "%u by %u", apart,
                     per_packet);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(amr, interleaved_frames_are_heard_in_their_order)
{
    static int16_t straight[8000 * 2];
    struct encode_as as = narrow;
    as.dtx = false;
    call_speech(pcm, 16000, 8000, 1);
    cr_assert(encode(&as, pcm, 16000, &encoded));
    cr_assert_eq(encode_reference("amrnb", &as, &encoded, straight, 16000), 16000);
    interleave(2, 2, 1000, straight);
    interleave(4, 5, 1000, straight);
    interleave(10, 3, 1000, straight);
    interleave(4, 5, 9, straight);
    interleave(4, 5, 7, straight); /* the last of its group */
}

/* ---- payloads ---- */

static struct amr_payload cut;
static const struct amr_format efficient = {.channels = 1},
                               aligned = {.aligned = true, .channels = 1};

Test(amr, every_truncation_keeps_to_the_payload)
{
    struct encode_as as = narrow;
    as.dtx = false;
    call_speech(pcm, 1600, 8000, 1);
    cr_assert(encode(&as, pcm, 1600, &encoded));
    for (int a = 0; a < 2; a++) {
        uint8_t payload[600];
        size_t size = encode_amr_payload(&encoded, 0, 3, false, a, payload);
        const struct amr_format *f = a ? &aligned : &efficient;
        for (size_t n = 0; n <= size; n++) {
            struct slice g = guard_copy(slice_of(payload, n));
            cr_assert_eq(amr_cut(&amr_narrow, f, g, &cut), n == size, "%d: %zu of %zu", a, n, size);
            guard_free(g);
        }
        cr_assert_eq(cut.count, 3);
        cr_assert_eq(memcmp(cut.frames[2].data, encoded.data[2], encoded.size[2]), 0);
    }
}

Test(amr, crcs_are_passed_and_sorted_octets_put_back)
{
    const struct amr_format crc = {.aligned = true, .crc = true, .channels = 1};
    const struct amr_format sorted = {.aligned = true, .sorted = true, .channels = 1};
    uint8_t with_crc[3 + 2 + 13 + 12] = {0xf0, 0x84, 0x0c, 1, 2};
    uint8_t mixed[3 + 13 + 12] = {0xf0, 0x8c, 0x04}; /* 5.15, then 4.75 kbit/s */
    with_crc[1] = 0x8c;
    with_crc[2] = 0x04;
    for (int i = 0; i < 25; i++) {
        with_crc[5 + i] = (uint8_t)(i * 8 + 8);
        mixed[3 + i] = i < 24 ? (uint8_t)((i % 2 * 13 + i / 2) * 8 + 8) : 12 * 8 + 8;
    }
    cr_assert(amr_cut(&amr_narrow, &crc, slice_of(with_crc, sizeof with_crc), &cut));
    cr_assert(cut.count == 2 && cut.frames[0].type == 1 && cut.frames[1].type == 0);
    for (int i = 0; i < 11; i++)
        cr_assert_eq(cut.frames[1].data[1 + i], (i + 13) * 8 + 8);
    struct amr_payload plain = cut;
    cr_assert(amr_cut(&amr_narrow, &sorted, slice_of(mixed, sizeof mixed), &cut));
    for (int i = 0; i < 11; i++)
        cr_assert(cut.frames[1].data[1 + i] == plain.frames[1].data[1 + i] &&
                      cut.frames[0].data[1 + i] == plain.frames[0].data[1 + i],
                  "octet %d", i);
}

Test(amr, reserved_types_and_tables_without_end_are_damage)
{
    uint8_t bomb[1400], reserved[33] = {0xf0, 0x4c}, narrow_reserved[] = {0xf0, 0x6c};
    memset(bomb, 0xfc, sizeof bomb); /* F set, NO_DATA, for ever */
    cr_assert_not(amr_cut(&amr_narrow, &aligned, slice_of(bomb, sizeof bomb), &cut));
    cr_assert(amr_cut(&amr_wide, &aligned, slice_of(reserved, 7), &cut), "SID of AMR-WB");
    cr_assert_not(amr_cut(&amr_narrow, &aligned, slice_of(reserved, 7), &cut));
    cr_assert_not(amr_cut(&amr_wide, &aligned, slice_of(narrow_reserved, 2), &cut));
}

Test(amr, a_hundred_frames_give_no_more_than_240_ms)
{
    struct decoder d;
    int16_t out[CODEC_MAX_SAMPLES];
    struct render_codec codec = {"AMR", "octet-align=1", 8000, 97, 1};
    struct av_pool *pool = av_pool_new();
    cr_assert(decoder_open(&d, &codec, pool));
    uint8_t payload[1 + 100 * 13] = {0xf0};
    for (unsigned frames = 1; frames <= 100; frames++) {
        memset(payload + 1, 0, sizeof payload - 1);
        memset(payload + 1, 0x84, frames);
        payload[frames] = 0x04;
        struct slice g = guard_copy(slice_of(payload, 1 + frames * 13));
        int n = decoder_decode(&d, g, 0, out);
        cr_assert_eq(n,
                     frames > AMR_FRAMES_MAX ? -1
                     : frames > 12           ? 1920
                                             : (int)frames * 160,
                     "%u: %d", frames, n);
        guard_free(g);
    }
    decoder_close(&d);
    av_pool_free(pool);
}
