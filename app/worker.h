/* A worker: takes the events of its calls, keeps statistics and spool, and makes the record when a call is over.
 * One thread owns a worker; in single mode that is the front's own thread. Tables are indexed by the numbers in the
 * events, so a packet costs no look-up but one array access. */
#pragma once

#include "app/centre_config.h"
#include "app/diagnose/diagnose.h"
#include "app/identity_config.h"
#include "app/pause_config.h"
#include "app/rules_decision.h"
#include "app/suspect.h"
#include "base/counters.h"
#include "base/error.h"
#include "base/media_key.h"
#include "capture/event.h"
#include "capture/rtp/rtcp_tap.h"
#include "capture/rtp/stream.h"
#include "capture/rtp/telephone_event.h"
#include "decode/score.h"
#include "storage/spool.h"

struct worker;
struct live_events;
struct rules;
struct rules_book;

/* What scores rest on besides the packets. */
struct quality_config {
    struct quality_book book;    /* the operator's values of codecs */
    bool no_echo;                /* MOS-CQ without the echo of the default terminals */
    double assumed_delay_ms;     /* mouth to ear where nobody says it; NAN: none is assumed */
};

/* What is told of a call while it goes on, each once. */
enum worker_call_event {
    WORKER_CALL_STARTED,
    WORKER_CALL_RINGING,
    WORKER_CALL_ANSWERED,
    WORKER_CALL_ENDED,
    /* More than once: the record's one event says when and by whom. */
    WORKER_CALL_PAUSED,
    WORKER_CALL_RESUMED,
};

/* Somebody in the call asked to pause or resume its recording, or time did. */
struct worker_control {
    char uid[40];
    int64_t time_ns;
    bool resume, accepted;
    const char *actor;  /* "dtmf:caller", "sip:192.0.2.1:5060", "timer" */
    const char *detail; /* by what means, and why not; may be "" */
};

struct worker_config {
    unsigned index;
    struct rule_decision otherwise;  /* of calls that no rule decides: the default; zeros: nothing is kept */
    struct rules *rules;         /* in force, borrowed; NULL: none */
    struct rules_book *book;     /* the same where they may change; NULL: they do not */
    int64_t on_demand_wait_ns;   /* so long after its end a call may be asked for */
    bool leave_early_media;      /* media ahead of the answer is not kept */
    bool early_rows;             /* also emit a record when a call is answered, and as soon as it is over */
    bool recovered;              /* replays a spool after a crash: recordings are flagged */
    unsigned call_streams_max;   /* default 16 */
    bool playout;                /* simulate jitter buffers */
    bool talkspurts;             /* fixed ones begin anew with each */
    uint8_t burst_gap;           /* good frames that end a burst; 0: 16 */
    const char *probe;
    struct identity_config identity; /* who is who */
    struct centre_config centre;     /* queues and agents */
    struct quality_config quality;
    struct pause_config pause;       /* who may pause a recording from within the call */
    struct diagnose_config diagnosis; /* from when on something is wrong */
    const struct spool_config *spool; /* NULL: keep nothing */
    bool hold_keys;              /* somebody may listen live: keys of SRTP are held of calls, too, that are not recorded */
    struct counters_set *counters;   /* of all workers: the first one looks after bandwidth; NULL: nobody does */
    void *context;
    /* Takes the record. Called in the worker's thread once everything that the record points to can be read. */
    void (*emit)(void *context, struct call_record *record);
    /* Takes the number of a segment (struct spool_marks): ahead of it this worker's hold nothing but calls that were emitted. May be NULL. */
    void (*spool_mark)(void *context, uint32_t segment);
    /* Takes an event of what is no call (user_event.h), borrowed for the time of this call; may be NULL. In the thread of
     * worker 0. */
    void (*user_event)(void *context, const struct event *event);
    /* Takes the record of a call as it stands when one of `call_events` (bits) has come about; never waits. May be NULL. */
    void (*call_event)(void *context, enum worker_call_event event, struct call_record *record);
    unsigned call_events;
    struct live_events *live; /* gets news of calls that go on (worker_live.h), borrowed; NULL: nobody does */
    /* Takes what is to be audited, borrowed; never waits. May be NULL. */
    /* False: it will not be in the audit log; then a resume does not take effect. */
    bool (*control)(void *context, const struct worker_control *control);
};

