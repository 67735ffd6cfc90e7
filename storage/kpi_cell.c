/* Cells and loads: adding, merging, packing, figures. All of it is sums of integers, so that the
 * order of adding and merging never shows. */
#include <assert.h>
#include <math.h>

#include "storage/kpi.h"

static_assert(KPI_COUNT_COUNT <= 64, "a sample holds its counts in one word");

#define STEP_US   100 /* of a bucket, where they are finest */
#define LINEAR    16
#define MINUTE_US INT64_C(60000000)
#define SECOND_US INT64_C(1000000)

/* ---- buckets: what histograms and scores are made of ---- */

static void buckets_add(uint32_t *into, const uint32_t *from, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++)
        into[i] += from[i];
}

/* The one with the value that this share of all is not above; `size`: there is none. */
static uint32_t buckets_find(const uint32_t *of, uint32_t size, uint64_t count, double share)
{
    uint64_t rank = (uint64_t)ceil(share * (double)count), below = 0;
    for (uint32_t i = 0; i < size; i++) {
        below += of[i];
        if (below && below >= rank)
            return i;
    }
    return size;
}

static void buckets_write(struct pack *p, uint32_t *of, uint32_t size, bool gaps)
{
    uint32_t before = 0;
    for (uint32_t i = 0; i < size; i++) {
        if (of[i] == 0)
            continue;
        uint32_t at = i - before;
        pack_u32(p, &at);
        pack_u32(p, &of[i]);
        before = gaps ? i : 0;
    }
}

/* Those that are not empty, each with its place: by the `gaps` to the one before, or from the first. */
static void buckets_pack(struct pack *p, uint32_t *of, uint32_t size, bool gaps)
{
    uint32_t used = 0, before = 0;
    for (uint32_t i = 0; i < size; i++)
        used += of[i] != 0;
    pack_u32(p, &used);
    if (p->out) {
        buckets_write(p, of, size, gaps);
        return;
    }
    p->failed |= used > size;
    for (uint32_t i = 0; i < used && !p->failed; i++) {
        uint32_t at = 0, count = 0;
        pack_u32(p, &at);
        pack_u32(p, &count);
        p->failed |= at >= size - before;
        if (p->failed)
            return;
        of[before + at] = count;
        before = gaps ? before + at : 0;
    }
}

/* ---- histograms ---- */

static unsigned bucket_of(int64_t us)
{
    uint64_t steps = us > 0 ? (uint64_t)us / STEP_US : 0;
    if (steps > UINT32_MAX)
        steps = UINT32_MAX;
    if (steps < LINEAR)
        return (unsigned)steps;
    unsigned octave = 63 - (unsigned)__builtin_clzll(steps) - 4;
    return LINEAR + octave * LINEAR + (unsigned)(steps >> octave & (LINEAR - 1));
}

static int64_t bucket_middle_us(unsigned bucket)
{
    unsigned octave = bucket < LINEAR ? 0 : bucket / LINEAR - 1;
    int64_t low = bucket < LINEAR ? bucket : LINEAR + bucket % LINEAR;
    return (low << octave) * STEP_US + ((int64_t)STEP_US << octave) / 2;
}

static void observe(struct kpi_histogram *h, int64_t us)
{
    if (us < 0)
        return;
    if (h->count == 0 || us < h->min_us)
        h->min_us = us;
    if (us > h->max_us)
        h->max_us = us;
    h->count++;
    h->sum_us += us;
    h->buckets[bucket_of(us)]++;
}

static void histogram_merge(struct kpi_histogram *into, const struct kpi_histogram *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->min_us < into->min_us)
        into->min_us = from->min_us;
    if (from->max_us > into->max_us)
        into->max_us = from->max_us;
    into->count += from->count;
    into->sum_us += from->sum_us;
    buckets_add(into->buckets, from->buckets, KPI_BUCKETS);
}

double kpi_mean_ms(const struct kpi_histogram *h)
{
    return h->count ? (double)h->sum_us / (double)h->count / 1000 : NAN;
}

double kpi_quantile_ms(const struct kpi_histogram *h, double q)
{
    if (h->count == 0)
        return NAN;
    uint32_t i = buckets_find(h->buckets, KPI_BUCKETS, h->count, q);
    int64_t us = i < KPI_BUCKETS ? bucket_middle_us(i) : h->max_us;
    us = us < h->min_us ? h->min_us : us > h->max_us ? h->max_us : us;
    return (double)us / 1000;
}

/* ---- tallies ---- */

static void tally_add(struct kpi_tally *t, uint16_t key, uint64_t count)
{
    unsigned at = 0;
    while (at < t->used && t->key[at] < key)
        at++;
    if (at == t->used || t->key[at] != key) {
        if (t->used == KPI_CODES_MAX) {
            t->other += count;
            return;
        }
        memmove(&t->key[at + 1], &t->key[at], (t->used - at) * sizeof t->key[0]);
        memmove(&t->count[at + 1], &t->count[at], (t->used - at) * sizeof t->count[0]);
        t->key[at] = key;
        t->count[at] = 0;
        t->used++;
    }
    t->count[at] += count;
}

