/* AAC in MP4A-LATM (RFC 6416): a payload is one AudioMuxElement (ISO 14496-3 1.7.3) of one program
 * and layer. Its StreamMuxConfig stands in the SDP (cpresent=0) or in front of the elements; then
 * nothing in them keeps to octets. An element that is larger than a packet comes in several of one
 * timestamp, the last of them with the marker; many senders set that nowhere or everywhere, so it
 * is the element's own lengths that say whether it is whole. What has lost a piece is left out. */
#include <stdlib.h>

#include "decode/aac.h"
#include "decode/av.h"

#define DEFAULT_RATE 48000              /* for the file, while only the elements know */
#define ELEMENT_MAX  (4 * AAC_UNIT_MAX) /* octets of one over several packets */

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
    /* An element of which more is to come, or whose rest is of no use: */
    bool broken;
    bool alone;  /* packets are elements, whatever their lengths say: the rest of one never came */
    unsigned pieces;
    uint32_t timestamp;
    size_t held;
    uint8_t element[ELEMENT_MAX];
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

enum extent { EXTENT_WHOLE, EXTENT_MORE, EXTENT_BROKEN };

/* `exact`: it was put together, or its beginning may be missing: then it has to end where the
 * packet does. */
static enum extent extent_of(const struct latm *l, struct slice element, bool exact)
{
    struct bits b = bits_over(element);
    struct mux mux = l->mux;
    bool known = l->ready;
    if (l->in_band && bits_take(&b, 1) == 0) {
        if (!mux_read(&b, &mux))
            return b.failed ? EXTENT_MORE : EXTENT_BROKEN;
        known = true;
    }
    for (unsigned i = 0; known && i < mux.units; i++) {
        size_t size = unit_size(&mux, &b);
        if (size > AAC_UNIT_MAX)
            return EXTENT_BROKEN;
        if (b.failed || 8 * size > bits_left(&b))
            return EXTENT_MORE;
        bits_skip(&b, 8 * size);
    }
    if (exact && mux.other_bits > bits_left(&b))
        return EXTENT_MORE;
    bool fits = !exact || bits_left(&b) - mux.other_bits < 8;
    return known && fits ? EXTENT_WHOLE : EXTENT_BROKEN;
}

static int decode_element(struct decoder *d, struct slice element, int16_t out[CODEC_MAX_SAMPLES])
{
    struct latm *l = d->state;
    struct bits b = bits_over(element);
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

/* The rest of an element that nobody can hear any more. */
static int give_up(struct latm *l)
{
    l->held = 0;
    l->broken = true;
    return -1;
}

/* One more piece of the element, or a new one; what is there of it now. */
static struct slice add_piece(struct latm *l, struct slice payload)
{
    if (l->held == 0)
        return payload;
    memcpy(l->element + l->held, payload.data, payload.size);
    l->held += payload.size;
    return slice_of(l->element, l->held);
}

static int keep_piece(struct latm *l, struct slice element)
{
    if (element.size > ELEMENT_MAX)
        return give_up(l);
    if (l->held == 0)
        memcpy(l->element, element.data, element.size);
    l->held = element.size;
    l->pieces++;
    return 0;
}

static int decode_latm(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    struct latm *l = d->state;
    bool goes_on = l->timestamp == d->timestamp && (l->held || l->broken);
    if (goes_on && l->broken)
        return 0;
    l->timestamp = d->timestamp;
    l->broken = false;
    if (goes_on && (d->lost || payload.size > ELEMENT_MAX - l->held))
        return give_up(l);
    if (!goes_on) {
        l->alone |= l->held && l->pieces == 1 && !d->lost;
        l->held = l->pieces = 0;
    }
    struct slice element = add_piece(l, payload);
    bool exact = goes_on || d->lost;
    enum extent extent = extent_of(l, element, exact);
    if (extent == EXTENT_MORE && !d->marker && !l->alone)
        return keep_piece(l, element);
    if (exact && extent != EXTENT_WHOLE)
        return give_up(l);
    l->held = l->pieces = 0;
    return decode_element(d, element, out);
}

const struct codec_type codec_latm = {.name = "MP4A-LATM",
                                      .label = "other",
                                      .rate = latm_rate,
                                      .open = open_latm,
                                      .decode = decode_latm};
