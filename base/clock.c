/* Clocks, and RFC 3339 out and in. */
#include "base/clock.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/error.h"

#define US_PER_S INT64_C(1000000)

static int64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

int64_t clock_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

int64_t clock_mono_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t clock_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

#define SECONDS_A_DAY 86400
#define DAYS_OF_400   146097 /* the calendar repeats after 400 years */
#define DAYS_TO_1970  719468 /* from 1 March of year 0 */

/* Year, month and day of the Gregorian calendar. Years are counted from March: the leap day is
 * their last. */
static void calendar_day(int64_t days, struct tm *tm)
{
    int64_t shifted = days + DAYS_TO_1970;
    int64_t era = (shifted >= 0 ? shifted : shifted - (DAYS_OF_400 - 1)) / DAYS_OF_400;
    int64_t of_era = shifted - era * DAYS_OF_400;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / (DAYS_OF_400 - 1)) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* 0: March */
    tm->tm_mday = (int)(of_year - (153 * month + 2) / 5 + 1);
    tm->tm_mon = (int)(month < 10 ? month + 2 : month - 10);
    tm->tm_year = (int)(year + era * 400 + (month >= 10) - 1900);
}

static void clock_of_day(int of_day, struct tm *tm)
{
    tm->tm_hour = of_day / 3600;
    tm->tm_min = of_day / 60 % 60;
    tm->tm_sec = of_day % 60;
}

/* Rounded down also before 1970; *ret_rest is what is left. */
static int64_t whole_parts(int64_t v, int64_t part, int64_t *ret_rest)
{
    int64_t rest = v % part, whole = v / part;
    *ret_rest = rest < 0 ? rest + part : rest;
    return rest < 0 ? whole - 1 : whole;
}

/* The UTC calendar of a time. Years stay within INT64 microseconds. */
static struct tm calendar(int64_t time_us, int64_t *ret_fraction_us)
{
    struct tm tm = {0};
    int64_t of_day, seconds = whole_parts(time_us, US_PER_S, ret_fraction_us);
    calendar_day(whole_parts(seconds, SECONDS_A_DAY, &of_day), &tm);
    clock_of_day((int)of_day, &tm);
    return tm;
}

/* Decimal with at least `width` digits; returns the place behind it. */
static char *put_number(char *out, int64_t v, int width)
{
    char digits[20];
    int n = 0;
    if (v < 0) {
        *out++ = '-';
        v = -v;
    }
    for (; v || n < width; v /= 10)
        digits[n++] = (char)('0' + v % 10);
    while (n)
        *out++ = digits[--n];
    return out;
}

/* A number below 100 and what stands behind it. */
static inline char *put_two(char *out, int v, char behind)
{
    out[0] = (char)('0' + v / 10);
    out[1] = (char)('0' + v % 10);
    out[2] = behind;
    return out + 3;
}

/* "2026-11-21T" */
static char *put_date(char *out, const struct tm *tm)
{
    char *p = put_number(out, (int64_t)tm->tm_year + 1900, 4);
    *p++ = '-';
    p = put_two(p, tm->tm_mon + 1, '-');
    return put_two(p, tm->tm_mday, 'T');
}

/* "10:00:00." */
static char *put_clock(char *p, const struct tm *tm)
{
    p = put_two(p, tm->tm_hour, ':');
    p = put_two(p, tm->tm_min, ':');
    return put_two(p, tm->tm_sec, '.');
}

/* "123456Z" */
static char *put_fraction(char *p, int us)
{
    put_two(p, us / 10000, '\0');
    put_two(p + 2, us / 100 % 100, '\0');
    return put_two(p + 4, us % 100, 'Z');
}

const char *clock_rfc3339_us(int64_t time_us, char out[CLOCK_TEXT_SIZE])
{
    int64_t fraction;
    struct tm tm = calendar(time_us, &fraction);
    char *p = put_fraction(put_clock(put_date(out, &tm), &tm), (int)fraction);
    *p = '\0';
    return out;
}

#define CLOCK_SIZE 9 /* of what put_clock() writes */

static void next_second(struct clock_last *last, int64_t second)
{
    struct tm tm = {0};
    int64_t of_day, day = whole_parts(second, SECONDS_A_DAY, &of_day);
    if (last->size == 0 || day != last->day) {
        calendar_day(day, &tm);
        last->size = (size_t)(put_date(last->text, &tm) - last->text) + CLOCK_SIZE;
        last->day = day;
    }
    clock_of_day((int)of_day, &tm);
    put_clock(last->text + last->size - CLOCK_SIZE, &tm);
    last->second = second;
}

