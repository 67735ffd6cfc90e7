/* Bursts, gaps and runs of a vector of frames (the quality reference, section 3): frame by frame in
 * the order of the sender, good or bad, where bad is lost or discarded. Constant memory. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { BURST_RUN_BINS = 13, BURST_GAP_MIN = 16 };

/* Runs of bad frames alone: all that the burst ratio needs. */
struct burst_runs {
    uint64_t bad;
    uint64_t runs; /* closed ones */
    uint32_t open; /* frames of the run that is going on */
};

/* The counters of RFC 3611 Appendix A.2, kept to understand what an endpoint sent. */
struct burst_a2 {
    uint32_t c11, c13, c14, c22, c23, c33;
    uint32_t good, bad; /* since the last bad frame; since the last gap */
    uint32_t lost, discarded;
};

struct burst {
    struct burst_runs runs;
    struct burst_a2 a2;
    uint64_t frames;
    uint64_t bursts, burst_frames, burst_bad;
    uint64_t gaps;      /* stretches outside bursts, closed ones */
    uint64_t outside;   /* frames outside since the last burst */
    uint32_t group_len; /* 0: no group is open */
    uint32_t group_bad;
    uint32_t good_run;
    uint32_t longest; /* run */
    uint32_t outages; /* runs of more than 500 ms */
    uint32_t outage_frames;
    uint32_t histogram[BURST_RUN_BINS]; /* 1..9, 10-19, 20-49, 50-99, >= 100 */
    uint8_t gap_min;
};

/* Densities are shares, -1 frames or NAN where nothing is known. */
struct burst_report {
    uint64_t frames, bad, runs;
    uint64_t bursts, gaps;
    double burst_density, gap_density;
    double burst_ms, gap_ms; /* mean lengths */
    double p, q;             /* Gilbert: good to bad, bad to good */
    double ratio;            /* BurstR, held within 1 and 8 */
    double ratio_raw;
    bool extrapolated; /* the E-model is not supported so far out */
    uint32_t longest, outages;
    uint32_t histogram[BURST_RUN_BINS];
    uint8_t gap_min;
    /* as octets of an RFC 3611 VoIP metrics block, by definition */
    uint8_t burst_density8, gap_density8;
    /* and as the machine of A.2 gives them */
    struct burst_a2_report {
        uint8_t burst_density8, gap_density8, loss8, discard8;
        double burst_ms, gap_ms;
    } a2;
};

/* gap_min 0: 16. */
void burst_init(struct burst *b, unsigned gap_min);
/* Runs longer than 500 ms are outages: how many frames that is. */
void burst_packet_time(struct burst *b, double ptime_ms);
void burst_good(struct burst *b, uint32_t frames);
/* In a row, all lost or all discarded. */
void burst_bad(struct burst *b, uint32_t frames, bool discarded);
/* The end of a segment: what comes next has nothing to do with it. */
void burst_close(struct burst *b);
/* As if it ended now. */
void burst_result(const struct burst *b, double ptime_ms, struct burst_report *ret_report);

static inline void burst_runs_good(struct burst_runs *r)
{
    r->runs += r->open != 0;
    r->open = 0;
}

static inline void burst_runs_bad(struct burst_runs *r, uint32_t frames)
{
    r->bad += frames;
    r->open += frames;
}

unsigned burst_run_bin(uint32_t length);
/* Beyond what G.107 supports: more than 20 % bad, or a ratio over 2 from 2 % on. */
bool burst_extrapolates(uint64_t frames, uint64_t bad, double ratio);
