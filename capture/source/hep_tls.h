/* The server's side of TLS for HEP, libssl behind it: 1.2 and up, no renegotiation, no tickets. */
#pragma once

#include <openssl/ssl.h>

#include "base/error.h"

/* 0 or ERR_ with the file in question. */
int hep_tls_open(const char *certificate, const char *private_key, SSL_CTX **ret_tls,
                 struct why *why);
/* One connection on `fd`, which stays the caller's. NULL: no memory. */
SSL *hep_tls_accept(SSL_CTX *tls, int fd);
/* As recv(): bytes, 0 when nothing is there now, -1 when it is over. */
int hep_tls_read(SSL *tls, uint8_t *out, size_t room);
