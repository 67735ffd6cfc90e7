/* See kpi_report.h. The book has one cell a dimension, over all time, and a load each minute. */
#include "app/kpi_report.h"

#include <math.h>
#include <stdlib.h>

#include "api/kpi_json.h"

struct line { /* a dimension */
    const char *dimension;
    struct kpi_row row;
    int64_t first_us, last_us; /* minutes with a load */
};

struct lines {
    struct line *items;
    unsigned count, room;
};

static struct line *line_of(struct lines *l, const char *dimension)
{
    for (unsigned i = 0; i < l->count; i++)
        if (strcmp(l->items[i].dimension, dimension) == 0)
            return &l->items[i];
    if (l->count == l->room) {
        unsigned room = l->room ? 2 * l->room : 32;
        struct line *more = realloc(l->items, room * sizeof *more);
        if (more == NULL)
            return NULL;
        l->items = more;
        l->room = room;
    }
    l->items[l->count] = (struct line){.dimension = dimension, .first_us = INT64_MAX, .last_us = INT64_MIN};
    return &l->items[l->count++];
}

static int take(void *context, const struct kpi_entry *e)
{
    struct line *line = line_of(context, e->dimension);
    if (line == NULL)
        return ERR_NOMEM;
    if (e->cell) {
        line->row.cell = e->cell;
        return 0;
    }
    uint32_t concurrent = kpi_load_concurrent(e->load), started = kpi_load_started(e->load);
    line->row.concurrent_max = concurrent > line->row.concurrent_max ? concurrent : line->row.concurrent_max;
    line->row.started_max = started > line->row.started_max ? started : line->row.started_max;
    line->first_us = e->start_us < line->first_us ? e->start_us : line->first_us;
    line->last_us = e->start_us > line->last_us ? e->start_us : line->last_us;
    line->row.span_us = line->last_us + KPI_MINUTE_US - line->first_us;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct line *)a)->dimension, ((const struct line *)b)->dimension);
}

static bool collect(const struct kpi_book *book, struct lines *l)
{
    if (kpi_book_each(book, take, l) != 0)
        return false;
    if (l->count)
        qsort(l->items, l->count, sizeof *l->items, by_name);
    return true;
}

void kpi_report_json(const struct kpi_book *book, struct buf *out)
{
    struct lines l = {0};
    struct json j;
    json_init(&j, out);
    json_object(&j);
    kpi_json_rules(&j, kpi_book_rules(book));
    json_key(&j, "data");
    json_array(&j);
    out->failed |= !collect(book, &l);
    for (unsigned i = 0; i < l.count; i++) {
        json_object(&j);
        json_kv_str(&j, "dimension", l.items[i].dimension);
        kpi_json_figures(&j, &l.items[i].row, NULL);
        json_key(&j, "by_code");
        json_object(&j);
        kpi_json_codes(&j, l.items[i].row.cell);
        json_end(&j);
        json_end(&j);
    }
    json_end(&j);
    json_end(&j);
    buf_char(out, '\n');
    free(l.items);
}

/* ---- for people ---- */

static void print_delay(FILE *out, const char *name, const struct kpi_histogram *h)
{
    if (h->count)
        fprintf(out, "  %-12s %12.3f %12.3f %12.3f %12.3f %8llu\n", name, kpi_mean_ms(h) / 1000,
                kpi_quantile_ms(h, 0.5) / 1000, kpi_quantile_ms(h, 0.95) / 1000, (double)h->max_us / 1e6,
                (unsigned long long)h->count);
}

static void print_scores(FILE *out, const struct kpi_cell *c)
{
    for (unsigned i = 0; i < KPI_SCALES; i++)
        if (c->scores[i].count)
            fprintf(out, "  MOS %-8s %12.2f  p05 %.2f, of %llu\n", kpi_scale_text(i), kpi_mos_mean(&c->scores[i]),
                    kpi_mos_quantile(&c->scores[i], 0.05), (unsigned long long)c->scores[i].count);
}

static void print_line(FILE *out, const struct line *line)
{
    const struct kpi_cell *c = line->row.cell;
    struct kpi_ratio ratios[KPI_RATIOS];
    fprintf(out, "%s\n", line->dimension[0] ? line->dimension : "all calls");
    fprintf(out, "  %-12s %12llu  answered %llu, at once %u, most starts in a second %u\n", "attempts",
            (unsigned long long)c->counts[KPI_ATTEMPTS], (unsigned long long)c->counts[KPI_ANSWERED],
            line->row.concurrent_max, line->row.started_max);
    kpi_ratios(c, ratios);
    for (unsigned i = 0; i < KPI_RATIOS; i++)
        if (ratios[i].denominator)
            fprintf(out, "  %-15s %8.2f %%  %llu of %llu\n", ratios[i].name, 100 * kpi_ratio_value(&ratios[i]),
                    (unsigned long long)ratios[i].numerator, (unsigned long long)ratios[i].denominator);
    fprintf(out, "  %-12s %12s %12s %12s %12s %8s\n", "seconds", "mean", "p50", "p95", "max", "of");
    for (unsigned i = 0; i < KPI_DELAY_COUNT; i++)
        print_delay(out, kpi_delay_text((enum kpi_delay)i), &c->delays[i]);
    print_scores(out, c);
}

void kpi_report_table(const struct kpi_book *book, FILE *out)
{
    struct lines l = {0};
    if (!collect(book, &l))
        fputs("not enough memory\n", out);
    else if (l.count == 0)
        fputs("no calls\n", out);
    else
        for (unsigned i = 0; i < l.count; i++)
            print_line(out, &l.items[i]);
    free(l.items);
}
