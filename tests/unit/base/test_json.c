/* JSON text: commas, escapes, numbers, and that whatever goes in, valid UTF-8 comes out. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/utf8.h"
#include "tests/support/guard.h"

Test(json, commas_stand_where_they_belong)
{
    struct buf b;
    struct json j;
    buf_init(&b, 10000);
    json_init(&j, &b);
    json_object(&j);
    json_kv_int(&j, "a", -5);
    json_key(&j, "b");
    json_array(&j);
    json_uint(&j, UINT64_MAX);
    json_object(&j);
    json_end(&j);
    json_array(&j);
    json_end(&j);
    json_raw(&j, slice_str("{\"x\":1}"));
    json_end(&j);
    json_kv_bool(&j, "c", true);
    json_kv_null(&j, "d");
    json_kv_str(&j, "e", NULL);
    json_kv_str(&j, "f", "");
    json_kv_text(&j, "g", slice_of("xyz", 2));
    json_kv_double(&j, "h", 1.5, 3);
    json_kv_time(&j, "i", 1);
    json_kv_time(&j, "j", 0);
    json_end(&j);
    cr_assert_str_eq(buf_text(&b),
                     "{\"a\":-5,\"b\":[18446744073709551615,{},[],{\"x\":1}],\"c\":true,\"d\":null,"
                     "\"e\":null,\"f\":\"\",\"g\":\"xy\",\"h\":1.5,"
                     "\"i\":\"1970-01-01T00:00:00.000001Z\",\"j\":null}");
    cr_assert_eq(j.depth, 0);
    buf_fini(&b);
}

static const char *text_of(struct buf *b, const char *bytes, size_t size)
{
    struct json j;
    struct slice s = guard_copy(slice_of(bytes, size));
    buf_clear(b);
    json_init(&j, b);
    json_text(&j, s);
    guard_free(s);
    return buf_text(b);
}

#define BAD "\xef\xbf\xbd"

Test(json, text_is_escaped)
{
    static const struct {
        const char *in;
        size_t size;
        const char *out;
    } cases[] = {
        {"", 0, "\"\""},
        {"plain", 5, "\"plain\""},
        {"a\"b\\c/", 6, "\"a\\\"b\\\\c/\""},
        {"\r\n\t", 3, "\"\\r\\n\\t\""},
        {"\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\\u007f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\""},
        {"a\xff\x62", 3, "\"a" BAD "b\""},
        {"\xc3", 1, "\"" BAD "\""},
        {"\xe2\x82", 2, "\"" BAD BAD "\""},
        {"\xf0\x9f\x98", 3, "\"" BAD BAD BAD "\""},
        {"\xc0\x80", 2, "\"" BAD BAD "\""},                 /* overlong NUL */
        {"\xe0\x80\xaf", 3, "\"" BAD BAD BAD "\""},         /* overlong slash */
        {"\xed\xa0\x80", 3, "\"" BAD BAD BAD "\""},         /* surrogate */
        {"\xf4\x90\x80\x80", 4, "\"" BAD BAD BAD BAD "\""}, /* above U+10FFFF */
        {"\xf4\x8f\xbf\xbf", 4, "\"\xf4\x8f\xbf\xbf\""},
    };
    struct buf b;
    buf_init(&b, 1000);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_str_eq(text_of(&b, cases[i].in, cases[i].size), cases[i].out, "case %zu", i);
    buf_fini(&b);
}

Test(json, any_bytes_become_valid_utf8)
{
    struct buf b;
    buf_init(&b, 1000);
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 3000; round++) {
        char bytes[24];
        for (size_t i = 0; i < sizeof bytes; i++) {
            random ^= random << 13, random ^= random >> 7, random ^= random << 17;
            bytes[i] = (char)(random % 3 ? 0x80 | random >> 16 : random >> 24);
        }
        text_of(&b, bytes, (size_t)(random % (sizeof bytes + 1)));
        for (struct slice s = buf_view(&b); s.size;) {
            size_t n = utf8_length(s);
            cr_assert_gt(n, 0);
            cr_assert_geq(s.data[0], 0x20);
            s = slice_from(s, n);
        }
    }
    buf_fini(&b);
}

