/* The preamble of a fax: flags 01111110 on channel 2 of V.21 (1 is 1650 Hz, 0 is 1850 Hz, 300 bit/s), on end for a second. Six bits of
 * one and two of the other frequency, again and again: nothing else sounds like that. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define V21_WINDOW 26 /* samples: one bit */
#define V21_HOP    10

struct v21 {
    float waves[V21_WINDOW][4];
    int16_t window[V21_WINDOW];
    bool ready;      /* waves are there */
    bool mark;       /* 1650 Hz now */
    int length;      /* hops that it lasts */
    bool mark_fits;  /* the mark before was six bits long */
    int flags;       /* on end */
    int64_t from;    /* sample; of the first of them */
    int64_t to;
};

/* Forgets what it heard. */
void v21_reset(struct v21 *v);
/* 80 samples, the first of them at `at`. True: enough flags on end, up to now. */
bool v21_block(struct v21 *v, const int16_t *pcm, int64_t at);
