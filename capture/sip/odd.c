/* What the grammar forbids and phones accept all the same: the reading does not change, the message
 * is marked with SIP_FLAG_SYNTAX, so that who looks for a faulty device finds it. One pass over the
 * few values that matter; what is legal and merely strange (unknown schemes, folding, escapes) is
 * not odd. */
#include "capture/sip/grammar.h"

/* sip: or sips: */
static bool is_sip_scheme(struct slice uri)
{
    if (uri.size < 5 || !same_name(uri.data, "sip", 3))
        return false;
    return uri.data[3] == ':' || ((uri.data[3] | 0x20) == 's' && uri.data[4] == ':');
}

/* Two colons outside brackets in what stands for the host: an IPv6 address that lacks them. */
static bool odd_host(struct slice host)
{
    struct slice colon = slice_from(host, quick_index(host, ':') + 1);
    if (quick_index(colon, ':') == colon.size)
        return false;
    struct slice end = slice_sub(host, 0, quick_index(host, ';'));
    end = slice_sub(end, 0, quick_index(end, '?'));
    if (end.size == 0 || end.data[0] == '[')
        return false;
    struct slice port = slice_from(end, quick_index(end, ':') + 1);
    return quick_index(port, ':') < port.size;
}

/* Where the host begins: behind the last '@', or behind the scheme. */
static size_t host_of(struct slice uri)
{
    size_t host = quick_index(uri, ':') + 1;
    for (size_t at; (at = quick_index(slice_from(uri, host), '@')) < uri.size - host;)
        host += at + 1;
    return host;
}

/* White space and angle brackets stand in no URI (RFC 3986 2). '?' may stand in a user. */
static bool odd_bytes(struct slice uri, struct slice host, bool may_have_headers)
{
    for (size_t i = 0; i < uri.size; i++) {
        uint8_t c = uri.data[i];
        if (sip_is_space(c) || c == '<' || c == '>')
            return true;
    }
    return !may_have_headers && is_sip_scheme(uri) && quick_index(host, '?') < host.size;
}

static bool odd_uri(struct slice uri, bool may_have_headers)
{
    bool sip = is_sip_scheme(uri);
    struct slice host = sip ? slice_from(uri, host_of(uri)) : slice_none();
    if (quick_has_odd_byte(uri.data, uri.data + uri.size) && odd_bytes(uri, host, may_have_headers))
        return true;
    return sip && odd_host(host);
}

static bool unclosed_quote(struct slice value)
{
    struct slice inside;
    size_t open = quick_index(value, '"'), end = 0;
    while (open < value.size && sip_quoted(value, open, &inside, &end))
        open = end + quick_index(slice_from(value, end), '"');
    return open < value.size;
}

bool sip_odd_list(struct slice value)
{
    if (!quick_may_be_empty(value.data, value.data + value.size))
        return unclosed_quote(value);
    bool empty = false; /* a separator with nothing behind it so far */
    for (size_t i = 0; i < value.size; i++) {
        uint8_t c = value.data[i];
        if (c == '"') {
            struct slice inside;
            size_t end;
            if (!sip_quoted(value, i, &inside, &end))
                return true;
            i = end - 1;
            empty = false;
        } else if (c == ';' || c == ',') {
            if (empty)
                return true;
            empty = true;
        } else if (!sip_is_space(c)) {
            empty = false;
        }
    }
    return empty;
}

/* Words in front of '<': tokens, or bytes of another alphabet, which every phone shows. */
static bool odd_words(struct slice words)
{
    for (size_t i = 0; i < words.size; i++) {
        uint8_t c = words.data[i];
        if (!sip_token_byte[c] && !sip_is_space(c) && c < 0x80)
            return true;
    }
    return false;
}

bool sip_odd_address(struct slice value)
{
    struct slice rest = value, inside;
    size_t behind = 0;
    if (value.size && value.data[0] == '"') {
        if (!sip_quoted(value, 0, &inside, &behind))
            return true;
        rest = slice_from(value, behind);
    }
    size_t open = quick_index(rest, '<');
    if (open == rest.size) { /* without brackets ',' ';' and '?' belong to the header (20.10) */
        size_t end = quick_index(rest, ';');
        return odd_uri(sip_trim(slice_sub(rest, 0, end)), false) ||
               sip_odd_list(slice_from(rest, end));
    }
    struct slice words = slice_sub(rest, 0, open);
    if (behind ? sip_trim(words).size > 0 : odd_words(words))
        return true;
    rest = slice_from(rest, open + 1);
    size_t close = quick_index(rest, '>');
    return close == rest.size || odd_uri(slice_sub(rest, 0, close), true) ||
           sip_odd_list(slice_from(rest, close + 1));
}

bool sip_odd_request_line(struct slice line, size_t method_size, size_t version_size)
{
    if (line.size < method_size + version_size + 2)
        return true;
    return odd_uri(slice_sub(line, method_size + 1, line.size - version_size - 1), false);
}

bool sip_odd_date(struct slice value)
{
    return value.size < 3 || memcmp(value.data + value.size - 3, "GMT", 3) != 0;
}
