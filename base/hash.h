/* SipHash-1-3 with a random seed: nobody outside can make keys collide. The form over words is
 * inline because small keys of known size are hashed for every packet. */
#pragma once

#include "base/slice.h"

struct hash_seed {
    uint64_t k0;
    uint64_t k1;
};

/* From the system's random source. Tests set the two words instead. */
struct hash_seed hash_seed_random(void);
uint64_t hash_bytes(const struct hash_seed *seed, const void *data, size_t size);

/* ---- the rounds; callers want hash_bytes() and hash_words() ---- */
struct hash_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t hash_rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void hash_round(struct hash_state *s)
{
    s->v0 += s->v1;
    s->v1 = hash_rotate(s->v1, 13) ^ s->v0;
    s->v0 = hash_rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = hash_rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = hash_rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = hash_rotate(s->v1, 17) ^ s->v2;
    s->v2 = hash_rotate(s->v2, 32);
}

static inline struct hash_state hash_begin(const struct hash_seed *seed)
{
    return (struct hash_state){
        .v0 = seed->k0 ^ UINT64_C(0x736f6d6570736575),
        .v1 = seed->k1 ^ UINT64_C(0x646f72616e646f6d),
        .v2 = seed->k0 ^ UINT64_C(0x6c7967656e657261),
        .v3 = seed->k1 ^ UINT64_C(0x7465646279746573),
    };
}

static inline void hash_word(struct hash_state *s, uint64_t word)
{
    s->v3 ^= word;
    hash_round(s);
    s->v0 ^= word;
}

/* `last` holds the size in its top byte and up to seven bytes of tail. */
static inline uint64_t hash_end(struct hash_state *s, uint64_t last)
{
    hash_word(s, last);
    s->v2 ^= 0xff;
    hash_round(s);
    hash_round(s);
    hash_round(s);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* The same function over whole 64-bit words (hash_bytes() of their little-endian bytes): the form
 * for small fixed keys on the packet path. */
static inline uint64_t hash_words(const struct hash_seed *seed, const uint64_t *words, size_t count)
{
    struct hash_state s = hash_begin(seed);
    for (size_t i = 0; i < count; i++)
        hash_word(&s, words[i]);
    return hash_end(&s, (uint64_t)count << 59); /* 8 bytes a word: count * 8 << 56 */
}
