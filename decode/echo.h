/* Does what one side says come back from the other? A hint, from envelopes alone: pieces of 1.5 s in which one side talks and the
 * other is at least 6 dB weaker are laid over the other side 50 to 600 ms later. A piece that finds itself there (Pearson's
 * coefficient over 0.5, at its peak) names a delay; at least four pieces, and at least half of all that find themselves anywhere,
 * must name the same one to within 5 ms. Two people who talk at once find each other now and then, but never there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct echo_figures {
    unsigned pieces;   /* that found themselves somewhere */
    unsigned agreeing; /* on this delay; 0: there is no echo */
    double delay_ms;
    double loss_db;    /* how much weaker it comes back */
    int64_t from_ms, to_ms; /* from the first to the last of them */
};

struct echo;

/* For two channels. NULL without memory. */
struct echo *echo_new(int rate_hz);
void echo_free(struct echo *e);
/* The next 10 ms of both. */
void echo_block(struct echo *e, const int16_t *a, const int16_t *b);
/* Of the voice of channel 0 or 1. */
void echo_finish(const struct echo *e, unsigned channel, struct echo_figures *ret_figures);
