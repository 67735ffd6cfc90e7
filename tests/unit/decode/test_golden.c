/* Golden rows, one a codec and way of packing: a tone and speech through an encoder that is not
 * ours, in packets through a whole render. What comes out must have the tone's pitch and level, the
 * length to the sample, and be the samples that libavcodec alone makes of the same frames. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "decode/av.h"
#include "decode/codec.h"
#include "tests/support/encode/encode.h"
#include "tests/support/guard.h"
#include "tests/unit/decode/call.h"

#define TONE_HZ 440
#define LEVEL   8000
#define MOST    (48000 * 3)
#define SPEECH  (16000 * 26 / 10)

enum packing { AS_IT_IS, AMR_EFFICIENT, AMR_ALIGNED, HBR, LATM, LATM_IN_BAND };

struct golden {
    const char *name, *fmtp;
    uint32_t clock_hz;
    struct encode_as as;
    const char *reference; /* decoder of libavcodec, the same frames; NULL: none to compare with */
    double ms;             /* of a frame */
    double level;          /* tolerance of the tone's */
    double like;           /* least correlation with the source */
    enum packing packing;
    unsigned group; /* frames a packet */
};

/* clang-format off */
static const struct golden rows[] = {
#define AMR(m, like, pack, fmtp, n) \
    {"AMR", fmtp, 8000, {.encoder = "amrnb", .rate_hz = 8000, .frame = 160, .mode = m}, "amrnb", 20, 0.3, like, pack, n}
    AMR(0, 0.6, AMR_EFFICIENT, "", 1),
    AMR(1, 0.6, AMR_ALIGNED, "octet-align=1", 1),
    AMR(2, 0.6, AMR_EFFICIENT, "mode-set=2", 3),
    AMR(3, 0.6, AMR_ALIGNED, "octet-align=1", 4),
    AMR(4, 0.6, AMR_EFFICIENT, "octet-align=0", 6),
    AMR(5, 0.6, AMR_ALIGNED, "mode-set=5; octet-align=1", 2),
    AMR(6, 0.7, AMR_EFFICIENT, "", 2),
    AMR(7, 0.7, AMR_ALIGNED, "octet-align=1", 1),
    AMR(7, 0.7, AMR_EFFICIENT, "octet-align=1", 2), /* not what the SDP says */
    AMR(7, 0.7, AMR_ALIGNED, "", 2),
#define WIDE(m, like, pack, fmtp, n) \
    {"AMR-WB", fmtp, 16000, {.encoder = "amrwb", .rate_hz = 16000, .frame = 320, .mode = m}, "amrwb", 20, 0.4, like, pack, n}
    WIDE(0, 0.7, AMR_EFFICIENT, "", 1),
    WIDE(2, 0.8, AMR_ALIGNED, "octet-align=1", 3),
    WIDE(5, 0.8, AMR_EFFICIENT, "", 4),
    WIDE(8, 0.9, AMR_ALIGNED, "octet-align=1", 1),
    {"PCMU", "", 8000, {.encoder = "pcm_mulaw", .rate_hz = 8000, .frame = 160}, "pcm_mulaw", 20, 0.02, 0.998, AS_IT_IS, 1},
    {"PCMA", "", 8000, {.encoder = "pcm_alaw", .rate_hz = 8000, .frame = 160}, "pcm_alaw", 20, 0.02, 0.998, AS_IT_IS, 1},
    {"L16", "", 16000, {.encoder = "pcm_s16be", .rate_hz = 16000, .frame = 320}, "pcm_s16be", 20, 0.001, 0.9999, AS_IT_IS, 1},
    {"L8", "", 8000, {.encoder = "l8", .rate_hz = 8000, .frame = 160}, NULL, 20, 0.03, 0.99, AS_IT_IS, 1},
    {"DVI4", "", 8000, {.encoder = "dvi4", .rate_hz = 8000, .frame = 160}, NULL, 20, 0.03, 0.98, AS_IT_IS, 1},
    {"DVI4", "", 16000, {.encoder = "dvi4", .rate_hz = 16000, .frame = 320}, NULL, 20, 0.03, 0.99, AS_IT_IS, 1},
    {"G722", "", 8000, {.encoder = "g722", .rate_hz = 16000, .frame = 320}, "g722", 20, 0.05, 0.98, AS_IT_IS, 1},
#define G726_AS(name, way, n, reference, level, like) \
    {name, "", 8000, {.encoder = way, .rate_hz = 8000, .frame = 160, .bit_rate = 8000 * n, .bits = n}, reference, 20, level, like, AS_IT_IS, 1}
#define G726(name, way, n, level, like) G726_AS(name, way, n, way, level, like)
    G726("G726-16", "g726le", 2, 0.3, 0.9),
    G726("G726-24", "g726le", 3, 0.2, 0.95),
    G726("G726-32", "g726le", 4, 0.1, 0.97),
    G726_AS("G726-40", "g726le", 5, NULL, 0.02, 0.998), /* libavcodec: 0.90 */
    G726("AAL2-G726-16", "g726", 2, 0.3, 0.9),
    G726("AAL2-G726-24", "g726", 3, 0.2, 0.95),
    G726("AAL2-G726-32", "g726", 4, 0.1, 0.97),
    G726_AS("AAL2-G726-40", "g726", 5, NULL, 0.02, 0.998),
    {"G723", "", 8000, {.encoder = "g723_1", .rate_hz = 8000, .frame = 240, .bit_rate = 6300}, "g723_1", 30, 0.3, 0.8, AS_IT_IS, 1},
    {"G729", "", 8000, {.encoder = "g729", .rate_hz = 8000, .frame = 80}, "g729", 10, 0.3, 0.6, AS_IT_IS, 2},
    {"GSM", "", 8000, {.encoder = "libgsm", .rate_hz = 8000, .frame = 160, .bit_rate = 13000}, "gsm", 20, 0.25, 0.9, AS_IT_IS, 1},
    {"opus", "", 48000, {.encoder = "libopus direct", .rate_hz = 48000, .frame = 960}, "libopus", 20, 0.2, 0.9, AS_IT_IS, 1},
    {"opus", "", 48000, {.encoder = "libopus direct", .rate_hz = 48000, .frame = 2880, .bit_rate = 64000}, "libopus", 60, 0.2, 0.9, AS_IT_IS, 1},
#define SPEEX(rate, bps) \
    {"speex", "", rate, {.encoder = "libspeex", .rate_hz = rate, .frame = rate / 50, .bit_rate = bps}, "libspeex", 20, 0.35, 0.7, AS_IT_IS, 1}
    SPEEX(8000, 15000),
    SPEEX(16000, 27800),
    SPEEX(32000, 36000),
#define CODEC2(m, number, ms, group) \
    {"CODEC2", m, 8000, {.encoder = "libcodec2", .rate_hz = 8000, .mode = number}, NULL, ms, 0, 0, AS_IT_IS, group}
    CODEC2("", 1, 20, 1),
    CODEC2("mode=3200", 0, 20, 2),
    CODEC2("mode=1600", 2, 40, 1),
    CODEC2("mode=1400", 3, 40, 1),
    CODEC2("mode=1300", 4, 40, 1),
    CODEC2("mode=1200", 5, 40, 2),
    CODEC2("mode=700C", 8, 40, 1),
#define AAC(name, rate, clock, like, pack, n, fmtp) \
    {name, fmtp, clock, {.encoder = "aac", .rate_hz = rate, .frame = 1024, .bit_rate = 64000}, "aac", 1024000.0 / rate, 0.1, like, pack, n}
    AAC("MPEG4-GENERIC", 48000, 48000, 0.95, HBR, 1, "mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; config=118856e500"),
    AAC("mpeg4-generic", 32000, 32000, 0.95, HBR, 2, "config=128856E500;SizeLength=13;IndexLength=3;IndexDeltaLength=3"),
    AAC("MP4A-LATM", 48000, 90000, 0.95, LATM, 1, "cpresent=0; config=400023103fc0"),
    AAC("MP4A-LATM", 32000, 32000, 0.95, LATM, 2, "object=2;cpresent=0;config=410025103FC0"),
    AAC("MP4A-LATM", 48000, 48000, 0.95, LATM_IN_BAND, 1, "object=2"),
    AAC("MP4A-LATM", 32000, 90000, 0.95, LATM_IN_BAND, 3, "cpresent=1"),
};
/* clang-format on */

