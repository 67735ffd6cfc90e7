/* Files -> two channels or one -> the wanted ones -> encoder -> the caller's buffer. */
#include "decode/conversion.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "decode/audio_reader.h"
#include "decode/peaks.h"
#include "decode/resample.h"

#define BLOCK 4096 /* frames at a time */

struct conversion {
    struct conversion_want want;
    struct audio_reader *readers[CONVERSION_FILES];
    int in_channels, out_channels;
    int out_hz;
    struct resampler resampler[2]; /* up 0: the rate is the same */
    int64_t lag;                   /* frames that the resampler still has to give up at its begin */
    int64_t at;                    /* the next frame */
    int64_t made, due;             /* frames given to the encoder, of all */
    struct encoder encoder;
    struct peaks peaks;
    struct buf *out; /* while a step is under way */
    int16_t in[2 * BLOCK], mixed[2 * BLOCK];
    int16_t wide[2 * BLOCK * 8]; /* from 8 kHz, by the largest ratio there is */
};

/* ---- opening ---- */

static int sink_write(void *context, const void *data, size_t size)
{
    struct conversion *c = context;
    if (c->out == NULL)
        return ERR_INVALID;
    buf_add(c->out, data, size);
    return c->out->failed ? ERR_FULL : 0;
}

static int open_readers(struct conversion *c, struct why *why)
{
    int err = 0;
    for (unsigned i = 0; i < c->want.file_count && err == 0; i++) {
        const struct conversion_file *f = &c->want.files[i];
        err = audio_reader_open(c->want.dir, f->path, f->codec, c->want.rate_hz, f->channels,
                                &c->readers[i], why);
        c->in_channels += f->channels;
        if (err == 0)
            audio_reader_skip_to(c->readers[i], c->want.from);
    }
    return err;
}

static int open_resamplers(struct conversion *c)
{
    c->out_hz = c->want.waveform ? c->want.rate_hz : audio_rate(c->want.codec, c->want.rate_hz);
    c->due = (c->want.to - c->want.from) * c->out_hz / c->want.rate_hz;
    if (c->out_hz == c->want.rate_hz)
        return 0;
    if (c->out_hz > 8 * c->want.rate_hz)
        return ERR_UNSUPPORTED;
    for (int i = 0; i < c->out_channels; i++)
        if (!resampler_init(&c->resampler[i], c->want.rate_hz, c->out_hz, BLOCK))
            return ERR_NOMEM;
    c->lag = c->resampler[0].delay;
    return 0;
}

/* The encoder opens with the first step, into whose buffer its header goes. */
static int open_encoder(struct conversion *c)
{
    const struct audio_spec spec = {.codec = c->want.codec,
                                    .channels = c->out_channels,
                                    .rate_hz = c->out_hz,
                                    .frames = c->due};
    const struct audio_sink sink = {.context = c, .write = sink_write};
    return encoder_open(&c->encoder, &spec, &sink);
}

int conversion_open(const struct conversion_want *want, struct conversion **ret_conversion,
                    struct why *why)
{
    struct conversion *c = calloc(1, sizeof *c);
    if (c == NULL)
        return ERR_NOMEM;
    assert(want->file_count >= 1 && want->file_count <= CONVERSION_FILES && want->from <= want->to);
    c->want = *want;
    c->at = want->from;
    int err = open_readers(c, why);
    if (err == 0 && (c->in_channels < 1 || c->in_channels > 2))
        err = ERR_INVALID;
    c->out_channels = want->sound == CONVERSION_STEREO ? c->in_channels : 1;
    if (err == 0)
        err = open_resamplers(c);
    if (err == 0 && want->waveform)
        err = peaks_init(&c->peaks, (unsigned)c->out_channels, want->rate_hz) ? 0 : ERR_NOMEM;
    if (err) {
        why_set(why, "this recording cannot be made into that: %s", err_text(err));
        conversion_free(c);
        return err;
    }
    *ret_conversion = c;
    return 0;
}

