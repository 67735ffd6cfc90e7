/* The sum of the results is the number of answered calls by construction: a call without a result counts as failed. */
#include "app/coverage_report.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"

static const char *const RESULTS[LABEL_COUNT_RECORDING] = {"recorded", "rule", "no_rtp", "encrypted", "undecodable", "paused_all", "over_limit",
                                                           "disk", "capture_drop", "on_demand_dropped", "failed"};

void coverage_report_add(struct coverage_report *c, const struct call_record *r)
{
    bool of_calls = strcmp(r->kind, "orphan") != 0 && strcmp(r->kind, "page") != 0 && strcmp(r->kind, "encrypted") != 0;
    if (!of_calls || r->outcome == NULL || strcmp(r->outcome, "answered") != 0)
        return;
    const char *result = r->recording.result ? r->recording.result : "failed";
    unsigned i = 0;
    while (i + 1 < LABEL_COUNT_RECORDING && strcmp(RESULTS[i], result) != 0)
        i++;
    c->of[i]++;
    c->answered++;
}

/* Of the calls that the rules want recorded; NAN: of none. */
static double ratio(const struct coverage_report *c)
{
    uint64_t wanted = c->answered - c->of[1];
    return wanted ? (double)c->of[0] / (double)wanted : __builtin_nan("");
}

void coverage_report_json(const struct coverage_report *c, struct buf *out)
{
    struct json j;
    json_init(&j, out);
    json_object(&j);
    json_kv_int(&j, "answered", (int64_t)c->answered);
    json_kv_double(&j, "recorded_ratio", ratio(c), 6);
    json_key(&j, "results");
    json_object(&j);
    for (unsigned i = 0; i < LABEL_COUNT_RECORDING; i++)
        json_kv_int(&j, RESULTS[i], (int64_t)c->of[i]);
    json_end(&j);
    json_end(&j);
}

void coverage_report_table(const struct coverage_report *c, FILE *out)
{
    fprintf(out, "%-20s %10s %8s\n", "RESULT", "CALLS", "SHARE");
    for (unsigned i = 0; i < LABEL_COUNT_RECORDING; i++)
        if (c->of[i])
            fprintf(out, "%-20s %10" PRIu64 " %7.2f%%\n", RESULTS[i], c->of[i], 100.0 * (double)c->of[i] / (double)c->answered);
    fprintf(out, "%-20s %10" PRIu64 "\n", "answered", c->answered);
    if (c->answered > c->of[1])
        fprintf(out, "recorded, of those that the rules want: %.2f%%\n", 100 * ratio(c));
}
