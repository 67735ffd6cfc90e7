/* RTCP extended reports (RFC 3611 and the blocks that came after it): a walk over the blocks of an XR packet, and their
 * fields. A value that its sender calls unavailable, or that lies outside its range, reads as NAN or -1: it is not known. */
#pragma once

#include "base/xr_fields.h"
#include "capture/rtp/rtp.h"

enum xr_type {
    XR_LOSS_RLE = 1,
    XR_DUPLICATE_RLE = 2,
    XR_RECEIPT_TIMES = 3,
    XR_REFERENCE_TIME = 4,     /* RRTR */
    XR_DLRR = 5,
    XR_STATISTICS = 6,
    XR_VOIP = 7,
    XR_MEASUREMENT = 14,       /* RFC 6776 */
    XR_DELAY_VARIATION = 15,   /* RFC 6798 */
    XR_DELAY = 16,             /* RFC 6843 */
    XR_BURST_LOSS_SUMMARY = 17, /* RFC 7004 */
    XR_BURST_DISCARD_SUMMARY = 18,
    XR_FRAMES = 19,
    XR_BURST_LOSS = 20,        /* RFC 6958 */
    XR_BURST_DISCARD = 21,     /* RFC 7003 */
    XR_BUFFER = 23,            /* RFC 7005 */
    XR_DISCARDS = 24,          /* RFC 7002 */
    XR_DISCARD_RLE = 25,       /* RFC 7097 */
    XR_BYTES_DISCARDED = 26,   /* RFC 7243 */
    XR_MOS = 29,               /* RFC 7266 */
    XR_CONCEALMENT = 30,       /* RFC 7294 */
    XR_CONCEALED_SECONDS = 31,
    XR_OWN_BURST_DISCARD = 35, /* RFC 8015 */
};

struct xr_block {
    uint8_t type;      /* enum xr_type, or one that we do not know */
    uint8_t specific;  /* second octet: flags */
    bool known;        /* its fields can be read: type and length fit */
    bool misshapen;    /* a known type with a length that is not its own: skip it */
    uint32_t ssrc;     /* of the stream it reports on; 0: the type names none (RRTR, DLRR) or is not known */
    struct slice body; /* behind the block's 4-octet header */
};

struct xr_walk {
    struct slice left;
    bool failed;       /* a block ran past the packet */
};

/* Over the blocks of an XR packet; over nothing for other packets. */
struct xr_walk xr_walk(const struct rtcp_packet *p);
bool xr_next(struct xr_walk *w, struct xr_block *ret_block);

/* ---- fields: false when the block is not of that type, or not known ---- */

/* RFC 3611 4.7. Ratios 0..1; levels dBm0; times ms. */
struct xr_voip {
    double loss_ratio, discard_ratio, burst_density, gap_density;
    uint16_t burst_ms, gap_ms;
    double round_trip_ms, end_system_ms; /* 0 on the wire is unknown */
    double signal_dbm0, noise_dbm0, rerl_db;
    uint8_t gmin;
    double r, r_external, mos_lq, mos_cq;
    uint8_t plc;        /* 0 unspecified, 1 disabled, 2 enhanced, 3 standard */
    uint8_t buffer;     /* 0 unknown, 2 fixed, 3 adaptive */
    uint8_t buffer_rate;
    uint16_t buffer_nominal_ms, buffer_max_ms, buffer_limit_ms;
};
bool xr_voip(const struct xr_block *b, struct xr_voip *ret_metrics);

/* 4.4: the middle 32 bits of the NTP time, as LSR counts it. */
bool xr_reference_time(const struct xr_block *b, uint32_t *ret_mid32);

struct xr_dlrr { /* 4.5 */
    uint32_t ssrc; /* of the receiver whose reference time is answered */
    uint32_t last_rr;
    uint32_t delay; /* 1/65536 s */
};
bool xr_dlrr(const struct xr_block *b, unsigned n, struct xr_dlrr *ret_dlrr);

struct xr_statistics { /* 4.6; -1: the sender did not report it */
    uint16_t begin, end;
    int64_t lost, duplicates;
    int64_t jitter_min, jitter_max, jitter_mean, jitter_deviation; /* ticks */
    int ttl_min, ttl_max, ttl_mean, ttl_deviation;
};
bool xr_statistics(const struct xr_block *b, struct xr_statistics *ret_statistics);

