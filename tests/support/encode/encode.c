/* One function an encoder library; each gives frame by frame to put(). */
#include "tests/support/encode/encode.h"

#include <bcg729/encoder.h>
#include <opencore-amrnb/interf_enc.h>
#include <opus/opus.h>
#include <stdint.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/bitstream.h>
#include <spandsp/g726.h>
#include <vo-amrwbenc/enc_if.h>

bool encode_put(struct encoded *out, const void *data, size_t size)
{
    if (out->count == ENCODED_MAX || size > ENCODED_BYTES)
        return false;
    memcpy(out->data[out->count], data, size);
    out->size[out->count++] = (uint16_t)size;
    return true;
}

static bool by_amrnb(const struct encode_as *as, const int16_t *pcm, size_t count,
                     struct encoded *out)
{
    void *e = Encoder_Interface_init(as->dtx);
    uint8_t frame[64];
    bool good = e != NULL;
    for (size_t at = 0; good && at + 160 <= count; at += 160) {
        int n = Encoder_Interface_Encode(e, (enum Mode)as->mode, pcm + at, frame, 0);
        good = n > 0 && encode_put(out, frame, (size_t)n);
    }
    Encoder_Interface_exit(e);
    return good;
}

static bool by_amrwb(const struct encode_as *as, const int16_t *pcm, size_t count,
                     struct encoded *out)
{
    void *e = E_IF_init();
    uint8_t frame[64];
    bool good = e != NULL;
    for (size_t at = 0; good && at + 320 <= count; at += 320) {
        int n = E_IF_encode(e, as->mode, pcm + at, frame, as->dtx);
        good = n > 0 && encode_put(out, frame, (size_t)n);
    }
    E_IF_exit(e);
    return good;
}

static bool by_bcg729(const struct encode_as *as, const int16_t *pcm, size_t count,
                      struct encoded *out)
{
    bcg729EncoderChannelContextStruct *e = initBcg729EncoderChannel(as->dtx);
    uint8_t frame[16], n;
    bool good = e != NULL;
    for (size_t at = 0; good && at + 80 <= count; at += 80) {
        bcg729Encoder(e, pcm + at, frame, &n);
        good = encode_put(out, frame, n);
    }
    closeBcg729EncoderChannel(e);
    return good;
}

static bool by_libopus(const struct encode_as *as, const int16_t *pcm, size_t count,
                       struct encoded *out)
{
    int err, channels = as->channels ? as->channels : 1;
    uint8_t frame[ENCODED_BYTES];
    OpusEncoder *e = opus_encoder_create(as->rate_hz, channels, OPUS_APPLICATION_VOIP, &err);
    bool good = e != NULL;
    if (!good)
        return false;
    opus_encoder_ctl(e, OPUS_SET_BITRATE(as->bit_rate ? as->bit_rate : 32000));
    opus_encoder_ctl(e, OPUS_SET_DTX(as->dtx));
    opus_encoder_ctl(e, OPUS_SET_INBAND_FEC(as->fec));
    opus_encoder_ctl(e, OPUS_SET_PACKET_LOSS_PERC(as->fec ? 20 : 0));
    for (size_t at = 0; good && at + (size_t)as->frame <= count; at += (size_t)as->frame) {
        int n = opus_encode(e, pcm + at * (size_t)channels, as->frame, frame, sizeof frame);
        good = n > 0 && encode_put(out, frame, (size_t)n);
    }
    opus_encoder_destroy(e);
    return good;
}

static bool by_spandsp(const struct encode_as *as, const int16_t *pcm, size_t count,
                       struct encoded *out)
{
    int packing = strcmp(as->encoder, "g726le") == 0 ? G726_PACKING_RIGHT : G726_PACKING_LEFT;
    g726_state_t *e = g726_init(NULL, 8000 * as->bits, G726_ENCODING_LINEAR, packing);
    uint8_t frame[ENCODED_BYTES];
    bool good = e != NULL;
    for (size_t at = 0; good && at + (size_t)as->frame <= count; at += (size_t)as->frame) {
        int n = g726_encode(e, frame, pcm + at, as->frame);
        good = n > 0 && encode_put(out, frame, (size_t)n);
    }
    if (e)
        g726_free(e);
    return good;
}

bool encode(const struct encode_as *as, const int16_t *pcm, size_t count, struct encoded *out)
{
    static const struct {
        const char *name;
        bool (*by)(const struct encode_as *, const int16_t *, size_t, struct encoded *);
    } encoders[] = {{"amrnb", by_amrnb}, {"amrwb", by_amrwb},
                    {"g729", by_bcg729}, {"libopus direct", by_libopus},
                    {"l8", encode_l8},   {"dvi4", encode_dvi4}};
    out->count = 0;
    out->config_size = 0;
    if (strncmp(as->encoder, "g726", 4) == 0 && as->bits == 5) /* libavcodec's is another code */
        return by_spandsp(as, pcm, count, out);
    for (size_t i = 0; i < sizeof encoders / sizeof *encoders; i++)
        if (strcmp(encoders[i].name, as->encoder) == 0)
            return encoders[i].by(as, pcm, count, out);
    return encode_av(as, pcm, count, out);
}
