/* A packet comes in. The next one in order takes the short way through this file; everything else
 * goes to segment.c.
 *
 *              first, 1 ahead ------------------------------> counted
 *   sequence   2..50 ahead --------------- gap -------------> counted
 *   against    51 and more ahead --- time agrees ? gap -----> counted
 *   the newest                       else candidate
 *              seen, same timestamp -- duplicate
 *              seen, other timestamp - conflict, candidate
 *              1..100 behind --------- late ----------------> counted
 *              more than that -------- candidate
 *   candidate, then its successor ---- restart -------------> both counted, a new segment
 *
 * The marker changes no counter. */
#include "capture/rtp/simulation.h"

#include <stdlib.h>

#include "base/counters.h"
#include "capture/rtp/telephone_event.h"

struct rtp_stream *rtp_stream_new(const struct rtp_stream_config *config)
{
    size_t size = SIMULATION_AT + (config->playout ? sizeof(struct simulation) : 0);
    size = (size + 63) / 64 * 64;
    struct rtp_stream *s = aligned_alloc(64, size);
    if (s == NULL)
        return NULL;
    memset(s, 0, size);
    s->announced = config->announced;
    s->sdp_ptime_ms = config->ptime_ms;
    s->payload_type = PAYLOAD_NONE;
    s->step_end_ns = INT64_MAX;
    s->gap_min_ns = UINT32_MAX;
    s->last_ns = INT64_MIN;
    s->max_ext = SEGMENT_ORIGIN;
    s->series.step_ms = 1000;
    s->series.window_ms = 10000;
    s->simulated = config->playout;
    if (s->simulated)
        simulation_init(s, config);
    return s;
}

void rtp_stream_free(struct rtp_stream *s)
{
    if (s == NULL)
        return;
    free(s->series.steps);
    free(s->series.windows);
    free(s);
}

size_t rtp_stream_size(bool playout)
{
    return playout ? SIMULATION_AT + sizeof(struct simulation) : sizeof(struct rtp_stream);
}

/* Of the simulation what each packet touches: its newest delay, the ends of the ring, the fixed buffers. */
void rtp_stream_fetch(const struct rtp_stream *s)
{
    const char *simulation = (const char *)s + SIMULATION_AT;
    __builtin_prefetch(s, 1);
    __builtin_prefetch(simulation, 1);
    __builtin_prefetch(simulation + offsetof(struct simulation, playout.adaptive.origin), 1);
    __builtin_prefetch(simulation + offsetof(struct simulation, playout.adaptive.head), 1);
    __builtin_prefetch(simulation + offsetof(struct simulation, delays), 1);
    __builtin_prefetch(simulation + offsetof(struct simulation, skew), 1);
    __builtin_prefetch(simulation + offsetof(struct simulation, origin_ns), 1);
}

void stream_open(struct rtp_stream *s, const struct arrival *first)
{
    if (s->received == 0) {
        s->first_ns = first->ns;
        series_start(s);
    }
    s->max_ext = SEGMENT_ORIGIN + first->sequence;
    s->base_ext = s->settled_ext = s->steady_ext = s->max_ext;
    s->max_ts = first->timestamp;
    s->order_ns = first->ns;
    s->order_kind = first->kind;
    s->order_marker = first->marker;
    s->order_same = first->kind == ARRIVAL_MEDIA && !first->sid;
    s->segment_received = 0;
    s->anchored = false;
    s->open = true;
    memset(s->seen, 0, sizeof s->seen);
    memset(s->absent, 0, sizeof s->absent);
    runs_mark(s, s->max_ext);
    if (s->simulated)
        simulation_open(s);
    stream_count(s, first, s->max_ext);
}

void stream_count(struct rtp_stream *s, const struct arrival *a, uint32_t ext)
{
    s->received++;
    s->segment_received++;
    s->bytes += a->bytes;
    s->step_packets++;
    s->marker_count += a->marker;
    s->event_packets += a->kind == ARRIVAL_EVENT;
    s->noise_packets += a->kind == ARRIVAL_NOISE || a->sid;
    jitter_packet(s, a);
    if (s->simulated)
        simulation_packet(s, a, ext);
}

/* n_media of the quality reference: of `missing` numbers between two timestamps, how many frames
 * fit. Packets of video share timestamps, there every number counts. */
