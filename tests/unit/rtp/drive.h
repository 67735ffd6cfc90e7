/* Drives a stream from tests: packets by their few numbers, and captures of the reference set. */
#pragma once

#include "capture/rtp/stream.h"

struct drive {
    struct rtp_stream *s;
    struct rtp_codec codec;
    uint8_t payload[400];
    size_t payload_bytes;
};

#define DRIVE_START_NS INT64_C(1700000000000000000)
#define MS             INT64_C(1000000)

/* Announced, codec by its static payload type. */
struct drive drive_static(uint8_t payload_type, size_t payload_bytes);
struct drive drive_named(const char *name, uint32_t clock_hz, size_t payload_bytes);
void drive_stop(struct drive *d);
unsigned drive_packet(struct drive *d, uint16_t sequence, uint32_t timestamp, int64_t ns);
struct rtp_stats drive_stats(const struct drive *d);

/* One RTP datagram of a capture: classic pcap, Ethernet, IPv4, UDP. */
struct reference_packet {
    int64_t ns;
    struct slice datagram;
};
struct reference {
    uint8_t *bytes;
    struct reference_packet *packets;
    size_t count;
};
/* The datagrams from one UDP port of tests/data/reference/<name>.pcap. */
struct reference reference_load(const char *name, uint16_t source_port);
void reference_free(struct reference *r);

/* xorshift: tests are the same every time. */
static inline uint32_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16);
}

static inline bool chance(uint64_t *state, double p)
{
    return draw(state) < p * 4294967296.0;
}
