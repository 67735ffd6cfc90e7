/* The calls of an export: found as GET /calls finds them, written as `earshot export` writes them. */
#include <errno.h>
#include <string.h>

#include "api/call_csv.h"
#include "api/export_run.h"
#include "api/header_search.h"
#include "api/record_json.h"

#define PAGE_CALLS 250
#define CALL_DEPTH 16
#define EMPTY_PAGES_MAX 100

struct listing {
    struct export_run *run;
    FILE *csv, *ndjson;
    struct header_search search;
    struct store_query query;
    unsigned seen; /* of this page */
    int err;
};

static int write_row(struct listing *l, const struct call_record *r)
{
    struct json j;
    struct buf *text = &l->run->scratch;
    buf_clear(text);
    json_init(&j, text);
    record_json(&j, r, RECORD_JSON_LIST, true);
    struct json_value *call = text->failed ? NULL : json_read(buf_view(text), text->ceiling, CALL_DEPTH);
    if (call == NULL)
        return export_fail(l->run->e, ERR_NOMEM, "internal", "There is no memory for call %s.", r->uid);
    bool good = (l->csv == NULL || call_csv_row(l->csv, call)) && (l->ndjson == NULL || json_value_print(call, l->ndjson));
    json_read_free(call);
    if (good)
        return 0;
    return l->run->e->error[0] ? ERR_IO : export_io_error(l->run, errno); /* a bare file has told why */
}

static void try_message(void *context, const struct record_message *m)
{
    struct header_search *s = context;
    if (!s->found)
        s->found = header_search_matches(s, m);
}

static bool is_found(struct listing *l, const struct call_record *r)
{
    if (l->run->filter.header == NULL)
        return true;
    l->search.found = false;
    int err = store_messages(l->run->x.reader, r, try_message, &l->search);
    if (err && err != ERR_NOT_FOUND)
        l->err = err;
    return l->search.found;
}

static void take(void *context, const struct call_record *r)
{
    struct listing *l = context;
    struct export *e = l->run->e;
    l->seen++;
    l->query.after_us = r->started_us;
    l->query.after_value = store_order_value(l->query.order, r);
    snprintf(l->query.after_uid, sizeof l->query.after_uid, "%s", r->uid);
    if (l->err || e->truncated || !limit_allows_record(&e->limit, r) || !is_found(l, r))
        return;
    if (e->calls == e->ask.max_calls) {
        e->truncated = true;
        return;
    }
    l->err = write_row(l, r);
    buf_add(&l->run->uids, r->uid, strlen(r->uid) + 1);
    e->calls++;
    e->done += !export_has_audio(&e->ask) && !export_has_pcap(&e->ask);
    e->oldest_us = e->oldest_us == 0 || r->started_us < e->oldest_us ? r->started_us : e->oldest_us;
}

/* All hits of a page may have been deleted between the two looks of store_calls(): the same question then has others. */
static int check_empty(struct listing *l, bool more, unsigned *empty_pages)
{
    *empty_pages = more && l->seen == 0 ? *empty_pages + 1 : 0;
    if (*empty_pages < EMPTY_PAGES_MAX)
        return 0;
    return export_fail(l->run->e, ERR_BUSY, "database", "Calls that were found cannot be read: the list would not be whole.");
}

static int list_pages(struct listing *l)
{
    unsigned empty_pages = 0;
    bool more = true;
    int err = 0;
    while (err == 0 && more && !l->run->e->truncated) {
        l->seen = 0;
        err = store_calls(l->run->x.reader, &l->query, take, l, &more);
        if (err)
            return export_fail(l->run->e, err, "database", "The database could not be read: %s.", err_text(err));
        err = l->err ? l->err : check_empty(l, more, &empty_pages);
        if (err == 0)
            err = export_go_on(l->run);
    }
    return err;
}

int export_list(struct export_run *r, FILE *csv, FILE *ndjson)
{
    struct listing l = {.run = r, .csv = csv, .ndjson = ndjson, .query = r->filter.query};
    if (csv && !call_csv_head(csv))
        return ERR_IO;
    l.query.limit = PAGE_CALLS;
    if (r->filter.header)
        header_search_init(&l.search, r->filter.header, r->filter.header_value);
    int err = list_pages(&l);
    if (r->filter.header)
        header_search_fini(&l.search);
    if (err == 0 && r->uids.failed)
        err = export_fail(r->e, ERR_NOMEM, "internal", "There is no memory for the list of calls.");
    return err;
}
