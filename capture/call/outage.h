/* Trunks and sites from which nothing comes any more although calls of theirs go on: no SIP, no RTP. Who sends is told by the call
 * (its trunk's side, the site of either party), so media may come from any address. SIP is noted as it comes; RTP is looked for
 * now and then in the calls' flows, so a packet costs nothing. Only with places configured. */
#pragma once

#include "capture/call/live.h"

/* NULL without memory. */
struct outage *outage_new(void);
void outage_free(struct outage *o);
/* A message of this call, sent by that party. */
void outage_sip(struct calls *c, const struct live *l, unsigned party);
/* Time went on. */
void outage_tick(struct calls *c);
