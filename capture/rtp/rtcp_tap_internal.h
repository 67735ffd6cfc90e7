/* The state behind rtcp_tap.h and the chapters that work on it.
 *
 *   rtcp_tap.c    what passes is handed to the chapters; remote figures
 *   rtcp_said.c   extended reports
 *   rtcp_trip.c   round trips
 *   rtcp_split.c  where packets were lost
 *   rtcp_places.c the same in time */
#pragma once

#include <assert.h>

#include "capture/rtp/rtcp_tap.h"

enum {
    SENDER_REPORTS_KEPT = 16,
    REFERENCE_TIMES_KEPT = 4,
    SPREAD_KEPT = 24, /* even: it is halved when full */
};

/* Of values: extremes and number of all, and for the median every n-th so that they fit. */
struct spread {
    float kept[SPREAD_KEPT];
    float min, max;
    uint32_t count;
    uint16_t used;
    uint16_t skip; /* values between kept ones, plus one; a power of two */
};

/* A sender report that passed, with its first block that echoes a report of the other side. */
struct trip_sr {
    int64_t ns;
    uint32_t mid32;
    uint32_t peer, peer_lsr, peer_dlsr;
};

struct trip_rrtr {
    int64_t ns;
    uint32_t mid32;
    uint32_t receiver;
};

/* What speaks for a delay that nobody measures. */
struct doubt {
    float ms, elapsed_ms;              /* of the round trip before */
    uint8_t negative, growing, untold; /* in a row */
    bool proven;
};

struct trips {
    struct trip_sr sr[SENDER_REPORTS_KEPT]; /* rings */
    struct trip_rrtr rrtr[REFERENCE_TIMES_KEPT];
    uint32_t sr_count, rrtr_count; /* ever */
    struct spread receiver, sender, total, chain;
    int64_t last_ns; /* of `receiver` */
    float last_ms;
    struct doubt here, there, ends; /* about `receiver`, `sender`, `chain` */
};

/* Where packets were lost in time, for charts. */
struct places_series {
    struct rtcp_interval *intervals;
    uint16_t count, room;
};

struct split {
    uint32_t highest; /* of the report before */
    int32_t lost;
    uint32_t duplicates; /* seen here when it came */
    uint64_t drops;      /* of our own since then; 0 with `suspect`: unknown number */
    int64_t ns, before_ns; /* when it came, and the one before it */
    bool suspect;
    bool missed;         /* the newest interval: the receiver had more than we */
    uint32_t intervals, skipped, suspects;
    uint64_t packets;
    struct rtcp_places best, lower, upper;
    struct places_series series;
};

struct remote {
    uint32_t reports;
    uint32_t highest;
    int32_t cumulative_lost;
    uint8_t fraction_lost;
    double packets; /* the weights, summed */
    double lost, fractions, jitter_ms;
    double last_jitter_ms, max_jitter_ms;
    bool guessed;
};

struct rtcp_tap {
    struct remote remote;
    struct split split;
    struct trips trips;
    struct rtcp_extended extended;
    int64_t discards[XR_KINDS]; /* packets by kind (RFC 7002); -1: not told */
    struct rtcp_xr_seen *blocks;
};

/* ---- rtcp_places.c ---- */
void places_series_add(struct places_series *t, int64_t end_ns, const struct rtcp_places *where, bool suspect);
void places_series_free(struct places_series *t);

static_assert(sizeof(struct rtcp_tap) <= 1536, "RTCP of a stream is kept in at most 1.5 KiB");

/* ---- rtcp_said.c ---- */
void said_init(struct rtcp_tap *t);
void said_free(struct rtcp_tap *t);

/* ---- rtcp_trip.c ---- */
void trips_init(struct trips *t);
void trips_sender_report(struct trips *t, const struct rtcp_packet *sr, int64_t ns);
/* A block of the receiver came in `report`; `opposite` may be NULL. */
void trips_block(struct trips *t, const struct rtcp_packet *report, const struct rtcp_block *b, int64_t ns,
                 const struct trips *opposite);
void trips_reference_time(struct trips *t, uint32_t receiver, uint32_t mid32, int64_t ns);
void trips_answer(struct trips *t, const struct xr_dlrr *answer, int64_t ns);
void trips_figures(const struct trips *t, struct rtcp_round_trips *ret_trips);

/* ---- rtcp_split.c ---- */
void split_free(struct split *s);
/* The report from which the next interval is counted. */
void split_begin(struct split *s, const struct rtp_stream *stream, const struct rtcp_block *b, int64_t ns);
/* The interval from the report before to this one; ends it. */
void split_interval(struct split *s, const struct rtp_stream *stream, const struct rtcp_block *b, int64_t ns);
