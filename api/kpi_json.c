/* See kpi_json.h. A ratio stands with its numerator and denominator, a delay with its count. */
#include "api/kpi_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- which ---- */

static bool fits(const char *token, const char *name)
{
    size_t n = strlen(token);
    return strncmp(token, name, n) == 0 && (name[n] == '\0' || name[n] == '_');
}

static bool wanted(struct kpi_select *select, const char *name)
{
    bool any = false;
    if (select == NULL || select->count == 0)
        return true;
    for (unsigned i = 0; i < select->count; i++) {
        bool fit = fits(select->token[i], name);
        select->met[i] |= fit;
        any |= fit;
    }
    return any;
}

static bool none_unmet(const struct kpi_select *select, char ret_bad[24])
{
    for (unsigned i = 0; i < select->count; i++) {
        if (select->met[i])
            continue;
        snprintf(ret_bad, 24, "%s", select->token[i]);
        return false;
    }
    return true;
}

bool kpi_select_parse(struct kpi_select *select, const char *text, char ret_bad[24])
{
    static const struct kpi_cell empty;
    struct buf scratch;
    struct json j;
    *select = (struct kpi_select){0};
    while (text && *text) {
        size_t n = strcspn(text, ",");
        snprintf(ret_bad, 24, "%.*s", (int)(n < 23 ? n : 23), text);
        if (n == 0 || n >= sizeof select->token[0] || select->count == KPI_SELECT_MAX)
            return false;
        memcpy(select->token[select->count++], text, n);
        text += n + (text[n] == ',');
    }
    buf_init(&scratch, 65536); /* writing once shows which tokens fit something */
    json_init(&j, &scratch);
    json_object(&j);
    kpi_json_figures(&j, &(struct kpi_row){.cell = &empty}, select);
    json_end(&j);
    buf_fini(&scratch);
    return none_unmet(select, ret_bad);
}

/* ---- figures ---- */

static void number(struct json *j, struct kpi_select *select, const char *name, uint64_t v)
{
    if (!wanted(select, name))
        return;
    json_key(j, name);
    json_uint(j, v);
}

static void real(struct json *j, struct kpi_select *select, const char *name, double v)
{
    if (wanted(select, name))
        json_kv_double(j, name, v, 6);
}

static void ratio(struct json *j, struct kpi_select *select, const struct kpi_ratio *r)
{
    char name[64];
    real(j, select, r->name, kpi_ratio_value(r));
    snprintf(name, sizeof name, "%s_numerator", r->name);
    number(j, select, name, r->numerator);
    snprintf(name, sizeof name, "%s_denominator", r->name);
    number(j, select, name, r->denominator);
}

static void delay(struct json *j, struct kpi_select *select, const char *what,
                  const struct kpi_histogram *h)
{
    const struct {
        const char *end;
        double value;
    } values[] = {
        {"ms", kpi_mean_ms(h)},
        {"p50_ms", kpi_quantile_ms(h, 0.50)},
        {"p95_ms", kpi_quantile_ms(h, 0.95)},
        {"p99_ms", kpi_quantile_ms(h, 0.99)},
        {"min_ms", h->count ? (double)h->min_us / 1000 : NAN},
        {"max_ms", h->count ? (double)h->max_us / 1000 : NAN},
        {"total_ms", (double)h->sum_us / 1000},
    };
    char name[64];
    snprintf(name, sizeof name, "%s_count", what);
    number(j, select, name, h->count);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        snprintf(name, sizeof name, "%s_%s", what, values[i].end);
        real(j, select, name, values[i].value);
    }
}

/* Three names, for three scales: what one of them says is nothing to the others. */
static void scores(struct json *j, struct kpi_select *select, const struct kpi_cell *c)
{
    static const char *const ENDS[KPI_SCALES] = {"nb", "wb", "fb"};
    for (unsigned i = 0; i < KPI_SCALES; i++) {
        const struct kpi_scores *s = &c->scores[i];
        char name[24];
        snprintf(name, sizeof name, "mos_count_%s", ENDS[i]);
        number(j, select, name, s->count);
        snprintf(name, sizeof name, "mos_avg_%s", ENDS[i]);
        real(j, select, name, kpi_mos_mean(s));
        snprintf(name, sizeof name, "mos_p05_%s", ENDS[i]);
        real(j, select, name, kpi_mos_quantile(s, 0.05));
        snprintf(name, sizeof name, "mos_p50_%s", ENDS[i]);
        real(j, select, name, kpi_mos_quantile(s, 0.50));
    }
}

void kpi_json_figures(struct json *j, const struct kpi_row *row, struct kpi_select *select)
{
    const struct kpi_cell *c = row->cell;
    struct kpi_ratio ratios[KPI_RATIOS];
    double seconds = (double)row->span_us / 1e6;
    for (unsigned i = 0; i < KPI_COUNT_COUNT; i++)
        number(j, select, kpi_count_text((enum kpi_count)i), c->counts[i]);
    kpi_ratios(c, ratios);
    for (unsigned i = 0; i < KPI_RATIOS; i++)
        ratio(j, select, &ratios[i]);
    for (unsigned i = 0; i < KPI_DELAY_COUNT; i++)
        delay(j, select, kpi_delay_text((enum kpi_delay)i), &c->delays[i]);
    scores(j, select, c);
    number(j, select, "concurrent_max", row->concurrent_max);
    real(j, select, "cps", seconds > 0 ? (double)c->counts[KPI_ATTEMPTS] / seconds : NAN);
    number(j, select, "cps_max", row->started_max);
}

/* ---- codes ---- */

static void tally(struct json *j, const char *key, const char *name, const struct kpi_tally *t)
{
    json_key(j, key);
    json_array(j);
    for (unsigned i = 0; i < t->used; i++) {
        json_object(j);
        json_kv_int(j, name, t->key[i]);
        json_kv_int(j, "count", (int64_t)t->count[i]);
        json_end(j);
    }
    if (t->other) {
        json_object(j);
        json_kv_null(j, name);
        json_kv_int(j, "count", (int64_t)t->other);
        json_end(j);
    }
    json_end(j);
}

void kpi_json_codes(struct json *j, const struct kpi_cell *cell)
{
    json_kv_int(j, "attempts", (int64_t)cell->counts[KPI_ATTEMPTS]);
    tally(j, "codes", "code", &cell->codes);
    tally(j, "q850", "cause", &cell->causes);
    json_key(j, "released_by");
    json_object(j);
    json_kv_int(j, "caller", (int64_t)cell->counts[KPI_BY_CALLER]);
    json_kv_int(j, "callee", (int64_t)cell->counts[KPI_BY_CALLEE]);
    json_kv_int(j, "network", (int64_t)cell->counts[KPI_BY_NETWORK]);
    json_kv_int(j, "unknown", (int64_t)cell->counts[KPI_BY_UNKNOWN]);
    json_end(j);
}

void kpi_json_rules(struct json *j, const struct kpi_rules *rules)
{
    json_key(j, "rules");
    json_object(j);
    json_key(j, "ner_codes");
    json_array(j);
    for (unsigned i = 0; i < rules->ner_code_count; i++)
        json_int(j, rules->ner_codes[i]);
    json_end(j);
    json_key(j, "ner_causes");
    json_array(j);
    for (unsigned i = 0; i < rules->ner_cause_count; i++)
        json_int(j, rules->ner_causes[i]);
    json_end(j);
    json_end(j);
}
