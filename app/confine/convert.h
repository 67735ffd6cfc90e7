/* decode/conversion.h in a process of its own, which reads below one folder and writes nowhere. Belongs to one thread at a time. */
#pragma once

#include "app/confine/confine.h"
#include "decode/conversion.h"

struct converter;

/* Starts the process and opens the files. `read_dir`: below which they lie; of the configuration program and memory count.
 * ERR_UNSUPPORTED and what conversion_open() says; ERR_BUSY: there is no process to be had. What is not done
 * at `until_ns` (by clock_mono_ns(); 0: never), or soon after the configuration's stop_fd, is ERR_LATE. */
int converter_open(const struct confine_config *config, const char *read_dir, const struct conversion_want *want, int64_t until_ns,
                   struct converter **ret_converter, struct why *why);
/* NULL is fine. */
void converter_free(struct converter *c);
/* The next bytes, valid until the next call: 1: there is more; 0: that was all; or an ERR_. */
int converter_read(struct converter *c, struct slice *ret_bytes);
/* How it died, by LABELS_CRASH; -1: it did not. */
int converter_death(const struct converter *c);
