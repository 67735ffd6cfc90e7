/* Files of each codec: what is read back is what was put in. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "decode/audio_file.h"
#include "decode/codec.h"
#include "decode/encoder_wav.h"
#include "decode/g711_code.h"

static char dir[200], path[256];

static void make_dir(void)
{
    snprintf(dir, sizeof dir, "/tmp/decode-encoder-XXXXXX");
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a", dir);
}

static void remove_dir(void)
{
    unlink(path);
    rmdir(dir);
}

TestSuite(encoder, .init = make_dir, .fini = remove_dir);

Test(encoder, code_words_come_back)
{
    for (enum audio_codec law = AUDIO_ULAW; law <= AUDIO_ALAW; law++)
        for (int c = 0; c < 256; c++) {
            uint8_t code = (uint8_t)c, back;
            int16_t sample;
            g711_decode(law, &code, &sample, 1);
            g711_code(law, &sample, &back, 1);
            cr_assert_eq(back, law == AUDIO_ULAW && code == 0x7f ? 0xff : code, "law %d code %02x",
                         law, c);
        }
}

Test(encoder, any_sample_goes_to_a_code_word_nearby)
{
    for (enum audio_codec law = AUDIO_ULAW; law <= AUDIO_ALAW; law++)
        for (int v = -32768; v < 32768; v++) {
            int16_t sample = (int16_t)v, back;
            uint8_t code;
            g711_code(law, &sample, &code, 1);
            g711_decode(law, &code, &back, 1);
            cr_assert_leq(abs(back - v), 16 + abs(v) / 16, "law %d: %d became %d", law, v, back);
        }
}

static int64_t file_of(enum audio_codec codec, int rate_hz, int channels, int64_t frames, bool skip)
{
    const struct audio_tags tags = {
        .title = "t", .artist = "a", .date = "2026-11-21", .comment = "c"};
    const struct audio_spec spec = {
        .codec = codec, .channels = channels, .rate_hz = rate_hz, .tags = &tags};
    struct audio_file f;
    struct why why;
    uint8_t digest[32];
    int64_t size = 0;
    int16_t *pcm = calloc((size_t)frames, 2 * (size_t)channels);
    for (int64_t i = 0; i < frames * channels; i++)
        pcm[i] = (int16_t)(8000 * sin((double)i / 7));
    cr_assert_eq(audio_file_open(&f, NULL, path, &spec, &why), 0, "%s", why.text);
    {
        int got = audio_file_write(&f, pcm, frames);
        cr_assert_eq(got, 0, "%d: codec %d rate %d channels %d", got, codec, rate_hz, channels);
    }
    if (skip)
        cr_assert_eq(audio_file_skip(&f, frames), 0);
    cr_assert_eq(audio_file_finish(&f, &size, digest, &why), 0);
    free(pcm);
    return size;
}

Test(encoder, every_codec_writes_every_rate_of_ours)
{
    static const int RATES[] = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};
    static const char *const MAGIC[AUDIO_CODECS] = {"RIFF", "RIFF", "RIFF", "fLaC", "OggS", "ID3"};
    for (enum audio_codec c = AUDIO_PCM; c < AUDIO_CODECS; c++)
        for (size_t i = 0; i < sizeof RATES / sizeof *RATES; i++)
            for (int channels = 1; channels <= 2; channels++) {
                char magic[5] = "";
                cr_assert_gt(file_of(c, audio_rate(c, RATES[i]), channels, 10007, i == 0), 500);
                FILE *f = fopen(path, "rb");
                cr_assert_eq(fread(magic, 1, 4, f), 4);
                fclose(f);
                cr_assert_eq(strncmp(magic, MAGIC[c], strlen(MAGIC[c])), 0, "%s", magic);
            }
}

Test(encoder, code_words_become_samples_when_the_codec_changes)
{
    const struct audio_spec spec = {.codec = AUDIO_ALAW, .channels = 2, .rate_hz = 8000};
    struct audio_file f;
    struct why why;
    uint8_t digest[32], head[80];
    int64_t size;
    int16_t pcm[40001 * 2], back[40001 * 2];
    for (size_t i = 0; i < sizeof pcm / sizeof *pcm; i++) {
        uint8_t code = (uint8_t)(i * 7);
        g711_decode(AUDIO_ALAW, &code, &pcm[i], 1);
    }
    cr_assert_eq(audio_file_open(&f, NULL, path, &spec, &why), 0);
    cr_assert_eq(audio_file_write(&f, pcm, 40001), 0);
    cr_assert_eq(audio_file_to_pcm(&f, &why), 0);
    cr_assert_eq(audio_file_write(&f, (const int16_t[]){12345, -12345}, 1), 0);
    cr_assert_eq(audio_file_finish(&f, &size, digest, &why), 0);
    cr_assert_eq(size, 80 + 4 * 40002);
    FILE *in = fopen(path, "rb");
    cr_assert_eq(fread(head, 1, 80, in), 80);
    cr_assert_eq(head[56 - 0], 1, "PCM");
    cr_assert_eq(fread(back, 4, 40001, in), 40001);
    cr_assert_eq(memcmp(pcm, back, sizeof pcm), 0);
    cr_assert_eq(fread(back, 4, 1, in), 1);
    cr_assert_eq(back[0], 12345);
    fclose(in);
}

struct stream {
    uint8_t bytes[400000];
    size_t size;
    int refuse_after;
};

static int take(void *context, const void *data, size_t size)
{
    struct stream *s = context;
    if (s->refuse_after-- == 0)
        return ERR_FULL;
    cr_assert_leq(s->size + size, sizeof s->bytes);
    memcpy(s->bytes + s->size, data, size);
    s->size += size;
    return 0;
}

static int stream_of(enum audio_codec codec, struct stream *s)
{
    const struct audio_spec spec = {
        .codec = codec, .channels = 1, .rate_hz = 8000, .frames = 16000};
    const struct audio_sink sink = {.context = s, .write = take};
    struct encoder e;
    int16_t pcm[8000];
    for (int i = 0; i < 8000; i++)
        pcm[i] = (int16_t)(9000 * sin(i / 5.0));
    int err = encoder_open(&e, &spec, &sink);
    if (err == 0)
        err = encoder_write(&e, pcm, 8000);
    if (err == 0)
        err = encoder_skip(&e, 8000);
    if (err == 0)
        err = encoder_finish(&e);
    encoder_close(&e);
    return err;
}

Test(encoder, stream_of_wav_says_its_length_ahead)
{
    static struct stream s;
    uint32_t data;
    s.refuse_after = -1;
    cr_assert_eq(stream_of(AUDIO_PCM, &s), 0);
    cr_assert_eq(s.size, 80 + 32000);
    memcpy(&data, s.bytes + 76, 4);
    cr_assert_eq(data, 32000);
}

Test(encoder, stream_of_flac_says_its_length_ahead)
{
    static struct stream s;
    s.refuse_after = -1;
    cr_assert_eq(stream_of(AUDIO_FLAC, &s), 0);
    cr_assert_eq(memcmp(s.bytes, "fLaC", 4), 0);
    cr_assert_eq(s.bytes[8 + 16] << 8 | s.bytes[8 + 17], 16000);
}

Test(encoder, what_the_sink_refuses_ends_it)
{
    static struct stream s;
    for (enum audio_codec c = AUDIO_PCM; c < AUDIO_CODECS; c++)
        for (int n = 0; n < 2; n++) {
            s.size = 0;
            s.refuse_after = n;
            int err = stream_of(c, &s);
            cr_assert(err == ERR_FULL || (err == 0 && s.refuse_after > 0), "%d at %d: %d", c, n,
                      err);
        }
}
