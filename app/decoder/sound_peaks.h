/* The waveform of a recording as text, and into its file beside it. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "base/slice.h"
#include "decode/peaks.h"

/* As it lies on the disk. */
void sound_peaks_print(const struct peaks *p, struct buf *out);
/* `audio`: of the recording's first file, below `dir`. Nothing without steps. */
int sound_peaks_write(const struct peaks *p, const char *dir, struct slice audio, struct why *why);
