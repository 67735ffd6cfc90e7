/* URIs of people and telephones: sip: and sips: (RFC 3261 19.1), tel: (RFC 3966) with number
 * portability (RFC 4694). A telephone number may stand in a tel: URI or as the user part of a sip:
 * URI, with the same parameters either way:
 *
 *   tel:+49-30-1234;ext=7            sip:+49-30-1234;ext=7@example.com;user=phone
 *   tel:1234;phone-context=+49-30    sip:1234@example.com
 *
 * Everything is a slice of the text; `digits` alone is a copy, without what only people need to see
 * ("-", ".", "(", ")", spaces) and without escapes. Liberal as the rest of the room. */
#pragma once

#include "base/slice.h"

enum uri_scheme { URI_SIP, URI_SIPS, URI_TEL, URI_OTHER };

#define URI_DIGITS_SIZE 36 /* a '+', at most 34 digits, NUL */

struct sip_uri {
    enum uri_scheme scheme;
    struct slice user;    /* as written, with the parameters of a number; without a password */
    struct slice host;    /* without brackets; empty for tel: */
    struct slice port;
    struct slice params;  /* behind the host: "transport=tcp;user=phone" */
    struct slice headers; /* behind '?' */
    bool password;        /* there is one */
    bool user_phone;      /* tel:, or user=phone */

    struct slice number;               /* user without its parameters */
    char digits[URI_DIGITS_SIZE];      /* "+49301234", "201", "*43#"; "" when it is no number */
    bool global;                       /* begins with '+' */
    struct slice context;              /* phone-context: "+49" or a domain */
    struct slice ext, isub;            /* RFC 3966 */
    struct slice routing_number, carrier; /* rn, cic (RFC 4694) */
    bool ported;                       /* npdi: the data base was asked */
};

/* False for an empty text or one without anything that could be a user or a host. A text without a
 * scheme is read as sip:. */
bool sip_uri_parse(struct slice text, struct sip_uri *ret_uri);
/* Undoes %xx into `out`: NUL-terminated, cut to size; a NUL among the bytes stays escaped. Returns
 * the length. */
size_t sip_unescape(struct slice text, char *out, size_t out_size);