/* Loss, duplicate and discard RLE: of the numbers from `begin` on, how many chunks speak of and how many bits are 1 (received,
 * not duplicated, not discarded). At most 65,535 numbers, however long the runs claim to be. */
struct xr_rle {
    uint16_t begin, end; /* end is one past the last */
    uint8_t thinning;
    uint32_t covered, ones;
};
bool xr_rle(const struct xr_block *b, struct xr_rle *ret_rle);

/* 4.3: how many receipt times are given, and the n-th. */
bool xr_receipt_time(const struct xr_block *b, unsigned n, uint16_t *ret_sequence, uint32_t *ret_ticks);

struct xr_measurement {
    uint16_t first;
    uint32_t interval_first, last; /* extended */
    double interval_s, total_s;
};
bool xr_measurement(const struct xr_block *b, struct xr_measurement *ret_measurement);

struct xr_delay_variation {
    uint8_t kind; /* 0 MAPDV2, 1 2-point PDV */
    double positive_ms, positive_percent, negative_ms, negative_percent, mean_ms;
};
bool xr_delay_variation(const struct xr_block *b, struct xr_delay_variation *ret_variation);

struct xr_delay {
    double mean_ms, min_ms, max_ms; /* of the network, both ways */
    double end_system_ms;
};
bool xr_delay(const struct xr_block *b, struct xr_delay *ret_delay);

/* Bursts and gaps, of loss (RFC 6958) or discards (RFC 7003, RFC 8015); -1: the type does not say, or not available. */
struct xr_bursts {
    uint8_t threshold;
    int64_t burst_ms; /* all together */
    int64_t packets;  /* lost or discarded in bursts */
    int64_t expected; /* in bursts */
    int64_t bursts;
    int64_t squares_ms2;
    int64_t discards; /* in bursts and gaps */
};
bool xr_bursts(const struct xr_block *b, struct xr_bursts *ret_bursts);

struct xr_burst_summary { /* RFC 7004; ratios 0..1 */
    double burst_ratio, gap_ratio;
    double mean_ms, variance_ms2; /* of loss only */
};
bool xr_burst_summary(const struct xr_block *b, struct xr_burst_summary *ret_summary);

struct xr_frames { /* RFC 7004 */
    uint16_t begin, end;
    uint32_t discarded, duplicated, lost, lost_partly;
};
bool xr_frames(const struct xr_block *b, struct xr_frames *ret_frames);

struct xr_buffer { /* ms */
    bool adaptive;
    double nominal_ms, max_ms, high_ms, low_ms;
};
bool xr_buffer(const struct xr_block *b, struct xr_buffer *ret_buffer);

/* Packets (RFC 7002) or octets (RFC 7243) discarded; `early`: those that came too early. */
struct xr_discards {
    bool early, late;
    bool interval; /* since the report before; false: since the beginning */
    int64_t count;
};
bool xr_discards(const struct xr_block *b, struct xr_discards *ret_discards);

/* RFC 7266: the n-th segment. */
struct xr_mos {
    uint8_t algorithm;
    uint8_t payload_type;
    uint8_t channel; /* 0: one channel */
    double mos;
};
bool xr_mos(const struct xr_block *b, unsigned n, struct xr_mos *ret_mos);

struct xr_concealment { /* ms, counts; -1: not available */
    uint8_t plc;
    int64_t played_ms, concealed_ms, adjusted_ms, interrupts, mean_interrupt_ms;
};
bool xr_concealment(const struct xr_block *b, struct xr_concealment *ret_concealment);

struct xr_concealed_seconds {
    uint8_t plc;
    int64_t unimpaired, concealed, severe;
    uint8_t threshold_ms;
};
bool xr_concealed_seconds(const struct xr_block *b, struct xr_concealed_seconds *ret_seconds);

/* ---- all of them as numbers ---- */

/* What base/xr_fields.h names, in its order; NAN: not told. */
struct xr_values {
    uint8_t type, kind, span;
    double values[XR_VALUES];
};
/* False for VoIP metrics, reference times and their answers, and what is not known. */
bool xr_values(const struct xr_block *b, struct xr_values *ret_values);
