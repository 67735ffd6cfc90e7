#include "storage/store_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static uint8_t low(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

void text_part(const char *text, struct text_part *p)
{
    p->size = 0;
    while (p->size < TEXT_PART_MAX && text[p->size]) {
        p->low[p->size] = low((uint8_t)text[p->size]);
        p->size++;
    }
    uint8_t c = p->size ? p->low[0] : 0;
    p->first[0] = c;
    p->first[1] = c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

bool text_holds(const char *text, size_t size, const struct text_part *p)
{
    const uint8_t *at = (const uint8_t *)text;
    if (p->size == 0)
        return true;
    for (size_t left = size; left >= p->size; at++, left--) {
        size_t i = 1;
        if (*at != p->first[0] && *at != p->first[1])
            continue;
        while (i < p->size && low(at[i]) == p->low[i])
            i++;
        if (i == p->size)
            return true;
    }
    return false;
}

bool text_lists(const char *words, const char *word, size_t size)
{
    if (memchr(word, ',', size)) /* would be several */
        return false;
    for (const char *at = words; at && *at == ',' && at[1]; at = strchr(at + 1, ','))
        if (strncasecmp(at + 1, word, size) == 0 && at[1 + size] == ',')
            return true;
    return false;
}

static void listed(sqlite3_context *context, int count, sqlite3_value **values)
{
    const char *words = (const char *)sqlite3_value_text(values[0]);
    bool found = false;
    for (int i = 1; i < count && words && !found; i++) {
        const char *word = (const char *)sqlite3_value_text(values[i]);
        found = word && text_lists(words, word, (size_t)sqlite3_value_bytes(values[i]));
    }
    sqlite3_result_int(context, found);
}

/* The part is made once a statement. */
static void holds(sqlite3_context *context, int count, sqlite3_value **values)
{
    struct text_part *part = sqlite3_get_auxdata(context, 0), *made = NULL;
    const char *wanted = (const char *)sqlite3_value_text(values[0]);
    bool found = false;
    if (part == NULL && wanted && (part = made = malloc(sizeof *made)) != NULL)
        text_part(wanted, part);
    if (part == NULL) {
        if (wanted)
            sqlite3_result_error_nomem(context);
        return;
    }
    for (int i = 1; i < count && !found; i++) {
        const char *text = (const char *)sqlite3_value_text(values[i]);
        found = text && text_holds(text, (size_t)sqlite3_value_bytes(values[i]), part);
    }
    sqlite3_result_int(context, found);
    if (made)
        sqlite3_set_auxdata(context, 0, made, free);
}

int text_holds_register(sqlite3 *handle)
{
    const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    int rc = sqlite3_create_function_v2(handle, "holds", -1, flags, NULL, holds, NULL, NULL, NULL);
    return rc ? rc : sqlite3_create_function_v2(handle, "listed", -1, flags, NULL, listed, NULL, NULL, NULL);
}
