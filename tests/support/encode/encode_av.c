/* libavcodec, both ways. */
#include <libavcodec/avcodec.h>
#include <libavutil/dict.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/encode/encode.h"

static AVCodecContext *open_encoder(const struct encode_as *as)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(as->encoder);
    AVCodecContext *ctx = codec ? avcodec_alloc_context3(codec) : NULL;
    AVDictionary *options = NULL;
    if (ctx == NULL)
        return NULL;
    ctx->sample_rate = as->rate_hz;
    ctx->sample_fmt = codec->sample_fmts[0];
    ctx->bit_rate = as->bit_rate;
    ctx->bits_per_coded_sample = as->bits;
    ctx->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    ctx->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_channel_layout_default(&ctx->ch_layout, as->channels ? as->channels : 1);
    av_dict_set_int(&options, "frames_per_packet", as->group ? as->group : 1, 0);
    if (strcmp(as->encoder, "libcodec2") == 0)
        av_dict_set_int(&options, "mode", as->mode, 0);
    if (avcodec_open2(ctx, codec, &options) != 0)
        avcodec_free_context(&ctx);
    else if (as->bits)
        ctx->frame_size = as->frame; /* the encoder's own is half a second */
    av_dict_free(&options);
    return ctx;
}

static bool fill(AVFrame *frame, const AVCodecContext *ctx, const int16_t *pcm, int step)
{
    int channels = ctx->ch_layout.nb_channels;
    frame->nb_samples = step;
    frame->format = ctx->sample_fmt;
    frame->sample_rate = ctx->sample_rate;
    av_channel_layout_copy(&frame->ch_layout, &ctx->ch_layout);
    if (av_frame_get_buffer(frame, 0) != 0)
        return false;
    if (ctx->sample_fmt == AV_SAMPLE_FMT_S16) {
        memcpy(frame->data[0], pcm, (size_t)(step * channels) * sizeof *pcm);
        return true;
    }
    for (int c = 0; c < channels; c++)
        for (int i = 0; i < step; i++)
            ((float *)(void *)frame->extended_data[c])[i] = (float)pcm[i * channels + c] / 32768;
    return ctx->sample_fmt == AV_SAMPLE_FMT_FLTP;
}

bool encode_av(const struct encode_as *as, const int16_t *pcm, size_t count, struct encoded *out)
{
    AVCodecContext *ctx = open_encoder(as);
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    bool good = ctx && frame && packet;
    size_t step = good && ctx->frame_size > 0 ? (size_t)ctx->frame_size : (size_t)as->frame;
    if (good && ctx->extradata_size > 0 &&
        ctx->extradata_size <= (int)sizeof out->config) { /* Speex has more, and needs none */
        memcpy(out->config, ctx->extradata, (size_t)ctx->extradata_size);
        out->config_size = ctx->extradata_size;
    }
    for (size_t at = 0; good && at + step <= count; at += step) {
        good = fill(frame, ctx, pcm + at * (size_t)ctx->ch_layout.nb_channels, (int)step) &&
               avcodec_send_frame(ctx, frame) == 0;
        av_frame_unref(frame);
        while (good && avcodec_receive_packet(ctx, packet) == 0) {
            good = encode_put(out, packet->data, (size_t)packet->size);
            av_packet_unref(packet);
        }
    }
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&ctx);
    return good;
}

/* ---- and back ---- */

static AVCodecContext *open_decoder(const char *name, const struct encode_as *as,
                                    const struct encoded *e)
{
    const AVCodec *codec = avcodec_find_decoder_by_name(name);
    AVCodecContext *ctx = codec ? avcodec_alloc_context3(codec) : NULL;
    if (ctx == NULL)
        return NULL;
    ctx->sample_rate = as->rate_hz;
    ctx->bits_per_coded_sample = as->bits;
    ctx->block_align = e->count ? e->size[0] : 0;
    ctx->request_sample_fmt = AV_SAMPLE_FMT_S16;
    av_channel_layout_default(&ctx->ch_layout, as->channels ? as->channels : 1);
    if (e->config_size) {
        ctx->extradata = av_mallocz((size_t)e->config_size + AV_INPUT_BUFFER_PADDING_SIZE);
        memcpy(ctx->extradata, e->config, (size_t)e->config_size);
        ctx->extradata_size = e->config_size;
    }
    if (avcodec_open2(ctx, codec, NULL) != 0)
        avcodec_free_context(&ctx);
    return ctx;
}

static float sample(const AVFrame *f, int channel, int i)
{
    int channels = f->ch_layout.nb_channels;
    switch (f->format) {
    case AV_SAMPLE_FMT_S16:
        return ((const int16_t *)(const void *)f->extended_data[0])[i * channels + channel];
    case AV_SAMPLE_FMT_S16P:
        return ((const int16_t *)(const void *)f->extended_data[channel])[i];
    case AV_SAMPLE_FMT_FLT:
        return 32768 * ((const float *)(const void *)f->extended_data[0])[i * channels + channel];
    default:
        return 32768 * ((const float *)(const void *)f->extended_data[channel])[i];
    }
}

/* The mean of the channels. */
static size_t take(const AVFrame *f, int16_t *out, size_t room)
{
    size_t n = (size_t)f->nb_samples < room ? (size_t)f->nb_samples : room;
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (int c = 0; c < f->ch_layout.nb_channels; c++)
            sum += sample(f, c, (int)i);
        sum /= (float)f->ch_layout.nb_channels;
        out[i] = sum >= 32767 ? 32767 : sum <= -32768 ? -32768 : (int16_t)sum;
    }
    return n;
}

int encode_reference(const char *decoder, const struct encode_as *as, const struct encoded *e,
                     int16_t *out, size_t room)
{
    AVCodecContext *ctx = open_decoder(decoder, as, e);
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    size_t total = 0;
    bool good = ctx && frame && packet;
    for (unsigned i = 0; good && i < e->count; i++) {
        good = av_new_packet(packet, e->size[i]) == 0;
        if (!good)
            break;
        memcpy(packet->data, e->data[i], e->size[i]);
        good = avcodec_send_packet(ctx, packet) == 0;
        av_packet_unref(packet);
        while (good && avcodec_receive_frame(ctx, frame) == 0) {
            total += take(frame, out + total, room - total);
            av_frame_unref(frame);
        }
    }
    av_frame_free(&frame);
    av_packet_free(&packet);
    avcodec_free_context(&ctx);
    return good ? (int)total : -1;
}
