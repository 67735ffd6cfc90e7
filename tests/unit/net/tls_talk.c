#include "tests/unit/net/tls_talk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "libssl: %s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}
#define MUST(call) must((call) > 0, #call)

/* ---- certificates ---- */

static X509 *certificate_of(EVP_PKEY *key, bool with_common_name)
{
    X509 *x = X509_new();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_set_pubkey(x, key);
    if (with_common_name)
        X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                   (const unsigned char *)"sip.example.org", -1, -1, 0);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:10.0.0.1,DNS:alt.example.org");
    X509_add_ext(x, names, -1);
    X509_EXTENSION_free(names);
    MUST(X509_sign(x, key, EVP_sha256()));
    return x;
}

static void give_certificate(SSL_CTX *context, bool ecdsa)
{
    EVP_PKEY *key = ecdsa ? EVP_EC_gen("P-256") : EVP_RSA_gen(2048);
    X509 *x = certificate_of(key, !ecdsa);
    MUST(SSL_CTX_use_certificate(context, x));
    MUST(SSL_CTX_use_PrivateKey(context, key));
    X509_free(x);
    EVP_PKEY_free(key);
}

/* ---- contexts ---- */

static void add_event(struct talk *t, unsigned side, const void *data, size_t size)
{
    assert(t->event_count < TALK_EVENTS_MAX);
    t->events[t->event_count++] =
        (struct talk_event){.side = side, .from = t->bytes.size, .size = size};
    buf_add(&t->bytes, data, size);
    assert(!t->bytes.failed);
}

static void on_key_line(const SSL *ssl, const char *line)
{
    struct talk *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    add_event(t, TALK_KEY_LINE, line, strlen(line));
}

static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct talk *t = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    SSL_SESSION_free(t->session);
    t->session = session;
    return 1;
}

static void set_cipher(SSL_CTX *context, const struct talk_how *how)
{
    if (how->version == TLS1_3_VERSION) {
        MUST(SSL_CTX_set_ciphersuites(context, how->cipher));
        return;
    }
    char list[128];
    snprintf(list, sizeof list, "%s:@SECLEVEL=0", how->cipher);
    MUST(SSL_CTX_set_cipher_list(context, list));
}

static int accept_early(SSL *ssl, void *context)
{
    (void)ssl, (void)context;
    return 1;
}

