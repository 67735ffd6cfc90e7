/* What RTCP said about a stream, and where its packets were lost. Part of storage/record.h. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "base/xr_fields.h"

struct record_spread { /* ms; NAN without any */
    double min, median, max;
    uint32_t count;
};

/* XR VoIP metrics (RFC 3611 4.7), the last report. NAN: not available; -1 too. */
struct record_voip {
    uint32_t reports;    /* 0: none came, and nothing below is set */
    double loss_ratio, discard_ratio, burst_density, gap_density;
    int64_t burst_ms, gap_ms;
    double round_trip_ms, end_system_ms;
    double signal_dbm0, noise_dbm0, rerl_db;
    uint8_t gmin;
    double r, r_external, mos_lq, mos_cq;
    const char *plc;     /* "standard", "enhanced", "disabled"; NULL: not said */
    const char *buffer;  /* "adaptive", "fixed"; NULL */
    uint8_t buffer_rate;
    int64_t buffer_nominal_ms, buffer_max_ms, buffer_limit_ms;
};

/* The last XR block of a type and kind: base/xr_fields.h has the names. */
struct record_xr_block {
    uint8_t type, kind, span;
    uint32_t reports;
    double values[XR_VALUES];
};

struct record_rtcp {
    uint32_t sender_reports;
    uint32_t receiver_reports;
    double rtt_ms;           /* whole way: median of `total`, or of `chain` */
    double loss_ratio;       /* reported by the receiver, over all its reports */
    int64_t cumulative_lost;
    bool has_cumulative_lost;
    double jitter_ms;        /* last report */
    struct slice cname;
    struct slice tool;
    /* Round trips between the tap and either end, of both together, and by the clocks of the ends. */
    struct record_spread tap_caller, tap_callee, total, chain;
    bool dlsr_broken;
    bool rtt_conflict;
    bool guessed;            /* reports named another SSRC; there was one stream that they could mean */
    double fraction_lost;    /* weighted by the packets that each report is about */
    double jitter_mean_ms;
    double jitter_max_ms;
    struct record_voip voip;
    int64_t xr_discarded;    /* packets, RFC 7002; -1 */
    double xr_mos;           /* RFC 7266 */
    double xr_network_rtt_ms; /* RFC 6843 */
    int64_t xr_concealed_ms; /* RFC 7294; -1 */
    uint32_t xr_block_count;
    struct record_xr_block *xr_blocks;
    /* Of the sender: the last sender report, its farewell, its own packets. */
    int64_t sent_packets, sent_octets; /* -1: no sender report */
    int64_t bye_us;
    struct slice bye_reason;
    uint64_t app_packets;
    struct slice app_name;   /* of the last */
};

struct record_places {
    int64_t before_tap, after_tap, capture;
};

/* Packets, over the intervals that could be compared. `after_tap` is -1 where no receiver reported. */
struct record_split {
    bool given;
    uint64_t packets;
    uint32_t intervals, skipped, suspect;
    struct record_places best, lower, upper;
};
