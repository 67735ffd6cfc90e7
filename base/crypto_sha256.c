/* SHA-256 by libcrypto, which uses the processor's instructions for it: five times as fast as
 * libsodium, and every recording is hashed. Its EVP interface would allocate. */
#define OPENSSL_API_COMPAT 10100 /* what is below EVP is deprecated since 3.0 */
#include "base/crypto.h"

#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct crypto_sha256_state),
               "the state fits the place our header gives it");

static SHA256_CTX *of(struct crypto_sha256_state *s)
{
    return (SHA256_CTX *)(void *)s->opaque;
}

void crypto_sha256_init(struct crypto_sha256_state *s)
{
    SHA256_Init(of(s));
}

void crypto_sha256_update(struct crypto_sha256_state *s, struct slice data)
{
    if (data.size)
        SHA256_Update(of(s), data.data, data.size);
}

void crypto_sha256_final(struct crypto_sha256_state *s, uint8_t ret_digest[32])
{
    SHA256_Final(ret_digest, of(s));
}

void crypto_sha256(struct slice data, uint8_t ret_digest[32])
{
    struct crypto_sha256_state s;
    crypto_sha256_init(&s);
    crypto_sha256_update(&s, data);
    crypto_sha256_final(&s, ret_digest);
}
