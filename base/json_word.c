#include "base/json_word.h"

#include <string.h>

const struct json_value *json_at(const struct json_value *object, const char *path)
{
    char name[64];
    while (object && *path) {
        size_t n = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)n, path);
        object = json_value_get(object, name);
        path += n + (path[n] == '.');
    }
    return object;
}

static const char *none(char out[JSON_WORD_SIZE])
{
    strcpy(out, "-");
    return out;
}

const char *json_word(const struct json_value *object, const char *path, char out[JSON_WORD_SIZE])
{
    struct slice text;
    int64_t n;
    const struct json_value *v = json_at(object, path);
    if (!json_value_text(v, &text)) {
        if (!json_value_is_whole(v) || !json_value_int(v, &n))
            return none(out);
        snprintf(out, JSON_WORD_SIZE, "%lld", (long long)n);
        return out;
    }
    if (slice_copy_to(text, out, JSON_WORD_SIZE) == 0)
        return none(out);
    for (char *p = out; *p; p++) /* C1 controls are two bytes in UTF-8, the second below 0xa0 */
        if ((unsigned char)*p < 32 || *p == 127 || ((unsigned char)*p == 0xc2 && (unsigned char)p[1] < 0xa0))
            *p = '?';
    return out;
}
