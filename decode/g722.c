/* G.722: the RTP clock says 8000 (RFC 3551 4.5.2), the sound has 16000 samples a second. */
#include "decode/av.h"
#include "decode/codec.h"

static bool open_g722(struct decoder *d, const struct render_codec *codec)
{
    (void)codec;
    struct av_setup setup = {.decoder = "g722", .rate_hz = 16000};
    d->av = av_decoder_get(d->pool, &setup);
    return d->av != NULL;
}

const struct codec_type codec_g722 = {.name = "G722",
                                      .label = "G722",
                                      .rate_hz = 16000,
                                      .clock_hz = 8000,
                                      .open = open_g722,
                                      .decode = decode_whole};
