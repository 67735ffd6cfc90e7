/* Files of ours read back: from the beginning, from any place, and very short ones. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "decode/audio_file.h"
#include "decode/audio_reader.h"
#include "tests/unit/decode/call.h"

#define SECONDS 2
#define MOST    (48000 * SECONDS)

static char dir[200], path[256];
static int16_t left[MOST], right[MOST], both[2 * MOST], back[2 * MOST], side[MOST];

static void make_dir(void)
{
    snprintf(dir, sizeof dir, "/tmp/decode-reader-XXXXXX");
    cr_assert(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a", dir);
}

static void remove_dir(void)
{
    unlink(path);
    rmdir(dir);
}

TestSuite(audio_reader, .init = make_dir, .fini = remove_dir);

static void write_file(enum audio_codec codec, int rate_hz, int channels, int64_t frames)
{
    const struct audio_spec spec = {.codec = codec, .channels = channels, .rate_hz = rate_hz};
    struct audio_file f;
    struct why why;
    uint8_t digest[32];
    int64_t size;
    for (int64_t i = 0; i < frames * channels; i++)
        both[i] = (i % channels ? right : left)[i / channels];
    cr_assert_eq(audio_file_open(&f, NULL, path, &spec, &why), 0, "%s", why.text);
    cr_assert_eq(audio_file_write(&f, both, frames), 0);
    cr_assert_eq(audio_file_finish(&f, &size, digest, &why), 0);
}

static int64_t read_from(enum audio_codec codec, int rate_hz, int channels, int64_t from,
                         int64_t frames)
{
    struct audio_reader *r;
    struct why why;
    cr_assert_eq(audio_reader_open(dir, "a", codec, rate_hz, channels, &r, &why), 0, "%s",
                 why.text);
    audio_reader_skip_to(r, from);
    int64_t got = audio_reader_read(r, back, frames);
    audio_reader_free(r);
    return got;
}

static const int RATES[] = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000};

Test(audio_reader, any_place_of_any_format_is_where_it_was_written)
{
    for (enum audio_codec codec = AUDIO_PCM; codec < AUDIO_CODECS; codec++)
        for (size_t i = 0; i < sizeof RATES / sizeof *RATES; i++) {
            int rate = RATES[i], channels = 1 + i % 2;
            int64_t frames = rate * SECONDS - 37, part = rate / 2;
            if (audio_rate(codec, rate) != rate)
                continue;
            call_speech(left, (size_t)frames, rate, 1);
            call_speech(right, (size_t)frames, rate, 5);
            write_file(codec, rate, channels, frames);
            for (int64_t from = 0; from <= frames - part; from += frames / 4 + 13) {
                cr_assert_eq(read_from(codec, rate, channels, from, part), part);
                for (int c = 0; c < channels; c++) {
                    for (int64_t k = 0; k < part; k++)
                        side[k] = back[k * channels + c];
                    double like = call_correlation((c ? right : left) + from, part, side, part, 0);
                    cr_assert_gt(like, 0.95, "codec %d, %d Hz, %d of %d from %ld: %.4f", codec, rate,
                                 c, channels, (long)from, like);
                }
            }
        }
}

Test(audio_reader, very_short_files_have_all_they_were_given)
{
    static const int COUNTS[] = {1, 80, 160, 161, 960, 1153, 4609};
    for (enum audio_codec codec = AUDIO_PCM; codec < AUDIO_CODECS; codec++)
        for (size_t i = 0; i < sizeof RATES / sizeof *RATES; i++)
            for (size_t k = 0; k < sizeof COUNTS / sizeof *COUNTS; k++) {
                int rate = RATES[i], count = COUNTS[k];
                if (audio_rate(codec, rate) != rate)
                    continue;
                call_tone(left, (size_t)count, rate, 440, 8000);
                write_file(codec, rate, 1, count);
                int64_t got = read_from(codec, rate, 1, 0, MOST);
                cr_assert_geq(got, count, "codec %d, %d Hz: %ld of %d", codec, rate, (long)got,
                              count);
                double level = call_rms(back, count), was = call_rms(left, count);
                cr_assert(count < 160 || (level > 0.7 * was && level < 1.3 * was),
                          "codec %d, %d Hz, %d: %.0f of %.0f", codec, rate, count, level, was);
            }
}
