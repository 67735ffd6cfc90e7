/* BurstR of ITU-T G.107 7.5: the mean run of bad frames over the mean run that independent loss of the same rate would have.
 * Here because what is measured (capture) and what is scored (decode) have to mean the same by it. */
#pragma once

#include <stdint.h>

#define BURST_RATIO_MAX 8 /* G.107 Table 3 */

/* As it is; 1 without a bad frame. */
static inline double burst_ratio_unheld(uint64_t frames, uint64_t bad, uint64_t runs)
{
    if (bad == 0 || runs == 0 || frames == 0)
        return 1;
    return (double)bad / (double)runs * (1 - (double)bad / (double)frames);
}

/* Held within 1 and BURST_RATIO_MAX, as the E-model takes it. */
static inline double burst_ratio(uint64_t frames, uint64_t bad, uint64_t runs)
{
    double ratio = burst_ratio_unheld(frames, bad, runs);
    return ratio < 1 ? 1 : ratio > BURST_RATIO_MAX ? BURST_RATIO_MAX : ratio;
}
