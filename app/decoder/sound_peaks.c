/* decode/ makes it, storage/ knows how it lies on the disk. */
#include "app/decoder/sound_peaks.h"

#include "decode/part_file.h"
#include "storage/peaks.h"

_Static_assert(PEAKS_MAX <= PEAKS_STEPS_MAX && PEAKS_CHANNELS <= PEAKS_CHANNELS_MAX,
               "all of it can be read again");

void sound_peaks_print(const struct peaks *p, struct buf *out)
{
    const struct record_peaks r = {.channels = p->channels,
                                   .rate_hz = (uint32_t)p->rate_hz,
                                   .frames = (uint64_t)p->frames,
                                   .step = (uint64_t)p->step,
                                   .count = p->count,
                                   .values = p->values};
    peaks_print(&r, out);
}

int sound_peaks_write(const struct peaks *p, const char *dir, struct slice audio, struct why *why)
{
    char path[512];
    struct part_file f;
    struct buf out;
    uint8_t digest[32];
    int64_t size;
    if (p->count == 0 || !peaks_path(audio, path, sizeof path))
        return 0;
    buf_init(&out, PEAKS_BYTES_MAX);
    sound_peaks_print(p, &out);
    int err = out.failed ? ERR_NOMEM : part_file_open(&f, dir, path, "part", why);
    if (err == 0) {
        err = part_file_write(&f, out.data, out.size);
        if (err == 0)
            err = part_file_finish(&f, &size, digest, why);
        part_file_abandon(&f);
    }
    buf_fini(&out);
    return err;
}
