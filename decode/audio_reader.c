/* libavformat takes the file apart and libavcodec the packets; of Opus libopus itself, at the rate
 * that the recording has. What an encoder put ahead of the sound (pre-skip of Opus, the delay in
 * the gapless tag of MP3) is left out. */
#include "decode/audio_reader.h"

#include <fcntl.h>
#include <opus.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/log.h>

#include "base/beneath.h"

#define IO_BYTES   32768
#define FRAMES_MAX 16384 /* of one packet; FLAC has 4,608, Opus 5,760 at most */
/* What a decoder has to have seen ahead of a place: 80 ms of Opus (RFC 7845 4.6), frames that MP3
 * borrows bits from. */
#define OPUS_AHEAD_MS   80
#define MP3_AHEAD       10
#define MP3_FRAMES_MOST 1152

struct audio_reader {
    int fd;
    enum audio_codec codec;
    int rate_hz, channels;
    AVFormatContext *format;
    AVCodecContext *decoder; /* NULL: Opus */
    OpusDecoder *opus;
    AVPacket *packet;
    AVFrame *frame;
    int64_t ahead;     /* frames that a decoder must have seen */
    int64_t packet_at; /* where the next packet's frames begin, in the file */
    int64_t wanted;    /* the next frame that is given out */
    int16_t *frames;   /* of the last packet */
    int64_t at, count; /* where they begin, how many there are */
    bool begun, ended;
};

/* ---- opening ---- */

static int read_bytes(void *context, uint8_t *out, int size)
{
    struct audio_reader *r = context;
    ssize_t n = read(r->fd, out, (size_t)size);
    return n > 0 ? (int)n : n == 0 ? AVERROR_EOF : AVERROR(EIO);
}

static int64_t seek_bytes(void *context, int64_t offset, int whence)
{
    struct audio_reader *r = context;
    if (whence == AVSEEK_SIZE) {
        off_t at = lseek(r->fd, 0, SEEK_CUR), end = lseek(r->fd, 0, SEEK_END);
        lseek(r->fd, at, SEEK_SET);
        return end;
    }
    return lseek(r->fd, offset, whence & ~AVSEEK_FORCE);
}

static int open_fd(struct audio_reader *r, const char *dir, const char *path)
{
    int root = beneath_root(dir);
    if (root < 0)
        return root;
    r->fd = beneath_open(root, path, O_RDONLY, 0);
    close(root);
    return r->fd < 0 ? r->fd : 0;
}

static bool open_format(struct audio_reader *r)
{
    uint8_t *bytes = av_malloc(IO_BYTES);
    AVIOContext *io =
        bytes ? avio_alloc_context(bytes, IO_BYTES, 0, r, read_bytes, NULL, seek_bytes) : NULL;
    r->format = io ? avformat_alloc_context() : NULL;
    if (r->format == NULL) {
        if (io)
            av_freep(&io->buffer);
        else
            av_free(bytes);
        avio_context_free(&io);
        return false;
    }
    r->format->pb = io;
    r->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    const AVInputFormat *container = av_find_input_format(audio_container(r->codec));
    if (container == NULL || avformat_open_input(&r->format, NULL, container, NULL) < 0) {
        av_freep(&io->buffer); /* the context went with the failure */
        avio_context_free(&io);
        r->format = NULL;
        return false;
    }
    return avformat_find_stream_info(r->format, NULL) >= 0 && r->format->nb_streams >= 1;
}

static const char *decoder_name(enum audio_codec codec)
{
    return codec == AUDIO_MP3 ? "mp3float" : audio_codec_text(codec);
}

/* Pre-skip stands in the header, in samples of 48 kHz. */
static bool open_opus(struct audio_reader *r, const AVCodecParameters *p)
{
    int err;
    if (p->extradata_size < 19)
        return false;
    r->packet_at = -(int64_t)AV_RL16(p->extradata + 10) * r->rate_hz / 48000;
    r->ahead = (int64_t)OPUS_AHEAD_MS * r->rate_hz / 1000;
    r->opus = opus_decoder_create(r->rate_hz, r->channels, &err);
    return r->opus != NULL;
}

static bool open_decoder(struct audio_reader *r)
{
    const AVCodecParameters *p = r->format->streams[0]->codecpar;
    r->packet = av_packet_alloc();
    r->frame = av_frame_alloc();
    r->frames = malloc((size_t)FRAMES_MAX * 2 * sizeof *r->frames);
    if (r->packet == NULL || r->frame == NULL || r->frames == NULL ||
        p->ch_layout.nb_channels != r->channels)
        return false;
    if (r->codec == AUDIO_OPUS)
        return open_opus(r, p);
    const AVCodec *codec = avcodec_find_decoder_by_name(decoder_name(r->codec));
    r->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (r->decoder == NULL || p->sample_rate != r->rate_hz ||
        avcodec_parameters_to_context(r->decoder, p) < 0)
        return false;
    r->decoder->thread_count = 1;
    r->decoder->flags2 |= AV_CODEC_FLAG2_SKIP_MANUAL;
    r->ahead = r->codec == AUDIO_MP3 ? MP3_AHEAD * MP3_FRAMES_MOST : 0;
    return avcodec_open2(r->decoder, codec, NULL) == 0;
}

