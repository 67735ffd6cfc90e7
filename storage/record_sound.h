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

/* When something was wrong with a channel. */
struct record_sound_stretch {
    uint32_t channel;        /* 0 caller, 1 callee */
    const char *kind;        /* "silence", "frozen_audio", "clipping" */
    int64_t at_ms, length_ms; /* from the start of the recording */
    double ratio;            /* of clipping: share of the samples in it; else 1 */
};

/* What one side says comes back from the other. */
struct record_echo {
    uint32_t channel;        /* whose voice it is: 0 caller, 1 callee */
    double delay_ms;         /* from passing the tap to coming back there */
    double loss_db;          /* so much weaker */
    uint32_t pieces, agreeing; /* of its speech: looked at, in which it came back so much later */
    int64_t at_ms, length_ms; /* the first to the last of them */
};

struct record_dead_air {
    int64_t at_ms, length_ms; /* from the start of the recording */
};

/* A tone that is no key (decode/tone_meaning.h). */
struct record_tone {
    const char *kind;  /* cng, ced, ansam, v21_preamble, ringback, busy, sit */
    const char *party; /* whose channel */
    int64_t at_ms, length_ms; /* from the start of the recording; with the pauses within */
    int64_t level_dbm0;
    uint32_t bursts;
    uint32_t burst_ms, pause_ms; /* of the last burst; pause 0: there was one burst */
    bool reversed;     /* phase reversals */
};

/* When somebody spoke in a channel; pauses shorter than the gap are not told. */
struct record_speech_segment {
    int64_t at_ms, length_ms; /* from the start of the recording */
};

struct record_speech {
    int64_t gap_ms;
    uint32_t count; /* in order of time */
    struct record_speech_segment *segments;
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
    uint32_t tone_count; /* in order of time */
    struct record_tone *tones;
    uint32_t tones_over_limit;
    uint32_t stretch_count;
    struct record_sound_stretch *stretches;
    uint32_t echo_count;
    struct record_echo *echo;
    uint32_t speech_count; /* channels: caller, callee; 0: not known */
    struct record_speech *speech;
};

struct pack;
void record_pack_sound(struct pack *p, struct record_sound *s);
void record_pack_tones(struct pack *p, struct record_sound *s);
void record_pack_stretches(struct pack *p, struct record_sound *s);
void record_pack_speech(struct pack *p, struct record_sound *s);
