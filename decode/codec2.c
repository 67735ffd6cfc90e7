/* Codec2: frames of 20 ms (3200 and 2400 bit/s) or 40 ms, each filled up to octets. No RFC says how
 * it travels; senders send 2400 without saying so, or name another with fmtp "mode=". */
#include "decode/av.h"
#include "decode/codec.h"

static const struct mode {
    const char *name;
    uint8_t number; /* the library's */
    uint8_t frame_bytes;
} modes[] = {
    {"2400", 1, 6}, {"3200", 0, 8}, {"1600", 2, 8}, {"1400", 3, 7},
    {"1300", 4, 7}, {"1200", 5, 6}, {"700C", 8, 4}, {"700", 8, 4},
};

static const struct mode *mode_of(const struct render_codec *codec)
{
    struct slice name = slice_parameter(slice_str(codec->fmtp), "mode");
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (name.size == 0 || slice_is_nocase(name, modes[i].name))
            return &modes[i];
    return NULL;
}

static bool open_codec2(struct decoder *d, const struct render_codec *codec)
{
    const struct mode *mode = mode_of(codec);
    if (mode == NULL)
        return false;
    /* Version 1.0, mode, no flags. */
    struct av_setup setup = {
        .decoder = "libcodec2", .rate_hz = 8000, .config = {1, 0, mode->number}, .config_size = 4};
    d->frame_bytes = mode->frame_bytes;
    d->av = av_decoder_get(d->pool, &setup);
    return d->av != NULL;
}

const struct codec_type codec_codec2 = {.name = "CODEC2",
                                        .label = "other",
                                        .rate_hz = 8000,
                                        .clock_hz = 8000,
                                        .open = open_codec2,
                                        .decode = decode_frames};
