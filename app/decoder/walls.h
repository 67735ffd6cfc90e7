/* What a process that decodes gives up before it sees the first packet: privileges, limits, files (Landlock), system
 * calls (seccomp). There is no way back. libseccomp is met in walls.c alone. */
#pragma once

#include "app/confine/hello.h"
#include "base/error.h"

/* Which of them stand afterwards: WALL_ bits; those that the kernel does not have are missing. An ERR_ when a folder is
 * not there, or the kernel refuses what it has. */
int walls_raise(const struct walls *w, unsigned *ret_standing, struct why *why);
/* "seccomp, Landlock 7": what this kernel has, for --version. */
const char *walls_text(char *out, size_t size);
