/* Thin: libcrypto's EVP interface behind ours. A failed call leaves notes in libcrypto's error
 * queue, which has a ceiling of its own; nobody reads them, so they are cleared. */
#include "base/crypto_cipher.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/* ---- digests ---- */

static const struct {
    const char *name;
    const EVP_MD *(*md)(void);
    size_t size;
} hashes[] = {
    [CRYPTO_SHA1] = {"SHA1", EVP_sha1, 20},
    [CRYPTO_SHA256] = {"SHA256", EVP_sha256, 32},
    [CRYPTO_SHA384] = {"SHA384", EVP_sha384, 48},
};

size_t crypto_hash_size(enum crypto_hash hash)
{
    return hashes[hash].size;
}

struct crypto_mac {
    EVP_MAC_CTX *context;
    size_t size;
};

static EVP_MAC_CTX *mac_context(enum crypto_hash hash, struct slice key)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac); /* the context holds it */
    char name[8];
    slice_copy_to(slice_str(hashes[hash].name), name, sizeof name);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };
    const uint8_t *bytes = key.size ? key.data : (const uint8_t *)"";
    if (context == NULL || EVP_MAC_init(context, bytes, key.size, parameters))
        return context;
    EVP_MAC_CTX_free(context);
    ERR_clear_error();
    return NULL;
}

struct crypto_mac *crypto_mac_new(enum crypto_hash hash, struct slice key)
{
    struct crypto_mac *m = calloc(1, sizeof *m);
    if (m == NULL)
        return NULL;
    m->size = crypto_hash_size(hash);
    m->context = mac_context(hash, key);
    if (m->context)
        return m;
    free(m);
    return NULL;
}

void crypto_mac_free(struct crypto_mac *m)
{
    if (m == NULL)
        return;
    EVP_MAC_CTX_free(m->context);
    free(m);
}

bool crypto_mac_over(struct crypto_mac *m, const struct slice *parts, size_t count,
                     uint8_t *ret_mac)
{
    size_t size = 0;
    bool good = EVP_MAC_init(m->context, NULL, 0, NULL); /* the key it has */
    for (size_t i = 0; good && i < count; i++)
        good = parts[i].size == 0 || EVP_MAC_update(m->context, parts[i].data, parts[i].size);
    good = good && EVP_MAC_final(m->context, ret_mac, &size, m->size);
    if (!good)
        ERR_clear_error();
    return good && size == m->size;
}

struct crypto_digest {
    EVP_MD_CTX *context;
    EVP_MD_CTX *spare; /* finishing ends a context, so a copy is finished */
};

struct crypto_digest *crypto_digest_new(enum crypto_hash hash)
{
    struct crypto_digest *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->context = EVP_MD_CTX_new();
    d->spare = EVP_MD_CTX_new();
    if (d->context && d->spare && EVP_DigestInit_ex(d->context, hashes[hash].md(), NULL))
        return d;
    crypto_digest_free(d);
    return NULL;
}

void crypto_digest_free(struct crypto_digest *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->context);
    EVP_MD_CTX_free(d->spare);
    free(d);
}

void crypto_digest_add(struct crypto_digest *d, struct slice data)
{
    if (data.size)
        EVP_DigestUpdate(d->context, data.data, data.size);
}

bool crypto_digest_peek(const struct crypto_digest *d, uint8_t *ret_digest)
{
    return EVP_MD_CTX_copy_ex(d->spare, d->context) &&
           EVP_DigestFinal_ex(d->spare, ret_digest, NULL);
}

/* ---- ciphers ---- */

enum mode { MODE_GCM, MODE_CCM, MODE_CHACHA, MODE_CBC, MODE_CTR };

static const struct {
    const EVP_CIPHER *(*cipher)(void);
    size_t key_size;
    int tag_size;
    enum mode mode;
} ciphers[] = {
    [CRYPTO_AES_128_GCM] = {EVP_aes_128_gcm, 16, 16, MODE_GCM},
    [CRYPTO_AES_256_GCM] = {EVP_aes_256_gcm, 32, 16, MODE_GCM},
    [CRYPTO_AES_128_CCM] = {EVP_aes_128_ccm, 16, 16, MODE_CCM},
    [CRYPTO_AES_256_CCM] = {EVP_aes_256_ccm, 32, 16, MODE_CCM},
    [CRYPTO_AES_128_CCM_8] = {EVP_aes_128_ccm, 16, 8, MODE_CCM},
    [CRYPTO_AES_256_CCM_8] = {EVP_aes_256_ccm, 32, 8, MODE_CCM},
    [CRYPTO_CHACHA20_POLY1305] = {EVP_chacha20_poly1305, 32, 16, MODE_CHACHA},
    [CRYPTO_AES_128_CBC] = {EVP_aes_128_cbc, 16, 0, MODE_CBC},
    [CRYPTO_AES_256_CBC] = {EVP_aes_256_cbc, 32, 0, MODE_CBC},
    [CRYPTO_AES_192_CTR] = {EVP_aes_192_ctr, 24, 0, MODE_CTR},
};

