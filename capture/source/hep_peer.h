/* A connection of a capture agent, TCP or TLS: its bytes gathered until a packet is whole. */
#pragma once

#include "base/addr.h"
#include "capture/source/hep_stream.h"
#include "capture/source/hep_tls.h"

/* A packet and the header of the next. */
#define HEP_PEER_BYTES (HEP_PACKET_MAX + 1 + 6)

struct hep_peer {
    int fd;
    SSL *tls; /* NULL: plain TCP */
    struct addr from;
    uint32_t heard; /* second of its last whole packet, first of its connection */
    bool proven;    /* it did give a packet */
    bool waiting;   /* a packet may lie in `bytes`, or in the TLS layer, of which poll() knows nothing */
    size_t at;      /* what is left of `bytes`: [at, end) */
    size_t end;
    uint8_t bytes[HEP_PEER_BYTES];
};

enum hep_fill { HEP_FILLED, HEP_DRY, HEP_GONE };

/* Takes over `fd`, also when it fails: NULL, no memory. `tls` NULL: plain TCP. */
struct hep_peer *hep_peer_new(int fd, SSL_CTX *tls, struct addr from, uint32_t second);
void hep_peer_free(struct hep_peer *p);
/* Reads once. Moves what `bytes` holds: slices into it die. */
enum hep_fill hep_peer_fill(struct hep_peer *p);
/* Has no packet to give and is quiet for `limit` seconds, or for less if it did not even finish its
 * handshake. */
bool hep_peer_is_idle(const struct hep_peer *p, uint32_t second, uint32_t limit);

/* At the cap it may be closed for a new one: it never gave a packet in all this time. */
bool hep_peer_may_go(const struct hep_peer *p, uint32_t second);

static inline struct slice hep_peer_view(const struct hep_peer *p)
{
    return slice_of(p->bytes + p->at, p->end - p->at);
}
