/* Counts are copied; each buffer gets the score that its own discards lead to. */
#include "app/summarise_playout.h"

#include <assert.h>
#include <math.h>

#include "app/stream_score.h"
#include "base/burst_ratio.h"

static_assert((int)RECORD_BUFFERS == (int)PLAYOUT_BUFFERS, "a record has all buffers");
static_assert((int)RECORD_RUN_BINS == (int)BURST_RUN_BINS &&
                  (int)RECORD_SPACINGS == (int)DELAYS_SPACINGS,
              "and bins");

static void fill_buffers(const struct wstream *s, const struct rtp_playout *t,
                         struct record_playout *out)
{
    uint64_t frames = t->burst.frames;
    for (unsigned i = 0; i < PLAYOUT_BUFFERS; i++) {
        struct score score = stream_score(s, frames, t->bad[i], t->runs[i], NAN);
        out->buffers[i] = (struct record_buffer){
            .late = t->buffers[i].late,
            .early = t->buffers[i].early,
            .delay_ms = t->buffers[i].delay_ms,
            .wait_ms = t->buffers[i].wait_ms,
            .ppl = frames ? 100.0 * (double)t->bad[i] / (double)frames : NAN,
            .burst_r = burst_ratio(frames, t->bad[i], t->runs[i]),
            .r = score.r,
            .mos_lq = score.mos_lq,
        };
    }
}

static void fill_burst(const struct burst_report *t, struct record_burst *out)
{
    *out = (struct record_burst){
        .gap_min = t->gap_min,
        .bursts = t->bursts,
        .burst_density = t->burst_density,
        .gap_density = t->gap_density,
        .burst_ms = t->burst_ms,
        .gap_ms = t->gap_ms,
        .p = t->p,
        .q = t->q,
        .ratio_raw = t->ratio_raw,
        .extrapolated = t->extrapolated,
        .runs = t->runs,
        .longest_run = t->longest,
        .outages = t->outages,
        .burst_density8 = t->burst_density8,
        .gap_density8 = t->gap_density8,
        .a2_burst_density8 = t->a2.burst_density8,
        .a2_gap_density8 = t->a2.gap_density8,
        .a2_loss8 = t->a2.loss8,
        .a2_discard8 = t->a2.discard8,
        .a2_burst_ms = t->a2.burst_ms,
        .a2_gap_ms = t->a2.gap_ms,
    };
    memcpy(out->histogram, t->histogram, sizeof out->histogram);
}

static void fill_ipdv(struct arena *a, const struct delays_report *t, struct record_playout *out)
{
    unsigned used = 0;
    for (unsigned i = 0; i < DELAYS_IPDV_BINS; i++)
        used += t->ipdv[i] != 0;
    out->ipdv = arena_alloc(a, (used + 1) * sizeof *out->ipdv);
    for (unsigned i = 0; i < DELAYS_IPDV_BINS && out->ipdv; i++)
        if (t->ipdv[i])
            out->ipdv[out->ipdv_count++] =
                (struct record_ipdv){.ms = delays_ipdv_ms(i), .packets = t->ipdv[i]};
}

void summarise_playout(struct arena *a, const struct wstream *s, struct record_playout *out)
{
    struct rtp_playout t;
    if (!rtp_stream_playout(s->rtp, &t))
        return;
    out->given = true;
    fill_buffers(s, &t, out);
    fill_burst(&t.burst, &out->burst);
    out->pdv_p50_ms = t.delays.p50;
    out->pdv_p95_ms = t.delays.p95;
    out->pdv_p99_ms = t.delays.p99;
    out->pdv_max_ms = t.delays.max;
    memcpy(out->spacings, t.delays.spacings, sizeof out->spacings);
    out->max_outage_ms = t.delays.max_outage_ms;
    out->skew_ppm = t.skew_ppm;
    out->frozen = t.delays.stalls;
    out->frozen_ms = t.delays.stall_ms;
    fill_ipdv(a, &t.delays, out);
}
