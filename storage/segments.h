/* Who talked to whom, when: the calls of one chain as the one conversation that people had. Pure over
 * their records; nothing is changed.
 *
 *   A-B  |=====|  hold  ..........          segments:  A B     |=====|
 *   B-C                |====| hold                       B C          |====|
 *   A-C                        |=======|                 A C                 |=======|
 *
 * A call talks from its answer to its end but while it is on hold. Calls that one conference joins
 * (links of kind conference and join, the same focus) talk together: one segment with all their
 * people, and a new one whenever somebody comes or goes. */
#pragma once

#include "storage/record.h"

#define SEGMENTS_MAX       128
#define SEGMENT_CALLS_MAX  16 /* that talk together */
#define SEGMENTS_CALLS_MAX 64 /* of a chain */

struct segment_call {
    const struct call_record *call;
    int64_t audio_ms; /* where the segment begins in its recording; -1: not in one */
};

struct segment {
    int64_t from_us;
    int64_t to_us; /* 0: goes on */
    unsigned call_count, user_count;
    struct segment_call calls[SEGMENT_CALLS_MAX];
    struct slice users[2 * SEGMENT_CALLS_MAX]; /* borrowed from the records */
};

struct segments {
    unsigned count;
    bool truncated;
    struct segment segment[SEGMENTS_MAX]; /* by their beginning */
};

/* Of at most SEGMENTS_CALLS_MAX records, which need their events; freed with free(). NULL without
 * memory. */
struct segments *segments_of(const struct call_record *const *calls, unsigned count);
