/* The columns of one stream over time, for charts. Asked for wider steps than stored, counts are
 * added up, gaps take the largest value and jitter the mean of the steps that had one. */
#include <math.h>
#include <stdlib.h>

#include "api/handlers.h"
#include "api/record_json.h"

#define STEP_MAX_MS 3600000

static void fold_counts(uint32_t *v, uint32_t count, uint32_t factor)
{
    for (uint32_t i = 0; v && i < count; i++) {
        uint32_t sum = v[i];
        if (i % factor != 0)
            sum += v[i / factor];
        v[i / factor] = sum;
    }
}

static void fold_largest(float *v, uint32_t count, uint32_t factor)
{
    for (uint32_t i = 0; v && i < count; i++)
        v[i / factor] = i % factor == 0 ? v[i] : fmaxf(v[i / factor], v[i]);
}

static void fold_mean(float *v, uint32_t count, uint32_t factor)
{
    double sum = 0;
    uint32_t known = 0;

    for (uint32_t i = 0; v && i < count; i++) {
        if (i % factor == 0) {
            sum = 0;
            known = 0;
        }
        if (!isnan(v[i])) {
            sum += (double)v[i];
            known++;
        }
        v[i / factor] = known ? (float)(sum / known) : NAN;
    }
}

/* In place: the columns only become shorter. */
static void fold(struct record_series *t, uint32_t factor)
{
    fold_counts(t->packets, t->step_count, factor);
    fold_counts(t->lost, t->step_count, factor);
    fold_counts(t->discarded, t->step_count, factor);
    fold_largest(t->max_gap_ms, t->step_count, factor);
    fold_mean(t->jitter_ms, t->step_count, factor);
    t->step_count = (t->step_count + factor - 1) / factor;
    t->step_ms *= factor;
}

static struct record_stream *find_stream(struct call_record *r, const char *sid_text)
{
    uint32_t sid;

    if (!slice_to_u32(slice_str(sid_text), &sid))
        return NULL;
    for (uint32_t i = 0; i < r->stream_count; i++)
        if (r->streams[i].sid == sid)
            return &r->streams[i];
    return NULL;
}

void handle_series(struct exchange *x)
{
    uint32_t step_ms;
    struct json j;
    struct call_record *r;

    if (!exchange_number(x, "step_ms", 0, STEP_MAX_MS, &step_ms) || (r = exchange_call(x)) == NULL)
        return;
    struct record_stream *s = find_stream(r, x->rq->path_value[1]);
    if (s == NULL) {
        exchange_store_problem(x, ERR_NOT_FOUND, "stream");
    } else if (step_ms && s->series.step_ms && step_ms % s->series.step_ms != 0) {
        problem(x->rs, x->rq, 400, "invalid_value", "step_ms",
                "`step_ms` is a multiple of the stored step, %u ms.", s->series.step_ms);
    } else {
        if (step_ms && s->series.step_ms)
            fold(&s->series, step_ms / s->series.step_ms);
        json_init(&j, &x->rs->body);
        record_json_series(&j, s);
        exchange_json_done(x);
        exchange_etag(x);
    }
    record_free(r);
}
