/* GSM full rate (RFC 3551 4.5.8): frames of 33 octets, 20 ms each. */
#include "decode/av.h"
#include "decode/codec.h"

static bool open_gsm(struct decoder *d, const struct render_codec *codec)
{
    (void)codec;
    struct av_setup setup = {.decoder = "gsm", .rate_hz = 8000, .block_align = 33};
    d->frame_bytes = 33;
    d->av = av_decoder_get(d->pool, &setup);
    return d->av != NULL;
}

const struct codec_type codec_gsm = {.name = "GSM",
                                     .label = "GSM",
                                     .rate_hz = 8000,
                                     .clock_hz = 8000,
                                     .open = open_gsm,
                                     .decode = decode_frames};
