/* Render threads: one call at a time each, from the spool to an audio file. What waits stands in the store as a job, so nothing is
 * forgotten by a stop, a crash or a full queue. */
#pragma once

#include "app/confine/confine.h"
#include "app/writer.h"
#include "base/counters.h"

struct renderer;

struct renderer_config {
    struct sound_config sound; /* without counters */
    struct confine_config confine; /* its folders are borrowed; stop_fd is ours. Zero: decoders run in our threads */
    unsigned threads;       /* default 1 */
    struct writer *writer;
    struct counters_set *counters;
};

int renderer_start(const struct renderer_config *config, struct renderer **ret_renderer, struct why *why);
/* Ends the calls under way, those that take longer than some seconds unfinished; the rest stays as jobs. NULL is fine. */
void renderer_stop(struct renderer *r);
/* Takes a committed record whose media waits, or that ends a conference; any thread. */
void renderer_put(struct renderer *r, struct call_record *record);
/* Something was said of a call, and that is committed: the file beside its recording is written once more, at once or (STORE_SIDECAR_JOB) when
 * the recording is made. Any thread. */
void renderer_sidecar(struct renderer *r, const char *uid);
/* Calls that wait or are being rendered. */
size_t renderer_depth(struct renderer *r);
