/* Thin: libcrypto's keys and X.509 behind ours. */
#include "base/crypto_key.h"

#include <limits.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/crypto.h"

#define RSA_SIZE_MAX 1024 /* 8192 bits */

struct crypto_key {
    EVP_PKEY *key;
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
    if (err) {
        crypto_key_free(k);
        return err;
    }
    *ret_key = k;
    return 0;
}

void crypto_key_free(struct crypto_key *k)
{
    if (k == NULL)
        return;
    EVP_PKEY_free(k->key);
    free(k);
}

static X509 *read_certificate(struct slice der)
{
    const unsigned char *at = der.data;
    X509 *x = der.size && der.size <= LONG_MAX ? d2i_X509(NULL, &at, (long)der.size) : NULL;
    ERR_clear_error();
    return x;
}

bool crypto_key_fits(const struct crypto_key *k, struct slice certificate)
{
    X509 *x = read_certificate(certificate);
    EVP_PKEY *public = x ? X509_get0_pubkey(x) : NULL;
    bool fits = public && EVP_PKEY_eq(public, k->key) == 1;
    X509_free(x);
    ERR_clear_error();
    return fits;
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

/* ---- names ---- */

static void copy_printable(struct slice name, char *out, size_t out_size)
{
    size_t n = slice_copy_to(name, out, out_size);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)out[i] <= ' ' || (unsigned char)out[i] >= 0x7f)
            out[i] = out[i] == ' ' ? ' ' : '?';
}

static void common_name(X509 *x, char *out, size_t out_size)
{
    X509_NAME *subject = X509_get_subject_name(x);
    int at = subject ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;
    if (at < 0)
        return;
    unsigned char *text = NULL;
    int n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (n > 0)
        copy_printable(slice_of(text, (size_t)n), out, out_size);
    OPENSSL_free(text);
}

static void first_dns_name(X509 *x, char *out, size_t out_size)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; names && out[0] == '\0' && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS)
            continue;
        int n = ASN1_STRING_length(name->d.dNSName);
        copy_printable(slice_of(ASN1_STRING_get0_data(name->d.dNSName), n > 0 ? (size_t)n : 0), out,
                       out_size);
    }
    GENERAL_NAMES_free(names);
}

void crypto_certificate_name(struct slice certificate, char *out, size_t out_size)
{
    out[0] = '\0';
    X509 *x = read_certificate(certificate);
    if (x == NULL)
        return;
    common_name(x, out, out_size);
    if (out[0] == '\0')
        first_dns_name(x, out, out_size);
    X509_free(x);
    ERR_clear_error();
}
