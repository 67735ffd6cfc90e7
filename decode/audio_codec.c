/* How what is written is called; who writes it stands in encoder.c. */
#include "decode/encoder.h"

#include <string.h>

static const struct {
    const char *format, *codec, *container;
} CODECS[AUDIO_CODECS] = {
    [AUDIO_PCM] = {"wav", "pcm_s16le", "wav"},      [AUDIO_ULAW] = {"wav-g711", "pcm_mulaw", "wav"},
    [AUDIO_ALAW] = {"wav-g711", "pcm_alaw", "wav"}, [AUDIO_FLAC] = {"flac", "flac", "flac"},
    [AUDIO_OPUS] = {"ogg", "opus", "ogg"},          [AUDIO_MP3] = {"mp3", "mp3", "mp3"},
};

bool audio_format_find(const char *text, enum audio_codec *ret_codec)
{
    for (enum audio_codec c = AUDIO_PCM; c < AUDIO_CODECS; c++)
        if (strcmp(text, CODECS[c].format) == 0) {
            *ret_codec = c;
            return true;
        }
    return false;
}

const char *audio_codec_text(enum audio_codec codec)
{
    return CODECS[codec].codec;
}

const char *audio_container(enum audio_codec codec)
{
    return CODECS[codec].container;
}

int audio_rate(enum audio_codec codec, int rate_hz)
{
    static const int OPUS[] = {8000, 12000, 16000, 24000, 48000};
    if (codec != AUDIO_OPUS)
        return rate_hz;
    for (size_t i = 0; i < sizeof OPUS / sizeof *OPUS; i++)
        if (rate_hz <= OPUS[i])
            return OPUS[i];
    return 48000;
}
