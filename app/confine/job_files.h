/* Which files a job makes: those that the process may speak of in its answer, and those that go when it ended before it was
 * done. A name that is longer than that of the job, "bob-carol.wav" beside "bob.wav", is another call's. */
#pragma once

#include "app/confine/job.h"

/* `path` is the file of a job that was asked for `asked`: that name itself, or with what decode/output.h and films put before
 * its ending: -p2, -caller, -caller-p2, -v1 (then .mkv); of tracks -t1, -mix. `unfinished`: with ".part" or ".pcm.part" behind it. */
bool job_file_is_ours(enum job_kind kind, const char *asked, struct slice path, bool unfinished);
/* What a job that did not come to its end left below `dir`, finished or not; of a call its waveform as well. */
void job_files_remove(enum job_kind kind, const char *dir, const char *asked);
