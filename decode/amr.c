/* AMR and AMR-WB: frames of 20 ms. The library refuses comfort noise and what was not sent: a
 * SID_UPDATE tells the level of the noise itself, a SID_FIRST means that of what was heard last; up
 * to the next speech there is noise of that level. Of several channels the first is heard. */
#include <math.h>
#include <stdlib.h>

#include "decode/amr_shelf.h"
#include "decode/av.h"
#include "decode/bits.h"
#include "decode/codec.h"
#include "decode/conceal.h"

#define OVERLOAD_DB 90.3 /* 20 log 32768 */
#define QUIETEST_DB 90

struct amr {
    const struct amr_kind *kind;
    struct amr_format format;
    struct amr_payload payload;
    int heard_dbov; /* level of the frame before */
    int noise_dbov; /* 0: no comfort noise now */
    struct noise noise;
    /* Interleaved: */
    struct amr_shelf *shelf;
    uint32_t until;
};

static bool open_kind(struct decoder *d, const struct render_codec *codec,
                      const struct amr_kind *kind)
{
    struct av_setup setup = {.decoder = kind->decoder, .rate_hz = d->rate_hz};
    struct amr_format format = amr_format_of(codec);
    struct amr *a = calloc(1, sizeof *a + (format.interleaved ? sizeof *a->shelf : 0));
    if (a == NULL)
        return false;
    a->kind = kind;
    a->format = format;
    a->heard_dbov = QUIETEST_DB;
    if (format.interleaved)
        a->shelf = (struct amr_shelf *)(a + 1);
    d->state = a;
    d->av = av_decoder_get(d->pool, &setup);
    return d->av != NULL;
}

static bool open_amr(struct decoder *d, const struct render_codec *codec)
{
    return open_kind(d, codec, &amr_narrow);
}

static bool open_amr_wb(struct decoder *d, const struct render_codec *codec)
{
    return open_kind(d, codec, &amr_wide);
}

/* ---- comfort noise ---- */

static int level_dbov(const int16_t *pcm, int count)
{
    double energy = 1;
    for (int i = 0; i < count; i++)
        energy += (double)pcm[i] * pcm[i];
    int dbov = (int)lround(OVERLOAD_DB - 10 * log10(energy / count));
    return dbov > QUIETEST_DB ? QUIETEST_DB : dbov;
}

/* Six bits of energy behind the spectrum, then (AMR-WB: one bit later) whether this is an update.
 * TS 26.092 5.1: steps of a quarter in log2 of the level; TS 26.192 5.1: of 1/2.625 in log2 of the
 * energy of what lies below 6.4 kHz. The constants are those at which a decoder plays. */
static int sid_dbov(const struct amr *a, const struct amr_frame *frame)
{
    bool wide = a->kind == &amr_wide;
    struct bits b = bits_over(slice_of(frame->data + 1, sizeof frame->data - 1));
    bits_skip(&b, wide ? 28 : 29);
    unsigned energy = bits_take(&b, 6);
    bits_skip(&b, wide ? 1 : 0);
    if (bits_take(&b, 1) == 0)
        return a->heard_dbov;
    double log2_level = wide ? energy / 5.25 - 0.7 : energy / 4.0 - 1.5;
    int dbov = (int)lround(OVERLOAD_DB - 20 * log10(2) * log2_level);
    return dbov < 1 ? 1 : dbov > QUIETEST_DB ? QUIETEST_DB : dbov;
}

static void fill(struct amr *a, int16_t *out)
{
    if (a->noise_dbov)
        noise_fill(&a->noise, out, a->kind->samples);
    else
        memset(out, 0, a->kind->samples * sizeof *out);
}

static bool is_speech(const struct amr *a, const struct amr_frame *frame)
{
    return frame->type < a->kind->sid;
}

static void hear_noise(struct amr *a, const struct amr_frame *frame)
{
    if (frame->type != a->kind->sid || !frame->good)
        return;
    a->noise_dbov = sid_dbov(a, frame);
    noise_set(&a->noise, a->noise_dbov);
}

/* ---- frames ---- */

