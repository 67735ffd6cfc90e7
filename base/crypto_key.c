/* Thin: libcrypto's keys behind ours. */
#include "base/crypto_key.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/crypto.h"
#include "base/crypto_certificate.h"

#define RSA_SIZE_MAX 1024 /* 8192 bits */

struct crypto_key {
    EVP_PKEY *key;
    unsigned char *public_key; /* its SubjectPublicKeyInfo, DER */
    size_t public_size;
};

/* Without this libcrypto would ask on the terminal. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
    (void)out, (void)size, (void)writing, (void)context;
    return -1;
}

static EVP_PKEY *read_pem(struct slice pem)
{
    BIO *bio = pem.size <= INT_MAX ? BIO_new_mem_buf(pem.data, (int)pem.size) : NULL;
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return key;
}

int crypto_key_read(struct slice pem, struct crypto_key **ret_key, struct why *why)
{
    struct crypto_key *k = calloc(1, sizeof *k);
    if (k == NULL) {
        why_set(why, "no memory for a private key");
        return ERR_NOMEM;
    }
    int err = 0;
    k->key = read_pem(pem);
    if (k->key == NULL) {
        why_set(why, "no private key in PEM without a passphrase was found");
        err = ERR_INVALID;
    } else if (!EVP_PKEY_is_a(k->key, "RSA") || EVP_PKEY_get_size(k->key) > RSA_SIZE_MAX) {
        why_set(why, "the private key is not RSA of at most 8192 bits; others cannot decrypt TLS, "
                     "use a key log");
        err = ERR_UNSUPPORTED;
    }
    int size = err ? 0 : i2d_PUBKEY(k->key, &k->public_key);
    if (err == 0 && size <= 0) {
        why_set(why, "no memory for a private key");
        err = ERR_NOMEM;
    }
    if (err) {
        crypto_key_free(k);
        return err;
    }
    k->public_size = (size_t)size;
    *ret_key = k;
    return 0;
}

void crypto_key_free(struct crypto_key *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->key);
    OPENSSL_free(k->public_key);
    free(k);
}

bool crypto_key_fits(const struct crypto_key *k, struct slice certificate)
{
    struct crypto_certificate parsed;
    return crypto_certificate_parse(certificate, &parsed) &&
           slice_equal(parsed.public_key, slice_of(k->public_key, k->public_size));
}

bool crypto_key_decrypt(struct crypto_key *k, struct slice sealed, uint8_t *ret_plain, size_t size)
{
    uint8_t plain[RSA_SIZE_MAX];
    size_t n = sizeof plain;
    EVP_PKEY_CTX *x = EVP_PKEY_CTX_new(k->key, NULL);
    bool good = x && EVP_PKEY_decrypt_init(x) > 0 &&
                EVP_PKEY_CTX_set_rsa_padding(x, RSA_PKCS1_PADDING) > 0 &&
                EVP_PKEY_decrypt(x, plain, &n, sealed.data, sealed.size) > 0 && n == size;
    if (good)
        memcpy(ret_plain, plain, size);
    crypto_wipe(plain, sizeof plain);
    EVP_PKEY_CTX_free(x);
    ERR_clear_error();
    return good;
}
