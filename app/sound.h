/* A record's media -> one audio file: joins spool and renderer. Used by the service's render threads and by `earshot read`. */
#pragma once

#include "decode/render.h"
#include "storage/record.h"

/* Renders to `path` and fills r->recording (result, state, rate, duration, size, hash, undecodable). 0 also when there is nothing that can be
 * decoded (result says why); an ERR_ when the disk refused. */
int sound_render(struct call_record *r, const char *data_dir, const char *path, struct counters *counters, struct why *why);
