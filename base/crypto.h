/* The few things of cryptography that we need; crypto.c alone meets libsodium. What opens sealed
 * messages is in crypto_cipher.h, keys and certificates in crypto_key.h (libcrypto). */
#pragma once

#include "base/slice.h"

/* Once at program start, before any thread. 0 or ERR_UNSUPPORTED. */
int crypto_start(void);
void crypto_random(void *out, size_t size);
void crypto_sha256(struct slice data, uint8_t ret_digest[32]);
/* SHA-256 in steps, for files. */
struct crypto_sha256_state {
    _Alignas(16) uint8_t opaque[128];
};
void crypto_sha256_init(struct crypto_sha256_state *s);
void crypto_sha256_update(struct crypto_sha256_state *s, struct slice data);
void crypto_sha256_final(struct crypto_sha256_state *s, uint8_t ret_digest[32]);
/* Keyed BLAKE2b, 16 bytes out: identifiers that nobody without the key can guess. */
void crypto_keyed_id(const uint8_t key[32], struct slice data, uint8_t ret_id[16]);
/* What somebody who knows the password can be told by: Argon2id with a salt of its own, as text. Takes 30 MiB and about as many
 * milliseconds. 0 or ERR_NOMEM. */
#define CRYPTO_PASSWORD_SIZE 128
int crypto_password_hash(struct slice password, char ret_hash[CRYPTO_PASSWORD_SIZE]);
/* False for whatever is no such text, after the same time. */
bool crypto_password_verify(const char *hash, struct slice password);
/* RFC 2104 with SHA-256. */
void crypto_hmac_sha256(const uint8_t key[32], struct slice data, uint8_t ret_mac[32]);
/* Overwrites a secret; the compiler does not drop it. */
void crypto_wipe(void *secret, size_t size);
/* Constant time. */
bool crypto_equal(const void *a, const void *b, size_t size);
/* Lower-case hex, NUL-terminated: out has 2 * size + 1 bytes. Returns out. */
const char *crypto_hex(struct slice data, char *out);
/* CRC-32C of a spool chunk: start with 0, go on with what the last call returned. */
uint32_t crypto_crc32c(uint32_t crc, const void *data, size_t size);
/* The same without the processor's instruction; the other takes it where it must. */
uint32_t crypto_crc32c_portable(uint32_t crc, const void *data, size_t size);
