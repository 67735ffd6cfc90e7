/* Statistics of one RTP stream: one SSRC in one direction of one 5-tuple (docs: the quality reference, sections 1 and 3).
 *
 * Two sets are kept side by side: the counters of RFC 3550 A.1/A.3/A.8 as an endpoint would report them, and the product
 * counters, which no duplicate, marker, restart, wrap or pause can fool and from which the score is computed. The state is
 * at most 1 KiB (4 KiB with playout), the cost of a packet constant, nothing is allocated but the series, and that only when a second ends. */
#pragma once

#include "capture/rtp/burst.h"
#include "capture/rtp/codec.h"
#include "capture/rtp/delays.h"
#include "capture/rtp/playout.h"
#include "capture/rtp/rtp.h"

/* ---- series: counts per step, frames per window; bounded, the step grows instead ---- */
#define SERIES_STEPS_MAX 600

struct rtp_step { /* one step of step_ms; all saturate */
    uint16_t packets;
    uint16_t lost;       /* sequence numbers, booked in the step in which the gap was seen to end */
    uint16_t max_gap_ms; /* longest arrival gap that ended here */
    uint16_t jitter_dms; /* RFC 3550 jitter at the end of the step, 0.1 ms; UINT16_MAX: unknown */
    uint16_t discarded;  /* by the adaptive buffer */
};

struct rtp_window { /* one scoring window of window_ms: what the E-model needs */
    uint16_t expected;   /* media frames due */
    uint16_t lost;       /* media frames lost */
    uint16_t runs;       /* runs of lost frames */
    uint16_t discarded;  /* by the adaptive buffer */
    uint16_t bad_runs;   /* runs of frames lost or discarded; `runs` without playout */
    uint16_t fixed_bad[2], fixed_runs[2]; /* lost or discarded by F50, F200, and their runs */
    uint16_t pdv_p95;    /* delay over the least, of the last 10 s of it, 0.1 ms; UINT16_MAX: unknown */
};

struct rtp_series {
    struct rtp_step *steps;
    struct rtp_window *windows;
    uint16_t step_count, step_room;
    uint16_t window_count, window_room;
    uint32_t step_ms;    /* 1000, then 10000, 20000, 40000 ... as the stream grows older */
    uint32_t window_ms;  /* 10000, 20000 ... */
};

/* ---- what a stream has come to ---- */
struct rtp_stats {
    /* product counters */
    uint64_t received;        /* distinct packets */
    uint64_t expected;
    uint64_t lost;            /* expected - received */
    uint64_t media_expected;  /* media frames (audio packets) due */
    uint64_t media_lost;
    uint64_t runs;            /* runs of lost media frames */
    uint64_t bad, bad_runs;   /* frames lost or discarded and their runs: the score's; without playout as lost */
    uint64_t discarded;       /* by the adaptive buffer */
    bool simulated;           /* playout was, so `discarded` is known */
    uint32_t longest_run;
    uint64_t duplicates;
    uint64_t reordered;
    uint32_t restarts;        /* segments - 1 */
    uint32_t conflicts;       /* a sequence number with another timestamp */
    uint32_t timestamp_jumps;
    uint32_t payload_changes;
    uint32_t marker_count;
    uint64_t event_packets;   /* telephone-event */
    uint64_t noise_packets;   /* CN, SID */
    uint64_t bytes;           /* UDP payload */
    int64_t first_ns;
    int64_t last_ns;
    double ptime_ms;          /* 0 unknown */
    double clock_hz;          /* used for jitter; 0 unknown (then jitter is unknown too) */
    /* jitter RFC 3550 6.4.1 in double precision, audio packets only; NAN: unknown */
    double jitter_ms_last, jitter_ms_mean, jitter_ms_max, jitter_ms_p95;
    double max_gap_ms;        /* longest arrival spacing, pauses removed by the timestamp advance */
    double min_gap_ms;        /* shortest one, as it came; NAN: none */
    /* RFC 3550 A.1/A.3/A.8, as an endpoint reports */
    uint32_t rfc_expected;
    int32_t rfc_lost;
    uint32_t rfc_jitter_ticks;
    uint64_t rfc_received;
    /* runs by length: 1..9, 10-19, 20-49, 50-99, >= 100 */
    uint32_t run_histogram[13];
};

