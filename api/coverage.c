/* GET /coverage: was every call recorded that should be? Each answered call is counted once, under what became of its
 * recording, so the sum is always the number of answered calls. */
#include <string.h>

#include "api/handlers.h"
#include "api/json_fields.h"
#include "api/user_filter.h"

#define DAY_US      INT64_C(86400000000)
#define SPAN_MAX_US (366 * DAY_US)

/* Why a recording is not there (or is); the closed list of storage/record.c, and what is not known yet. */
static const char *const RESULTS[] = {"recorded",   "waiting",  "rule", "no_rtp",       "encrypted",         "undecodable",
                                      "paused_all", "over_limit", "disk", "capture_drop", "on_demand_dropped", "failed"};
#define RESULT_COUNT (sizeof RESULTS / sizeof RESULTS[0])

struct sums {
    uint64_t of[RESULT_COUNT];
    uint64_t answered;
};

static bool take(void *context, const struct store_coverage_row *row)
{
    struct sums *s = context;
    const char *result = row->waiting ? "waiting" : row->result ? row->result : "failed";
    unsigned i = 0;
    while (i + 1 < RESULT_COUNT && strcmp(RESULTS[i], result) != 0)
        i++;
    s->of[i] += row->calls;
    s->answered += row->calls;
    return true;
}

/* Of the calls that the rules want recorded and whose fate is known. */
static double ratio(const struct sums *s)
{
    uint64_t wanted = s->answered - s->of[1] - s->of[2];
    return wanted ? (double)s->of[0] / (double)wanted : __builtin_nan("");
}

static void give(struct exchange *x, const struct sums *s, int64_t from_us, int64_t to_us)
{
    struct json j;
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_time(&j, "from", from_us);
    json_kv_time(&j, "to", to_us);
    kv_uint(&j, "answered", s->answered);
    json_kv_double(&j, "recorded_ratio", ratio(s), 6);
    json_key(&j, "results");
    json_object(&j);
    for (unsigned i = 0; i < RESULT_COUNT; i++)
        kv_uint(&j, RESULTS[i], s->of[i]);
    json_end(&j);
    json_end(&j);
    exchange_json_done(x);
}

void handle_coverage(struct exchange *x)
{
    struct sums sums = {0};
    int64_t from_us, to_us;
    struct call_filter_error e;
    if (!user_filter_span(x->rq, DAY_US, &from_us, &to_us, &e)) {
        exchange_filter_problem(x, &e);
        return;
    }
    if (to_us - from_us > SPAN_MAX_US) {
        problem(x->rs, x->rq, 400, "invalid_span", "from", "At most 366 days can be asked at once.");
        return;
    }
    int err = store_coverage(x->reader, from_us, to_us, take, &sums);
    if (err)
        exchange_store_problem(x, err, "figure");
    else
        give(x, &sums, from_us, to_us);
}