void conversion_free(struct conversion *c)
{
    if (c == NULL)
        return;
    encoder_close(&c->encoder);
    peaks_fini(&c->peaks);
    for (int i = 0; i < 2; i++) {
        audio_reader_free(c->readers[i]);
        resampler_fini(&c->resampler[i]);
    }
    free(c);
}

const struct peaks *conversion_peaks(const struct conversion *c)
{
    return &c->peaks;
}

/* ---- frames ---- */

/* The next `count` frames of all channels; a file that has no more is silent. */
static void read_frames(struct conversion *c, int64_t count)
{
    if (c->want.file_count == 1) {
        int64_t got = audio_reader_read(c->readers[0], c->in, count);
        memset(c->in + got * c->in_channels, 0,
               (size_t)((count - got) * c->in_channels) * sizeof *c->in);
        return;
    }
    for (unsigned f = 0; f < 2; f++) {
        int64_t got = audio_reader_read(c->readers[f], c->mixed, count);
        for (int64_t i = 0; i < count; i++)
            c->in[2 * i + f] = i < got ? c->mixed[i] : 0;
    }
}

static int16_t sum(int16_t a, int16_t b)
{
    int32_t v = a + b;
    return (int16_t)(v > INT16_MAX ? INT16_MAX : v < INT16_MIN ? INT16_MIN : v);
}

/* What is wanted of them. */
static const int16_t *choose(struct conversion *c, int64_t count)
{
    enum conversion_sound sound = c->want.sound;
    if (c->in_channels == 1 || sound == CONVERSION_STEREO)
        return c->in;
    for (int64_t i = 0; i < count; i++) {
        int16_t first = c->in[2 * i], second = c->in[2 * i + 1];
        c->mixed[i] = sound == CONVERSION_SUM     ? sum(first, second)
                      : sound == CONVERSION_FIRST ? first
                                                  : second;
    }
    return c->mixed;
}

/* Into c->wide; how many frames came out. */
static int64_t resample(struct conversion *c, const int16_t *frames, int64_t count)
{
    int16_t one[BLOCK], out[BLOCK * 8];
    int got = 0;
    for (int ch = 0; ch < c->out_channels; ch++) {
        for (int64_t i = 0; i < count; i++)
            one[i] = frames[i * c->out_channels + ch];
        got = resampler_run(&c->resampler[ch], one, (int)count, out, BLOCK * 8);
        for (int i = 0; i < got; i++)
            c->wide[i * c->out_channels + ch] = out[i];
    }
    return got;
}

/* Never more than is due. */
static int give(struct conversion *c, const int16_t *frames, int64_t count)
{
    int64_t late = c->lag < count ? c->lag : count;
    c->lag -= late;
    count -= late;
    if (count > c->due - c->made)
        count = c->due - c->made;
    c->made += count;
    if (!c->want.waveform)
        return encoder_write(&c->encoder, frames + late * c->out_channels, count);
    peaks_take(&c->peaks, frames, count);
    return 0;
}

static int block(struct conversion *c)
{
    int64_t left = c->want.to - c->at, count = left > 0 && left < BLOCK ? left : BLOCK;
    if (left > 0)
        read_frames(c, count);
    else /* what is still in the filter */
        memset(c->in, 0, sizeof c->in);
    c->at += count;
    const int16_t *frames = choose(c, count);
    if (c->resampler[0].up == 0)
        return give(c, frames, count);
    int64_t got = resample(c, frames, count);
    return give(c, c->wide, got);
}

int conversion_step(struct conversion *c, struct buf *out)
{
    size_t begin = out->size;
    int64_t most = c->made + (int64_t)CONVERSION_SECONDS * c->out_hz;
    int err = 0;
    c->out = out;
    if (c->encoder.type == NULL && !c->want.waveform)
        err = open_encoder(c);
    while (err == 0 && c->made < c->due && c->made < most && out->size - begin < CONVERSION_BYTES)
        err = block(c);
    bool done = err == 0 && c->made == c->due;
    if (done && c->want.waveform)
        peaks_finish(&c->peaks);
    else if (done)
        err = encoder_finish(&c->encoder);
    c->out = NULL;
    return err ? err : done ? 0 : 1;
}
