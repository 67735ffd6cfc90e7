/* One walk over the lines; a line that may hold a secret is known by its first letter, so most cost
 * one look. The same walk either notes the first secret or overwrites all. */
#include "capture/sip/redact.h"

#include "capture/sip/grammar.h"

/* In no base64: what was a key is read as none by whoever reads the text again, we among them. */
#define COVER '*'

struct wipe {
    const uint8_t *start;
    uint8_t *out; /* the same bytes, or NULL: only look */
    size_t first;
    size_t bytes;
};

static void cover(struct wipe *w, struct slice secret)
{
    if (secret.size == 0)
        return;
    size_t at = (size_t)(secret.data - w->start);
    if (at < w->first)
        w->first = at;
    w->bytes += secret.size;
    if (w->out)
        memset(w->out + at, COVER, secret.size);
}

/* ---- headers ---- */

static bool is_secret_param(struct slice name)
{
    static const char *const names[] = {"response", "cnonce", "auts", "rspauth", "ik", "ck"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_is_nocase(name, names[i]))
            return true;
    return false;
}

/* The value at the front, quoted or not, up to a comma; *rest is behind it. */
static struct slice value_next(struct slice *rest)
{
    struct slice s = sip_skip_spaces(*rest), inside;
    size_t end;
    if (s.size && s.data[0] == '"') {
        sip_quoted(s, 0, &inside, &end);
        *rest = slice_from(s, end + slice_index(slice_from(s, end), ',') + 1);
        return inside;
    }
    end = slice_index(s, ',');
    *rest = slice_from(s, end + 1);
    return sip_trim(slice_sub(s, 0, end));
}

static void cover_params(struct wipe *w, struct slice rest)
{
    while (rest.size) {
        size_t n = 0;
        rest = sip_skip_spaces(rest);
        while (n < rest.size && rest.data[n] != '=' && rest.data[n] != ',')
            n++;
        struct slice name = sip_trim(slice_sub(rest, 0, n));
        bool value = n < rest.size && rest.data[n] == '=';
        rest = slice_from(rest, n + 1);
        if (!value)
            continue;
        struct slice secret = value_next(&rest);
        if (is_secret_param(name))
            cover(w, secret);
    }
}

/* "Digest a=b, c=d"; of "Basic xyz" and "Bearer xyz" the whole rest is the secret. */
static void cover_credentials(struct wipe *w, struct slice value)
{
    value = sip_trim(value);
    size_t scheme = sip_token_length(value, value.size);
    struct slice rest = sip_trim(slice_from(value, scheme));
    struct slice word = slice_sub(value, 0, scheme);
    if (slice_starts_nocase(word, "Digest"))
        cover_params(w, rest);
    else if (scheme < value.size && sip_is_space(value.data[scheme]))
        cover(w, rest);
}

static void cover_challenge(struct wipe *w, struct slice value)
{
    value = sip_trim(value);
    cover_params(w, slice_from(value, sip_token_length(value, value.size)));
}

/* ---- SDP ---- */

/* 1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:4;inline:KEY ... */
static void cover_inline_keys(struct wipe *w, struct slice line)
{
    static const char method[] = "inline:";
    for (size_t i = 0; i + sizeof method - 1 <= line.size; i++) {
        if (!slice_starts_nocase(slice_from(line, i), method))
            continue;
        size_t from = i + sizeof method - 1, to = from;
        while (to < line.size && line.data[to] != '|' && line.data[to] != ';' &&
               !sip_is_space(line.data[to]))
            to++;
        cover(w, slice_sub(line, from, to));
        i = to - 1;
    }
}

/* "clear:KEY", "mikey DATA": what stands behind the first `separator`. */
static void cover_behind(struct wipe *w, struct slice line, uint8_t separator)
{
    cover(w, sip_trim(slice_from(line, slice_index(line, separator) + 1)));
}

/* ---- lines ---- */

static void cover_header(struct wipe *w, struct slice line)
{
    static const struct {
        const char *name;
        void (*cover)(struct wipe *w, struct slice value);
    } headers[] = {
        {"Authorization", cover_credentials},  {"Proxy-Authorization", cover_credentials},
        {"Authentication-Info", cover_params}, {"Proxy-Authentication-Info", cover_params},
        {"WWW-Authenticate", cover_challenge}, {"Proxy-Authenticate", cover_challenge},
    };
    size_t colon = slice_index(line, ':');
    if (colon == line.size)
        return;
    struct slice name = sip_trim(slice_sub(line, 0, colon));
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        if (slice_is_nocase(name, headers[i].name))
            headers[i].cover(w, slice_from(line, colon + 1));
}

static void cover_line(struct wipe *w, struct slice line)
{
    if (slice_starts_nocase(line, "a=crypto:"))
        cover_inline_keys(w, slice_from(line, strlen("a=crypto:")));
    else if (slice_starts_nocase(line, "a=key-mgmt:"))
        cover_behind(w, slice_from(line, strlen("a=key-mgmt:")), ' ');
    else if (slice_starts_nocase(line, "k="))
        cover_behind(w, line, ':');
    else
        cover_header(w, line);
}

static bool may_hide(struct slice s)
{
    uint8_t c = s.data[0] | 0x20;
    if (c == 'k')
        return s.size > 1 && s.data[1] == '=';
    return c == 'a' || c == 'p' || c == 'w';
}

/* The line at the front with those that continue it, and its end. */
static size_t line_length(struct slice s)
{
    size_t n = 0;
    do
        n += slice_index(slice_from(s, n), '\n') + 1;
    while (n < s.size && (s.data[n] == ' ' || s.data[n] == '\t'));
    return n < s.size ? n : s.size;
}

static void walk(struct wipe *w, struct slice rest)
{
    while (rest.size && (w->out || w->first == SIZE_MAX)) {
        bool look = may_hide(rest);
        size_t n = look ? line_length(rest) : slice_index(rest, '\n') + 1;
        if (look)
            cover_line(w, slice_sub(rest, 0, n));
        rest = slice_from(rest, n);
    }
}

size_t sip_secret_at(struct slice text)
{
    struct wipe w = {.start = text.data, .first = SIZE_MAX};
    walk(&w, text);
    return w.first < text.size ? w.first : text.size;
}

size_t sip_redact(uint8_t *text, size_t size)
{
    struct wipe w = {.start = text, .out = text, .first = SIZE_MAX};
    walk(&w, slice_of(text, size));
    return w.bytes;
}
