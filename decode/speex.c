/* Speex (RFC 5574): narrow, wide or ultra-wide band by the RTP clock. A payload holds one or more
 * frames of whole bits, not octets, without a count, and the decoder library takes one frame and
 * writes to stderr about bits it cannot read: so payloads are cut and checked here. A frame is
 *
 *     0 | mode 4 bits | narrow band bits        mode 13, 14: not sound, skipped; 15: end of payload
 *     1 | mode 3 bits | wide band bits          none, one or two of these layers behind it
 */
#include "decode/av.h"
#include "decode/codec.h"

#define FRAME_BYTES_MAX 256 /* 492 + 2 * 352 bits at most */
#define MODE_USER       13
#define MODE_REQUEST    14
#define MODE_END        15

struct bits {
    struct slice data;
    size_t at, end; /* in bits */
    int layers;     /* wide band layers that the decoder reads; it stumbles over more */
};

/* The next n bits; 0 past the end, as the decoder reads it. */
static unsigned peek(const struct bits *b, size_t at, unsigned n)
{
    unsigned v = 0;
    for (unsigned i = 0; i < n; i++, at++)
        v = v << 1 | (at < b->end ? b->data.data[at / 8] >> (7 - at % 8) & 1u : 0);
    return v;
}

/* Bits of a narrow-band frame, header included; 0: reserved. */
static size_t narrow_bits(unsigned mode)
{
    static const uint16_t sizes[9] = {5, 43, 119, 160, 220, 300, 364, 492, 79};
    return mode < 9 ? sizes[mode] : 0;
}

/* The second layer, of ultra-wide band, has one mode besides silence. */
static size_t wide_bits(int layer, unsigned mode)
{
    static const uint16_t sizes[5] = {4, 36, 112, 192, 352};
    return mode < (layer == 1 ? 5 : 2) ? sizes[mode] : 0;
}

/* Requests (mode 14) have a 4-bit code that tells their size; user data (mode 13) a 4-bit count of
 * octets. */
static size_t message_bits(unsigned mode, unsigned code)
{
    if (mode == MODE_USER)
        return 5 + 4 + 8 * code + 1;
    size_t body = code < 2    ? 1
                  : code < 8  ? 4
                  : code < 10 ? 8
                  : code < 12 ? 16
                  : code < 14 ? 32
                              : 64;
    return 5 + 4 + body;
}

static size_t skip_messages(const struct bits *b, size_t at)
{
    while (b->end - at >= 9) {
        unsigned mode = peek(b, at, 5); /* with the leading 0 of a narrow-band frame */
        if (mode != MODE_USER && mode != MODE_REQUEST)
            break;
        at += message_bits(mode, peek(b, at + 5, 4));
        if (at > b->end)
            return b->end;
    }
    return at;
}

enum cut { CUT_FRAME, CUT_END, CUT_DAMAGED };

/* [*ret_from, *ret_to): the next frame with the layers that count; b->at moves behind all of them.
 */
static enum cut next_frame(struct bits *b, size_t *ret_from, size_t *ret_to)
{
    size_t at = skip_messages(b, b->at);
    if (b->end - at < 5 || peek(b, at, 5) == MODE_END)
        return CUT_END;
    *ret_from = at;
    size_t size = peek(b, at, 1) ? 0 : narrow_bits(peek(b, at + 1, 4));
    *ret_to = at + size;
    for (int layer = 1; size && layer <= 2 && peek(b, at + size, 1); layer++) {
        size_t more = wide_bits(layer, peek(b, at + size + 1, 3));
        size = more ? size + more : 0;
        if (layer <= b->layers)
            *ret_to = at + size;
    }
    if (size == 0 || at + size > b->end)
        return CUT_DAMAGED;
    b->at = at + size;
    return CUT_FRAME;
}

static bool open_speex(struct decoder *d, const struct render_codec *codec)
{
    if (codec->clock_hz != 8000 && codec->clock_hz != 16000 && codec->clock_hz != 32000)
        return false;
    struct av_setup setup = {.decoder = "libspeex", .rate_hz = (int)codec->clock_hz};
    d->av = av_decoder_get(d->pool, &setup);
    return d->av != NULL;
}

/* The frame on octet bounds, closed by the end mark so that nothing is read into what pads it. */
static struct slice aligned(const struct bits *b, size_t from, size_t to,
                            uint8_t out[FRAME_BYTES_MAX])
{
    size_t count = to - from, at = 0;
    memset(out, 0, FRAME_BYTES_MAX);
    for (; at + 8 <= count; at += 8)
        out[at / 8] = (uint8_t)peek(b, from + at, 8);
    unsigned rest = (unsigned)(count - at);
    unsigned tail = (rest ? peek(b, from + at, rest) << 16 >> rest : 0) | (0x7800u >> rest);
    out[at / 8] = (uint8_t)(tail >> 8);
    out[at / 8 + 1] = (uint8_t)tail;
    return slice_of(out, at / 8 + 2);
}

static int decode_speex(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    struct bits b = {.data = payload, .end = 8 * payload.size, .layers = d->rate_hz / 16000};
    uint8_t frame[FRAME_BYTES_MAX];
    size_t from, to;
    int total = 0;
    enum cut cut;
    while (total < CODEC_MAX_SAMPLES && (cut = next_frame(&b, &from, &to)) != CUT_END) {
        if (cut == CUT_DAMAGED)
            return total > 0 ? total : -1;
        int n = av_decoder_decode(d->av, aligned(&b, from, to, frame), out + total,
                                  CODEC_MAX_SAMPLES - total);
        if (n < 0)
            return -1;
        total += n;
    }
    return total;
}

const struct codec_type codec_speex = {
    .name = "speex", .label = "speex", .open = open_speex, .decode = decode_speex};
