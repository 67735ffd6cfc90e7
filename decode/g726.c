/* G.726: code words of 2 to 5 bits. RFC 3551 packs the first into the low bits of an octet (the
 * library's "g726le"), ATM's AAL2 packing (I.366.2, "AAL2-G726-xx") into the high bits ("g726").
 * G721 is the old name of 32 kbit/s. Words of 5 bits go to spandsp: libavcodec lets its predictor
 * forget as fast as with 2 to 4 bits, and is 20 dB off (docs/decisions/g726-40-by-spandsp.md). */
#include <stdint.h>

#include <spandsp/telephony.h>

#include <spandsp/bitstream.h>
#include <spandsp/g726.h>

#include "decode/av.h"
#include "decode/codec.h"

#define WIDEST_KBITS 40

static bool open_packed(struct decoder *d, const char *decoder, int bits)
{
    struct av_setup setup = {.decoder = decoder, .rate_hz = 8000, .bits_per_sample = bits};
    d->av = av_decoder_get(d->pool, &setup);
    return d->av != NULL;
}

/* The rate in kbit/s closes the name: 8 kHz times the bits of a code word. */
static int bits_of(const char *name)
{
    const char *dash = strrchr(name, '-');
    uint64_t kbits = 32;
    if (dash)
        slice_to_u64(slice_str(dash + 1), 40, &kbits);
    return (int)kbits / 8;
}

static bool open_g726(struct decoder *d, const struct render_codec *codec)
{
    return open_packed(d, "g726le", bits_of(codec->name));
}

static bool open_aal2(struct decoder *d, const struct render_codec *codec)
{
    return open_packed(d, "g726", bits_of(codec->name));
}

/* Its state is one block, as d->state has to be. */
static bool open_widest(struct decoder *d, int packing)
{
    d->state = g726_init(NULL, WIDEST_KBITS * 1000, G726_ENCODING_LINEAR, packing);
    return d->state != NULL;
}

static bool open_g726_40(struct decoder *d, const struct render_codec *codec)
{
    (void)codec;
    return open_widest(d, G726_PACKING_RIGHT);
}

static bool open_aal2_40(struct decoder *d, const struct render_codec *codec)
{
    (void)codec;
    return open_widest(d, G726_PACKING_LEFT);
}

/* Whole groups of 8 samples in 5 octets: what is left of one stays out, or it would be taken for
 * the beginning of the next packet. */
static int decode_widest(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    size_t groups = payload.size / 5;
    if (groups > CODEC_MAX_SAMPLES / 8)
        groups = CODEC_MAX_SAMPLES / 8;
    return groups ? g726_decode(d->state, out, payload.data, (int)groups * 5) : 0;
}

#define G726_BY(codec, opener, decoder)                                                            \
    {                                                                                              \
        .name = codec, .label = "G726", .rate_hz = 8000, .clock_hz = 8000, .open = opener,         \
        .decode = decoder                                                                          \
    }
#define G726(codec, opener) G726_BY(codec, opener, decode_whole)

const struct codec_type codec_g726_16 = G726("G726-16", open_g726);
const struct codec_type codec_g726_24 = G726("G726-24", open_g726);
const struct codec_type codec_g726_32 = G726("G726-32", open_g726);
const struct codec_type codec_g726_40 = G726_BY("G726-40", open_g726_40, decode_widest);
const struct codec_type codec_g721 = G726("G721", open_g726);
const struct codec_type codec_aal2_g726_16 = G726("AAL2-G726-16", open_aal2);
const struct codec_type codec_aal2_g726_24 = G726("AAL2-G726-24", open_aal2);
const struct codec_type codec_aal2_g726_32 = G726("AAL2-G726-32", open_aal2);
const struct codec_type codec_aal2_g726_40 = G726_BY("AAL2-G726-40", open_aal2_40, decode_widest);
