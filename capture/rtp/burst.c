/* Bursts and gaps by definition (RFC 3611 4.7.2) in streaming form, the counter machine of its
 * Appendix A.2 beside it, and the two-state model of the runs.
 *
 * Bad frames with fewer than gap_min good ones between them form a group. A group of one is an
 * isolated loss and belongs to the gap around it, a larger one is a burst from its first bad frame
 * to its last. Before the start and behind the end stand good frames without number. */
#include "capture/rtp/burst.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/burst_ratio.h"

#define OUTAGE_MS 500

unsigned burst_run_bin(uint32_t length)
{
    assert(length > 0);
    if (length < 10)
        return length - 1;
    if (length < 20)
        return 9;
    if (length < 50)
        return 10;
    return length < 100 ? 11 : 12;
}

void burst_init(struct burst *b, unsigned gap_min)
{
    memset(b, 0, sizeof *b);
    b->gap_min = gap_min == 0 || gap_min > 255 ? BURST_GAP_MIN : (uint8_t)gap_min;
    burst_packet_time(b, 20);
}

void burst_packet_time(struct burst *b, double ptime_ms)
{
    b->outage_frames = ptime_ms > 0 ? (uint32_t)floor(OUTAGE_MS / ptime_ms) : UINT32_MAX;
}

static void run_end(struct burst *b)
{
    uint32_t length = b->runs.open;
    if (length == 0)
        return;
    b->histogram[burst_run_bin(length)]++;
    b->outages += length > b->outage_frames;
    if (length > b->longest)
        b->longest = length;
    burst_runs_good(&b->runs);
}

static void group_end(struct burst *b)
{
    if (b->group_len == 0)
        return;
    if (b->group_bad >= 2) {
        b->bursts++;
        b->burst_frames += b->group_len;
        b->burst_bad += b->group_bad;
        b->gaps += b->outside > 0;
        b->outside = 0;
    } else {
        b->outside += b->group_len;
    }
    b->group_len = b->group_bad = 0;
}

void burst_good(struct burst *b, uint32_t frames)
{
    if (frames == 0)
        return;
    run_end(b);
    b->frames += frames;
    b->good_run += frames;
    b->a2.good += frames;
}

static void a2_bad(struct burst_a2 *m, uint32_t frames, bool discarded, unsigned gap_min)
{
    if (discarded)
        m->discarded += frames;
    else
        m->lost += frames;
    if (m->good >= gap_min) {
        if (m->bad == 1)
            m->c14++;
        else
            m->c13++;
        m->bad = 1;
        m->c11 += m->good;
    } else {
        m->bad++;
        if (m->good == 0) {
            m->c33++;
        } else {
            m->c23++;
            m->c22 += m->good - 1;
        }
    }
    m->good = 0;
    m->bad += frames - 1;
    m->c33 += frames - 1;
}

void burst_bad(struct burst *b, uint32_t frames, bool discarded)
{
    if (frames == 0)
        return;
    a2_bad(&b->a2, frames, discarded, b->gap_min);
    b->frames += frames;
    burst_runs_bad(&b->runs, frames);
    if (b->group_len && b->good_run < b->gap_min) {
        b->group_len += b->good_run + frames;
        b->group_bad += frames;
    } else {
        group_end(b);
        b->outside += b->good_run;
        b->group_len = b->group_bad = frames;
    }
    b->good_run = 0;
}

void burst_close(struct burst *b)
{
    run_end(b);
    group_end(b);
    b->outside += b->good_run;
    b->gaps += b->outside > 0;
    b->outside = b->good_run = 0;
}

/* ---- what it comes to ---- */

bool burst_extrapolates(uint64_t frames, uint64_t bad, double ratio)
{
    double ppl = frames ? 100.0 * (double)bad / (double)frames : 0;
    return ppl > 20 || (ratio > 2 && ppl >= 2);
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

static uint8_t octet(double x)
{
    return x > 0 ? (uint8_t)fmin(255, floor(x)) : 0;
}

static struct burst_a2_report a2_result(const struct burst_a2 *m, double ptime_ms)
{
    double c11 = m->c11, c13 = m->c13, c14 = m->c14, c22 = m->c22, c23 = m->c23, c33 = m->c33;
    double total = c11 + c14 + c13 + c22 + c23 + c13 + c23 + c33;
    double left = c13 + c23 + c33;
    double p32 = left > 0 ? c23 / left : 0;
    double p23 = c22 + c23 > 0 ? 1 - c22 / (c22 + c23) : 1;
    struct burst_a2_report r = {
        .burst_density8 = octet(p23 + p32 > 0 ? 256 * p23 / (p23 + p32) : 0),
        .gap_density8 = octet(c11 + c14 > 0 ? 256 * c14 / (c11 + c14) : 0),
        .loss8 = octet(total > 0 ? 256.0 * m->lost / total : 0),
        .discard8 = octet(total > 0 ? 256.0 * m->discarded / total : 0),
    };
    if (c13 > 0) { /* else the machine divides by nothing: it knows no lengths */
        r.gap_ms = (c11 + c14 + c13) * ptime_ms / c13;
        r.burst_ms = total * ptime_ms / c13 - r.gap_ms;
    }
    return r;
}

static void gilbert(const struct burst *b, struct burst_report *r)
{
    uint64_t bad = b->runs.bad, runs = b->runs.runs, good = b->frames - bad;
    r->p = bad == 0 ? 0 : good ? (double)runs / (double)good : 1;
    r->q = bad == 0 ? 1 : (double)runs / (double)bad;
    r->ratio_raw = burst_ratio_unheld(b->frames, bad, runs);
    r->ratio = burst_ratio(b->frames, bad, runs);
    r->extrapolated = burst_extrapolates(b->frames, bad, r->ratio);
}

void burst_result(const struct burst *b, double ptime_ms, struct burst_report *ret_report)
{
    struct burst c = *b;
    burst_close(&c);
    uint64_t gap_frames = c.frames - c.burst_frames;
    struct burst_report r = {
        .frames = c.frames,
        .bad = c.runs.bad,
        .runs = c.runs.runs,
        .bursts = c.bursts,
        .gaps = c.gaps,
        .burst_density = share(c.burst_bad, c.burst_frames),
        .gap_density = share(c.runs.bad - c.burst_bad, gap_frames),
        .burst_ms = share(c.burst_frames, c.bursts) * ptime_ms,
        .gap_ms = share(gap_frames, c.gaps) * ptime_ms,
        .longest = c.longest,
        .outages = c.outages,
        .gap_min = c.gap_min,
        .a2 = a2_result(&c.a2, ptime_ms),
    };
    r.burst_density8 = octet(256 * r.burst_density);
    r.gap_density8 = octet(256 * r.gap_density);
    memcpy(r.histogram, c.histogram, sizeof r.histogram);
    gilbert(&c, &r);
    *ret_report = r;
}
