/* What ear.c asks and decoder/ear_child.c does: a frame that begins with 0 (a job begins with the number of its records), then
 * steps, each with what it needs. The answer: a value, and frames of sound. */
#pragma once

#include "base/buf.h"
#include "decode/render.h"
#include "storage/pack.h"

enum ear_step { EAR_DONE, EAR_OPEN, EAR_BEGIN, EAR_PACKET, EAR_SKIP, EAR_READ, EAR_END, EAR_STEPS };

struct ear_packet {
    uint8_t channel;
    uint32_t flow;
    int64_t time_ns;
    struct render_codec codec;
    struct slice datagram;
};

void ear_packet_pack(struct pack *p, struct ear_packet *v);
