/* Random bytes, keyed BLAKE2b by libsodium; CRC-32C (RFC 3720 B.4) by ourselves, with the
 * processor's instruction where it has one. */
#include "base/crypto.h"

#include <sodium.h>

#include "base/error.h"

int crypto_start(void)
{
    return sodium_init() < 0 ? ERR_UNSUPPORTED : 0;
}

void crypto_random(void *out, size_t size)
{
    randombytes_buf(out, size);
}

void crypto_keyed_id(const uint8_t key[32], struct slice data, uint8_t ret_id[16])
{
    crypto_generichash(ret_id, 16, data.data, data.size, key, 32);
}

#define PASSWORD_PASSES 3
#define PASSWORD_BYTES  ((size_t)30 << 20)

_Static_assert(CRYPTO_PASSWORD_SIZE == crypto_pwhash_STRBYTES, "the library's text fits");

int crypto_password_hash(struct slice password, char ret_hash[CRYPTO_PASSWORD_SIZE])
{
    int rc = crypto_pwhash_str_alg(ret_hash, (const char *)password.data, password.size, PASSWORD_PASSES,
                                   PASSWORD_BYTES, crypto_pwhash_ALG_ARGON2ID13);
    return rc == 0 ? 0 : ERR_NOMEM;
}

/* What is no hash of ours costs the same: whether there is one is not to be told by a clock. */
bool crypto_password_verify(const char *hash, struct slice password)
{
    char other[CRYPTO_PASSWORD_SIZE];
    if (strncmp(hash, crypto_pwhash_STRPREFIX, strlen(crypto_pwhash_STRPREFIX)) == 0)
        return crypto_pwhash_str_verify(hash, (const char *)password.data, password.size) == 0;
    (void)crypto_password_hash(password, other);
    return false;
}

void crypto_hmac_sha256(const uint8_t key[32], struct slice data, uint8_t ret_mac[32])
{
    crypto_auth_hmacsha256(ret_mac, data.data, data.size, key);
}

void crypto_wipe(void *secret, size_t size)
{
    sodium_memzero(secret, size);
}

bool crypto_equal(const void *a, const void *b, size_t size)
{
    return sodium_memcmp(a, b, size) == 0;
}

const char *crypto_hex(struct slice data, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < data.size; i++) {
        out[2 * i] = digits[data.data[i] >> 4];
        out[2 * i + 1] = digits[data.data[i] & 15];
    }
    out[2 * data.size] = '\0';
    return out;
}

uint32_t crypto_crc32c_portable(uint32_t crc, const void *data, size_t size)
{
    /* Remainders of the sixteen half-bytes for the reflected polynomial 82F63B78. */
    static const uint32_t table[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
        0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
        0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const uint8_t *p = data;
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= p[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const uint8_t *p,
                                                               size_t size)
{
    uint64_t rest = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        uint64_t word;
        memcpy(&word, p, sizeof word);
        rest = __builtin_ia32_crc32di(rest, word);
    }
    for (; size; size--, p++)
        rest = __builtin_ia32_crc32qi((uint32_t)rest, *p);
    return ~(uint32_t)rest;
}
#endif

uint32_t crypto_crc32c(uint32_t crc, const void *data, size_t size)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("sse4.2"))
        return crc32c_sse42(crc, data, size);
#endif
    return crypto_crc32c_portable(crc, data, size);
}
