/* Object types, rates and flags are read only to know the rate and where the configuration ends;
 * the decoder gets its bits as they are. */
#include "decode/aac.h"

#include "decode/av.h"

enum { AAC_LC = 2, SBR = 5, ER_AAC_LC = 17, ER_AAC_LD = 23, PS = 29, ER_AAC_ELD = 39 };

static unsigned object_type(struct bits *b)
{
    unsigned type = bits_take(b, 5);
    return type == 31 ? 32 + bits_take(b, 6) : type;
}

static int frequency(struct bits *b)
{
    static const int table[15] = {96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050,
                                  16000, 12000, 11025, 8000,  7350,  0,     0};
    unsigned index = bits_take(b, 4);
    return index == 15 ? (int)bits_take(b, 24) : table[index];
}

/* GASpecificConfig 4.4.1; a program config element (channels 0) is not taken. */
static bool general_config(struct bits *b, unsigned type)
{
    bits_skip(b, 1);
    if (bits_take(b, 1)) /* depends on a core coder */
        bits_skip(b, 14);
    if (bits_take(b, 1)) /* extension */
        bits_skip(b, type >= ER_AAC_LC ? 4 : 1);
    return !b->failed;
}

/* ELDSpecificConfig 4.6.20; without SBR of its own. */
static bool low_delay_config(struct bits *b)
{
    bits_skip(b, 4);
    if (bits_take(b, 1))
        return false;
    return bits_take(b, 4) == 0 && !b->failed; /* no extension */
}

static bool specific_config(struct bits *b, unsigned type)
{
    switch (type) {
    case AAC_LC:
        return general_config(b, type);
    case ER_AAC_LC:
    case ER_AAC_LD:
        return general_config(b, type) && bits_take(b, 2) == 0 && !b->failed; /* no protection */
    case ER_AAC_ELD:
        return low_delay_config(b) && bits_take(b, 2) == 0 && !b->failed;
    default:
        return false;
    }
}

bool aac_config_read(struct bits *b, struct aac_config *ret_config)
{
    struct aac_config c = {0};
    size_t from = b->at;
    unsigned type = object_type(b);
    c.rate_hz = frequency(b);
    unsigned channels = bits_take(b, 4);
    if (type == SBR || type == PS) {
        c.rate_hz = frequency(b);
        type = object_type(b);
    }
    if (channels == 0 || channels > 7 || !specific_config(b, type) ||
        !codec_rate_known((uint32_t)c.rate_hz) || b->at - from > 8 * sizeof c.specific)
        return false;
    struct bits all = {.data = b->data, .at = from};
    c.size = (int)((b->at - from + 7) / 8);
    bits_copy(&all, b->at - from, c.specific);
    *ret_config = c;
    return true;
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

size_t aac_hex(const struct render_codec *codec, const char *key, uint8_t out[64])
{
    struct slice text = slice_parameter(slice_str(codec->fmtp), key);
    if (text.size >= 2 && text.data[0] == '"')
        text = slice_sub(text, 1, text.size - 1);
    if (text.size / 2 > 64)
        return 0;
    for (size_t i = 0; i + 2 <= text.size; i += 2) {
        int high = hex_digit(text.data[i]), low = hex_digit(text.data[i + 1]);
        if (high < 0 || low < 0)
            return 0;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return text.size / 2;
}

bool aac_use(struct decoder *d, const struct aac_config *config)
{
    struct av_setup setup = {
        .decoder = "aac", .rate_hz = config->rate_hz, .config_size = config->size};
    memcpy(setup.config, config->specific, sizeof setup.config);
    struct av_decoder *av = av_decoder_get(d->pool, &setup);
    if (av == NULL)
        return false;
    av_decoder_release(d->pool, d->av);
    d->av = av;
    d->rate_hz = config->rate_hz;
    return true;
}

int aac_unit(struct decoder *d, struct slice unit, int16_t *out, int room)
{
    int n = av_decoder_decode(d->av, unit, out, room);
    if (n <= 0)
        return n;
    int rate = av_decoder_rate(d->av);
    if (!codec_rate_known((uint32_t)rate))
        return -1;
    d->rate_hz = rate;
    return n;
}
