/* Bytes that came deflated, in the dress of zlib (RFC 1950) or gzip (RFC 1952); this file meets zlib. */
#pragma once

#include "base/slice.h"

/* Do they begin like gzip? */
bool inflate_is_gzip(struct slice bytes);
/* One whole stream into at most `out_max` bytes. Returns its size; 0 when it is neither, damaged, cut
 * or would not fit. What follows the stream is ignored. Takes nothing from the heap. */
size_t inflate_bytes(struct slice bytes, uint8_t *out, size_t out_max);
