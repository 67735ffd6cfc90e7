/* A process that decodes, seen from the service: started from a program of its own, asked one thing at a time, watched while
 * it thinks, and told apart by what it died of. One thread at a time. */
#pragma once

#include "app/confine/hello.h"
#include "base/buf.h"
#include "base/error.h"
#include "decode/render.h"

struct process;

enum process_end {
    PROCESS_ANSWERED,
    PROCESS_DIED,    /* process_died_of() */
    PROCESS_STOPPED, /* we are to stop and it was not done soon, or its time is over */
};

/* In the order of LABELS_CRASH. */
enum process_death { DEATH_SIGNAL, DEATH_CPU, DEATH_MEMORY, DEATH_SECCOMP, DEATH_STALLED, DEATH_ANSWER };

/* Decoding without a process, in the thread that asks: for programs that are linked to the decoder (app/decoder/child.h). What
 * crashes it ends them. */
struct process_here {
    void *(*open)(struct render_place *place);
    bool (*answer)(void *decoder, struct slice frame, struct buf *out);
    void (*close)(void *decoder);
};

/* What decodes. */
struct process_program {
    const char *path;                /* of earshot-decoder */
    int fd;                          /* process_program_open(); 0: not open */
    const struct process_here *here; /* not NULL: this, and no process */
};

/* What may pass until it answers. */
struct process_bounds {
    int64_t cpu_ns;   /* that it uses of the CPU */
    int64_t until_ns; /* by clock_mono_ns(), whatever it waits for; 0: as long as it takes */
    int stop_fd;      /* readable when it is to end soon, -1: never */
};

struct process_config {
    const struct process_program *program;
    struct walls walls;
    const struct process_bounds *within; /* until it has begun; of its CPU time nothing. NULL: nobody waits */
};

/* The program is opened once: what is started later is the same one, whatever an upgrade puts into its place. ERR_NOT_FOUND
 * with a sentence that says what to do, and it is looked for again at each start. */
int process_program_open(struct process_program *program, struct why *why);
void process_program_close(struct process_program *program);

/* 0 once its walls stand, or an ERR_ with the reason. */
int process_start(const struct process_config *config, struct process **ret_process, struct why *why);
/* Lets it go; NULL is fine. */
void process_free(struct process *p);
/* It is one, and not process_program.here. */
bool process_is_apart(const struct process *p);
/* WALL_ bits that stand. */
unsigned process_walls(const struct process *p);
/* Asks with the bytes of all parts. The answer is valid until the next call. */
enum process_end process_ask(struct process *p, const struct slice *parts, unsigned count, const struct process_bounds *bounds,
                             struct slice *ret_answer);
/* After PROCESS_DIED; and which signal it was, 0 for none. */
enum process_death process_died_of(const struct process *p, int *ret_signal);
/* Where it was. */
struct render_skip process_place(const struct process *p);
/* It has grown, or has done much: another one should take its place. */
bool process_is_worn(struct process *p);
