/* Where what a worker knows of a stream (codec, frames by mode) meets the score of decode/. */
#pragma once

#include "app/settings.h"
#include "app/worker.h"
#include "decode/score.h"

/* `expected` and `bad` are media frames, `runs` runs of bad ones; `delay_ms` mouth to ear, NAN: not known. */
struct score stream_score(const struct wstream *s, uint64_t expected, uint64_t bad, uint64_t runs, double delay_ms);
/* Frames that are due and that nobody heard: lost, and discarded by a jitter buffer. What the receiver says of its own goes ahead of what
 * we simulate. */
struct stream_heard {
    uint64_t expected, bad, runs;
    const char *playout; /* "xr", "AD", "none" */
};
struct stream_heard stream_heard(const struct wstream *s, const struct rtp_stats *stats);
/* Times in which we missed frames of it: what the capture told of, and what its receiver's reports show. NULL: none. */
const struct suspect *stream_suspect(const struct wstream *s);
/* Counts the frames of a payload by mode when its codec has any. */
void stream_note_modes(struct wstream *s, const struct rtp_codec *codec, struct slice payload, size_t wire_bytes);
/* The [quality] section. 0, or ERR_INVALID with a reason. */
int quality_configure(const struct settings *s, struct quality_config *ret_config, struct why *why);