size_t clock_rfc3339_next(struct clock_last *last, int64_t time_us, char *out)
{
    int64_t fraction, second = whole_parts(time_us, US_PER_S, &fraction);
    if (last->size == 0 || second != last->second)
        next_second(last, second);
    memcpy(out, last->text, sizeof last->text);
    return (size_t)(put_fraction(out + last->size, (int)fraction) - out);
}

const char *clock_day(int64_t time_us, char out[CLOCK_TEXT_SIZE])
{
    int64_t fraction;
    struct tm tm = calendar(time_us, &fraction);
    char *p = put_number(out, (int64_t)tm.tm_year + 1900, 4);
    p = put_number(p, tm.tm_mon + 1, 2);
    p = put_number(p, tm.tm_mday, 2);
    *p = '\0';
    return out;
}

/* ---- reading: what is left of the text, with a sticky error ---- */
struct reader {
    const char *at;
    bool failed;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int read_digits(struct reader *r, int count)
{
    int v = 0;
    for (int i = 0; i < count; i++) {
        if (r->failed || !is_digit(*r->at)) {
            r->failed = true;
            return 0;
        }
        v = 10 * v + (*r->at++ - '0');
    }
    return v;
}

static void read_one_of(struct reader *r, const char *choices)
{
    if (r->failed || *r->at == '\0' || strchr(choices, *r->at) == NULL)
        r->failed = true;
    else
        r->at++;
}

/* ".5" is 500,000; digits past the sixth are read and cut off. */
static int64_t read_fraction_us(struct reader *r)
{
    if (r->failed || *r->at != '.')
        return 0;
    r->at++;
    if (!is_digit(*r->at))
        r->failed = true;
    int64_t us = 0;
    int64_t weight = US_PER_S / 10;
    for (; is_digit(*r->at); r->at++, weight /= 10)
        us += (*r->at - '0') * weight;
    return us;
}

/* "Z" or "+02:00", in seconds east of UTC. */
static int read_offset_s(struct reader *r)
{
    if (r->failed)
        return 0;
    if (*r->at == 'Z' || *r->at == 'z') {
        r->at++;
        return 0;
    }
    int sign = *r->at == '-' ? -1 : 1;
    read_one_of(r, "+-");
    int hours = read_digits(r, 2);
    read_one_of(r, ":");
    int minutes = read_digits(r, 2);
    if (hours > 23 || minutes > 59)
        r->failed = true;
    return sign * (hours * 3600 + minutes * 60);
}

static struct tm read_calendar(struct reader *r)
{
    struct tm tm = {0};
    tm.tm_year = read_digits(r, 4) - 1900;
    read_one_of(r, "-");
    tm.tm_mon = read_digits(r, 2) - 1;
    read_one_of(r, "-");
    tm.tm_mday = read_digits(r, 2);
    read_one_of(r, "Tt ");
    tm.tm_hour = read_digits(r, 2);
    read_one_of(r, ":");
    tm.tm_min = read_digits(r, 2);
    read_one_of(r, ":");
    tm.tm_sec = read_digits(r, 2);
    return tm;
}

int clock_parse_rfc3339(const char *text, int64_t *ret_time_us)
{
    struct reader r = {.at = text};
    struct tm tm = read_calendar(&r);
    int64_t fraction = read_fraction_us(&r);
    int offset = read_offset_s(&r);
    /* A leap second is second 60; timegm() makes it the first of the next minute. */
    if (r.failed || *r.at != '\0' || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return ERR_INVALID;

    struct tm whole = tm;
    whole.tm_hour = whole.tm_min = whole.tm_sec = 0;
    time_t day = timegm(&whole); /* normalises: 31 June would come back as 1 July */
    if (whole.tm_mday != tm.tm_mday || whole.tm_mon != tm.tm_mon || whole.tm_year != tm.tm_year)
        return ERR_INVALID;
    int64_t seconds = (int64_t)day + tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec - offset;
    *ret_time_us = seconds * US_PER_S + fraction;
    return 0;
}

int clock_parse_rfc3339_ns(const char *text, int64_t *ret_time_ns)
{
    int64_t us;
    if (clock_parse_rfc3339(text, &us) != 0 || us > INT64_MAX / 1000 || us < INT64_MIN / 1000)
        return ERR_INVALID;
    *ret_time_ns = us * 1000;
    return 0;
}
