/* Speex (RFC 5574): narrow, wide or ultra-wide band by the RTP clock; a payload holds one or more
 * frames without a mark between them: the decoder reads on until it is asked with nothing left. */
#include "decode/av.h"
#include "decode/codec.h"

static bool open_speex(struct decoder *d, const struct render_codec *codec)
{
    if (codec->clock_hz != 8000 && codec->clock_hz != 16000 && codec->clock_hz != 32000)
        return false;
    struct av_setup setup = {.decoder = "libspeex", .rate_hz = (int)codec->clock_hz};
    d->av = av_decoder_get(d->pool, &setup);
    return d->av != NULL;
}

const struct codec_type codec_speex = {"speex", "speex", 0, 0, open_speex, decode_whole};
