#include "app/terminal/list.h"

#include <stdlib.h>
#include <string.h>

#include "app/terminal/text.h"
#include "app/terminal/words.h"

#define PAGE_MAX 500

static bool fit(void **items, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return true;
    size_t more = *room ? 2 * *room : 64;
    void *p = realloc(*items, more * size);
    if (p == NULL)
        return false;
    *items = p;
    *room = more;
    return true;
}

static bool add_page(struct call_list *list, struct json_value *page, size_t limit)
{
    const struct json_value *data = json_value_get(page, "data");
    if (!fit((void **)&list->pages, &list->page_room, list->page_count, sizeof *list->pages)) {
        json_read_free(page);
        return false;
    }
    list->pages[list->page_count++] = page;
    for (size_t i = 0; i < json_value_count(data) && list->count < limit; i++) {
        if (!fit((void **)&list->rows, &list->room, list->count, sizeof *list->rows))
            return false;
        list->rows[list->count++] = json_value_at(data, i);
    }
    return true;
}

/* `limit` rows more than there are. */
static int fetch_pages(struct client *c, const char *query, size_t limit, struct call_list *list, struct why *why)
{
    struct buf path;
    int err = 0;
    size_t most = list->count + limit;
    struct slice cursor = slice_none();
    buf_init(&path, 16384);
    do {
        size_t left = most - list->count;
        buf_clear(&path);
        buf_printf(&path, "/calls?limit=%zu%s", left < PAGE_MAX ? left : PAGE_MAX, query);
        if (cursor.size)
            words_pair(&path, "cursor", cursor);
        struct json_value *page = client_json(c, buf_text(&path), why);
        if (page == NULL)
            err = ERR_IO;
        else if (!add_page(list, page, most))
            err = ERR_NOMEM;
        cursor = slice_none();
        if (err == 0)
            json_value_text(json_at(page, "page.next_cursor"), &cursor);
    } while (err == 0 && cursor.size && list->count < most);
    list->more |= err == 0 && cursor.size > 0;
    buf_fini(&path);
    return err;
}

/* ---- rows of several scales in one order ---- */

static int by_score(const void *a, const void *b)
{
    double x = text_real(*(const struct json_value *const *)a, "quality.mos_min");
    double y = text_real(*(const struct json_value *const *)b, "quality.mos_min");
    return x < y ? -1 : x > y;
}

static int by_time(const void *a, const void *b)
{
    char x[TEXT_CELL], y[TEXT_CELL]; /* RFC 3339 in UTC sorts as text */
    return strcmp(json_word(*(const struct json_value *const *)b, "started_at", x), json_word(*(const struct json_value *const *)a, "started_at", y));
}

static int fetch_scales(struct client *c, const char *query, bool scores, size_t limit, struct call_list *list, struct why *why)
{
    static const char *const SCALES[] = {"NB", "WB", "FB"};
    struct buf with;
    int err = 0;
    buf_init(&with, 16384);
    for (size_t i = 0; i < sizeof SCALES / sizeof *SCALES && err == 0; i++) {
        buf_clear(&with);
        buf_printf(&with, "%s&scale=%s", query, SCALES[i]);
        err = fetch_pages(c, buf_text(&with), limit, list, why);
    }
    buf_fini(&with);
    if (list->count)
        qsort(list->rows, list->count, sizeof *list->rows, scores ? by_score : by_time);
    list->more |= list->count > limit;
    list->count = list->count > limit ? limit : list->count;
    return err;
}

int list_fetch(struct client *c, struct buf *query, const char *order, size_t limit, struct call_list *ret_list, struct why *why)
{
    *ret_list = (struct call_list){0};
    bool scores = strcmp(order, "mos_min") == 0;
    words_pair(query, "order", slice_str(order));
    if (query->failed) {
        why_set(why, "that is too much to ask for at once");
        return ERR_INVALID;
    }
    const char *text = buf_text(query);
    if (strstr(text, "&mos_min__lte=") && !strstr(text, "&scale="))
        return fetch_scales(c, text, scores, limit, ret_list, why);
    return fetch_pages(c, text, limit, ret_list, why);
}

void list_free(struct call_list *list)
{
    for (size_t i = 0; i < list->page_count; i++)
        json_read_free(list->pages[i]);
    free(list->pages);
    free(list->rows);
}
