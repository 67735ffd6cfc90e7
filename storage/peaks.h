/* The waveform that lies beside a recording ("<stem>.peaks", made by decode/peaks.h): lowest and highest samples in steps of equal
 * length, a byte each. What is asked for is brought together from these steps, for any stretch and any number of points. The file
 * is not believed more than any other. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define PEAKS_CHANNELS_MAX 2
#define PEAKS_STEPS_MAX    16384
#define PEAKS_BYTES_MAX    (64 + PEAKS_STEPS_MAX * PEAKS_CHANNELS_MAX * 2)

struct record_peaks {
    uint32_t channels; /* caller, callee */
    uint32_t rate_hz;
    uint64_t frames; /* of the recording */
    uint64_t step;   /* frames */
    uint32_t count;
    const int8_t *values; /* low and high of the first channel, of the second; step by step */
};

/* The path beside that of the recording's first file: "a/b.wav" gives "a/b.peaks". False when it does not fit. */
bool peaks_path(struct slice audio, char *out, size_t size);
void peaks_print(const struct record_peaks *p, struct buf *out);
/* Borrows the bytes. False when they are none. */
bool peaks_parse(struct slice bytes, struct record_peaks *ret_peaks);
/* Those beside a recording, out of the data directory; `bytes` keeps them. ERR_NOT_FOUND: there are none; ERR_INVALID. */
int peaks_read(const char *data_dir, struct slice audio, struct buf *bytes, struct record_peaks *ret_peaks);
/* Of the frames [from, to), divided into `points`: the lowest and highest of the steps that point `i` touches. */
void peaks_point(const struct record_peaks *p, unsigned channel, uint64_t from, uint64_t to, uint32_t points, uint32_t i,
                 int8_t *ret_low, int8_t *ret_high);
