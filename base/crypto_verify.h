/* Signatures of others checked with their certificates: ES256 (ECDSA over P-256 with SHA-256,
 * RFC 7518 3.4), over libcrypto. A verifier does not change: threads may share it. */
#pragma once

#include "base/error.h"

struct crypto_verifier;
/* The first certificate, or else the first public key, in PEM. Whether the certificate is still
 * valid and who vouches for it is not looked at: whoever gives it here vouches. 0, ERR_INVALID or
 * ERR_UNSUPPORTED (no P-256) with a sentence. */
int crypto_verifier_read(struct slice pem, struct crypto_verifier **ret_verifier, struct why *why);
void crypto_verifier_free(struct crypto_verifier *v);
#define CRYPTO_ES256_SIZE 64u
/* r and s, 32 bytes each. */
bool crypto_verifier_es256(const struct crypto_verifier *v, struct slice signed_text,
                           const uint8_t signature[CRYPTO_ES256_SIZE]);
