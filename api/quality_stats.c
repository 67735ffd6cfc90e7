/* GET /stats/quality: sites or trunks hour by hour, or the worst of those hours. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/json_fields.h"
#include "api/user_filter.h"

#define DAY_US         INT64_C(86400000000)
#define SPAN_MAX_US    (31 * DAY_US)
#define LIMIT_DEFAULT  100
#define LIMIT_MAX      1000
#define NAME_MAX_BYTES 40

struct kept {
    struct store_quality_row row;
    char place[NAME_MAX_BYTES];
};

struct gathering {
    struct kept *kept;
    uint32_t count, limit;
    bool worst, more;
    uint64_t least; /* scored calls */
};

/* Lower first, no value last; among equals the earlier hour, then the name. */
static bool is_worse(const struct store_quality_row *a, const struct store_quality_row *b)
{
    double x = isnan(a->r_fb_avg) ? INFINITY : a->r_fb_avg,
           y = isnan(b->r_fb_avg) ? INFINITY : b->r_fb_avg;
    if (x != y)
        return x < y;
    return a->hour_us != b->hour_us ? a->hour_us < b->hour_us : strcmp(a->place, b->place) < 0;
}

static void put(struct gathering *g, uint32_t at, const struct store_quality_row *row)
{
    memmove(&g->kept[at + 1], &g->kept[at], (g->count - at) * sizeof *g->kept);
    g->kept[at].row = *row;
    slice_copy_to(slice_str(row->place), g->kept[at].place, NAME_MAX_BYTES);
    g->count++;
    for (uint32_t i = at; i < g->count; i++) /* names moved with their rows */
        g->kept[i].row.place = g->kept[i].place;
}

static bool take(void *context, const struct store_quality_row *row)
{
    struct gathering *g = context;
    uint32_t at = g->count;
    if (row->scored < g->least)
        return true;
    while (g->worst && at > 0 && is_worse(row, &g->kept[at - 1].row))
        at--;
    if (at == g->limit) {
        g->more = true;
        return g->worst; /* by time nothing better comes */
    }
    if (g->count == g->limit) {
        g->more = true;
        g->count--;
    }
    put(g, at, row);
    return true;
}

/* ---- JSON ---- */

static void mos_json(struct json *j, const struct store_quality_row *r)
{
    static const char *const SCALES[STORE_SCALES] = {"NB", "WB", "FB"};
    json_key(j, "mos");
    if (r->mos[0].calls + r->mos[1].calls + r->mos[2].calls == 0) {
        json_null(j);
        return;
    }
    json_object(j);
    for (int i = 0; i < STORE_SCALES; i++) {
        if (r->mos[i].calls == 0)
            continue;
        json_key(j, SCALES[i]);
        json_object(j);
        json_kv_double(j, "avg", r->mos[i].avg, 2);
        json_kv_double(j, "min", r->mos[i].min, 2);
        kv_uint(j, "calls", r->mos[i].calls);
        json_end(j);
    }
    json_end(j);
}

static void row_json(struct json *j, const char *of, const struct store_quality_row *r)
{
    json_object(j);
    json_kv_str(j, of, r->place);
    json_kv_time(j, "at", r->hour_us);
    kv_uint(j, "calls", r->calls);
    kv_uint(j, "answered", r->answered);
    kv_uint(j, "one_way", r->one_way);
    kv_uint(j, "no_rtp", r->no_rtp);
    kv_uint(j, "scored", r->scored);
    json_kv_double(j, "r_fb_avg", r->r_fb_avg, 2);
    json_kv_double(j, "r_fb_min", r->r_fb_min, 2);
    mos_json(j, r);
    json_kv_double(j, "loss_ratio_avg", r->loss_ratio_avg, 6);
    json_kv_double(j, "loss_ratio_max", r->loss_ratio_max, 6);
    json_kv_double(j, "jitter_ms_avg", r->jitter_ms_avg, 3);
    json_kv_double(j, "jitter_ms_max", r->jitter_ms_max, 3);
    json_end(j);
}

static void give(struct exchange *x, const struct gathering *g, const char *of, int64_t from_us,
                 int64_t to_us)
{
    struct json j;
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_time(&j, "from", from_us);
    json_kv_time(&j, "to", to_us);
    json_kv_bool(&j, "truncated", g->more);
    json_key(&j, "data");
    json_array(&j);
    for (uint32_t i = 0; i < g->count; i++)
        row_json(&j, of, &g->kept[i].row);
    json_end(&j);
    json_end(&j);
    exchange_json_done(x);
}

/* ---- the question ---- */

/* One of two words; the first without the parameter. */
static bool choose(struct exchange *x, const char *name, const char *first, const char *second,
                   bool *ret_second)
{
    const char *text = http_query_value(&x->rq->query, name);
    *ret_second = text && strcmp(text, second) == 0;
    if (text == NULL || *ret_second || strcmp(text, first) == 0)
        return true;
    problem(x->rs, x->rq, 400, "invalid_value", name, "`%s` is %s or %s.", name, first, second);
    return false;
}

static bool read_span(struct exchange *x, int64_t *ret_from_us, int64_t *ret_to_us)
{
    struct call_filter_error e;
    if (!user_filter_span(x->rq, DAY_US, ret_from_us, ret_to_us, &e)) {
        exchange_filter_problem(x, &e);
        return false;
    }
    if (*ret_to_us - *ret_from_us <= SPAN_MAX_US)
        return true;
    problem(x->rs, x->rq, 400, "invalid_span", "from", "At most 31 days can be asked at once.");
    return false;
}

void handle_stats_quality(struct exchange *x)
{
    struct gathering g = {0};
    bool trunks;
    int64_t from_us, to_us;
    uint32_t least;
    if (!choose(x, "group_by", "site", "trunk", &trunks) ||
        !choose(x, "order", "at", "worst", &g.worst) ||
        !exchange_number(x, "limit", LIMIT_DEFAULT, LIMIT_MAX, &g.limit) ||
        !exchange_number(x, "scored__gte", 0, UINT32_MAX, &least) ||
        !read_span(x, &from_us, &to_us))
        return;
    g.least = least;
    g.kept = calloc(g.limit + 1, sizeof *g.kept);
    int err = g.kept ? store_quality(x->reader, trunks ? STORE_TRUNKS : STORE_SITES, from_us, to_us,
                                     take, &g)
                     : ERR_NOMEM;
    if (err)
        exchange_store_problem(x, err, "figure");
    else
        give(x, &g, trunks ? "trunk" : "site", from_us, to_us);
    free(g.kept);
}