static void tally_merge(struct kpi_tally *into, const struct kpi_tally *from)
{
    for (unsigned i = 0; i < from->used; i++)
        tally_add(into, from->key[i], from->count[i]);
    into->other += from->other;
}

/* ---- scores ---- */

#define MOS_LEAST_MILLI 1000
#define MOS_STEP_MILLI  50

static void score_add(struct kpi_scores *s, uint16_t milli)
{
    unsigned step = (unsigned)(milli - MOS_LEAST_MILLI + MOS_STEP_MILLI / 2) / MOS_STEP_MILLI;
    s->count++;
    s->sum_milli += milli;
    s->steps[step < KPI_MOS_STEPS ? step : KPI_MOS_STEPS - 1]++;
}

static void scores_merge(struct kpi_scores *into, const struct kpi_scores *from)
{
    into->count += from->count;
    into->sum_milli += from->sum_milli;
    buckets_add(into->steps, from->steps, KPI_MOS_STEPS);
}

double kpi_mos_mean(const struct kpi_scores *s)
{
    return s->count ? (double)s->sum_milli / (double)s->count / 1000 : NAN;
}

double kpi_mos_quantile(const struct kpi_scores *s, double q)
{
    uint32_t i = buckets_find(s->steps, KPI_MOS_STEPS, s->count, q);
    return i < KPI_MOS_STEPS ? (double)(MOS_LEAST_MILLI + i * MOS_STEP_MILLI) / 1000 : NAN;
}

/* ---- cells ---- */

void kpi_cell_clear(struct kpi_cell *cell)
{
    memset(cell, 0, sizeof *cell);
}

void kpi_add(struct kpi_cell *cell, const struct kpi_sample *sample)
{
    for (unsigned i = 0; i < KPI_COUNT_COUNT; i++)
        cell->counts[i] += sample->counts >> i & 1;
    cell->packets_expected += sample->packets_expected;
    cell->packets_lost += sample->packets_lost;
    if (sample->mos_milli)
        score_add(&cell->scores[sample->scale], sample->mos_milli);
    if (sample->standing != KPI_IS_ATTEMPT)
        return;
    for (unsigned i = 0; i < KPI_DELAY_COUNT; i++)
        observe(&cell->delays[i], sample->delay_us[i]);
    tally_add(&cell->codes, sample->code, 1);
    if (sample->cause)
        tally_add(&cell->causes, sample->cause, 1);
}

void kpi_add_registration(struct kpi_cell *cell, bool success, unsigned code, double rrd_ms)
{
    if (!success && (code == 401 || code == 402 || code == 407 || code == 423)) {
        cell->counts[KPI_REGISTRATIONS_CHALLENGED]++;
        return;
    }
    cell->counts[KPI_REGISTRATIONS]++;
    if (success)
        observe(&cell->delays[KPI_DELAY_RRD], isnan(rrd_ms) ? -1 : llround(rrd_ms * 1000));
    else if (code == 0 || code >= 400)
        cell->counts[KPI_REGISTRATIONS_FAILED]++;
}

void kpi_merge(struct kpi_cell *into, const struct kpi_cell *from)
{
    for (unsigned i = 0; i < KPI_COUNT_COUNT; i++)
        into->counts[i] += from->counts[i];
    for (unsigned i = 0; i < KPI_DELAY_COUNT; i++)
        histogram_merge(&into->delays[i], &from->delays[i]);
    tally_merge(&into->codes, &from->codes);
    tally_merge(&into->causes, &from->causes);
    into->packets_expected += from->packets_expected;
    into->packets_lost += from->packets_lost;
    for (unsigned i = 0; i < KPI_SCALES; i++)
        scores_merge(&into->scores[i], &from->scores[i]);
}

/* ---- figures ---- */

void kpi_ratios(const struct kpi_cell *cell, struct kpi_ratio ret_ratios[KPI_RATIOS])
{
    const uint64_t *c = cell->counts;
    uint64_t attempts = c[KPI_ATTEMPTS], not_3xx = attempts - c[KPI_ENDED_3XX];
    const struct kpi_ratio ratios[KPI_RATIOS] = {
        {"asr", c[KPI_ANSWERED], attempts},
        {"ner", c[KPI_EFFECTIVE], attempts},
        {"ser", c[KPI_ANSWERED], not_3xx},
        {"seer", c[KPI_USER_EFFECTIVE], not_3xx},
        {"isa", c[KPI_INEFFECTIVE], attempts},
        {"scr", c[KPI_COMPLETED], attempts},
        {"ira", c[KPI_REGISTRATIONS_FAILED], c[KPI_REGISTRATIONS]},
        {"abandon_ratio", c[KPI_CANCELLED], attempts},
        {"short_3s_ratio", c[KPI_SHORT_3S], c[KPI_TALKED]},
        {"short_5s_ratio", c[KPI_SHORT_5S], c[KPI_TALKED]},
        {"short_10s_ratio", c[KPI_SHORT_10S], c[KPI_TALKED]},
        {"ring_ratio", c[KPI_RANG], attempts},
        {"loss_ratio", cell->packets_lost, cell->packets_expected},
    };
    memcpy(ret_ratios, ratios, sizeof ratios);
}

