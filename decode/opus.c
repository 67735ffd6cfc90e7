/* Opus (RFC 7587): the RTP clock and the decoder's output are 48000 whatever the sound's bandwidth;
 * a stereo stream is mixed to one channel by the decoder. "libopus" by name: the library's own
 * decoder takes ten times the memory. */
#include "decode/av.h"
#include "decode/codec.h"

static bool open_opus(struct decoder *d, const struct render_codec *codec)
{
    (void)codec;
    struct av_setup setup = {.decoder = "libopus", .rate_hz = 48000};
    d->av = av_decoder_get(d->pool, &setup);
    return d->av != NULL;
}

const struct codec_type codec_opus = {"opus", "opus", 48000, 48000, open_opus, decode_whole};
