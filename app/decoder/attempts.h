/* Things that a process that decodes must not be able to do: it tries them when it is asked to (confine/probes.h). */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* One of confine/probes.def, in its order; `dir`: the data directory. 0 when it could be done, else an ERR_, if it comes back. */
int attempt(uint32_t probe, const char *dir, struct why *why);
