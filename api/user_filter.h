/* The parameters of the lists of user records (/registrations, /subscriptions, /messages, /hosts, /user-agents, /findings), one table a
 * list, -> struct store_user_query. */
#pragma once

#include "api/call_filter.h"

enum user_list {
    USER_LIST_REGISTRATIONS,
    USER_LIST_SUBSCRIPTIONS,
    USER_LIST_MESSAGES,
    USER_LIST_HOSTS,
    USER_LIST_AGENTS,
    USER_LIST_FINDINGS,
    USER_LISTS
};

struct user_filter {
    enum user_list list;
    struct store_user_query query;
    char ip[STORE_VALUES_MAX][ADDR_TEXT_SIZE];
    unsigned ip_count;
};

/* NULL-terminated names of all parameters of each list. */
extern const char *const REGISTRATION_PARAMS[], *const SUBSCRIPTION_PARAMS[], *const MESSAGE_PARAMS[],
    *const HOST_PARAMS[], *const AGENT_PARAMS[], *const FINDING_PARAMS[];

/* The result borrows from the request and from itself: do not copy it. */
bool user_filter_parse(enum user_list list, const struct http_request *rq, const uint8_t cursor_key[32],
                       struct user_filter *ret_filter, struct call_filter_error *ret_error);
/* The cursor behind the last row of a page. */
void user_filter_cursor(const struct user_filter *filter, const struct http_request *rq, const uint8_t cursor_key[32],
                        int64_t last_us, int64_t last_id, char out[PAGE_CURSOR_SIZE]);
/* `from` and `to`, the last span_us without them. */
bool user_filter_span(const struct http_request *rq, int64_t span_us, int64_t *ret_from_us, int64_t *ret_to_us,
                      struct call_filter_error *ret_error);
