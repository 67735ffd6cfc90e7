/* When somebody speaks in a channel: stretches of speech from its first loud block to its last, pauses shorter than the gap left
 * in. There are so many of them at most: when they are full the shorter half of the pauses between them goes and the gap grows, so
 * a long call has a coarser index, never one that ends early. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SPEECH_SEGMENTS_MAX 1024
#define SPEECH_GAP_MS       300 /* a shorter pause does not end a segment */
#define SPEECH_LEAST_MS     60  /* what is shorter is a click */
#define SPEECH_BLOCK_MS     10

struct speech_segment {
    int32_t at, length; /* blocks, from the start of the file */
};

struct speech_index {
    int32_t gap;       /* blocks */
    int32_t now, loud; /* blocks so far; the last loud one of the open segment */
    int32_t since;     /* -1: nobody speaks */
    uint32_t count;
    struct speech_segment segments[SPEECH_SEGMENTS_MAX];
};

void speech_index_init(struct speech_index *s);
/* The next block. */
void speech_index_block(struct speech_index *s, bool loud);
void speech_index_finish(struct speech_index *s);
