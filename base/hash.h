/* SipHash-1-3 with a random seed: nobody outside can make keys collide. */
#pragma once

#include "base/slice.h"

struct hash_seed {
    uint64_t k0;
    uint64_t k1;
};

/* From the system's random source. Tests set the two words instead. */
struct hash_seed hash_seed_random(void);
uint64_t hash_bytes(const struct hash_seed *seed, const void *data, size_t size);
/* The same function over whole 64-bit words: the form for small fixed keys on the packet path. */
uint64_t hash_words(const struct hash_seed *seed, const uint64_t *words, size_t count);
