/* Text packed with gzip (RFC 1952) for who reads it over the network; this file meets zlib. */
#pragma once

#include "base/slice.h"

#define DEFLATE_PADDING_MAX 64u

/* All of `bytes`, quickly rather than small, into at most `out_max` bytes; `padding` bytes that
 * mean nothing (at most DEFLATE_PADDING_MAX) stand in its head. Returns its size; 0 when it would
 * not fit or there is no memory (270 kB while it works). */
size_t deflate_gzip(struct slice bytes, unsigned padding, uint8_t *out, size_t out_max);
