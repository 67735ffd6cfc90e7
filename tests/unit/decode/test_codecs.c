/* Every codec: a tone through an encoder that is not ours (but for G.711 and L16), in packets
 * through a whole render, must come out with its pitch, level and length. */
#include <criterion/criterion.h>
#include <libavcodec/avcodec.h>
#include <libavutil/dict.h>
#include <stdlib.h>

#if __has_include(<bcg729/encoder.h>)
#include <bcg729/encoder.h>
#define HAVE_BCG729 1
#endif

#include "decode/codec.h"
#include "tests/unit/decode/call.h"

#define TONE_HZ 440
#define LEVEL   8000
#define SECONDS 3

struct codec_case {
    const char *name; /* SDP */
    const char *fmtp;
    uint32_t clock_hz;
    const char *encoder; /* of libavcodec */
    int rate_hz;         /* of the sound */
    int bits;            /* G.726 */
    int64_t bit_rate;
    int frame;        /* samples of a frame when the encoder takes any number */
    double tolerance; /* of the level */
    int file_rate_hz;
    int offset_ms; /* that the codec itself may lag behind: encoder and decoder look-ahead */
};

static const struct codec_case cases[] = {
    {"G722", "", 8000, "g722", 16000, 0, 64000, 320, 0.1, 16000, 5},
    {"G726-16", "", 8000, "g726le", 8000, 2, 16000, 160, 0.3, 8000, 5},
    {"G726-24", "", 8000, "g726le", 8000, 3, 24000, 160, 0.2, 8000, 5},
    {"G726-32", "", 8000, "g726le", 8000, 4, 32000, 160, 0.1, 8000, 5},
    {"G721", "", 8000, "g726le", 8000, 4, 32000, 160, 0.1, 8000, 5},
    {"AAL2-G726-16", "", 8000, "g726", 8000, 2, 16000, 160, 0.3, 8000, 5},
    {"AAL2-G726-24", "", 8000, "g726", 8000, 3, 24000, 160, 0.2, 8000, 5},
    {"AAL2-G726-32", "", 8000, "g726", 8000, 4, 32000, 160, 0.1, 8000, 5},
    {"G723", "", 8000, "g723_1", 8000, 0, 6300, 240, 0.3, 8000, 15},
    {"GSM", "", 8000, "libgsm", 8000, 0, 13000, 160, 0.25, 8000, 5},
    {"opus", "", 48000, "libopus", 48000, 0, 32000, 960, 0.2, 48000, 15},
    {"speex", "", 8000, "libspeex", 8000, 0, 15000, 160, 0.35, 8000, 15},
    {"speex", "", 16000, "libspeex", 16000, 0, 27800, 320, 0.35, 16000, 20},
    {"speex", "", 32000, "libspeex", 32000, 0, 36000, 640, 0.35, 32000, 25},
};

/* Frames of an encoder, gathered `group` to a packet. */
struct packets {
    uint8_t data[512][2048];
    size_t size[512];
    unsigned count;
};

static void encode_grouped(const struct codec_case *c, const int16_t *pcm, int count, int group,
                           struct packets *out)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(c->encoder);
    cr_assert(codec, "encoder %s", c->encoder);
    AVCodecContext *ctx = avcodec_alloc_context3(codec);
    ctx->sample_rate = c->rate_hz;
    ctx->sample_fmt = AV_SAMPLE_FMT_S16;
    ctx->bit_rate = c->bit_rate;
    ctx->bits_per_coded_sample = c->bits;
    ctx->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    av_channel_layout_default(&ctx->ch_layout, 1);
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "frames_per_packet", group, 0); /* libspeex knows it */
    cr_assert_eq(avcodec_open2(ctx, codec, &options), 0, "%s", c->encoder);
    av_dict_free(&options);
    if (c->bits)
        ctx->frame_size = c->frame; /* the encoder's own is half a second */
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    out->count = 0;
    int step = ctx->frame_size > 0 ? ctx->frame_size : c->frame;
    for (int at = 0; at + step <= count; at += step) {
        frame->nb_samples = step;
        frame->format = AV_SAMPLE_FMT_S16;
        frame->sample_rate = c->rate_hz;
        av_channel_layout_default(&frame->ch_layout, 1);
        cr_assert_eq(av_frame_get_buffer(frame, 0), 0);
        memcpy(frame->data[0], pcm + at, (size_t)step * 2);
        cr_assert_eq(avcodec_send_frame(ctx, frame), 0);
        av_frame_unref(frame);
        while (avcodec_receive_packet(ctx, packet) == 0) {
            cr_assert(out->count < 512 && packet->size <= 2048);
            memcpy(out->data[out->count], packet->data, (size_t)packet->size);
            out->size[out->count++] = (size_t)packet->size;
            av_packet_unref(packet);
        }
    }
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&ctx);
}

