/* What goes between the service and the process that decodes for it, as bytes: a job with records and media keys there,
 * an answer back. The service does not trust the answer: it may come from somebody who sent a packet. So whatever it holds
 * is bounded, only words that we know are words, files have only names that the job could have given them, and what
 * the service knows itself is not taken from there. */
#pragma once

#include "app/confine/pieces.h"
#include "app/sound.h"
#include "base/buf.h"
#include "storage/pack.h"

#define JOB_BYTES_MAX    (256u << 20)
#define ANSWER_BYTES_MAX (32u << 20)
#define JOB_RECORDS_MAX  80 /* the call that ends a conference, and those of its participants */

enum job_kind { JOB_CALL, JOB_TRACKS, JOB_PROBE };

/* What a job of any kind says. Reading: texts and arrays live in the arena of records[0]. */
struct job {
    enum job_kind kind;
    uint32_t probe;           /* JOB_PROBE: which of probes.def; nothing else then */
    const char *dir, *path;   /* as decoder/sound_render.h takes them */
    struct sound_config sound; /* without diagnosis, counters, place */
    struct render_skip skips[PIECES_MAX]; /* reading: those of `sound` */
    uint32_t record_count;
    struct call_record *records[JOB_RECORDS_MAX]; /* the first is the one that is rendered */
    uint32_t voice_count;
    struct sound_voice *voices; /* their calls are among the records */
};

/* Writing: into `out` everything but the keys; they come from job_keys(). */
void job_write(struct buf *out, struct job *job);
/* The keys of all records, to go behind what job_write() gave. The caller wipes what is in `out`. */
void job_write_keys(struct buf *out, const struct job *job);
/* Reading; false when it is none. job_free() in any case. */
bool job_read(struct slice bytes, struct job *ret_job);
/* Of one that was read: frees its records, wipes their keys. */
void job_free(struct job *job);

/* The last byte of jobs and answers. Packed things may end early (storage/pack.h): these may not. */
void job_end_pack(struct pack *p);

struct answer_counter {
    uint32_t cell;
    uint64_t count;
};

/* In the process that decodes: what became of the job. `counters` counted nothing else. */
void answer_write(struct buf *out, int err, const struct why *why, struct call_record *r, enum job_kind kind,
                  const struct counters *counters);
/* In the service. Takes what was made into job->records[0] (its recording, or its tracks) and adds the counts to `counters`
 * (may be NULL). False, and nothing is changed but memory used, when it is not the answer of a sound process. */
bool answer_read(struct slice bytes, const struct job *job, struct counters *counters, int *ret_err, struct why *ret_why);
