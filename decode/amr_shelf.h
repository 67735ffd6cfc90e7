/* Interleaved AMR frames (RFC 4867 4.3.2) waiting until it is their time: a packet holds every n-th
 * frame of a group, and the group is whole only with its last packet. */
#pragma once

#include "decode/amr_payload.h"

#define AMR_SHELF 64 /* frames: 1.3 s */

struct amr_shelf {
    struct {
        bool there;
        uint32_t time; /* RTP ticks */
        struct amr_frame frame;
    } slots[AMR_SHELF];
};

/* A frame without a place is dropped. */
void amr_shelf_put(struct amr_shelf *s, uint32_t time, const struct amr_frame *frame);
/* Takes the earliest frame of a time up to `until`; what is older than the shelf could hold is
 * dropped. NULL: none. Valid until the next put. */
const struct amr_frame *amr_shelf_take(struct amr_shelf *s, uint32_t until, unsigned frame_ticks,
                                       uint32_t *ret_time);
/* Whether it would take one; of this very time when not NULL. */
bool amr_shelf_has(const struct amr_shelf *s, uint32_t until, const uint32_t *at);
