/* A small stage for the front: messages and media are written as frames with their times, what the
 * front says is written down per call. Times are milliseconds after SCENE_START; endpoints are
 * text, "10.0.0.1:5060". */
#pragma once

#include "base/buf.h"
#include "capture/front.h"
#include "capture/sip/sdp.h"
#include "capture/sip/sip.h"

/* Scenes name the fields they care about. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define SCENE_START_NS INT64_C(1700000000000000000)
#define SCENE_CALLS    64
#define SCENE_FLOWS    80
#define SCENE_NOTES    40

struct seen_flow {
    uint32_t number;
    struct event_flow ends;
    struct flow_media media; /* the newest */
    unsigned bound;          /* how often it was described */
    unsigned rtp, rtcp, fax, held;
    uint32_t ssrc[8]; /* in order of appearance */
    unsigned ssrc_count;
    bool gone;
    uint64_t missed; /* told when it went */
};

struct seen_call {
    uint32_t number;
    struct call_brief brief; /* the newest; its texts come behind it */
    char texts[CALL_BRIEF_TEXTS_MAX];
    unsigned changed, sip, retransmissions, over_limit;
    struct seen_flow flow[SCENE_FLOWS];
    unsigned flow_count;
    bool ended;
    struct call call; /* numbers as they were; its slices are copied to the texts below */
    char from_user[64], to_user[64], from_tag[64], to_tag[64], user_agent[64], server[64],
        reason[64];
    char notes[SCENE_NOTES * 40]; /* "reinvite(caller) hold(caller)" */
    /* "1<0=200 2<1=487x": number, what it continues, code; x cancelled. Numbers in order of time. */
    char hops[512];
    char legs[512];  /* "b1@2=486/rejected b2@3*=200/bye+": tag, hop, winner, code, end, acknowledged */
    char tries[512]; /* "2=rejected 3=answered" */
    char causes[128]; /* "Q.850 16 text, SIP 200 text" */
    /* "vq_rtcpxr/session/caller 0x1111<-0x2222 near 4.20 nan": who says it, SSRCs, MOS and lost of each side */
    char reports[1024];
    unsigned reports_over_limit;
    int64_t report_started_ns; /* of the first one's local side */
    char states[64];              /* "TRAE" */
};

struct scene {
    struct front *front;
    struct counters_set *set;
    struct counters *counters;
    struct seen_call *call; /* the first SCENE_CALLS */
    unsigned call_count;
    unsigned ended_count;
    unsigned ticks;
    bool refuse_media;
    uint64_t missed;        /* frames that were told to be lost */
    void (*user)(void *context, const struct event *event); /* of what is no call; may be NULL */
    void *user_context;
    uint16_t vlan;          /* of frames from here on; 0: raw IP */
    struct buf log;         /* one line an event: two runs can be compared */
    uint32_t open[1 << 16]; /* call number -> index in call + 1 */
};

void scene_config(struct front_config *config);
struct scene *scene_new(const struct front_config *config); /* NULL: scene_config() */
void scene_end(struct scene *s);                            /* finish and free */

struct sip_line {
    const char *src, *dst;
    const char *method; /* request; NULL: response */
    int status;
    const char *of;        /* response: method of the CSeq, default INVITE */
    int cseq;              /* default 1 */
    const char *call;      /* default "call-1" */
    const char *from_tag;  /* default "a"; "-" none */
    const char *to_tag;    /* default none */
    const char *branch;    /* default "z9hG4bK1" */
    const char *from, *to; /* users, default alice and bob */
    const char *headers;   /* more lines, each with CRLF */
    const char *sdp;       /* the body */
    const char *type;      /* of the body, default application/sdp */
};

void scene_sip(struct scene *s, double at_ms, struct sip_line line);
void scene_udp(struct scene *s, double at_ms, const char *src, const char *dst, const void *data,
               size_t size);

struct rtp_run {
    const char *src, *dst;
    unsigned count;
    uint32_t ssrc;
    uint16_t sequence;
    uint32_t timestamp;
    uint8_t payload_type;
    double step_ms;         /* default 20 */
    unsigned sequence_step; /* default 1 */
};

/* Returns the time of the packet that would come next. */
double scene_rtp(struct scene *s, double at_ms, struct rtp_run run);
void scene_rtcp(struct scene *s, double at_ms, const char *src, const char *dst, uint32_t ssrc);
/* Silence until then. */
void scene_wait(struct scene *s, double until_ms);
void scene_finish(struct scene *s);

/* An SDP with one audio line, PCMA and telephone-event; `more` is appended. In a ring of static
 * buffers. */
const char *sdp_audio(const char *address, unsigned port, const char *more);

/* The usual call: INVITE 0, 180 200, 200 1000 ms, ACK; caller 10.0.0.1:4000, callee 10.0.0.2:5000.
 */
#define UA "10.0.0.1:5060"
#define UB "10.0.0.2:5060"
#define MA "10.0.0.1:4000"
#define MB "10.0.0.2:5000"
void scene_setup(struct scene *s, double at_ms, const char *call);
void scene_bye(struct scene *s, double at_ms, const char *call);
/* Both directions for a number of packets. */
double scene_talk(struct scene *s, double at_ms, unsigned packets);

/* Packets of RTP that the party of call `index` was said to send. */
unsigned scene_rtp_of(const struct scene *s, unsigned index, enum call_party party);
const struct seen_flow *scene_flow(const struct scene *s, unsigned index, const char *src,
                                   const char *dst);
uint64_t scene_count(const struct scene *s, unsigned cell);
struct endpoint scene_endpoint(const char *text);