/* At each size and place; a key stands ahead of it or none. */
Test(json, one_byte_to_escape_is_found_wherever_it_stands)
{
    static const struct {
        char byte;
        const char *out;
    } odd[] = {{'"', "\\\""}, {'\\', "\\\\"}, {0x1f, "\\u001f"}, {0x7f, "\\u007f"}, {'\xff', BAD}};
    struct buf b, plain;
    buf_init(&b, 1000);
    buf_init(&plain, 1000);
    for (size_t size = 0; size < 50; size++)
        for (size_t at = 0; at < size; at++) {
            char bytes[50];
            size_t which = (size + at) % (sizeof odd / sizeof *odd);
            memset(bytes, 'a', sizeof bytes);
            bytes[at] = odd[which].byte;
            buf_clear(&plain);
            buf_printf(&plain, "{\"k\":\"%.*s%s%.*s\"}", (int)at, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                       odd[which].out, (int)(size - at - 1),
                       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
            struct slice s = guard_copy(slice_of(bytes, size));
            struct json j;
            buf_clear(&b);
            json_init(&j, &b);
            json_object(&j);
            json_kv_text(&j, "k", s);
            json_end(&j);
            guard_free(s);
            cr_assert_str_eq(buf_text(&b), buf_text(&plain));
        }
    buf_fini(&b);
    buf_fini(&plain);
}

Test(json, doubles_are_short_and_finite)
{
    static const struct {
        double v;
        int decimals;
        const char *out;
    } cases[] = {
        {0, 3, "0"},
        {-0.0, 3, "0"},
        {-0.0001, 2, "0"},
        {1, 3, "1"},
        {100, 0, "100"},
        {1.5, 3, "1.5"},
        {4.4096, 2, "4.41"},
        {-2.25, 6, "-2.25"},
        {0.1, 1, "0.1"},
        {1e21, 2, "1000000000000000000000"},
        {NAN, 2, "null"},
        {INFINITY, 2, "null"},
        {-INFINITY, 2, "null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b;
        struct json j;
        buf_init(&b, 1000);
        json_init(&j, &b);
        json_double(&j, cases[i].v, cases[i].decimals);
        cr_expect_str_eq(buf_text(&b), cases[i].out);
        buf_fini(&b);
    }
}

Test(json, extremes_print)
{
    struct buf b;
    struct json j;
    buf_init(&b, 2000);
    json_init(&j, &b);
    json_array(&j);
    json_int(&j, INT64_MIN);
    json_double(&j, 1.7976931348623157e308, 99);
    json_end(&j);
    cr_assert(slice_starts(buf_view(&b), "[-9223372036854775808,17976931348623157"));
    cr_assert_not(b.failed);
    buf_fini(&b);
}

/* What printf says, without the zeros behind. */
static void printed(double v, int decimals, char *out, size_t size)
{
    int n = snprintf(out, size, "%.*f", decimals, v);
    while (decimals > 0 && out[n - 1] == '0')
        out[--n] = '\0';
    if (out[n - 1] == '.')
        out[n - 1] = '\0';
    if (strcmp(out, "-0") == 0)
        strcpy(out, "0");
}

Test(json, doubles_print_as_printf_rounds_them)
{
    uint64_t random = 88172645463325252u;
    struct buf b;
    buf_init(&b, 1024);
    for (int i = 0; i < 200000; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        int decimals = (int)(random % 8);
        double v = (double)(random >> 20) / (double)(1u << random % 31);
        if (i % 3 == 0) /* near or on a tie */
            v = (double)(random % 1000000) / 2000;
        if (i % 7 == 0)
            v = -v;
        char expected[400];
        printed(v, decimals, expected, sizeof expected);
        struct json j;
        buf_clear(&b);
        json_init(&j, &b);
        json_double(&j, v, decimals);
        cr_assert_str_eq(buf_text(&b), expected);
    }
    buf_fini(&b);
}

Test(json, each_byte_at_each_place_of_a_word_is_looked_at)
{
    struct buf b;
    buf_init(&b, 1024);
    for (unsigned c = 0; c < 0x80; c++) {
        for (unsigned at = 0; at < 17; at++) {
            char text[17], expected[64];
            memset(text, 'a', sizeof text);
            text[at] = (char)c;
            bool plain = c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
            struct json j;
            buf_clear(&b);
            json_init(&j, &b);
            json_text(&j, slice_of(text, sizeof text));
            snprintf(expected, sizeof expected, "\"%.17s\"", text);
            bool same = strcmp(buf_text(&b), expected) == 0;
            cr_expect_eq(same, plain && c, "0x%02x at %u: %s", c, at, buf_text(&b));
        }
    }
    buf_fini(&b);
}
