/* What the two RTP payloads of AAC share: the AudioSpecificConfig (ISO 14496-3 1.6.2.1), of which
 * AAC-LC, LD and ELD of up to eight channels are taken, and one access unit to samples. */
#pragma once

#include "decode/bits.h"
#include "decode/codec.h"

#define AAC_UNIT_MAX 4096 /* octets of an access unit */

struct aac_config {
    int rate_hz; /* of the sound; SBR that is not announced doubles it */
    uint8_t specific[64];
    int size;
};

/* Reads it from where *b is, and not a bit more. False: damaged, or of a kind that is not taken. */
bool aac_config_read(struct bits *b, struct aac_config *ret_config);
/* A parameter in hexadecimal; the octets written, 0: not there, damaged, or too long. */
size_t aac_hex(const struct render_codec *codec, const char *key, uint8_t out[64]);
/* The decoder becomes one of this configuration. */
bool aac_use(struct decoder *d, const struct aac_config *config);
/* Samples, or -1; d->rate_hz follows what the decoder says. */
int aac_unit(struct decoder *d, struct slice unit, int16_t *out, int room);
