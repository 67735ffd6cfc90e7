/* The part of a stream's record that says what jitter buffers would have made of it, how bad frames
 * clustered and how delay varied. Unknown numbers are NAN. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { RECORD_BUFFERS = 3, RECORD_RUN_BINS = 13, RECORD_SPACINGS = 4 };

struct record_buffer {
    uint64_t late, early; /* discarded packets */
    double delay_ms;      /* mean delay of the buffer */
    double wait_ms;       /* fixed ones: mean time that played packets stood in it */
    double ppl, burst_r;
    double r, mos_lq;
};

struct record_burst {
    uint8_t gap_min;
    uint64_t bursts;
    double burst_density, gap_density;
    double burst_ms, gap_ms;
    double p, q; /* Gilbert */
    double ratio_raw;
    bool extrapolated;
    uint64_t runs;
    uint32_t longest_run, outages;
    uint32_t histogram[RECORD_RUN_BINS]; /* 1..9, 10-19, 20-49, 50-99, >= 100 frames */
    /* octets of RFC 3611 4.7: by definition, and as the machine of its Appendix A.2 gives them */
    uint8_t burst_density8, gap_density8;
    uint8_t a2_burst_density8, a2_gap_density8, a2_loss8, a2_discard8;
    double a2_burst_ms, a2_gap_ms;
};

struct record_ipdv {
    int ms; /* middle of the bin */
    uint32_t packets;
};

struct record_playout {
    bool given;
    struct record_buffer buffers[RECORD_BUFFERS]; /* F50, F200, AD */
    struct record_burst burst;                    /* of frames lost or discarded by AD */
    double pdv_p50_ms, pdv_p95_ms, pdv_p99_ms, pdv_max_ms;
    uint32_t spacings[RECORD_SPACINGS]; /* longer than ptime + 50, 100, 200, 500 ms */
    double max_outage_ms;
    double skew_ppm;
    uint32_t frozen; /* times that the sender stood still and its timestamps with it */
    double frozen_ms;
    uint32_t ipdv_count;
    struct record_ipdv *ipdv; /* bins that are not empty, ascending */
};

/* All unknown. */
void record_playout_init(struct record_playout *v);
