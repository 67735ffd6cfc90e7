/* What a process that decodes gives up before it sees the first packet: privileges, limits, files (Landlock), system
 * calls (seccomp). There is no way back. libseccomp is met in walls.c alone. */
#pragma once

#include <stdint.h>

#include "base/error.h"

#define WALL_SECCOMP  1u
#define WALL_LANDLOCK 2u

struct walls {
    const char *read_dir;  /* files below it may be read; "": none ... */
    const char *write_dir; /* ... and below this one written, made, renamed and removed; "": nowhere */
    int64_t memory_bytes;  /* that may be mapped beyond what is now; 0: no limit */
};

/* Which of them stand afterwards: WALL_ bits; those that the kernel does not have are missing. An ERR_ when a folder is
 * not there, or the kernel refuses what it has. */
int walls_raise(const struct walls *w, unsigned *ret_standing, struct why *why);
/* "seccomp, Landlock 7": what this kernel has, for --version. */
const char *walls_text(char *out, size_t size);
