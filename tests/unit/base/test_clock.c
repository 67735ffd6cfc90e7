#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/error.h"

Test(clock, prints_rfc3339_with_microseconds)
{
    static const struct {
        int64_t us;
        const char *text;
        const char *day;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z", "19700101"},
        {1, "1970-01-01T00:00:00.000001Z", "19700101"},
        {-1, "1969-12-31T23:59:59.999999Z", "19691231"},
        {INT64_C(1795255200123456), "2026-11-21T10:00:00.123456Z", "20261121"},
        {INT64_C(951782400000000), "2000-02-29T00:00:00.000000Z", "20000229"},
        {INT64_C(4102444799999999), "2099-12-31T23:59:59.999999Z", "20991231"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[CLOCK_TEXT_SIZE];
        cr_expect_str_eq(clock_rfc3339_us(cases[i].us, text), cases[i].text);
        cr_expect_str_eq(clock_day(cases[i].us, text), cases[i].day);
    }
}

Test(clock, times_after_each_other_print_as_each_alone)
{
    static const int64_t steps[] = {0, 1, -1, 999999, -1000000, 86400000000, -86400000000, 31556952000000, INT64_C(-90000000000000000)};
    struct clock_last last = {0};
    char alone[CLOCK_TEXT_SIZE], next[CLOCK_TEXT_SIZE];
    int64_t us = 0;
    for (int i = 0; i < 5000; i++) {
        us = i == 2000 ? INT64_MAX : i == 3000 ? INT64_MIN : i % 1000 == 1 ? 7 : us;
        next[clock_rfc3339_next(&last, us, next)] = '\0';
        cr_assert_str_eq(next, clock_rfc3339_us(us, alone));
        int64_t step = steps[(i * 7 + i / 9) % 9];
        if (__builtin_add_overflow(us, step, &us))
            us = -12345;
    }
}

Test(clock, any_number_prints_within_the_buffer)
{
    char text[CLOCK_TEXT_SIZE];
    cr_assert_lt(strlen(clock_rfc3339_us(INT64_MAX, text)), CLOCK_TEXT_SIZE);
    cr_assert_lt(strlen(clock_rfc3339_us(INT64_MIN, text)), CLOCK_TEXT_SIZE);
    cr_assert_lt(strlen(clock_day(INT64_MIN, text)), CLOCK_TEXT_SIZE);
}

Test(clock, parse_undoes_print)
{
    int64_t us = 12345;
    for (int i = 0; i < 4000; i++) {
        char text[CLOCK_TEXT_SIZE];
        int64_t back;
        cr_assert_eq(clock_parse_rfc3339(clock_rfc3339_us(us, text), &back), 0, "%s", text);
        cr_assert_eq(back, us, "%s", text);
        us += INT64_C(777777777777); /* nine days and odd */
    }
}

Test(clock, reads_offsets_and_fractions)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:01z", 1000000},
        {"1970-01-01 00:00:01Z", 1000000},
        {"1970-01-01T02:00:00+02:00", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T00:00:00.5Z", 500000},
        {"1970-01-01T00:00:00.1234567899Z", 123456},
        {"1972-06-30T23:59:60Z", INT64_C(78796800000000)},
        {"2026-11-21T10:00:00.123456Z", INT64_C(1795255200123456)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = -1;
        cr_expect_eq(clock_parse_rfc3339(cases[i].text, &us), 0, "%s", cases[i].text);
        cr_expect_eq(us, cases[i].us, "%s", cases[i].text);
    }
}

Test(clock, refuses_what_is_no_time)
{
    static const char *const cases[] = {
        "",
        "2026",
        "2026-11-21",
        "2026-11-21T10:00:00",
        "2026-11-21T10:00Z",
        "2026-11-21T10:00:00.Z",
        "2026-11-21T10:00:00Zx",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-06-31T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0200",
        "-026-01-01T00:00:00Z",
        "2026-1-1T00:00:00Z",
        "1795255200",
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t us = 7;
        cr_expect_eq(clock_parse_rfc3339(cases[i], &us), ERR_INVALID, "%s", cases[i]);
        cr_expect_eq(us, 7);
    }
}

Test(clock, clocks_go)
{
    int64_t a = clock_mono_ns();
    cr_assert_geq(clock_mono_ns(), a);
    cr_assert_gt(clock_wall_ns(), INT64_C(1600000000) * 1000000000);
    cr_assert_geq(clock_cpu_ns(), 0);
}

Test(clock, the_calendar_is_that_of_the_system)
{
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 200000; i++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        int64_t seconds =
            (int64_t)(random % (UINT64_C(20000) * 365 * 86400)) - INT64_C(5000) * 365 * 86400;
        if (i % 2)
            seconds = (int64_t)(random % 40000) * 86400 - i % 3; /* midnights of our days */
        time_t t = (time_t)seconds;
        struct tm tm;
        char text[CLOCK_TEXT_SIZE], expected[80];
        gmtime_r(&t, &tm);
        if (tm.tm_year + 1900 < 0)
            continue;
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.000000Z",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        cr_assert_str_eq(clock_rfc3339_us(seconds * 1000000, text), expected);
    }
}

Test(clock, what_no_nanoseconds_can_name_is_refused)
{
    int64_t ns = 7;
    cr_expect(clock_parse_rfc3339_ns("2026-11-21T10:00:00.5Z", &ns) == 0 && ns == INT64_C(1795255200500000000));
    cr_expect(clock_parse_rfc3339_ns("1969-12-31T23:59:59Z", &ns) == 0 && ns == -INT64_C(1000000000));
    cr_expect(clock_parse_rfc3339_ns("2262-04-11T23:47:16Z", &ns) == 0 && ns == INT64_C(9223372036000000000));
    ns = 7;
    cr_expect_neq(clock_parse_rfc3339_ns("2262-04-11T23:47:17Z", &ns), 0);
    cr_expect_neq(clock_parse_rfc3339_ns("9999-12-31T23:59:59Z", &ns), 0);
    cr_expect_neq(clock_parse_rfc3339_ns("0001-01-01T00:00:00Z", &ns), 0);
    cr_expect_neq(clock_parse_rfc3339_ns("tomorrow", &ns), 0);
    cr_expect_eq(ns, 7, "written only on success");
}
