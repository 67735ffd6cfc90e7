/* The route table is closed and so are the codes we answer with: nobody can grow /metrics. */
#include "api/route_stats.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"

static const unsigned CODES[] = {200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 416, 421, 422, 428, 429, 500, 503, 507};
static const double BOUNDS[] = {.001, .002, .005, .01, .025, .05, .1, .25, .5, 1, 5};

#define CODE_COUNT  (sizeof CODES / sizeof *CODES)
#define BOUND_COUNT (sizeof BOUNDS / sizeof *BOUNDS)

struct of_route {
    _Atomic uint64_t answers[2][CODE_COUNT + 1]; /* by HEAD or not; the last: other codes */
    _Atomic uint64_t slower[BOUND_COUNT + 1];    /* in each bucket; the last: above all */
    _Atomic uint64_t ns;
};

struct route_stats {
    unsigned count;           /* routes; one more takes what is none */
    struct of_route route[];
};

struct route_stats *route_stats_new(void)
{
    unsigned count;
    (void)routes(&count);
    struct route_stats *t = calloc(1, sizeof *t + (count + 1) * sizeof t->route[0]);
    if (t)
        t->count = count;
    return t;
}

void route_stats_free(struct route_stats *t)
{
    free(t);
}

static void add(_Atomic uint64_t *cell, uint64_t n)
{
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n, memory_order_relaxed);
}

static uint64_t value(const _Atomic uint64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

void route_stats_note(struct route_stats *t, const struct route *route, bool head, unsigned status, int64_t ns)
{
    unsigned count;
    const struct route *first = routes(&count);
    struct of_route *r = &t->route[route ? (unsigned)(route - first) : t->count];
    unsigned code = 0, bound = 0;
    while (code < CODE_COUNT && CODES[code] != status)
        code++;
    while (bound < BOUND_COUNT && (double)ns / 1e9 > BOUNDS[bound])
        bound++;
    add(&r->answers[head][code], 1);
    add(&r->slower[bound], 1);
    add(&r->ns, ns > 0 ? (uint64_t)ns : 0);
}

static const char *path_of(const struct route_stats *t, unsigned i)
{
    unsigned count;
    return i < t->count ? routes(&count)[i].path : "other";
}

static const char *method_of(const struct route_stats *t, unsigned i, bool head)
{
    unsigned count;
    if (i == t->count)
        return "other";
    return head ? "HEAD" : routes(&count)[i].method;
}

static void put_answers(const struct route_stats *t, unsigned i, struct buf *out)
{
    for (unsigned head = 0; head < 2; head++)
        for (unsigned c = 0; c <= CODE_COUNT; c++) {
            uint64_t n = value(&t->route[i].answers[head][c]);
            if (n == 0)
                continue;
            buf_printf(out, "earshot_http_requests_total{route=\"%s\",method=\"%s\",code=\"", path_of(t, i), method_of(t, i, head));
            if (c < CODE_COUNT)
                buf_printf(out, "%u", CODES[c]);
            else
                buf_str(out, "other");
            buf_printf(out, "\"} %" PRIu64 "\n", n);
        }
}

static void put_seconds(const struct route_stats *t, unsigned i, struct buf *out)
{
    const struct of_route *r = &t->route[i];
    const char *path = path_of(t, i), *method = method_of(t, i, false);
    uint64_t count = 0;
    for (unsigned b = 0; b <= BOUND_COUNT; b++)
        count += value(&r->slower[b]);
    if (count == 0)
        return;
    for (unsigned b = 0, below = 0; b < BOUND_COUNT; b++) {
        below += (unsigned)value(&r->slower[b]);
        buf_printf(out, "earshot_http_request_seconds_bucket{route=\"%s\",method=\"%s\",le=\"%g\"} %u\n", path, method, BOUNDS[b], below);
    }
    buf_printf(out, "earshot_http_request_seconds_bucket{route=\"%s\",method=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", path, method, count);
    buf_printf(out, "earshot_http_request_seconds_sum{route=\"%s\",method=\"%s\"} %.6f\n", path, method, (double)value(&r->ns) / 1e9);
    buf_printf(out, "earshot_http_request_seconds_count{route=\"%s\",method=\"%s\"} %" PRIu64 "\n", path, method, count);
}

void route_stats_render(const struct route_stats *t, struct buf *out)
{
    buf_str(out, "# HELP earshot_http_requests_total HTTP requests by what became of them.\n# TYPE earshot_http_requests_total counter\n");
    for (unsigned i = 0; i <= t->count; i++)
        put_answers(t, i, out);
    buf_str(out, "# HELP earshot_http_request_seconds From the head of a request to that of its answer.\n"
                 "# TYPE earshot_http_request_seconds histogram\n");
    for (unsigned i = 0; i <= t->count; i++)
        put_seconds(t, i, out);
}
