/* base64url without padding (RFC 4648 5), as JOSE writes it; the plain alphabet and padding are
 * taken too. */
#pragma once

#include "base/slice.h"

/* Bytes decoded, or SIZE_MAX when the text is none or longer than `out_size` bytes. */
size_t base64_decode(struct slice text, uint8_t *out, size_t out_size);
/* base64url without padding, NUL-terminated; returns the length, or SIZE_MAX when it does not fit. */
size_t base64url_encode(struct slice bytes, char *out, size_t out_size);