size_t crypto_key_size(enum crypto_cipher cipher)
{
    return ciphers[cipher].key_size;
}

size_t crypto_tag_size(enum crypto_cipher cipher)
{
    return (size_t)ciphers[cipher].tag_size;
}

struct crypto_opener {
    EVP_CIPHER_CTX *context;
    enum mode mode;
    int tag_size;
};

/* CCM builds the lengths of nonce and tag into its key: they come first. */
static bool set_key(struct crypto_opener *o, const EVP_CIPHER *cipher, const uint8_t *key)
{
    EVP_CIPHER_CTX *x = o->context;
    if (!EVP_DecryptInit_ex(x, cipher, NULL, NULL, NULL))
        return false;
    if (o->mode != MODE_CBC && o->mode != MODE_CTR &&
        !EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_IVLEN, CRYPTO_NONCE_SIZE, NULL))
        return false;
    if (o->mode == MODE_CCM && !EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, o->tag_size, NULL))
        return false;
    return EVP_DecryptInit_ex(x, NULL, NULL, key, NULL) && EVP_CIPHER_CTX_set_padding(x, 0);
}

struct crypto_opener *crypto_opener_new(enum crypto_cipher cipher, const uint8_t *key)
{
    struct crypto_opener *o = calloc(1, sizeof *o);
    if (o == NULL)
        return NULL;
    o->mode = ciphers[cipher].mode;
    o->tag_size = ciphers[cipher].tag_size;
    o->context = EVP_CIPHER_CTX_new();
    if (o->context && set_key(o, ciphers[cipher].cipher(), key))
        return o;
    crypto_opener_free(o);
    ERR_clear_error();
    return NULL;
}

void crypto_opener_free(struct crypto_opener *o)
{
    if (o == NULL)
        return;
    EVP_CIPHER_CTX_free(o->context);
    free(o);
}

/* libcrypto takes the tag as a pointer to what may be written. */
static bool set_tag(const struct crypto_opener *o, const uint8_t *tag)
{
    uint8_t copy[16];
    memcpy(copy, tag, (size_t)o->tag_size);
    return EVP_CIPHER_CTX_ctrl(o->context, EVP_CTRL_AEAD_SET_TAG, o->tag_size, copy) > 0;
}

static bool aead_open(struct crypto_opener *o, const uint8_t *nonce, struct slice aad,
                      struct slice sealed, uint8_t *ret_plain)
{
    EVP_CIPHER_CTX *x = o->context;
    int size = (int)sealed.size - o->tag_size;
    int n;
    if (!EVP_DecryptInit_ex(x, NULL, NULL, NULL, nonce) || !set_tag(o, sealed.data + size))
        return false;
    if (o->mode == MODE_CCM && !EVP_DecryptUpdate(x, NULL, &n, NULL, size))
        return false;
    if (aad.size && !EVP_DecryptUpdate(x, NULL, &n, aad.data, (int)aad.size))
        return false;
    if (o->mode == MODE_CCM) /* one step that checks too; it has no final one */
        return EVP_DecryptUpdate(x, ret_plain, &n, sealed.data, size) > 0;
    return EVP_DecryptUpdate(x, ret_plain, &n, sealed.data, size) &&
           EVP_DecryptFinal_ex(x, ret_plain + n, &n) > 0;
}

bool crypto_aead_open(struct crypto_opener *o, const uint8_t nonce[CRYPTO_NONCE_SIZE],
                      struct slice aad, struct slice sealed, uint8_t *ret_plain)
{
    if (sealed.size < (size_t)o->tag_size || sealed.size > INT_MAX || aad.size > INT_MAX)
        return false;
    bool good = aead_open(o, nonce, aad, sealed, ret_plain);
    if (!good)
        ERR_clear_error();
    return good;
}

static bool stream_open(struct crypto_opener *o, const uint8_t *iv, struct slice sealed,
                        uint8_t *ret_plain)
{
    int n = 0;
    bool good = sealed.size <= INT_MAX && EVP_DecryptInit_ex(o->context, NULL, NULL, NULL, iv) &&
                EVP_DecryptUpdate(o->context, ret_plain, &n, sealed.data, (int)sealed.size);
    if (!good)
        ERR_clear_error();
    return good && (size_t)n == sealed.size;
}

bool crypto_cbc_open(struct crypto_opener *o, const uint8_t iv[CRYPTO_CBC_BLOCK_SIZE],
                     struct slice sealed, uint8_t *ret_plain)
{
    return sealed.size % CRYPTO_CBC_BLOCK_SIZE == 0 && stream_open(o, iv, sealed, ret_plain);
}

bool crypto_ctr_open(struct crypto_opener *o, const uint8_t counter[CRYPTO_CBC_BLOCK_SIZE],
                     struct slice sealed, uint8_t *ret_plain)
{
    return stream_open(o, counter, sealed, ret_plain);
}
