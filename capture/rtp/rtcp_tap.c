/* RTCP about one stream: what passes goes to round trips and to the split of loss; here is what the
 * receiver says of itself. Its jitter and fraction lost are weighted by the packets they are about:
 * a report after ten packets says less than one after five hundred. */
#include "capture/rtp/rtcp_tap_internal.h"

#include <math.h>
#include <stdlib.h>

enum { AHEAD_MAX = 32768 }; /* 16-bit differences beyond it run backwards */

#define UNDER_WAY_NS INT64_C(500000000) /* from us to the receiver and its report back */

struct rtcp_tap *rtcp_tap_new(void)
{
    struct rtcp_tap *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    trips_init(&t->trips);
    said_init(t);
    return t;
}

void rtcp_tap_free(struct rtcp_tap *t)
{
    if (t) {
        said_free(t);
        split_free(&t->split);
    }
    free(t);
}

size_t rtcp_tap_size(void)
{
    return sizeof(struct rtcp_tap);
}

/* ---- reports ---- */

/* The clock is that of the stream that is reported on, at this time. */
static double jitter_ms(const struct rtp_stream *stream, uint32_t ticks)
{
    double clock_hz = stream ? rtp_stream_clock_hz(stream) : 0;
    return clock_hz > 0 ? ticks * 1000.0 / clock_hz : NAN;
}

static void remote_interval(struct remote *r, const struct rtcp_block *b, double ms)
{
    uint32_t packets = (uint16_t)(b->highest_sequence - r->highest);
    int64_t lost = (int64_t)b->cumulative_lost - r->cumulative_lost;
    if (packets == 0 || lost > (int64_t)packets || lost < -(int64_t)packets)
        return;
    r->packets += packets;
    r->lost += (double)lost;
    r->fractions += b->fraction_lost / 256.0 * packets;
    if (!isnan(ms))
        r->jitter_ms += ms * packets;
}

static void remote_block(struct remote *r, const struct rtcp_block *b, double ms)
{
    if (r->reports)
        remote_interval(r, b, ms);
    r->reports++;
    r->highest = b->highest_sequence;
    r->cumulative_lost = b->cumulative_lost;
    r->fraction_lost = b->fraction_lost;
    r->last_jitter_ms = ms;
    if (!isnan(ms) && ms > r->max_jitter_ms)
        r->max_jitter_ms = ms;
}

/* Reports overtake each other; an old one would be counted backwards. A stream that began anew may
 * have lower numbers: then they are far away. */
static bool runs_backwards(const struct remote *r, const struct rtcp_block *b)
{
    uint16_t ahead = (uint16_t)(b->highest_sequence - r->highest);
    return r->reports && ahead >= AHEAD_MAX && (uint16_t)-ahead < 4096 &&
           b->cumulative_lost <= r->cumulative_lost;
}

bool rtcp_tap_block(struct rtcp_tap *t, const struct rtcp_packet *report,
                    const struct rtcp_block *b, const struct rtcp_sight *sight)
{
    if (runs_backwards(&t->remote, b))
        return false;
    const struct trips *opposite = sight->opposite ? &sight->opposite->trips : NULL;
    trips_block(&t->trips, report, b, sight->ns, opposite);
    if (t->remote.reports)
        split_interval(&t->split, sight->stream, b, sight->ns);
    else
        split_begin(&t->split, sight->stream, b, sight->ns);
    remote_block(&t->remote, b, jitter_ms(sight->stream, b->jitter_ticks));
    t->remote.guessed |= sight->guessed;
    return true;
}

bool rtcp_tap_missed(const struct rtcp_tap *t, int64_t *ret_from_ns, int64_t *ret_to_ns)
{
    *ret_from_ns = t->split.before_ns - UNDER_WAY_NS;
    *ret_to_ns = t->split.ns;
    return t->split.missed;
}

void rtcp_tap_sender_report(struct rtcp_tap *t, const struct rtcp_packet *sr, int64_t ns)
{
    trips_sender_report(&t->trips, sr, ns);
}

void rtcp_tap_reference_time(struct rtcp_tap *t, uint32_t receiver, uint32_t mid32, int64_t ns)
{
    trips_reference_time(&t->trips, receiver, mid32, ns);
}

void rtcp_tap_answer(struct rtcp_tap *t, const struct xr_dlrr *answer, int64_t ns)
{
    trips_answer(&t->trips, answer, ns);
}

void rtcp_tap_capture_lost(struct rtcp_tap *t, uint64_t frames)
{
    struct split *s = &t->split;
    bool unknown = frames == 0 || (s->suspect && s->drops == 0);
    s->drops = unknown ? 0 : s->drops + frames;
    s->suspect = true;
}

/* ---- figures ---- */

void rtcp_tap_round_trips(const struct rtcp_tap *t, struct rtcp_round_trips *ret_trips)
{
    trips_figures(&t->trips, ret_trips);
}

void rtcp_tap_remote(const struct rtcp_tap *t, struct rtcp_remote *ret_remote)
{
    const struct remote *r = &t->remote;
    bool many = r->packets > 0;
    *ret_remote = (struct rtcp_remote){
        .reports = r->reports,
        .loss_ratio = many ? fmax(0, r->lost / r->packets) : NAN,
        .fraction_lost = many ? r->fractions / r->packets : NAN,
        .jitter_ms = many ? r->jitter_ms / r->packets : NAN,
        .jitter_max_ms = r->max_jitter_ms,
        .cumulative_lost = r->cumulative_lost,
        .guessed = r->guessed,
    };
    if (r->reports && !many) { /* one report: it speaks of all before it */
        ret_remote->loss_ratio = ret_remote->fraction_lost = r->fraction_lost / 256.0;
        ret_remote->jitter_ms = r->last_jitter_ms;
    }
    if (r->reports == 0 || isnan(r->last_jitter_ms))
        ret_remote->jitter_ms = ret_remote->jitter_max_ms = NAN;
}

void rtcp_tap_split(const struct rtcp_tap *t, struct rtcp_split *ret_split)
{
    const struct split *s = &t->split;
    *ret_split = (struct rtcp_split){
        .packets = s->packets,
        .intervals = s->intervals,
        .skipped = s->skipped,
        .suspect = s->suspects,
        .best = s->best,
        .lower = s->lower,
        .upper = s->upper,
    };
}