static int16_t source[MOST], reference[MOST];
static struct encoded encoded;

/* The recorded speech at this rate: by holding or dropping samples, which is speech enough. */
static size_t load_speech(int rate_hz)
{
    static int16_t raw[SPEECH];
    FILE *f = fopen(TEST_DATA "/speech/speech-16k.raw", "rb");
    cr_assert(f && fread(raw, 2, SPEECH, f) == SPEECH);
    fclose(f);
    size_t count = (size_t)SPEECH * (size_t)rate_hz / 16000;
    for (size_t i = 0; i < count; i++)
        source[i] = raw[i * 16000 / (size_t)rate_hz];
    return count;
}

static size_t pack(const struct golden *g, unsigned first, unsigned count, uint8_t *out)
{
    unsigned index = g->as.rate_hz == 48000 ? 3 : 5; /* of AAC's rates */
    size_t size = 0;
    switch (g->packing) {
    case AMR_EFFICIENT:
    case AMR_ALIGNED:
        return encode_amr_payload(&encoded, first, count, g->clock_hz == 16000,
                                  g->packing == AMR_ALIGNED, out);
    case HBR:
        return encode_hbr_payload(&encoded, first, count, out);
    case LATM:
    case LATM_IN_BAND:
        return encode_latm_payload(&encoded, first, count, g->packing == LATM_IN_BAND, index, out);
    default:
        for (unsigned i = first; i < first + count; size += encoded.size[i++])
            memcpy(out + size, encoded.data[i], encoded.size[i]);
        return size;
    }
}

