/* A number is recognised by what stands in it, not by user=phone, which many leave out: digits, '*'
 * and '#', with a '+' in front and separators between. The hexadecimal letters that RFC 3966 allows
 * in local numbers count only where user=phone or tel: says that it is one: "abba" is a person. */
#include "capture/sip/uri.h"

#include "capture/sip/grammar.h"

static int hex_of(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    uint8_t lower = c | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte at s[*at], an escape undone; moves *at on. */
static uint8_t next_byte(struct slice s, size_t *at)
{
    uint8_t c = s.data[(*at)++];
    if (c != '%' || *at + 2 > s.size)
        return c;
    int high = hex_of(s.data[*at]), low = hex_of(s.data[*at + 1]);
    if (high < 0 || low < 0 || (high | low) == 0)
        return c;
    *at += 2;
    return (uint8_t)(high << 4 | low);
}

size_t sip_unescape(struct slice text, char *out, size_t out_size)
{
    size_t n = 0, at = 0;
    while (at < text.size && n + 1 < out_size)
        out[n++] = (char)next_byte(text, &at);
    if (out_size)
        out[n] = '\0';
    return n;
}

/* ---- digits ---- */

static bool is_separator(uint8_t c)
{
    return c == '-' || c == '.' || c == '(' || c == ')' || c == ' ' || c == '/';
}

/* "+49 (0)30": the zero in brackets is for those who call from inside the country. */
static bool is_spare_zero(const char *digits, size_t n, struct slice rest)
{
    return n > 1 && digits[0] == '+' && slice_starts(rest, "(0)");
}

/* False when some byte is no part of a number. */
static bool take_digits(struct slice text, bool letters, char out[URI_DIGITS_SIZE])
{
    size_t n = 0, at = 0, decimal = 0;
    while (at < text.size) {
        if (text.data[at] >= '0' && text.data[at] <= '9' && n + 1 < URI_DIGITS_SIZE) {
            out[n++] = (char)text.data[at++];
            decimal++;
            continue;
        }
        if (is_spare_zero(out, n, slice_from(text, at))) {
            at += 3;
            continue;
        }
        uint8_t c = next_byte(text, &at);
        bool digit = c >= '0' && c <= '9';
        bool sign = c == '*' || c == '#' || (letters && hex_of(c) >= 10);
        if (is_separator(c) && n > 0)
            continue;
        bool opening = is_separator(c) || (c == '+' && n == 0);
        if (!(digit || sign || opening) || n + 1 >= URI_DIGITS_SIZE)
            return false;
        decimal += digit;
        if (!is_separator(c))
            out[n++] = (char)(c >= 'a' ? c - 0x20 : c);
    }
    out[n] = '\0';
    return decimal > 0;
}

static void take_param(struct slice name, struct slice value, struct sip_uri *u)
{
    if (slice_is_nocase(name, "phone-context"))
        u->context = value;
    else if (slice_is_nocase(name, "ext"))
        u->ext = value;
    else if (slice_is_nocase(name, "isub"))
        u->isub = value;
    else if (slice_is_nocase(name, "rn"))
        u->routing_number = value;
    else if (slice_is_nocase(name, "cic"))
        u->carrier = value;
    else if (slice_is_nocase(name, "npdi"))
        u->ported = true;
}

/* The user as a telephone-subscriber: number;name=value... */
static void read_number(struct sip_uri *u)
{
    size_t end = quick_index(u->user, ';');
    struct slice rest = slice_from(u->user, end), name, value;
    u->number = sip_trim(slice_sub(u->user, 0, end));
    if (!take_digits(u->number, u->user_phone, u->digits))
        u->digits[0] = '\0';
    u->global = u->digits[0] == '+';
    while (sip_param_next(&rest, &name, &value))
        take_param(name, value, u);
}

/* ---- the parts ---- */

/* "urn:service:sos", "im:bob@x", "http://x": a scheme that is none of ours. "host:5060" is none,
 * and "alice:secret@x" is a user. */
static bool is_foreign(struct slice text)
{
    size_t n = sip_token_length(text, text.size);
    if (n == 0 || n >= text.size || text.data[n] != ':' || (text.data[0] | 0x20) < 'a')
        return false;
    struct slice behind = slice_from(text, n + 1);
    bool port = behind.size && behind.data[0] >= '0' && behind.data[0] <= '9';
    bool known = quick_index(text, '@') < text.size && !slice_starts_nocase(text, "im:") &&
                 !slice_starts_nocase(text, "pres:") && !slice_starts_nocase(text, "mailto:") &&
                 !slice_starts_nocase(text, "xmpp:");
    return !port && !known;
}

static enum uri_scheme scheme_of(struct slice *text)
{
    static const struct {
        const char *name;
        enum uri_scheme scheme;
    } known[] = {{"sip:", URI_SIP}, {"sips:", URI_SIPS}, {"tel:", URI_TEL}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!slice_starts_nocase(*text, known[i].name))
            continue;
        *text = slice_from(*text, strlen(known[i].name));
        return known[i].scheme;
    }
    return is_foreign(*text) ? URI_OTHER : URI_SIP;
}

/* The last '@' in front of the host's parameters; the size without one (address.c says why). */
static size_t find_at(struct slice s)
{
    size_t at = quick_index(s, '@'), host = at + 1;
    struct slice rest = slice_from(s, host);
    rest = slice_sub(rest, 0, quick_index(rest, ';'));
    rest = slice_sub(rest, 0, quick_index(rest, '?'));
    for (size_t next; (next = quick_index(rest, '@')) < rest.size; rest = slice_from(rest, next + 1)) {
        at = host + next;
        host = at + 1;
    }
    return at;
}

static void read_user(struct slice user, struct sip_uri *u)
{
    size_t colon = quick_index(user, ':');
    u->user = slice_sub(user, 0, colon);
    u->password = colon < user.size;
}

static void read_host(struct slice rest, struct sip_uri *u)
{
    size_t question = quick_index(rest, '?');
    u->headers = slice_from(rest, question + 1);
    rest = slice_sub(rest, 0, question);
    size_t semicolon = quick_index(rest, ';');
    u->params = slice_from(rest, semicolon + 1);
    sip_host_port(slice_sub(rest, 0, semicolon), &u->host, &u->port);
    struct slice kind;
    u->user_phone = sip_param(u->params, "user", &kind) && slice_is_nocase(kind, "phone");
}

bool sip_uri_parse(struct slice text, struct sip_uri *ret_uri)
{
    struct sip_uri u;
    memset(&u, 0, sizeof u);
    text = sip_trim(text);
    u.scheme = scheme_of(&text);
    if (u.scheme == URI_OTHER) {
        *ret_uri = u;
        return true;
    }
    if (u.scheme == URI_TEL) {
        u.user = text;
        u.user_phone = true;
    } else {
        size_t at = find_at(text);
        if (at < text.size)
            read_user(slice_sub(text, 0, at), &u);
        read_host(slice_from(text, at < text.size ? at + 1 : 0), &u);
    }
    read_number(&u);
    if (u.user.size == 0 && u.host.size == 0)
        return false;
    *ret_uri = u;
    return true;
}
