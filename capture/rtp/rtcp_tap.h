/* What RTCP tells about one stream, seen from the middle of its way (docs: the quality reference, 5).
 *
 *      sender ------------ tap ------------ receiver          the stream runs this way ->
 *        <-- RTT_sender --> <-- RTT_receiver -->
 *
 * The receiver's report blocks say what came to it; laid beside the numbers that were seen here they tell on which side of
 * the tap packets were lost. Sender reports and their echoes give round trips without anybody's clock but our own. The state
 * is bounded, and there is none until RTCP speaks of the stream. */
#pragma once

#include "capture/rtp/rtcp_xr.h"
#include "capture/rtp/stream.h"

struct rtcp_tap;

struct rtcp_tap *rtcp_tap_new(void); /* NULL without memory */
void rtcp_tap_free(struct rtcp_tap *t);
size_t rtcp_tap_size(void);

/* ---- what passes, in the order it passes ---- */

/* A sender report of the stream's sender. */
void rtcp_tap_sender_report(struct rtcp_tap *t, const struct rtcp_packet *sr, int64_t ns);

/* Where a report block met the tap. */
struct rtcp_sight {
    int64_t ns;
    const struct rtp_stream *stream;  /* as it was seen here; NULL: not at all */
    const struct rtcp_tap *opposite;  /* of the stream that runs the other way; NULL: none */
    bool guessed;                     /* the SSRC did not match, there was no other stream it could mean */
};
/* `b` out of `report`, which the stream's receiver sent. False: the block is older than one before. */
bool rtcp_tap_block(struct rtcp_tap *t, const struct rtcp_packet *report, const struct rtcp_block *b,
                    const struct rtcp_sight *sight);

/* After a block: it showed packets at the receiver that we missed, between the report before and this one (and a little before,
 * for what was under way). */
bool rtcp_tap_missed(const struct rtcp_tap *t, int64_t *ret_from_ns, int64_t *ret_to_ns);

/* XR of the receiver: its reference time, and metrics of the stream. */
void rtcp_tap_reference_time(struct rtcp_tap *t, uint32_t receiver, uint32_t mid32, int64_t ns);
void rtcp_tap_metrics(struct rtcp_tap *t, const struct xr_block *b);
/* XR of the sender: its answer to a reference time of the receiver. */
void rtcp_tap_answer(struct rtcp_tap *t, const struct xr_dlrr *answer, int64_t ns);

/* We lost up to `frames` packets ourselves, of which this stream may have had some; 0: nobody knows how many. */
void rtcp_tap_capture_lost(struct rtcp_tap *t, uint64_t frames);

/* ---- what it has come to ---- */

struct rtcp_spread { /* ms; NAN and 0 when there was none */
    double min, median, max;
    uint32_t count;
};

struct rtcp_round_trips {
    struct rtcp_spread receiver, sender; /* between the tap and that end */
    struct rtcp_spread total;            /* sums of both, not more than 30 s apart */
    struct rtcp_spread chain;            /* by the clocks of the ends alone */
    bool dlsr_broken;                    /* the receiver does not tell how long it held a report: no round trips */
    bool conflict;                       /* total and chain disagree, or the chain makes sense and what passed here does not */
};

/* Of the receiver. NAN and 0 where it did not say. */
struct rtcp_remote {
    uint32_t reports;
    double loss_ratio;     /* over all intervals between reports; of the only report when there is one */
    double fraction_lost;  /* as the reports say, weighted by what each was about */
    double jitter_ms;      /* likewise */
    double jitter_max_ms;
    int64_t cumulative_lost; /* of the last report */
    bool guessed;
};

/* Sums over the intervals between reports that can be compared with what was seen here. */
struct rtcp_places {
    int64_t before_tap; /* lost on the way to us */
    int64_t after_tap;  /* behind us */
    int64_t capture;    /* came past and were missed by our capture */
};
struct rtcp_split {
    uint64_t packets;   /* that the compared intervals are about */
    uint32_t intervals;
    uint32_t skipped;   /* intervals that could not be compared: restart, too long, no sense */
    uint32_t suspect;   /* intervals in which our capture missed something */
    struct rtcp_places best, lower, upper; /* the truth lies between lower and upper */
};

/* One of these intervals, or several neighbours: where its packets were lost, as far as can be told (`best`). All saturate. */
#define RTCP_INTERVALS_MAX 600 /* then neighbours become one */
struct rtcp_interval {
    int64_t end_ns; /* when the report came */
    uint16_t before_tap, after_tap, capture;
    bool suspect;
};

struct rtcp_extended {
    uint32_t reports;      /* VoIP metrics */
    struct xr_voip voip;   /* the last */
    int64_t discarded;     /* packets, early and late; -1: not told */
    double mos;            /* RFC 7266, NAN: not told */
    double network_rtt_ms; /* RFC 6843 */
    int64_t concealed_ms;  /* RFC 7294, -1: not told */
};

/* The last block of a type and kind, and how many there were. */
struct rtcp_xr_seen {
    struct rtcp_xr_seen *next;
    uint32_t reports;
    struct xr_values last;
};

void rtcp_tap_round_trips(const struct rtcp_tap *t, struct rtcp_round_trips *ret_trips);
void rtcp_tap_remote(const struct rtcp_tap *t, struct rtcp_remote *ret_remote);
void rtcp_tap_split(const struct rtcp_tap *t, struct rtcp_split *ret_split);
/* In order; NULL: none. */
const struct rtcp_interval *rtcp_tap_intervals(const struct rtcp_tap *t, unsigned *ret_count);
void rtcp_tap_extended(const struct rtcp_tap *t, struct rtcp_extended *ret_extended);
/* In the order in which they first came, at most XR_BLOCKS; NULL: none. */
const struct rtcp_xr_seen *rtcp_tap_blocks(const struct rtcp_tap *t);
