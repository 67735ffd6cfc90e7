/* The list of what we decode. To add a codec: one file with a struct codec_type, one line here, one
 * in README.md. */
#include "decode/codec.h"

#include <assert.h>
#include <stdlib.h>

#include "decode/av.h"

static const struct codec_type *const types[] = {
    &codec_pcmu,         &codec_pcma,         &codec_l16,          &codec_g722,
    &codec_g729,         &codec_opus,         &codec_gsm,          &codec_ilbc,
    &codec_g723,         &codec_speex,        &codec_g726_32,      &codec_g726_16,
    &codec_g726_24,      &codec_g726_40,      &codec_g721,         &codec_aal2_g726_16,
    &codec_aal2_g726_24, &codec_aal2_g726_32, &codec_aal2_g726_40,
    &codec_amr,          &codec_amr_wb,       &codec_l8,           &codec_dvi4,
    &codec_codec2,       &codec_mpeg4_generic, &codec_latm,
};

enum codec_kind codec_kind(const struct render_codec *codec)
{
    static const struct {
        const char *name;
        enum codec_kind kind;
    } others[] = {{"CN", CODEC_KIND_NOISE},      {"telephone-event", CODEC_KIND_EVENT},
                  {"tone", CODEC_KIND_EVENT},    {"red", CODEC_KIND_RED},
                  {"rtx", CODEC_KIND_APART},     {"ulpfec", CODEC_KIND_APART},
                  {"flexfec", CODEC_KIND_APART}, {"parityfec", CODEC_KIND_APART}};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strcasecmp(others[i].name, codec->name) == 0)
            return others[i].kind == CODEC_KIND_RED && codec->clock_hz < 8000
                       ? CODEC_KIND_OTHER /* text (RFC 4103) */
                       : others[i].kind;
    return codec_type_find(codec->name) ? CODEC_KIND_AUDIO : CODEC_KIND_OTHER;
}

bool codec_equal(const struct render_codec *a, const struct render_codec *b)
{
    return a->payload_type == b->payload_type && a->clock_hz == b->clock_hz &&
           a->channels == b->channels && strcmp(a->name, b->name) == 0 &&
           strcmp(a->fmtp, b->fmtp) == 0;
}

const struct codec_type *codec_type_find(const char *name)
{
    for (size_t i = 0; i < codec_type_count(); i++)
        if (strcasecmp(types[i]->name, name) == 0)
            return types[i];
    return NULL;
}

unsigned codec_type_count(void)
{
    return sizeof types / sizeof *types;
}

const struct codec_type *codec_type_at(unsigned index)
{
    assert(index < codec_type_count());
    return types[index];
}

int codec_rate(const struct render_codec *codec)
{
    const struct codec_type *type = codec_type_find(codec->name);
    if (type == NULL)
        return 0;
    if (type->rate_hz)
        return type->rate_hz;
    if (type->rate)
        return type->rate(codec);
    return codec_rate_known(codec->clock_hz) ? (int)codec->clock_hz : 0;
}

int codec_clock(const struct render_codec *codec)
{
    const struct codec_type *type = codec_type_find(codec->name);
    assert(type);
    return type->clock_hz    ? type->clock_hz
           : codec->clock_hz ? (int)codec->clock_hz
                             : codec_rate(codec);
}

bool decoder_open(struct decoder *d, const struct render_codec *codec, struct av_pool *pool)
{
    int rate = codec_rate(codec);
    if (rate == 0)
        return false;
    *d = (struct decoder){.type = codec_type_find(codec->name),
                          .rate_hz = rate,
                          .channels = codec->channels ? codec->channels : 1,
                          .pool = pool};
    if (d->type->open == NULL || d->type->open(d, codec))
        return true;
    decoder_close(d);
    return false;
}

void decoder_close(struct decoder *d)
{
    if (d->av)
        av_decoder_release(d->pool, d->av);
    free(d->state);
    *d = (struct decoder){0};
}

static int decoder_run(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    int n = d->type->decode(d, payload, out);
    assert(n <= CODEC_MAX_SAMPLES);
    int most = d->rate_hz / 1000 * CODEC_MAX_MS;
    return n > most ? most : n;
}

int decoder_more(struct decoder *d, int16_t out[CODEC_MAX_SAMPLES])
{
    return decoder_run(d, slice_none(), out);
}

int decoder_decode(struct decoder *d, struct slice payload, uint32_t timestamp,
                   int16_t out[CODEC_MAX_SAMPLES])
{
    assert(d->type);
    d->noise_dbov = 0;
    d->timestamp = timestamp;
    d->offset = 0;
    d->more = false;
    return payload.size ? decoder_run(d, payload, out) : 0;
}

int decoder_recover(struct decoder *d, struct slice payload, uint32_t timestamp,
                    int16_t out[CODEC_MAX_SAMPLES])
{
    if (d->type->recover == NULL || payload.size == 0)
        return 0;
    int n = d->type->recover(d, payload, out);
    int64_t clock_hz = d->type->clock_hz ? d->type->clock_hz : d->rate_hz;
    d->noise_dbov = 0;
    d->timestamp = timestamp;
    d->offset = -(int32_t)(n * clock_hz / d->rate_hz);
    return n;
}

int decode_whole(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    return av_decoder_decode(d->av, payload, out, CODEC_MAX_SAMPLES);
}

int decode_frames(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    size_t frame = (size_t)d->frame_bytes;
    int total = 0;
    for (; payload.size >= frame && total < CODEC_MAX_SAMPLES;
         payload = slice_from(payload, frame)) {
        int n = av_decoder_decode(d->av, slice_sub(payload, 0, frame), out + total,
                                  CODEC_MAX_SAMPLES - total);
        if (n < 0)
            return -1;
        total += n;
    }
    return total > 0 ? total : -1;
}
