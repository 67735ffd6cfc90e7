/* G.723.1 (RFC 3551 4.5.3): 30 ms frames whose size stands in the low two bits of the first
 * octet: 6.3 kbit/s, 5.3 kbit/s, SID, or nothing sent. The library makes the comfort noise of the
 * last two itself. */
#include "decode/av.h"
#include "decode/codec.h"

static bool open_g723(struct decoder *d, const struct render_codec *codec)
{
    (void)codec;
    struct av_setup setup = {.decoder = "g723_1", .rate_hz = 8000};
    d->av = av_decoder_get(d->pool, &setup);
    return d->av != NULL;
}

static int decode_g723(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    static const uint8_t sizes[4] = {24, 20, 4, 1};
    int total = 0;
    while (payload.size > 0 && total < CODEC_MAX_SAMPLES) {
        size_t frame = sizes[payload.data[0] & 3];
        if (payload.size < frame)
            break;
        int n = av_decoder_decode(d->av, slice_sub(payload, 0, frame), out + total,
                                  CODEC_MAX_SAMPLES - total);
        if (n < 0)
            return -1;
        total += n;
        payload = slice_from(payload, frame);
    }
    return total > 0 ? total : -1;
}

const struct codec_type codec_g723 = {.name = "G723",
                                      .label = "G723",
                                      .rate_hz = 8000,
                                      .clock_hz = 8000,
                                      .open = open_g723,
                                      .decode = decode_g723};
