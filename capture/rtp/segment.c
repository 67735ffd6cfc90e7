/* Packets that are not simply the next one: the first, gaps, duplicates, late ones, and those that
 * may mean that the sender began anew with other numbers.
 *
 * A candidate is held, not counted, until its successor comes; a packet in order in between refutes
 * it, a late packet or a duplicate does not. Streams that nobody announced begin on probation: up
 * to two packets are held until one comes that follows one of them. */
#include "capture/rtp/stream_internal.h"

/* Two timestamps can both be honest if they are no further apart than the stream is old. */
#define PLAUSIBLE_SLACK_MS 2000
#define FASTEST_CLOCK_KHZ  90 /* video, RFC 3551 section 5 */

static unsigned adopt(struct rtp_stream *s, const struct incoming *in)
{
    if (!arrival_is_media(&in->a) || in->codec == NULL) /* held ones have none */
        return 0;
    bool same = in->a.payload_type == s->payload_type && in->codec->clock_hz == s->codec_clock_hz;
    return same ? 0 : media_adopt(s, in);
}

static void hold(struct arrival *slot, const struct arrival *a)
{
    *slot = *a;
    slot->held = true;
}

/* ---- probation ---- */

static bool belongs(const struct arrival *a, const struct arrival *sure)
{
    int16_t d = (int16_t)(a->sequence - sure->sequence);
    return a->held && d <= GAP_SURE && d >= -REORDER_MAX;
}

static unsigned begin(struct rtp_stream *s, const struct incoming *in)
{
    struct arrival early[2] = {s->held[0], s->held[1]};
    s->held[0].held = s->held[1].held = false;
    unsigned verdict = adopt(s, in) | RTP_TAKEN;
    for (unsigned i = 0; i < 2; i++) {
        struct incoming old = {.a = early[i]};
        old.a.held = false;
        if (!belongs(&early[i], &in->a))
            continue;
        if (!s->open)
            stream_open(s, &old.a);
        else
            segment_packet(s, &old);
    }
    if (s->open)
        return verdict | segment_packet(s, in);
    stream_open(s, &in->a);
    return verdict;
}

static bool follows(const struct arrival *a, const struct arrival *held)
{
    return held->held && a->sequence == (uint16_t)(held->sequence + 1);
}

static unsigned first_packets(struct rtp_stream *s, const struct incoming *in)
{
    struct arrival *held = s->held;
    if (s->announced || follows(&in->a, &held[0]) || follows(&in->a, &held[1]))
        return begin(s, in);
    for (unsigned i = 0; i < 2; i++) {
        if (held[i].held && held[i].sequence == in->a.sequence &&
            held[i].timestamp == in->a.timestamp) {
            s->duplicates++;
            return RTP_DUPLICATE;
        }
    }
    held[0] = held[1];
    hold(&held[1], &in->a);
    return RTP_PENDING;
}

/* ---- restarts ---- */

static unsigned candidate(struct rtp_stream *s, const struct incoming *in)
{
    struct arrival *c = &s->held[0];
    if (follows(&in->a, c)) {
        struct arrival first = *c;
        c->held = false;
        runs_settle_all(s);
        s->expected_closed += s->max_ext - s->base_ext + 1;
        s->restarts++;
        unsigned verdict = adopt(s, in);
        stream_open(s, &first);
        stream_advance(s, &in->a, 1);
        return verdict | RTP_TAKEN | RTP_RESTART;
    }
    if (c->held && c->sequence == in->a.sequence && c->timestamp == in->a.timestamp) {
        s->duplicates++;
        return RTP_DUPLICATE;
    }
    hold(c, &in->a);
    return RTP_PENDING;
}

/* A jump ahead of more than GAP_SURE: could the missing packets have been sent in the time? */
static bool is_gap(const struct rtp_stream *s, const struct arrival *a, int ahead)
{
    double ptime_ms = media_ptime_ms(s);
    double passed_ms = (double)(a->ns - s->order_ns) * 1e-6;
    if (ahead >= GAP_MAX) {
        double due_ms = ahead * ptime_ms;
        double off_ms = passed_ms > due_ms ? passed_ms - due_ms : due_ms - passed_ms;
        return off_ms < 0.05 * due_ms;
    }
    if (s->clock_hz == 0 && s->sdp_ptime_ms == 0) { /* ptime is a guess: ask the timestamps */
        uint32_t advance = a->timestamp - s->max_ts;
        return advance <= (2 * passed_ms + 1000) * FASTEST_CLOCK_KHZ;
    }
    return (ahead - 1) * ptime_ms <= 2 * passed_ms + 1000;
}

static unsigned ahead_packet(struct rtp_stream *s, const struct incoming *in, int ahead)
{
    if (ahead > GAP_SURE && !is_gap(s, &in->a, ahead))
        return candidate(s, in);
    s->held[0].held = false;
    unsigned verdict = adopt(s, in);
    stream_advance(s, &in->a, (uint32_t)ahead);
    return verdict | RTP_TAKEN;
}

/* ---- behind the newest ---- */

/* Timestamps of single packets are not kept. While they advanced evenly they are known all the
 * same; else the question is only whether this one can be of the same stream at all. */
static bool same_timestamp(const struct rtp_stream *s, const struct arrival *a, uint32_t ext)
{
    uint32_t back = s->max_ts - a->timestamp;
    uint32_t numbers = s->max_ext - ext;
    if (numbers == 0 || numbers <= s->max_ext - s->steady_ext)
        return back == numbers * s->ptime_ticks;
    if (s->clock_hz == 0)
        return back <= INT32_MAX;
    double age_ms = (double)(a->ns - s->first_ns) * 1e-6 + PLAUSIBLE_SLACK_MS;
    return back * s->ms_per_tick <= age_ms;
}

static unsigned seen_packet(struct rtp_stream *s, const struct incoming *in, uint32_t ext)
{
    if (same_timestamp(s, &in->a, ext)) {
        s->duplicates++;
        return RTP_DUPLICATE;
    }
    s->conflicts++;
    return candidate(s, in);
}

static unsigned late_packet(struct rtp_stream *s, const struct incoming *in, uint32_t ext)
{
    s->reordered++;
    if ((int32_t)(ext - s->base_ext) < 0) {
        if (s->segment_received >= BASE_LOWER_MAX)
            return RTP_LATE;
        assert(s->settled_ext == s->base_ext);
        s->step_lost += s->base_ext - ext - 1;
        s->base_ext = s->settled_ext = ext;
    } else {
        series_unlose(s);
    }
    runs_fill(s, ext, arrival_is_media(&in->a) && !in->a.sid);
    unsigned verdict = adopt(s, in);
    stream_count(s, &in->a, ext);
    return verdict | RTP_TAKEN | RTP_LATE;
}

static bool was_seen(const struct rtp_stream *s, uint32_t ext)
{
    return s->max_ext - ext < SEEN_BITS && (int32_t)(ext - s->base_ext) >= 0 && runs_seen(s, ext);
}

unsigned segment_packet(struct rtp_stream *s, const struct incoming *in)
{
    if (!s->open)
        return first_packets(s, in);
    int ahead = (int16_t)(in->a.sequence - (uint16_t)s->max_ext);
    uint32_t ext = s->max_ext + (uint32_t)ahead;
    if (ahead > 0)
        return ahead_packet(s, in, ahead);
    if (was_seen(s, ext))
        return seen_packet(s, in, ext);
    if (ahead >= -REORDER_MAX)
        return late_packet(s, in, ext);
    return candidate(s, in);
}