/* 20 ms, or -1. */
static int speak(struct decoder *d, const struct amr_frame *frame, int16_t *out, int room)
{
    struct amr *a = d->state;
    size_t size = 1 + (frame->bits + 7u) / 8;
    int n = frame->good ? av_decoder_decode(d->av, slice_of(frame->data, size), out, room) : -1;
    if (n != a->kind->samples)
        return -1;
    a->heard_dbov = level_dbov(out, n);
    a->noise_dbov = 0;
    return n;
}

/* Frames behind the last speech make no samples: noise goes on until the next packet. */
static int decode_in_order(struct decoder *d, int16_t out[CODEC_MAX_SAMPLES])
{
    struct amr *a = d->state;
    unsigned channels = a->format.channels, speech_end = 0;
    int total = 0, damaged = 0, most = d->rate_hz / 1000 * CODEC_MAX_MS;
    for (unsigned i = 0; i < a->payload.count; i += channels)
        if (is_speech(a, &a->payload.frames[i]))
            speech_end = i + 1;
    for (unsigned i = 0; i < a->payload.count; i += channels) {
        const struct amr_frame *frame = &a->payload.frames[i];
        hear_noise(a, frame);
        if (i >= speech_end || total + a->kind->samples > most)
            continue;
        if (!is_speech(a, frame) || speak(d, frame, out + total, most - total) < 0) {
            damaged += is_speech(a, frame);
            fill(a, out + total);
        }
        total += a->kind->samples;
    }
    d->noise_dbov = a->noise_dbov;
    return damaged && damaged * a->kind->samples == total ? -1 : total;
}

/* Frames whose time has come, as long as one follows the other; the rest by decoder_more(). */
static int decode_shelf(struct decoder *d, int16_t out[CODEC_MAX_SAMPLES])
{
    struct amr *a = d->state;
    const struct amr_frame *frame;
    int total = 0, most = d->rate_hz / 1000 * CODEC_MAX_MS;
    uint32_t at, next = 0;
    d->noise_dbov = 0;
    while (total + a->kind->samples <= most &&
           (total == 0 || amr_shelf_has(a->shelf, a->until, &next)) &&
           (frame = amr_shelf_take(a->shelf, a->until, a->kind->samples, &at))) {
        if (total == 0)
            d->offset = (int32_t)(at - d->timestamp);
        next = at + a->kind->samples;
        hear_noise(a, frame);
        if (!is_speech(a, frame) || speak(d, frame, out + total, most - total) < 0)
            fill(a, out + total);
        total += a->kind->samples;
    }
    d->more = amr_shelf_has(a->shelf, a->until, NULL);
    if (!d->more)
        d->noise_dbov = a->noise_dbov;
    return total;
}

/* What comes later begins later: all up to this packet's time is there. */
static void to_shelf(struct amr *a, uint32_t timestamp)
{
    unsigned channels = a->format.channels, ticks = a->kind->samples * a->payload.apart;
    a->until = timestamp;
    for (unsigned i = 0; i < a->payload.count; i += channels) {
        uint32_t at = timestamp + i / channels * ticks;
        amr_shelf_put(a->shelf, at, &a->payload.frames[i]);
        if (a->payload.closes)
            a->until = at;
    }
}

static int decode_amr(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    struct amr *a = d->state;
    if (payload.size && !amr_cut(a->kind, &a->format, payload, &a->payload))
        return -1;
    if (a->shelf == NULL)
        return decode_in_order(d, out);
    if (payload.size)
        to_shelf(a, d->timestamp);
    return decode_shelf(d, out);
}

const struct codec_type codec_amr = {.name = "AMR",
                                     .label = "AMR",
                                     .rate_hz = 8000,
                                     .clock_hz = 8000,
                                     .open = open_amr,
                                     .decode = decode_amr};
const struct codec_type codec_amr_wb = {.name = "AMR-WB",
                                        .label = "AMR-WB",
                                        .rate_hz = 16000,
                                        .clock_hz = 16000,
                                        .open = open_amr_wb,
                                        .decode = decode_amr};
