/* Secrets to keys: the PRF of TLS 1.2 (RFC 5246 5 and 6.3), HKDF-Expand-Label of TLS 1.3 (RFC 8446
 * 7.1 to 7.3), both a few rounds of HMAC. */
#include <assert.h>

#include "base/crypto.h"
#include "capture/net/tls_parts.h"

/* Two directions of MAC key, cipher key and IV. */
#define KEY_BLOCK_MAX (2 * (CRYPTO_HASH_SIZE_MAX + CRYPTO_KEY_SIZE_MAX + CRYPTO_NONCE_SIZE))

bool tls_prf(enum crypto_hash hash, struct slice secret, const char *label, struct slice seed_a,
             struct slice seed_b, uint8_t *out, size_t size)
{
    uint8_t a[CRYPTO_HASH_SIZE_MAX];
    uint8_t block[CRYPTO_HASH_SIZE_MAX];
    size_t step = crypto_hash_size(hash);
    struct crypto_mac *mac = crypto_mac_new(hash, secret);
    const struct slice parts[] = {slice_of(a, step), slice_str(label), seed_a, seed_b};
    bool good = mac && crypto_mac_over(mac, parts + 1, 3, a);
    while (good && size) {
        size_t n = size < step ? size : step;
        good = crypto_mac_over(mac, parts, 4, block) && crypto_mac_over(mac, parts, 1, a);
        memcpy(out, block, n);
        out += n;
        size -= n;
    }
    crypto_mac_free(mac);
    crypto_wipe(a, sizeof a);
    crypto_wipe(block, sizeof block);
    return good;
}

bool tls_expand_label(enum crypto_hash hash, struct slice secret, const char *label, uint8_t *out,
                      size_t size)
{
    assert(size <= crypto_hash_size(hash)); /* one round of HKDF-Expand */
    uint8_t block[CRYPTO_HASH_SIZE_MAX];
    uint8_t head[3] = {(uint8_t)(size >> 8), (uint8_t)size, (uint8_t)(6 + strlen(label))};
    const struct slice parts[] = {slice_of(head, 3), slice_str("tls13 "), slice_str(label),
                                  slice_of("\0\1", 2)}; /* no context; round 1 */
    struct crypto_mac *mac = crypto_mac_new(hash, secret);
    bool good = mac && crypto_mac_over(mac, parts, 4, block);
    if (good)
        memcpy(out, block, size);
    crypto_mac_free(mac);
    crypto_wipe(block, sizeof block);
    return good;
}

bool tls_opener_12(struct tls_opener *o, const struct tls_suite *suite, bool encrypt_then_mac,
                   const uint8_t *master, const uint8_t *client_random,
                   const uint8_t *server_random, unsigned role)
{
    uint8_t block[KEY_BLOCK_MAX];
    size_t mac_size = suite->is_cbc ? crypto_hash_size(suite->mac) : 0;
    size_t key_size = crypto_key_size(suite->cipher);
    size_t iv_size = suite->is_cbc ? 0 : suite->nonce_sent ? 4 : CRYPTO_NONCE_SIZE;
    size_t size = 2 * (mac_size + key_size + iv_size);
    tls_opener_fini(o);
    if (!tls_prf(suite->prf, slice_of(master, TLS_MASTER_SIZE), "key expansion",
                 slice_of(server_random, TLS_RANDOM_SIZE), slice_of(client_random, TLS_RANDOM_SIZE),
                 block, size))
        return false;
    const uint8_t *mac_key = block + role * mac_size;
    const uint8_t *key = block + 2 * mac_size + role * key_size;
    o->suite = *suite;
    o->mac_over_sealed = suite->is_cbc && encrypt_then_mac;
    memcpy(o->iv, block + 2 * (mac_size + key_size) + role * iv_size, iv_size);
    o->cipher = crypto_opener_new(suite->cipher, key);
    o->mac = suite->is_cbc ? crypto_mac_new(suite->mac, slice_of(mac_key, mac_size)) : NULL;
    crypto_wipe(block, sizeof block);
    return o->cipher && (o->mac || !suite->is_cbc);
}

bool tls_opener_13(struct tls_opener *o, const struct tls_suite *suite,
                   const struct tls_secret_bytes *secret)
{
    uint8_t key[CRYPTO_KEY_SIZE_MAX];
    struct slice s = slice_of(secret->bytes, secret->size);
    tls_opener_fini(o);
    o->suite = *suite;
    if (secret->size != crypto_hash_size(suite->prf))
        return false;
    if (!tls_expand_label(suite->prf, s, "key", key, crypto_key_size(suite->cipher)) ||
        !tls_expand_label(suite->prf, s, "iv", o->iv, sizeof o->iv))
        return false;
    o->cipher = crypto_opener_new(suite->cipher, key);
    crypto_wipe(key, sizeof key);
    return o->cipher != NULL;
}

bool tls_secret_update(const struct tls_suite *suite, struct tls_secret_bytes *secret)
{
    uint8_t next[CRYPTO_HASH_SIZE_MAX];
    if (!tls_expand_label(suite->prf, slice_of(secret->bytes, secret->size), "traffic upd", next,
                          secret->size))
        return false;
    memcpy(secret->bytes, next, secret->size);
    crypto_wipe(next, sizeof next);
    return true;
}
