/* What decodes, from inside: jobs and steps of listening in, answers out. As a process of its own, which raises its walls and
 * then goes on until the socket closes; or in a program that is linked to it. */
#pragma once

#include "app/confine/process.h"

/* Never returns but with an exit code. */
int child_main(void);
/* For process_program.here. */
extern const struct process_here decoder_here;
