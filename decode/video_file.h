/* A Matroska file with one track of pictures, as they came: complete or not there (part_file.h). */
#pragma once

#include "base/error.h"
#include "capture/video/video.h"

struct video_file;

struct video_file_spec {
    enum video_codec codec;
    uint16_t width, height;
    struct slice sets; /* parameter sets (video_unit.h); empty of codecs without any */
};

/* `dir` as part_file_open() has it. */
int video_file_open(const char *dir, const char *path, const struct video_file_spec *spec, struct video_file **ret_file, struct why *why);
/* A whole picture; `at_ns` from the start of the file. 0 or what the disk said. */
int video_file_write(struct video_file *f, struct slice unit, int64_t at_ns, bool key);
/* The rest, digest, sync, rename. Frees in any case. */
int video_file_finish(struct video_file **file, int64_t *ret_size_bytes, uint8_t ret_sha256[32], struct why *why);
/* Gives up: nothing is left of it. Harmless on NULL. */
void video_file_abandon(struct video_file **file);
