/* The only place that asks what time it is; below app/ time is an argument. Also the printed forms
 * of time. Nanoseconds and microseconds since 1970, UTC. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int64_t clock_wall_ns(void);
int64_t clock_mono_ns(void);
/* CPU time of this process. */
int64_t clock_cpu_ns(void);

#define CLOCK_TEXT_SIZE 40
/* "2026-11-21T10:00:00.123456Z" (RFC 3339, microseconds); returns `out`. */
const char *clock_rfc3339_us(int64_t time_us, char out[CLOCK_TEXT_SIZE]);
/* The second that was written last; all zero before the first. */
struct clock_last {
    int64_t day, second;
    size_t size; /* of its text, up to and with the point */
    char text[CLOCK_TEXT_SIZE];
};
/* The same text without its NUL, quicker for times near each other; returns its size. `out` has room
 * for CLOCK_TEXT_SIZE bytes. */
size_t clock_rfc3339_next(struct clock_last *last, int64_t time_us, char *out);
/* "20261121" of the UTC day; returns `out`. */
const char *clock_day(int64_t time_us, char out[CLOCK_TEXT_SIZE]);
/* RFC 3339 with Z or an offset, fraction optional. 0 or ERR_INVALID. */
int clock_parse_rfc3339(const char *text, int64_t *ret_time_us);
/* The same in nanoseconds, which end in the year 2262: ERR_INVALID for what lies behind. */
int clock_parse_rfc3339_ns(const char *text, int64_t *ret_time_ns);
