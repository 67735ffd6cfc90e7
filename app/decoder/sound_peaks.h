/* The waveform of a recording into its file beside it. */
#pragma once

#include "base/error.h"
#include "base/slice.h"
#include "decode/peaks.h"

/* `audio`: of the recording's first file, below `dir`. Nothing without steps. */
int sound_peaks_write(const struct peaks *p, const char *dir, struct slice audio, struct why *why);
