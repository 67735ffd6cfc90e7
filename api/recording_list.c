/* GET /api/v1/recordings: as GET /calls lists calls (call_filter.c), a row a recording. Tracks and
 * films stand with their call. */
#include <stdio.h>
#include <string.h>

#include "api/call_filter.h"
#include "api/handlers.h"
#include "api/page_count.h"
#include "api/limit.h"
#include "api/record_json.h"

struct list {
    struct json json;
    const struct store_query *query;
    struct page_cursor last;
    uint64_t rows;
};

static bool is_one_of(struct slice text, const char *const values[STORE_VALUES_MAX])
{
    bool asked = false, found = false;

    for (unsigned i = 0; i < STORE_VALUES_MAX && values[i]; i++) {
        asked = true;
        found |= slice_is(text, values[i]);
    }
    return found || !asked;
}

/* Once more, for rows of versions before. */
static bool matches(const struct store_query *q, const struct record_recording *g)
{
    bool timed = q->recording_ms_gte >= 0 || q->recording_ms_lte >= 0;

    return is_one_of(g->format, q->recording_format) && (!timed || g->sample_rate_hz > 0) &&
           (q->recording_ms_gte < 0 || g->duration_ms >= q->recording_ms_gte) &&
           (q->recording_ms_lte < 0 || g->duration_ms <= q->recording_ms_lte);
}

static void add_recording(void *context, const struct call_record *r)
{
    struct list *l = context;

    if (matches(l->query, &r->recording)) {
        record_json_recording(&l->json, r, false, true);
        l->rows++;
    }
    l->last.after_us = r->started_us;
    l->last.after_value = (double)r->started_us;
    snprintf(l->last.after_uid, sizeof l->last.after_uid, "%s", r->uid);
}

static void end_page(struct exchange *x, struct list *l, bool more, const struct page_count *count)
{
    char cursor[PAGE_CURSOR_SIZE] = "";

    l->last.from_us = l->query->from_us;
    l->last.to_us = l->query->to_us;
    if (more)
        page_cursor_print(&l->last, &x->rq->query, x->api->cursor_key, cursor);
    page_json(&l->json, more ? cursor : NULL, count);
    page_window_json(&l->json, l->query->from_us, l->query->to_us);
}

static int list_json(struct exchange *x, struct list *l, enum page_count_kind asked)
{
    bool more = false;
    struct page_count count = {0};

    exchange_list(x, &l->json);
    int err = store_calls(x->reader, l->query, add_recording, l, &more);
    json_end(&l->json);
    if (err == 0)
        err = page_count(x->reader, l->query, asked, l->rows, more, &count);
    end_page(x, l, more, &count);
    page_count_total_json(&l->json, asked, &count);
    json_end(&l->json);
    return err;
}

void handle_recordings(struct exchange *x)
{
    struct call_filter filter;
    struct call_filter_error e;
    struct limit_query limit;

    if (!recording_filter_parse(x->rq, x->api->cursor_key, &filter, &e)) {
        exchange_filter_problem(x, &e);
        return;
    }
    if (!exchange_limit(x, &limit, &filter.query))
        return;
    if (!exchange_may_search(x, &filter.query))
        return;
    if (!exchange_audit_search(x, "recordings.search"))
        return;
    struct list l = {.query = &filter.query};
    int err = list_json(x, &l, filter.count);
    if (err)
        exchange_store_problem(x, err, "recording");
    else
        exchange_json_done(x);
}
