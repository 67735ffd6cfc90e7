/* Opus (RFC 7587), through libopus itself: it alone gives the copy of the frame before that a
 * sender may put into a packet (in-band FEC), and mixes stereo to one channel. The clock is 48000
 * whatever the sound's bandwidth. A packet without a frame (DTX, one octet) makes comfort noise. */
#include <opus/opus.h>
#include <stdlib.h>

#include "decode/codec.h"

#define RATE 48000

static bool open_opus(struct decoder *d, const struct render_codec *codec)
{
    (void)codec;
    int size = opus_decoder_get_size(1);
    d->state = size > 0 ? malloc((size_t)size) : NULL;
    return d->state && opus_decoder_init(d->state, RATE, 1) == OPUS_OK;
}

static int decode_opus(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    int n =
        opus_decode(d->state, payload.data, (opus_int32)payload.size, out, CODEC_MAX_SAMPLES, 0);
    return n > 0 ? n : -1;
}

/* RFC 6716 3.1 and 4.2.3: the packet begins with SILK (alone or below CELT), whose first bits are a
 * voice activity flag for each 20 ms, then the flag of redundancy; of stereo, the middle channel's.
 * Packets of one frame, or two of equal size, which are all that speech is sent in. */
static bool has_copy(struct slice payload)
{
    if (payload.size < 2 || payload.data[0] >> 7 || (payload.data[0] & 3) > 1)
        return false;
    unsigned config = payload.data[0] >> 3;
    unsigned frames_20ms = config < 12 && (config & 3) > 1 ? config & 3 : 1;
    return payload.data[1] >> (7 - frames_20ms) & 1;
}

static int recover_opus(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    if (!has_copy(payload))
        return 0;
    int frame = opus_packet_get_samples_per_frame(payload.data, RATE);
    int n = opus_decode(d->state, payload.data, (opus_int32)payload.size, out, frame, 1);
    return n > 0 ? n : 0;
}

const struct codec_type codec_opus = {.name = "opus",
                                      .label = "opus",
                                      .rate_hz = RATE,
                                      .clock_hz = RATE,
                                      .open = open_opus,
                                      .decode = decode_opus,
                                      .recover = recover_opus};
