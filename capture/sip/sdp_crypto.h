/* a=crypto (RFC 4568): the keys that the sender of this SDP protects its media with. */
#pragma once

#include "base/media_key.h"
#include "base/slice.h"

/* Reads the value of one attribute, "1 AES_CM_128_HMAC_SHA1_80 inline:<base64>|2^20|1:4"; returns how many keys it told, at
 * most `room`. Suites of RFC 4568, 6188 and 7714; a line with a suite or a parameter that nothing here can open tells none, and so does
 * one whose key was covered (redact.h). */
unsigned sdp_crypto_keys(struct slice value, struct media_key *ret_keys, unsigned room);
/* The suite of such a line, with what its parameters change: also where the key itself was covered. */
bool sdp_crypto_shape(struct slice value, struct media_key *ret_shape);
