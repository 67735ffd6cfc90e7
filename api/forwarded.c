/* The list is walked from its end: across items of a line, across lines. */
#include "api/forwarded.h"

#include <string.h>

#include "api/auth.h"

/* "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]:4711". */
static bool parse(struct slice text, struct addr *ret)
{
    text = slice_trim(text);
    if (text.size && text.data[0] == '[')
        return slice_index(text, ']') < text.size && addr_parse(slice_sub(text, 1, slice_index(text, ']')), ret);
    return addr_parse(text, ret) || addr_parse(slice_sub(text, 0, slice_index(text, ':')), ret);
}

/* The last item off the line. */
static struct slice take_last(struct slice *line)
{
    size_t start = line->size;
    while (start > 0 && line->data[start - 1] != ',')
        start--;
    struct slice item = slice_from(*line, start);
    *line = slice_sub(*line, 0, start ? start - 1 : 0);
    return item;
}

static bool is_proxy(const char *proxies, struct addr a)
{
    return proxies && proxies[0] && auth_network_holds(proxies, a);
}

struct addr forwarded_peer(struct addr from, const char *const *lines, unsigned count, const char *proxies)
{
    struct addr said;
    for (; count > 0 && is_proxy(proxies, from); count--) {
        struct slice line = slice_str(lines[count - 1]);
        bool more = true;
        while (more && is_proxy(proxies, from)) {
            more = slice_index(line, ',') < line.size;
            if (!parse(take_last(&line), &said))
                return (struct addr){0};
            from = said;
        }
    }
    return from;
}

bool forwarded_proxies_valid(const char *proxies)
{
    struct slice rest = slice_str(proxies);
    while (rest.size)
        if (!auth_network_valid(slice_cut(&rest, ',')))
            return false;
    return true;
}
