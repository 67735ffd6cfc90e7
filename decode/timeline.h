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
 * - Packets in sequence whose time stamps go on faster or slower than their sound, while they arrive
 *   at the pace of the sound: the sender counts by another clock than was said (G.722 at 16000). Ten
 *   of them and RTP time is read by that clock. They wait until it is clear (TIMELINE_WAIT), so that
 *   they stand where they belong as well.
 * - A lateness that stays higher than it was by 40 ms for a second, or lower for five: a sender that
 *   stumbles; the anchor is moved by it. One that stays higher or lower by 4 ms for ten seconds: clock
 *   skew; the anchor is moved by the least of it, so sides with clocks of their own keep in step. What
 *   lasts less long is jitter and moves nothing.
 *
 * No sound begins later than its arrival + 1 s: a channel is never longer than its arrivals. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TIMELINE_WAITING 10 /* packets that wait at most */

/* So many ticks in so much time. */
struct timeline_rate {
    int64_t ticks, ns;
};

/* Packets in sequence whose time stamps and sound stand in one proportion. */
struct timeline_pace {
    unsigned packets;
    int64_t ticks, length_ns, gap_ns; /* of the time stamps, the sound, the arrivals */
    int64_t from_ns, from_ticks, base_ns; /* ahead of the first of them */
};

struct timeline {
    uint32_t clock_hz; /* as it was said; 0: not anchored */
    struct timeline_rate rate; /* as it runs */
    struct timeline_pace pace;
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
    TIMELINE_WAIT,  /* one of the next steps tells of all that wait whether they are to be moved:
                       timeline_moved(); any other verdict ends it */
};

struct timeline_step {
    int64_t arrival_ns;
    uint32_t timestamp;
    uint32_t clock_hz;
    int64_t length_ns; /* of the sound */
    bool restart;      /* the sequence numbers began anew */
    bool hole; /* something is missing ahead of it: its time stamp tells nothing of the clock */
};

struct timeline_place {
    enum timeline_verdict verdict;
    int64_t at_ns;
    int64_t shift_ns; /* belongs to the packet before, when that was in doubt: add to its place */
    int64_t from_ns;  /* places behind this one were reckoned by another rate than the true one: */
    struct timeline_rate was, is; /* is.ticks 0: they were not */
};

struct timeline_place timeline_next(struct timeline *t, const struct timeline_step *step);
/* Where a packet that was in doubt or waited for `told` belongs. */
int64_t timeline_moved(const struct timeline_place *told, int64_t at_ns, int64_t arrival_ns);
/* Nothing follows: what is known of packets that are in doubt or wait. */
struct timeline_place timeline_settle(struct timeline *t);
/* timeline_next() decides in this order: another clock or restart; another rate; too early; the
 * packet behind one in doubt; a rush that ended; a step up. Each ends in go_on() (keep the anchor) or
 * anchor_anew(). */
