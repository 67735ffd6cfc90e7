/* The little of an X.509 certificate (RFC 5280) that one who listens wants: whose it is. Read by
 * ourselves: libcrypto takes 0.1 ms for each, most of it for the key, and a stranger chooses how
 * many there are. Nothing is verified. */
#pragma once

#include "base/slice.h"

struct crypto_certificate {
    struct slice public_key; /* SubjectPublicKeyInfo, DER */
    struct slice name;       /* the subject's common name, else the first DNS name; empty: none */
    bool name_is_wide;       /* two bytes a character (BMPString) */
};

/* Borrows `der`. False: not a certificate. */
bool crypto_certificate_parse(struct slice der, struct crypto_certificate *ret_certificate);
/* The name NUL-terminated, cut, with '?' for what is not printable ASCII. "" when there is none or
 * `der` is no certificate. */
void crypto_certificate_name(struct slice der, char *out, size_t out_size);
