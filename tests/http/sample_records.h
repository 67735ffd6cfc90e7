/* Fills a data directory with calls of known content for the HTTP tests. */
#pragma once

#include "storage/store.h"

#define SAMPLE_CALLS       250
#define SAMPLE_AUDIO_BYTES 100000

/* 250 ended calls, one a second backwards from now. Number 0 has streams, series, messages, packets
 * in the spool and a recording; number 1 a recording that is being rendered; number 2 one whose
 * file is missing; every tenth is busy. */
int sample_fill(struct store *store, struct counters *counters, const char *data_dir,
                int64_t now_us);
