/* An encoder whose sink is a part file. */
#include "decode/audio_file.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "decode/encoder_wav.h"
#include "decode/g711_code.h"

#define COPY_SAMPLES 16384

static int sink_write(void *context, const void *data, size_t size)
{
    return part_file_write(context, data, size);
}

static int sink_seek(void *context, int64_t at)
{
    struct part_file *f = context;
    return lseek(f->fd, at, SEEK_SET) < 0 ? err_of_errno(errno) : 0;
}

static int open_as(struct audio_file *a, const char *path, const char *suffix,
                   const struct audio_spec *spec, struct why *why)
{
    const struct audio_sink sink = {.context = &a->file, .write = sink_write, .seek = sink_seek};
    int err = part_file_open(&a->file, a->dir, path, suffix, why);
    if (err)
        return err;
    err = encoder_open(&a->encoder, spec, &sink);
    if (err == 0)
        return 0;
    why_set(why, "cannot write %s as %s at %d Hz: %s", path, audio_codec_text(spec->codec),
            spec->rate_hz, err_text(err));
    part_file_abandon(&a->file);
    return err;
}

int audio_file_open(struct audio_file *a, const char *dir, const char *path,
                    const struct audio_spec *spec, struct why *why)
{
    *a = (struct audio_file){.file.fd = -1, .dir = dir};
    return open_as(a, path, "part", spec, why);
}

int audio_file_write(struct audio_file *a, const int16_t *frames, int64_t count)
{
    return encoder_write(&a->encoder, frames, count);
}

int audio_file_skip(struct audio_file *a, int64_t count)
{
    return encoder_skip(&a->encoder, count);
}

int audio_file_finish(struct audio_file *a, int64_t *ret_size_bytes, uint8_t ret_sha256[32],
                      struct why *why)
{
    int err = encoder_finish(&a->encoder);
    if (err)
        why_set(why, "cannot complete %s: %s", a->file.path, err_text(err));
    encoder_close(&a->encoder);
    if (err == 0)
        err = part_file_finish(&a->file, ret_size_bytes, ret_sha256, why);
    audio_file_abandon(a);
    return err;
}

void audio_file_abandon(struct audio_file *a)
{
    encoder_close(&a->encoder);
    part_file_abandon(&a->file);
}

/* ---- code words that become samples ---- */

static int copy_piece(const struct audio_file *from, struct audio_file *to, int64_t at,
                      size_t count)
{
    uint8_t codes[COPY_SAMPLES];
    int16_t samples[COPY_SAMPLES];
    ssize_t n = pread(from->file.fd, codes, count, WAV_HEADER_BYTES + at);
    if (n != (ssize_t)count)
        return ERR_IO;
    g711_decode(from->encoder.spec.codec, codes, samples, count);
    return audio_file_write(to, samples, (int64_t)count / to->encoder.spec.channels);
}

int audio_file_to_pcm(struct audio_file *a, struct why *why)
{
    struct audio_file *to =
        calloc(1, sizeof *to); /* the sink of its encoder points into it, and so stays */
    struct audio_spec spec = a->encoder.spec;
    int64_t samples = a->encoder.frames * spec.channels;
    assert(audio_is_g711(spec.codec));
    if (to == NULL)
        return ERR_NOMEM;
    to->file.fd = -1;
    to->dir = a->dir;
    spec.codec = AUDIO_PCM;
    int err = open_as(to, a->file.path, "pcm.part", &spec, why);
    for (int64_t at = 0; at < samples && err == 0; at += COPY_SAMPLES)
        err = copy_piece(a, to, at,
                         (size_t)(samples - at < COPY_SAMPLES ? samples - at : COPY_SAMPLES));
    if (err) {
        audio_file_abandon(to);
    } else {
        audio_file_abandon(a);
        *a = *to;
        a->encoder.sink.context = &a->file;
    }
    free(to);
    return err;
}
