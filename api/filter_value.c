/* What the list filters share, each refusal a sentence that names the parameter and what it takes. */
#include "api/filter_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "storage/store.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000

bool filter_refuse(struct call_filter_error *e, const char *code, const char *field,
                   const char *format, ...)
{
    va_list args;

    e->code = code;
    e->field = field;
    va_start(args, format);
    vsnprintf(e->detail, sizeof e->detail, format, args);
    va_end(args);
    return false;
}

const char *filter_choose(const char *const *names, const char *field, const char *value,
                          struct call_filter_error *e)
{
    char all[160] = "";
    for (unsigned i = 0; names[i]; i++) {
        if (strcmp(names[i], value) == 0)
            return names[i];
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", names[i]);
    }
    filter_refuse(e, "invalid_value", field, "`%s` is one of %s.", field, all);
    return NULL;
}

bool filter_flag(const char *field, const char *value, bool *ret_flag, struct call_filter_error *e)
{
    *ret_flag = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
    if (*ret_flag || strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
        return true;
    return filter_refuse(e, "invalid_value", field, "`%s` is true or false.", field);
}

bool filter_only_once(struct call_filter_error *e, const char *field)
{
    return filter_refuse(e, "repeated_parameter", field, "`%s` may be given only once.", field);
}

bool filter_too_many(struct call_filter_error *e, const char *field)
{
    return filter_refuse(e, "too_many_values", field, "`%s` may be given at most %d times.", field,
                         STORE_VALUES_MAX);
}

bool filter_limit(const struct http_query *params, unsigned *ret_limit, struct call_filter_error *e)
{
    const char *limit = http_query_value(params, "limit");
    uint64_t n = LIMIT_DEFAULT;

    if (limit && (!slice_to_u64(slice_str(limit), LIMIT_MAX, &n) || n == 0))
        return filter_refuse(e, "invalid_value", "limit", "`limit` is a number from 1 to %d.",
                             LIMIT_MAX);
    *ret_limit = (unsigned)n;
    return true;
}

bool filter_time(const struct http_query *params, const char *name, int64_t *time_us,
                 struct call_filter_error *e)
{
    const char *value = http_query_value(params, name);

    if (value && clock_parse_rfc3339(value, time_us) != 0)
        return filter_refuse(
            e, "invalid_value", name,
            "`%s` is a time like 2026-11-21T10:00:00Z (a plus sign in a URL is written %%2B).",
            name);
    return true;
}
