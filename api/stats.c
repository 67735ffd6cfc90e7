/* GET /stats/summary and /stats/codes: rows of figures from the store, by time, by one dimension, by both or over all.
 * Sums over time are made here, from the finest rows that the span allows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/kpi_json.h"
#include "base/clock.h"

#define HOUR_US   INT64_C(3600000000)
#define DAY_US    (24 * HOUR_US)
#define STEPS_MAX 20000

struct question {
    const char *kind; /* "": all calls */
    bool by_time;
    enum store_kpi_level level;
    int64_t from_us, to_us;
    struct kpi_select select;
    bool codes;
};

struct answer {
    const struct question *q;
    struct json *j;
    struct kpi_cell *sum;
    char dimension[KPI_NAME_SIZE];
    bool open; /* sum holds something that is not written */
    int64_t start_us;
    uint32_t concurrent_max, started_max;
};

/* ---- the question ---- */

static bool refuse(struct exchange *x, const char *field, const char *detail)
{
    problem(x->rs, x->rq, 400, "invalid_value", field, "%s", detail);
    return false;
}

static bool cannot_group(struct exchange *x, const char *one, const char *other)
{
    problem(x->rs, x->rq, 400, "cannot_group", "group_by",
            "%s and %s cannot be grouped by together: figures are summed by one of trunk, site, direction, prefix, codec and by one of "
            "minute, quarter, hour, day. For both at once list the calls (/calls).",
            one, other);
    return false;
}

static bool take_word(struct exchange *x, struct question *q, const char *word)
{
    static const char *const KINDS[] = {"trunk", "site", "direction", "prefix", "codec"};
    static const char *const UNITS[] = {"minute", "quarter", "hour", "day"};
    for (unsigned i = 0; i < 5; i++) {
        if (strcmp(word, KINDS[i]) != 0)
            continue;
        if (q->kind[0])
            return cannot_group(x, q->kind, KINDS[i]);
        q->kind = KINDS[i];
        return true;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(word, UNITS[i]) != 0)
            continue;
        if (q->by_time)
            return cannot_group(x, UNITS[q->level], UNITS[i]);
        q->level = (enum store_kpi_level)i;
        q->by_time = true;
        return true;
    }
    return refuse(x, "group_by",
                  "`group_by` takes one of trunk, site, direction, prefix, codec and one of minute, quarter, hour, day, with a comma between.");
}

static bool read_groups(struct exchange *x, struct question *q)
{
    const char *text = http_query_value(&x->rq->query, "group_by");
    char word[16];
    while (text && *text) {
        size_t n = strcspn(text, ",");
        snprintf(word, sizeof word, "%.*s", (int)(n < 15 ? n : 15), text);
        if (!take_word(x, q, word))
            return false;
        text += n + (text[n] == ',');
    }
    return true;
}

static bool read_time(struct exchange *x, const char *name, int64_t fallback_us, int64_t *ret_us)
{
    const char *text = http_query_value(&x->rq->query, name);
    *ret_us = fallback_us;
    if (text == NULL || (clock_parse_rfc3339(text, ret_us) == 0 && *ret_us >= 0))
        return true;
    problem(x->rs, x->rq, 400, "invalid_value", name, "`%s` is a time like 2026-11-21T10:00:00Z.", name);
    return false;
}

static enum store_kpi_level level_for(int64_t span_us)
{
    if (span_us <= 6 * HOUR_US)
        return STORE_KPI_MINUTE;
    if (span_us <= 7 * DAY_US)
        return STORE_KPI_QUARTER;
    return span_us <= 60 * DAY_US ? STORE_KPI_HOUR : STORE_KPI_DAY;
}

