/* message/sipfrag (RFC 3420): the beginning of a SIP message, as NOTIFY reports what became of a
 * transfer (RFC 3515). */
#pragma once

#include "base/slice.h"

struct sipfrag {
    uint16_t status;     /* of a status line; 0: none */
    struct slice reason_phrase;
    struct slice method; /* of a request line */
    struct slice request_uri;
    struct slice headers; /* all lines behind the start line */
    struct slice call_id;
    struct slice from, to, contact;
};

/* False without a start line and without any header. */
bool sipfrag_read(struct slice body, struct sipfrag *ret);
