/* Where packets were lost, report by report. The list is bounded: when it is full two neighbours
 * become one, so that a call of any length is told in at most RTCP_INTERVALS_MAX pieces. Without
 * memory it stays as it is; the sums of rtcp_split.c do not depend on it. */
#include "capture/rtp/rtcp_tap_internal.h"

#include <stdlib.h>

enum { ROOM_FIRST = 16 };

static uint16_t saturate(int64_t v)
{
    return v < 0 ? 0 : v < UINT16_MAX ? (uint16_t)v : UINT16_MAX;
}

static void merge(struct rtcp_interval *into, const struct rtcp_interval *v)
{
    into->end_ns = v->end_ns;
    into->before_tap = saturate((int64_t)into->before_tap + v->before_tap);
    into->after_tap = saturate((int64_t)into->after_tap + v->after_tap);
    into->capture = saturate((int64_t)into->capture + v->capture);
    into->suspect |= v->suspect;
}

static void halve(struct places_series *t)
{
    unsigned pairs = t->count / 2u;
    for (unsigned i = 0; i < pairs; i++) {
        struct rtcp_interval sum = t->intervals[2 * i];
        merge(&sum, &t->intervals[2 * i + 1]);
        t->intervals[i] = sum;
    }
    if (t->count % 2)
        t->intervals[pairs] = t->intervals[t->count - 1];
    t->count = (uint16_t)(pairs + t->count % 2);
}

static bool has_room(struct places_series *t)
{
    if (t->count < t->room)
        return true;
    if (t->room == RTCP_INTERVALS_MAX) {
        halve(t);
        return true;
    }
    unsigned more = t->room ? t->room * 2u : ROOM_FIRST;
    if (more > RTCP_INTERVALS_MAX)
        more = RTCP_INTERVALS_MAX;
    void *grown = realloc(t->intervals, more * sizeof *t->intervals);
    if (grown == NULL)
        return false;
    t->intervals = grown;
    t->room = (uint16_t)more;
    return true;
}

/* A packet that was under way at the edge of an interval counts as lost there, and is taken back in
 * the next. */
static void take_back(struct places_series *t, int64_t packets)
{
    for (unsigned i = t->count; i > 0 && packets > 0; i--) {
        uint16_t *there = &t->intervals[i - 1].after_tap;
        uint16_t less = packets < *there ? (uint16_t)packets : *there;
        *there = (uint16_t)(*there - less);
        packets -= less;
    }
}

void places_series_add(struct places_series *t, int64_t end_ns, const struct rtcp_places *where,
                       bool suspect)
{
    if (where->after_tap < 0)
        take_back(t, -where->after_tap);
    if (!has_room(t))
        return;
    t->intervals[t->count++] = (struct rtcp_interval){
        .end_ns = end_ns,
        .before_tap = saturate(where->before_tap),
        .after_tap = saturate(where->after_tap),
        .capture = saturate(where->capture),
        .suspect = suspect,
    };
}

void places_series_free(struct places_series *t)
{
    free(t->intervals);
    *t = (struct places_series){.count = 0};
}

const struct rtcp_interval *rtcp_tap_intervals(const struct rtcp_tap *t, unsigned *ret_count)
{
    *ret_count = t->split.series.count;
    return t->split.series.intervals;
}