int worker_new(const struct worker_config *config, struct counters *counters, struct worker **ret_worker, struct why *why);
/* Emits what waits for the spool, then frees. Calls that never ended are dropped: the front ends them first. */
void worker_free(struct worker *w);
void worker_event(struct worker *w, const struct event *event);
/* Media of this flow is likely to come next: a hint for the cache. */
void worker_prepare(const struct worker *w, uint32_t flow);
/* The same a moment later: what the flow points to. */
void worker_fetch(const struct worker *w, uint32_t flow);
/* Wall or packet time went on: flush what is due (EVENT_TICK does the same). */
void worker_tick(struct worker *w, int64_t now_ns);
/* Everything to the disk and all waiting records out. */
void worker_flush(struct worker *w);

/* ---- for summarise.c and live.c, in the worker's thread ---- */

/* What RTCP said about a stream; there is none before it does. */
struct wrtcp {
    struct rtcp_tap *tap;
    uint32_t sender_reports;
    uint32_t jitter_ticks;       /* of the last report block */
    bool exact;                  /* a block named the stream's own SSRC */
    struct suspect suspect;      /* times in which its receiver had packets that we missed */
    char cname[64], tool[64];
    char bye_reason[64], app_name[5];
    uint32_t app_packets;
    uint32_t sent_packets, sent_octets; /* of the last sender report */
    int64_t bye_ns;              /* 0: not yet */
};

/* The first cache line of a stream and of a flow is all that the packet path touches of them. */
struct wstream {
    uint32_t ssrc;
    uint8_t dscp;
    uint8_t dscp_changes;
    uint8_t ttl;                 /* of the packet before */
    uint8_t priority;            /* 802.1p plus 1; 0: untagged */
    uint8_t codec_type;          /* payload type and kind of `codec` */
    uint8_t codec_kind;
    int64_t last_ns;
    uint64_t codec_packets[2];   /* of `codec`, of all others */
    struct rtp_stream *rtp;
    struct wflow *flow;
    struct wstream *next;        /* of the call, in order of appearance */
    uint32_t sid;
    uint32_t windows_counted;    /* scoring windows whose seconds are in the counters */
    struct rtp_codec codec;      /* the one in use */
    struct wrtcp *rtcp;          /* NULL before any */
    uint64_t refused;
    uint64_t counted_received, counted_expected, counted_lost, counted_discarded; /* already in the counters */
    double last_mos;
    const struct quality_config *quality;
    struct rtp_modes *modes;     /* frames by mode; NULL: the codec has none */
    struct video_meter *video;   /* pictures; NULL: it is no video */
    bool early;
    bool red;                    /* packets came as redundant audio */
    bool alerted;                /* its newest window was poor, and that is known */
    uint8_t dscp_first, dscp_least, dscp_most;
    uint8_t ttl_least, ttl_most;
    uint8_t priority_least, priority_most;
    uint32_t key;                /* of its call, + 1: the press that goes on; 0: none */
    struct telephone telephone;  /* keys in its packets */
    uint8_t sources_most;        /* contributing sources (CSRC) of a packet */
    uint64_t padded, extended, mixed; /* packets with padding, with a header extension, with contributing sources */
};

