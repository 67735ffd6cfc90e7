/* SipHash-1-3 over bytes, and its seed. */
#include "base/hash.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

struct hash_seed hash_seed_random(void)
{
    struct hash_seed seed;
    ssize_t got;
    do {
        got = getrandom(&seed, sizeof seed, 0);
    } while (got < 0 && errno == EINTR);
    assert(got == (ssize_t)sizeof seed); /* up to 256 bytes always come whole */
    return seed;
}

static uint64_t load_le64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* Up to seven bytes, zeros behind them. */
static uint64_t load_tail(const uint8_t *p, size_t left)
{
    uint64_t v = 0;
    for (size_t i = 0; i < left; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

uint64_t hash_bytes(const struct hash_seed *seed, const void *data, size_t size)
{
    struct hash_state s = hash_begin(seed);
    const uint8_t *p = data;
    size_t left = size;
    for (; left >= 8; left -= 8, p += 8)
        hash_word(&s, load_le64(p));
    uint64_t last = (uint64_t)size << 56;
    if (left && size >= 8) /* the last eight bytes, without those that were taken */
        last |= load_le64(p + left - 8) >> (8 * (8 - left));
    else if (left)
        last |= load_tail(p, left);
    return hash_end(&s, last);
}
