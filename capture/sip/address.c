/* name-addr, addr-spec and URIs (RFC 3261 19.1 and 20.10, RFC 3966). Escapes stay as written.
 *
 *   "Alice" <sip:alice;x=1@example.com:5060;user=phone?h=v>;tag=9
 *   display  scheme user     host        port                params
 *
 * Without brackets everything behind the first ';' belongs to the header, not to the URI. */
#include "capture/sip/grammar.h"

void sip_host_port(struct slice text, struct slice *ret_host, struct slice *ret_port)
{
    text = sip_trim(text);
    *ret_port = slice_none();
    size_t colon = quick_index(text, ':');
    if (text.size && text.data[0] == '[') {
        size_t close = quick_index(text, ']');
        *ret_host = slice_sub(text, 1, close);
        text = sip_skip_spaces(slice_from(text, close + 1));
        if (text.size && text.data[0] == ':')
            *ret_port = sip_trim(slice_from(text, 1));
        return;
    }
    *ret_host = text;
    if (colon == text.size)
        return;
    struct slice behind = slice_from(text, colon + 1);
    if (quick_index(behind, ':') < behind.size) /* an IPv6 address that lacks its brackets */
        return;
    *ret_host = sip_trim(slice_sub(text, 0, colon));
    *ret_port = sip_trim(behind);
}

/* Length of "sip" in "sip:..."; 0 when the text does not begin with a scheme. */
static size_t scheme_length(struct slice uri)
{
    if (uri.size >= 4 && same_four(uri.data, "sip:"))
        return 3;
    size_t i = 0;
    while (i < uri.size && uri.data[i] != ':') {
        uint8_t c = uri.data[i], lower = c | 0x20;
        bool letter = lower >= 'a' && lower <= 'z';
        bool later = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (!letter && !(later && i > 0))
            return 0;
        i++;
    }
    return i < uri.size ? i : 0;
}

/* [user[:password]@]host[:port][;params][?headers]. A user may hold ';' and '?', so the first '@'
 * decides; a host may not hold '@', so a second one in front of the parameters still belongs to the
 * user ("me@home@proxy"). */
static void split_user_host(struct slice s, struct sip_addr *a)
{
    size_t at = quick_index(s, '@');
    size_t host = at < s.size ? at + 1 : 0;
    struct slice rest = slice_from(s, host);
    rest = slice_sub(rest, 0, quick_index(rest, ';'));
    rest = slice_sub(rest, 0, quick_index(rest, '?'));
    size_t end = host + rest.size;
    for (size_t next; (next = quick_index(slice_sub(s, host, end), '@')) < end - host;) {
        at = host + next;
        host = at + 1;
    }
    if (host > 0) {
        struct slice user = slice_sub(s, 0, at);
        a->user = slice_sub(user, 0, quick_index(user, ':'));
    }
    sip_host_port(slice_sub(s, host, end), &a->host, &a->port);
}

static void split_uri(struct sip_addr *a)
{
    size_t scheme = scheme_length(a->uri);
    a->scheme = slice_sub(a->uri, 0, scheme);
    struct slice rest = scheme ? slice_from(a->uri, scheme + 1) : a->uri;
    if (SAME(a->scheme, "tel")) {
        a->user = sip_trim(slice_sub(rest, 0, quick_index(rest, ';')));
        return;
    }
    bool known = scheme == 0 || SAME(a->scheme, "sip") || SAME(a->scheme, "sips");
    if (!known && quick_index(rest, '@') == rest.size)
        return; /* "urn:service:sos" has neither user nor host */
    split_user_host(rest, a);
}

/* Index of the '<' that opens the URI, or the size; sets the display name on the way. */
static size_t find_bracket(struct slice value, struct slice *ret_display)
{
    if (value.size == 0 || value.data[0] != '"') {
        size_t open = quick_index(value, '<');
        *ret_display = open < value.size ? sip_trim(slice_sub(value, 0, open)) : slice_none();
        return open;
    }
    size_t end;
    if (sip_quoted(value, 0, ret_display, &end))
        return end + quick_index(slice_from(value, end), '<');
    size_t open = quick_index(value, '<'); /* the closing quote is missing */
    *ret_display = sip_trim(slice_sub(value, 1, open));
    return open;
}

static struct slice header_params(struct slice behind)
{
    behind = sip_trim(slice_from(behind, quick_index(behind, ';')));
    return sip_skip_spaces(slice_from(behind, 1));
}

/* All but the parts of the URI. */
static bool addr_split(struct slice value, struct sip_addr *a)
{
    value = sip_trim(value);
    size_t open = find_bracket(value, &a->display);
    struct slice rest = open < value.size ? slice_from(value, open + 1) : value;
    size_t end = quick_index(rest, open < value.size ? '>' : ';');
    a->uri = sip_trim(slice_sub(rest, 0, end));
    if (a->uri.size == 0 || a->uri.data[0] == '"')
        return false;
    a->params = header_params(slice_from(rest, end));
    if (a->params.size)
        sip_param(a->params, "tag", &a->tag);
    return true;
}

bool sip_addr_parse(struct slice value, struct sip_addr *ret_addr)
{
    return sip_addr_straight(value, ret_addr) || sip_addr_parse_any(value, ret_addr);
}

bool sip_addr_parse_any(struct slice value, struct sip_addr *ret_addr)
{
    struct sip_addr a;
    quick_clear(&a, sizeof a);
    if (!addr_split(value, &a))
        return false;
    split_uri(&a);
    *ret_addr = a;
    return true;
}

struct slice sip_addr_tag(struct slice value)
{
    struct sip_addr a;
    a.tag = slice_none();
    return addr_split(value, &a) ? a.tag : slice_none();
}
