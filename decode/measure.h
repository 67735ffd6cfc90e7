/* What one channel of a call sounds like, without a human ear: level of speech, noise, silence, clipping, a frame that repeats for
 * ever. Fed with blocks of 10 ms as they are final. A block is sound that was sent, or it was filled by us (concealment, comfort
 * noise), or there was no media; only the first counts for anything that is said about the sender.
 *
 * Levels are dBov (a full-scale square wave is 0; a full-scale sine -3.01). Ratios are 0 to 1. What is not known is NAN. */
#pragma once

#include <stddef.h>

#include "decode/speech_level.h"
#include "decode/stretches.h"

#define MEASURE_BLOCKS_PER_S 100
#define MEASURE_BLOCK_MAX    480 /* samples of 10 ms at 48 kHz */
#define MEASURE_NOISE_BLOCKS 300 /* minimum statistics look 3 s back */
#define MEASURE_LEVELS       100 /* whole dB below full scale */

enum measure_block { MEASURE_NOTHING, MEASURE_SOUND, MEASURE_FILLED };

/* What is found with its time: digital silence, one frame again and again, samples at full scale. */
enum measure_fault { MEASURE_SILENT, MEASURE_FROZEN, MEASURE_CLIPPED, MEASURE_FAULTS };

/* Of 10 s of one channel. */
struct measure_window {
    uint16_t heard;         /* blocks of sound, of 1000 */
    uint16_t active;        /* of them with speech */
    int16_t level_cdbov;    /* mean power of sound, 0.01 dB; INT16_MIN: none */
};
#define MEASURE_WINDOW_BLOCKS 1000
#define MEASURE_WINDOWS_MAX   360 /* an hour; behind it windows double in length */

struct measure {
    struct speech_level speech;
    int block_samples;
    int clip_level;         /* the largest code of the law: 32124, 32256, 32760 */
    /* noise floor: histogram of the last block levels, oldest leaves */
    uint8_t recent[MEASURE_NOISE_BLOCKS];
    uint16_t levels[MEASURE_LEVELS];
    uint16_t recent_count, recent_at;
    double floor_dbov;
    int hangover;           /* blocks for which speech still counts */
    bool loud;              /* the last block was speech by itself */
    /* blocks */
    int64_t heard, filled, active, digital_silence;
    double noise_power;     /* of inactive blocks that are no digital silence */
    int64_t noise_blocks;
    /* clipping */
    int clip_run;
    int32_t before;         /* the sample before this one */
    int64_t clipped_samples, clipped_active_samples, clip_events;
    int32_t peak;
    /* repetition */
    int16_t frame[2 * MEASURE_BLOCK_MAX]; /* two blocks: a frame of 20 ms */
    int frame_blocks;
    int16_t before_frame[2 * MEASURE_BLOCK_MAX]; /* the one before, if known */
    bool before_known;
    int64_t repeats;        /* frames that equal the one before, so far */
    int64_t frozen_blocks, frozen_longest;
    /* talk spurts */
    bool talking;
    int64_t spurts;
    int64_t now;            /* blocks so far, of any kind */
    struct stretches faults[MEASURE_FAULTS];
    /* windows */
    struct measure_window windows[MEASURE_WINDOWS_MAX];
    unsigned window_count;
    unsigned window_scale;  /* each stands for so many times 10 s */
    int64_t window_blocks, window_heard, window_active;
    double window_power;
};

struct measure_stretch {
    enum measure_fault fault;
    int64_t at_ms, length_ms;    /* from the first block */
    double ratio;                /* of clipping: samples in clipped runs / samples of the stretch (of 1 s at least); else 1 */
};

struct measure_figures {
    double active_dbov, activity, long_term_dbov;
    double noise_dbov;           /* mean of what is no speech; NAN: nothing heard, or digital silence */
    double silence_ratio;        /* inactive / heard */
    double digital_silence_ratio;/* of heard */
    double clipped_ratio;        /* samples in clipped runs / samples heard */
    double clipped_speech_ratio; /* the same within speech */
    int64_t clip_events;
    double peak_dbov;
    int64_t heard_ms, filled_ms;
    int64_t frozen_ms, frozen_longest_ms;
    int64_t spurts;
    double spurt_ms;             /* mean length */
    unsigned stretch_count;      /* the longest of each fault, in no order */
    struct measure_stretch stretches[MEASURE_FAULTS * STRETCHES_MAX];
};

void measure_init(struct measure *m, int rate_hz);
/* 10 ms; `pcm` is not looked at but for MEASURE_SOUND. True: somebody speaks. */
bool measure_block(struct measure *m, enum measure_block kind, const int16_t *pcm);
void measure_finish(struct measure *m, struct measure_figures *ret_figures);
