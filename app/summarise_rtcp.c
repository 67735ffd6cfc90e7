/* RTCP in the record. The tap knows of each stream the way to its receiver; the way to its sender
 * is the way to the receiver of the stream that runs back, or comes from answered reference times.
 */
#include "app/summarise_rtcp.h"

#include <math.h>
#include <string.h>

#include "app/stream_find.h"
#include "app/stream_score.h"

static struct record_spread spread(const struct rtcp_spread *v)
{
    return (struct record_spread){
        .min = v->min, .median = v->median, .max = v->max, .count = v->count};
}

static const char *plc_text(unsigned plc)
{
    static const char *const texts[] = {NULL, "disabled", "enhanced", "standard"};
    return texts[plc & 3];
}

static const char *buffer_text(unsigned buffer)
{
    static const char *const texts[] = {NULL, NULL, "fixed", "adaptive"};
    return texts[buffer & 3];
}

static void fill_voip(uint32_t reports, const struct xr_voip *v, struct record_voip *out)
{
    if (reports == 0)
        return;
    *out = (struct record_voip){
        .reports = reports,
        .loss_ratio = v->loss_ratio,
        .discard_ratio = v->discard_ratio,
        .burst_density = v->burst_density,
        .gap_density = v->gap_density,
        .burst_ms = v->burst_ms,
        .gap_ms = v->gap_ms,
        .round_trip_ms = v->round_trip_ms,
        .end_system_ms = v->end_system_ms,
        .signal_dbm0 = v->signal_dbm0,
        .noise_dbm0 = v->noise_dbm0,
        .rerl_db = v->rerl_db,
        .gmin = v->gmin,
        .r = v->r,
        .r_external = v->r_external,
        .mos_lq = v->mos_lq,
        .mos_cq = v->mos_cq,
        .plc = plc_text(v->plc),
        .buffer = buffer_text(v->buffer),
        .buffer_rate = v->buffer_rate,
        .buffer_nominal_ms = v->buffer_nominal_ms,
        .buffer_max_ms = v->buffer_max_ms,
        .buffer_limit_ms = v->buffer_limit_ms,
    };
}

static void fill_blocks(struct arena *a, const struct rtcp_tap *tap, struct record_rtcp *out)
{
    const struct rtcp_xr_seen *first = rtcp_tap_blocks(tap), *s;
    uint32_t count = 0;
    for (s = first; s; s = s->next)
        count++;
    out->xr_blocks = count ? arena_alloc(a, count * sizeof *out->xr_blocks) : NULL;
    if (out->xr_blocks == NULL)
        return;
    for (s = first; s; s = s->next) {
        struct record_xr_block *b = &out->xr_blocks[out->xr_block_count++];
        b->type = s->last.type;
        b->kind = s->last.kind;
        b->span = s->last.span;
        b->reports = s->reports;
        memcpy(b->values, s->last.values, sizeof b->values);
    }
}

static void fill_extended(struct arena *a, const struct rtcp_tap *tap, struct record_rtcp *out)
{
    struct rtcp_extended e;
    rtcp_tap_extended(tap, &e);
    fill_voip(e.reports, &e.voip, &out->voip);
    out->xr_discarded = e.discarded;
    out->xr_mos = e.mos;
    out->xr_network_rtt_ms = e.network_rtt_ms;
    out->xr_concealed_ms = e.concealed_ms;
    fill_blocks(a, tap, out);
}

static void fill_remote(const struct wrtcp *r, double clock_hz, struct record_rtcp *out)
{
    struct rtcp_remote remote;
    rtcp_tap_remote(r->tap, &remote);
    out->receiver_reports = remote.reports;
    if (remote.reports == 0)
        return;
    out->has_cumulative_lost = true;
    out->cumulative_lost = remote.cumulative_lost;
    out->loss_ratio = remote.loss_ratio;
    out->fraction_lost = remote.fraction_lost;
    out->jitter_mean_ms = remote.jitter_ms;
    out->jitter_max_ms = remote.jitter_max_ms;
    out->guessed = remote.guessed;
    if (clock_hz > 0)
        out->jitter_ms = r->jitter_ticks * 1000.0 / clock_hz;
}

/* ---- where it was lost ---- */

static struct record_places places(const struct rtcp_places *v)
{
    return (struct record_places){v->before_tap, v->after_tap, v->capture};
}

static void fill_split(const struct rtcp_tap *tap, struct record_split *out)
{
    struct rtcp_split s;
    rtcp_tap_split(tap, &s);
    if (s.intervals == 0)
        return;
    *out = (struct record_split){
        .given = true,
        .packets = s.packets,
        .intervals = s.intervals,
        .skipped = s.skipped,
        .suspect = s.suspect,
        .best = places(&s.best),
        .lower = places(&s.lower),
        .upper = places(&s.upper),
    };
}

