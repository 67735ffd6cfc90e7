/* Notifications of what became of an instant message (RFC 5438): message/imdn+xml. */
#pragma once

#include "capture/body/xml.h"

enum imdn_kind { IMDN_UNKNOWN, IMDN_DELIVERY, IMDN_DISPLAY, IMDN_PROCESSING };

struct imdn {
    struct slice message_id; /* of the message that it is about */
    struct slice date_time;
    struct slice recipient;
    struct slice original_recipient;
    struct slice subject;
    enum imdn_kind kind;
    struct slice status; /* "delivered", "failed", "forbidden", "error", "displayed", "processed", "stored" */
    bool from_envelope;  /* it came in message/cpim */
};

/* The document itself, or one in a CPIM envelope. XML_NOT_THIS: an envelope with something else. */
enum xml_verdict imdn_read(struct xml *x, struct slice body, struct imdn *ret);