/* Whole steps: that of `from` and that of the last moment before `to`. */
static bool read_span(struct exchange *x, struct question *q)
{
    if (!read_time(x, "to", x->rq->now_us, &q->to_us) || !read_time(x, "from", q->to_us - DAY_US, &q->from_us))
        return false;
    if (q->from_us < 0)
        q->from_us = 0;
    if (q->to_us <= q->from_us)
        return refuse(x, "to", "`to` lies after `from`.");
    if (!q->by_time)
        q->level = level_for(q->to_us - q->from_us);
    int64_t step_us = store_kpi_step_us(q->level);
    if ((q->to_us - q->from_us) / step_us > STEPS_MAX)
        return refuse(x, "group_by", "That is more than 20000 steps of time; ask for a shorter span or a longer step.");
    q->from_us -= q->from_us % step_us;
    q->to_us += (step_us - q->to_us % step_us) % step_us;
    return true;
}

static bool read_question(struct exchange *x, struct question *q)
{
    char bad[24];
    const char *metrics = http_query_value(&x->rq->query, "metrics");
    if (!read_groups(x, q) || !read_span(x, q))
        return false;
    if (kpi_select_parse(&q->select, metrics, bad))
        return true;
    problem(x->rs, x->rq, 400, "invalid_value", "metrics", "There is no figure \"%s\".", bad);
    return false;
}

/* ---- the answer ---- */

static void write_row(struct answer *a)
{
    const struct question *q = a->q;
    const char *value = strchr(a->dimension, ':');
    struct kpi_select select = q->select;
    struct kpi_row row = {
        .cell = a->sum,
        .concurrent_max = a->concurrent_max,
        .started_max = a->started_max,
        .span_us = q->by_time ? store_kpi_step_us(q->level) : q->to_us - q->from_us,
    };
    json_object(a->j);
    if (q->kind[0])
        json_kv_str(a->j, q->kind, value ? value + 1 : "");
    if (q->by_time)
        json_kv_time(a->j, "at", a->start_us);
    if (q->codes)
        kpi_json_codes(a->j, row.cell);
    else
        kpi_json_figures(a->j, &row, &select);
    json_end(a->j);
    kpi_cell_clear(a->sum);
    a->concurrent_max = a->started_max = 0;
    a->open = false;
}

static void take_row(void *context, const struct store_kpi_row *row)
{
    struct answer *a = context;
    bool same = strcmp(a->dimension, row->dimension) == 0 && (!a->q->by_time || a->start_us == row->start_us);
    if (a->open && !same)
        write_row(a);
    snprintf(a->dimension, sizeof a->dimension, "%s", row->dimension);
    a->start_us = row->start_us;
    a->open = true;
    kpi_merge(a->sum, row->cell);
    a->concurrent_max = row->concurrent_max > a->concurrent_max ? row->concurrent_max : a->concurrent_max;
    a->started_max = row->started_max > a->started_max ? row->started_max : a->started_max;
}

static void write_rows(struct exchange *x, struct answer *a)
{
    const struct question *q = a->q;
    json_key(a->j, "data");
    json_array(a->j);
    int err = store_kpi(x->reader, q->level, q->kind, q->from_us, q->to_us, take_row, a);
    /* over all calls there is always a row, even if it says none */
    if (err == 0 && (a->open || (q->kind[0] == '\0' && !q->by_time)))
        write_row(a);
    json_end(a->j);
    json_end(a->j);
    if (err)
        exchange_store_problem(x, err, "figure");
    else
        exchange_json_done(x);
}

static void handle(struct exchange *x, bool codes)
{
    struct question q = {.kind = "", .codes = codes};
    struct json j;
    if (!read_question(x, &q))
        return;
    struct answer a = {.q = &q, .j = &j, .sum = calloc(1, sizeof *a.sum)};
    if (a.sum == NULL) {
        exchange_store_problem(x, ERR_NOMEM, "figure");
        return;
    }
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_time(&j, "from", q.from_us);
    json_kv_time(&j, "to", q.to_us);
    json_kv_int(&j, "step_ms", store_kpi_step_us(q.level) / 1000);
    if (!codes && x->api->config->kpi_rules)
        kpi_json_rules(&j, x->api->config->kpi_rules);
    write_rows(x, &a);
    free(a.sum);
}

void handle_stats_summary(struct exchange *x)
{
    handle(x, false);
}

void handle_stats_codes(struct exchange *x)
{
    handle(x, true);
}
