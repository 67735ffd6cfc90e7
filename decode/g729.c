/* G.729 (RFC 3551 4.5.6): frames of 10 octets, 10 ms each; annex B may close a payload with (or
 * send alone) a SID of 2 octets, which the library refuses: it becomes comfort noise at the level
 * it tells. A payload of 8 octets is one frame of annex D. */
#include <math.h>

#include "decode/av.h"
#include "decode/codec.h"

#define FRAME_BYTES   10
#define SID_BYTES     2
#define ANNEX_D_BYTES 8
#define OVERLOAD_DB   90.3 /* 20 log 32768 */

static bool open_g729(struct decoder *d, const struct render_codec *codec)
{
    (void)codec;
    struct av_setup setup = {.decoder = "g729", .rate_hz = 8000, .block_align = FRAME_BYTES};
    d->frame_bytes = FRAME_BYTES;
    d->av = av_decoder_get(d->pool, &setup);
    return d->av != NULL;
}

/* Annex B: 1 + 5 + 4 bits of spectrum, then 5 bits of energy, -12 dB, -4 to 12 dB in steps of 4, 16
 * to 66 dB in steps of 2. */
static int sid_dbov(struct slice sid)
{
    int index = (sid.data[0] << 8 | sid.data[1]) >> 1 & 31;
    int db = index == 0 ? -12 : index < 6 ? 4 * index - 8 : 2 * index + 4;
    return (int)lround(OVERLOAD_DB - db);
}

static int decode_g729(struct decoder *d, struct slice payload, int16_t out[CODEC_MAX_SAMPLES])
{
    if (payload.size == ANNEX_D_BYTES)
        return decode_whole(d, payload, out);
    size_t rest = payload.size % FRAME_BYTES;
    if (rest == SID_BYTES) {
        struct slice sid = slice_from(payload, payload.size - SID_BYTES);
        d->noise_dbov = sid_dbov(sid);
        payload = slice_sub(payload, 0, payload.size - SID_BYTES);
        if (payload.size == 0)
            return 0;
    }
    return decode_frames(d, payload, out);
}

const struct codec_type codec_g729 = {.name = "G729",
                                      .label = "G729",
                                      .rate_hz = 8000,
                                      .clock_hz = 8000,
                                      .open = open_g729,
                                      .decode = decode_g729};
