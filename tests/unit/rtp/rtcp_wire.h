/* RTCP packets for tests: a report with one block, parsed again the way the product does. */
#pragma once

#include <criterion/criterion.h>

#include "capture/rtp/rtcp_xr.h"

struct report {
    uint8_t bytes[52];
    struct rtcp_packet packet;
    struct rtcp_block block;
};

static inline void put32(uint8_t *at, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
}

/* `mid32` 0: a receiver report. */
static inline struct rtcp_packet report_parse(struct report *r, uint32_t from, uint32_t mid32)
{
    bool sr = mid32 != 0;
    size_t at = sr ? 28 : 8;
    memset(r->bytes, 0, sizeof r->bytes);
    r->bytes[0] = 0x81;
    r->bytes[1] = sr ? 200 : 201;
    r->bytes[3] = (uint8_t)((at + 24) / 4 - 1);
    put32(r->bytes + 4, from);
    if (sr) {
        put32(r->bytes + 8, mid32 >> 16);
        put32(r->bytes + 12, mid32 << 16);
    }
    put32(r->bytes + at, r->block.ssrc);
    put32(r->bytes + at + 4, ((uint32_t)r->block.cumulative_lost & 0xffffff) |
                                 (uint32_t)r->block.fraction_lost << 24);
    put32(r->bytes + at + 8, r->block.highest_sequence);
    put32(r->bytes + at + 12, r->block.jitter_ticks);
    put32(r->bytes + at + 16, r->block.last_sr);
    put32(r->bytes + at + 20, r->block.delay_since_sr);
    struct rtcp_walk w = rtcp_walk(slice_of(r->bytes, at + 24));
    cr_assert(rtcp_next(&w, &r->packet));
    cr_assert(rtcp_block(&r->packet, 0, &r->block));
    return r->packet;
}
