/* A record as JSON: the call object of the API and of `earshot read --json`. One writer for both.
 */
#pragma once

#include "base/json.h"
#include "storage/record.h"

enum record_json_detail {
    RECORD_JSON_LIST, /* a row of a list: no events */
    RECORD_JSON_FULL,
};

/* `links`: add the URLs of the API. */
void record_json(struct json *j, const struct call_record *r, enum record_json_detail detail,
                 bool links);
/* A row of a table: some members of the above, and of no list or object more than fits. Enough is a record that was read with
 * store_query.brief. */
void record_json_brief(struct json *j, const struct call_record *r);
void record_json_series(struct json *j, const struct record_stream *s);
/* An object of texts; empty for NULL. */
void record_json_tags(struct json *j, const struct record_tags *tags);
/* `full`: with its parts. */
void record_json_recording(struct json *j, const struct call_record *r, bool full, bool links);
void record_json_message(struct json *j, const struct record_message *m, bool raw);
