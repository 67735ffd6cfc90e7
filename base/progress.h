/* A progress bar on standard error, only when that is a terminal; drawn at most ten times a second. */
#pragma once

#include <stdint.h>

struct progress {
    const char *label;
    int64_t drawn_ns;
    int on; /* -1: not asked yet */
};

void progress_init(struct progress *p, const char *label, int quiet);
void progress_show(struct progress *p, double share, uint64_t packets);
/* Clears the line, so that other text can follow. */
void progress_clear(struct progress *p);