static void encode(const struct codec_case *c, const int16_t *pcm, int count, struct packets *out)
{
    encode_grouped(c, pcm, count, 1, out);
}

static void expect_tone(const char *name, const struct call_sound *s, int channel, double tolerance)
{
    const int16_t *middle = s->channel[channel] + s->rate_hz / 2;
    double level = call_amplitude(middle, s->rate_hz * 2, s->rate_hz, TONE_HZ);
    double rest = call_rms(middle, s->rate_hz * 2) * 1.41421;
    cr_assert_float_eq(level / LEVEL, 1, tolerance, "%s: level %.0f", name, level);
    cr_assert_geq(level / rest, 0.9, "%s: %.0f of %.0f is the tone", name, level, rest);
}

static void run_case(const struct codec_case *c)
{
    static struct packets packets;
    int count = c->rate_hz * SECONDS;
    int16_t *tone = calloc((size_t)count, sizeof *tone);
    call_tone(tone, (size_t)count, c->rate_hz, TONE_HZ, LEVEL);
    encode(c, tone, count, &packets);
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 1, c->name, 100, c->clock_hz, 42);
    double ms = 1000.0 * SECONDS / (double)(count / c->frame);
    for (unsigned i = 0; i < packets.count; i++)
        call_send(&f, packets.data[i], packets.size[i], (uint32_t)(c->clock_hz * ms / 1000 + 0.5),
                  ms);
    cr_assert_eq(call_render(&f, 1, &s), 0, "%s", c->name);
    cr_assert_eq(s.result.decode_errors, 0, "%s", c->name);
    cr_assert_eq(s.result.packets[1], packets.count);
    cr_assert_eq(s.rate_hz, c->file_rate_hz, "%s: %d", c->name, s.rate_hz);
    double seconds = (double)s.frames / s.rate_hz;
    cr_assert_float_eq(seconds, packets.count * ms / 1000, 0.04, "%s: %.3f s", c->name, seconds);
    expect_tone(c->name, &s, 1, c->tolerance);
    call_sound_fini(&s);
    call_flow_fini(&f);
    free(tone);
}

Test(codecs, tone_comes_through_every_codec)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        run_case(&cases[i]);
}

Test(codecs, g722_keeps_the_wave)
{
    static struct packets packets;
    static int16_t speech[16000 * SECONDS];
    call_speech(speech, 16000 * SECONDS, 16000, 2);
    encode(&cases[0], speech, 16000 * SECONDS, &packets);
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "G722", 9, 8000, 42);
    for (unsigned i = 0; i < packets.count; i++)
        call_send(&f, packets.data[i], packets.size[i], 160, 20);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, 16000 * SECONDS);
    int lag = call_best_lag(speech, 16000 * SECONDS, s.channel[0], s.frames, 100);
    cr_assert_lt(abs(lag), 100);
    double like = call_correlation(speech, 16000 * SECONDS, s.channel[0], s.frames, lag);
    cr_assert_geq(like, 0.98, "%.4f", like);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

static const struct codec_case *case_of(const char *name)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, name) == 0)
            return &cases[i];
    cr_assert_fail("no case of %s", name);
    return NULL;
}

