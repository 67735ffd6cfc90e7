/* What RTCP said of a stream: round trips, the receiver's own figures beside ours, extended
 * reports, and the places where packets were lost. */
#include "api/record_rtcp_json.h"

#include "api/json_fields.h"

#define SCORE_DECIMALS 3
#define RATIO_DECIMALS 6

static void kv_spread(struct json *j, const char *key, const struct record_spread *v)
{
    json_key(j, key);
    if (v->count == 0) {
        json_null(j);
        return;
    }
    json_object(j);
    json_kv_double(j, "min", v->min, MS_DECIMALS);
    json_kv_double(j, "median", v->median, MS_DECIMALS);
    json_kv_double(j, "max", v->max, MS_DECIMALS);
    kv_uint(j, "count", v->count);
    json_end(j);
}

static void round_trips(struct json *j, const struct record_rtcp *c)
{
    json_key(j, "round_trip_ms");
    json_object(j);
    kv_spread(j, "tap_caller", &c->tap_caller);
    kv_spread(j, "tap_callee", &c->tap_callee);
    kv_spread(j, "total", &c->total);
    kv_spread(j, "chain", &c->chain);
    json_kv_bool(j, "dlsr_broken", c->dlsr_broken);
    json_kv_bool(j, "rtt_conflict", c->rtt_conflict);
    json_end(j);
}

/* null before the first report block. */
static void remote(struct json *j, const struct record_rtcp *c)
{
    json_key(j, "remote");
    if (c->receiver_reports == 0) {
        json_null(j);
        return;
    }
    json_object(j);
    json_kv_double(j, "loss_ratio", c->loss_ratio, RATIO_DECIMALS);
    json_kv_double(j, "fraction_lost", c->fraction_lost, RATIO_DECIMALS);
    json_kv_double(j, "jitter_ms", c->jitter_mean_ms, MS_DECIMALS);
    json_kv_double(j, "jitter_ms_max", c->jitter_max_ms, MS_DECIMALS);
    json_kv_bool(j, "rtcp_guess", c->guessed);
    json_end(j);
}

static void voip_quality(struct json *j, const struct record_voip *v)
{
    json_kv_double(j, "signal_dbm0", v->signal_dbm0, 0);
    json_kv_double(j, "noise_dbm0", v->noise_dbm0, 0);
    json_kv_double(j, "rerl_db", v->rerl_db, 0);
    kv_uint(j, "gmin", v->gmin);
    json_kv_double(j, "r", v->r, 0);
    json_kv_double(j, "r_external", v->r_external, 0);
    json_kv_double(j, "mos_lq", v->mos_lq, 1);
    json_kv_double(j, "mos_cq", v->mos_cq, 1);
    json_kv_str(j, "plc", v->plc);
    json_key(j, "jitter_buffer");
    json_object(j);
    json_kv_str(j, "type", v->buffer);
    kv_uint(j, "rate", v->buffer_rate);
    json_kv_int(j, "nominal_ms", v->buffer_nominal_ms);
    json_kv_int(j, "maximum_ms", v->buffer_max_ms);
    json_kv_int(j, "absolute_maximum_ms", v->buffer_limit_ms);
    json_end(j);
}

static void voip(struct json *j, const struct record_voip *v)
{
    json_key(j, "voip_metrics");
    if (v->reports == 0) {
        json_null(j);
        return;
    }
    json_object(j);
    kv_uint(j, "reports", v->reports);
    json_kv_double(j, "loss_ratio", v->loss_ratio, RATIO_DECIMALS);
    json_kv_double(j, "discard_ratio", v->discard_ratio, RATIO_DECIMALS);
    json_kv_double(j, "burst_density", v->burst_density, RATIO_DECIMALS);
    json_kv_double(j, "gap_density", v->gap_density, RATIO_DECIMALS);
    json_kv_int(j, "burst_ms", v->burst_ms);
    json_kv_int(j, "gap_ms", v->gap_ms);
    json_kv_double(j, "round_trip_ms", v->round_trip_ms, MS_DECIMALS);
    json_kv_double(j, "end_system_ms", v->end_system_ms, MS_DECIMALS);
    voip_quality(j, v);
    json_end(j);
}

static const char *kind_text(const struct xr_field_set *set, uint8_t kind)
{
    return kind < XR_KINDS ? set->kinds[kind] : NULL;
}

