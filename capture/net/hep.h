/* HEP, the encapsulation that capture agents send (HEP3 revision 37, HEP2): one packet to what it says of a datagram. */
#pragma once

#include "capture/net/datagram.h"

enum hep_type { HEP_SIP = 1, HEP_RTP = 4, HEP_RTCP = 5, HEP_RTP_REPORT = 34, HEP_VQ_REPORT = 35, HEP_LOG = 100 };

struct hep_packet {
    struct datagram d;      /* addresses, time, VLAN, TOS and payload as the agent saw them; transport as it says */
    uint8_t version;        /* 2 or 3 */
    uint8_t type;           /* enum hep_type or another */
    uint32_t agent;         /* capture id */
    bool compressed;        /* the payload is: hep_inflate() */
    bool has_time;
    struct slice auth_key;
    struct slice node;
    struct slice correlation_id;
};

/* A HEP packet is at most this long, and so is what a compressed payload may become. */
#define HEP_SIZE_MAX 65535

/* Does it begin like HEP 2 or 3? */
bool hep_looks_like(struct slice bytes);
/* False: malformed (lengths that lie, addresses missing, no payload). Slices point into `bytes`. */
bool hep_parse(struct slice bytes, struct hep_packet *ret_packet);
/* A payload that is zlib or gzip, within `out_max` bytes. Returns its size, 0 when it is neither or too large. Serves whole packets
 * in gzip too (heplify's payload_zip), which hep_looks_like() does not know: a stranger's gzip is no HEP. */
size_t hep_inflate(struct slice payload, uint8_t *out, size_t out_max);
/* RTCP as JSON (heplify, captagent, rtpengine) to the RTCP packets it tells of (SR or RR with report blocks, SDES). Returns bytes written, 0 when it is none. */
size_t hep_rtcp_binary(struct slice json, uint8_t *out, size_t out_max);
/* The same for a payload of type HEP_RTCP: agents that send RTCP as it was on the wire are told by its first byte, and get it back
 * as it is. Empty when it is no RTCP. HEP_RTCP_ROOM is enough for what any JSON becomes. */
struct slice hep_rtcp(struct slice payload, uint8_t *out, size_t out_max);
#define HEP_RTCP_ROOM 4096

/* The agent's time where it lies within a day of reception, else that of reception: a wrong clock of an agent must not move ours.
 * `ret_suspect` tells when it was not believed; a packet without a time is not suspect. */
int64_t hep_time(const struct hep_packet *p, int64_t received_ns, bool *ret_suspect);
/* Index in the label set HEP_TYPE, for the counter HEP_PACKETS. */
unsigned hep_type_label(uint8_t type);