struct wflow {
    struct wcall *call;
    struct wstream *recent;      /* the stream of the packet before, its statistics and codec */
    struct rtp_stream *recent_rtp;
    const struct rtp_codec *recent_codec;
    struct spool_flow *spool;
    uint64_t spooled;
    uint32_t number;
    uint16_t vlan;
    uint8_t recent_type;
    uint8_t header_bytes;        /* of IP and UDP */
    uint16_t label;              /* of the call */
    bool keep;                   /* SDP: it is media that may be kept */
    uint8_t kept;                /* enum rule_keep: so much of its packets goes to the spool */
    bool gone;
    bool secure;
    bool rtcp_seen : 1, rtp_seen : 1;
    uint8_t withhold;            /* what of its packets must not be kept (worker_pause.h); 0: nothing */
    bool tapped;                 /* somebody listens to the call */
    struct wflow *next;          /* of the call */
    struct endpoint src, dst;
    uint8_t party, media_type, confidence;
    bool early, announced;
    uint16_t ptime_ms;
    uint16_t media_index;
    struct spool_ref tail;       /* once the spool flow is closed */
    unsigned codec_count, negotiated_count; /* as in struct flow_media */
    struct rtp_codec *codecs;    /* flows of a call share them (flow_codecs.h) */
    struct key_mute *mask;       /* where keys are silenced (worker_mask.h); NULL: nowhere yet */
};

/* Keys of a call's media, each once, in the order in which signalling told them. Of what is not recorded they are in no record: only a
 * live listener is given them. */
struct wsecrets {
    unsigned count, room;
    struct media_key *items;
};

/* The segments of the two logs that were written then. */
struct wplace {
    uint32_t media, sip;
};

struct wcall {
    struct suspect *suspect;     /* NULL: our capture missed nothing of it */
    uint32_t number;
    struct call_brief *brief;    /* owned; never NULL */
    struct wflow *flows, **flows_end;
    struct wstream *streams, **streams_end;
    unsigned stream_count;
    uint32_t next_sid;
    uint32_t next_flow;
    uint64_t streams_refused;
    uint64_t spool_refused;      /* packets that should have been kept and could not */
    bool spooled_sound;          /* whole packets of media were kept */
    uint64_t fax_packets;        /* of T.38 that were kept */
    int64_t requested_ns;        /* somebody asked for its recording, packet time; 0: nobody did */
    struct wplace begun;         /* nothing of it stands ahead of there */
    struct spool_flow *signalling;
    struct spool_ref signalling_tail;
    uint64_t signalling_messages;
    struct wunseen {
        uint32_t reports; /* of that party */
        uint32_t empty;   /* without a block */
        uint32_t blocks;  /* about streams that did not pass here */
    } unseen[2];          /* by who reports: caller, callee */
    struct wkeys *keys;          /* pressed in RTP (worker_keys.h); NULL: none */
    struct wsecrets secrets;     /* keys of its SRTP */
    struct wpause *pause;        /* of its recording (worker_pause.h); NULL: there was none */
    const struct rule_decision *decision; /* what is to become of its media: the default or of `rules` */
    struct wrules *rules;        /* worker_rules.h; NULL: only the default counts */
    bool recording;
    bool tapped;                 /* its flows are, those to come too */
    bool row_grouped;            /* that row says which group the call belongs to */
    unsigned row_keys;           /* so many keys of its SRTP came with that row or after it */
    uint8_t told;                /* bits of enum worker_call_event that have come about */
    uint8_t shown;               /* bits of enum live_event_kind likewise (worker_live.c) */
    uint8_t row_state;           /* enum call_state that the newest early row says; CALL_TRYING: none */
};

/* Live listening, in the worker's thread: packets of the call's sound go into the tap (sound_tap.h) until the call is over or it is
 * closed; then it is let go. Closing one that is not open does nothing. */
struct sound_tap;
void worker_tap_open(struct worker *w, struct wcall *wc, struct sound_tap *t);
void worker_tap_close(struct worker *w, struct sound_tap *t);

/* All calls that have not ended: walks by number; NULL past the last. */
struct wcall *worker_call_next(struct worker *w, uint32_t *at);
