/* Flows: 5-tuples that media runs on. The packet path of the front is flows_packet(). */
#pragma once

#include "capture/call/points.h"
#include "capture/rtp/rtp.h"

/* A datagram that is no SIP: media of a call, media that waits for its call, or nothing of ours. */
void flows_packet(struct calls *c, const struct datagram *d);

/* RTP and RTCP, and what is neither but may be fax: the same without a look for relays and checks. */
void flows_media(struct calls *c, const struct datagram *d, enum media_kind kind);

/* ---- for signalling ---- */
/* The SDP of the call changed: describe its flows anew where that makes a difference. */
void flows_refresh(struct calls *c, struct live *l);
/* `at` belongs to `l` by its newest SDP: flows of other calls on it are guarded, what waits on it
 * is bound. */
void flows_claim(struct calls *c, struct live *l, const struct endpoint *at);
/* The call is over: only what it has already heard of still belongs to it. */
void flows_guard(struct calls *c, struct live *l);
void flows_unguard(struct calls *c, struct live *l);
/* All flows of the call are gone. */
void flows_release(struct calls *c, struct live *l);
/* Steady time of the newest packet of the call; 0: none. */
int64_t flows_last_seen(const struct calls *c, const struct live *l);

/* ---- for orphan.c and expire.c ---- */
struct flow *flows_find(struct calls *c, const struct endpoint *src, const struct endpoint *dst);
/* Gives a waiting flow to a call and replays what waited. False: the call has its fill. */
bool flow_bind(struct calls *c, struct flow *f, struct live *l, const struct flow_media *media);
/* A waiting flow is given up. */
void flow_drop(struct calls *c, struct flow *f);
