/* Two SIP messages side by side: start line, header fields by name in their order, body line by
 * line. */
#pragma once

#include "api/text_diff.h"
#include "base/json.h"

struct message_diff {
    struct slice start[2];
    struct diff fields; /* values in one line; compact names in full */
    struct diff body;
    bool equal;
};

/* The result lies in the arena and borrows from the two messages. Of each at most DIFF_ITEMS_MAX
 * fields and lines are told apart: the last one holds the rest. False without memory. */
bool message_diff(struct arena *arena, struct slice a, struct slice b,
                  struct message_diff *ret_diff);
/* "start_line", "headers", "body", "equal" and "exact" of the object under way. */
void message_diff_json(const struct message_diff *d, struct json *j);
/* Lines that begin with ' ', '-' or '+'; control characters are written as \xNN. */
void message_diff_text(const struct message_diff *d, struct buf *out);
