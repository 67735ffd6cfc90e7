/* Calls that a query finds, page by page. */
#pragma once

#include "app/terminal/client.h"

#define LIST_MAX 100000

struct call_list {
    const struct json_value **rows;
    size_t count, room;
    struct json_value **pages; /* that the rows are part of */
    size_t page_count, page_room;
    bool more; /* there are more than were asked for */
};

/* `query` is of words_add(). The first `limit` in `order`: a value of the API's `order`. A score without a scale is asked for on each
 * of them. Empty it with list_free(), also after an error. */
int list_fetch(struct client *c, struct buf *query, const char *order, size_t limit, struct call_list *ret_list, struct why *why);
void list_free(struct call_list *list);
