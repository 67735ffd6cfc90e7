/* Payloads, made once. PCMU, PCMA and L16 carry real sound, from a WAV or from a synthetic voice;
 * the other codecs carry deterministic bytes of the right size and shape. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/build/internal.h"

#define VOICE_SECONDS  20
#define SPEECH_MAX     (8000 * 600)
#define FILLER_PACKETS 512

struct form {
    const char *name, *rtpmap;
    uint8_t payload_type;
    bool sound, noise;
    uint32_t clock_hz, frame_ms, frame_bytes; /* bytes of each frame_ms */
};

static const struct form forms[] = {
    {"PCMU", "PCMU/8000", 0, true, true, 8000, 10, 80},
    {"PCMA", "PCMA/8000", 8, true, true, 8000, 10, 80},
    {"L16", "L16/8000", 97, true, true, 8000, 10, 160},
    {"G722", "G722/8000", 9, false, true, 8000, 10, 80},
    {"GSM", "GSM/8000", 3, false, true, 8000, 20, 33},
    {"G729", "G729/8000", 18, false, true, 8000, 10, 10},
    {"opus", "opus/48000/2", 111, false, false, 48000, 10, 40},
};

/* ---- speech ---- */

static uint32_t le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static int bad_wav(struct why *why, const char *path)
{
    why_set(why, "%s is no WAV file with 16-bit PCM, 8000 Hz, mono and at most 10 minutes", path);
    return ERR_INVALID;
}

static int wav_samples(const uint8_t *b, size_t size, const char *path, int16_t **ret,
                       uint32_t *ret_count, struct why *why)
{
    bool format = false;
    if (size < 12 || memcmp(b, "RIFF", 4) != 0 || memcmp(b + 8, "WAVE", 4) != 0)
        return bad_wav(why, path);
    for (size_t at = 12; at + 8 <= size;) {
        uint32_t n = le32(b + at + 4);
        const uint8_t *body = b + at + 8;
        size_t left = size - at - 8;
        if (memcmp(b + at, "fmt ", 4) == 0 && n >= 16 && left >= 16)
            format = le32(body) == 0x00010001 && le32(body + 4) == 8000 && body[14] == 16;
        if (memcmp(b + at, "data", 4) == 0 && format) {
            uint32_t count = (uint32_t)((n < left ? n : left) / 2);
            if (count < 800 || count > SPEECH_MAX)
                break;
            *ret = calloc(count, sizeof **ret);
            if (*ret == NULL)
                return ERR_NOMEM;
            for (uint32_t i = 0; i < count; i++)
                (*ret)[i] = (int16_t)(body[2 * i] | body[2 * i + 1] << 8);
            *ret_count = count;
            return 0;
        }
        at += 8 + (size_t)n + (n & 1);
    }
    return bad_wav(why, path);
}

static int wav_read(const char *path, int16_t **ret, uint32_t *ret_count, struct why *why)
{
    size_t room = SPEECH_MAX * 2 + 65536;
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        why_set(why, "cannot open %s: %s", path, strerror(errno));
        return ERR_IO;
    }
    uint8_t *bytes = malloc(room);
    int err = ERR_NOMEM;
    if (bytes)
        err = wav_samples(bytes, fread(bytes, 1, room, f), path, ret, ret_count, why);
    free(bytes);
    fclose(f);
    return err;
}

/* Harmonics of a gliding pitch, louder near two formants that move, in syllables. */
static double voice_at(double seconds, double *phase)
{
    double pitch = 130 + 50 * sin(seconds * 1.9) + 20 * sin(seconds * 5.3);
    double formant[2] = {500 + 250 * sin(seconds * 2.7), 1500 + 600 * sin(seconds * 3.9 + 1)};
    double syllable = sin(seconds * 2 * M_PI * 2.1);
    double sum = 0;
    *phase += 2 * M_PI * pitch / 8000;
    for (int k = 1; k * pitch < 3400; k++) {
        double gain = 0.1;
        for (int f = 0; f < 2; f++) {
            double off = (k * pitch - formant[f]) / 150;
            gain += exp(-off * off);
        }
        sum += gain * sin(k * *phase) / (1 + 0.15 * k);
    }
    return sum * (0.08 + (syllable > 0 ? syllable : 0)) * (0.7 + 0.3 * sin(seconds * 0.8));
}

static int voice_make(int16_t **ret, uint32_t *ret_count)
{
    uint32_t count = VOICE_SECONDS * 8000;
    int16_t *v = calloc(count, sizeof *v);
    double phase = 0;
    if (v == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        double x = 5000 * voice_at(i / 8000.0, &phase);
        v[i] = (int16_t)fmax(-32000, fmin(32000, x));
    }
    *ret = v;
    *ret_count = count;
    return 0;
}

/* ---- G.711 ---- */

