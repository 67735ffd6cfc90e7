/* "PEAK", version, channels, rate, step and count as 32 bits, frames as 64, then the values. */
#include "storage/peaks.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/cursor.h"

#define MAGIC   0x5045414bu
#define VERSION 1

bool peaks_path(struct slice audio, char *out, size_t size)
{
    size_t stem = audio.size;
    for (size_t i = audio.size; i-- > 0 && audio.data[i] != '/';)
        if (audio.data[i] == '.') {
            stem = i;
            break;
        }
    int n = snprintf(out, size, "%.*s.peaks", (int)stem, (const char *)audio.data);
    return stem > 0 && n > 0 && (size_t)n < size;
}

void peaks_print(const struct record_peaks *p, struct buf *out)
{
    buf_u32(out, MAGIC);
    buf_u32(out, VERSION);
    buf_u32(out, p->channels);
    buf_u32(out, p->rate_hz);
    buf_u32(out, (uint32_t)p->step);
    buf_u32(out, p->count);
    buf_u64(out, p->frames);
    buf_add(out, p->values, (size_t)p->count * p->channels * 2);
}

/* As many steps as the frames need. */
static bool is_sound(const struct record_peaks *p)
{
    return p->channels >= 1 && p->channels <= PEAKS_CHANNELS_MAX && p->rate_hz > 0 && p->step > 0 &&
           p->count > 0 && p->count <= PEAKS_STEPS_MAX && p->frames > (p->count - 1) * p->step &&
           p->frames <= p->count * p->step;
}

bool peaks_parse(struct slice bytes, struct record_peaks *ret_peaks)
{
    struct cursor c = cursor_over(bytes);
    bool ours = cursor_u32(&c) == MAGIC && cursor_u32(&c) == VERSION;
    struct record_peaks p = {0};
    p.channels = cursor_u32(&c);
    p.rate_hz = cursor_u32(&c);
    p.step = cursor_u32(&c);
    p.count = cursor_u32(&c);
    p.frames = cursor_u64(&c);
    if (!ours || c.failed || !is_sound(&p) || cursor_left(&c) != (size_t)p.count * p.channels * 2)
        return false;
    struct slice values = cursor_rest(&c);
    p.values = (const int8_t *)values.data;
    *ret_peaks = p;
    return true;
}

static int read_all(int fd, struct buf *bytes)
{
    uint8_t piece[16384];
    ssize_t n;
    while ((n = read(fd, piece, sizeof piece)) > 0)
        buf_add(bytes, piece, (size_t)n);
    return n < 0 ? ERR_IO : bytes->failed ? ERR_INVALID : 0;
}

int peaks_read(const char *data_dir, struct slice audio, struct buf *bytes,
               struct record_peaks *ret_peaks)
{
    char path[512];
    if (!peaks_path(audio, path, sizeof path))
        return ERR_NOT_FOUND;
    int root = beneath_root(data_dir);
    if (root < 0)
        return root;
    int fd = beneath_open(root, path, O_RDONLY, 0);
    close(root);
    if (fd < 0)
        return fd;
    int err = read_all(fd, bytes);
    close(fd);
    return err ? err : peaks_parse(buf_view(bytes), ret_peaks) ? 0 : ERR_INVALID;
}

/* Where part i of `parts` begins in `whole`; no product is larger than 64 bits hold, for files of
 * two days. */
static uint64_t share(uint64_t whole, uint32_t parts, uint32_t i)
{
    return whole / parts * i + whole % parts * i / parts;
}

void peaks_point(const struct record_peaks *p, unsigned channel, uint64_t from, uint64_t to,
                 uint32_t points, uint32_t i, int8_t *ret_low, int8_t *ret_high)
{
    uint64_t first = from + share(to - from, points, i),
             end = from + share(to - from, points, i + 1);
    uint64_t step = first / p->step, last = (end > first ? end - 1 : first) / p->step;
    int8_t low = INT8_MAX, high = INT8_MIN;
    if (last >= p->count)
        last = p->count - 1;
    if (step > last)
        step = last;
    for (; step <= last; step++) {
        const int8_t *v = p->values + (step * p->channels + channel) * 2;
        low = v[0] < low ? v[0] : low;
        high = v[1] > high ? v[1] : high;
    }
    *ret_low = low;
    *ret_high = high;
}
