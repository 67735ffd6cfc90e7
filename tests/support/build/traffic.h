/* Synthetic SIP, RTP and RTCP with known truth. The same configuration and seed give the same
 * frames, byte for byte, in time order; memory is bounded by the calls that run at once. What went
 * over the wire, and what did not, is told call by call and stream by stream as they end, with the
 * figures counted as the product counts them: `expected` is the sum over segments of last minus
 * first sequence number plus one, `packets` are distinct numbers on the wire.
 *
 *     struct traffic_config c;
 *     traffic_defaults(&c);
 *     c.calls = 3;
 *     traffic_new(&c, &t, &why);
 *     while (traffic_next(t, &frame))
 *         ...
 *     traffic_free(t);
 */
#pragma once

#include "base/error.h"
#include "capture/source/frame.h"

#define TRAFFIC_CALLS_MAX      1000000
#define TRAFFIC_CONCURRENT_MAX 100000
#define TRAFFIC_FRAME_MAX      1500

enum traffic_marker { MARKER_SPURTS, MARKER_ALL, MARKER_NONE };

enum traffic_outcome {
    OUTCOME_MIX,
    OUTCOME_ANSWERED,
    OUTCOME_BUSY,
    OUTCOME_NO_ANSWER,
    OUTCOME_CANCELLED,
    OUTCOME_REJECTED,
    OUTCOME_REDIRECTED,
    OUTCOME_FAILED,
    OUTCOME_LOST,
};

struct truth_call {
    const char *call_id, *outcome, *released_by, *from, *to;
    uint16_t sip_code;                                     /* 0: no final response */
    int64_t started_us, ringing_us, answered_us, ended_us; /* 0: never */
};

struct truth_stream {
    const char *call_id; /* NULL without signalling */
    const char *party;   /* who sends */
    const char *codec;
    char src[64], dst[64];
    uint32_t ssrc;
    uint32_t speech_ms; /* where in the speech its first packet begins; the speech then loops */
    uint64_t packets, expected, lost, duplicates;
};

struct traffic_config {
    uint32_t calls, concurrent;
    double duration_s;  /* from the answer to the end of media */
    double ramp_s;      /* over which the first calls begin; 0: a tenth of a call, at most 5 s */
    const char *codec;  /* PCMU PCMA G722 L16 opus G729 GSM */
    const char *speech; /* WAV, 8 kHz mono s16; NULL: a synthetic voice */
    uint32_t ptime_ms;
    double loss_pct, burst, reorder_pct, duplicate_pct;
    double jitter_ms;            /* each packet is late by 0 to this */
    double vlan_pct, no_bye_pct; /* of the calls */
    bool rtcp, restart, ssrc_change, wrap, dtx, dtmf, ipv6;
    bool auth, early, late_offer, hold, big_invite;
    bool media_only, sip_only;
    enum traffic_marker marker;
    enum traffic_outcome outcome;
    uint16_t link_type; /* LINK_ETHERNET, _LINUX_SLL, _LINUX_SLL2, _RAW, _NULL */
    uint64_t seed;
    int64_t start_s; /* since 1970 */
    void (*on_call)(void *ctx, const struct truth_call *call);
    void (*on_stream)(void *ctx, const struct truth_stream *stream);
    void *ctx;
};

struct traffic;

/* One answered PCMU call of 10 s, nothing wrong with it. */
void traffic_defaults(struct traffic_config *c);
/* ERR_INVALID for a configuration that makes no sense or a WAV that does not fit, with the reason.
 */
int traffic_new(const struct traffic_config *c, struct traffic **ret_traffic, struct why *why);
void traffic_free(struct traffic *t);
/* The next frame, or false at the end. The bytes are good until the next call. */
bool traffic_next(struct traffic *t, struct frame *ret_frame);
uint64_t traffic_frames(const struct traffic *t);
