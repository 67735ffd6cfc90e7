/* Samples back into the code words of G.711. Of what a code word decoded to, the same one comes back (of the two zeros of u-law the
 * positive one), so a file of code words holds what was sent. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "decode/encoder.h"

void g711_code(enum audio_codec law, const int16_t *pcm, uint8_t *out, size_t count);
void g711_decode(enum audio_codec law, const uint8_t *codes, int16_t *out, size_t count);
/* The code word of silence. */
static inline uint8_t g711_silence(enum audio_codec law)
{
    return law == AUDIO_ULAW ? 0xff : 0xd5;
}
