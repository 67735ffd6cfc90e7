/* How much of 10 ms of sound lies at each of sixteen frequencies: a quick look that tells whether a closer one (tone_fit.h) is worth
 * its time. 8000 samples a second. A block this short sees 50 Hz to either side. */
#pragma once

#include <stdint.h>

#define TONE_RATE  8000
#define TONE_BLOCK 80 /* samples */

enum tone_bin { /* DTMF rows and columns first, in order */
    BIN_697,
    BIN_770,
    BIN_852,
    BIN_941,
    BIN_1209,
    BIN_1336,
    BIN_1477,
    BIN_1633,
    BIN_400,
    BIN_450,
    BIN_985,
    BIN_1100,
    BIN_1400,
    BIN_1800,
    BIN_1850,
    BIN_2100,
    TONE_BINS
};

struct tone_bank { /* cosine and sine of each bin, sample by sample */
    _Alignas(16) float waves[TONE_BLOCK][2 * TONE_BINS];
};

void tone_bank_init(struct tone_bank *bank);
/* Share of the block's energy at each bin; neighbours overlap, so they sum to more than 1. `energy` is that of the block. */
void tone_bank_shares(const struct tone_bank *bank, const int16_t *pcm, float energy, float ret_shares[TONE_BINS]);
