/* Decompression of gzip and zstd, a step at a time: bytes in, bytes out, nothing but the library's
 * own window is kept. Bounded against small files that unpack to enormous ones. */
#pragma once

#include "base/error.h"

enum unpack_kind { UNPACK_NONE, UNPACK_GZIP, UNPACK_ZSTD };

/* Above UNPACK_FREE bytes the output may be at most UNPACK_RATIO times the input. */
#define UNPACK_RATIO 100
#define UNPACK_FREE  ((uint64_t)64 << 20)

struct unpack;

/* What the first bytes of a file tell. */
enum unpack_kind unpack_kind_of(struct slice head);
const char *unpack_kind_name(enum unpack_kind kind);

/* `max_bytes` of output, 0: no limit but the ratio. NULL without memory. */
struct unpack *unpack_new(enum unpack_kind kind, uint64_t max_bytes);
void unpack_free(struct unpack *u);

enum unpack_state {
    UNPACK_OK,       /* something was written or read */
    UNPACK_WANT,     /* nothing more without input */
    UNPACK_DAMAGED,  /* unpack_reason() says how */
    UNPACK_TOO_MUCH, /* likewise */
};

/* Unpacks from the front of *in, which is shortened, into out[0..room). */
enum unpack_state unpack_step(struct unpack *u, struct slice *in, uint8_t *out, size_t room,
                              size_t *ret_size);
/* May the input end here? */
bool unpack_complete(const struct unpack *u);
const char *unpack_reason(const struct unpack *u);
const char *unpack_name(const struct unpack *u);
