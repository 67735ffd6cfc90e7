/* G.726: code words of 2 to 5 bits. RFC 3551 packs the first into the low bits of an octet (the
 * library's "g726le"), ATM's AAL2 packing (I.366.2, "AAL2-G726-xx") into the high bits ("g726").
 * G721 is the old name of 32 kbit/s. */
#include "decode/av.h"
#include "decode/codec.h"

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

#define G726(codec, opener)                                                                        \
    {                                                                                              \
        .name = codec, .label = "G726", .rate_hz = 8000, .clock_hz = 8000, .open = opener,         \
        .decode = decode_whole                                                                     \
    }

const struct codec_type codec_g726_16 = G726("G726-16", open_g726);
const struct codec_type codec_g726_24 = G726("G726-24", open_g726);
const struct codec_type codec_g726_32 = G726("G726-32", open_g726);
const struct codec_type codec_g726_40 = G726("G726-40", open_g726);
const struct codec_type codec_g721 = G726("G721", open_g726);
const struct codec_type codec_aal2_g726_16 = G726("AAL2-G726-16", open_aal2);
const struct codec_type codec_aal2_g726_24 = G726("AAL2-G726-24", open_aal2);
const struct codec_type codec_aal2_g726_32 = G726("AAL2-G726-32", open_aal2);
const struct codec_type codec_aal2_g726_40 = G726("AAL2-G726-40", open_aal2);
