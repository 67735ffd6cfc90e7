/* Files of recordings as JSON: one object for a whole recording, a part, a track or a sum. */
#pragma once

#include "base/json.h"
#include "storage/record.h"

/* `r` is the call that the file is kept with. */
void record_file_json(struct json *j, const struct call_record *r, const struct record_file *f,
                      bool links);
/* Who is heard in which channel of the recording of a call, as a field: its ends; of a recording
 * session (SIPREC) of two whom the metadata names, of more "participants". */
void record_json_channels(struct json *j, const struct call_record *r, int channels);
/* What a file is: "wav", "pcm_mulaw". */
const char *record_file_format(const struct record_file *f);
const char *record_file_codec(const struct record_file *f);
/* The parts of its recording as a field; nothing when it is one file. */
void record_json_parts(struct json *j, const struct call_record *r, bool links);
