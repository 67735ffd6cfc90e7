/* The library is silenced: what it would print about hostile payloads is counted by the caller. Its
 * input buffers must have room behind them, so each payload is copied; its output is mixed to mono
 * 16 bits. */
#include "decode/av.h"

#include <libavcodec/avcodec.h>
#include <libavutil/log.h>

#include "decode/render.h"

#define POOL_SIZE 8
#define FRAME_BYTES                                                                                \
    4096 /* the largest codec frame we hand over (an Opus packet of 120 ms is under 3,840) */

struct av_decoder {
    struct av_setup setup;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    uint8_t input[FRAME_BYTES + AV_INPUT_BUFFER_PADDING_SIZE]; /* the library reads past the end */
};

struct av_pool {
    struct av_decoder *idle[POOL_SIZE];
};

struct av_pool *av_pool_new(void)
{
    av_log_set_level(AV_LOG_QUIET); /* hostile payloads would fill the log; errors are counted */
    return calloc(1, sizeof(struct av_pool));
}

static void decoder_free(struct av_decoder *d)
{
    if (d == NULL)
        return;
    avcodec_free_context(&d->codec);
    av_packet_free(&d->packet);
    av_frame_free(&d->frame);
    free(d);
}

void av_pool_free(struct av_pool *pool)
{
    if (pool == NULL)
        return;
    for (int i = 0; i < POOL_SIZE; i++)
        decoder_free(pool->idle[i]);
    free(pool);
}

static bool setup_equal(const struct av_setup *a, const struct av_setup *b)
{
    return strcmp(a->decoder, b->decoder) == 0 && a->rate_hz == b->rate_hz &&
           a->bits_per_sample == b->bits_per_sample && a->block_align == b->block_align &&
           a->config_size == b->config_size &&
           memcmp(a->config, b->config, sizeof a->config) == 0;
}

static bool give_config(AVCodecContext *codec, const struct av_setup *setup)
{
    if (setup->config_size == 0)
        return true;
    codec->extradata = av_mallocz((size_t)setup->config_size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (codec->extradata == NULL)
        return false;
    memcpy(codec->extradata, setup->config, (size_t)setup->config_size);
    codec->extradata_size = setup->config_size;
    return true;
}

static bool decoder_start(struct av_decoder *d)
{
    const AVCodec *codec = avcodec_find_decoder_by_name(d->setup.decoder);
    if (codec == NULL)
        return false;
    d->codec = avcodec_alloc_context3(codec);
    d->packet = av_packet_alloc();
    d->frame = av_frame_alloc();
    if (d->codec == NULL || d->packet == NULL || d->frame == NULL)
        return false;
    d->codec->sample_rate = d->setup.rate_hz;
    av_channel_layout_default(&d->codec->ch_layout, 1);
    d->codec->bits_per_coded_sample = d->setup.bits_per_sample;
    d->codec->block_align = d->setup.block_align;
    d->codec->request_sample_fmt = AV_SAMPLE_FMT_S16;
    d->codec->thread_count = 1;
    return give_config(d->codec, &d->setup) && avcodec_open2(d->codec, codec, NULL) == 0;
}

struct av_decoder *av_decoder_get(struct av_pool *pool, const struct av_setup *setup)
{
    for (int i = 0; i < POOL_SIZE; i++) {
        struct av_decoder *idle = pool->idle[i];
        if (idle && setup_equal(&idle->setup, setup)) {
            pool->idle[i] = NULL;
            return idle;
        }
    }
    struct av_decoder *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->setup = *setup;
    if (!decoder_start(d)) {
        decoder_free(d);
        return NULL;
    }
    return d;
}

void av_decoder_release(struct av_pool *pool, struct av_decoder *d)
{
    if (d == NULL)
        return;
    avcodec_flush_buffers(d->codec);
    for (int i = 0; i < POOL_SIZE; i++) {
        if (pool->idle[i] == NULL) {
            pool->idle[i] = d;
            return;
        }
    }
    decoder_free(d);
}

static float sample_at(const AVFrame *f, int channel, int channels, int i)
{
    switch (f->format) {
    case AV_SAMPLE_FMT_S16:
        return ((const int16_t *)(const void *)f->extended_data[0])[i * channels + channel];
    case AV_SAMPLE_FMT_S16P:
        return ((const int16_t *)(const void *)f->extended_data[channel])[i];
    case AV_SAMPLE_FMT_FLT:
        return ((const float *)(const void *)f->extended_data[0])[i * channels + channel] * 32768;
    case AV_SAMPLE_FMT_FLTP:
        return ((const float *)(const void *)f->extended_data[channel])[i] * 32768;
    default:
        return 0;
    }
}

static int16_t clip(float v)
{
    return v >= 32767 ? 32767 : v <= -32768 ? -32768 : v == v ? (int16_t)v : 0;
}

static int take_frame(const AVFrame *f, int16_t *out, int room)
{
    int n = f->nb_samples < room ? f->nb_samples : room;
    int channels = f->ch_layout.nb_channels > 0 ? f->ch_layout.nb_channels : 1;
    if (channels == 1 && (f->format == AV_SAMPLE_FMT_S16 || f->format == AV_SAMPLE_FMT_S16P)) {
        memcpy(out, f->extended_data[0], (size_t)n * sizeof *out);
        return n;
    }
    for (int i = 0; i < n; i++) {
        float sum = 0;
        for (int c = 0; c < channels; c++)
            sum += sample_at(f, c, channels, i);
        out[i] = clip(sum / (float)channels);
    }
    return n;
}

int av_decoder_decode(struct av_decoder *d, struct slice frame, int16_t *out, int room)
{
    if (frame.size == 0 || frame.size > FRAME_BYTES) /* size 0 would mean "drain" */
        return -1;
    memcpy(d->input, frame.data, frame.size);
    memset(d->input + frame.size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
    d->packet->data = d->input;
    d->packet->size = (int)frame.size;
    if (avcodec_send_packet(d->codec, d->packet) != 0)
        return -1;
    int total = 0, got = 0;
    while (avcodec_receive_frame(d->codec, d->frame) == 0) {
        got++;
        total += take_frame(d->frame, out + total, room - total);
        av_frame_unref(d->frame);
    }
    return got ? total : -1;
}

int av_decoder_rate(const struct av_decoder *d)
{
    return d->codec->sample_rate;
}

const char *render_library(void)
{
    return "libavcodec " AV_STRINGIFY(LIBAVCODEC_VERSION);
}
