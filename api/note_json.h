/* Annotations and transcripts as JSON, and the members of a request's body. */
#pragma once

#include "base/json.h"
#include "storage/record_notes.h"

void annotation_json(struct json *j, const struct record_annotation *a);
/* All of a call. */
void annotations_json(struct json *j, const char *call_uid, const struct record_notes *notes);
void transcript_json(struct json *j, const char *call_uid, const struct record_transcript *t);
