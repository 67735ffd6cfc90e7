/* All that capture gives: what comes off the wire, as events in packet-time order. The front makes them, a worker takes
 * them: directly in single mode, through a byte ring when there are threads. An event is one fixed struct and one borrowed
 * body; both are valid during the call that delivers them.
 *
 *   CALL_STARTED  -> (CALL_CHANGED | SIP | MEDIA_KEY | FLOW_BOUND | MEDIA | FLOW_GONE)* -> CALL_ENDED
 *
 * Everything of one call goes to one worker, in order. Numbers (`call`, `flow`) index the worker's tables; they are reused
 * only after CALL_ENDED and FLOW_GONE. Orphan media (no signalling) comes as a call of kind CALL_ORPHAN. */
#pragma once

#include "base/addr.h"
#include "capture/call/call.h"
#include "capture/call/user_event.h"
#include "capture/finding/finding.h"
#include "capture/rtp/codec.h"

enum event_kind {
    EVENT_CALL_STARTED, /* call.info, strings in the body as call_brief */
    EVENT_CALL_CHANGED, /* state, times or parties changed: call_brief again */
    EVENT_CALL_ENDED,   /* hands over the call and its arena: the worker owns *ended.call now */
    EVENT_SIP,          /* a raw message of the call, in the body */
    EVENT_FLOW_BOUND,   /* a 5-tuple belongs to the call from now on: body is struct flow_media (also when codecs or party change) */
    EVENT_FLOW_GONE,    /* no more media from this 5-tuple for this call; `missed`: what was refused of it and is not told yet */
    EVENT_MEDIA_KEY,    /* signalling told a key of the call's SRTP: struct media_key in the body; told again with each SDP */
    EVENT_MEDIA,        /* an RTP or RTCP datagram of a bound flow, in the body */
    EVENT_CONTROL,      /* somebody in the signalling wants the recording to pause or go on, or pressed a key: struct event_control */
    EVENT_CAPTURE_LOST, /* we missed frames ourselves: of all calls, or of one flow; `missed` */
    EVENT_TICK,         /* packet time went on (about every 100 ms): flush what is due */
    /* What is no call: bodies are the structs of user_event.h. To worker 0. */
    EVENT_REGISTRATION,
    EVENT_REGISTER_DONE,
    EVENT_SUBSCRIPTION,
    EVENT_MESSAGE_SEEN,
    EVENT_PEER,
    EVENT_PRESENCE,
    EVENT_AGENT,
    EVENT_FINDING, /* struct finding, to worker 0 */
};

/* An event of signalling that is not a call. */
static inline bool event_is_user(unsigned kind)
{
    return kind >= EVENT_REGISTRATION && kind <= EVENT_FINDING;
}

/* What media of this flow means, from SDP. Travels as the body of FLOW_BOUND. */
#define FLOW_CODECS_MAX 24
struct flow_media {
    uint8_t party;         /* enum call_party: who SENDS on this flow */
    uint8_t media_type;    /* enum sdp_media_type */
    uint8_t direction;     /* enum sdp_direction of the receiver's side, for hold */
    uint8_t confidence;    /* enum flow_confidence */
    bool secure;           /* SRTP announced */
    bool early;            /* bound before the answer */
    bool shared;           /* several m= lines run here */
    bool announced;        /* by SDP; false for orphans */
    bool keep;             /* rules want its media in the spool */
    uint8_t rtcp_mux;
    uint8_t codec_count;
    uint8_t negotiated_count; /* the first of them are what offer and answer have in common; 0: no answer seen */
    uint16_t media_index;  /* m= line, from 0 */
    uint16_t ptime_ms;
    struct rtp_codec codecs[FLOW_CODECS_MAX];
};

/* How a flow was bound: both ends stand in SDP; only its source does; only its destination does and the source was
 * learned (symmetric RTP, NAT); nothing does (orphans). */
enum flow_confidence { FLOW_SDP, FLOW_SDP_SOURCE, FLOW_LEARNED, FLOW_GUESSED };

struct event_media {
    uint32_t wire_bytes;  /* UDP payload on the wire; the body may be shorter */
    uint16_t ip_id;
    uint16_t vlan_outer;
    uint16_t vlan_inner;
    uint8_t ttl;
    uint8_t tos;
    uint8_t priority;     /* 802.1p plus 1; 0: untagged */
    bool rtcp;
    bool fax;             /* T.38: the body is a UDPTL datagram */
    bool held;            /* came before its signalling and waited */
};

struct event_sip {
    struct endpoint src;
    struct endpoint dst;
    uint32_t wire_bytes;  /* of the message; the body ends at 65535 bytes */
    uint16_t ip_id;
    uint16_t vlan_outer;
    uint16_t vlan_inner;
    uint8_t ttl;
    uint8_t tos;
    uint8_t transport;    /* enum transport */
    bool retransmission;
    bool over_limit;      /* counted only: the body is empty */
};

struct event_flow {
    struct endpoint src;
    struct endpoint dst;
};

/* Frames that never came to the worker, between these times. */
struct event_missed {
    uint64_t frames;   /* 0: nobody knows how many */
    int64_t since_ns;  /* 0: since the flow's newest packet */
    int64_t until_ns;  /* 0: the event's time */
};

struct event {
    uint8_t kind;         /* enum event_kind */
    uint32_t call;
    uint32_t flow;        /* FLOW_*, MEDIA */
    int64_t time_ns;
    struct slice body;
    union {
        struct event_media media;
        struct event_sip sip;
        struct event_flow bound;
        struct { struct call *call; } ended;
        struct event_missed missed;
    };
};

/* What may control the recording (call/control.h). Whether it is obeyed is the worker's business. */
enum control_kind { CONTROL_PAUSE, CONTROL_RESUME, CONTROL_KEY };

struct event_control {
    uint8_t kind;       /* enum control_kind */
    uint8_t party;      /* who sent it: enum call_party */
    char key;           /* CONTROL_KEY */
    char means[32];     /* "X-Record-Control", "a=record", "info" */
    struct endpoint src;
};

/* Where events go. `worker` is the index of the call's worker (hash of its id modulo their number); EVENT_TICK goes to all. Returns false
 * when a MEDIA event was refused for want of room: the front counts it and the call is marked. Events of what is no call may be
 * refused too and are counted; so may CAPTURE_LOST of a flow, which then is told later. Other kinds are never refused. */
struct event_sink {
    void *context;
    unsigned workers;
    bool (*push)(void *context, unsigned worker, const struct event *event);
    /* May be NULL, both or none. Media of this flow is likely to be pushed soon: bring its state into the cache, and a moment
     * later what that points to. No more than hints. */
    void (*prepare)(void *context, uint32_t flow);
    void (*fetch)(void *context, uint32_t flow);
};
