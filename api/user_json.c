/* One writer for all kinds of user records. */
#include "api/user_json.h"

#include <stdio.h>
#include <string.h>

#define REAL_DECIMALS 3

/* "updated_us" -> "updated_at" */
static const char *shown_name(const struct user_field *f, char out[40])
{
    size_t n = strlen(f->name);
    if (f->type != USER_TYPE_TIME || n < 3)
        return f->name;
    snprintf(out, 40, "%.*s_at", (int)n - 3, f->name);
    return out;
}

static void value_json(struct json *j, const char *name, const void *record,
                       const struct user_field *f)
{
    const char *text = user_text(record, f);
    switch (f->type) {
    case USER_TYPE_KEY:
    case USER_TYPE_MARK:
        break;
    case USER_TYPE_TEXT:
    case USER_TYPE_BODY:
        json_kv_str(j, name, text[0] ? text : NULL);
        break;
    case USER_TYPE_JSON:
        json_key(j, name);
        json_raw(j, slice_str(text[0] ? text : "null"));
        break;
    case USER_TYPE_INT:
        json_kv_int(j, name, user_int(record, f));
        break;
    case USER_TYPE_NUM:
        if (user_int(record, f))
            json_kv_int(j, name, user_int(record, f));
        else
            json_kv_null(j, name);
        break;
    case USER_TYPE_TIME:
        json_kv_time(j, name, user_int(record, f));
        break;
    case USER_TYPE_REAL:
        json_kv_double(j, name, user_real(record, f), REAL_DECIMALS);
        break;
    case USER_TYPE_FLAG:
        json_kv_bool(j, name, user_flag(record, f));
        break;
    }
}

void user_fields_json(struct json *j, enum user_kind kind, const void *record, bool body)
{
    const struct user_table *t = user_table(kind);
    char name[40];

    for (unsigned i = 0; i < t->count; i++) {
        const struct user_field *f = &t->fields[i];
        bool hidden = f->type == USER_TYPE_KEY || f->type == USER_TYPE_MARK ||
                      (f->type == USER_TYPE_BODY && !body);
        if (!hidden)
            value_json(j, shown_name(f, name), record, f);
    }
}

void user_json(struct json *j, enum user_kind kind, const void *record, bool body)
{
    json_object(j);
    user_fields_json(j, kind, record, body);
    json_end(j);
}
