/* Messages by a header field: of that name (in either form, case does not count) whose value,
 * brought into one line, contains a text (ASCII case does not count, nothing in it is a wildcard).
 * Time is linear in what is looked at. */
#pragma once

#include "base/buf.h"
#include "storage/record.h"

struct header_search {
    struct slice name;
    struct buf text;  /* in small letters; empty: the field alone is asked for */
    struct buf value; /* scratch */
    uint64_t bytes;   /* of messages looked at */
    bool found;
};

/* `text` NULL: any value. The name is borrowed. */
void header_search_init(struct header_search *s, const char *name, const char *text);
void header_search_fini(struct header_search *s);
bool header_search_matches(struct header_search *s, const struct record_message *m);
