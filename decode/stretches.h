/* When something was wrong with the sound of a channel: what lies near each other is one stretch, and the worst stretches are kept.
 * Times are in blocks of 10 ms (measure.h). */
#pragma once

#include <stdint.h>

#define STRETCHES_MAX 8

struct stretch {
    int64_t at, length; /* blocks */
    int64_t amount;     /* how bad: blocks, samples */
};

struct stretches {
    struct stretch open; /* amount 0: none */
    unsigned count;
    struct stretch worst[STRETCHES_MAX];
};

/* `amount` of it in [at, at + length); what lies up to `apart` blocks behind the open stretch belongs to it. */
void stretches_note(struct stretches *s, int64_t at, int64_t length, int64_t amount, int64_t apart);
/* Keeps the open stretch if it is at least `least` blocks long. */
void stretches_end(struct stretches *s, int64_t least);
