/* What is left out of a job because decoding crashed there: at first the packet and the next 200 ms of its flow. When it
 * crashes again within 2 s of a piece, that one grows by 400 ms to both sides, then by 800, 1600, ...: what crashes may be
 * sound that was decoded seconds before. */
#pragma once

#include "decode/render.h"

#define PIECES_MAX 8 /* one a try */

struct pieces {
    uint32_t count;
    struct render_skip skip[PIECES_MAX];
    int64_t width_ns[PIECES_MAX]; /* by which it grew last */
};

/* `flow` and `at_ns` as the process said it (struct render_place): not believed. At most PIECES_MAX times. */
void pieces_add(struct pieces *p, uint32_t flow, int64_t at_ns);