double kpi_ratio_value(const struct kpi_ratio *ratio)
{
    return ratio->denominator ? (double)ratio->numerator / (double)ratio->denominator : NAN;
}

/* ---- bytes ---- */

/* Lists carry their length, so that a row of an older version reads as far as it goes. */
static uint32_t list_begin(struct pack *p, uint32_t ours)
{
    uint32_t count = ours;
    pack_count(p, &count);
    if (count > ours)
        p->failed = true;
    return p->failed ? 0 : count;
}

static void histogram_pack(struct pack *p, struct kpi_histogram *h)
{
    pack_u64(p, &h->count);
    if (h->count == 0)
        return;
    pack_i64(p, &h->sum_us);
    pack_i64(p, &h->min_us);
    pack_i64(p, &h->max_us);
    buckets_pack(p, h->buckets, KPI_BUCKETS, true);
}

static void tally_pack(struct pack *p, struct kpi_tally *t)
{
    uint32_t used = t->used;
    pack_u32(p, &used);
    for (uint32_t i = 0; i < used && !p->failed; i++) {
        uint16_t key = p->out ? t->key[i] : 0;
        uint64_t count = p->out ? t->count[i] : 0;
        if (pack_at_end(p))
            p->failed = true;
        pack_u16(p, &key);
        pack_u64(p, &count);
        if (p->out == NULL && !p->failed)
            tally_add(t, key, count);
    }
    pack_u64(p, &t->other);
}

static void scores_pack(struct pack *p, struct kpi_scores *s)
{
    pack_u64(p, &s->count);
    if (s->count == 0)
        return;
    pack_u64(p, &s->sum_milli);
    buckets_pack(p, s->steps, KPI_MOS_STEPS, false);
}

/* Rows of versions before have none of it. */
static void quality_pack(struct pack *p, struct kpi_cell *cell)
{
    pack_u64(p, &cell->packets_expected);
    pack_u64(p, &cell->packets_lost);
    for (unsigned i = 0; i < KPI_SCALES && !p->failed; i++)
        scores_pack(p, &cell->scores[i]);
}

void kpi_cell_pack(struct pack *p, struct kpi_cell *cell)
{
    uint32_t count = list_begin(p, KPI_COUNT_COUNT);
    for (uint32_t i = 0; i < count; i++)
        pack_u64(p, &cell->counts[i]);
    count = list_begin(p, KPI_DELAY_COUNT);
    for (uint32_t i = 0; i < count && !p->failed; i++)
        histogram_pack(p, &cell->delays[i]);
    tally_pack(p, &cell->codes);
    tally_pack(p, &cell->causes);
    quality_pack(p, cell);
}

/* ---- load ---- */

void kpi_load_add(struct kpi_load *load, int64_t minute_us, const struct kpi_sample *sample)
{
    int64_t first = sample->start_us - minute_us, last = sample->end_us - minute_us;
    if (first >= MINUTE_US || last < 0)
        return;
    if (first >= 0 && sample->standing != KPI_IS_PARTIAL)
        load->started[first / SECOND_US]++;
    unsigned from = first < 0 ? 0 : (unsigned)(first / SECOND_US);
    unsigned to = last >= MINUTE_US ? 59 : (unsigned)(last / SECOND_US);
    for (unsigned i = from; i <= to; i++)
        load->active[i]++;
}

void kpi_load_merge(struct kpi_load *into, const struct kpi_load *from)
{
    for (unsigned i = 0; i < 60; i++) {
        into->active[i] += from->active[i];
        into->started[i] += from->started[i];
    }
}

static uint32_t most(const uint32_t seconds[60])
{
    uint32_t most = 0;
    for (unsigned i = 0; i < 60; i++)
        most = seconds[i] > most ? seconds[i] : most;
    return most;
}

uint32_t kpi_load_concurrent(const struct kpi_load *load)
{
    return most(load->active);
}

uint32_t kpi_load_started(const struct kpi_load *load)
{
    return most(load->started);
}

void kpi_load_pack(struct pack *p, struct kpi_load *load)
{
    for (unsigned i = 0; i < 60; i++) {
        pack_u32(p, &load->active[i]);
        pack_u32(p, &load->started[i]);
    }
}
