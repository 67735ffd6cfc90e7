/* FLAC, Ogg Opus and MP3 through libavcodec's encoders and libavformat's containers. The library
 * writes where we tell it: it opens no file and starts no thread. Encoders take frames of their own
 * size, so samples are gathered in one; what encoder and container add at the ends stands in their
 * headers (pre-skip of Opus, the gapless tag of MP3), as far as the sink can seek. */
#include "decode/encoder.h"

#include <stdlib.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/log.h>
#include <libavutil/opt.h>

#define IO_BYTES     32768
#define FRAME_MOST   4608 /* gathered at a time where the encoder takes any number */
#define SKIP_SAMPLES 4096

struct av {
    AVCodecContext *codec;
    AVFormatContext *format;
    AVFrame *frame;
    AVPacket *packet;
    int64_t at;  /* of the sink, in bytes */
    int64_t end; /* the furthest it was */
    int filled;  /* samples of a channel that are gathered */
    int err;     /* sticky: what the sink said first */
};

/* ---- the sink, as the library sees it ---- */

static int out(void *context, uint8_t *data, int size)
{
    struct encoder *e = context;
    struct av *v = e->state;
    if (v->err == 0)
        v->err = e->sink.write(e->sink.context, data, (size_t)size);
    v->at += size;
    v->end = v->at > v->end ? v->at : v->end;
    return v->err ? AVERROR(EIO) : size;
}

static int64_t seek(void *context, int64_t offset, int whence)
{
    struct encoder *e = context;
    struct av *v = e->state;
    int64_t at = whence == SEEK_SET   ? offset
                 : whence == SEEK_CUR ? v->at + offset
                                      : v->end + offset;
    if (whence == AVSEEK_SIZE)
        return v->end;
    if (v->err == 0)
        v->err = e->sink.seek(e->sink.context, at);
    v->at = at;
    return v->err ? AVERROR(EIO) : at;
}

static bool open_io(struct encoder *e)
{
    struct av *v = e->state;
    uint8_t *bytes = av_malloc(IO_BYTES);
    v->format->pb =
        bytes ? avio_alloc_context(bytes, IO_BYTES, 1, e, NULL, out, e->sink.seek ? seek : NULL)
              : NULL;
    if (v->format->pb == NULL) {
        av_free(bytes);
        return false;
    }
    v->format->pb->seekable = e->sink.seek ? AVIO_SEEKABLE_NORMAL : 0;
    return true;
}

/* ---- opening ---- */

static const char *encoder_name(enum audio_codec codec)
{
    return codec == AUDIO_FLAC ? "flac" : codec == AUDIO_OPUS ? "libopus" : "libmp3lame";
}

/* Of a channel: enough for speech of that bandwidth. */
static int64_t bit_rate(enum audio_codec codec, int rate_hz)
{
    int64_t rate = rate_hz <= 12000 ? 24000 : rate_hz <= 24000 ? 32000 : 64000;
    if (codec == AUDIO_FLAC)
        return 0;
    return codec == AUDIO_OPUS && rate == 64000 ? 48000 : rate;
}

/* Each channel is a party of its own: nothing is shared between them where the codec lets us say
 * so. */
static void set_options(AVCodecContext *c, enum audio_codec codec)
{
    if (codec == AUDIO_OPUS)
        av_opt_set(c->priv_data, "application", "audio", 0);
    if (codec == AUDIO_MP3)
        av_opt_set_int(c->priv_data, "joint_stereo", 0, 0);
}

static bool open_codec(struct encoder *e)
{
    struct av *v = e->state;
    const AVCodec *codec = avcodec_find_encoder_by_name(encoder_name(e->spec.codec));
    v->codec = codec ? avcodec_alloc_context3(codec) : NULL;
    if (v->codec == NULL)
        return false;
    v->codec->sample_rate = e->spec.rate_hz;
    v->codec->time_base = (AVRational){1, e->spec.rate_hz};
    v->codec->sample_fmt = e->spec.codec == AUDIO_MP3 ? AV_SAMPLE_FMT_S16P : AV_SAMPLE_FMT_S16;
    v->codec->bit_rate = bit_rate(e->spec.codec, e->spec.rate_hz) * e->spec.channels;
    v->codec->thread_count = 1;
    v->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_BITEXACT;
    av_channel_layout_default(&v->codec->ch_layout, e->spec.channels);
    set_options(v->codec, e->spec.codec);
    return avcodec_open2(v->codec, codec, NULL) == 0;
}

static void add_tags(const struct audio_tags *t, AVDictionary **to)
{
    const char *const tags[][2] = {
        {"title", t->title}, {"artist", t->artist}, {"date", t->date}, {"comment", t->comment}};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (tags[i][1][0])
            av_dict_set(to, tags[i][0], tags[i][1], 0);
}

/* STREAMINFO has a total of 36 bits, behind rate, channels and sample size. Who cannot seek back
 * says it ahead. */
static void tell_length(const struct encoder *e, AVCodecParameters *p)
{
    if (e->spec.codec != AUDIO_FLAC || e->sink.seek || p->extradata_size < 18)
        return;
    p->extradata[13] = (uint8_t)((p->extradata[13] & 0xf0) | (e->spec.frames >> 32 & 0x0f));
    for (int i = 0; i < 4; i++)
        p->extradata[14 + i] = (uint8_t)(e->spec.frames >> (24 - 8 * i));
}