static uint32_t frames_missing(const struct rtp_stream *s, uint32_t missing, int32_t advance,
                               uint8_t kind)
{
    uint32_t ptime = s->ptime_ticks;
    if (kind == ARRIVAL_VIDEO || ptime == 0)
        return missing;
    if (advance <= 0)
        return 0;
    uint32_t spacings = ((uint32_t)advance + ptime / 2) / ptime;
    uint32_t frames = spacings ? spacings - 1 : 0;
    return frames < missing ? frames : missing;
}

/* Arrival spacing without what the sender paused, which its timestamp tells. */
static int64_t gap_without_pause(const struct rtp_stream *s, int64_t gap_ns, int32_t advance,
                                 uint32_t ahead)
{
    if (s->order_kind == ARRIVAL_EVENT || s->ptime_ticks == 0 || s->clock_hz == 0)
        return gap_ns;
    int64_t pause = advance - (int64_t)ahead * s->ptime_ticks;
    if (pause <= s->ptime_ticks / 2)
        return gap_ns;
    int64_t pause_ns = (int64_t)((double)pause * s->ms_per_tick * (double)NS_PER_MS);
    return gap_ns > pause_ns ? gap_ns - pause_ns : 0;
}

/* The timestamp did not advance by exactly one packet a number. */
static void unsteady(struct rtp_stream *s, const struct arrival *a, uint32_t ahead, int32_t advance)
{
    s->steady_ext = s->max_ext + ahead;
    bool neighbours = ahead == 1 && s->order_same && a->kind == ARRIVAL_MEDIA && !a->sid;
    /* A talkspurt begins with the marker, so a marked packet says nothing about the packet time;
     * unless the sender marks every packet. */
    if (neighbours && advance > 0 && (!a->marker || s->order_marker))
        media_ptime_sample(s, (uint32_t)advance);
}

static bool media_neighbours(const struct rtp_stream *s, const struct arrival *a)
{
    return s->order_kind == ARRIVAL_MEDIA && a->kind == ARRIVAL_MEDIA;
}

void stream_advance(struct rtp_stream *s, const struct arrival *a, uint32_t ahead)
{
    int32_t advance = (int32_t)(a->timestamp - s->max_ts);
    int64_t gap_ns = a->ns - s->order_ns;
    if (UNLIKELY(gap_ns < s->gap_min_ns))
        s->gap_min_ns = gap_ns > 0 ? (uint32_t)gap_ns : 0; /* clocks are set back */
    if (UNLIKELY((uint32_t)advance != ahead * s->ptime_ticks)) {
        gap_ns = gap_without_pause(s, gap_ns, advance, ahead);
        unsteady(s, a, ahead, advance);
    } else if (s->ptime_score < PTIME_SCORE_MAX) {
        s->ptime_score++;
    }
    if (UNLIKELY(ahead > 1)) {
        runs_gap(s, ahead, frames_missing(s, ahead - 1, advance, a->kind));
        s->step_lost += ahead - 1;
    }
    if (gap_ns > s->step_gap_ns) {
        s->step_gap_ns = gap_ns;
        int64_t gap_us = (gap_ns + 500) / 1000;
        if (gap_us > s->gap_max_us)
            s->gap_max_us = gap_us < UINT32_MAX ? (uint32_t)gap_us : UINT32_MAX;
    }
    if (s->simulated && UNLIKELY(gap_ns > simulation_of(s)->spacing_ns))
        simulation_spacing(s, gap_ns, media_neighbours(s, a));
    s->max_ext += ahead;
    s->max_ts = a->timestamp;
    s->order_ns = a->ns;
    s->order_kind = a->kind;
    s->order_marker = a->marker;
    s->order_same = a->kind == ARRIVAL_MEDIA && !a->sid;
    runs_mark(s, s->max_ext);
    if (UNLIKELY(s->max_ext - s->settled_ext >= REORDER_MAX + 64))
        runs_settle(s);
    if (UNLIKELY(s->clock_hz == 0) && s->order_same)
        media_estimate_clock(s, a);
    stream_count(s, a, s->max_ext);
}

/* A key that nothing announced: streams without signalling, and phones that send what they did not negotiate. Beside the
 * media of a stream a dynamic type of the form of RFC 4733 2.3 is no frame: four octets, an event for keys or the
 * hook, the R bit clear. */
