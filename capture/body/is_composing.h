/* "Is typing" (RFC 3994): application/im-iscomposing+xml. */
#pragma once

#include "capture/body/xml.h"

struct is_composing {
    bool active;
    struct slice content_type;
    struct slice last_active; /* as written */
    int64_t refresh_s;        /* -1: none */
};

/* The document itself, or one in a CPIM envelope. */
enum xml_verdict is_composing_read(struct xml *x, struct slice body, struct is_composing *ret);
