/* What the filters of all lists share: how a value is refused, and how one of several names is chosen. */
#pragma once

#include "api/http.h"

struct call_filter_error {
    const char *code;
    const char *field;
    char detail[240];
};

/* Always false, so that a parser can return it. */
__attribute__((format(printf, 4, 5))) bool filter_refuse(struct call_filter_error *e,
                                                         const char *code, const char *field,
                                                         const char *format, ...);
/* The constant of the NULL-terminated list that equals `value`; NULL, and all names in the error, for none. */
const char *filter_choose(const char *const *names, const char *field, const char *value,
                          struct call_filter_error *e);
/* true, 1, false, 0. */
bool filter_flag(const char *field, const char *value, bool *ret_flag, struct call_filter_error *e);
bool filter_only_once(struct call_filter_error *e, const char *field);
bool filter_too_many(struct call_filter_error *e, const char *field);
/* `limit`: rows of a page, 100 when it is not given. */
bool filter_limit(const struct http_query *params, unsigned *ret_limit, struct call_filter_error *e);
/* The parameter `name` when it is given; else *time_us stays. */
bool filter_time(const struct http_query *params, const char *name, int64_t *time_us, struct call_filter_error *e);
