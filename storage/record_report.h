/* The part of a record that says what endpoints themselves report of its media (RFC 6035, headers of BYE): never mixed with what was
 * measured. One item about one stream, in order of time. */
#pragma once

#include "base/addr.h"

/* Name, key in JSON, decimals there. Ratios are 0..1; NAN: not said. */
#define RECORD_REPORT_FIGURES(X)                                                                   \
    X(MOS_LQ, "reported_mos_lq", 3)                                                                \
    X(MOS_CQ, "reported_mos_cq", 3)                                                                \
    X(R_LQ, "reported_r_lq", 3)                                                                    \
    X(R_CQ, "reported_r_cq", 3)                                                                    \
    X(R_EXTERNAL_IN, "reported_r_external_in", 3)                                                  \
    X(R_EXTERNAL_OUT, "reported_r_external_out", 3)                                                \
    X(LOSS_RATIO, "reported_loss_ratio", 6)                                                        \
    X(DISCARD_RATIO, "reported_discard_ratio", 6)                                                  \
    X(BURST_RATIO, "reported_burst_ratio", 6)                                                      \
    X(BURST_MS, "reported_burst_ms", 3)                                                            \
    X(GAP_RATIO, "reported_gap_ratio", 6)                                                          \
    X(GAP_MS, "reported_gap_ms", 3)                                                                \
    X(GAP_MIN, "reported_gap_min", 0)                                                              \
    X(RTT_MS, "reported_rtt_ms", 3)                                                                \
    X(END_SYSTEM_MS, "reported_end_system_ms", 3)                                                  \
    X(ONE_WAY_MS, "reported_one_way_ms", 3)                                                        \
    X(LATENCY_MS, "reported_latency_ms", 3)                                                        \
    X(JITTER_MS, "reported_jitter_ms", 3)                                                          \
    X(JITTER_MEAN_ABS_MS, "reported_jitter_mean_abs_ms", 3)                                        \
    X(BUFFER_NOMINAL_MS, "reported_buffer_nominal_ms", 3)                                          \
    X(BUFFER_MAX_MS, "reported_buffer_max_ms", 3)                                                  \
    X(BUFFER_ABS_MAX_MS, "reported_buffer_abs_max_ms", 3)                                          \
    X(SIGNAL_DBM0, "reported_signal_dbm0", 1)                                                      \
    X(NOISE_DBM0, "reported_noise_dbm0", 1)                                                        \
    X(ECHO_DB, "reported_echo_db", 1)                                                              \
    X(PACKETS_RECEIVED, "reported_packets_received", 0)                                            \
    X(OCTETS_RECEIVED, "reported_octets_received", 0)                                              \
    X(PACKETS_SENT, "reported_packets_sent", 0)                                                    \
    X(OCTETS_SENT, "reported_octets_sent", 0)                                                      \
    X(LOST, "reported_lost", 0)                                                                    \
    X(DISCARDED, "reported_discarded", 0)                                                          \
    X(DURATION_MS, "reported_duration_ms", 0)

enum record_report_figure {
#define X(name, key, decimals) RECORD_REPORT_##name,
    RECORD_REPORT_FIGURES(X)
#undef X
    RECORD_REPORT_FIGURE_COUNT
};

struct record_report {
    int64_t time_us;
    const char *source;      /* "vq_rtcpxr", "rtp_stat" */
    const char *kind;        /* "session", "interval", "alert" */
    const char *side;        /* "local": its reporter received the stream; "remote": it sent it, and the other side told */
    const char *party;       /* who reports */
    const char *match;       /* why it is the stream `sid`: "ssrc", "addresses", "party"; NULL: it is none that was seen */
    const char *buffer;      /* "fixed", "adaptive"; NULL: not said */
    struct slice reporter;   /* user@host */
    struct slice user_agent;
    struct slice alert;      /* what an alert is about, as written */
    struct slice codec;      /* of the stream, as reported */
    struct slice estimator;  /* algorithm of the scores */
    int64_t started_us, stopped_us; /* of what was measured, as reported; 0: not said */
    struct endpoint src;     /* of the stream, as reported */
    struct endpoint dst;
    bool has_ssrc;
    uint32_t ssrc;
    uint32_t sid;            /* of the stream; 0: none that was seen */
    double reported[RECORD_REPORT_FIGURE_COUNT];
};

struct record_reports {
    uint32_t count;
    struct record_report *items;
    uint32_t over_limit;     /* reports beyond the 8 that are kept */
};
