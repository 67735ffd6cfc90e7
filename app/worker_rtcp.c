/* RTCP of a worker: which stream a report speaks of, and what is kept of it. A report block names the stream that its sender
 * receives: the same SSRC, running the other way. Devices in between that rewrite SSRCs of RTP alone leave reports that name
 * nothing; if one stream alone can be meant, it is, and the stream says so (`rtcp_guess`). */
#include "app/worker_internal.h"

#include <stdlib.h>

/* ---- whose it is ---- */

/* How well a stream from `src` to `dst` fits: the addresses first, then the ports (RTCP runs on the same or the next). */
static unsigned fit(const struct wstream *s, const struct endpoint *src, const struct endpoint *dst)
{
    const struct wflow *f = s->flow;
    bool addresses = addr_equal(f->src.addr, src->addr) && addr_equal(f->dst.addr, dst->addr);
    bool ports = (unsigned)(src->port - f->src.port) <= 1 && (unsigned)(dst->port - f->dst.port) <= 1;
    return addresses ? 1u + ports : 0;
}

/* A relay passes SSRCs on, so one may name a stream on each hop: the one that runs from `src` to `dst` is meant. One that runs
 * back is not. */
static struct wstream *stream_of_ssrc(struct wcall *wc, uint32_t ssrc, const struct endpoint *src, const struct endpoint *dst)
{
    struct wstream *best = NULL;
    unsigned best_fit = 0;
    for (struct wstream *s = wc->streams; s; s = s->next) {
        unsigned now = fit(s, src, dst);
        if (s->ssrc != ssrc || fit(s, dst, src) > now)
            continue;
        if (best == NULL || now > best_fit) {
            best = s;
            best_fit = now;
        }
    }
    return best;
}

/* The only stream from `src` to `dst`; NULL when there are none or several. */
static struct wstream *only_stream(struct wcall *wc, const struct endpoint *src, const struct endpoint *dst)
{
    struct wstream *found = NULL;
    unsigned best = 1;
    for (struct wstream *s = wc->streams; s; s = s->next) {
        unsigned now = fit(s, src, dst);
        if (now < best)
            continue;
        if (found && now == best)
            return NULL;
        found = s;
        best = now;
    }
    return found;
}

/* An SSRC that some stream of the call has means that stream or none; one that no stream has may be a rewritten one. */
static struct wstream *stream_meant(struct wcall *wc, uint32_t ssrc, const struct endpoint *src, const struct endpoint *dst,
                                    bool *ret_guessed)
{
    struct wstream *s = stream_of_ssrc(wc, ssrc, src, dst);
    *ret_guessed = false;
    if (s)
        return s;
    for (s = wc->streams; s; s = s->next)
        if (s->ssrc == ssrc)
            return NULL;
    s = only_stream(wc, src, dst);
    *ret_guessed = s != NULL;
    return s && s->rtcp && s->rtcp->exact ? NULL : s;
}

static struct wrtcp *rtcp_of(struct wstream *s)
{
    if (s->rtcp)
        return s->rtcp;
    struct wrtcp *r = calloc(1, sizeof *r);
    struct rtcp_tap *tap = r ? rtcp_tap_new() : NULL;
    if (tap == NULL) {
        free(r);
        return NULL;
    }
    r->tap = tap;
    s->rtcp = r;
    return r;
}

void worker_free_rtcp(struct wstream *s)
{
    if (s->rtcp)
        rtcp_tap_free(s->rtcp->tap);
    free(s->rtcp);
    s->rtcp = NULL;
}

/* ---- reports ---- */

struct rtcp_place { /* where a compound was met */
    struct worker *w;
    const struct wflow *f;
    int64_t ns;
};

static const struct rtcp_tap *opposite_of(const struct rtcp_place *at, const struct wstream *s, uint32_t ssrc)
{
    struct wcall *wc = at->f->call;
    struct wstream *back = stream_of_ssrc(wc, ssrc, &s->flow->dst, &s->flow->src);
    if (back == NULL)
        back = only_stream(wc, &s->flow->dst, &s->flow->src);
    return back && back->rtcp ? back->rtcp->tap : NULL;
}

