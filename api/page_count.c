/* See page_count.h. An estimate says that it is one, has no more digits than it knows, and never
 * says less than what stands on the page. */
#include "api/page_count.h"

#include <string.h>

static const char *const KINDS[] = {[PAGE_COUNT_NONE] = "none", [PAGE_COUNT_EXACT] = "exact", [PAGE_COUNT_ESTIMATE] = "estimate"};

bool page_count_parse(const char *text, enum page_count_kind *ret_kind)
{
    *ret_kind = PAGE_COUNT_NONE;
    for (unsigned i = 0; text && i < sizeof KINDS / sizeof *KINDS; i++) {
        if (strcmp(text, KINDS[i]) != 0)
            continue;
        *ret_kind = (enum page_count_kind)i;
        return true;
    }
    return text == NULL;
}

/* Two digits and noughts. */
static uint64_t rounded(uint64_t v)
{
    uint64_t step = 1;
    while (v / step >= 100)
        step *= 10;
    return (v + step / 2) / step * step;
}

int page_count(struct store_reader *reader, const struct store_query *q, enum page_count_kind asked, uint64_t rows, bool more,
               struct page_count *ret_count)
{
    bool exact = true, whole = !more && q->after_uid[0] == '\0';
    int err = 0;

    *ret_count = (struct page_count){.kind = asked, .value = rows};
    if (asked == PAGE_COUNT_NONE || (asked == PAGE_COUNT_ESTIMATE && whole)) {
        ret_count->kind = asked == PAGE_COUNT_NONE ? PAGE_COUNT_NONE : PAGE_COUNT_EXACT;
        return 0; /* all of them are on the page */
    }
    if (asked == PAGE_COUNT_EXACT)
        err = store_count(reader, q, &ret_count->value);
    else
        err = store_estimate(reader, q, &ret_count->value, &exact);
    if (err || exact) {
        ret_count->kind = PAGE_COUNT_EXACT;
        return err;
    }
    uint64_t seen = rows + more;
    ret_count->value = ret_count->value < seen ? seen : rounded(ret_count->value);
    return 0;
}

static void count_json(struct json *j, const struct page_count *count)
{
    if (count == NULL || count->kind == PAGE_COUNT_NONE)
        return;
    json_key(j, "count");
    json_object(j);
    json_kv_str(j, "kind", KINDS[count->kind]);
    json_kv_int(j, "value", (int64_t)count->value);
    json_end(j);
}

void page_json(struct json *j, const char *next_cursor, const struct page_count *count)
{
    json_key(j, "page");
    json_object(j);
    json_kv_str(j, "next_cursor", next_cursor);
    json_kv_bool(j, "has_more", next_cursor != NULL);
    count_json(j, count);
    json_end(j);
}

void page_window_json(struct json *j, int64_t from_us, int64_t to_us)
{
    json_key(j, "query");
    json_object(j);
    json_kv_time(j, "from", from_us);
    json_kv_time(j, "to", to_us);
    json_end(j);
}

void page_count_total_json(struct json *j, enum page_count_kind asked, const struct page_count *count)
{
    if (asked == PAGE_COUNT_EXACT)
        json_kv_int(j, "total", (int64_t)count->value);
}
