/* What three jitter buffers would have made of a stream (the quality reference, section 2): two
 * fixed ones and one that adapts itself. A packet goes in when it arrives; out comes which buffers
 * could not have played it. Memory is constant, nothing is allocated, the cost of a packet bounded.
 *
 * Delays are relative (arrival less media time, whatever the offset of the two clocks) and counted
 * in units of 20 us: exact for the adaptive percentile, and a window of 512 of them fits 1.5 KiB.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum playout_buffer { PLAYOUT_F50, PLAYOUT_F200, PLAYOUT_AD, PLAYOUT_BUFFERS };

enum {
    PLAYOUT_UNITS_PER_MS = 50,
    PLAYOUT_WINDOW_PACKETS = 512, /* of the last 10 s; more than these are not looked at */
    PLAYOUT_PAUSE_MS = 1000,      /* an arrival pause longer than this: every buffer starts anew */
};

/* A buffer of constant depth; the reference is the packet it was anchored to. */
struct playout_fixed {
    int64_t anchor;    /* delay of that packet */
    int64_t bad_since; /* arrival of the first of the discards that go on; INT64_MAX: none */
    int64_t wait_sum;  /* time in the buffer over all played ones */
    uint32_t played, late, early;
    bool anchored;
};

/* The depth follows the 97.5th percentile of the last 10 s. `delay` and `step` are a ring; empty
 * places hold a delay that is larger than any. */
struct playout_adaptive {
    int16_t delay[PLAYOUT_WINDOW_PACKETS]; /* less `origin` */
    uint8_t step[PLAYOUT_WINDOW_PACKETS];  /* arrival after the packet before, coarse */
    int64_t origin;
    int64_t first_arrival, last_arrival; /* of the ring, coarse */
    int64_t depth_sum;
    uint32_t judged, late;
    int32_t depth;
    int16_t least;      /* smallest delay of the window */
    int16_t percentile; /* the 97.5th */
    uint16_t head, count;
    uint16_t least_count;  /* packets with the smallest delay */
    uint16_t below, equal; /* packets with a delay below, at the percentile */
};

struct playout {
    struct playout_fixed fixed[2];
    struct playout_adaptive adaptive;
    int64_t last_arrival;
    int64_t last_delay;
    bool started;
};

struct playout_report {
    uint64_t judged; /* packets */
    uint64_t late, early;
    double
        delay_ms; /* mean delay of the buffer (D_jb): nominal, or the mean depth; NAN: no packet */
    double wait_ms; /* what played packets waited on average, fixed ones only; else NAN */
};

void playout_init(struct playout *p);
/* Media times or arrivals have nothing to do with what was before: a new segment. */
void playout_restart(struct playout *p);
/* The next packet is the reference of the fixed buffers; the adaptive one needs none. */
void playout_talkspurt(struct playout *p);
/* One packet in order of arrival. Returns a bit (1 << enum playout_buffer) for each buffer that
 * discards it. In units: delay is arrival less media time. */
unsigned playout_units(struct playout *p, int64_t delay, int64_t arrival, int32_t ptime);
/* Delay of the last packet over the least of the window, in units. */
int64_t playout_variation(const struct playout *p);
/* The delay, over the least, that this part of the packets of the last 10 s does not exceed; NAN: none came. */
double playout_percentile_ms(const struct playout *p, double part);
void playout_result(const struct playout *p, enum playout_buffer which,
                    struct playout_report *ret_report);
