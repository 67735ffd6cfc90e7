/* What framer.c asks about bytes: is here a start line, where does the head end, what length does
 * it state. No state, no memory. */
#pragma once

#include "base/slice.h"

#define FRAMER_LINE_MAX 8192 /* a start line */

enum framer_start {
    FRAMER_START_NO,
    FRAMER_START_YES,
    FRAMER_START_MORE, /* so far it could be one */
};

/* Does a start line begin at the first byte? `known_only`: methods that we know, for places where
 * a line may have lost its first bytes. */
enum framer_start framer_start(struct slice at, bool known_only);
/* Bodies need not end in a line end: "</xml>BYE sip:b SIP/2.0". Position of a start line, of a
 * known method, inside the first line; 0 when there is none or the line has no end. For places
 * where framing is lost already. */
size_t framer_glued(struct slice at);
/* Position of the first start line in [from, to), where `from` begins a line; `to` when there is
 * none. Its end may lie behind `to`. `glued`: as above, too. */
size_t framer_find_start(struct slice at, size_t from, size_t to, bool glued);
/* A start line that seems to begin at `place` may have lost the first letters of its method to a
 * body that is said to be too long: "B" "YE sip:b SIP/2.0". Its true position, not before `from`;
 * else `place`. */
size_t framer_split_start(struct slice at, size_t from, size_t place);
/* Does the head say that its body is SDP? That quotes no messages: a start line in it ends it. */
bool framer_says_sdp(struct slice head);
/* As framer_find_start over whole lines only; goes on at *looked, where a line begins, and leaves
 * there where to go on. 0: none so far. */
size_t framer_start_in_sdp(struct slice at, size_t *looked);
/* The first line of another protocol that is spoken on SIP's ports. */
bool framer_foreign(struct slice at);
/* A walk through a head, line by line, that goes on where it stopped. Zeroed at the start line. */
struct framer_walk {
    size_t line;    /* where the line begins that has no end yet */
    size_t scanned; /* bytes without a further line end */
    size_t length;  /* where the first line stands that may be a Content-Length; 0: none */
};

/* Size of the head with its blank line; 0 when that is not there yet. */
size_t framer_head_end(struct slice at, struct framer_walk *walk);
/* The first Content-Length of a whole head; false without one, or when it is no 32-bit number. */
bool framer_content_length(struct slice head, const struct framer_walk *walk, uint32_t *ret_length);
