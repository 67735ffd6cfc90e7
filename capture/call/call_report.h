/* What an end of a call says itself about its media, in a quality report (RFC 6035) or in a header of BYE: kept with the call
 * as it was said, beside what was measured. At most CALL_REPORTS_MAX a call; the same report on another hop is one. */
#pragma once

#include "base/addr.h"

#define CALL_REPORTS_MAX 8

enum call_report_source { CALL_REPORT_VQ, CALL_REPORT_RTP_STAT }; /* in the order of the REPORT_SOURCE label set */
enum call_report_kind { CALL_REPORT_SESSION, CALL_REPORT_INTERVAL, CALL_REPORT_ALERT };
enum call_report_buffer { CALL_REPORT_BUFFER_UNKNOWN, CALL_REPORT_BUFFER_FIXED, CALL_REPORT_BUFFER_ADAPTIVE };

/* Ratios are 0..1, times ms, levels dBm0; what was not said is NAN. LATENCY_MS is what a telephone calls so; SENT are the
 * packets of a stream by its sender, RECEIVED by its receiver. */
#define CALL_REPORT_FIGURES(X)                                                                     \
    X(MOS_LQ) X(MOS_CQ) X(R_LQ) X(R_CQ) X(R_EXTERNAL_IN) X(R_EXTERNAL_OUT)                         \
    X(LOSS_RATIO) X(DISCARD_RATIO) X(BURST_RATIO) X(BURST_MS) X(GAP_RATIO) X(GAP_MS) X(GAP_MIN)    \
    X(RTT_MS) X(END_SYSTEM_MS) X(ONE_WAY_MS) X(LATENCY_MS) X(JITTER_MS) X(JITTER_MEAN_ABS_MS)      \
    X(BUFFER_NOMINAL_MS) X(BUFFER_MAX_MS) X(BUFFER_ABS_MAX_MS)                                     \
    X(SIGNAL_DBM0) X(NOISE_DBM0) X(ECHO_DB)                                                        \
    X(PACKETS_RECEIVED) X(OCTETS_RECEIVED) X(PACKETS_SENT) X(OCTETS_SENT) X(LOST) X(DISCARDED)     \
    X(DURATION_MS)

enum call_report_figure {
#define X(name) CALL_REPORT_##name,
    CALL_REPORT_FIGURES(X)
#undef X
    CALL_REPORT_FIGURE_COUNT
};

/* About one stream. */
struct call_report_side {
    bool present;
    uint8_t buffer;                /* enum call_report_buffer */
    int64_t started_ns, stopped_ns; /* as said; 0: not */
    struct slice codec;
    struct slice estimator;
    double figure[CALL_REPORT_FIGURE_COUNT];
};

/* An end of the media as the report names it. */
struct call_report_end {
    struct endpoint at;            /* zero: not said; port 0: the address alone */
    uint32_t ssrc[2];              /* ways to read it, each as good */
    uint8_t ssrc_count;
};

enum { CALL_REPORT_LOCAL, CALL_REPORT_REMOTE };

/* side[LOCAL] is about the stream that the reporter received: from end[REMOTE] to end[LOCAL]. side[REMOTE] is about the one
 * that it sent, as far as the other side told it. */
struct call_report {
    struct call_report *next;      /* in order of time */
    int64_t time_ns;
    uint8_t source, kind;
    uint8_t party;                 /* enum call_party: who reports; CALL_PARTY_UNKNOWN */
    struct slice reporter;         /* its AOR */
    struct slice user_agent;
    struct slice alert;            /* what an alert is about, as written */
    struct call_report_end end[2];
    struct call_report_side side[2];
};

struct call_reports {
    struct call_report *first, *last;
    uint32_t count, over_limit;
};

/* All figures unknown. */
void call_report_init(struct call_report *r);
const char *call_report_source_text(unsigned source); /* "vq_rtcpxr", "rtp_stat" */
const char *call_report_kind_text(unsigned kind);     /* "session", "interval", "alert" */
const char *call_report_buffer_text(unsigned buffer); /* NULL for UNKNOWN */
