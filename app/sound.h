/* A record's media -> one audio file: joins spool and renderer. Used by the service's render threads and by `earshot read`. */
#pragma once

#include "decode/render.h"
#include "storage/record.h"

struct sound_config {
    const char *data_dir;                /* where the spool is */
    int64_t rollover_ns, rollover_bytes; /* 0: never */
    struct counters *counters;           /* may be NULL */
};

/* Renders to the file `path` of the folder `dir` and fills r->recording (result, state, path, rate, duration, size, hash, undecodable, and
 * its files when there are several). 0 also when there is nothing that can be decoded (result says why); an ERR_ when the disk refused. */
int sound_render(struct call_record *r, const struct sound_config *config, const char *dir, const char *path, struct why *why);
