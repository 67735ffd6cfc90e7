/* callid@host;to-tag=a;from-tag=b;early-only, and <sip:c@host?Replaces=callid%3Bto-tag%3Da...>. */
#include "capture/sip/replaces.h"

#include "capture/sip/uri.h"

static bool take_tag(struct slice params, const char *name, struct slice *ret_tag)
{
    if (!sip_param(params, name, ret_tag) || ret_tag->size == 0)
        return false;
    if (slice_is(*ret_tag, "0"))
        *ret_tag = slice_none();
    return true;
}

bool sip_dialog_name_parse(struct slice value, struct sip_dialog_name *ret_name)
{
    size_t semicolon = slice_index(value, ';');
    struct slice params = slice_from(value, semicolon + 1), none;
    struct sip_dialog_name n = {.call_id = slice_trim(slice_sub(value, 0, semicolon))};
    if (n.call_id.size == 0 || !take_tag(params, "to-tag", &n.to_tag) ||
        !take_tag(params, "from-tag", &n.from_tag))
        return false;
    n.early_only = sip_param(params, "early-only", &none);
    *ret_name = n;
    return true;
}

/* Value of a header of a URI: name=value&name=value. */
static struct slice uri_header(struct slice headers, const char *name)
{
    while (headers.size) {
        struct slice value = slice_cut(&headers, '&');
        if (slice_is_nocase(slice_cut(&value, '='), name))
            return value;
    }
    return slice_none();
}

bool sip_refer_to_parse(struct slice value, struct sip_refer_to *ret_refer)
{
    struct sip_addr addr;
    if (!sip_addr_parse(value, &addr) || addr.uri.size == 0)
        return false;
    size_t mark = slice_index(addr.uri, '?');
    ret_refer->target = slice_sub(addr.uri, 0, mark);
    if (ret_refer->target.size == 0)
        return false;
    sip_unescape(uri_header(slice_from(addr.uri, mark + 1), "Replaces"), ret_refer->replaces,
                 sizeof ret_refer->replaces);
    return true;
}