static bool is_unnamed_event(const struct rtp_stream *s, const struct rtp_packet *p)
{
    const uint8_t *octets = p->payload.data;
    return telephone_event_unnamed(p->payload_type, p->payload.size) &&
           s->payload_type != PAYLOAD_NONE && s->payload_type != p->payload_type &&
           octets[0] <= TELEPHONE_FLASH && (octets[1] & 0x40) == 0;
}

static uint8_t kind_of(const struct rtp_stream *s, const struct rtp_packet *p,
                       const struct rtp_codec *codec)
{
    switch (codec->kind) {
    case CODEC_EVENT:
        return ARRIVAL_EVENT;
    case CODEC_NOISE:
        return ARRIVAL_NOISE;
    case CODEC_VIDEO:
        return ARRIVAL_VIDEO;
    case CODEC_UNKNOWN: /* 19 was comfort noise before RFC 3551 */
        if (codec->clock_hz == 0 && p->payload_type == 19)
            return ARRIVAL_NOISE;
        return codec->clock_hz == 0 && is_unnamed_event(s, p) ? ARRIVAL_EVENT : ARRIVAL_MEDIA;
    default:
        return ARRIVAL_MEDIA;
    }
}

static bool codec_has_sid(const struct rtp_codec *codec)
{
    const uint32_t with_sid = 1u << CODEC_COUNTER_G729 | 1u << CODEC_COUNTER_G723 |
                              1u << CODEC_COUNTER_AMR | 1u << CODEC_COUNTER_AMR_WB |
                              1u << CODEC_COUNTER_OPUS;
    return with_sid >> (codec->counter & 31) & 1;
}

static struct arrival arrival_of(const struct rtp_stream *s, const struct rtp_packet *p,
                                 const struct rtp_codec *codec, size_t datagram_bytes,
                                 size_t payload_bytes, int64_t ns)
{
    struct arrival a = {
        .ns = ns,
        .timestamp = p->timestamp,
        .sequence = p->sequence,
        .bytes = datagram_bytes < UINT16_MAX ? (uint16_t)datagram_bytes : UINT16_MAX,
        .payload_type = p->payload_type,
        .kind = kind_of(s, p, codec),
        .marker = p->marker,
    };
    if (UNLIKELY(a.kind == ARRIVAL_NOISE))
        a.alien = codec->clock_hz != s->clock_hz;
    if (a.kind == ARRIVAL_MEDIA && codec_has_sid(codec))
        a.sid = frames_are_sid(codec, p->payload, payload_bytes);
    return a;
}

/* RFC jitter runs over all packets, in the clock of the media. */
static void rfc_count(struct rtp_stream *s, const struct arrival *a, const struct rtp_codec *codec)
{
    uint32_t clock_hz = arrival_is_media(a) && codec->clock_hz ? codec->clock_hz : s->clock_hz;
    if (UNLIKELY(clock_hz != s->clock_hz))
        s->rfc.has_transit = false;
    rfc_packet(&s->rfc, a->sequence, a->timestamp, a->ns, clock_hz);
}

unsigned rtp_stream_packet(struct rtp_stream *s, const struct rtp_packet *p,
                           const struct rtp_codec *codec, size_t datagram_bytes,
                           size_t payload_bytes, int64_t time_ns)
{
    int64_t ns = time_ns > s->last_ns ? time_ns : s->last_ns;
    s->last_ns = ns;
    struct incoming in = {
        .a = arrival_of(s, p, codec, datagram_bytes, payload_bytes, ns),
        .codec = codec,
        .payload = p->payload,
        .payload_bytes = payload_bytes,
    };
    rfc_count(s, &in.a, codec);
    unsigned verdict = 0;
    if (UNLIKELY(ns >= s->step_end_ns))
        verdict = series_advance(s, ns);
    if (UNLIKELY(in.a.sequence != (uint16_t)(s->max_ext + 1) || !s->open))
        return verdict | segment_packet(s, &in);
    s->held[0].held = false;
    if (arrival_is_media(&in.a) &&
        UNLIKELY(in.a.payload_type != s->payload_type || codec->clock_hz != s->codec_clock_hz))
        verdict |= media_adopt(s, &in);
    stream_advance(s, &in.a, 1);
    return verdict | RTP_TAKEN;
}

void rtp_stream_finish(struct rtp_stream *s)
{
    s->held[0].held = false;
    s->held[1].held = false;
    if (!s->open)
        return;
    runs_settle_all(s);
    series_finish(s);
}
