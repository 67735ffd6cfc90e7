/* An audio file that is complete or not there (part_file.h), of any of our formats (encoder.h). */
#pragma once

#include "decode/encoder.h"
#include "decode/part_file.h"

struct audio_file {
    struct part_file file; /* .fd -1: not open */
    struct encoder encoder;
    const char *dir;
};

/* `dir` as part_file_open() has it; it and the tags must live as long as the file is open. */
int audio_file_open(struct audio_file *a, const char *dir, const char *path, const struct audio_spec *spec, struct why *why);
/* Both 0 or what the disk said. */
int audio_file_write(struct audio_file *a, const int16_t *frames, int64_t count);
/* Silence. */
int audio_file_skip(struct audio_file *a, int64_t count);
/* A file of G.711 that goes on with other sound: from its first sample on it is one of PCM. */
int audio_file_to_pcm(struct audio_file *a, struct why *why);
/* The rest, digest, name. Closes in any case. */
int audio_file_finish(struct audio_file *a, int64_t *ret_size_bytes, uint8_t ret_sha256[32], struct why *why);
/* Gives up. Harmless on a closed or zeroed-with-fd -1 struct. */
void audio_file_abandon(struct audio_file *a);
