/* A WAV file of 16-bit samples that is complete or not there: it grows as "<path>.part" and takes
 * its name when it is whole and on the disk. Past 4 GiB the header becomes RF64 (EBU TECH 3306). */
#pragma once

#include "base/error.h"

struct wav {
    int fd; /* -1: not open */
    int channels;
    int rate_hz;
    int64_t data_bytes; /* written or skipped so far */
    bool hole;          /* the last of them were skipped */
    char *path;
    char *part;
};

/* Bytes in front of the first sample. */
#define WAV_HEADER_BYTES 80

int wav_open(struct wav *w, const char *path, int channels, int rate_hz, struct why *why);
/* Both 0 or what the disk said. */
int wav_write(struct wav *w, const void *data, size_t size);
/* Silence, as a hole in the file. */
int wav_skip(struct wav *w, int64_t size);
/* Header, digest of the whole file, sync, rename. Closes in any case. */
int wav_finish(struct wav *w, int64_t *ret_size_bytes, uint8_t ret_sha256[32], struct why *why);
/* Gives up: the part is deleted. Harmless on a closed or zeroed-with-fd -1 struct. */
void wav_abandon(struct wav *w);
