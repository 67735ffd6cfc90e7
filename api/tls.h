/* TLS of the API itself: a certificate with its chain and its key, read at the start and again when asked. A connection gets what was
 * read last; one whose handshake is under way keeps what it got. */
#pragma once

#include <gnutls/abstract.h>

#include "base/error.h"

/* 1.2 and 1.3, nothing weak. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-SHA1"

struct tls_keys;

/* PEM files. */
int tls_keys_open(const char *certificate, const char *private_key, struct tls_keys **ret_keys, struct why *why);
void tls_keys_close(struct tls_keys *k);
/* From the same files; on failure what there is stays in use. Any thread. */
int tls_keys_reload(struct tls_keys *k, struct why *why);
/* Valid for two minutes at least, longer than a handshake may take. */
void tls_keys_now(struct tls_keys *k, gnutls_pcert_st **ret_chain, unsigned *ret_count, gnutls_privkey_t *ret_key);
