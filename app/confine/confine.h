/* Decoding, done in a process of its own: the same two things as decoder/sound_render.h. What crashes a decoder costs a piece of one
 * recording: the job is done again without the packets around that place, and the recording is `damaged`. */
#pragma once

#include "app/confine/process.h"
#include "app/sound.h"

struct settings;

struct confine_config {
    struct process_program program;
    char *read_dir;        /* whose files it may read, those of the spool; made when it is not there */
    char *write_dir;       /* below which it writes; the same */
    int64_t memory_bytes;  /* that a job may take */
    int64_t cpu_base_ns;   /* CPU time of any job */
    int64_t cpu_factor;    /* and CPU seconds for each second of media */
    bool open;             /* it keeps its rights and has no budgets */
    int stop_fd;           /* readable when what is not done soon is to end; -1: never */
};

/* One process, and what keeps it going; of one thread. */
struct confined;

/* From [recording]; `program` is what decodes where no setting names another one, or decodes here. Settings and program are
 * borrowed. Also when the program is not there: confine_check(). ERR_NOMEM. */
int confine_configure(const struct settings *s, const struct process_program *program, const char *data_dir, const char *write_dir,
                      struct confine_config *ret_config);
/* An ERR_, and one sentence with what to do, when there is nothing that decodes. */
int confine_check(struct confine_config *config, struct why *why);
void confine_config_free(struct confine_config *config);

/* Borrows the configuration. No process is started yet. NULL without memory. */
struct confined *confined_new(const struct confine_config *config);
/* NULL is fine. */
void confined_free(struct confined *c);
/* Starts the process now, so that the first job need not, and says in the log what does not stand of its walls; their
 * gauges go to `counters` (may be NULL). */
int confined_start(struct confined *c, struct counters *counters, struct why *why);

/* sound_render() (decoder/sound_render.h) and sound_judge(). ERR_BUSY: stopped, nothing was made. */
int confined_render(struct confined *c, struct call_record *r, const struct sound_config *config, const char *dir, const char *path,
                    struct why *why);
/* sound_tracks(). */
int confined_tracks(struct confined *c, struct call_record *r, struct sound_voice *voices, unsigned count, const struct sound_config *config,
                    const char *dir, const char *path, struct why *why);
