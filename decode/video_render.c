#include "decode/video_render.h"

#include <stdio.h>
#include <stdlib.h>

#include "capture/rtp/rtp.h"
#include "decode/reorder.h"
#include "decode/video_file.h"
#include "decode/video_unit.h"

#define SILENT_NS  INT64_C(1000000000)               /* then another SSRC may take over */
#define APART_NS   INT64_C(1000000000)               /* of RTP time and arrival */
#define LENGTH_NS  (INT64_C(48) * 3600 * 1000000000) /* a file ends there */
#define CLOCK_HZ   90000
#define PATH_BYTES 4096

struct film {
    const struct video_request *request;
    struct why *why;
    struct reorder order;
    struct video_unit unit;
    struct video_file *file;
    struct video_made made;
    char path[PATH_BYTES];
    enum video_codec codec; /* of the unit */
    enum video_codec file_codec;
    const struct render_codec *codecs;
    unsigned codec_count;
    uint8_t announced_type; /* whose parameters the unit knows */
    uint32_t ssrc;
    int64_t ssrc_ns; /* arrival of its newest packet */
    bool marked;     /* the packet before was the last of its picture */
    bool begun;      /* a picture is open: */
    uint32_t timestamp;
    int64_t arrival_ns, at_ns; /* of its first packet; its place on the RTP clock */
    uint32_t clock_hz;
    int err;
};

static void end_file(struct film *f)
{
    struct video_made *m = &f->made;
    if (f->file == NULL)
        return;
    int err = video_file_finish(&f->file, &m->size_bytes, m->sha256, f->why);
    f->err = f->err ? f->err : err;
    if (err == 0)
        f->request->made(f->request->context, m);
    m->pictures = m->dropped = 0;
}

static bool name_file(struct film *f)
{
    const struct video_request *q = f->request;
    int size = snprintf(f->path, sizeof f->path, "%s%u.mkv", q->stem, q->first + f->made.number - 1);
    return size > 0 && (size_t)size < sizeof f->path;
}

/* With a key frame whose size is known, and its sets where its codec has some. */
static void begin_file(struct film *f)
{
    static const char *const names[] = {"", "H264", "H265", "VP8", "VP9", "AV1"};
    struct video_unit *u = &f->unit;
    struct video_look look = {.width = u->width, .height = u->height};
    bool sets = f->codec == VIDEO_H264 || f->codec == VIDEO_H265;
    if (look.width == 0 && sets) { /* they came ahead, or with SDP */
        for (size_t at = 4; at < u->sets_size && look.width == 0; at++) {
            struct slice nal = slice_of(u->sets + at, u->sets_size - at);
            if (memcmp(u->sets + at - 4, "\0\0\0\1", 4) == 0)
                (void)(f->codec == VIDEO_H264 ? video_h264_sps(nal, &look)
                                              : video_h265_sps(nal, &look));
        }
    }
    if (!u->key || look.width == 0 || (sets && u->sets_size == 0) ||
        f->made.number >= f->request->most)
        return;
    struct video_file_spec spec = {
        f->codec, look.width, look.height,
        slice_of(u->sets, f->codec == VIDEO_VP8 || f->codec == VIDEO_VP9 ? 0 : u->sets_size)};
    f->made.number++;
    int err = name_file(f) ? video_file_open(f->request->dir, f->path, &spec, &f->file, f->why) : ERR_INVALID;
    if (err) {
        f->made.number--;
        f->err = err == ERR_INVALID
                     ? 0
                     : err; /* what the packets say of themselves is no header: wait for the next */
        return;
    }
    f->file_codec = f->codec;
    f->made.path = f->path;
    f->made.codec = names[f->codec];
    f->made.width = look.width;
    f->made.height = look.height;
    f->made.start_ns = f->at_ns;
    f->made.length_ns = 0;
}

static void end_picture(struct film *f)
{
    struct video_unit *u = &f->unit;
    if (!f->begun || f->err)
        return;
    f->begun = false;
    bool whole = video_unit_end(u);
    if (f->at_ns < f->request->from_ns)
        return;
    if (f->file && f->codec != f->file_codec && whole && u->key)
        end_file(f);
    if (f->file == NULL && whole)
        begin_file(f);
    int64_t at_ns = f->at_ns - f->made.start_ns;
    if (!whole || f->file == NULL || f->codec != f->file_codec || at_ns < 0 || at_ns > LENGTH_NS) {
        f->made.dropped++;
        return;
    }
    int err = video_file_write(f->file, slice_of(u->data, u->size), at_ns, u->key);
    f->made.pictures++;
    f->made.length_ns = at_ns > f->made.length_ns ? at_ns : f->made.length_ns;
    if (err && err != ERR_INVALID)
        f->err = err;
}

