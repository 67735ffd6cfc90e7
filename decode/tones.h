/* Tones in one channel of a call: keys (DTMF), fax and modem (CNG, CED, ANSam, preamble of V.21), progress of a call (ring-back, busy,
 * SIT). Fed with blocks of 10 ms at 8 kHz as they are final.
 *
 *   block -- share of energy at each tone (tone_bank.h) --> nothing | a key | a single tone
 *   the same in blocks on end ------------------------> a run
 *   a run -- its frequencies and edges (tone_fit.h) ---> a tone, or nothing that is known
 *   tones and their pauses ---------------------------> what they mean (tone_meaning.h)
 *
 * A key is what ITU-T Q.24 says for AT&T's network: each frequency within 1.5 % of its place (beyond 3.5 % is none; we part at 2.5),
 * the column at most 4 dB louder and 8 dB softer than the row (we part at 5 and 9), 40 ms or longer (23 ms is none; we part at
 * 31.5), interruptions of 10 ms do not end it and pauses of 40 ms do. Levels from -25 dBm0 a tone up (-55 is none; we part at -40).
 *
 * Blocks that we filled because packets were lost are no sound: they neither make a tone nor end one, up to 120 ms. */
#pragma once

#include <stdbool.h>

#include "decode/measure.h"
#include "decode/tone_bank.h"
#include "decode/tone_fit.h"
#include "decode/tone_meaning.h"
#include "decode/v21.h"

#define TONE_HISTORY 32 /* blocks that can be looked at again */

/* What a block may be part of; keys come first, row by row. */
enum tone_class {
    TONE_KEYS = 16,
    TONE_LOW = TONE_KEYS, /* 400 to 480 Hz: progress of a call */
    TONE_950,
    TONE_1100,
    TONE_1400,
    TONE_1800,
    TONE_2100,
    TONE_V21, /* no run: v21.h looks at it */
    TONE_NONE
};

struct tone_run {
    uint8_t class;      /* TONE_NONE: there is none */
    bool confirmed;     /* its frequencies seem right */
    bool judged, right; /* a key: they were held to the limits, and fit */
    bool holes;         /* packets were lost within */
    int64_t first;      /* block */
    int64_t last;       /* that belonged to it */
    int hits, misses, filled;
    int64_t from;       /* sample at which it began */
    int64_t solid;      /* until where no block was missing; 0: none is */
    struct tone_model model;
    double share_sum, share_squares; /* of the energy of its blocks: does the level sway? */
    double phase;       /* of the last block that belonged to it, 2100 Hz */
    int turns;          /* phase reversals */
};

struct tones {
    const struct tone_bank *bank; /* shared by channels */
    int64_t block;                /* next one */
    struct tone_run run;
    uint8_t streak_class;         /* of the blocks behind each other */
    int streak;
    struct v21 v21;
    int v21_hold;                 /* blocks for which it still looks */
    struct tone_meaning meaning;
    int16_t history[TONE_HISTORY * TONE_BLOCK];
};

void tones_init(struct tones *t, const struct tone_bank *bank);
/* 80 samples; not looked at but for MEASURE_SOUND. */
void tones_block(struct tones *t, enum measure_block kind, const int16_t *pcm);
void tones_finish(struct tones *t);
