/* record_json.c says how JSON is written here. */
#include "api/record_reports_json.h"

#include <math.h>
#include <stdio.h>

#include "api/json_fields.h"

static void figures(struct json *j, const struct record_report *v)
{
    static const struct {
        const char *key;
        int decimals;
    } KEYS[] = {
#define X(name, key, decimals) {key, decimals},
        RECORD_REPORT_FIGURES(X)
#undef X
    };
    for (unsigned i = 0; i < RECORD_REPORT_FIGURE_COUNT; i++)
        json_kv_double(j, KEYS[i].key, v->reported[i], KEYS[i].decimals);
}

static void stream_of(struct json *j, const struct record_report *v)
{
    char ssrc[16];
    snprintf(ssrc, sizeof ssrc, "0x%08x", v->ssrc);
    kv_positive(j, "sid", v->sid);
    json_kv_str(j, "match", v->match);
    json_kv_str(j, "reported_ssrc", v->has_ssrc ? ssrc : NULL);
    kv_endpoint(j, "reported_src", &v->src);
    kv_endpoint(j, "reported_dst", &v->dst);
    kv_known(j, "reported_codec", v->codec);
    json_kv_time(j, "reported_start_at", v->started_us);
    json_kv_time(j, "reported_stop_at", v->stopped_us);
    json_kv_str(j, "reported_buffer", v->buffer);
    kv_known(j, "reported_estimator", v->estimator);
}

static void report(struct json *j, const struct record_report *v)
{
    json_object(j);
    json_kv_time(j, "at", v->time_us);
    json_kv_str(j, "source", v->source);
    json_kv_str(j, "kind", v->kind);
    json_kv_str(j, "side", v->side);
    json_kv_str(j, "party", v->party);
    kv_known(j, "reporter", v->reporter);
    kv_known(j, "user_agent", v->user_agent);
    kv_known(j, "alert", v->alert);
    stream_of(j, v);
    figures(j, v);
    json_end(j);
}

void record_json_reports(struct json *j, const struct record_reports *v)
{
    if (v->count == 0)
        return;
    json_key(j, "reports");
    json_array(j);
    for (uint32_t i = 0; i < v->count; i++)
        report(j, &v->items[i]);
    json_end(j);
    kv_uint(j, "reports_over_limit", v->over_limit);
}

/* One with a score goes before one without, what the receiver itself says before hearsay, a report
 * on the whole session before one on an interval, the newest of equals. */
static unsigned worth(const struct record_report *v)
{
    return (isnan(v->reported[RECORD_REPORT_MOS_LQ]) && isnan(v->reported[RECORD_REPORT_MOS_CQ])
                ? 0
                : 4) +
           (v->side && strcmp(v->side, "local") == 0 ? 2 : 0) +
           (v->kind && strcmp(v->kind, "session") == 0 ? 1 : 0);
}

void record_json_reported(struct json *j, const struct record_reports *v, uint32_t sid)
{
    const struct record_report *best = NULL;
    for (uint32_t i = 0; i < v->count; i++)
        if (v->items[i].sid == sid && (best == NULL || worth(&v->items[i]) >= worth(best)))
            best = &v->items[i];
    if (best == NULL)
        return;
    json_key(j, "reported");
    json_object(j);
    json_kv_str(j, "source", best->source);
    json_kv_str(j, "side", best->side);
    kv_known(j, "reporter", best->reporter);
    json_kv_double(j, "mos_lq", best->reported[RECORD_REPORT_MOS_LQ], 3);
    json_kv_double(j, "mos_cq", best->reported[RECORD_REPORT_MOS_CQ], 3);
    json_kv_double(j, "r_lq", best->reported[RECORD_REPORT_R_LQ], 3);
    json_kv_double(j, "r_cq", best->reported[RECORD_REPORT_R_CQ], 3);
    json_kv_double(j, "loss_ratio", best->reported[RECORD_REPORT_LOSS_RATIO], 6);
    json_kv_double(j, "lost", best->reported[RECORD_REPORT_LOST], 0);
    json_kv_double(j, "jitter_ms", best->reported[RECORD_REPORT_JITTER_MS], MS_DECIMALS);
    json_end(j);
}
