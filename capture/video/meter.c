#include "capture/video/meter.h"

#include <math.h>

#define PAUSE_NS       INT64_C(5000000000)
#define FREEZE_MORE_NS 150e6
#define FREEZE_TIMES   3
#define USUAL_OF       30 /* pictures that the usual spacing is a mean of */
#define USUAL_LEAST    5  /* spacings before anything is called a freeze */
#define JUMP_S         60 /* timestamps further apart are no time */
#define CLOCK_HZ       90000

void video_meter_init(struct video_meter *m, bool clear)
{
    *m = (struct video_meter){.clear = clear, .payload_type = 0xff, .clock_hz = CLOCK_HZ};
}

static void set_size(struct video_meter *m, const struct video_look *look)
{
    if (look->width == 0 || (look->width == m->width && look->height == m->height))
        return;
    m->size_changes += m->width != 0;
    m->width = look->width;
    m->height = look->height;
}

/* Another payload type, or the first: its codec, and what SDP says of it. */
static void set_codec(struct video_meter *m, const struct rtp_codec *codec)
{
    struct video_look look;
    m->payload_type = codec->payload_type;
    m->codec = (uint8_t)video_codec_named(codec->name);
    m->clock_hz = codec->clock_hz ? codec->clock_hz : CLOCK_HZ;
    if (m->width == 0 &&
        video_look_announced((enum video_codec)m->codec, slice_str(codec->fmtp), &look))
        set_size(m, &look);
}

static void note_freeze(struct video_meter *m, int64_t spacing_ns)
{
    double most = fmax(FREEZE_TIMES * m->usual_ns, m->usual_ns + FREEZE_MORE_NS);
    if (m->spacings >= USUAL_LEAST && (double)spacing_ns > most) {
        m->freezes++;
        m->frozen_ns += spacing_ns;
        if (spacing_ns > m->longest_freeze_ns)
            m->longest_freeze_ns = spacing_ns;
        return; /* is not usual */
    }
    m->spacings++;
    uint64_t of = m->spacings < USUAL_OF ? m->spacings : USUAL_OF;
    m->usual_ns += ((double)spacing_ns - m->usual_ns) / (double)of;
}

/* How far the timestamps went, both ways: pictures may come in the order of decoding, which is not
 * that of showing. */
static void go_on(struct video_meter *m, uint32_t timestamp, bool paused)
{
    int64_t step = (int32_t)(timestamp - m->timestamp);
    bool jump = step > (int64_t)JUMP_S * m->clock_hz || step < -(int64_t)JUMP_S * m->clock_hz;
    m->at += step;
    if (paused || jump) {
        m->pauses++;
        m->newest = m->at;
    } else if (m->at > m->newest) {
        m->ticks += m->at - m->newest;
        m->newest = m->at;
    }
}

static void new_picture(struct video_meter *m, const struct rtp_packet *p, bool restart,
                        int64_t now_ns)
{
    bool gap = (uint16_t)(p->sequence - m->sequence) != 1;
    int64_t spacing = now_ns - m->picture_ns;
    bool paused = spacing > PAUSE_NS && !gap;
    if (m->begun) {
        go_on(m, p->timestamp, paused || restart);
        if (!paused && !restart && spacing >= 0)
            note_freeze(m, spacing);
    }
    m->begun = true;
    m->timestamp = p->timestamp;
    m->picture_ns = now_ns;
    m->pictures++;
    m->key = false;
}

static void look_into(struct video_meter *m, struct slice payload)
{
    struct video_look look;
    video_look((enum video_codec)m->codec, payload, &look);
    set_size(m, &look);
    m->key_pictures += look.key && !m->key;
    m->key |= look.key;
}

void video_meter_packet(struct video_meter *m, const struct rtp_packet *p,
                        const struct rtp_codec *codec, size_t payload_wire, bool late, bool restart,
                        int64_t now_ns)
{
    if (codec->payload_type != m->payload_type)
        set_codec(m, codec);
    int64_t since_ns = now_ns - m->packet_ns;
    if (m->begun && since_ns > 0 && since_ns <= PAUSE_NS)
        m->active_ns += since_ns;
    m->packet_ns = now_ns;
    m->octets += payload_wire;
    if (payload_wire == 0)
        return; /* probes of the bandwidth show nothing */
    if (!m->begun || (p->timestamp != m->timestamp && !late))
        new_picture(m, p, restart, now_ns);
    if (!late)
        m->sequence = p->sequence;
    if (m->clear && m->codec != VIDEO_NONE && p->timestamp == m->timestamp)
        look_into(m, p->payload);
}

void video_meter_stats(const struct video_meter *m, struct video_stats *ret_stats)
{
    double seconds = (double)m->ticks / m->clock_hz;
    double active_s = (double)m->active_ns / 1e9;
    uint64_t moved = m->pictures > m->pauses ? m->pictures - m->pauses - 1 : 0;
    *ret_stats = (struct video_stats){
        .width = m->width,
        .height = m->height,
        .size_changes = m->size_changes,
        .pictures = m->pictures,
        .key_pictures = m->clear && m->codec != VIDEO_NONE ? (int64_t)m->key_pictures : -1,
        .per_second = seconds > 0 && moved ? (double)moved / seconds : NAN,
        .kbit_per_s = active_s >= 0.5 ? (double)m->octets * 8 / 1000 / active_s : NAN,
        .freezes = m->freezes,
        .frozen_ms = (double)m->frozen_ns / 1e6,
        .longest_freeze_ms = (double)m->longest_freeze_ns / 1e6,
    };
}
