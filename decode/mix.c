/* The window is one ring of interleaved frames, moved on by halves: the older half goes to the file
 * as it stands in memory, in one write of 128 KiB or more. */
#include "decode/mix.h"

#include <assert.h>
#include <stdlib.h>

/* Half of the window stays open at least: four seconds for packets that come late. */
#define WINDOW_SECONDS 8

static size_t bytes(const struct mix *m, int64_t frames)
{
    return (size_t)frames * (size_t)m->channels * sizeof *m->ring;
}

int mix_init(struct mix *m, struct output *output, int channels, int rate_hz)
{
    int64_t frames = 1 << 16;
    while (frames < (int64_t)WINDOW_SECONDS * rate_hz)
        frames *= 2;
    *m = (struct mix){.output = output, .channels = channels, .frames = frames};
    m->ring = calloc(1, bytes(m, frames));
    return m->ring ? 0 : ERR_NOMEM;
}

void mix_fini(struct mix *m)
{
    hearing_free(m->hearing);
    free(m->ring);
    m->hearing = NULL;
    m->ring = NULL;
}

static void keep_error(struct mix *m, int err)
{
    if (m->err == 0)
        m->err = err;
}

/* Where the window is only read, what falls out of it is gone. */
static void hand_on(struct mix *m, const int16_t *frames, int64_t count)
{
    if (m->output && m->err == 0)
        keep_error(m, output_write(m->output, frames, count));
    if (m->hearing)
        hearing_take(m->hearing, frames, count);
    if (m->peaks)
        peaks_take(m->peaks, frames, count);
}

/* Makes room for frames before `end`. */
static void advance(struct mix *m, int64_t end)
{
    int64_t half = m->frames / 2;
    while (end > m->base + m->frames) {
        if (m->base >= m->end) { /* the window holds nothing: skip as far as needed at once */
            int64_t halves = (end - m->base - m->frames + half - 1) / half;
            if (m->output && m->err == 0)
                keep_error(m, output_skip(m->output, halves * half));
            if (m->hearing)
                hearing_skip(m->hearing, halves * half);
            if (m->peaks)
                peaks_skip(m->peaks, halves * half);
            m->base += halves * half;
            return;
        }
        int16_t *oldest = m->ring + (m->base & (m->frames - 1)) * m->channels;
        hand_on(m, oldest, half);
        memset(oldest, 0, bytes(m, half));
        m->base += half;
    }
}

/* Nearly always: frames of two samples, of which one stays as it is. Whole frames are read and
 * written, several at a time, which is twice as fast as every other sample. */
static void copy_side(int16_t *frames, unsigned side, const int16_t *pcm, int64_t count)
{
    const bool second = (side == 1) == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    const uint32_t stays = second ? 0x0000ffff : 0xffff0000;
    const int up = second ? 16 : 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t frame;
        memcpy(&frame, frames + 2 * i, sizeof frame);
        frame = (frame & stays) | (uint32_t)(uint16_t)pcm[i] << up;
        memcpy(frames + 2 * i, &frame, sizeof frame);
    }
}

static void copy_in(int16_t *frames, int channels, unsigned channel, const int16_t *pcm,
                    int64_t count)
{
    if (channels == 2) {
        copy_side(frames, channel, pcm, count);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        frames[i * channels + channel] = pcm[i];
}

static void blend_in(int16_t *to, int step, const int16_t *pcm, int64_t from, int64_t count,
                     int64_t blend)
{
    for (int64_t i = 0; i < count; i++) {
        int32_t old = to[i * step];
        to[i * step] = (int16_t)(old + (pcm[i] - old) * (from + i + 1) / (blend + 1));
    }
}

/* One piece that does not wrap; `from` is its offset in the block that is placed. */
static void place_piece(struct mix *m, unsigned channel, int64_t at, const int16_t *pcm,
                        int64_t count, int64_t from, int64_t blend)
{
    int16_t *frames = m->ring + (at & (m->frames - 1)) * m->channels;
    int64_t fading = blend - from;
    fading = fading < 0 ? 0 : fading > count ? count : fading;
    blend_in(frames + channel, m->channels, pcm, from, fading, blend);
    copy_in(frames + fading * m->channels, m->channels, channel, pcm + fading, count - fading);
}

void mix_place(struct mix *m, unsigned channel, int64_t at, const int16_t *pcm, int64_t count,
               int64_t blend, enum measure_block kind)
{
    assert(channel < (unsigned)m->channels && count <= m->frames / 2);
    int64_t from = at < m->base ? m->base - at : 0;
    if (count <= from)
        return;
    advance(m, at + count);
    while (from < count) {
        int64_t left = m->frames - ((at + from) & (m->frames - 1));
        int64_t n = count - from < left ? count - from : left;
        place_piece(m, channel, at + from, pcm + from, n, from, blend);
        from += n;
    }
    if (at + count > m->end)
        m->end = at + count;
    if (m->hearing)
        hearing_mark(m->hearing, channel, at, count, kind);
}

void mix_read(const struct mix *m, unsigned channel, int64_t at, int16_t *out, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        int64_t p = at + i;
        bool open = p >= m->base && p < m->base + m->frames;
        out[i] = open ? m->ring[(p & (m->frames - 1)) * m->channels + channel] : 0;
    }
}

int mix_flush(struct mix *m)
{
    while (m->base < m->end && m->err == 0) {
        int64_t at = m->base & (m->frames - 1);
        int64_t n = m->end - m->base < m->frames - at ? m->end - m->base : m->frames - at;
        hand_on(m, m->ring + at * m->channels, n);
        m->base += n;
    }
    return m->err;
}
