/* A stored SIP message cut into start line, header fields and body, to show, compare and search it.
 * It reads whatever stands there: lines end with LF with or without CR, a line that begins with
 * white space goes on with the field before, a line without a colon is a field without a name.
 * Everything borrows from the message. */
#pragma once

#include "base/buf.h"

struct sip_text {
    struct slice start_line;
    struct slice fields; /* for sip_text_field() */
    struct slice body;
};

struct sip_field {
    struct slice name;  /* in full where the compact form was written; "" without a colon */
    struct slice value; /* trimmed, still folded: sip_value_unfold() */
};

/* Empty lines ahead of the start line are passed over. */
void sip_text_split(struct slice raw, struct sip_text *ret_text);
/* Cuts the next field off the front; false when there is none. */
bool sip_text_field(struct slice *fields, struct sip_field *ret_field);
/* The next line without its end; false when nothing is left. */
bool sip_text_line(struct slice *rest, struct slice *ret_line);
/* "f" -> "From"; any other name as it is. */
struct slice sip_name_full(struct slice name);
/* A token of RFC 3261 of at most 64 characters. */
bool sip_name_is_valid(struct slice name);
/* Appends the value in one line: a fold becomes one space (RFC 3261 7.3.1). */
void sip_value_unfold(struct slice value, struct buf *out);
