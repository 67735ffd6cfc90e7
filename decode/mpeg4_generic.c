/* AAC in MPEG4-GENERIC (RFC 3640): several access units in a payload, or one over several. How wide
 * the fields of a header are is said by the SDP; modes AAC-hbr and AAC-lbr are names for such
 * widths.
 *
 *     | bits of headers 16 | size, index, ... | size, index delta, ... | access units
 */
#include <stdlib.h>

#include "decode/aac.h"

#define UNITS_MAX 16

struct widths {
    uint8_t size, index, delta, cts, dts, state, auxiliary;
    bool random_access;
    uint16_t constant_size;
};

struct generic {
    struct widths widths;
    /* A unit of which more is to come: */
    uint32_t timestamp;
    size_t wanted, held;
    uint8_t unit[AAC_UNIT_MAX];
};

static unsigned number(const struct render_codec *codec, const char *key, unsigned most)
{
    uint64_t value;
    return slice_to_u64(slice_parameter(slice_str(codec->fmtp), key), most, &value)
               ? (unsigned)value
               : 0;
}

static bool config_of(const struct render_codec *codec, struct aac_config *ret_config)
{
    uint8_t octets[64];
    struct bits b = bits_over(slice_of(octets, aac_hex(codec, "config", octets)));
    if (!aac_config_read(&b, ret_config))
        return false;
    /* All of it: behind what we read may be how SBR is announced. */
    memcpy(ret_config->specific, octets, b.data.size);
    ret_config->size = (int)b.data.size;
    return true;
}

static int generic_rate(const struct render_codec *codec)
{
    struct aac_config config;
    return config_of(codec, &config) ? config.rate_hz : 0;
}

static bool open_generic(struct decoder *d, const struct render_codec *codec)
{
    struct aac_config config;
    struct generic *g = d->state = calloc(1, sizeof *g);
    if (g == NULL || !config_of(codec, &config))
        return false;
    g->widths = (struct widths){
        .size = (uint8_t)number(codec, "sizelength", 24),
        .index = (uint8_t)number(codec, "indexlength", 32),
        .delta = (uint8_t)number(codec, "indexdeltalength", 32),
        .cts = (uint8_t)number(codec, "ctsdeltalength", 32),
        .dts = (uint8_t)number(codec, "dtsdeltalength", 32),
        .state = (uint8_t)number(codec, "streamstateindication", 32),
        .auxiliary = (uint8_t)number(codec, "auxiliarydatasizelength", 32),
        .random_access = number(codec, "randomaccessindication", 1),
        .constant_size = (uint16_t)number(codec, "constantsize", AAC_UNIT_MAX),
    };
    return aac_use(d, &config);
}

/* Size of the unit; *ret_follows: it comes right behind the one before. */
static size_t read_header(const struct widths *w, struct bits *b, bool first, bool *ret_follows)
{
    size_t size = w->size ? bits_take(b, w->size) : w->constant_size;
    unsigned index = bits_take(b, first ? w->index : w->delta);
    *ret_follows = first || index == 0;
    if (w->cts && bits_take(b, 1))
        bits_skip(b, w->cts);
    if (w->dts && bits_take(b, 1))
        bits_skip(b, w->dts);
    bits_skip(b, w->random_access);
    bits_skip(b, w->state);
    return size;
}

/* Sizes of the units; *ret_units what lies behind the headers. 0: damaged. Interleaved units are
 * damage too. */
static unsigned read_headers(const struct widths *w, struct slice payload, size_t sizes[UNITS_MAX],
                             struct slice *ret_units)
{
    struct bits b = bits_over(payload);
    unsigned count = 0;
    size_t end = bits_take(&b, 16) + 16;
    while (b.at < end && count < UNITS_MAX) {
        bool follows;
        sizes[count] = read_header(w, &b, count == 0, &follows);
        count++;
        if (!follows || b.failed)
            return 0;
    }
    if (b.at != end)
        return 0;
    bits_skip(&b, -b.at % 8);
    if (w->auxiliary) {
        bits_skip(&b, bits_take(&b, w->auxiliary));
        bits_skip(&b, -b.at % 8);
    }
    *ret_units = slice_from(payload, b.at / 8);
    return b.failed ? 0 : count;
}

/* One piece of a unit; the samples of the whole when it is the last. */
static int decode_piece(struct decoder *d, struct slice piece, size_t wanted, int16_t *out)
{
    struct generic *g = d->state;
    if (wanted > AAC_UNIT_MAX)
        return -1;
    if (g->held == 0 || g->timestamp != d->timestamp || g->wanted != wanted)
        g->held = 0;
    g->timestamp = d->timestamp;
    g->wanted = wanted;
    if (piece.size > wanted - g->held) {
        g->held = 0;
        return -1;
    }
    if (piece.size)
        memcpy(g->unit + g->held, piece.data, piece.size);
    g->held += piece.size;
    if (g->held < wanted)
        return 0;
    g->held = 0;
    return aac_unit(d, slice_of(g->unit, wanted), out, CODEC_MAX_SAMPLES);
}

static int decode_generic(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    const struct generic *g = d->state;
    const struct widths *w = &g->widths;
    size_t sizes[UNITS_MAX] = {payload.size};
    unsigned count = 1;
    int total = 0;
    if (w->size || w->index || w->delta)
        count = read_headers(w, payload, sizes, &payload);
    else if (w->constant_size)
        for (count = 0; count < UNITS_MAX && (count + 1) * w->constant_size <= payload.size;
             count++)
            sizes[count] = w->constant_size;
    if (count == 1 && sizes[0] > payload.size)
        return decode_piece(d, payload, sizes[0], out);
    for (unsigned i = 0; i < count && total < CODEC_MAX_SAMPLES; i++) {
        if (sizes[i] > payload.size)
            return total > 0 ? total : -1;
        int n =
            aac_unit(d, slice_sub(payload, 0, sizes[i]), out + total, CODEC_MAX_SAMPLES - total);
        if (n < 0)
            return -1;
        total += n;
        payload = slice_from(payload, sizes[i]);
    }
    return total > 0 ? total : -1;
}

const struct codec_type codec_mpeg4_generic = {.name = "MPEG4-GENERIC",
                                               .label = "other",
                                               .rate = generic_rate,
                                               .open = open_generic,
                                               .decode = decode_generic};
