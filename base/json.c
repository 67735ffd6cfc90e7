/* JSON by appending (RFC 8259). Plain runs of text are copied in one piece; only quotes,
 * backslashes, control characters and broken UTF-8 are looked at one by one. */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/utf8.h"

void json_init(struct json *j, struct buf *out)
{
    *j = (struct json){.out = out};
}

/* A value or key begins here: a comma when something stands before it. */
static void begin_item(struct json *j)
{
    if (j->comma[j->depth])
        buf_char(j->out, ',');
    j->comma[j->depth] = true;
}

static void open_with(struct json *j, char open, char close)
{
    begin_item(j);
    assert(j->depth + 1 < JSON_DEPTH_MAX);
    buf_char(j->out, open);
    j->depth++;
    j->comma[j->depth] = false;
    j->close[j->depth] = close;
}

void json_object(struct json *j)
{
    open_with(j, '{', '}');
}

void json_array(struct json *j)
{
    open_with(j, '[', ']');
}

void json_end(struct json *j)
{
    assert(j->depth > 0);
    buf_char(j->out, j->close[j->depth]);
    j->depth--;
}

static void put_escape(struct buf *out, uint8_t c)
{
    switch (c) {
    case '"':
        buf_str(out, "\\\"");
        return;
    case '\\':
        buf_str(out, "\\\\");
        return;
    case '\n':
        buf_str(out, "\\n");
        return;
    case '\r':
        buf_str(out, "\\r");
        return;
    case '\t':
        buf_str(out, "\\t");
        return;
    default: {
        static const char hex[] = "0123456789abcdef";
        char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        buf_add(out, text, sizeof text);
    }
    }
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

#define EACH_BYTE (~UINT64_C(0) / 255) /* 0x0101... */
#define HIGH_BITS (EACH_BYTE << 7)

/* Nonzero when one of eight bytes, all below 0x80, is `c`. */
static uint64_t has_byte(uint64_t word, uint8_t c)
{
    uint64_t difference = word ^ EACH_BYTE * c;
    return (difference - EACH_BYTE) & ~difference;
}

/* is_plain() of eight bytes at once. */
static bool eight_plain(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t control = (word - EACH_BYTE * 0x20) & ~word;
    return ((word | control | has_byte(word, '"') | has_byte(word, '\\') | has_byte(word, 0x7f)) &
            HIGH_BITS) == 0;
}

/* Length of the part at the front that needs no change. */
static size_t clean_run(struct slice s)
{
    size_t n = 0;
    while (n < s.size) {
        if (s.size - n >= 8 && eight_plain(s.data + n)) {
            n += 8;
            continue;
        }
        if (is_plain(s.data[n])) {
            n++;
            continue;
        }
        size_t length = s.data[n] < 0x80 ? 0 : utf8_length(slice_from(s, n));
        if (length == 0)
            break;
        n += length;
    }
    return n;
}

/* As it is, without a look: quotes around it. */
static void put_quoted(struct buf *out, struct slice s)
{
    uint8_t *p = buf_reserve(out, s.size + 2);
    if (p == NULL)
        return;
    p[0] = '"';
    memcpy(p + 1, s.data, s.size);
    p[s.size + 1] = '"';
    out->size += s.size + 2;
}

static void put_string(struct buf *out, struct slice s)
{
    if (s.size && clean_run(s) == s.size) {
        put_quoted(out, s);
        return;
    }
    buf_char(out, '"');
    while (s.size) {
        size_t n = clean_run(s);
        buf_add(out, s.data, n);
        s = slice_from(s, n);
        if (s.size == 0)
            break;
        if (s.data[0] < 0x80)
            put_escape(out, s.data[0]);
        else
            buf_str(out, "\xef\xbf\xbd"); /* U+FFFD for one byte that is no UTF-8 */
        s = slice_from(s, 1);
    }
    buf_char(out, '"');
}

void json_key(struct json *j, const char *key)
{
    size_t size = strlen(key);
    bool comma = j->comma[j->depth];
    uint8_t *at = buf_reserve(j->out, size + 4);
    j->comma[j->depth] = false; /* its value follows without one */
    if (at == NULL)
        return;
    uint8_t *p = at;
    if (comma)
        *p++ = ',';
    *p++ = '"';
    memcpy(p, key, size);
    p += size;
    *p++ = '"';
    *p++ = ':';
    j->out->size += (size_t)(p - at);
}

void json_text(struct json *j, struct slice text)
{
    begin_item(j);
    put_string(j->out, text);
}

void json_str(struct json *j, const char *text)
{
    if (text)
        json_text(j, slice_str(text));
    else
        json_null(j);
}

static void put_uint(struct buf *out, uint64_t v)
{
    char digits[20];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    buf_add(out, digits + n, sizeof digits - n);
}

void json_int(struct json *j, int64_t v)
{
    begin_item(j);
    if (v < 0)
        buf_char(j->out, '-');
    put_uint(j->out, v < 0 ? (uint64_t)0 - (uint64_t)v : (uint64_t)v);
}

void json_uint(struct json *j, uint64_t v)
{
    begin_item(j);
    put_uint(j->out, v);
}

#define QUICK_DECIMALS 6
#define QUICK_MOST     1e9

/* As "%.*f" prints it, where that takes no more than a 64-bit number; 0 where it would be near a
 * tie: printf knows. */
static int quick_decimal(char *out, double v, int decimals)
{
    static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    double scaled = fabs(v) * (decimals <= QUICK_DECIMALS ? powers[decimals] : 1);
    if (decimals > QUICK_DECIMALS || fabs(v) >= QUICK_MOST || signbit(v))
        return 0;
    uint64_t whole = (uint64_t)scaled;
    double rest = scaled - (double)whole;
    if (fabs(rest - 0.5) < 1e-3)
        return 0;
    whole += rest > 0.5;
    char digits[24];
    size_t n = sizeof digits;
    for (int i = 0; whole || i <= decimals; i++) {
        if (i == decimals && decimals)
            digits[--n] = '.';
        digits[--n] = (char)('0' + whole % 10);
        whole /= 10;
    }
    memcpy(out, digits + n, sizeof digits - n);
    return (int)(sizeof digits - n);
}

void json_double(struct json *j, double v, int decimals)
{
    if (!isfinite(v)) {
        json_null(j);
        return;
    }
    char text[352]; /* DBL_MAX has 309 digits before the point */
    decimals = decimals < 0 ? 0 : decimals > 17 ? 17 : decimals;
    int n = quick_decimal(text, v, decimals);
    if (n == 0)
        n = snprintf(text, sizeof text, "%.*f", decimals, v);
    assert(n > 0 && (size_t)n < sizeof text);
    if (decimals > 0) {
        while (text[n - 1] == '0')
            n--;
        if (text[n - 1] == '.')
            n--;
    }
    begin_item(j);
    if (n == 2 && text[0] == '-' && text[1] == '0')
        buf_char(j->out, '0');
    else
        buf_add(j->out, text, (size_t)n);
}

void json_bool(struct json *j, bool v)
{
    begin_item(j);
    buf_str(j->out, v ? "true" : "false");
}

void json_null(struct json *j)
{
    begin_item(j);
    buf_str(j->out, "null");
}

void json_raw(struct json *j, struct slice json)
{
    begin_item(j);
    buf_slice(j->out, json);
}

void json_kv_text(struct json *j, const char *key, struct slice text)
{
    json_key(j, key);
    json_text(j, text);
}

void json_kv_str(struct json *j, const char *key, const char *text)
{
    json_key(j, key);
    json_str(j, text);
}

void json_kv_int(struct json *j, const char *key, int64_t v)
{
    json_key(j, key);
    json_int(j, v);
}

void json_kv_double(struct json *j, const char *key, double v, int decimals)
{
    json_key(j, key);
    json_double(j, v, decimals);
}

void json_kv_bool(struct json *j, const char *key, bool v)
{
    json_key(j, key);
    json_bool(j, v);
}

void json_kv_null(struct json *j, const char *key)
{
    json_key(j, key);
    json_null(j);
}

void json_kv_time(struct json *j, const char *key, int64_t time_us)
{
    char text[CLOCK_TEXT_SIZE];
    json_key(j, key);
    if (time_us == 0) {
        json_null(j);
        return;
    }
    begin_item(j);
    put_quoted(j->out, slice_str(clock_rfc3339_us(time_us, text)));
}
