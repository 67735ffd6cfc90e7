/* Where the window runs out to: one file of both channels or of their sum, or one of each, which may
 * go on in the next one at a given length without losing a sample; or tracks: a mono file for each
 * channel and one more with their sum. Every file has all of its time, so that files of one output lie over each other
 * (tracks) or behind each other (parts) to the sample. Nothing is left of an output that fails. */
#pragma once

#include "decode/audio_file.h"
#include "decode/render.h"

/* What a channel holds, as bits: the file is of code words as long as it is of one law. */
enum { LAW_U = 1, LAW_A = 2, LAW_NONE = 4 };

struct output_config {
    const char *dir;
    const char *path; /* of the first part; the names of other files come from it (output_path) */
    int channels;
    int rate_hz;
    bool tracks;
    enum audio_codec codec;
    enum render_layout layout;
    const uint8_t *laws; /* of each channel, and it may change; with a codec of G.711 */
    const struct audio_tags *tags;
    int64_t rollover_ns, rollover_bytes; /* of parts; 0: never */
    void *context;
    render_file_fn *file; /* may be NULL */
};

struct output {
    struct output_config config;
    struct audio_file file[RENDER_TRACKS_MAX]; /* one, one a side, or one a track */
    int lanes;                                 /* files at a time, of a call */
    int64_t part_frames;               /* a part holds so many; 0: no end */
    int64_t in_part;                   /* frames in the open part */
    int64_t frames;                    /* in all */
    unsigned parts;                    /* begun */
    unsigned finished;
    unsigned complete_files;
    int32_t peak;       /* of the sum of the tracks */
    int16_t *mono;      /* frames of one track */
    int64_t size_bytes; /* of the parts that are complete */
    uint8_t sha256[32]; /* of the first */
    bool complete;
    struct why why; /* of an error between two parts */
};

/* The name of a part (from 1), of a track (from 1) or of the sum: "a.wav", "a-p2.wav", "a-t1.wav",
 * "a-mix.wav". False when it does not fit. */
bool output_path(const char *path, enum render_file_kind kind, unsigned number, char *out,
                 size_t size);
/* The name of a side's file: "a-caller.wav". */
bool output_side_path(const char *path, enum render_side side, char *out, size_t size);
int output_open(struct output *o, const struct output_config *config, struct why *why);
/* Frames of all channels, interleaved. 0 or what the disk said. */
int output_write(struct output *o, const int16_t *frames, int64_t count);
/* Silence. */
int output_skip(struct output *o, int64_t count);
/* Completes and names all files; tracks that `heard` says nothing of leave none. */
int output_finish(struct output *o, const uint64_t *heard, struct render_result *result,
                  struct why *why);
/* Gives up what is not finished. Harmless on a zeroed struct. */
void output_abandon(struct output *o);