Test(codecs, several_frames_in_a_packet_are_all_heard)
{
    static const struct {
        const char *name;
        int group, by_encoder;
        double ms;
        uint32_t ticks;
    } rows[] = {{"GSM", 3, 1, 60, 480}, {"G723", 2, 1, 60, 480}, {"speex", 1, 3, 60, 480}};
    static struct packets packets;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        const struct codec_case *c = case_of(rows[r].name);
        static int16_t tone[8000 * SECONDS];
        call_tone(tone, 8000 * SECONDS, 8000, TONE_HZ, LEVEL);
        encode_grouped(c, tone, 8000 * SECONDS, rows[r].by_encoder, &packets);
        struct call_flow f;
        struct call_sound s;
        call_flow_init(&f, 1, c->name, 100, c->clock_hz, 42);
        unsigned group = (unsigned)rows[r].group, sent = 0;
        for (unsigned i = 0; i + group <= packets.count; i += group, sent++) {
            uint8_t payload[2048];
            size_t size = 0;
            for (unsigned k = 0; k < group; k++) {
                memcpy(payload + size, packets.data[i + k], packets.size[i + k]);
                size += packets.size[i + k];
            }
            call_send(&f, payload, size, rows[r].ticks, rows[r].ms);
        }
        cr_assert_eq(call_render(&f, 1, &s), 0);
        double seconds = (double)s.frames / s.rate_hz;
        cr_assert_float_eq(seconds, sent * rows[r].ms / 1000, 0.04, "%s: %.3f s", c->name, seconds);
        expect_tone(c->name, &s, 1, c->tolerance);
        call_sound_fini(&s);
        call_flow_fini(&f);
    }
}

#ifdef HAVE_BCG729
/* `sid`: appended to every n-th packet, 0 none. */
static void g729_call(unsigned per_packet, unsigned sid_each)
{
    static int16_t tone[8000 * SECONDS];
    struct call_flow f;
    struct call_sound s;
    call_tone(tone, 8000 * SECONDS, 8000, TONE_HZ, LEVEL);
    call_flow_init(&f, 0, "G729", 18, 8000, 42);
    bcg729EncoderChannelContextStruct *encoder = initBcg729EncoderChannel(0);
    unsigned sent = 0;
    for (size_t at = 0; at + 80 * per_packet <= 8000 * SECONDS; at += 80 * per_packet, sent++) {
        uint8_t payload[128], size = 0;
        for (unsigned k = 0; k < per_packet; k++) {
            uint8_t n;
            bcg729Encoder(encoder, tone + at + 80 * k, payload + size, &n);
            size = (uint8_t)(size + n);
        }
        if (sid_each && sent % sid_each == 0) {
            payload[size++] = 0x12;
            payload[size++] = 0x34;
        }
        call_send(&f, payload, size, 80 * per_packet, 10.0 * per_packet);
    }
    closeBcg729EncoderChannel(encoder);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.result.decode_errors, 0);
    cr_assert_eq(s.frames, (int64_t)sent * 80 * per_packet);
    expect_tone("G729", &s, 0, 0.3);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(codecs, g729_is_heard_with_any_number_of_frames_and_sid)
{
    g729_call(1, 0);
    g729_call(2, 0);
    g729_call(6, 0);
    g729_call(2, 3);
}
#endif

Test(codecs, g729_sid_alone_is_quiet_noise)
{
    struct call_flow f;
    struct call_sound s;
    uint8_t speech[20] = {0}, sid[2] = {0x12, 20 << 1};
    call_flow_init(&f, 0, "G729", 18, 8000, 42);
    call_send(&f, speech, 20, 160, 20);
    call_send(&f, sid, 2, 8000, 1000);
    call_send(&f, speech, 20, 160, 20);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.result.decode_errors, 0);
    cr_assert_eq(s.frames, 8000 + 320);
    double rms = call_rms(s.channel[0] + 160, 8000); /* 44 dB: 158 */
    cr_assert(rms > 100 && rms < 200, "%.1f", rms);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(codecs, g723_sid_and_untransmitted_frames_keep_time)
{
    static struct packets packets;
    static int16_t tone[8000];
    call_tone(tone, 8000, 8000, TONE_HZ, LEVEL);
    encode(&cases[10], tone, 8000, &packets);
    struct call_flow f;
    struct call_sound s;
    call_flow_init(&f, 0, "G723", 4, 8000, 42);
    for (unsigned i = 0; i < packets.count; i++)
        call_send(&f, packets.data[i], packets.size[i], 240, 30);
    call_send(&f, "\x02\x10\x20\x30", 4, 240, 30);
    for (int i = 0; i < 10; i++)
        call_send(&f, "\x03", 1, 240, 30);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.result.decode_errors, 0);
    cr_assert_eq(s.frames, (packets.count + 11) * 240);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