int audio_reader_open(const char *dir, const char *path, enum audio_codec codec, int rate_hz,
                      int channels, struct audio_reader **ret_reader, struct why *why)
{
    struct audio_reader *r = calloc(1, sizeof *r);
    if (r == NULL)
        return ERR_NOMEM;
    *r = (struct audio_reader){.fd = -1, .codec = codec, .rate_hz = rate_hz, .channels = channels};
    av_log_set_level(AV_LOG_QUIET);
    int err = open_fd(r, dir, path);
    if (err == 0 && (!open_format(r) || !open_decoder(r)))
        err = ERR_INVALID;
    if (err) {
        why_set(why, "%s cannot be read as %s: %s", path, audio_codec_text(codec), err_text(err));
        audio_reader_free(r);
        return err;
    }
    *ret_reader = r;
    return 0;
}

void audio_reader_free(struct audio_reader *r)
{
    if (r == NULL)
        return;
    if (r->format) {
        AVIOContext *io = r->format->pb;
        avformat_close_input(&r->format);
        av_freep(&io->buffer);
        avio_context_free(&io);
    }
    avcodec_free_context(&r->decoder);
    if (r->opus)
        opus_decoder_destroy(r->opus);
    av_packet_free(&r->packet);
    av_frame_free(&r->frame);
    if (r->fd >= 0)
        close(r->fd);
    free(r->frames);
    free(r);
}

/* ---- packets ---- */

/* MP3: the encoder's delay, which the demuxer notes at the first packet. */
static void look_at_first(struct audio_reader *r)
{
    size_t size = 0;
    const uint8_t *skip = av_packet_get_side_data(r->packet, AV_PKT_DATA_SKIP_SAMPLES, &size);
    if (!r->begun && skip && size >= 4 && r->codec == AUDIO_MP3)
        r->packet_at = -(int64_t)AV_RL32(skip);
    r->begun = true;
}

/* Frames in the packet, as it says; 0: it does not. */
static int64_t packet_frames(const struct audio_reader *r)
{
    if (r->opus) {
        int n = opus_packet_get_nb_samples(r->packet->data, r->packet->size, r->rate_hz);
        return n > 0 ? n : 0;
    }
    AVRational frames = {1, r->rate_hz};
    return r->packet->duration > 0
               ? av_rescale_q(r->packet->duration, r->format->streams[0]->time_base, frames)
               : 0;
}

static int16_t clip(float v)
{
    float x = v * 32768;
    return x >= 32767 ? 32767 : x <= -32768 ? -32768 : x == x ? (int16_t)lrintf(x) : 0;
}

static int16_t sample_of(const AVFrame *f, int channel, int channels, int i)
{
    switch (f->format) {
    case AV_SAMPLE_FMT_S16:
        return ((const int16_t *)(const void *)f->extended_data[0])[i * channels + channel];
    case AV_SAMPLE_FMT_S16P:
        return ((const int16_t *)(const void *)f->extended_data[channel])[i];
    case AV_SAMPLE_FMT_FLTP:
        return clip(((const float *)(const void *)f->extended_data[channel])[i]);
    default:
        return 0;
    }
}

static int64_t take_frames(struct audio_reader *r)
{
    int64_t count = 0;
    while (avcodec_receive_frame(r->decoder, r->frame) == 0) {
        bool fits = r->frame->ch_layout.nb_channels == r->channels;
        for (int i = 0; fits && i < r->frame->nb_samples && count < FRAMES_MAX; i++, count++)
            for (int c = 0; c < r->channels; c++)
                r->frames[count * r->channels + c] = sample_of(r->frame, c, r->channels, i);
        av_frame_unref(r->frame);
    }
    return count;
}

/* One packet's frames; where it cannot be decoded, as many zeros as it says. */
static int64_t decode(struct audio_reader *r, int64_t said)
{
    int64_t count = 0;
    if (r->opus)
        count = opus_decode(r->opus, r->packet->data, r->packet->size, r->frames, FRAMES_MAX, 0);
    else if (avcodec_send_packet(r->decoder, r->packet) == 0)
        count = take_frames(r);
    if (count > 0)
        return count;
    said = said < FRAMES_MAX ? said : FRAMES_MAX;
    memset(r->frames, 0, (size_t)(said * r->channels) * sizeof *r->frames);
    return said;
}

static bool next_packet(struct audio_reader *r)
{
    do {
        av_packet_unref(r->packet);
        if (av_read_frame(r->format, r->packet) < 0)
            return false;
    } while (r->packet->stream_index != 0);
    look_at_first(r);
    return true;
}

/* The next packet with anything at or behind the wanted frame, decoded. */
static void fill(struct audio_reader *r)
{
    r->count = 0;
    while (!r->ended && r->at + r->count <= r->wanted) {
        if (!next_packet(r)) {
            r->ended = true;
            break;
        }
        int64_t said = packet_frames(r);
        r->at = r->packet_at;
        r->count = 0;
        if (said == 0 || r->packet_at + said > r->wanted - r->ahead)
            r->count = decode(r, said);
        r->packet_at += r->count ? r->count : said;
    }
    av_packet_unref(r->packet);
}

void audio_reader_skip_to(struct audio_reader *r, int64_t frame)
{
    r->wanted = frame > r->wanted ? frame : r->wanted;
}

int64_t audio_reader_read(struct audio_reader *r, int16_t *out, int64_t max)
{
    int64_t got = 0;
    while (got < max) {
        if (r->wanted < r->at || r->wanted >= r->at + r->count)
            fill(r);
        if (r->ended && r->wanted >= r->at + r->count)
            break;
        int64_t from = r->wanted - r->at,
                n = r->count - from < max - got ? r->count - from : max - got;
        memcpy(out + got * r->channels, r->frames + from * r->channels,
               (size_t)(n * r->channels) * sizeof *out);
        got += n;
        r->wanted += n;
    }
    return got;
}
