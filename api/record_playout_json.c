/* Jitter buffers, bursts and delays as JSON. What was not simulated is null. */
#include "api/record_playout_json.h"

#include <math.h>

#include "api/json_fields.h"

#define MS_DECIMALS    3
#define SCORE_DECIMALS 3
#define SHARE_DECIMALS 6

static void buffer_json(struct json *j, const char *name, const struct record_buffer *b)
{
    json_key(j, name);
    json_object(j);
    kv_uint(j, "late", b->late);
    kv_uint(j, "early", b->early);
    json_kv_double(j, "mean_delay_ms", b->delay_ms, MS_DECIMALS);
    json_kv_double(j, "mean_wait_ms", b->wait_ms, MS_DECIMALS);
    json_kv_double(j, "ppl", b->ppl, SCORE_DECIMALS);
    json_kv_double(j, "burst_r", b->burst_r, SCORE_DECIMALS);
    json_kv_double(j, "r", b->r, SCORE_DECIMALS);
    json_kv_double(j, "mos_lq", b->mos_lq, SCORE_DECIMALS);
    json_end(j);
}

static void buffers_json(struct json *j, const struct record_playout *v)
{
    json_key(j, "playout");
    json_object(j);
    buffer_json(j, "f50", &v->buffers[0]);
    buffer_json(j, "f200", &v->buffers[1]);
    buffer_json(j, "ad", &v->buffers[2]);
    json_end(j);
}

static void rfc3611_json(struct json *j, const struct record_burst *b)
{
    json_key(j, "rfc3611");
    json_object(j);
    kv_uint(j, "burst_density", b->burst_density8);
    kv_uint(j, "gap_density", b->gap_density8);
    json_key(j, "a2");
    json_object(j);
    kv_uint(j, "burst_density", b->a2_burst_density8);
    kv_uint(j, "gap_density", b->a2_gap_density8);
    kv_uint(j, "loss_rate", b->a2_loss8);
    kv_uint(j, "discard_rate", b->a2_discard8);
    json_kv_double(j, "burst_ms", b->a2_burst_ms, MS_DECIMALS);
    json_kv_double(j, "gap_ms", b->a2_gap_ms, MS_DECIMALS);
    json_end(j);
    json_end(j);
}

static void burst_json(struct json *j, const struct record_burst *b)
{
    json_key(j, "burst");
    json_object(j);
    kv_uint(j, "gap_min", b->gap_min);
    kv_uint(j, "bursts", b->bursts);
    json_kv_double(j, "density", b->burst_density, SHARE_DECIMALS);
    json_kv_double(j, "mean_ms", b->burst_ms, MS_DECIMALS);
    json_kv_double(j, "gap_density", b->gap_density, SHARE_DECIMALS);
    json_kv_double(j, "gap_mean_ms", b->gap_ms, MS_DECIMALS);
    json_kv_double(j, "p", b->p, SHARE_DECIMALS);
    json_kv_double(j, "q", b->q, SHARE_DECIMALS);
    json_kv_double(j, "burst_r_raw", b->ratio_raw, SCORE_DECIMALS);
    json_kv_bool(j, "extrapolated", b->extrapolated);
    kv_uint(j, "runs", b->runs);
    kv_uint(j, "longest_run", b->longest_run);
    kv_uint(j, "outages", b->outages);
    json_key(j, "run_histogram");
    json_array(j);
    for (unsigned i = 0; i < RECORD_RUN_BINS; i++)
        json_int(j, b->histogram[i]);
    json_end(j);
    rfc3611_json(j, b);
    json_end(j);
}

static void delays_json(struct json *j, const struct record_playout *v)
{
    static const char *const longer[RECORD_SPACINGS] = {"over_50", "over_100", "over_200",
                                                        "over_500"};
    json_key(j, "pdv_ms");
    json_object(j);
    json_kv_double(j, "p50", v->pdv_p50_ms, MS_DECIMALS);
    json_kv_double(j, "p95", v->pdv_p95_ms, MS_DECIMALS);
    json_kv_double(j, "p99", v->pdv_p99_ms, MS_DECIMALS);
    json_kv_double(j, "max", v->pdv_max_ms, MS_DECIMALS);
    json_end(j);
    json_key(j, "ipdv");
    json_object(j);
    json_key(j, "ms");
    json_array(j);
    for (uint32_t i = 0; i < v->ipdv_count; i++)
        json_int(j, v->ipdv[i].ms);
    json_end(j);
    json_key(j, "packets");
    json_array(j);
    for (uint32_t i = 0; i < v->ipdv_count; i++)
        json_int(j, v->ipdv[i].packets);
    json_end(j);
    json_end(j);
    json_key(j, "deltas");
    json_object(j);
    for (unsigned i = 0; i < RECORD_SPACINGS; i++)
        kv_uint(j, longer[i], v->spacings[i]);
    json_end(j);
    json_kv_double(j, "max_outage_ms", v->max_outage_ms, MS_DECIMALS);
    json_kv_double(j, "skew_ppm", v->skew_ppm, 1);
    kv_uint(j, "ts_frozen", v->frozen);
    json_kv_double(j, "ts_frozen_ms", v->frozen_ms, MS_DECIMALS);
}

static void nothing_json(struct json *j)
{
    static const char *const keys[] = {"playout",  "burst",     "pdv_ms",
                                       "ipdv",     "deltas",    "max_outage_ms",
                                       "skew_ppm", "ts_frozen", "ts_frozen_ms"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_kv_null(j, keys[i]);
}

void record_playout_json(struct json *j, const struct record_playout *v)
{
    json_kv_double(j, "mos_f50", v->buffers[0].mos_lq, SCORE_DECIMALS);
    json_kv_double(j, "mos_f200", v->buffers[1].mos_lq, SCORE_DECIMALS);
    if (!v->given) {
        nothing_json(j);
        return;
    }
    buffers_json(j, v);
    burst_json(j, &v->burst);
    delays_json(j, v);
}