/* It speaks of what comes the other way. */
static void report_block(const struct rtcp_place *at, const struct rtcp_packet *p, const struct rtcp_block *b)
{
    bool guessed;
    struct wstream *s = stream_meant(at->f->call, b->ssrc, &at->f->dst, &at->f->src, &guessed);
    /* Who has received nothing yet may say so of source 0. */
    bool nothing = b->ssrc == 0 && b->highest_sequence == 0;
    bool certain = s && (!guessed || (p->count == 1 && !nothing));
    struct wrtcp *r = certain ? rtcp_of(s) : NULL;
    if (r == NULL) {
        counters_add(at->w->counters, C_RTCP_ORPHANS, 1);
        if (s == NULL && b->highest_sequence && at->f->party <= CALL_CALLEE)
            at->f->call->unseen[at->f->party].blocks++;
        return;
    }
    struct rtcp_sight sight = {
        .ns = at->ns,
        .stream = s->rtp,
        .opposite = opposite_of(at, s, p->ssrc),
        .guessed = guessed,
    };
    r->exact |= !guessed;
    r->jitter_ticks = b->jitter_ticks;
    int64_t from_ns, to_ns;
    if (rtcp_tap_block(r->tap, p, b, &sight) && rtcp_tap_missed(r->tap, &from_ns, &to_ns))
        suspect_add(&r->suspect, from_ns, to_ns, 0);
}

static void report(const struct rtcp_place *at, const struct rtcp_packet *p)
{
    bool guessed;
    struct rtcp_block block;
    struct wstream *sender = p->type == RTCP_SR ? stream_meant(at->f->call, p->ssrc, &at->f->src, &at->f->dst, &guessed) : NULL;
    struct wrtcp *r = sender ? rtcp_of(sender) : NULL;
    if (r) {
        struct rtcp_sender_info info;
        r->sender_reports++;
        if (rtcp_sender_info(p, &info)) {
            r->sent_packets = info.packets;
            r->sent_octets = info.octets;
        }
        rtcp_tap_sender_report(r->tap, p, at->ns);
    }
    unsigned blocks = 0;
    for (; rtcp_block(p, blocks, &block); blocks++)
        report_block(at, p, &block);
    if (at->f->party > CALL_CALLEE)
        return;
    at->f->call->unseen[at->f->party].reports++;
    at->f->call->unseen[at->f->party].empty += blocks == 0;
}

static void description(const struct rtcp_place *at, const struct rtcp_packet *p)
{
    struct rtcp_description d;
    for (unsigned n = 0; rtcp_description(p, n, &d); n++) {
        struct wstream *s = stream_of_ssrc(at->f->call, d.ssrc, &at->f->src, &at->f->dst);
        struct wrtcp *r = s ? rtcp_of(s) : NULL;
        if (r == NULL)
            continue;
        if (d.cname.size)
            slice_copy_to(d.cname, r->cname, sizeof r->cname);
        if (d.tool.size)
            slice_copy_to(d.tool, r->tool, sizeof r->tool);
    }
}

/* A farewell names the streams that end; they run the same way. */
static void farewell(const struct rtcp_place *at, const struct rtcp_packet *p)
{
    uint32_t ssrc;
    struct slice reason = rtcp_bye_reason(p);
    for (unsigned n = 0; rtcp_leaves(p, n, &ssrc); n++) {
        struct wstream *s = stream_of_ssrc(at->f->call, ssrc, &at->f->src, &at->f->dst);
        struct wrtcp *r = s ? rtcp_of(s) : NULL;
        if (r == NULL)
            continue;
        r->bye_ns = at->ns;
        if (reason.size)
            slice_copy_to(reason, r->bye_reason, sizeof r->bye_reason);
    }
}

static void own_packet(const struct rtcp_place *at, const struct rtcp_packet *p)
{
    struct slice name;
    struct wstream *s = stream_of_ssrc(at->f->call, p->ssrc, &at->f->src, &at->f->dst);
    struct wrtcp *r = s && rtcp_app_name(p, &name) ? rtcp_of(s) : NULL;
    if (r == NULL)
        return;
    r->app_packets++;
    slice_copy_to(name, r->app_name, sizeof r->app_name);
}

/* ---- extended reports ---- */

/* The sender's own reference time, in all streams that come to it. */
static void reference_time(const struct rtcp_place *at, uint32_t receiver, uint32_t mid32)
{
    for (struct wstream *s = at->f->call->streams; s; s = s->next)
        if (fit(s, &at->f->dst, &at->f->src) && rtcp_of(s))
            rtcp_tap_reference_time(s->rtcp->tap, receiver, mid32, at->ns);
}