static void send_all(struct call_flow *f, const struct golden *g)
{
    double ticks = g->clock_hz * g->ms * g->group / 1000;
    for (unsigned i = 0; i + g->group <= encoded.count; i += g->group) {
        uint8_t payload[4000];
        size_t size = pack(g, i, g->group, payload);
        unsigned n = i / g->group;
        call_send(f, payload, size, (uint32_t)((n + 1) * ticks + 0.5) - (uint32_t)(n * ticks + 0.5),
                  g->ms * g->group);
    }
}

static double likeness(const int16_t *pcm, size_t count, size_t source_count, int rate_hz)
{
    int lag = call_best_lag(
        source, (int64_t)(source_count < (size_t)rate_hz ? source_count : (size_t)rate_hz), pcm,
        (int64_t)count, rate_hz / 25);
    return call_correlation(source, (int64_t)source_count, pcm, (int64_t)count, lag);
}

/* Of a vocoder: whether it is loud when the source is, in steps of 20 ms. */
static double envelope_likeness(const int16_t *pcm, size_t count, size_t source_count, int rate_hz)
{
    static int16_t a[600], b[600];
    size_t step = (size_t)rate_hz / 50, n = count / step, m = source_count / step;
    cr_assert(n <= 600 && m <= 600);
    for (size_t i = 0; i < n; i++)
        b[i] = (int16_t)call_rms(pcm + i * step, (int64_t)step);
    for (size_t i = 0; i < m; i++)
        a[i] = (int16_t)call_rms(source + i * step, (int64_t)step);
    return call_correlation(a, (int64_t)m, b, (int64_t)n,
                            call_best_lag(a, (int64_t)m, b, (int64_t)n, 3));
}

static void expect_tone(const struct golden *g, const int16_t *pcm, int rate_hz)
{
    const int16_t *middle = pcm + rate_hz / 2;
    double level = call_amplitude(middle, rate_hz, rate_hz, TONE_HZ);
    double rest = call_rms(middle, rate_hz) * 1.41421;
    cr_expect_float_eq(level / LEVEL, 1, g->level, "%s %s %d: level %.0f", g->name, g->fmtp,
                       g->as.mode, level);
    cr_expect_geq(level / rest, 0.9, "%s %s: %.0f of %.0f is the tone", g->name, g->fmtp, level,
                  rest);
}

