/* Two blocks of 10 ms on end whose energy lies at the same row and column, and a fit of two tones
 * to both that leaves little: a key, by wider limits than Q.24 has. */
#include "decode/key_watch.h"

#include <math.h>
#include <string.h>

#include "decode/codec.h"
#include "decode/tone_fit.h"

#define QUIET_ENERGY (80.0f * 80 * TONE_BLOCK)
#define SHARE        0.5f
#define SHARE_EACH   0.02f
#define REST_MAX     0.2
#define OFF_MAX      0.04

enum key_sound key_sound_of(const char *codec, unsigned clock_hz, unsigned channels)
{
    if (clock_hz != TONE_RATE || channels > 1)
        return KEY_SOUND_NONE;
    if (strcasecmp(codec, "PCMU") == 0)
        return KEY_SOUND_PCMU;
    if (strcasecmp(codec, "PCMA") == 0)
        return KEY_SOUND_PCMA;
    return strcasecmp(codec, "L16") == 0 ? KEY_SOUND_L16 : KEY_SOUND_NONE;
}

unsigned key_sound_samples(enum key_sound sound, size_t bytes)
{
    return (unsigned)(sound == KEY_SOUND_L16 ? bytes / 2 : bytes);
}

void key_sound_mute(enum key_sound sound, uint8_t *payload, size_t bytes)
{
    static const uint8_t SILENCE[] = {
        [KEY_SOUND_PCMU] = 0xff, [KEY_SOUND_PCMA] = 0xd5, [KEY_SOUND_L16] = 0};
    memset(payload, SILENCE[sound], bytes);
}

void key_watch_reset(struct key_watch *k)
{
    k->pieces = 0;
    k->class = 0;
}

static const double hz[8] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};

static unsigned most(const float *shares, unsigned from, unsigned to)
{
    unsigned best = from;
    for (unsigned i = from + 1; i < to; i++)
        best = shares[i] > shares[best] ? i : best;
    return best;
}

/* Key + 1 that the block may be part of; 0: none. */
static uint8_t class_of(const struct tone_bank *bank, const int16_t *pcm)
{
    float shares[TONE_BINS];
    int64_t energy = 0;
    for (int i = 0; i < TONE_BLOCK; i++)
        energy += pcm[i] * pcm[i];
    if ((float)energy < QUIET_ENERGY)
        return 0;
    tone_bank_shares(bank, pcm, (float)energy, shares);
    unsigned row = most(shares, BIN_697, BIN_1209), column = most(shares, BIN_1209, BIN_400);
    bool is_key = shares[row] + shares[column] >= SHARE && shares[row] >= SHARE_EACH &&
                  shares[column] >= SHARE_EACH;
    return is_key ? (uint8_t)(4 * row + column - BIN_1209 + 1) : 0;
}

static bool fits(const int16_t *two_blocks, uint8_t class)
{
    unsigned row = (class - 1u) / 4, column = 4 + (class - 1u) % 4;
    struct tone_model m = {.count = 2, .hz = {hz[row], hz[column]}};
    return tone_fit(&m, two_blocks, 2 * TONE_BLOCK) && m.rest <= REST_MAX &&
           fabs(m.hz[0] / hz[row] - 1) <= OFF_MAX && fabs(m.hz[1] / hz[column] - 1) <= OFF_MAX;
}

/* The piece is a whole block. */
static bool take_block(struct key_watch *k, const struct tone_bank *bank)
{
    int16_t both[2 * TONE_BLOCK];
    uint8_t class = class_of(bank, k->piece);
    bool same = class && class == k->class;
    if (same) {
        memcpy(both, k->before, sizeof k->before);
        memcpy(both + TONE_BLOCK, k->piece, sizeof k->piece);
        same = fits(both, class);
    }
    memcpy(k->before, k->piece, sizeof k->before);
    k->class = class;
    k->pieces = 0;
    return same;
}

static struct slice sound_of(enum key_sound sound, struct slice payload, int16_t *pcm)
{
    unsigned count = key_sound_samples(sound, payload.size);
    struct decoder d = {0};
    if (count > CODEC_MAX_SAMPLES)
        count = CODEC_MAX_SAMPLES;
    if (sound == KEY_SOUND_PCMU)
        codec_pcmu.decode(&d, slice_sub(payload, 0, count), pcm);
    else if (sound == KEY_SOUND_PCMA)
        codec_pcma.decode(&d, slice_sub(payload, 0, count), pcm);
    for (unsigned i = 0; sound == KEY_SOUND_L16 && i < count; i++)
        pcm[i] = (int16_t)(payload.data[2 * i] << 8 | payload.data[2 * i + 1]);
    return slice_of(pcm, count);
}

bool key_watch_payload(struct key_watch *k, const struct tone_bank *bank, enum key_sound sound,
                       struct slice payload, int *ret_from, int *ret_to)
{
    int16_t pcm[CODEC_MAX_SAMPLES];
    int count = (int)sound_of(sound, payload, pcm).size, at = 0;
    bool found = false;
    while (at < count) {
        int n = TONE_BLOCK - k->pieces < count - at ? TONE_BLOCK - k->pieces : count - at;
        memcpy(k->piece + k->pieces, pcm + at, (size_t)n * sizeof *pcm);
        k->pieces = (uint8_t)(k->pieces + n);
        at += n;
        if (k->pieces < TONE_BLOCK || !take_block(k, bank))
            continue;
        if (!found)
            *ret_from = at - 2 * TONE_BLOCK;
        *ret_to = at;
        found = true;
    }
    return found;
}
