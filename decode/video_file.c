/* libavformat writes into memory of ours, which goes to the file here: it opens nothing and knows
 * no names. Bit-exact, so that no random numbers and no versions stand in the file: the same call
 * gives the same bytes. */
#include "decode/video_file.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "decode/part_file.h"

#define IO_BYTES (32 * 1024)
#define REORDER_MS                                                                                 \
    1000 /* pictures are shown at most so long before one that was sent ahead of them */

struct video_file {
    struct part_file file;
    AVFormatContext *mux;
    AVPacket *packet;
    int64_t last_dts;
    int err; /* of the disk */
};

static int put(void *context, uint8_t *data, int size)
{
    struct video_file *f = context;
    int err = part_file_write(&f->file, data, (size_t)size);
    f->err = f->err ? f->err : err;
    return err ? AVERROR(EIO) : size;
}

static int64_t seek(void *context, int64_t to, int whence)
{
    struct video_file *f = context;
    if (whence == AVSEEK_SIZE)
        return AVERROR(ENOSYS);
    return lseek(f->file.fd, to, whence);
}

void video_file_abandon(struct video_file **file)
{
    struct video_file *f = *file;
    if (f == NULL)
        return;
    if (f->mux && f->mux->pb) {
        av_freep(&f->mux->pb->buffer);
        avio_context_free(&f->mux->pb);
    }
    avformat_free_context(f->mux);
    av_packet_free(&f->packet);
    part_file_abandon(&f->file);
    free(f);
    *file = NULL;
}

static enum AVCodecID id_of(enum video_codec codec)
{
    static const enum AVCodecID ids[] = {AV_CODEC_ID_NONE, AV_CODEC_ID_H264, AV_CODEC_ID_HEVC,
                                         AV_CODEC_ID_VP8,  AV_CODEC_ID_VP9,  AV_CODEC_ID_AV1};
    return ids[codec];
}

static bool describe(AVStream *s, const struct video_file_spec *spec)
{
    AVCodecParameters *p = s->codecpar;
    p->codec_type = AVMEDIA_TYPE_VIDEO;
    p->codec_id = id_of(spec->codec);
    p->width = spec->width;
    p->height = spec->height;
    if (spec->sets.size == 0)
        return true;
    p->extradata = av_mallocz(spec->sets.size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (p->extradata == NULL)
        return false;
    memcpy(p->extradata, spec->sets.data, spec->sets.size);
    p->extradata_size = (int)spec->sets.size;
    return true;
}

/* False without memory, or when the muxer does not take what the packets said of themselves. */
static bool begin(struct video_file *f, const struct video_file_spec *spec)
{
    if (avformat_alloc_output_context2(&f->mux, NULL, "matroska", NULL) < 0)
        return false;
    uint8_t *memory = av_malloc(IO_BYTES);
    f->mux->pb = memory ? avio_alloc_context(memory, IO_BYTES, 1, f, NULL, put, seek) : NULL;
    if (f->mux->pb == NULL)
        av_free(memory);
    f->packet = av_packet_alloc();
    f->mux->flags |= AVFMT_FLAG_BITEXACT;
    f->mux->avoid_negative_ts = 0;
    AVStream *s = avformat_new_stream(f->mux, NULL);
    return f->mux->pb && f->packet && s && describe(s, spec) &&
           avformat_write_header(f->mux, NULL) >= 0;
}

int video_file_open(const char *dir, const char *path, const struct video_file_spec *spec,
                    struct video_file **ret_file, struct why *why)
{
    struct video_file *f = calloc(1, sizeof *f);
    if (f == NULL)
        return ERR_NOMEM;
    f->file.fd = -1;
    f->last_dts = INT64_MIN;
    int err = part_file_open(&f->file, dir, path, "part", why);
    if (err == 0 && !begin(f, spec)) {
        err = f->err ? f->err : ERR_INVALID;
        why_set(why, "cannot begin %s: %s", path, err_text(err));
    }
    if (err)
        video_file_abandon(&f);
    else
        *ret_file = f;
    return err;
}

int video_file_write(struct video_file *f, struct slice unit, int64_t at_ns, bool key)
{
    AVStream *s = f->mux->streams[0];
    const AVRational ms = {1, 1000};
    int64_t pts = at_ns / 1000000;
    /* When it is decoded nobody says; the file does not hold it, but the muxer wants it in order.
     */
    int64_t dts = pts - REORDER_MS;
    f->last_dts = dts > f->last_dts ? dts : f->last_dts;
    av_packet_unref(f->packet);
    f->packet->data = (uint8_t *)(uintptr_t)unit.data;
    f->packet->size = (int)unit.size;
    f->packet->pts = av_rescale_q(pts, ms, s->time_base);
    f->packet->dts = av_rescale_q(f->last_dts, ms, s->time_base);
    f->packet->flags = key ? AV_PKT_FLAG_KEY : 0;
    int did = av_write_frame(f->mux, f->packet);
    return f->err ? f->err : did < 0 ? ERR_INVALID : 0;
}

int video_file_finish(struct video_file **file, int64_t *ret_size_bytes, uint8_t ret_sha256[32],
                      struct why *why)
{
    struct video_file *f = *file;
    int err = av_write_trailer(f->mux) < 0 ? ERR_INVALID : 0;
    avio_flush(f->mux->pb);
    err = f->err ? f->err : err;
    if (err)
        why_set(why, "cannot complete %s: %s", f->file.path, err_text(err));
    else
        err = part_file_finish(&f->file, ret_size_bytes, ret_sha256, why);
    video_file_abandon(file);
    return err;
}
