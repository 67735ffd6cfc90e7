/* The keys that a DTLS handshake agreed on for SRTP (RFC 5764), when a key log brings the master secret of its client random.
 * Of DTLS 1.2 (RFC 6347) the two hellos are read, which are in the clear; of what follows nothing is needed. A fixed table
 * of the newest handshakes; keys may come before or after them. */
#pragma once

#include "base/media_key.h"
#include "capture/net/datagram.h"
#include "capture/net/tls.h"

struct dtls;

struct dtls_keys {
    struct endpoint client, server;
    struct media_key by_client, by_server; /* what each protects with */
};
typedef void dtls_keys_fn(void *context, const struct dtls_keys *keys);

/* `fn` is told of keys during the calls below, once a handshake. NULL without memory. */
struct dtls *dtls_new(const struct hash_seed *seed, dtls_keys_fn *fn, void *context);
void dtls_free(struct dtls *d);
/* A datagram that begins like DTLS (RFC 7983). */
void dtls_datagram(struct dtls *d, const struct tls *secrets, const struct datagram *datagram);
/* There are new secrets: handshakes that wait for theirs look again. */
void dtls_secrets_changed(struct dtls *d, const struct tls *secrets);
