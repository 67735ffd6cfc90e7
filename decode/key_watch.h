/* Is a key (DTMF) sounding right now? A small watcher of one stream while it is received, for whoever must mute keys before they are kept:
 * 200 bytes, no allocation, an answer each 10 ms. It would rather mute speech for a moment than let a key pass; what the recording
 * tells of keys comes from tones.h. */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "decode/tone_bank.h"

struct key_watch {
    int16_t before[TONE_BLOCK]; /* the block before, then what is not a whole block yet */
    int16_t piece[TONE_BLOCK];
    uint8_t pieces;             /* samples in `piece` */
    uint8_t class;              /* of the block before + 1; 0: no key */
};

/* Codecs that it can read: G.711 and L16 at 8 kHz. */
enum key_sound { KEY_SOUND_NONE, KEY_SOUND_PCMU, KEY_SOUND_PCMA, KEY_SOUND_L16 };
enum key_sound key_sound_of(const char *codec, unsigned clock_hz, unsigned channels);
/* Samples in that many bytes of payload. */
unsigned key_sound_samples(enum key_sound sound, size_t bytes);
/* Overwrites sound with silence of the same length. */
void key_sound_mute(enum key_sound sound, uint8_t *payload, size_t bytes);

/* Packets are missing: what came before is no part of what comes. */
void key_watch_reset(struct key_watch *k);
/* Sound that follows on what came before. True: a key sounds in it, in samples *ret_from (which may lie before it: negative) up to
 * *ret_to of this payload. */
bool key_watch_payload(struct key_watch *k, const struct tone_bank *bank, enum key_sound sound, struct slice payload, int *ret_from,
                       int *ret_to);
