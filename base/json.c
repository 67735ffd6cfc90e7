/* JSON by appending (RFC 8259). A key and its value ask for room once. Plain text is copied in one
 * piece; only where quotes, backslashes, control characters or other alphabets stand in it are its
 * bytes looked at one by one. */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/quick_copy.h"
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

/* Length of the part at the front that needs no change. */
static size_t clean_run(struct slice s)
{
    size_t n = 0;
    while (n < s.size) {
        size_t length = quick_is_plain(s.data[n]) ? 1 : 0;
        if (s.data[n] >= 0x80)
            length = utf8_length(slice_from(s, n));
        if (length == 0)
            break;
        n += length;
    }
    return n;
}

static void put_escaped(struct buf *out, struct slice s)
{
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

/* Mostly nothing is to be escaped: then one copy does. */
static void put_string(struct buf *out, struct slice s)
{
    uint8_t *p = buf_reserve(out, s.size + 2);
    if (p == NULL)
        return;
    if (!quick_copy_plain(p + 1, s.data, s.size)) {
        put_escaped(out, s);
        return;
    }
    p[0] = '"';
    p[s.size + 1] = '"';
    out->size += s.size + 2;
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

#define DIGITS_MAX 20
static_assert(JSON_INT_MAX > DIGITS_MAX, "a sign and the digits of any number");

/* Returns the place behind it. */
static uint8_t *put_digits(uint8_t *out, uint64_t v)
{
    uint8_t digits[DIGITS_MAX];
    size_t n = sizeof digits;
    if (v < 10) {
        *out = (uint8_t)('0' + v);
        return out + 1;
    }
    do {
        digits[--n] = (uint8_t)('0' + v % 10);
        v /= 10;
    } while (v);
    quick_copy_short(out, digits + n, sizeof digits - n);
    return out + sizeof digits - n;
}

static uint8_t *put_int(uint8_t *out, int64_t v)
{
    if (v >= 0)
        return put_digits(out, (uint64_t)v);
    *out = '-';
    return put_digits(out + 1, (uint64_t)0 - (uint64_t)v);
}

void json_int(struct json *j, int64_t v)
{
    begin_item(j);
    uint8_t *p = buf_reserve(j->out, DIGITS_MAX + 1);
    if (p)
        json_put_end(j, put_int(p, v));
}

void json_uint(struct json *j, uint64_t v)
{
    begin_item(j);
    uint8_t *p = buf_reserve(j->out, DIGITS_MAX);
    if (p)
        json_put_end(j, put_digits(p, v));
}

#define QUICK_DECIMALS 6
#define QUICK_MOST     1e9
static_assert(JSON_INT_MAX >= 10 + 1 + QUICK_DECIMALS, "what put_decimal() writes");

/* As "%.*f" prints it without trailing zeros, where that takes no more than a 64-bit number; NULL where it would be near a tie:
 * printf knows. Returns the place behind it. */
static uint8_t *put_decimal(uint8_t *out, double v, int decimals)
{
    static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    if (decimals > QUICK_DECIMALS || !(fabs(v) < QUICK_MOST) || signbit(v))
        return NULL;
    double scaled = v * powers[decimals];
    uint64_t all = (uint64_t)scaled;
    double rest = scaled - (double)all;
    if (fabs(rest - 0.5) < 1e-3)
        return NULL;
    all += rest > 0.5;
    uint64_t whole = all / powers[decimals], fraction = all % powers[decimals];
    out = put_digits(out, whole);
    if (fraction == 0)
        return out;
    *out++ = '.';
    for (int i = decimals - 1; fraction; i--) { /* digits from the front, none behind the last that counts */
        *out++ = (uint8_t)('0' + fraction / powers[i]);
        fraction %= powers[i];
    }
    return out;
}

/* The long way, for what put_decimal() does not take. */
static void add_decimal(struct buf *out, double v, int decimals)
{
    char text[352]; /* DBL_MAX has 309 digits before the point */
    int n = snprintf(text, sizeof text, "%.*f", decimals, v);
    assert(n > 0 && (size_t)n < sizeof text);
    if (decimals > 0) {
        while (text[n - 1] == '0')
            n--;
        if (text[n - 1] == '.')
            n--;
    }
    if (n == 2 && text[0] == '-' && text[1] == '0')
        buf_char(out, '0');
    else
        buf_add(out, text, (size_t)n);
}

void json_put_double(struct json *j, uint8_t *at, double v, int decimals)
{
    decimals = decimals < 0 ? 0 : decimals > 17 ? 17 : decimals;
    uint8_t *end = put_decimal(at, v, decimals);
    if (!isfinite(v)) {
        memcpy(at, "null", 4);
        end = at + 4;
    }
    json_put_end(j, end ? end : at);
    if (end == NULL)
        add_decimal(j->out, v, decimals);
}

void json_double(struct json *j, double v, int decimals)
{
    begin_item(j);
    uint8_t *p = buf_reserve(j->out, JSON_INT_MAX);
    if (p)
        json_put_double(j, p, v, decimals);
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

void json_put_text(struct json *j, uint8_t *at, struct slice text)
{
    if (!quick_copy_plain(at + 1, text.data, text.size)) {
        json_put_end(j, at);
        put_escaped(j->out, text);
        return;
    }
    at[0] = '"';
    at[text.size + 1] = '"';
    json_put_end(j, at + text.size + 2);
}

void json_put_str(struct json *j, uint8_t *at, struct slice text)
{
    if (text.data) {
        json_put_text(j, at, text);
        return;
    }
    memcpy(at, "null", 4);
    json_put_end(j, at + 4);
}

void json_put_int(struct json *j, uint8_t *at, int64_t v)
{
    json_put_end(j, put_int(at, v));
}

void json_put_time(struct json *j, uint8_t *at, int64_t time_us)
{
    if (time_us == 0) {
        memcpy(at, "null", 4);
        json_put_end(j, at + 4);
        return;
    }
    *at++ = '"';
    at += clock_rfc3339_next(&j->last, time_us, (char *)at);
    *at++ = '"';
    json_put_end(j, at);
}
