#include "api/tls.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define CHAIN_MAX 8
#define KEEP_NS   INT64_C(120000000000)

/* What was read at one time. */
struct pair {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    int64_t replaced_ns;
    struct pair *older;
};

struct tls_keys {
    char *certificate, *private_key;
    pthread_mutex_t lock; /* guards `newest`; only files are read without it */
    struct pair *newest;
};

static void pair_free(struct pair *p)
{
    if (p == NULL)
        return;
    for (unsigned i = 0; i < p->count; i++)
        gnutls_pcert_deinit(&p->chain[i]);
    if (p->key)
        gnutls_privkey_deinit(p->key);
    free(p);
}

static int read_chain(struct pair *p, const char *path)
{
    gnutls_datum_t pem = {0};
    unsigned count = CHAIN_MAX;
    int rc = gnutls_load_file(path, &pem);

    if (rc == 0)
        rc = gnutls_pcert_list_import_x509_raw(p->chain, &count, &pem, GNUTLS_X509_FMT_PEM, 0);
    p->count = rc == 0 ? count : 0;
    gnutls_free(pem.data);
    return rc;
}

static int read_key(struct pair *p, const char *path)
{
    gnutls_datum_t pem = {0};
    int rc = gnutls_load_file(path, &pem);

    if (rc == 0)
        rc = gnutls_privkey_init(&p->key);
    if (rc == 0)
        rc = gnutls_privkey_import_x509_raw(p->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (pem.data)
        explicit_bzero(pem.data, pem.size);
    gnutls_free(pem.data);
    return rc;
}

/* Does the key belong to the certificate? */
static int check_pair(const struct pair *p)
{
    unsigned char of_key[32], of_chain[32];
    size_t key_size = sizeof of_key, chain_size = sizeof of_chain;
    gnutls_pubkey_t public_key;
    int rc = gnutls_pubkey_init(&public_key);

    if (rc)
        return rc;
    rc = gnutls_pubkey_import_privkey(public_key, p->key, 0, 0);
    if (rc == 0)
        rc = gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, of_key, &key_size);
    if (rc == 0)
        rc = gnutls_pubkey_get_key_id(p->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_chain,
                                      &chain_size);
    if (rc == 0 && memcmp(of_key, of_chain, sizeof of_key) != 0)
        rc = GNUTLS_E_CERTIFICATE_KEY_MISMATCH;
    gnutls_pubkey_deinit(public_key);
    return rc;
}

static int pair_read(const struct tls_keys *k, struct pair **ret_pair, struct why *why)
{
    struct pair *p = calloc(1, sizeof *p);
    const char *at = k->certificate;

    if (p == NULL)
        return ERR_NOMEM;
    int rc = read_chain(p, at);
    if (rc == 0) {
        at = k->private_key;
        rc = read_key(p, at);
    }
    if (rc == 0)
        rc = check_pair(p);
    if (rc == 0) {
        *ret_pair = p;
        return 0;
    }
    pair_free(p);
    why_set(why, "TLS: %s cannot be used: %s", at, gnutls_strerror(rc));
    return ERR_INVALID;
}

int tls_keys_open(const char *certificate, const char *private_key, struct tls_keys **ret_keys,
                  struct why *why)
{
    struct tls_keys *k = calloc(1, sizeof *k);
    int err = ERR_NOMEM;

    if (k == NULL)
        return ERR_NOMEM;
    pthread_mutex_init(&k->lock, NULL);
    k->certificate = strdup(certificate);
    k->private_key = strdup(private_key);
    if (k->certificate && k->private_key)
        err = pair_read(k, &k->newest, why);
    if (err == 0)
        *ret_keys = k;
    else
        tls_keys_close(k);
    return err;
}

void tls_keys_close(struct tls_keys *k)
{
    if (k == NULL)
        return;
    while (k->newest) {
        struct pair *older = k->newest->older;
        pair_free(k->newest);
        k->newest = older;
    }
    pthread_mutex_destroy(&k->lock);
    free(k->certificate);
    free(k->private_key);
    free(k);
}

/* Those that no handshake can hold any more. */
static void drop_old(struct tls_keys *k, int64_t now_ns)
{
    struct pair **at = &k->newest->older;

    while (*at && now_ns - (*at)->replaced_ns < KEEP_NS)
        at = &(*at)->older;
    while (*at) {
        struct pair *gone = *at;
        *at = gone->older;
        pair_free(gone);
    }
}

int tls_keys_reload(struct tls_keys *k, struct why *why)
{
    struct pair *fresh = NULL;
    int64_t now_ns = clock_mono_ns();
    int err = pair_read(k, &fresh, why);

    if (err)
        return err;
    pthread_mutex_lock(&k->lock);
    k->newest->replaced_ns = now_ns;
    fresh->older = k->newest;
    k->newest = fresh;
    drop_old(k, now_ns);
    pthread_mutex_unlock(&k->lock);
    return 0;
}

void tls_keys_now(struct tls_keys *k, gnutls_pcert_st **ret_chain, unsigned *ret_count,
                  gnutls_privkey_t *ret_key)
{
    pthread_mutex_lock(&k->lock);
    *ret_chain = k->newest->chain;
    *ret_count = k->newest->count;
    *ret_key = k->newest->key;
    pthread_mutex_unlock(&k->lock);
}
