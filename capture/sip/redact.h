/* Secrets in the text of a message, overwritten with as many bytes: lengths, offsets and the
 * message's meaning stay. What goes:
 *
 *   Authorization, Proxy-Authorization    response=, cnonce=, auts= and all of another scheme's word
 *   (Proxy-)Authentication-Info           rspauth=, cnonce=, nextnonce stays
 *   WWW-, Proxy-Authenticate              ik=, ck= (3GPP: keys between proxies)
 *   a=crypto: (RFC 4568)                  the key behind inline:
 *   a=key-mgmt: (RFC 4567)                the data
 *   k= (RFC 4566)                         the key behind its method
 *
 * Lines are looked at wherever they stand, bodies within bodies included, also a last one whose end
 * is missing. Knows nothing of the message otherwise. */
#pragma once

#include "base/slice.h"

/* Index of the first byte that would be overwritten, or text.size: nothing to hide. */
size_t sip_secret_at(struct slice text);
/* Overwrites all of them with '*', which is in no base64: a key is none any more. Returns how many bytes. */
size_t sip_redact(uint8_t *text, size_t size);
