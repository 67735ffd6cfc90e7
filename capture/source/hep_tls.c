#include "capture/source/hep_tls.h"

#include <openssl/err.h>

static int explain(struct why *why, const char *what, const char *file)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    why_set(why, "TLS for HEP: %s %s: %s", what, file, reason ? reason : "not usable");
    ERR_clear_error();
    return ERR_INVALID;
}

static int load(SSL_CTX *tls, const char *certificate, const char *private_key, struct why *why)
{
    if (SSL_CTX_use_certificate_chain_file(tls, certificate) != 1)
        return explain(why, "the certificate", certificate);
    if (SSL_CTX_use_PrivateKey_file(tls, private_key, SSL_FILETYPE_PEM) != 1)
        return explain(why, "the private key", private_key);
    if (SSL_CTX_check_private_key(tls) != 1)
        return explain(why, "this private key does not belong to the certificate:", private_key);
    return 0;
}

int hep_tls_open(const char *certificate, const char *private_key, SSL_CTX **ret_tls,
                 struct why *why)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    if (tls == NULL || SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) != 1) {
        SSL_CTX_free(tls);
        why_set(why, "TLS for HEP cannot be started");
        return ERR_NOMEM;
    }
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_num_tickets(tls, 0);
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    int err = load(tls, certificate, private_key, why);
    if (err) {
        SSL_CTX_free(tls);
        return err;
    }
    *ret_tls = tls;
    return 0;
}

SSL *hep_tls_accept(SSL_CTX *tls, int fd)
{
    SSL *s = SSL_new(tls);
    if (s == NULL || SSL_set_fd(s, fd) != 1) {
        SSL_free(s);
        return NULL;
    }
    SSL_set_accept_state(s);
    return s;
}

/* What we write (handshake, alerts, key updates) is little and fits the socket's buffer, unless the
 * peer provokes it and does not read: then it is over. */
int hep_tls_read(SSL *tls, uint8_t *out, size_t room)
{
    ERR_clear_error();
    int n = SSL_read(tls, out, (int)room);
    if (n > 0)
        return n;
    return SSL_get_error(tls, n) == SSL_ERROR_WANT_READ ? 0 : -1;
}
