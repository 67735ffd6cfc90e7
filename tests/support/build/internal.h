/* What the files of the builder share: a call is a script of SIP messages and two streams; each of
 * them is an actor with a time at which it has something to say. Times are microseconds. */
#pragma once

#include "base/buf.h"
#include "tests/support/build/traffic.h"

#define STEPS_MAX       32
#define DATAGRAM_MAX    12288
#define HEAD_MAX        80
#define MTU_BYTES       1480 /* IP packet: with link header and tag a frame stays within 1500 */
#define RTCP_EVERY_US   5000000
#define PROTECTED_SLOTS 4 /* at each end of a segment nothing happens to packets */

struct rng {
    uint64_t state;
};

/* splitmix64 */
static inline uint64_t rng_next(struct rng *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

/* low to high inclusive. */
static inline int64_t rng_between(struct rng *r, uint32_t low, uint32_t high)
{
    return low + (int64_t)rng_below(r, high - low + 1);
}

static inline bool rng_chance(struct rng *r, double pct)
{
    return (double)(rng_next(r) >> 11) * 0x1p-53 * 100 < pct;
}

static inline void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

/* ---- sound, encoded once and copied ever after ---- */
struct audio {
    const char *name, *rtpmap; /* "PCMU", "PCMU/8000" */
    uint8_t payload_type;
    bool noise; /* CN goes with it */
    uint32_t clock_hz, ts_step, ptime_ms;
    uint32_t payload_bytes, packets; /* `packets` payloads of equal size, then from the start */
    uint8_t *bytes;
};

int audio_make(struct audio *a, const struct traffic_config *c, struct why *why);
void audio_free(struct audio *a);

/* ---- addresses and headers ---- */
struct side {
    uint8_t ip[16]; /* IPv4: the first four */
    char ip_text[48];
    char user[24], tag[20];
    uint16_t sip_port, rtp_port, ip_id, vlan; /* vlan of frames that it sends, 0: untagged */
};

/* Link, IP and UDP headers that are the same for every packet of a flow. */
struct wire_head {
    uint8_t bytes[HEAD_MAX];
    uint8_t size, ip_at, udp_at;
    bool v6;
    uint32_t ip_sum; /* of the IPv4 header without length, id and checksum */
};

void wire_head_make(struct wire_head *h, uint16_t link_type, bool v6, const struct side *from,
                    const struct side *to, uint16_t src_port, uint16_t dst_port);
/* Frame with room for a payload at out + h->size already filled in: completes the headers. */
size_t wire_seal(const struct wire_head *h, uint16_t ip_id, uint8_t *out, size_t payload_size);
/* UDP header for a whole datagram with its checksum: `udp` begins with 8 bytes of room. */
void wire_udp(const struct wire_head *h, uint8_t *udp, size_t size);
/* One IP fragment of `udp`; returns the frame's size and moves *offset on. */
size_t wire_fragment(const struct wire_head *h, uint16_t ip_id, const uint8_t *udp, size_t size,
                     size_t *offset, uint8_t *out);

/* ---- a stream ---- */
struct packet {
    int64_t time_us;
    const uint8_t *payload; /* NULL: `small` */
    uint32_t ts;
    uint16_t seq, size;
    uint8_t pt, small[4];
    bool marker, guarded;
};

struct stream {
    struct rng rng;
    const struct traffic_config *config;
    const struct audio *audio;
    struct side *from, *to;
    struct wire_head head, rtcp_head;
    bool on, over, bad_state;
    int64_t first_us, last_us;   /* nominal time of slot 0; of the last packet sent */
    uint32_t slot, slots, joint; /* joint: slot of restart or new SSRC, 0: none */
    uint32_t hold_from, hold_to, dtmf_from;
    uint32_t spurt_end, pause_end;
    bool spurt_starts;
    uint32_t ssrc, ts_base, audio_at;
    uint16_t seq, sent_seq;
    uint32_t sent_cycles;
    struct packet next, held;
    bool has_held, has_copy, copy_due;
    uint64_t sent, lost, duplicates, octets; /* of the present SSRC */
    uint32_t speech_ms;
    uint32_t sr_middle; /* of the last sender report, and when */
    int64_t sr_us, rtcp_us;
    const char *party;
};

/* Thresholds for one 32-bit draw. */
struct odds {
    uint32_t loss_enter, loss_leave, reorder, duplicate;
    uint32_t jitter_us;
};

struct traffic;
struct call;
/* Slots are filled in; draws numbers and prepares the first packet. */
void stream_start(struct traffic *t, struct call *call, struct stream *s);
/* Writes s->next as a frame and prepares the one after; s->over when there is none. */
size_t stream_emit(struct traffic *t, struct call *call, struct stream *s, uint8_t *out);
/* SR and SDES into `out`; `back` is the other direction. */
size_t rtcp_compose(const struct traffic_config *c, struct stream *s, const struct stream *back,
                    int64_t now_us, uint8_t *out);

/* ---- a call ---- */
enum { SDP_NONE, SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY };
enum {
    STEP_INITIAL = 1,
    STEP_CHALLENGE = 2,
    STEP_CREDENTIALS = 4,
    STEP_REDIRECT = 8,
    STEP_BIG = 16
};

struct step {
    int64_t us;
    const char *method;
    uint16_t code;  /* 0: the request */
    bool by_caller; /* the request is */
    uint8_t cseq, branch, sdp, flags;
};

struct call {
    struct rng rng;
    uint32_t index, actors;
    struct side side[2]; /* caller, callee */
    struct stream stream[2];
    struct wire_head sip_head[2];
    char call_id[64];
    struct step steps[STEPS_MAX];
    uint32_t step_count, step;
    enum traffic_outcome outcome;
    bool no_bye;
    const char *released_by;
    uint16_t code;
    int64_t started_us, ringing_us, answered_us, ended_us;
};

/* Draws the call: addresses, script, the slots of its streams. */
void call_plan(struct traffic *t, struct call *call, uint32_t index, int64_t start_us);
void sip_compose(const struct traffic_config *c, const struct audio *a, const struct call *call,
                 const struct step *s, struct buf *out);
void truth_of_call(const struct traffic_config *c, struct call *call);
void truth_of_stream(const struct traffic_config *c, const struct call *call,
                     const struct stream *s);

struct actor {
    int64_t us;
    uint32_t id;
};

struct traffic {
    struct traffic_config config;
    struct audio audio;
    struct odds odds;
    struct rng rng;
    struct call **calls; /* one slot for each that runs at once */
    uint32_t slots, started;
    struct actor *heap;
    uint32_t heap_size;
    uint64_t frames;
    /* fragments of a datagram that did not fit a frame */
    bool fragments;
    struct wire_head fragment_head;
    uint16_t fragment_id;
    size_t fragment_at, datagram_size;
    int64_t fragment_us;
    struct buf text;
    uint8_t datagram[DATAGRAM_MAX];
    uint8_t frame[2048];
};
