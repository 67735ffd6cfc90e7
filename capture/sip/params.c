/* Tokens, lists and parameters: comma lists, ;name=value, credentials. Quoted strings and <...>
 * protect what separates. */
#include "capture/sip/grammar.h"

const bool sip_token_byte[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true, ['.'] = true,
    ['!'] = true,         ['%'] = true,         ['*'] = true,         ['_'] = true, ['+'] = true,
    ['`'] = true,         ['\''] = true,        ['~'] = true,
};

/* Index of the quote that closes the one at `open`, or the size. Mostly nothing in between is
 * escaped. */
static size_t closing_quote(struct slice s, size_t open)
{
    struct slice inside = slice_from(s, open + 1);
    inside = slice_sub(inside, 0, quick_index(inside, '"'));
    if (quick_index(inside, '\\') == inside.size)
        return open + 1 + inside.size;
    for (size_t i = open + 1; i < s.size; i++) {
        if (s.data[i] == '\\')
            i++;
        else if (s.data[i] == '"')
            return i;
    }
    return s.size;
}

bool sip_quoted(struct slice s, size_t open, struct slice *ret_inside, size_t *ret_end)
{
    size_t close = closing_quote(s, open);
    *ret_inside = slice_sub(s, open + 1, close);
    *ret_end = close < s.size ? close + 1 : s.size;
    return close < s.size;
}

/* Index of the first comma that separates, or the size. */
static size_t item_end(struct slice s)
{
    size_t comma = quick_index(s, ',');
    if (comma == s.size)
        return comma;
    bool angle = false;
    for (size_t i = 0; i < s.size; i++) {
        uint8_t c = s.data[i];
        if (c == ',' && !angle)
            return i;
        if (c == '<') {
            angle = true;
        } else if (c == '>') {
            angle = false;
        } else if (c == '"' && !angle) {
            struct slice inside;
            size_t end;
            sip_quoted(s, i, &inside, &end);
            i = end - 1;
        }
    }
    return s.size;
}

bool sip_list_next(struct slice *rest, struct slice *ret_item)
{
    while (rest->size) {
        size_t end = item_end(*rest);
        struct slice item = sip_trim(slice_sub(*rest, 0, end));
        *rest = slice_from(*rest, end + 1);
        if (item.size) {
            *ret_item = item;
            return true;
        }
    }
    return false;
}

static size_t skip_separators(struct slice s, uint8_t separator)
{
    size_t i = 0;
    while (i < s.size && (s.data[i] == separator || sip_is_space(s.data[i])))
        i++;
    return i;
}

/* name[=value] up to the separator, off the front of *rest. */
static bool pair_next(struct slice *rest, uint8_t separator, struct slice *ret_name,
                      struct slice *ret_value)
{
    struct slice s = slice_from(*rest, skip_separators(*rest, separator));
    if (s.size == 0) {
        *rest = s;
        return false;
    }
    struct slice pair = slice_sub(s, 0, quick_index(s, separator));
    size_t i = quick_index(pair, '=');
    *ret_name = sip_trim(slice_sub(s, 0, i));
    *ret_value = slice_none();
    if (i < s.size && s.data[i] == '=') {
        s = sip_skip_spaces(slice_from(s, i + 1));
        i = 0;
        bool quoted = s.size && s.data[0] == '"';
        if (quoted)
            sip_quoted(s, 0, ret_value, &i);
        size_t end = i + quick_index(slice_from(s, i), separator);
        if (!quoted)
            *ret_value = sip_trim(slice_sub(s, 0, end));
        i = end;
    }
    *rest = slice_from(s, i);
    return true;
}

bool sip_param_next(struct slice *rest, struct slice *ret_name, struct slice *ret_value)
{
    return pair_next(rest, ';', ret_name, ret_value);
}

bool sip_param(struct slice params, const char *name, struct slice *ret_value)
{
    size_t size = strlen(name);
    struct slice each, value;
    while (sip_param_next(&params, &each, &value)) {
        if (each.size == size && same_name(each.data, name, size)) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

bool sip_auth_param(struct slice credentials, const char *name, struct slice *ret_value)
{
    struct slice rest = sip_trim(credentials);
    size_t scheme = sip_token_length(rest, rest.size);
    if (scheme < rest.size && sip_is_space(rest.data[scheme]))
        rest = slice_from(rest, scheme);
    size_t size = strlen(name);
    struct slice each, value;
    while (pair_next(&rest, ',', &each, &value)) {
        if (each.size == size && same_name(each.data, name, size)) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}