/* Both losses are independent: what came past the tap is lost behind it with that chance. How it
 * was bunched there nobody tells; it counts as single losses. */
static void fill_total(const struct stream_stats *m, struct record_stream *out)
{
    const struct record_split *v = &out->split;
    uint64_t passed = v->packets - (uint64_t)v->best.before_tap;
    if (!v->given || v->packets == 0 || passed == 0 || m->all.media_expected == 0)
        return;
    const struct rtp_stats *t = &m->network;
    double behind = (double)v->best.after_tap / (double)passed;
    struct stream_heard heard = stream_heard(m->stream, t);
    uint64_t more = (uint64_t)llround(behind * (double)(heard.expected - heard.bad));
    struct score score = stream_score(m->stream, heard.expected, heard.bad + more, heard.runs + more, NAN);
    out->quality.mos_lq_total = score.mos_lq;
}

/* No receiver reports, but our capture admits to have missed frames. */
static void fill_own(const struct wstream *s, const struct rtp_stats *t, struct record_split *out)
{
    struct suspect_sums sums = suspect_sums(stream_suspect(s), s->rtp);
    if (sums.windows == 0 || out->given)
        return;
    int64_t lost = (int64_t)t->lost, ours = lost < (int64_t)sums.most ? lost : (int64_t)sums.most;
    *out = (struct record_split){
        .given = true,
        .packets = t->expected,
        .suspect = sums.windows,
        .best = {.before_tap = lost - ours, .after_tap = -1, .capture = ours},
        .lower = {.before_tap = lost - ours, .after_tap = -1},
        .upper = {.before_tap = lost, .after_tap = -1, .capture = ours},
    };
}

static void fill_sender(struct arena *a, const struct wrtcp *r, struct record_rtcp *out)
{
    out->sender_reports = r->sender_reports;
    if (r->sender_reports) {
        out->sent_packets = r->sent_packets;
        out->sent_octets = r->sent_octets;
    }
    out->cname = arena_copy(a, slice_str(r->cname));
    out->tool = arena_copy(a, slice_str(r->tool));
    out->bye_us = r->bye_ns / 1000;
    out->bye_reason = arena_copy(a, slice_str(r->bye_reason));
    out->app_packets = r->app_packets;
    out->app_name = arena_copy(a, slice_str(r->app_name));
}

static void fill_reports(struct arena *a, const struct stream_stats *m, struct record_stream *out)
{
    const struct wrtcp *r = m->stream->rtcp;
    fill_sender(a, r, &out->rtcp);
    fill_remote(r, m->all.clock_hz, &out->rtcp);
    fill_extended(a, r->tap, &out->rtcp);
    fill_split(r->tap, &out->split);
    fill_total(m, out);
}

void summarise_rtcp(struct arena *a, const struct stream_stats *m, struct record_stream *out)
{
    if (m->stream->rtcp)
        fill_reports(a, m, out);
    fill_own(m->stream, &m->all, &out->split);
}

/* ---- round trips ---- */

static void fill_trips(const struct wcall *wc, const struct wstream *s, struct record_stream *out)
{
    struct rtcp_round_trips own, other;
    const struct wstream *back = stream_back(wc, s);
    rtcp_tap_round_trips(s->rtcp->tap, &own);
    if (back)
        rtcp_tap_round_trips(back->rtcp->tap, &other);
    bool learned = back && other.receiver.count;
    struct record_spread to_sender = spread(learned ? &other.receiver : &own.sender);
    struct record_spread to_receiver = spread(&own.receiver);
    if (to_receiver.count == 0 && back && other.sender.count)
        to_receiver = spread(&other.sender);
    /* Where the party is not known, who sends counts as the caller. */
    bool callee_sends = s->flow->party == CALL_CALLEE;
    out->rtcp.tap_caller = callee_sends ? to_receiver : to_sender;
    out->rtcp.tap_callee = callee_sends ? to_sender : to_receiver;
    if (own.total.count == 0 && back)
        own.total = other.total;
    out->rtcp.total = spread(&own.total);
    out->rtcp.chain = spread(&own.chain);
    out->rtcp.dlsr_broken = own.dlsr_broken;
    out->rtcp.rtt_conflict = own.conflict;
    out->rtcp.rtt_ms = own.total.count ? own.total.median : own.chain.median;
}

void summarise_round_trips(struct call_record *r, const struct wcall *wc)
{
    for (uint32_t i = 0; i < r->stream_count; i++) {
        const struct wstream *s = stream_of(wc, r->streams[i].sid);
        if (s && s->rtcp)
            fill_trips(wc, s, &r->streams[i]);
    }
}
