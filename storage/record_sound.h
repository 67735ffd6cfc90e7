/* What a recording sounds like (decode/hearing.h), as it is kept with it. NAN: not known. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RECORD_SOUND_SILENT INT16_MIN

struct record_sound_window { /* of one channel, per mille of the window */
    uint16_t heard, active;
    int16_t level_cdbov; /* 0.01 dB; RECORD_SOUND_SILENT: nothing was heard */
};

struct record_sound_channel { /* caller, callee */
    double active_dbov, activity, long_term_dbov, noise_dbov, peak_dbov;
    double silence_ratio, digital_silence_ratio;
    double clipped_ratio, clipped_speech_ratio;
    int64_t clip_events;
    int64_t heard_ms, filled_ms, frozen_ms, frozen_longest_ms;
    int64_t spurts;
    double spurt_ms;
    uint32_t window_count;
    struct record_sound_window *windows;
};

struct record_dead_air {
    int64_t at_ms, length_ms; /* from the start of the recording */
};

struct record_sound {
    uint32_t channel_count; /* 0: nothing was measured */
    struct record_sound_channel *channels;
    int64_t window_ms;
    double double_talk_ratio, mutual_silence_ratio;
    uint32_t dead_air_total; /* the first ones are kept */
    int64_t dead_air_ms;
    uint32_t dead_air_count;
    struct record_dead_air *dead_air;
};

struct pack;
void record_pack_sound(struct pack *p, struct record_sound *s);
