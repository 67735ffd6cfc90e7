/* Copies that a mirror port makes: the same packet seen on its way in and out, in two VLANs, behind a router (TTL - 1). A digest of what hops
 * leave alone (addresses, ports, IP id, length, payload) is compared within a short window of packet time.
 *
 * Fixed memory, no allocation, about 90 instructions for a packet of media. */
#pragma once

#include "capture/net/datagram.h"

struct dedupe;

/* window_ns 0: 100 ms, at most 29 s; entries 0: 16384 (rounded up to a power of two), 8 bytes each. NULL without memory. */
struct dedupe *dedupe_new(const struct hash_seed *seed, int64_t window_ns, uint32_t entries);
void dedupe_free(struct dedupe *d);
/* True when the same was seen within the window, for UDP, TCP and SCTP datagrams as net_decode() made them. In two steps: the first
 * fetches the place in the table, and something else can be done until it is there. Digest 0: never a copy. */
uint64_t dedupe_digest(const struct dedupe *d, const struct datagram *datagram);
bool dedupe_look(struct dedupe *d, uint64_t digest, int64_t time_ns);
