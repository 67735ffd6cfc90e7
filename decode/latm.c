/* AAC in MP4A-LATM (RFC 6416): a payload is one AudioMuxElement (ISO 14496-3 1.7.3) of one program
 * and layer. Its StreamMuxConfig stands in the SDP (cpresent=0) or in front of the elements; then
 * nothing in them keeps to octets. Elements over several packets are not put together. */
#include <stdlib.h>

#include "decode/aac.h"
#include "decode/av.h"

#define DEFAULT_RATE 48000 /* for the file, while only the elements know */

struct mux {
    struct aac_config config;
    unsigned units;        /* in an element */
    unsigned fixed_octets; /* of each unit; 0: each says its own */
    size_t other_bits;     /* behind the units */
};

struct latm {
    bool in_band;
    bool ready;
    struct mux mux;
    uint8_t unit[AAC_UNIT_MAX];
};

/* LatmGetValue */
static uint32_t value(struct bits *b)
{
    unsigned octets = bits_take(b, 2) + 1;
    return bits_take(b, 8 * octets);
}

/* AudioSpecificConfig, of version 1 with its length in front. */
static bool read_specific(struct bits *b, bool version, struct aac_config *ret_config)
{
    uint32_t size = version ? value(b) : 0;
    size_t from = b->at;
    if (!aac_config_read(b, ret_config))
        return false;
    if (!version)
        return true;
    if (b->at - from > size)
        return false;
    bits_skip(b, size - (b->at - from));
    return !b->failed;
}

static size_t other_data(struct bits *b, bool version)
{
    size_t bits = 0;
    bool more = true;
    if (bits_take(b, 1) == 0)
        return 0;
    if (version)
        return value(b);
    for (int i = 0; more && i < 3; i++) {
        more = bits_take(b, 1);
        bits = bits << 8 | bits_take(b, 8);
    }
    return bits;
}

static bool mux_read(struct bits *b, struct mux *ret_mux)
{
    struct mux m = {0};
    bool version = bits_take(b, 1);
    if (version && bits_take(b, 1)) /* version A */
        return false;
    if (version)
        value(b); /* buffer fullness */
    bool same_time = bits_take(b, 1);
    m.units = bits_take(b, 6) + 1;
    if (!same_time || bits_take(b, 4) || bits_take(b, 3) || !read_specific(b, version, &m.config))
        return false;
    unsigned length_type = bits_take(b, 3);
    if (length_type > 1)
        return false;
    if (length_type == 0)
        bits_skip(b, 8); /* buffer fullness */
    else
        m.fixed_octets = bits_take(b, 9) + 20;
    m.other_bits = other_data(b, version);
    if (bits_take(b, 1))
        bits_skip(b, 8); /* checksum */
    if (b->failed)
        return false;
    *ret_mux = m;
    return true;
}

static bool is_in_band(const struct render_codec *codec)
{
    return !slice_is(slice_parameter(slice_str(codec->fmtp), "cpresent"), "0");
}

static bool mux_of(const struct render_codec *codec, struct mux *ret_mux)
{
    uint8_t octets[64];
    struct bits b = bits_over(slice_of(octets, aac_hex(codec, "config", octets)));
    return mux_read(&b, ret_mux);
}

static int latm_rate(const struct render_codec *codec)
{
    struct mux mux;
    if (mux_of(codec, &mux))
        return mux.config.rate_hz;
    if (!is_in_band(codec))
        return 0;
    return codec_rate_known(codec->clock_hz) ? (int)codec->clock_hz : DEFAULT_RATE;
}

static bool open_latm(struct decoder *d, const struct render_codec *codec)
{
    struct latm *l = d->state = calloc(1, sizeof *l);
    if (l == NULL)
        return false;
    l->in_band = is_in_band(codec);
    l->ready = mux_of(codec, &l->mux) && aac_use(d, &l->mux.config);
    return l->ready || l->in_band;
}

/* The configuration in front of an element, if it is not the one before. */
static bool renew(struct decoder *d, struct latm *l, struct bits *b)
{
    struct mux mux;
    if (bits_take(b, 1)) /* as before */
        return l->ready;
    if (!mux_read(b, &mux))
        return false;
    bool same =
        l->ready && mux.config.size == l->mux.config.size &&
        memcmp(mux.config.specific, l->mux.config.specific, sizeof mux.config.specific) == 0;
    l->mux = mux;
    l->ready = same || aac_use(d, &mux.config);
    return l->ready;
}

/* PayloadLengthInfo */
static size_t unit_size(const struct mux *mux, struct bits *b)
{
    size_t size = mux->fixed_octets;
    for (uint32_t part = 255; mux->fixed_octets == 0 && part == 255; size += part)
        part = bits_take(b, 8);
    return size;
}

static int decode_latm(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    struct latm *l = d->state;
    struct bits b = bits_over(payload);
    int total = 0;
    if (l->in_band ? !renew(d, l, &b) : !l->ready)
        return -1;
    for (unsigned i = 0; i < l->mux.units && total < CODEC_MAX_SAMPLES; i++) {
        size_t size = unit_size(&l->mux, &b);
        if (b.failed || size > AAC_UNIT_MAX || 8 * size > bits_left(&b))
            return total > 0 ? total : -1;
        bits_copy(&b, 8 * size, l->unit);
        int n = aac_unit(d, slice_of(l->unit, size), out + total, CODEC_MAX_SAMPLES - total);
        if (n < 0)
            return -1;
        total += n;
    }
    return total;
}

const struct codec_type codec_latm = {.name = "MP4A-LATM",
                                      .label = "other",
                                      .rate = latm_rate,
                                      .open = open_latm,
                                      .decode = decode_latm};
