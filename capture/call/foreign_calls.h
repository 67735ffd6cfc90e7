/* Signalling that is not SIP, behind one object: MGCP and H.225 become calls (kinds CALL_MGCP, CALL_H323), the rest is
 * recognised and counted, a flow once (earshot_unsupported_signalling_total). Belongs to the front's thread; needs no tick,
 * its calls expire like all others. */
#pragma once

#include "capture/call/live.h"
#include "capture/foreign/foreign.h"

struct foreign_calls;

/* Flows remembered, so that one counts once; one that is silent for so long is a new one. */
#define FOREIGN_FLOWS_MAX   4096
#define FOREIGN_FLOW_NS     INT64_C(600000000000)
/* H.225 connections followed at a time; more are counted only. */
#define FOREIGN_STREAMS_MAX 4096

/* 0 or ERR_NOMEM. `c` must outlive it. */
int foreign_calls_new(struct calls *c, struct foreign_calls **ret_foreign);
void foreign_calls_free(struct foreign_calls *f);

/* A datagram that is neither SIP nor media of a known flow. True: it was signalling and is dealt
 * with. Nearly all RTP is sent back after a few compares. */
bool foreign_calls_datagram(struct foreign_calls *f, const struct datagram *d);

/* Bytes of a TCP connection, in order, with the addresses of their segment; `first` until it has
 * said yes. *user is the connection's own, NULL before. True: more of it is wanted. */
bool foreign_calls_stream(struct foreign_calls *f, const struct datagram *bytes, bool first,
                          void **user);
/* The connection is forgotten; NULL is fine. */
void foreign_calls_stream_closed(struct foreign_calls *f, void *user);
