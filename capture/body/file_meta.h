/* Files sent beside a message, as metadata only: an HTTP link in a text, the XML of RCS file transfer
 * over HTTP, or the SDP attribute file-selector (RFC 5547) of an MSRP session. */
#pragma once

#include "capture/body/xml.h"

struct file_meta {
    struct slice name;
    struct slice type; /* "image/jpeg" */
    struct slice url;
    struct slice hash_algorithm; /* "sha-1" */
    struct slice hash;           /* as written */
    struct slice until;          /* when the link ends, as written */
    int64_t size_bytes;          /* -1: not said */
};

/* The value of a=file-selector; false when it says nothing. Names stay percent-coded. */
bool file_meta_selector(struct slice value, struct file_meta *ret);
/* application/vnd.gsma.rcs-ft-http+xml: the file itself, not its thumbnail. */
enum xml_verdict file_meta_rcs(struct xml *x, struct slice body, struct file_meta *ret);
/* The first http: or https: link in a text; its last path element is the name. False without one. */
bool file_meta_link(struct slice text, struct file_meta *ret);
