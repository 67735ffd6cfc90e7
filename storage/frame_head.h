/* A packet of the spool as a frame again: what the wire's headers said, in front of its payload. */
#pragma once

#include "storage/spool.h"

/* Ethernet, two tags, IPv6, TCP. */
#define FRAME_HEAD_MAX (14 + 8 + 40 + 20)

/* Where a message stands in a stream that was made up for it. */
struct frame_tcp {
    uint32_t seq;
    uint32_t ack;
};

bool frame_is_v4(const struct spool_packet *k);
/* `wire`: bytes of payload that the headers speak of; `whole`: k->payload is all of them. `tcp` NULL: UDP. Returns the head's size. */
size_t frame_head_write(uint8_t out[FRAME_HEAD_MAX], const struct spool_packet *k, uint32_t wire, bool whole,
                        const struct frame_tcp *tcp);
