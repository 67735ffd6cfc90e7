/* GET /trunks: each trunk of the configuration with its load and whether it answers. The figures
 * are those of /metrics, so the two cannot differ. */
#include "api/handlers.h"
#include "api/json_fields.h"

#include <math.h>

#define RATIO_DECIMALS 6
#define BITS           8

static uint64_t of_trunk(struct counters_set *s, unsigned cell, unsigned trunk, unsigned width)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < width; i++)
        sum += counters_sum(s, cell + trunk * width + i);
    return sum;
}

/* Null when nobody asks it. */
static void up_json(struct json *j, uint64_t up, uint64_t down)
{
    if (up + down)
        json_kv_bool(j, "up", up > 0);
    else
        json_kv_null(j, "up");
    kv_uint(j, "peers_up", up);
    kv_uint(j, "peers_down", down);
}

static void load_json(struct json *j, uint64_t calls, uint64_t peak, uint64_t capacity)
{
    double all = capacity ? (double)capacity : NAN;
    kv_uint(j, "calls", calls);
    kv_uint(j, "calls_peak", peak);
    kv_positive(j, "capacity_calls", (int64_t)capacity);
    json_kv_double(j, "capacity_ratio", (double)calls / all, RATIO_DECIMALS);
    json_kv_double(j, "capacity_peak_ratio", (double)peak / all, RATIO_DECIMALS);
}

static void trunk_json(struct json *j, struct counters_set *s, unsigned trunk, const char *name)
{
    json_object(j);
    json_kv_str(j, "name", name);
    load_json(j, of_trunk(s, C_CALLS_ACTIVE, trunk, LABEL_COUNT_DIRECTION),
              of_trunk(s, C_TRUNK_PEAK, trunk, 1), of_trunk(s, C_TRUNK_CAPACITY, trunk, 1));
    up_json(j, counters_sum(s, C_TRUNK_PEERS + trunk * LABEL_COUNT_PEER),
            counters_sum(s, C_TRUNK_PEERS + trunk * LABEL_COUNT_PEER + 1));
    kv_uint(j, "bits_per_s", BITS * of_trunk(s, C_RTP_RATE, trunk, 1));
    kv_uint(j, "bits_per_s_peak", BITS * of_trunk(s, C_RTP_RATE_PEAK, trunk, 1));
    json_end(j);
}

void handle_trunks(struct exchange *x)
{
    struct counters_set *s = x->api->config->counters;
    struct json j;
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_key(&j, "data");
    json_array(&j);
    for (unsigned i = 1; i < LABEL_COUNT_TRUNK - 1; i++) {
        const char *name = counters_trunk(s, i);
        if (name)
            trunk_json(&j, s, i, name);
    }
    json_end(&j);
    json_end(&j);
    exchange_json_done(x);
}
