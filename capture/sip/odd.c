/* What the grammar forbids and phones accept all the same: the reading does not change, the message
 * is marked with SIP_FLAG_SYNTAX, so that who looks for a faulty device finds it. One pass over the
 * few values that matter; what is legal and merely strange (unknown schemes, folding, escapes) is
 * not odd. */
#include "capture/sip/grammar.h"

static bool is_sip_scheme(struct slice uri)
{
    return slice_starts_nocase(uri, "sip:") || slice_starts_nocase(uri, "sips:");
}

/* Two colons outside brackets in what stands for the host: an IPv6 address that lacks them. */
static bool odd_host(struct slice host)
{
    struct slice end = slice_sub(host, 0, slice_index(host, ';'));
    end = slice_sub(end, 0, slice_index(end, '?'));
    if (end.size == 0 || end.data[0] == '[')
        return false;
    struct slice port = slice_from(end, slice_index(end, ':') + 1);
    return slice_index(port, ':') < port.size;
}

/* White space and brackets stand in no URI (RFC 3986 2); the rest is asked of sip: and sips: only.
 */
static bool odd_uri(struct slice uri, bool may_have_headers)
{
    size_t host = 0;
    bool headers = false;
    for (size_t i = 0; i < uri.size; i++) {
        uint8_t c = uri.data[i];
        if (sip_is_space(c) || c == '<' || c == '>')
            return true;
        if (c == '@') {
            host = i + 1;
            headers = false;
        } else if (c == '?') {
            headers = true;
        }
    }
    if (!is_sip_scheme(uri))
        return false;
    if (host == 0)
        host = slice_index(uri, ':') + 1;
    return (headers && !may_have_headers) || odd_host(slice_from(uri, host));
}

bool sip_odd_list(struct slice value)
{
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
    size_t open = slice_index(rest, '<');
    if (open == rest.size) { /* without brackets ',' ';' and '?' belong to the header (20.10) */
        size_t end = slice_index(rest, ';');
        return odd_uri(sip_trim(slice_sub(rest, 0, end)), false) ||
               sip_odd_list(slice_from(rest, end));
    }
    struct slice words = slice_sub(rest, 0, open);
    if (behind ? sip_trim(words).size > 0 : odd_words(words))
        return true;
    rest = slice_from(rest, open + 1);
    size_t close = slice_index(rest, '>');
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
