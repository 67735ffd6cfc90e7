/*      | CMR | ILL ILP | F FT Q, ... | CRC, ... | speech, ...     F: another entry follows
 * bits   4/8     8         6/8           8         by frame type
 *              if interleaved        if crc
 *
 * Octet-aligned fills up each field to octets, and so each frame. Sorted for robustness, the first
 * octets of all frames stand in front of all second ones, and so on. */
#include "decode/amr_payload.h"

#include "decode/bits.h"

const struct amr_kind amr_narrow = {
    "amrnb", {95, 103, 118, 134, 148, 159, 204, 244, 39}, 0x7e00, 8, 160};
const struct amr_kind amr_wide = {
    "amrwb", {132, 177, 253, 285, 317, 365, 397, 461, 477, 40}, 0x3c00, 9, 320};

static bool says(const struct render_codec *codec, const char *key)
{
    uint64_t value;
    return slice_to_u64(slice_parameter(slice_str(codec->fmtp), key), 255, &value) && value > 0;
}

/* RFC 4867 8.1: each of the three implies octet-aligned. */
struct amr_format amr_format_of(const struct render_codec *codec)
{
    struct amr_format f = {.crc = says(codec, "crc"),
                           .sorted = says(codec, "robust-sorting"),
                           .interleaved = says(codec, "interleaving"),
                           .channels = codec->channels ? codec->channels : 1};
    f.aligned = f.crc || f.sorted || f.interleaved || says(codec, "octet-align");
    return f;
}

static bool read_table(const struct amr_kind *kind, const struct amr_format *f, struct bits *b,
                       struct amr_payload *p)
{
    bool more = true;
    bits_skip(b, f->aligned ? 8 : 4);
    p->apart = 1;
    p->closes = true;
    if (f->interleaved) {
        p->apart = bits_take(b, 4) + 1;
        unsigned index = bits_take(b, 4);
        if (index >= p->apart)
            return false;
        p->closes = index == p->apart - 1;
    }
    for (p->count = 0; more && p->count < AMR_FRAMES_MAX; p->count++) {
        struct amr_frame *frame = &p->frames[p->count];
        more = bits_take(b, 1);
        frame->type = (uint8_t)bits_take(b, 4);
        frame->good = bits_take(b, 1);
        frame->bits = kind->sizes[frame->type];
        frame->data[0] = (uint8_t)(frame->type << 3 | frame->good << 2);
        bits_skip(b, f->aligned ? 2 : 0);
        if (kind->reserved >> frame->type & 1)
            return false;
    }
    return !more && !b->failed;
}

/* Bits of all that follows the table. */
static size_t body_bits(const struct amr_format *f, const struct amr_payload *p)
{
    size_t all = 0;
    for (unsigned i = 0; i < p->count; i++) {
        size_t bits = p->frames[i].bits;
        all += f->aligned ? (bits + 7) / 8 * 8 + (f->crc && bits ? 8 : 0) : bits;
    }
    return all;
}

static void skip_crcs(const struct amr_payload *p, struct bits *b)
{
    for (unsigned i = 0; i < p->count; i++)
        bits_skip(b, p->frames[i].bits ? 8 : 0);
}

static void read_sorted(struct amr_payload *p, struct bits *b)
{
    for (unsigned octet = 0; octet < AMR_FRAME_BYTES - 1; octet++)
        for (unsigned i = 0; i < p->count; i++)
            if (8 * octet < p->frames[i].bits)
                p->frames[i].data[1 + octet] = (uint8_t)bits_take(b, 8);
}

/* False: what fills up the octets is not zero. */
static bool read_frames(const struct amr_format *f, struct amr_payload *p, struct bits *b)
{
    uint32_t padding = 0;
    for (unsigned i = 0; i < p->count; i++) {
        struct amr_frame *frame = &p->frames[i];
        bits_copy(b, frame->bits, frame->data + 1);
        if (f->aligned)
            padding |= bits_take(b, -b->at % 8);
    }
    return (padding | bits_take(b, -b->at % 8)) == 0;
}

enum fit { FIT_NOT, FIT_LOOSE /* with something behind it or in its padding */, FIT_EXACT };

static enum fit cut_as(const struct amr_kind *kind, const struct amr_format *f,
                       struct slice payload, struct amr_payload *p)
{
    struct bits b = bits_over(payload);
    if (!read_table(kind, f, &b, p))
        return FIT_NOT;
    size_t body = body_bits(f, p), left = bits_left(&b);
    if (body > left)
        return FIT_NOT;
    bool clean = true;
    if (f->crc)
        skip_crcs(p, &b);
    if (f->sorted)
        read_sorted(p, &b);
    else
        clean = read_frames(f, p, &b);
    return clean && left - body < 8 ? FIT_EXACT : FIT_LOOSE;
}

/* Some senders do not keep to what their SDP says. */
bool amr_cut(const struct amr_kind *kind, const struct amr_format *format, struct slice payload,
             struct amr_payload *ret_payload)
{
    enum fit fit = cut_as(kind, format, payload, ret_payload);
    if (fit == FIT_EXACT)
        return true;
    const struct amr_format other = {.aligned = !format->aligned, .channels = format->channels};
    if (cut_as(kind, &other, payload, ret_payload) == FIT_EXACT)
        return true;
    return fit == FIT_LOOSE && cut_as(kind, format, payload, ret_payload) == FIT_LOOSE;
}
