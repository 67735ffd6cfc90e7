/* Things that a process that decodes must not be able to do. It tries them when it is asked to (`earshot --check-decoder`);
 * each attempt in a process of its own, because most end it. */
#pragma once

#include "base/error.h"

struct walls;

/* Of those that are tried. */
unsigned probe_count(void);
/* "open a socket" */
const char *probe_text(unsigned probe);
/* In the process that decodes, whose folder for writing is `dir`: 0 when it could do it, else an ERR_, if it comes back. */
int probe_run(unsigned probe, const char *dir, struct why *why);
/* The command: tries all of it in the data directory of the settings; prints what became of each. An exit code. */
int probe_command(const char *config_path);
