/* A process that decodes, seen from the service: started from our own program, asked one thing at a time, watched while
 * it thinks, and told apart by what it died of. One thread at a time. */
#pragma once

#include "app/confine/walls.h"
#include "base/slice.h"
#include "decode/render.h"

struct process;

enum process_end {
    PROCESS_ANSWERED,
    PROCESS_DIED,    /* process_died_of() */
    PROCESS_STOPPED, /* we are to stop, and it was not done soon */
};

/* In the order of LABELS_CRASH. */
enum process_death { DEATH_SIGNAL, DEATH_CPU, DEATH_MEMORY, DEATH_SECCOMP, DEATH_STALLED, DEATH_ANSWER };

struct process_config {
    const char *program; /* ours, "/proc/self/exe" */
    struct walls walls;
};

/* 0 once its walls stand, or an ERR_ with the reason. */
int process_start(const struct process_config *config, struct process **ret_process, struct why *why);
/* Lets it go; NULL is fine. */
void process_free(struct process *p);
/* WALL_ bits that stand. */
unsigned process_walls(const struct process *p);
/* Asks with the bytes of all parts. The answer is valid until the next call. cpu_ns: what it may use of the CPU;
 * stop_fd: readable when it is to end soon, -1: never. */
enum process_end process_ask(struct process *p, const struct slice *parts, unsigned count, int64_t cpu_ns, int stop_fd,
                             struct slice *ret_answer);
/* After PROCESS_DIED; and which signal it was, 0 for none. */
enum process_death process_died_of(const struct process *p, int *ret_signal);
/* Where it was. */
struct render_skip process_place(const struct process *p);
/* It has grown, or has done much: another one should take its place. */
bool process_is_worn(struct process *p);