/* Sign, three bits of exponent, four of mantissa: the position of the highest bit above `bias`. */
static uint8_t segment_of(uint32_t magnitude, unsigned first_bit)
{
    uint8_t segment = 0;
    for (uint32_t top = magnitude >> first_bit; top > 1 && segment < 7; top >>= 1)
        segment++;
    return segment;
}

static uint8_t to_ulaw(int16_t x)
{
    uint32_t magnitude = (uint32_t)(x < 0 ? -(int32_t)x : x);
    magnitude = (magnitude > 32635 ? 32635 : magnitude) + 132;
    uint8_t segment = segment_of(magnitude, 7);
    uint8_t code = (uint8_t)(segment << 4 | (magnitude >> (segment + 3) & 15));
    return (uint8_t) ~(code | (x < 0 ? 0x80 : 0));
}

static uint8_t to_alaw(int16_t x)
{
    uint32_t magnitude = (uint32_t)(x < 0 ? -(int32_t)x - 1 : x);
    uint8_t segment = magnitude < 256 ? 0 : (uint8_t)(segment_of(magnitude, 8) + 1);
    uint8_t code = (uint8_t)(magnitude >> (segment ? segment + 3 : 4) & 15);
    return (uint8_t)((segment << 4 | code | (x < 0 ? 0 : 0x80)) ^ 0x55);
}

static void encode(const struct form *f, const int16_t *pcm, uint32_t count, uint8_t *out)
{
    for (uint32_t i = 0; i < count; i++) {
        if (f->payload_type == 0)
            out[i] = to_ulaw(pcm[i]);
        else if (f->payload_type == 8)
            out[i] = to_alaw(pcm[i]);
        else
            put16(out + 2 * i, (uint16_t)pcm[i]);
    }
}

static int fill_sound(struct audio *a, const struct form *f, const struct traffic_config *c,
                      struct why *why)
{
    int16_t *pcm = NULL;
    uint32_t count = 0, step = a->ts_step;
    int err = c->speech ? wav_read(c->speech, &pcm, &count, why) : voice_make(&pcm, &count);
    if (err)
        return err;
    a->packets = count / step;
    if (a->packets)
        a->bytes = calloc(a->packets, a->payload_bytes);
    if (a->bytes)
        encode(f, pcm, a->packets * step, a->bytes);
    free(pcm);
    return a->bytes ? 0 : ERR_NOMEM;
}

/* ---- codecs that are not encoded ---- */

static int fill_bytes(struct audio *a, const struct form *f, uint64_t seed)
{
    size_t size = (size_t)FILLER_PACKETS * a->payload_bytes;
    struct rng r = {seed ^ f->payload_type};
    a->packets = FILLER_PACKETS;
    a->bytes = malloc(size);
    if (a->bytes == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < size; i++)
        a->bytes[i] = (uint8_t)(rng_next(&r) >> 56);
    for (size_t i = 0; f->payload_type == 3 && i < size; i += f->frame_bytes)
        a->bytes[i] = 0xd0 | (a->bytes[i] & 15); /* the signature of a GSM frame */
    uint8_t toc = (uint8_t)((a->ptime_ms == 10   ? 8
                             : a->ptime_ms == 20 ? 9
                             : a->ptime_ms == 40 ? 10
                                                 : 11)
                            << 3);
    for (size_t i = 0; f->payload_type == 111 && i < size; i += a->payload_bytes)
        a->bytes[i] = toc; /* Opus: one SILK wideband frame, mono */
    return 0;
}

static const struct form *form_named(const char *name)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strcasecmp(forms[i].name, name) == 0)
            return &forms[i];
    return NULL;
}

int audio_make(struct audio *a, const struct traffic_config *c, struct why *why)
{
    const struct form *f = form_named(c->codec);
    *a = (struct audio){.ptime_ms = c->ptime_ms};
    if (f == NULL) {
        why_set(why, "codec %s is not one of PCMU, PCMA, L16, G722, GSM, G729, opus", c->codec);
        return ERR_INVALID;
    }
    bool opus_fits =
        c->ptime_ms == 10 || c->ptime_ms == 20 || c->ptime_ms == 40 || c->ptime_ms == 60;
    if (c->ptime_ms == 0 || c->ptime_ms > 60 || c->ptime_ms % f->frame_ms != 0 ||
        (f->payload_type == 111 && !opus_fits)) {
        why_set(why, "%s has no packets of %u ms here", f->name, c->ptime_ms);
        return ERR_INVALID;
    }
    a->name = f->name;
    a->rtpmap = f->rtpmap;
    a->payload_type = f->payload_type;
    a->noise = f->noise;
    a->clock_hz = f->clock_hz;
    a->ts_step = f->clock_hz / 1000 * c->ptime_ms;
    a->payload_bytes = f->frame_bytes * (c->ptime_ms / f->frame_ms);
    return f->sound ? fill_sound(a, f, c, why) : fill_bytes(a, f, c->seed);
}

void audio_free(struct audio *a)
{
    free(a->bytes);
    a->bytes = NULL;
}
