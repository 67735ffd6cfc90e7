/* How much faster or slower than ours the sender's clock runs: the slope of the lower envelope of
 * (arrival - media time). Delays can only be added on the way, so the least ones tell of the
 * clocks; their lower convex hull is kept, in a bounded number of points. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { SKEW_POINTS = 16 };

struct skew_point {
    int32_t at_ms;
    int32_t delay; /* units of 20 us */
};

struct skew {
    struct skew_point hull[SKEW_POINTS];
    struct skew_point least; /* of the second that goes on */
    int64_t origin_arrival, origin_delay;
    int64_t slice_end;
    int64_t at_sum_ms; /* over all seconds */
    uint32_t slices;
    float kept_ppm; /* of the longest stretch before a restart */
    uint32_t kept_ms;
    uint8_t count;
    bool started;
};

void skew_init(struct skew *k);
/* Delays have another origin from now on. */
void skew_restart(struct skew *k);
/* Arrival and delay in units. */
void skew_packet(struct skew *k, int64_t arrival, int64_t delay);
/* Parts per million, positive when the sender's clock is slow; NAN before 30 s. */
double skew_ppm(const struct skew *k);