/* What jitter buffers would have made of it, and how delay varied. Frames of `bad` are lost or discarded. */
struct rtp_playout {
    struct playout_report buffers[PLAYOUT_BUFFERS];
    uint64_t bad[PLAYOUT_BUFFERS], runs[PLAYOUT_BUFFERS];
    struct burst_report burst; /* with the adaptive buffer */
    struct delays_report delays;
    double skew_ppm;           /* NAN before 30 s */
};

struct rtp_stream_config {
    bool announced;        /* by SDP or RTCP: the first packet counts at once */
    uint16_t ptime_ms;     /* from SDP; 0: from payload size, then measured */
    bool playout;          /* simulate jitter buffers: 3 KiB more */
    uint8_t gap_min;       /* good frames that end a burst; 0: 16 */
    bool talkspurts;       /* fixed buffers take the first packet of each as their reference */
};

enum rtp_verdict {
    RTP_TAKEN = 1 << 0,      /* new to the stream: counted, worth keeping */
    RTP_DUPLICATE = 1 << 1,  /* seen before: not worth keeping */
    RTP_LATE = 1 << 2,       /* taken, but out of order */
    RTP_RESTART = 1 << 3,    /* taken, opens a new segment */
    RTP_PENDING = 1 << 4,    /* candidate of a restart: counted when its successor comes */
    RTP_STEP = 1 << 5,       /* a step of the series ended with this packet */
    RTP_WINDOW = 1 << 6,     /* a scoring window ended with this packet: windows[window_count - 1] is new */
    RTP_PAYLOAD_CHANGE = 1 << 7,
};

/* Fields below are the module's own; others use the functions. */
struct rtp_stream;

/* NULL without memory. Streams come from a pool of the caller's thread. */
struct rtp_stream *rtp_stream_new(const struct rtp_stream_config *config);
void rtp_stream_free(struct rtp_stream *s);
size_t rtp_stream_size(bool playout);
/* A packet of it is likely to come soon: a hint for the cache. */
void rtp_stream_fetch(const struct rtp_stream *s);

/* One packet in arrival order; returns enum rtp_verdict bits. `codec` is that of its payload type (kind CODEC_UNKNOWN and
 * clock 0 when nobody knows: the clock is then estimated). `datagram_bytes` is the UDP payload on the wire,
 * `payload_bytes` its RTP payload on the wire. Time that runs backwards is clamped. */
unsigned rtp_stream_packet(struct rtp_stream *s, const struct rtp_packet *p, const struct rtp_codec *codec,
                           size_t datagram_bytes, size_t payload_bytes, int64_t time_ns);
/* The stream is over: closes runs, the last step and window. No packet after that. */
void rtp_stream_finish(struct rtp_stream *s);
/* At any time. */
void rtp_stream_stats(const struct rtp_stream *s, struct rtp_stats *ret_stats);
/* false: playout is off, or no audio with a known clock came. */
bool rtp_stream_playout(const struct rtp_stream *s, struct rtp_playout *ret_playout);
const struct rtp_series *rtp_stream_series(const struct rtp_stream *s);
/* Extended highest sequence: for RTCP arithmetic. */
uint32_t rtp_stream_highest(const struct rtp_stream *s);
/* What a report needs often, without the work of all statistics. Clock 0: not known. */
int64_t rtp_stream_first_ns(const struct rtp_stream *s);
double rtp_stream_clock_hz(const struct rtp_stream *s);
uint32_t rtp_stream_duplicates(const struct rtp_stream *s);
/* How many of the numbers after `from` up to `to`, as a receiver reports them, were not seen. -1 when that cannot be told:
 * they are older than the last 4096, or than the segment that goes on, or too far ahead of it. */
int rtp_stream_missing(const struct rtp_stream *s, uint16_t from, uint16_t to);