/* Integers as they are, ratios and times with their fraction. */
static void block(struct json *j, const struct record_xr_block *b)
{
    const struct xr_field_set *set = xr_field_set(b->type);
    if (set == NULL)
        return;
    json_object(j);
    kv_uint(j, "type", b->type);
    json_kv_str(j, "name", set->name);
    json_kv_str(j, "kind", kind_text(set, b->kind));
    json_kv_str(j, "span", xr_span_text(b->span));
    kv_uint(j, "reports", b->reports);
    json_key(j, "values");
    json_object(j);
    for (unsigned i = 0; i < xr_field_count(set); i++)
        json_kv_double(j, set->fields[i], b->values[i], RATIO_DECIMALS);
    json_end(j);
    json_end(j);
}

static void blocks(struct json *j, const struct record_rtcp *c)
{
    json_key(j, "blocks");
    json_array(j);
    for (uint32_t i = 0; i < c->xr_block_count; i++)
        block(j, &c->xr_blocks[i]);
    json_end(j);
}

/* null without extended reports. */
static void extended(struct json *j, const struct record_rtcp *c)
{
    json_key(j, "xr");
    if (c->voip.reports == 0 && c->xr_block_count == 0) {
        json_null(j);
        return;
    }
    json_object(j);
    voip(j, &c->voip);
    kv_natural(j, "discarded", c->xr_discarded);
    json_kv_double(j, "mos", c->xr_mos, SCORE_DECIMALS);
    json_kv_double(j, "network_rtt_ms", c->xr_network_rtt_ms, MS_DECIMALS);
    kv_natural(j, "concealed_ms", c->xr_concealed_ms);
    blocks(j, c);
    json_end(j);
}

/* What the stream's sender says of itself. */
static void sender(struct json *j, const struct record_rtcp *c)
{
    kv_natural(j, "sent_packets", c->sent_packets);
    kv_natural(j, "sent_octets", c->sent_octets);
    json_kv_time(j, "bye_at", c->bye_us);
    kv_known(j, "bye_reason", c->bye_reason);
    kv_uint(j, "app_packets", c->app_packets);
    kv_known(j, "app_name", c->app_name);
}

static bool silent(const struct record_rtcp *c)
{
    return c->sender_reports == 0 && c->receiver_reports == 0 && c->voip.reports == 0 &&
           c->xr_block_count == 0 && c->bye_us == 0 && c->app_packets == 0 && c->cname.size == 0;
}

void record_json_rtcp(struct json *j, const struct record_stream *s)
{
    const struct record_rtcp *c = &s->rtcp;
    json_key(j, "rtcp");
    if (silent(c)) {
        json_null(j);
        return;
    }
    json_object(j);
    kv_uint(j, "sender_reports", c->sender_reports);
    kv_uint(j, "receiver_reports", c->receiver_reports);
    json_kv_double(j, "rtt_ms", c->rtt_ms, MS_DECIMALS);
    json_kv_double(j, "loss_ratio", c->loss_ratio, RATIO_DECIMALS);
    if (c->has_cumulative_lost)
        json_kv_int(j, "cumulative_lost", c->cumulative_lost);
    else
        json_kv_null(j, "cumulative_lost");
    json_kv_double(j, "jitter_ms", c->jitter_ms, MS_DECIMALS);
    kv_known(j, "cname", c->cname);
    kv_known(j, "tool", c->tool);
    sender(j, c);
    round_trips(j, c);
    remote(j, c);
    extended(j, c);
    json_end(j);
}

static void places(struct json *j, const struct record_places *v)
{
    kv_natural(j, "before_tap", v->before_tap);
    kv_natural(j, "after_tap", v->after_tap);
    kv_natural(j, "capture", v->capture);
}

void record_json_split(struct json *j, const struct record_split *v)
{
    json_key(j, "loss_split");
    if (!v->given) {
        json_null(j);
        return;
    }
    json_object(j);
    kv_uint(j, "packets", v->packets);
    kv_uint(j, "intervals", v->intervals);
    kv_uint(j, "intervals_skipped", v->skipped);
    kv_uint(j, "intervals_suspect", v->suspect);
    places(j, &v->best);
    json_key(j, "lower");
    json_object(j);
    places(j, &v->lower);
    json_end(j);
    json_key(j, "upper");
    json_object(j);
    places(j, &v->upper);
    json_end(j);
    json_end(j);
}
