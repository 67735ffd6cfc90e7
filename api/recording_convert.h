/* /recordings/{id}/audio in another form than the file has: what was asked for, and whether the file as it lies is that already. */
#pragma once

#include "api/recording.h"
#include "api/sound.h"

struct sound_ask {
    const char *format;   /* wav, flac, ogg, mp3; NULL: as it is stored */
    const char *channels; /* stereo, mix, caller, callee; NULL: as they are stored */
    int64_t start_ms, end_ms; /* 0, -1: not asked */
};

/* False: the problem is set. */
bool sound_ask_parse(struct exchange *x, struct sound_ask *ret_ask);
/* Is it the file of this recording (recording_file()), byte by byte? `file` NULL: of an older version, stereo. */
bool sound_ask_is_stored(const struct sound_ask *ask, const struct record_recording *g, const struct record_file *file);
/* The answer, audited, made while it is sent; or the problem. */
void send_converted(struct exchange *x, const struct recording *f, const struct sound_ask *ask);
/* The waveform of a file that has none beside it, made from the sound; an ERR_. */
int sound_peaks(struct exchange *x, const struct recording *f, struct buf *out);
/* Why there is no sound: the problem of an ERR_ code of a source. */
void sound_problem(struct exchange *x, int err);
/* "audio/ogg" */
const char *sound_type(struct slice format);
