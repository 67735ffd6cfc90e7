/* RSA private keys, over libcrypto. */
#pragma once

#include "base/error.h"

struct crypto_key;
/* An RSA private key in PEM without a passphrase. 0, ERR_INVALID or ERR_UNSUPPORTED with a
 * sentence. */
int crypto_key_read(struct slice pem, struct crypto_key **ret_key, struct why *why);
void crypto_key_free(struct crypto_key *k); /* wipes it */
/* Is this the key of that certificate (DER)? */
bool crypto_key_fits(const struct crypto_key *k, struct slice certificate);
/* PKCS #1 v1.5. True when exactly `size` bytes came out. */
bool crypto_key_decrypt(struct crypto_key *k, struct slice sealed, uint8_t *ret_plain, size_t size);
