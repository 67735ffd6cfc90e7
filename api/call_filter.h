/* The parameters of GET /calls -> struct store_query, from one table. */
#pragma once

#include "api/filter_value.h"
#include "api/http.h"
#include "api/page_count.h"
#include "storage/store.h"
#include "storage/word_query.h"

struct call_filter {
    struct store_query query;
    enum page_count_kind count;
    bool brief; /* view=brief */
    const char *header;       /* of a message of the call; NULL: not asked */
    const char *header_value; /* contained in its value; NULL: any */
    char words[WORD_QUERY_SIZE];
    char ip[STORE_VALUES_MAX][ADDR_TEXT_SIZE];
};

/* NULL-terminated names of all parameters it knows. */
extern const char *const CALL_FILTER_PARAMS[];
/* Those of them that say which calls, without pages and without what stands in messages: of POST /calls/tags. */
extern const char *const TAG_FILTER_PARAMS[];

/* The result borrows from the request and from itself (query.ip, query.words): do not copy it. */
bool call_filter_parse(const struct http_request *rq, const uint8_t cursor_key[32],
                       struct call_filter *ret_filter, struct call_filter_error *ret_error);

/* Of GET /recordings: recordings of calls of any kind, of any state but `deleted` unless states are asked for. */
extern const char *const RECORDING_FILTER_PARAMS[];
bool recording_filter_parse(const struct http_request *rq, const uint8_t cursor_key[32],
                            struct call_filter *ret_filter, struct call_filter_error *ret_error);

/* Of GET /live/events: calls of any kind, whenever they began. */
extern const char *const LIVE_EVENT_PARAMS[];
bool live_call_filter_parse(const struct http_request *rq, struct call_filter *ret_filter, struct call_filter_error *ret_error);

/* Where a page ended, as opaque text that only this service can make: position and time range,
 * bound to the filters of the request. */
#define PAGE_CURSOR_SIZE 160
struct page_cursor {
    int64_t from_us, to_us;
    int64_t after_us;
    double after_value;
    char after_uid[40];
};
void page_cursor_print(const struct page_cursor *c, const struct http_query *filters,
                       const uint8_t key[32], char out[PAGE_CURSOR_SIZE]);
/* False when it was altered, made for other filters, or by another run of the service. */
bool page_cursor_parse(const char *text, const struct http_query *filters, const uint8_t key[32],
                       struct page_cursor *ret_cursor);
/* For who sends such a one. Always false. */
bool page_cursor_refuse(struct call_filter_error *e);
/* The window of the first page holds for all that follow, even where it ended "now". False: the request names another one. */
bool page_cursor_window(const struct page_cursor *c, const struct http_query *params, int64_t *from_us, int64_t *to_us,
                        struct call_filter_error *e);