static void run(const struct golden *g, bool tone)
{
    int rate = g->as.rate_hz;
    size_t count = tone ? (size_t)rate * 2 : load_speech(rate);
    if (tone)
        call_tone(source, count, rate, TONE_HZ, LEVEL);
    cr_assert(encode(&g->as, source, count, &encoded), "%s", g->as.encoder);
    encoded.count -= encoded.count % g->group;
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, g->name, 100, g->clock_hz, 7);
    strcpy(f.codecs[0].fmtp, g->fmtp);
    send_all(&f, g);
    cr_assert_eq(call_render_with(&f, 1, (struct render_request){.sample_rate_hz = rate}, &s), 0,
                 "%s %s", g->name, g->fmtp);
    cr_expect_eq(s.result.decode_errors, 0, "%s %s: %lu", g->name, g->fmtp,
                 (unsigned long)s.result.decode_errors);
    cr_expect_eq(s.frames, (int64_t)(encoded.count * g->ms * rate / 1000 + 0.5), "%s %s: %ld",
                 g->name, g->fmtp, (long)s.frames);
    double like = tone          ? 1
                  : g->like > 0 ? likeness(s.channel[0], (size_t)s.frames, count, rate)
                                : envelope_likeness(s.channel[0], (size_t)s.frames, count, rate);
    cr_expect_geq(like, g->like > 0 ? g->like : 0.8, "%s %s %d: %.3f", g->name, g->fmtp, g->as.mode,
                  like);
    if (tone && g->level > 0)
        expect_tone(g, s.channel[0], rate);
    if (g->reference) {
        int n = encode_reference(g->reference, &g->as, &encoded, reference, MOST);
        cr_expect_eq(n, s.frames, "%s: %d", g->name, n);
        cr_expect_eq(memcmp(reference, s.channel[0], (size_t)s.frames * 2), 0,
                     "%s %s: not the samples of libavcodec", g->name, g->fmtp);
    }
    if (getenv("GOLDEN_VERBOSE") && !tone)
        fprintf(stderr, "%-10s %-26s mode %d like %.4f\n", g->name, g->fmtp, g->as.mode, like);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(golden, a_tone_keeps_its_pitch_level_and_length)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        run(&rows[i], true);
}

Test(golden, speech_is_what_the_decoder_alone_makes_of_it)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        run(&rows[i], false);
}

/* Each packet says where the one before ended. Against IMA ADPCM of WAV files, which has the header
 * in the other order, the nibbles the other way, and rounds a little otherwise. */
Test(golden, dvi4_ends_each_packet_where_the_next_begins)
{
    static struct encoded wav;
    static int16_t with_state[161 * 200], samples[160 * 200];
    const struct encode_as as = {.encoder = "dvi4", .rate_hz = 8000, .frame = 160, .bits = 4};
    size_t count = load_speech(8000);
    cr_assert(encode(&as, source, count, &encoded));
    wav = encoded;
    for (unsigned i = 0; i < wav.count; i++) {
        uint8_t *d = wav.data[i], high = d[0];
        d[0] = d[1];
        d[1] = high;
        for (unsigned k = 4; k < wav.size[i]; k++)
            d[k] = (uint8_t)(d[k] << 4 | d[k] >> 4);
    }
    int n = encode_reference("adpcm_ima_wav", &as, &wav, with_state, 161 * 200);
    cr_assert_eq(n, 161 * (int)wav.count, "%d", n);
    for (unsigned i = 0; i < wav.count; i++)
        memcpy(samples + 160 * i, with_state + 161 * i + 1, 320);
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "DVI4", 5, 8000, 7);
    for (unsigned i = 0; i < encoded.count; i++)
        call_send(&f, encoded.data[i], encoded.size[i], 160, 20);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    for (unsigned i = 0; i + 1 < encoded.count; i++) {
        const uint8_t *next = encoded.data[i + 1];
        cr_assert_eq(s.channel[0][160 * i + 159], (int16_t)(next[0] << 8 | next[1]), "packet %u",
                     i);
    }
    double like = call_correlation(samples, n / 161 * 160, s.channel[0], s.frames, 0);
    cr_assert_geq(like, 0.9999, "%.6f", like);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

/* Each length of a payload from nothing to the whole, ending at an unmapped page. */
Test(golden, every_truncation_of_every_payload_keeps_to_it)
{
    struct av_pool *pool = av_pool_new();
    static int16_t out[CODEC_MAX_SAMPLES];
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const struct golden *g = &rows[r];
        uint8_t payload[4000];
        struct decoder d;
        struct render_codec codec = {.clock_hz = g->clock_hz, .channels = 1};
        strcpy(codec.name, g->name);
        strcpy(codec.fmtp, g->fmtp);
        load_speech(g->as.rate_hz);
        cr_assert(encode(&g->as, source, (size_t)g->as.rate_hz, &encoded));
        size_t size = pack(g, encoded.count / 2, g->group, payload);
        cr_assert(decoder_open(&d, &codec, pool), "%s", g->name);
        for (size_t n = 0; n <= size; n++) {
            struct slice copy = guard_copy(slice_of(payload, n));
            int count = decoder_decode(&d, copy, (uint32_t)n, out);
            cr_assert(count >= -1 && count <= d.rate_hz / 1000 * CODEC_MAX_MS, "%s, %zu: %d",
                      g->name, n, count);
            cr_assert(n < size || count > 0, "%s", g->name);
            guard_free(copy);
        }
        decoder_close(&d);
    }
    av_pool_free(pool);
}
