/* The channels of a recording listened to as they leave the window, in step: what each sounds like (measure.h), and what only both
 * together show: who speaks at once, how long nobody does. Fed with the same frames that go to the file. */
#pragma once

#include "decode/echo.h"
#include "decode/measure.h"
#include "decode/speech_index.h"
#include "decode/tone_meaning.h"

#define HEARING_CHANNELS    2
#define DEAD_AIR_MS         5000
#define DEAD_AIR_EVENTS_MAX 16

struct dead_air {
    int64_t at_ms, length_ms; /* from the start of the file */
};

/* The caller's; filled when the render ends. */
struct hearing_report {
    unsigned channels;       /* 0: nothing was measured */
    struct measure_figures of[HEARING_CHANNELS];
    struct measure_window windows[HEARING_CHANNELS][MEASURE_WINDOWS_MAX];
    unsigned window_count[HEARING_CHANNELS];
    int64_t window_ms;
    double double_talk_ratio, mutual_silence_ratio; /* of all time */
    struct echo_figures echo[HEARING_CHANNELS]; /* by whose voice comes back */
    unsigned dead_air_count; /* all of them; the first are kept */
    int64_t dead_air_ms;     /* in all */
    struct dead_air dead_air[DEAD_AIR_EVENTS_MAX];
    struct tone_meaning tones[HEARING_CHANNELS]; /* keys and other tones */
    struct speech_index speech[HEARING_CHANNELS];
};

struct hearing;

/* NULL without memory. */
struct hearing *hearing_new(unsigned channels, int rate_hz);
void hearing_free(struct hearing *h);
/* The largest code of this channel's codec, as 16 bit linear. */
void hearing_clip_level(struct hearing *h, unsigned channel, int level);
/* What was placed at [at, at + count) of a channel: before the frames themselves come. */
void hearing_mark(struct hearing *h, unsigned channel, int64_t at, int64_t count, enum measure_block kind);
/* The next frames of all channels, interleaved. */
void hearing_take(struct hearing *h, const int16_t *frames, int64_t count);
/* Frames in which there is nothing. */
void hearing_skip(struct hearing *h, int64_t count);
void hearing_finish(struct hearing *h, struct hearing_report *ret_report);
