/* WAV of 16-bit samples or of G.711 code words. The header comes first but its lengths are known
 * last, so room is left for it and it is written at the end; past 4 GiB it becomes RF64 (EBU TECH
 * 3306). Into a stream it goes out first, with the lengths that were told. Tags are a LIST INFO
 * chunk behind the sound. Silence is a hole in the file, where its samples are zeros. */
#include "decode/encoder_wav.h"

#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "decode/g711_code.h"

#define CHUNK 4096 /* frames of code words, or of silence, at a time */

struct wav {
    uint64_t riff_max;
    int64_t data_bytes; /* written or skipped so far */
    bool hole;          /* the last of them were skipped */
};

static int frame_bytes(const struct encoder *e)
{
    return e->spec.channels * (e->spec.codec == AUDIO_PCM ? 2 : 1);
}

void encoder_wav_limit(struct encoder *e, uint64_t riff_max)
{
    struct wav *w = e->state;
    w->riff_max = riff_max;
}

/* ---- tags ---- */

static size_t tag_bytes(const char *text)
{
    size_t n = strlen(text) + 1;
    return text[0] ? 8 + n + (n & 1) : 0;
}

size_t encoder_wav_tags_size(const struct audio_tags *tags)
{
    size_t n = tags ? tag_bytes(tags->title) + tag_bytes(tags->artist) + tag_bytes(tags->date) +
                          tag_bytes(tags->comment)
                    : 0;
    return n ? n + 12 : 0;
}

static void add_chunk(struct buf *b, const char *id, uint32_t size)
{
    buf_add(b, id, 4);
    buf_u32_le(b, size);
}

static void add_tag(struct buf *b, const char *id, const char *text)
{
    size_t n = strlen(text) + 1;
    if (text[0] == '\0')
        return;
    add_chunk(b, id, (uint32_t)n);
    buf_add(b, text, n);
    if (n & 1)
        buf_u8(b, 0);
}

/* Behind data of an odd length stands a byte to make it even. */
static int write_tags(struct encoder *e)
{
    const struct wav *w = e->state;
    const struct audio_tags *t = e->spec.tags;
    size_t size = encoder_wav_tags_size(t);
    struct buf b;
    buf_init(&b, 2 * sizeof *t);
    if (w->data_bytes & 1)
        buf_u8(&b, 0);
    if (size) {
        add_chunk(&b, "LIST", (uint32_t)size - 8);
        buf_add(&b, "INFO", 4);
        add_tag(&b, "INAM", t->title);
        add_tag(&b, "IART", t->artist);
        add_tag(&b, "ICRD", t->date);
        add_tag(&b, "ICMT", t->comment);
    }
    int err = b.failed ? ERR_NOMEM : 0;
    if (err == 0 && b.size)
        err = e->sink.write(e->sink.context, b.data, b.size);
    buf_fini(&b);
    return err;
}

/* ---- the header ---- */

static void add_u64_le(struct buf *b, uint64_t v)
{
    buf_u32_le(b, (uint32_t)v);
    buf_u32_le(b, (uint32_t)(v >> 32));
}

static uint16_t form(enum audio_codec codec)
{
    return codec == AUDIO_PCM ? 1 : codec == AUDIO_ALAW ? 6 : 7;
}

/* RIFF with a JUNK chunk; RF64 with ds64 in its place when the lengths do not fit 32 bits. */
static void header(const struct encoder *e, uint64_t data, struct buf *b)
{
    const struct wav *w = e->state;
    uint64_t riff = data + (data & 1) + encoder_wav_tags_size(e->spec.tags) + WAV_HEADER_BYTES - 8;
    bool large = riff > w->riff_max;
    uint16_t block = (uint16_t)frame_bytes(e);
    add_chunk(b, large ? "RF64" : "RIFF", large ? UINT32_MAX : (uint32_t)riff);
    buf_add(b, "WAVE", 4);
    add_chunk(b, large ? "ds64" : "JUNK", 28);
    add_u64_le(b, large ? riff : 0);
    add_u64_le(b, large ? data : 0);
    add_u64_le(b, large ? data / block : 0);
    buf_u32_le(b, 0);
    add_chunk(b, "fmt ", 16);
    buf_u16_le(b, form(e->spec.codec));
    buf_u16_le(b, (uint16_t)e->spec.channels);
    buf_u32_le(b, (uint32_t)e->spec.rate_hz);
    buf_u32_le(b, (uint32_t)e->spec.rate_hz * block);
    buf_u16_le(b, block);
    buf_u16_le(b, e->spec.codec == AUDIO_PCM ? 16 : 8);
    add_chunk(b, "data", large ? UINT32_MAX : (uint32_t)data);
}