static bool open_format(struct encoder *e)
{
    struct av *v = e->state;
    if (avformat_alloc_output_context2(&v->format, NULL, audio_container(e->spec.codec), NULL) < 0)
        return false;
    AVStream *stream = avformat_new_stream(v->format, NULL);
    if (stream == NULL || !open_io(e) ||
        avcodec_parameters_from_context(stream->codecpar, v->codec) < 0)
        return false;
    v->format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    stream->time_base = v->codec->time_base;
    tell_length(e, stream->codecpar);
    if (e->spec.tags)
        add_tags(e->spec.tags,
                 e->spec.codec == AUDIO_OPUS ? &stream->metadata : &v->format->metadata);
    return avformat_write_header(v->format, NULL) >= 0;
}

static int frame_room(const struct av *v)
{
    return v->codec->frame_size > 0 ? v->codec->frame_size : FRAME_MOST;
}

static bool open_frame(struct encoder *e)
{
    struct av *v = e->state;
    v->frame = av_frame_alloc();
    v->packet = av_packet_alloc();
    if (v->frame == NULL || v->packet == NULL)
        return false;
    v->frame->nb_samples = frame_room(v);
    v->frame->format = v->codec->sample_fmt;
    v->frame->pts = 0;
    v->frame->sample_rate = e->spec.rate_hz;
    return av_channel_layout_copy(&v->frame->ch_layout, &v->codec->ch_layout) == 0 &&
           av_frame_get_buffer(v->frame, 0) == 0;
}

static int open_av(struct encoder *e)
{
    struct av *v = calloc(1, sizeof *v);
    e->state = v;
    if (v == NULL)
        return ERR_NOMEM;
    av_log_set_level(AV_LOG_QUIET);
    if (open_codec(e) && open_frame(e) && open_format(e))
        return 0;
    return v->err ? v->err : ERR_UNSUPPORTED;
}

/* ---- growing ---- */

/* Frame NULL: there is no more. */
static int encode(struct encoder *e, AVFrame *frame)
{
    struct av *v = e->state;
    const AVStream *stream = v->format->streams[0];
    int got = avcodec_send_frame(v->codec, frame);
    while (got >= 0 && (got = avcodec_receive_packet(v->codec, v->packet)) >= 0) {
        av_packet_rescale_ts(v->packet, v->codec->time_base, stream->time_base);
        got = av_write_frame(v->format, v->packet);
        av_packet_unref(v->packet);
    }
    if (v->err)
        return v->err;
    return got == AVERROR(EAGAIN) || got == AVERROR_EOF ? 0
           : got == AVERROR(ENOMEM)                     ? ERR_NOMEM
           : got < 0                                    ? ERR_IO
                                                        : 0;
}

static int encode_gathered(struct encoder *e)
{
    struct av *v = e->state;
    v->frame->nb_samples = v->filled;
    int err = encode(e, v->frame);
    v->frame->pts += v->filled;
    v->filled = 0;
    v->frame->nb_samples = frame_room(v);
    return err || av_frame_make_writable(v->frame) == 0 ? err : ERR_NOMEM;
}

static void gather(struct encoder *e, const int16_t *frames, int count)
{
    struct av *v = e->state;
    int channels = e->spec.channels;
    if (v->codec->sample_fmt == AV_SAMPLE_FMT_S16) {
        int16_t *to = (int16_t *)(void *)v->frame->data[0];
        memcpy(to + v->filled * channels, frames, (size_t)(count * channels) * sizeof *to);
        return;
    }
    for (int c = 0; c < channels; c++) {
        int16_t *to = (int16_t *)(void *)v->frame->data[c];
        for (int i = 0; i < count; i++)
            to[v->filled + i] = frames[i * channels + c];
    }
}

static int write_av(struct encoder *e, const int16_t *frames, int64_t count)
{
    struct av *v = e->state;
    int err = 0, room = frame_room(v);
    while (count > 0 && err == 0) {
        int n = count < room - v->filled ? (int)count : room - v->filled;
        gather(e, frames, n);
        v->filled += n;
        frames += n * e->spec.channels;
        count -= n;
        if (v->filled == room)
            err = encode_gathered(e);
    }
    return err;
}

static int skip_av(struct encoder *e, int64_t count)
{
    static const int16_t zeros[SKIP_SAMPLES];
    int err = 0;
    for (int64_t n; count > 0 && err == 0; count -= n) {
        n = count < SKIP_SAMPLES / e->spec.channels ? count : SKIP_SAMPLES / e->spec.channels;
        err = write_av(e, zeros, n);
    }
    return err;
}

static int finish_av(struct encoder *e)
{
    struct av *v = e->state;
    int err = v->filled ? encode_gathered(e) : 0;
    if (err == 0)
        err = encode(e, NULL);
    if (err == 0 && av_write_trailer(v->format) < 0)
        err = ERR_IO;
    avio_flush(v->format->pb);
    return v->err ? v->err : err;
}

static void close_av(struct encoder *e)
{
    struct av *v = e->state;
    if (v->format && v->format->pb) {
        av_freep(&v->format->pb->buffer);
        avio_context_free(&v->format->pb);
    }
    avformat_free_context(v->format);
    avcodec_free_context(&v->codec);
    av_frame_free(&v->frame);
    av_packet_free(&v->packet);
    free(v);
}

const struct encoder_type encoder_av = {open_av, write_av, skip_av, finish_av, close_av};