/* There is no encoder at hand: structure, length and robustness only. */
Test(codecs, ilbc_mode_follows_the_payload)
{
    static const struct {
        const char *fmtp;
        size_t size;
        int frames;
    } rows[] = {{"mode=20", 38, 160}, {"mode=30", 50, 240}, {"", 50, 240},        {"", 38, 160},
                {"mode=30", 38, 160}, {"mode=20", 50, 240}, {"mode=20", 76, 320}, {"", 100, 480}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct call_flow f;
        struct call_sound s;
        uint8_t payload[100];
        for (size_t i = 0; i < sizeof payload; i++)
            payload[i] = (uint8_t)(i * 37 + 11);
        for (size_t i = 37; i < sizeof payload; i++)
            payload[i] &= 0xfe; /* the last bit of a frame is 0 */
        call_flow_init(&f, 0, "iLBC", 97, 8000, 42);
        strcpy(f.codecs[0].fmtp, rows[r].fmtp);
        for (int i = 0; i < 50; i++)
            call_send(&f, payload, rows[r].size, (uint32_t)rows[r].frames, rows[r].frames / 8.0);
        cr_assert_eq(call_render(&f, 1, &s), 0);
        cr_assert_eq(s.result.decode_errors, 0, "row %zu", r);
        cr_assert_eq(s.frames, 50 * rows[r].frames, "row %zu: %ld", r, (long)s.frames);
        cr_assert_eq(s.result.concealed[0], 0);
        call_sound_fini(&s);
        call_flow_fini(&f);
    }
}

Test(codecs, stereo_is_mixed_to_one_channel)
{
    struct call_flow f;
    struct call_sound s;
    uint8_t payload[320];
    for (int i = 0; i < 320; i += 4)
        memcpy(payload + i, "\x10\x00\x20\x00", 4);
    call_flow_init(&f, 0, "L16", 97, 8000, 42);
    f.codecs[0].channels = 2;
    for (int i = 0; i < 10; i++)
        call_send(&f, payload, sizeof payload, 80, 10);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, 800);
    cr_assert_eq(s.channel[0][400], 0x1800);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(codecs, damaged_payloads_are_counted_and_keep_time)
{
    static const char *const names[] = {"GSM", "G729", "G723", "iLBC", "opus", "L16"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct call_flow f;
        struct call_sound s;
        call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
        f.codecs[1] = (struct render_codec){"", "", 8000, 100, 1};
        strcpy(f.codecs[1].name, names[n]);
        f.codec_count = 2;
        int16_t tone[1600];
        call_tone(tone, 1600, 8000, TONE_HZ, LEVEL);
        call_send_pcmu(&f, tone, 1600);
        f.payload_type = 100;
        call_send(&f, "\xff", 1, 160, 20);
        call_send(&f, "", 0, 160, 20);
        f.payload_type = 0;
        call_send_pcmu(&f, tone, 1600);
        cr_assert_eq(call_render(&f, 1, &s), 0);
        cr_assert(s.frames >= 3520 && s.frames <= 3520 + 160, "%s: %ld", names[n], (long)s.frames);
        cr_assert_leq(s.result.decode_errors, 1);
        call_sound_fini(&s);
        call_flow_fini(&f);
    }
}

Test(codecs, no_packet_gives_more_than_240_ms)
{
    struct call_flow f;
    struct call_sound s;
    static uint8_t payload[4000];
    call_flow_init(&f, 0, "PCMU", 0, 8000, 1);
    call_send(&f, payload, sizeof payload, 160, 20);
    cr_assert_eq(call_render(&f, 1, &s), 0);
    cr_assert_eq(s.frames, 1920);
    call_sound_fini(&s);
    call_flow_fini(&f);
}

