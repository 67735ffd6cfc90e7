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

/* Comma, key and colon; *ret_at is the place behind them, with room for `more` bytes. */
static bool put_key(struct json *j, struct slice key, size_t more, uint8_t **ret_at)
{
    uint8_t *p = buf_reserve(j->out, key.size + 4 + more);
    if (p == NULL)
        return false;
    if (j->comma[j->depth])
        *p++ = ',';
    *p++ = '"';
    quick_copy(p, key.data, key.size);
    p += key.size;
    *p++ = '"';
    *p++ = ':';
    *ret_at = p;
    return true;
}

/* What was written ends at `end`. */
static void put_end(struct json *j, const uint8_t *end)
{
    j->out->size = (size_t)(end - j->out->data);
}

void json_key_of(struct json *j, struct slice key)
{
    uint8_t *at;
    if (put_key(j, key, 0, &at))
        put_end(j, at);
    j->comma[j->depth] = false; /* its value follows without one */
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
        put_end(j, put_int(p, v));
}

void json_uint(struct json *j, uint64_t v)
{
    begin_item(j);
    uint8_t *p = buf_reserve(j->out, DIGITS_MAX);
    if (p)
        put_end(j, put_digits(p, v));
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

void json_kv_text_of(struct json *j, struct slice key, struct slice text)
{
    uint8_t *p;
    if (!put_key(j, key, text.size + 2, &p))
        return;
    if (!quick_copy_plain(p + 1, text.data, text.size)) {
        json_key_of(j, key);
        json_text(j, text);
        return;
    }
    p[0] = '"';
    p[text.size + 1] = '"';
    put_end(j, p + text.size + 2);
    j->comma[j->depth] = true;
}

/* Text of ours, as it is. */
static void put_known(struct json *j, struct slice key, const char *text, size_t size)
{
    uint8_t *p;
    if (!put_key(j, key, size, &p))
        return;
    quick_copy(p, (const uint8_t *)text, size);
    put_end(j, p + size);
    j->comma[j->depth] = true;
}

void json_kv_bool_of(struct json *j, struct slice key, bool v)
{
    put_known(j, key, v ? "true" : "false", v ? 4 : 5);
}

void json_kv_null_of(struct json *j, struct slice key)
{
    put_known(j, key, "null", 4);
}

void json_kv_int_of(struct json *j, struct slice key, int64_t v)
{
    uint8_t *p;
    if (!put_key(j, key, DIGITS_MAX + 1, &p))
        return;
    put_end(j, put_int(p, v));
    j->comma[j->depth] = true;
}

void json_kv_double_of(struct json *j, struct slice key, double v, int decimals)
{
    if (!isfinite(v)) {
        json_kv_null_of(j, key);
        return;
    }
    json_key_of(j, key);
    json_double(j, v, decimals);
}

void json_kv_time_of(struct json *j, struct slice key, int64_t time_us)
{
    uint8_t *p;
    if (time_us == 0) {
        json_kv_null_of(j, key);
        return;
    }
    if (!put_key(j, key, CLOCK_TEXT_SIZE + 2, &p))
        return;
    *p++ = '"';
    p += clock_rfc3339_next(&j->last, time_us, (char *)p);
    *p++ = '"';
    put_end(j, p);
    j->comma[j->depth] = true;
}
