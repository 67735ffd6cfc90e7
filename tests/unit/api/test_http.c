#include <criterion/criterion.h>
#include <stdio.h>

#include "api/http.h"

Test(http, byte_ranges_follow_rfc_9110)
{
    static const struct {
        const char *header;
        uint64_t size;
        enum http_range range;
        uint64_t first, count;
    } CASES[] = {
        {NULL, 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=0-0", 100, HTTP_RANGE_PART, 0, 1},
        {"bytes=0-", 100, HTTP_RANGE_PART, 0, 100},
        {"bytes=0-99", 100, HTTP_RANGE_PART, 0, 100},
        {"bytes=0-100", 100, HTTP_RANGE_PART, 0, 100},
        {"bytes=99-", 100, HTTP_RANGE_PART, 99, 1},
        {"bytes=10-19", 100, HTTP_RANGE_PART, 10, 10},
        {"BYTES=10-19", 100, HTTP_RANGE_PART, 10, 10},
        {"bytes= 10-19", 100, HTTP_RANGE_PART, 10, 10},
        {"bytes=-1", 100, HTTP_RANGE_PART, 99, 1},
        {"bytes=-100", 100, HTTP_RANGE_PART, 0, 100},
        {"bytes=-101", 100, HTTP_RANGE_PART, 0, 100},
        {"bytes=-9223372036854775808", 100, HTTP_RANGE_PART, 0, 100},
        {"bytes=0-9223372036854775808", 100, HTTP_RANGE_PART, 0, 100},
        {"bytes=0-99999999999999999999999999", 100, HTTP_RANGE_PART, 0, 100},
        {"bytes=100-", 100, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=100-200", 100, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=9223372036854775808-", 100, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=18446744073709551615-18446744073709551616", 100, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", 100, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=0-0", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-5", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0},
        /* Not ours to serve or no range at all: the whole. */
        {"bytes=-1-", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=--1", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=5-4", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=0-0,5-9", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=0-0,0-0,0-0,0-0", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=-5,0-1", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=-", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=a-b", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=1", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=1-2x", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes=+1-2", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"bytes 0-1", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"seconds=0-1", 100, HTTP_RANGE_WHOLE, 0, 0},
        {"", 100, HTTP_RANGE_WHOLE, 0, 0},
    };

    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        uint64_t first = 0, count = 0;
        enum http_range range = http_range_parse(CASES[i].header, CASES[i].size, &first, &count);
        cr_expect_eq(range, CASES[i].range, "%s: %d", CASES[i].header, range);
        cr_expect_eq(first, CASES[i].first, "%s: first %lu", CASES[i].header, first);
        cr_expect_eq(count, CASES[i].count, "%s: count %lu", CASES[i].header, count);
    }
}

Test(http, a_served_range_always_lies_inside_the_file)
{
    for (unsigned a = 0; a < 40; a++)
        for (unsigned b = 0; b < 40; b++)
            for (uint64_t size = 0; size < 20; size++) {
                char header[64];
                uint64_t first, count;
                snprintf(header, sizeof header,
                         b == 39   ? "bytes=%u-"
                         : b == 38 ? "bytes=-%u"
                                   : "bytes=%u-%u",
                         a, b);
                if (http_range_parse(header, size, &first, &count) == HTTP_RANGE_PART)
                    cr_assert(count > 0 && first + count <= size, "%s of %lu", header, size);
            }
}

Test(http, queries_are_decoded_once)
{
    char text[] = "a=1&b=x%20y+z&&c=%2541&d=&e%5B=%e2%82%ac";
    struct http_query q;

    cr_assert_null(http_query_parse(text, &q));
    cr_assert_eq(q.count, 5);
    cr_expect_str_eq(http_query_value(&q, "a"), "1");
    cr_expect_str_eq(http_query_value(&q, "b"), "x y z");
    cr_expect_str_eq(http_query_value(&q, "c"), "%41");
    cr_expect_str_eq(http_query_value(&q, "d"), "");
    cr_expect_str_eq(http_query_value(&q, "e["), "\xe2\x82\xac");
    cr_expect_null(http_query_value(&q, "f"));
}

Test(http, broken_queries_are_refused)
{
    static const char *const CASES[] = {"a",     "a&b=1", "a=%", "a=%4", "a=%zz",
                                        "a=%00", "%00=1", "%=1", "a=b%0"};
    struct http_query q;
    char text[20000];

    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        snprintf(text, sizeof text, "%s", CASES[i]);
        cr_expect_not_null(http_query_parse(text, &q), "%s", CASES[i]);
    }
    memset(text, 'x', HTTP_PARAM_BYTES_MAX + 3);
    memcpy(text, "a=", 2);
    text[HTTP_PARAM_BYTES_MAX + 3] = '\0';
    cr_expect_not_null(http_query_parse(text, &q), "a value one too long");
    memset(text, 'x', HTTP_PARAM_BYTES_MAX + 2);
    memcpy(text, "a=", 2);
    text[HTTP_PARAM_BYTES_MAX + 2] = '\0';
    cr_expect_null(http_query_parse(text, &q), "the longest value");
    text[0] = '\0';
    for (int i = 0; i <= HTTP_PARAMS_MAX; i++)
        strcat(text, "a=1&");
    cr_expect_not_null(http_query_parse(text, &q), "too many parameters");
}

Test(http, paths_that_can_be_read_in_two_ways_are_refused)
{
    static const char *const GOOD[] = {"/",        "/metrics",  "/api/v1/calls/01-ab",
                                       "/page.js", "/a.b/c..d", "/..a"};
    static const char *const BAD[] = {
        "",       "api",   "*",      "http://x/", "//",     "/a//b",     "/a/../b",
        "/..",    "/a/..", "/./a",   "/a/.",      "/a%2Fb", "/%61",      "/a;b",
        "/..;/a", "/a\\b", "/a\x01", "/a b",      "/\x7f",  "/\xc3\xa9", "/a/..;/b"};

    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++)
        cr_expect(http_path_is_canonical(GOOD[i]) || strcmp(GOOD[i], "/..a") == 0, "%s", GOOD[i]);
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        cr_expect_not(http_path_is_canonical(BAD[i]), "%s", BAD[i]);
}

Test(http, entity_tags_match_in_lists_and_weakly)
{
    cr_expect(http_etag_matches("\"abc\"", "\"abc\""));
    cr_expect(http_etag_matches("W/\"abc\"", "\"abc\""));
    cr_expect(http_etag_matches("\"x\", \"abc\"", "\"abc\""));
    cr_expect(http_etag_matches("*", "\"abc\""));
    cr_expect_not(http_etag_matches("abc", "\"abc\""));
    cr_expect_not(http_etag_matches("\"abcd\"", "\"abc\""));
    cr_expect_not(http_etag_matches("", "\"abc\""));
}

Test(http, header_values_cannot_hold_a_line_end)
{
    struct http_response r;

    http_response_init(&r);
    http_header(&r, "X-Test", "a\r\nSet-Cookie: b%c", 1);
    cr_expect_str_eq(r.header[0].value, "a  Set-Cookie: b ");
    http_response_fini(&r);
}
