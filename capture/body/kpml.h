/* Keys that a telephone was asked to tell (RFC 4730): application/kpml-response+xml, one document for all keys that one pattern took. */
#pragma once

#include "capture/body/xml.h"

#define KPML_DIGITS_MAX 64 /* of a document */

struct kpml {
    unsigned count;
    char digits[KPML_DIGITS_MAX]; /* '0'..'9', '*', '#', 'A'..'D', '!' for the recall key ("R") */
    bool limited;                 /* there were more */
};

/* XML_NOT_THIS: no response. One may tell no key at all: its time was up. */
enum xml_verdict kpml_read(struct xml *x, struct slice body, struct kpml *ret);
