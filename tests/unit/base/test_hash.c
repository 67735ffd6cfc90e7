/* SipHash-1-3 against a literal second writing of the paper's algorithm, which itself is checked
 * with the published vector of SipHash-2-4. */
#include <criterion/criterion.h>

#include "base/hash.h"

#define ROTATE(x, b) (uint64_t)(((x) << (b)) | ((x) >> (64 - (b))))

static void reference_rounds(uint64_t v[4], int count)
{
    while (count--) {
        v[0] += v[1], v[2] += v[3];
        v[1] = ROTATE(v[1], 13), v[3] = ROTATE(v[3], 16);
        v[1] ^= v[0], v[3] ^= v[2];
        v[0] = ROTATE(v[0], 32);
        v[2] += v[1], v[0] += v[3];
        v[1] = ROTATE(v[1], 17), v[3] = ROTATE(v[3], 21);
        v[1] ^= v[2], v[3] ^= v[0];
        v[2] = ROTATE(v[2], 32);
    }
}

static uint64_t reference(int c, int d, uint64_t k0, uint64_t k1, const uint8_t *in, size_t size)
{
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    for (size_t at = 0; at <= size; at += 8) { /* the last word is padded and holds the size */
        uint64_t m = 0;
        for (size_t i = 0; i < 8 && at + i < size; i++)
            m |= (uint64_t)in[at + i] << (8 * i);
        if (at + 8 > size)
            m |= (uint64_t)(size & 0xff) << 56;
        v[3] ^= m;
        reference_rounds(v, c);
        v[0] ^= m;
    }
    v[2] ^= 0xff;
    reference_rounds(v, d);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static const uint64_t K0 = 0x0706050403020100;
static const uint64_t K1 = 0x0f0e0d0c0b0a0908;

Test(hash, the_reference_gives_the_published_vector)
{
    uint8_t in[15];
    for (uint8_t i = 0; i < sizeof in; i++)
        in[i] = i;
    cr_assert_eq(reference(2, 4, K0, K1, in, sizeof in), UINT64_C(0xa129ca6149be45e5));
    cr_assert_eq(reference(2, 4, K0, K1, in, 0), UINT64_C(0x726fdb47dd0e0e31));
}

Test(hash, every_size_equals_the_reference)
{
    uint8_t in[300];
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 7 + 3);
    struct hash_seed seed = {K0, K1};
    for (size_t size = 0; size <= sizeof in; size++)
        cr_assert_eq(hash_bytes(&seed, in, size), reference(1, 3, K0, K1, in, size), "%zu", size);
}

Test(hash, words_equal_their_bytes)
{
    uint64_t words[40];
    uint8_t bytes[sizeof words];
    for (size_t i = 0; i < 40; i++) {
        words[i] = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
        for (size_t k = 0; k < 8; k++)
            bytes[8 * i + k] = (uint8_t)(words[i] >> (8 * k));
    }
    struct hash_seed seed = {K1, K0};
    for (size_t n = 0; n <= 40; n++)
        cr_assert_eq(hash_words(&seed, words, n), hash_bytes(&seed, bytes, 8 * n), "%zu words", n);
}

Test(hash, seeds_differ)
{
    struct hash_seed a = hash_seed_random();
    struct hash_seed b = hash_seed_random();
    cr_assert(a.k0 != b.k0 && a.k1 != b.k1);
    cr_assert_neq(hash_bytes(&a, "x", 1), hash_bytes(&b, "x", 1));
}
