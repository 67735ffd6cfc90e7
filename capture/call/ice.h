/* ICE (RFC 8445) as a listener uses it: the candidates of SDP, and connectivity checks, which tell by
 * the user fragments in their USERNAME which call two endpoints belong to though no SDP names them. */
#pragma once

#include "capture/call/points.h"
#include "capture/net/stun.h"

/* Keyed hash of a user fragment; 0: there is none. */
uint64_t ice_ufrag(const struct calls *c, struct slice ufrag);
/* Announces the line's candidates and what stands behind them (raddr). */
void ice_candidates(struct calls *c, struct live *l, const struct announcement *a);
/* A Binding request from d->src to d->dst with a USERNAME. */
void ice_check(struct calls *c, const struct datagram *d, struct slice username);
/* `client` is the other side of `relayed`, an endpoint of a TURN relay that some SDP may name. */
void ice_relayed(struct calls *c, const struct endpoint *relayed, const struct endpoint *client);
