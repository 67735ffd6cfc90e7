/* GET /trunks: each trunk with what it is known by (named.c), its load and whether it answers. The figures are those of /metrics, so
 * the two cannot differ. */
#include "api/handlers.h"
#include "api/json_fields.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
    json_kv_double(j, "capacity_ratio", (double)calls / all, RATIO_DECIMALS);
    json_kv_double(j, "capacity_peak_ratio", (double)peak / all, RATIO_DECIMALS);
}

/* 0: the counters do not know it yet. */
static unsigned number_of(const struct counters_set *s, const char *name)
{
    for (unsigned i = 1; i < LABEL_COUNT_TRUNK - 1; i++) {
        const char *there = counters_trunk(s, i);
        if (there && strcmp(there, name) == 0)
            return i;
    }
    return 0;
}

struct listing {
    struct json json;
    struct counters_set *counters;
};

static void trunk_json(void *context, const struct named *n)
{
    struct listing *l = context;
    struct json *j = &l->json;
    struct counters_set *s = l->counters;
    unsigned trunk = number_of(s, n->id);
    uint64_t capacity = strtoull(n->value[NAMED_CAPACITY], NULL, 10);

    json_object(j);
    named_members_json(j, n);
    load_json(j, trunk ? of_trunk(s, C_CALLS_ACTIVE, trunk, LABEL_COUNT_DIRECTION) : 0, trunk ? of_trunk(s, C_TRUNK_PEAK, trunk, 1) : 0, capacity);
    up_json(j, trunk ? counters_sum(s, C_TRUNK_PEERS + trunk * LABEL_COUNT_PEER) : 0,
            trunk ? counters_sum(s, C_TRUNK_PEERS + trunk * LABEL_COUNT_PEER + 1) : 0);
    kv_uint(j, "bits_per_s", trunk ? BITS * of_trunk(s, C_RTP_RATE, trunk, 1) : 0);
    kv_uint(j, "bits_per_s_peak", trunk ? BITS * of_trunk(s, C_RTP_RATE_PEAK, trunk, 1) : 0);
    json_end(j);
}

void handle_trunks(struct exchange *x)
{
    const struct api_named_source *named = &x->api->config->named;
    struct listing l = {.counters = x->api->config->counters};
    exchange_list(x, &l.json);
    if (named->each)
        named->each(named->context, NAMED_TRUNK, trunk_json, &l);
    exchange_list_done(x, &l.json);
}
