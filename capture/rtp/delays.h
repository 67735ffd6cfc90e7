/* How delay varies: over the least of the last 10 s (RFC 5481 PDV), from packet to packet (RFC 3393
 * IPDV), in arrival spacings that are too long, and where a sender stood still. Delays are in units
 * of 20 us (playout.h). Bounded; every packet costs the same. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    DELAYS_PDV_BINS = 46,   /* four an octave from 0.5 ms to 1024 ms */
    DELAYS_IPDV_BINS = 109, /* 1 ms each from -50 to 50 ms, four wider ones on either side */
    DELAYS_SPACINGS = 4,    /* longer than ptime + 50, 100, 200, 500 ms */
};

struct delays {
    uint32_t pdv[DELAYS_PDV_BINS];
    uint32_t ipdv[DELAYS_IPDV_BINS];
    int64_t pdv_max;
    uint32_t spacings[DELAYS_SPACINGS];
    int64_t outage_ns;  /* longest spacing of media packets that were due */
    int64_t stall_from; /* delay before a step that may be a stall */
    int64_t stall_step;
    int64_t stall_until; /* arrival at which it is one; 0: none is watched */
    int64_t stall_sum;
    uint32_t stalls;
};

struct delays_report {
    double p50, p95, p99, max; /* ms; NAN without packets */
    uint32_t ipdv[DELAYS_IPDV_BINS];
    uint32_t spacings[DELAYS_SPACINGS];
    double max_outage_ms;
    uint32_t stalls;
    double stall_ms; /* all of them */
};

void delays_variation(struct delays *d, int64_t over_least);
void delays_between(struct delays *d, int64_t difference);
/* A spacing of arrivals, pauses of the sender taken off; `media`: between two media packets. */
void delays_spacing(struct delays *d, int64_t gap_ns, double ptime_ms, bool media);
/* The delay went up by `step` between neighbours whose timestamps went on as always: the sender
 * stood still and its timestamps with it, unless the delay comes down again within a second. */
void delays_stall(struct delays *d, int64_t arrival, int64_t before, int64_t step);
static inline bool delays_watching(const struct delays *d)
{
    return d->stall_until != 0;
}
void delays_watch(struct delays *d, int64_t arrival, int64_t delay);
/* The delays' origin is lost, and with it what was watched. */
void delays_unwatch(struct delays *d);
void delays_result(const struct delays *d, struct delays_report *ret_report);
/* Middle of a bin of the IPDV histogram in ms; of the outermost, its inner edge. */
int delays_ipdv_ms(unsigned bin);