Test(codecs, random_payloads_do_no_harm)
{
    static const char *const names[] = {"PCMU",  "L16",  "G722",  "GSM",     "iLBC",
                                        "G729",  "G723", "opus",  "G726-24", "AAL2-G726-40",
                                        "speex", "AMR",  "AMR-WB"};
    srand(42);
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        struct call_flow f;
        struct call_sound s;
        call_flow_init(&f, 0, names[n], 97, 8000, 1);
        for (int i = 0; i < 500; i++) {
            uint8_t payload[300];
            size_t size = (size_t)rand() % sizeof payload;
            for (size_t k = 0; k < size; k++)
                payload[k] = (uint8_t)rand();
            call_send(&f, payload, size, 160, 20);
        }
        int err = call_render(&f, 1, &s);
        cr_assert(err == 0 || err == ERR_NOT_FOUND);
        if (err == 0)
            cr_assert_leq(s.frames, (int64_t)s.rate_hz * 12);
        call_sound_fini(&s);
        call_flow_fini(&f);
    }
}

Test(codecs, list_says_what_can_be_decoded)
{
    cr_assert_not_null(codec_type_find("pcmu"));
    cr_assert_not_null(codec_type_find("amr-wb"));
    cr_assert_null(codec_type_find("EVS"));
    cr_assert_null(codec_type_find("telephone-event"));
    cr_assert_null(codec_type_find("h264"));
    cr_assert(strstr(render_library(), "libavcodec "));
}

Test(codecs, names_that_are_called_wide_are_those_of_the_list)
{
    for (unsigned i = 0; i < codec_type_count(); i++) {
        const struct codec_type *type = codec_type_at(i);
        cr_expect_eq(codec_is_wide(type->name), type->rate_hz > 8000, "%s", type->name);
    }
    cr_expect(codec_is_wide("OPUS") && codec_is_wide("g722") && codec_is_wide("amr-wb"));
    cr_expect_not(codec_is_wide("EVS"));
}

Test(codecs, g711_tables_have_the_values_of_the_recommendation)
{
    static const struct {
        const struct codec_type *type;
        uint8_t code;
        int value;
    } rows[] = {
        {&codec_pcmu, 0xff, 0},      {&codec_pcmu, 0x7f, 0},   {&codec_pcmu, 0x80, 32124},
        {&codec_pcmu, 0x00, -32124}, {&codec_pcmu, 0xfe, 8},   {&codec_pcmu, 0xef, 132},
        {&codec_pcma, 0xd5, 8},      {&codec_pcma, 0x55, -8},  {&codec_pcma, 0xaa, 32256},
        {&codec_pcma, 0x2a, -32256}, {&codec_pcma, 0xc5, 264}, {&codec_pcma, 0xf5, 528},
    };
    int16_t out[CODEC_MAX_SAMPLES];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decoder d = {.type = rows[i].type, .rate_hz = 8000, .channels = 1};
        cr_assert_eq(decoder_decode(&d, slice_of(&rows[i].code, 1), 0, out), 1);
        cr_assert_eq(out[0], rows[i].value, "%s %02x: %d", rows[i].type->name, rows[i].code,
                     out[0]);
    }
}

/* One by one they go through the table; many together by what the processor has for that. */
Test(codecs, g711_says_the_same_of_many_code_words_as_of_each)
{
    static const struct codec_type *const laws[] = {&codec_pcmu, &codec_pcma};
    static uint8_t codes[256 + 15];
    static int16_t many[CODEC_MAX_SAMPLES], one[CODEC_MAX_SAMPLES];
    for (size_t i = 0; i < sizeof codes; i++)
        codes[i] = (uint8_t)(i * 7);
    for (int law = 0; law < 2; law++)
        for (size_t n = sizeof codes - 16; n <= sizeof codes; n++) {
            struct decoder d = {.type = laws[law], .rate_hz = 8000, .channels = 1};
            cr_assert_eq(decoder_decode(&d, slice_of(codes, n), 0, many), (int)n);
            for (size_t i = 0; i < n; i++) {
                cr_assert_eq(decoder_decode(&d, slice_of(&codes[i], 1), 0, one), 1);
                cr_assert_eq(many[i], one[0], "%s %02x", laws[law]->name, codes[i]);
            }
        }
}
