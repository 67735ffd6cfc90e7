/* Transcripts as people and engines write them -> segments: JSON of ours, WebVTT (as far as subtitles use it), lines of text.
 * Segments borrow from the body, from its tree, or lie in the arena. */
#pragma once

#include "base/arena.h"
#include "base/json_read.h"
#include "storage/record_notes.h"

struct transcript_reading {
    struct arena *arena;
    struct record_transcript transcript;
    uint32_t room;          /* for so many segments */
    size_t bytes;           /* of their texts */
    const char *field;      /* what is wrong, and where; NULL: anywhere */
    const char *wrong;
};

/* False: `wrong` says why. */
bool transcript_read_json(struct transcript_reading *r, const struct json_value *root);
bool transcript_read_vtt(struct transcript_reading *r, struct slice body);
/* A line a segment, "caller: ..." or "callee: ..." where it is known who speaks; without times. */
bool transcript_read_plain(struct transcript_reading *r, struct slice body);
