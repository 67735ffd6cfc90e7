/* Thin: libcrypto wants r and s wrapped in DER. */
#include "base/crypto_verify.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#define GROUP_NAME_MAX 64

struct crypto_verifier {
    EVP_PKEY *key;
};

static EVP_PKEY *read_certificate(struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = certificate ? X509_get_pubkey(certificate) : NULL;
    X509_free(certificate);
    BIO_free(bio);
    return key;
}

static EVP_PKEY *read_public_key(struct slice pem)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.size);
    EVP_PKEY *key = bio ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    return key;
}

static bool is_p256(EVP_PKEY *key)
{
    char group[GROUP_NAME_MAX];
    size_t size;
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

int crypto_verifier_read(struct slice pem, struct crypto_verifier **ret_verifier, struct why *why)
{
    struct crypto_verifier *v = calloc(1, sizeof *v);
    if (v == NULL) {
        why_set(why, "no memory for a certificate");
        return ERR_NOMEM;
    }
    int err = 0;
    if (pem.size <= INT_MAX && (v->key = read_certificate(pem)) == NULL)
        v->key = read_public_key(pem);
    ERR_clear_error();
    if (v->key == NULL) {
        why_set(why, "neither a certificate nor a public key in PEM was found");
        err = ERR_INVALID;
    } else if (!is_p256(v->key)) {
        why_set(why, "the key is not on the curve P-256, which ES256 takes");
        err = ERR_UNSUPPORTED;
    }
    if (err) {
        crypto_verifier_free(v);
        return err;
    }
    *ret_verifier = v;
    return 0;
}

void crypto_verifier_free(struct crypto_verifier *v)
{
    if (v == NULL)
        return;
    EVP_PKEY_free(v->key);
    free(v);
}

/* NULL without memory; to be freed with OPENSSL_free. */
static unsigned char *der_of(const uint8_t signature[CRYPTO_ES256_SIZE], int *ret_size)
{
    unsigned char *der = NULL;
    ECDSA_SIG *both = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, 32, NULL), *s = BN_bin2bn(signature + 32, 32, NULL);
    if (both && r && s && ECDSA_SIG_set0(both, r, s) == 1) {
        r = s = NULL; /* given away */
        *ret_size = i2d_ECDSA_SIG(both, &der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(both);
    return der;
}

bool crypto_verifier_es256(const struct crypto_verifier *v, struct slice signed_text,
                           const uint8_t signature[CRYPTO_ES256_SIZE])
{
    int size = 0;
    unsigned char *der = der_of(signature, &size);
    EVP_MD_CTX *x = EVP_MD_CTX_new();
    bool good = der && size > 0 && x &&
                EVP_DigestVerifyInit(x, NULL, EVP_sha256(), NULL, v->key) == 1 &&
                EVP_DigestVerify(x, der, (size_t)size, signed_text.data, signed_text.size) == 1;
    EVP_MD_CTX_free(x);
    OPENSSL_free(der);
    ERR_clear_error();
    return good;
}
