/* An audio file of ours (encoder.h) back into sound, at its own rate, from any frame on: the counterpart of audio_file.h. It reads
 * straight on: packets ahead of the wanted place are counted, not decoded, so a place is exact in every format. Decoders are
 * chosen by name. */
#pragma once

#include "decode/encoder.h"

struct audio_reader;

/* `dir` as part_file_open() has it; `rate_hz` and `channels` are what is known of the file. ERR_INVALID when it is another one. */
int audio_reader_open(const char *dir, const char *path, enum audio_codec codec, int rate_hz, int channels, struct audio_reader **ret_reader,
                      struct why *why);
/* NULL is fine. */
void audio_reader_free(struct audio_reader *r);
/* Goes on from this frame, which lies not before the one that is next. */
void audio_reader_skip_to(struct audio_reader *r, int64_t frame);
/* The next frames, interleaved, at most `max`; 0: the file has no more, or no more that can be read. */
int64_t audio_reader_read(struct audio_reader *r, int16_t *out, int64_t max);