void talk_init(struct talk *t, const struct talk_how *how)
{
    memset(t, 0, sizeof *t);
    buf_init(&t->bytes, 16 << 20);
    buf_init(&t->said[0], 16 << 20);
    buf_init(&t->said[1], 16 << 20);
    t->rsa = !how->ecdsa;
    for (unsigned i = 0; i < 2; i++) {
        SSL_CTX *x = t->context[i] = SSL_CTX_new(i ? TLS_server_method() : TLS_client_method());
        MUST(SSL_CTX_set_min_proto_version(x, how->version));
        MUST(SSL_CTX_set_max_proto_version(x, how->version));
        SSL_CTX_set_app_data(x, t);
        SSL_CTX_set_options(x, how->options);
        set_cipher(x, how);
        if (how->groups[i])
            MUST(SSL_CTX_set1_groups_list(x, how->groups[i]));
        if (how->block_padding)
            MUST(SSL_CTX_set_block_padding(x, how->block_padding));
    }
    SSL_CTX_set_keylog_callback(t->context[0], on_key_line);
    SSL_CTX_set_session_cache_mode(t->context[0], SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(t->context[0], on_session);
    SSL_CTX_set_options(t->context[1], SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
    SSL_CTX_set_session_id_context(t->context[1], (const unsigned char *)"t", 1);
    if (how->early) {
        SSL_CTX_set_max_early_data(t->context[1], 16384);
        SSL_CTX_set_options(t->context[1], SSL_OP_NO_ANTI_REPLAY);
        SSL_CTX_set_allow_early_data_cb(t->context[1], accept_early, NULL);
    }
    give_certificate(t->context[1], how->ecdsa);
}

static void free_ends(struct talk *t)
{
    for (unsigned i = 0; i < 2; i++) {
        if (t->end[i])
            SSL_set_shutdown(t->end[i], SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(t->end[i]); /* with its BIOs */
        t->end[i] = NULL;
    }
}

void talk_fini(struct talk *t)
{
    free_ends(t);
    SSL_SESSION_free(t->session);
    for (unsigned i = 0; i < 2; i++) {
        SSL_CTX_free(t->context[i]);
        buf_fini(&t->said[i]);
    }
    buf_fini(&t->bytes);
}

void talk_begin(struct talk *t, bool resume)
{
    free_ends(t);
    t->event_count = 0;
    buf_clear(&t->bytes);
    for (unsigned i = 0; i < 2; i++) {
        buf_clear(&t->said[i]);
        t->end[i] = SSL_new(t->context[i]);
        SSL_set_bio(t->end[i], BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        if (i)
            SSL_set_accept_state(t->end[i]);
        else
            SSL_set_connect_state(t->end[i]);
    }
    MUST(SSL_set_tlsext_host_name(t->end[0], "proxy.example.org"));
    if (resume && t->session)
        MUST(SSL_set_session(t->end[0], t->session));
}

/* ---- talking ---- */

/* What one end has written goes to the other, and into the record. */
static void carry(struct talk *t, unsigned side)
{
    char *data;
    long n = BIO_get_mem_data(SSL_get_wbio(t->end[side]), &data);
    if (n <= 0)
        return;
    add_event(t, side, data, (size_t)n);
    MUST(BIO_write(SSL_get_rbio(t->end[!side]), data, (int)n) == n);
    BIO_reset(SSL_get_wbio(t->end[side]));
}

/* Reads all there is; what was said must be what the other said. */
static void hear(struct talk *t, unsigned side)
{
    char room[32768];
    while (SSL_read(t->end[side], room, sizeof room) > 0)
        continue;
    carry(t, side);
}

void talk_handshake(struct talk *t)
{
    for (unsigned i = 0; i < 20; i++) {
        unsigned side = i % 2;
        SSL_do_handshake(t->end[side]);
        carry(t, side);
    }
    must(SSL_is_init_finished(t->end[0]) && SSL_is_init_finished(t->end[1]), "handshake");
    hear(t, 0); /* tickets of 1.3 */
}

void talk_say(struct talk *t, unsigned side, const void *text, size_t size)
{
    must(SSL_write(t->end[side], text, (int)size) == (int)size, "SSL_write");
    buf_add(&t->said[side], text, size);
    carry(t, side);
    hear(t, !side);
}

void talk_babble(struct talk *t, unsigned side, size_t size, unsigned salt)
{
    char *text = malloc(size);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(' ' + (i * 7 + i / 93 + salt * 31 + side) % 90);
    talk_say(t, side, text, size);
    free(text);
}

void talk_key_update(struct talk *t, unsigned side)
{
    MUST(SSL_key_update(t->end[side], SSL_KEY_UPDATE_REQUESTED));
    talk_babble(t, side, 50, 1000 + side);
    talk_babble(t, !side, 50, 1002 + side);
}

void talk_renegotiate(struct talk *t)
{
    MUST(SSL_renegotiate(t->end[0]));
    SSL_do_handshake(t->end[0]);
    carry(t, 0);
    for (unsigned i = 0; i < 6; i++) {
        hear(t, 1);
        hear(t, 0);
    }
    must(!SSL_renegotiate_pending(t->end[0]) && SSL_is_init_finished(t->end[0]), "renegotiation");
}

bool talk_early(struct talk *t, const char *text)
{
    size_t n = 0;
    char room[4096];
    MUST(SSL_write_early_data(t->end[0], text, strlen(text), &n));
    carry(t, 0);
    int heard = SSL_read_early_data(t->end[1], room, sizeof room, &n);
    carry(t, 1);
    bool accepted = heard == SSL_READ_EARLY_DATA_SUCCESS && n == strlen(text);
    while (heard == SSL_READ_EARLY_DATA_SUCCESS) {
        SSL_do_handshake(t->end[0]);
        carry(t, 0);
        heard = SSL_read_early_data(t->end[1], room, sizeof room, &n);
        if (heard == SSL_READ_EARLY_DATA_ERROR)
            break;
    }
    if (accepted)
        buf_add(&t->said[0], text, strlen(text));
    talk_handshake(t);
    return accepted;
}

struct slice talk_bytes(const struct talk *t, const struct talk_event *e)
{
    return slice_of(t->bytes.data + e->from, e->size);
}

void talk_private_key(const struct talk *t, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    MUST(PEM_write_bio_PrivateKey(bio, SSL_CTX_get0_privatekey(t->context[1]), NULL, NULL, 0, NULL,
                                  NULL));
    char *data;
    long n = BIO_get_mem_data(bio, &data);
    buf_add(out, data, (size_t)n);
    BIO_free(bio);
}
