/* Media that came before its signalling: one byte ring for all flows, in order of arrival. When it
 * is full the oldest packet goes. The packets of a flow form a chain through the ring. */
#pragma once

#include "base/slice.h"

struct held;

/* What is kept of a datagram beside its payload. */
struct held_packet {
    int64_t time_ns;
    uint32_t flow; /* index of its flow */
    uint32_t wire_bytes;
    uint16_t ip_id;
    uint16_t vlan_outer, vlan_inner;
    uint8_t ttl, tos, priority;
    bool rtcp;
};

/* A chain: what a flow keeps of it. Zero positions with count 0: empty. */
struct held_chain {
    uint64_t *first, *last;
    uint32_t *count;
};

struct held *held_new(size_t bytes_max);
void held_free(struct held *h);

/* Room for a payload of this size without dropping anything? */
bool held_fits(const struct held *h, size_t payload_size);
/* Appends; there must be room. False: larger than the ring. */
bool held_add(struct held *h, const struct held_packet *p, struct slice payload,
              struct held_chain chain);
/* The flow of the oldest packet; false when the ring is empty. */
bool held_oldest(struct held *h, uint32_t *ret_flow);
/* First packet of a chain; false when it is empty. The payload is valid until the next held_add().
 */
bool held_first(const struct held *h, struct held_chain chain, struct held_packet *ret_packet,
                struct slice *ret_payload);
/* Takes the first packet out of its chain. */
void held_drop(struct held *h, struct held_chain chain);
size_t held_bytes(const struct held *h);