static const struct render_codec *codec_of(const struct film *f, uint8_t type)
{
    for (unsigned i = 0; i < f->codec_count; i++)
        if (f->codecs[i].payload_type == type)
            return &f->codecs[i];
    return NULL;
}

/* Where it stands: by the RTP clock from the picture before, or at its arrival. */
static void place(struct film *f, const struct media *m, bool first)
{
    int64_t ticks = (int32_t)(m->timestamp - f->timestamp);
    int64_t at_ns = f->at_ns + ticks * 1000000000 / f->clock_hz;
    int64_t apart_ns = at_ns - m->arrival_ns;
    bool astray = first || m->restart || apart_ns > APART_NS || apart_ns < -APART_NS;
    f->at_ns = astray ? m->arrival_ns : at_ns;
    f->arrival_ns = m->arrival_ns;
    f->timestamp = m->timestamp;
}

static void take(void *context, const struct media *m)
{
    struct film *f = context;
    const struct render_codec *codec = codec_of(f, m->format);
    bool first = f->clock_hz == 0;
    if (codec == NULL || f->err || m->payload.size == 0)
        return;
    bool another = !f->begun || m->timestamp != f->timestamp || m->restart;
    if (another) {
        f->unit.whole &=
            m->lost == 0 || f->marked; /* else its last packets may be what is missing */
        end_picture(f);
        f->codec = video_codec_named(codec->name);
        f->clock_hz = codec->clock_hz ? codec->clock_hz : CLOCK_HZ;
        if (first || f->announced_type != m->format) {
            video_unit_announced(&f->unit, f->codec, slice_str(codec->fmtp));
            f->announced_type = m->format;
        }
        place(f, m, first);
        video_unit_begin(&f->unit, f->codec, m->lost > 0);
        f->begun = true;
    }
    video_unit_add(&f->unit, m->payload, m->lost > 0 && !another);
    f->marked = m->marker;
}

/* False: of another SSRC than the one that is followed. */
static bool follows(struct film *f, uint32_t ssrc, int64_t now_ns)
{
    bool mine = f->ssrc_ns && ssrc == f->ssrc;
    if (!mine && f->ssrc_ns && now_ns - f->ssrc_ns < SILENT_NS)
        return false;
    if (!mine && f->ssrc_ns) {
        reorder_flush(&f->order, take, f);
        end_picture(f);
        f->clock_hz = 0;
    }
    f->ssrc = ssrc;
    f->ssrc_ns = now_ns;
    return true;
}

static void push(struct film *f, const struct render_packet *in)
{
    struct rtp_packet p;
    f->codecs = in->codecs;
    f->codec_count = in->codec_count;
    if (in->withheld)
        return; /* was not kept: like lost */
    if (!rtp_parse(in->datagram, in->datagram.size, &p))
        return;
    const struct render_codec *codec = codec_of(f, p.payload_type);
    if (codec == NULL || video_codec_named(codec->name) == VIDEO_NONE ||
        !follows(f, p.ssrc, in->time_ns))
        return;
    struct media m = {.arrival_ns = in->time_ns,
                      .timestamp = p.timestamp,
                      .sequence = p.sequence,
                      .format = p.payload_type,
                      .marker = p.marker,
                      .payload = p.payload};
    reorder_push(&f->order, &m, take, f);
}

int video_render(const struct video_request *request, struct why *why)
{
    struct film *f = calloc(1, sizeof *f);
    struct render_packet p;
    int got;
    if (f == NULL)
        return ERR_NOMEM;
    f->request = request;
    f->why = why;
    while (f->err == 0 && (got = request->flow.next(request->flow.context, &p)) != 0)
        if (got > 0)
            push(f, &p);
    reorder_flush(&f->order, take, f);
    end_picture(f);
    if (f->err == 0)
        end_file(f);
    video_file_abandon(&f->file);
    video_unit_fini(&f->unit);
    reorder_fini(&f->order);
    int err = f->err;
    free(f);
    return err;
}
