/* What the id of a recording names, for the handlers of /recordings/{id}. */
#pragma once

#include "api/handlers.h"
#include "storage/record_files.h"

#define RECORDING_UID 36 /* characters of a uid */

/* The recording of a call (`file` NULL), one of its parts, or a track or the sum of a conference. */
struct recording {
    struct call_record *r; /* of whoever found it */
    const struct record_file *file;
};

/* Ids of files are those of calls and recordings with something behind it: record_files.h. ERR_NOT_FOUND also for what the asker
 * may not hear. */
int recording_find(struct exchange *x, const char *id, struct recording *ret);
/* Of the path's {id}; false: the problem is set. */
bool recording_of_path(struct exchange *x, struct recording *ret);
/* The file that it stands for: the first one of a recording with several; NULL: of an older version, which has one. */
const struct record_file *recording_file(const struct recording *f);
bool recording_is_track(const struct record_file *f);
/* A track is of one call; in the sum is everybody. */
bool recording_may_hear(struct exchange *x, const struct record_files *tracks, const struct record_file *f);
/* Both false with the problem set when there is no file to give; of a call's recording, of any id. */
bool recording_has_file(struct exchange *x, const struct recording *f);
bool recording_is_ready(struct exchange *x, const struct record_recording *g);
