/* What of a WAV file's form others rely on. */
#pragma once

#include "decode/encoder.h"

/* Bytes in front of the first sample. */
#define WAV_HEADER_BYTES 80

/* Bytes of the tags behind the last. */
size_t encoder_wav_tags_size(const struct audio_tags *tags);
/* For tests: files larger than this are RF64; they need not write 4 GiB then. */
void encoder_wav_limit(struct encoder *e, uint64_t riff_max);
