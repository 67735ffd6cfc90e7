/* HMAC, running digests, AES and ChaCha20 over libcrypto, for what others have sealed: here is only
 * the way to open. Each object holds its key and is kept for many messages, so that opening one
 * neither allocates nor expands a key again. All wipe their keys when freed. */
#pragma once

#include "base/slice.h"

enum crypto_hash { CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA384 };
#define CRYPTO_HASH_SIZE_MAX 48u
size_t crypto_hash_size(enum crypto_hash hash);

/* ---- HMAC (RFC 2104) with one key ---- */
struct crypto_mac;
/* NULL without memory. */
struct crypto_mac *crypto_mac_new(enum crypto_hash hash, struct slice key);
void crypto_mac_free(struct crypto_mac *m);
/* Over the parts one behind the other; ret_mac has crypto_hash_size() bytes. */
bool crypto_mac_over(struct crypto_mac *m, const struct slice *parts, size_t count,
                     uint8_t *ret_mac);

/* ---- a digest in steps that can be asked on the way ---- */
struct crypto_digest;
struct crypto_digest *crypto_digest_new(enum crypto_hash hash);
void crypto_digest_free(struct crypto_digest *d);
void crypto_digest_add(struct crypto_digest *d, struct slice data);
/* The digest of all up to here; more may follow. */
bool crypto_digest_peek(const struct crypto_digest *d, uint8_t *ret_digest);

/* ---- ciphers ---- */
enum crypto_cipher {
    CRYPTO_AES_128_GCM,
    CRYPTO_AES_256_GCM,
    CRYPTO_AES_128_CCM,
    CRYPTO_AES_256_CCM,
    CRYPTO_AES_128_CCM_8, /* a tag of 8 bytes */
    CRYPTO_AES_256_CCM_8,
    CRYPTO_CHACHA20_POLY1305,
    CRYPTO_AES_128_CBC,
    CRYPTO_AES_256_CBC,
    CRYPTO_AES_192_CTR,
};
#define CRYPTO_KEY_SIZE_MAX   32u
#define CRYPTO_NONCE_SIZE     12u /* of every AEAD here */
#define CRYPTO_CBC_BLOCK_SIZE 16u
size_t crypto_key_size(enum crypto_cipher cipher);
/* 0 for CBC and CTR, which have no tag. */
size_t crypto_tag_size(enum crypto_cipher cipher);

struct crypto_opener;
/* `key` has crypto_key_size() bytes. NULL without memory. */
struct crypto_opener *crypto_opener_new(enum crypto_cipher cipher, const uint8_t *key);
void crypto_opener_free(struct crypto_opener *o);
/* `sealed` ends with the tag; ret_plain has room for the rest. False: not sealed with this key,
 * nonce and `aad`; then ret_plain is worth nothing. */
bool crypto_aead_open(struct crypto_opener *o, const uint8_t nonce[CRYPTO_NONCE_SIZE],
                      struct slice aad, struct slice sealed, uint8_t *ret_plain);
/* Whole blocks, without looking at padding. */
bool crypto_cbc_open(struct crypto_opener *o, const uint8_t iv[CRYPTO_CBC_BLOCK_SIZE],
                     struct slice sealed, uint8_t *ret_plain);
/* Counter mode from that block on; both ways the same, in place too. */
bool crypto_ctr_open(struct crypto_opener *o, const uint8_t counter[CRYPTO_CBC_BLOCK_SIZE],
                     struct slice sealed, uint8_t *ret_plain);
