#include <criterion/criterion.h>

#include "base/crypto.h"

static const char *sha256_hex(struct slice s, char out[65])
{
    uint8_t digest[32];
    crypto_sha256(s, digest);
    return crypto_hex(slice_of(digest, sizeof digest), out);
}

Test(crypto, sha256_gives_the_published_digests)
{
    char hex[65];
    cr_assert_eq(crypto_start(), 0);
    cr_assert_str_eq(sha256_hex(slice_none(), hex),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cr_assert_str_eq(sha256_hex(slice_str("abc"), hex),
                     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

Test(crypto, sha256_in_steps_equals_sha256_at_once)
{
    uint8_t data[500];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31);
    uint8_t whole[32];
    crypto_sha256(slice_of(data, sizeof data), whole);
    for (size_t cut = 0; cut <= sizeof data; cut += 7) {
        uint8_t steps[32];
        struct crypto_sha256_state s;
        crypto_sha256_init(&s);
        crypto_sha256_update(&s, slice_of(data, cut));
        crypto_sha256_update(&s, slice_of(data + cut, sizeof data - cut));
        crypto_sha256_final(&s, steps);
        cr_assert(crypto_equal(whole, steps, sizeof steps));
    }
}

/* RFC 3720 B.4. */
Test(crypto, crc32c_gives_the_published_values)
{
    uint8_t bytes[32] = {0};
    cr_assert_eq(crypto_crc32c(0, "123456789", 9), 0xe3069283);
    cr_assert_eq(crypto_crc32c(0, NULL, 0), 0);
    cr_assert_eq(crypto_crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    cr_assert_eq(crypto_crc32c(0, bytes, 32), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        bytes[i] = i;
    cr_assert_eq(crypto_crc32c(0, bytes, 32), 0x46dd794e);
}

Test(crypto, crc32c_is_the_same_with_and_without_the_instruction_and_in_steps)
{
    uint8_t data[200];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * i + 5);
    for (size_t size = 0; size <= sizeof data; size++) {
        uint32_t crc = crypto_crc32c(0, data, size);
        cr_assert_eq(crc, crypto_crc32c_portable(0, data, size));
        cr_assert_eq(
            crc, crypto_crc32c(crypto_crc32c(0, data, size / 3), data + size / 3, size - size / 3));
    }
}

Test(crypto, keyed_ids_depend_on_key_and_data)
{
    uint8_t key[32] = {1};
    uint8_t a[16], b[16], c[16];
    crypto_keyed_id(key, slice_str("call"), a);
    crypto_keyed_id(key, slice_str("call"), b);
    cr_assert(crypto_equal(a, b, 16));
    crypto_keyed_id(key, slice_str("cal1"), c);
    cr_assert_not(crypto_equal(a, c, 16));
    key[31] = 1;
    crypto_keyed_id(key, slice_str("call"), b);
    cr_assert_not(crypto_equal(a, b, 16));
}

Test(crypto, random_bytes_are_not_all_alike)
{
    uint8_t a[32] = {0}, b[32] = {0};
    crypto_random(a, sizeof a);
    crypto_random(b, sizeof b);
    cr_assert_not(crypto_equal(a, b, sizeof a));
}

Test(crypto, hex_is_lower_case)
{
    char out[7];
    cr_assert_str_eq(crypto_hex(slice_of("\x00\xaf\x5c", 3), out), "00af5c");
    cr_assert_str_eq(crypto_hex(slice_none(), out), "");
}