static void answers(const struct rtcp_place *at, uint32_t sender, const struct xr_block *b)
{
    bool guessed;
    struct xr_dlrr answer;
    struct wstream *s = stream_meant(at->f->call, sender, &at->f->src, &at->f->dst, &guessed);
    for (unsigned n = 0; s && s->rtcp && xr_dlrr(b, n, &answer); n++)
        rtcp_tap_answer(s->rtcp->tap, &answer, at->ns);
}

static void extended_block(const struct rtcp_place *at, const struct rtcp_packet *p, const struct xr_block *b)
{
    bool guessed;
    uint32_t mid32;
    if (!b->known)
        counters_add(at->w->counters,
                     C_PARSE_ERRORS + LABEL_PROTO_RTCP * LABEL_COUNT_PARSE_REASON +
                         (b->misshapen ? LABEL_PARSE_LENGTH : LABEL_PARSE_UNSUPPORTED),
                     1);
    else if (xr_reference_time(b, &mid32))
        reference_time(at, p->ssrc, mid32);
    else if (b->type == XR_DLRR)
        answers(at, p->ssrc, b);
    else {
        struct wstream *s = stream_meant(at->f->call, b->ssrc, &at->f->dst, &at->f->src, &guessed);
        if (s && rtcp_of(s))
            rtcp_tap_metrics(s->rtcp->tap, b);
    }
}

static bool extended(const struct rtcp_place *at, const struct rtcp_packet *p)
{
    struct xr_block b;
    struct xr_walk walk = xr_walk(p);
    while (xr_next(&walk, &b))
        extended_block(at, p, &b);
    return !walk.failed;
}

/* ---- compounds ---- */

/* Cells of the label set REPORT. */
static unsigned label_of(uint8_t type)
{
    switch (type) {
    case RTCP_SR:
        return 0;
    case RTCP_RR:
        return 1;
    case RTCP_XR:
        return 2;
    case RTCP_SDES:
        return 3;
    case RTCP_BYE:
        return 4;
    case RTCP_APP:
        return 5;
    case RTCP_RTPFB:
    case RTCP_PSFB:
        return 6;
    default:
        return 7;
    }
}

static bool one_packet(const struct rtcp_place *at, const struct rtcp_packet *p)
{
    counters_add(at->w->counters, C_RTCP_REPORTS + label_of(p->type), 1);
    if (p->type == RTCP_SR || p->type == RTCP_RR)
        report(at, p);
    else if (p->type == RTCP_SDES)
        description(at, p);
    else if (p->type == RTCP_BYE)
        farewell(at, p);
    else if (p->type == RTCP_APP)
        own_packet(at, p);
    else if (p->type == RTCP_XR)
        return extended(at, p);
    return true;
}

void worker_rtcp(struct worker *w, const struct wflow *f, const struct event *event)
{
    struct rtcp_place at = {.w = w, .f = f, .ns = event->time_ns};
    struct rtcp_walk walk = rtcp_walk(event->body);
    struct rtcp_packet p;
    bool sound = true;
    /* SRTCP: behind the first header all is encrypted (RFC 3711 3.4). */
    if (f->secure || rtcp_is_protected(event->body))
        return;
    while (rtcp_next(&walk, &p))
        sound &= one_packet(&at, &p);
    if (walk.failed || !sound)
        counters_add(w->counters, C_PARSE_ERRORS + LABEL_PROTO_RTCP * LABEL_COUNT_PARSE_REASON + LABEL_PARSE_LENGTH, 1);
}

void worker_rtcp_capture_lost(struct wstream *s, uint64_t frames)
{
    if (s->rtcp)
        rtcp_tap_capture_lost(s->rtcp->tap, frames);
}

void worker_end_rtcp(struct worker *w, const struct wstream *s)
{
    if (s->rtcp == NULL)
        return;
    struct rtcp_round_trips trips;
    struct rtcp_remote remote;
    rtcp_tap_round_trips(s->rtcp->tap, &trips);
    rtcp_tap_remote(s->rtcp->tap, &remote);
    if (trips.total.count)
        counters_observe(w->counters, C_RTCP_RTT, trips.total.median / 1000);
    if (!__builtin_isnan(remote.loss_ratio))
        counters_observe(w->counters, C_RTCP_LOSS, remote.loss_ratio);
}
