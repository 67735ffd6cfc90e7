/* Where a packet's sound belongs: RTP time tied to arrival time by an anchor. Times are nanoseconds
 * from the start of the file.
 *
 *             anchor: first packet of a segment
 *                |
 *   RTP time  ---+----+----+----+- - - - - -+----+--->  spacing by the sender's clock
 *   arrival   ---+-----+---+-----+- - - - - - -+---+->  lateness = arrival - RTP time: jitter
 *
 * - Lateness below -1 s, or a clock that steps back: the sender's clock jumped; new anchor.
 * - A step up of 200 ms after a pause in arrivals: either the network held packets back (they now
 *   come in a rush: keep the anchor) or the sender paused with its clock (new anchor). The next
 *   packet tells, so the answer is TIMELINE_DOUBT; when that steps up as well, the one after it, and
 *   so on for a few.
 * - Sound with the same time stamp again and again: a clock that stands still. Each packet stands
 *   behind the one before.
 * - A lateness that stays higher than it was by 40 ms for a second, or lower for five: a sender that
 *   stumbles; the anchor is moved by it. One that stays higher or lower by 4 ms for ten seconds: clock
 *   skew; the anchor is moved by the least of it, so sides with clocks of their own keep in step. What
 *   lasts less long is jitter and moves nothing.
 *
 * No sound begins later than its arrival + 1 s: a channel is never longer than its arrivals. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct timeline {
    uint32_t clock_hz; /* 0: not anchored */
    uint32_t last_ts;
    int64_t ticks; /* since the anchor */
    int64_t last_length_ns;
    int64_t still_ticks; /* added while the clock stood still */
    int64_t anchor_ns;
    int64_t last_arrival_ns;
    int64_t last_late_ns;
    int64_t end_ns; /* behind the last packet's sound */
    unsigned doubts;  /* packets in a row whose place the next one tells */
    bool rush;       /* packets that were held back are coming in */
    int64_t base_ns; /* lateness without jitter; its lowest in the first seconds, then what the
                        windows say */
    int64_t base_open_until_ns;
    int64_t window_start_ns, window_min_ns; /* the smallest lateness of a second */
    unsigned window_packets;
    int run_side;         /* windows in a row are above the base (1), or below it (-1) */
    unsigned run_windows; /* so many */
    int64_t run_ns;       /* the least that one of them is off */
};

enum timeline_verdict {
    TIMELINE_ON,    /* goes on */
    TIMELINE_NEW,   /* anchored anew: what is between is not loss */
    TIMELINE_DOUBT, /* *ret_at_ns is where RTP time says; the next step tells whether to move it:
                     *ret_shift_ns */
};

struct timeline_step {
    int64_t arrival_ns;
    uint32_t timestamp;
    uint32_t clock_hz;
    int64_t length_ns; /* of the sound */
    bool restart;      /* the sequence numbers began anew */
};

struct timeline_place {
    enum timeline_verdict verdict;
    int64_t at_ns;
    int64_t shift_ns; /* belongs to the packet before, when that was in doubt: add to its place */
};

struct timeline_place timeline_next(struct timeline *t, const struct timeline_step *step);
/* The last packet was in doubt and nothing follows: what to add to its place. */
int64_t timeline_settle(struct timeline *t);
