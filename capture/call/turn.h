/* TURN relays (RFC 8656) as they are seen: which peer a channel means, and which relayed address a
 * client got. One bounded table; what was not used for TURN_TIMEOUT_NS goes, and at the ceiling what
 * was not used for longest. */
#pragma once

#include "base/counters.h"
#include "capture/net/datagram.h"
#include "capture/net/stun.h"

#define TURN_TIMEOUT_NS INT64_C(600000000000) /* a channel lives 10 minutes without a refresh */
#define TURN_BUSY_NS    INT64_C(30000000000)  /* one that was used since keeps its peer */

struct turn;

/* NULL without memory. */
struct turn *turn_new(const struct hash_seed *seed, uint32_t entries_max,
                      struct counters *counters);
void turn_free(struct turn *t);
/* A STUN message from d->src to d->dst: what it binds is remembered. */
void turn_learn(struct turn *t, const struct datagram *d, const struct stun_message *m,
                int64_t now_ns);
/* Channel data from `src` to `dst`: true and who the peer is; *ret_outward: the client sends. */
bool turn_peer(struct turn *t, const struct endpoint *src, const struct endpoint *dst,
               uint16_t channel, int64_t now_ns, struct endpoint *ret_peer, bool *ret_outward);
/* The address that `server` gave `client`. */
bool turn_relayed(struct turn *t, const struct endpoint *client, const struct endpoint *server,
                  int64_t now_ns, struct endpoint *ret_relayed);
void turn_expire(struct turn *t, int64_t now_ns);
uint32_t turn_count(const struct turn *t);