static int write_header(struct encoder *e, int64_t data_bytes)
{
    struct buf b;
    buf_init(&b, 2 * WAV_HEADER_BYTES);
    header(e, (uint64_t)data_bytes, &b);
    int err = b.failed ? ERR_NOMEM : 0;
    if (err == 0) {
        assert(b.size == WAV_HEADER_BYTES);
        err = e->sink.write(e->sink.context, b.data, b.size);
    }
    buf_fini(&b);
    return err;
}

/* ---- growing ---- */

static int wav_open(struct encoder *e)
{
    struct wav *w = calloc(1, sizeof *w);
    e->state = w;
    if (w == NULL)
        return ERR_NOMEM;
    w->riff_max = UINT32_MAX;
    return e->sink.seek ? e->sink.seek(e->sink.context, WAV_HEADER_BYTES)
                        : write_header(e, e->spec.frames * frame_bytes(e));
}

static int write_codes(struct encoder *e, const int16_t *samples, size_t count)
{
    uint8_t codes[CHUNK];
    int err = 0;
    for (size_t at = 0, n; at < count && err == 0; at += n) {
        n = count - at < CHUNK ? count - at : CHUNK;
        g711_code(e->spec.codec, samples + at, codes, n);
        err = e->sink.write(e->sink.context, codes, n);
    }
    return err;
}

static int wav_write(struct encoder *e, const int16_t *frames, int64_t count)
{
    struct wav *w = e->state;
    w->data_bytes += count * frame_bytes(e);
    w->hole = w->hole && count == 0;
    if (e->spec.codec != AUDIO_PCM)
        return write_codes(e, frames, (size_t)(count * e->spec.channels));
    return e->sink.write(e->sink.context, frames, (size_t)(count * frame_bytes(e)));
}

static int write_silence(struct encoder *e, int64_t bytes)
{
    uint8_t silence[CHUNK];
    int err = 0;
    memset(silence, e->spec.codec == AUDIO_PCM ? 0 : g711_silence(e->spec.codec), sizeof silence);
    for (int64_t n; bytes > 0 && err == 0; bytes -= n) {
        n = bytes < CHUNK ? bytes : CHUNK;
        err = e->sink.write(e->sink.context, silence, (size_t)n);
    }
    return err;
}

static int wav_skip(struct encoder *e, int64_t count)
{
    struct wav *w = e->state;
    int64_t bytes = count * frame_bytes(e);
    w->data_bytes += bytes;
    if (e->spec.codec != AUDIO_PCM || e->sink.seek == NULL)
        return write_silence(e, bytes);
    w->hole = true;
    return e->sink.seek(e->sink.context, WAV_HEADER_BYTES + w->data_bytes);
}

/* A hole at the end is no file until something stands behind it: its last byte. */
static int close_hole(struct encoder *e)
{
    const struct wav *w = e->state;
    if (!w->hole || w->data_bytes == 0)
        return 0;
    int err = e->sink.seek(e->sink.context, WAV_HEADER_BYTES + w->data_bytes - 1);
    return err ? err : e->sink.write(e->sink.context, "", 1);
}

static int wav_finish(struct encoder *e)
{
    const struct wav *w = e->state;
    int err = close_hole(e);
    if (err == 0)
        err = write_tags(e);
    if (err == 0 && e->sink.seek)
        err = e->sink.seek(e->sink.context, 0);
    if (err == 0 && e->sink.seek)
        err = write_header(e, w->data_bytes);
    return err;
}

static void wav_close(struct encoder *e)
{
    free(e->state);
}

const struct encoder_type encoder_wav = {wav_open, wav_write, wav_skip, wav_finish, wav_close};
