/* iLBC (RFC 3952): frames of 38 octets (20 ms) or 50 (30 ms). The size of the payload tells which,
 * where it can; else fmtp "mode=", which is 30 unless said. The library's decoder has one mode, so
 * a change of mode takes another decoder. */
#include "decode/av.h"
#include "decode/codec.h"

#define BYTES_20MS 38
#define BYTES_30MS 50

static bool use_mode(struct decoder *d, int frame_bytes)
{
    struct av_setup setup = {.decoder = "ilbc", .rate_hz = 8000, .block_align = frame_bytes};
    struct av_decoder *av = av_decoder_get(d->pool, &setup);
    if (av == NULL)
        return false;
    av_decoder_release(d->pool, d->av);
    d->av = av;
    d->frame_bytes = frame_bytes;
    return true;
}

static bool open_ilbc(struct decoder *d, const struct render_codec *codec)
{
    return use_mode(d, strstr(codec->fmtp, "mode=20") ? BYTES_20MS : BYTES_30MS);
}

static int decode_ilbc(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    int other = d->frame_bytes == BYTES_20MS ? BYTES_30MS : BYTES_20MS;
    if (payload.size % (size_t)d->frame_bytes != 0 && payload.size % (size_t)other == 0 &&
        !use_mode(d, other))
        return -1;
    return decode_frames(d, payload, out);
}

const struct codec_type codec_ilbc = {.name = "iLBC",
                                      .label = "iLBC",
                                      .rate_hz = 8000,
                                      .clock_hz = 8000,
                                      .open = open_ilbc,
                                      .decode = decode_ilbc};
