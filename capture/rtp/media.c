/* What the media of a stream is like: payload type in use, its clock, and how much of it a packet
 * holds. SDP may be wrong about the packet time and absent for the clock; both are then measured
 * from the timestamps. */
#include "capture/rtp/stream_internal.h"

enum {
    PTIME_SCORE_FIRST = 3, /* what an announced packet time is worth against measured ones */
    CLOCK_PACKETS = 100,
    CLOCK_MS = 2000,
};

static void set_clock(struct rtp_stream *s, uint32_t clock_hz)
{
    if (s->clock_hz)
        s->ptime_ticks = (uint32_t)((uint64_t)s->ptime_ticks * clock_hz / s->clock_hz);
    else
        memset(s->jitter_histogram, 0, sizeof s->jitter_histogram);
    s->clock_hz = clock_hz;
    s->ms_per_tick = 1000.0 / clock_hz;
    s->jitter_ms = 0;
    s->anchored = false;
    s->steady_ext = s->max_ext;
}

/* SDP's word first, then the first payload; measured ones overrule both soon. */
static void first_ptime(struct rtp_stream *s, const struct incoming *in)
{
    double ms = s->sdp_ptime_ms;
    if (ms == 0 && in->codec->kind != CODEC_VIDEO)
        ms = frames_payload_ms(in->codec, in->payload, in->payload_bytes);
    s->ptime_ticks = (uint32_t)(ms * s->clock_hz / 1000 + 0.5);
    s->ptime_score = PTIME_SCORE_FIRST;
}

unsigned media_adopt(struct rtp_stream *s, const struct incoming *in)
{
    bool first = s->payload_type == PAYLOAD_NONE;
    bool changed = s->payload_type != in->a.payload_type;
    s->payload_type = in->a.payload_type;
    s->codec_clock_hz = in->codec->clock_hz;
    if (in->codec->clock_hz && in->codec->clock_hz != s->clock_hz)
        set_clock(s, in->codec->clock_hz);
    if (s->ptime_ticks == 0 && s->clock_hz)
        first_ptime(s, in);
    if (first || !changed)
        return 0;
    s->order_same = false;
    s->payload_changes++;
    return RTP_PAYLOAD_CHANGE;
}

double media_ptime_ms(const struct rtp_stream *s)
{
    if (s->ptime_ticks && s->clock_hz)
        return s->ptime_ticks * s->ms_per_tick;
    return s->sdp_ptime_ms ? s->sdp_ptime_ms : PTIME_DEFAULT_MS;
}

/* A running majority vote: two candidates, each sample moves one up and the other down. */
void media_ptime_sample(struct rtp_stream *s, uint32_t ticks)
{
    if (ticks == s->ptime_ticks) {
        s->ptime_score += s->ptime_score < PTIME_SCORE_MAX;
        return;
    }
    if (ticks == s->ptime_other_ticks) {
        s->ptime_other_score += s->ptime_other_score < PTIME_SCORE_MAX;
    } else if (s->ptime_other_score == 0) {
        s->ptime_other_ticks = ticks;
        s->ptime_other_score = 1;
    } else {
        s->ptime_other_score--;
    }
    s->ptime_score -= s->ptime_score > 0;
    if (s->ptime_other_score <= s->ptime_score && s->ptime_ticks)
        return;
    uint32_t was = s->ptime_ticks;
    uint8_t was_score = s->ptime_score;
    s->ptime_ticks = s->ptime_other_ticks;
    s->ptime_score = s->ptime_other_score;
    s->ptime_other_ticks = was;
    s->ptime_other_score = was_score;
    s->steady_ext = s->max_ext;
}

/* The nearest usual clock within 1 %, or 0. */
static uint32_t usual_clock(double hz)
{
    static const uint32_t usual[] = {8000,  11025, 12000, 16000, 22050,
                                     24000, 32000, 44100, 48000, 90000};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (hz > usual[i] * 0.99 && hz < usual[i] * 1.01)
            return usual[i];
    return 0;
}

void media_estimate_clock(struct rtp_stream *s, const struct arrival *a)
{
    if (s->estimate.packets++ == 0) {
        s->estimate.ns = a->ns;
        s->estimate.timestamp = a->timestamp;
        return;
    }
    if (s->estimate.packets % CLOCK_PACKETS != 0)
        return;
    double ms = (double)(a->ns - s->estimate.ns) * 1e-6;
    uint32_t ticks = a->timestamp - s->estimate.timestamp;
    if (ms < CLOCK_MS)
        return;
    uint32_t clock_hz = ticks < INT32_MAX ? usual_clock(ticks * 1000.0 / ms) : 0;
    if (clock_hz)
        set_clock(s, clock_hz);
    else if (s->estimate.packets >= 10 * CLOCK_PACKETS)
        s->estimate.packets = 0; /* a pause or a jump spoilt it: start anew */
}
