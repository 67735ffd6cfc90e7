/* The hops of a call: every INVITE transaction that passed the tap under the call's Call-ID and
 * From tag. Both sides of a proxy, the branches of a fork, the next target after a failure and the
 * INVITE with credentials are one call; what tells them apart is the branch of the top Via and the
 * CSeq.
 *
 *     caller --1--> proxy --2--> phone       1: a first hop (nothing of this CSeq came before it)
 *                     +-----3--> desk        2, 3: `from` is 1
 *
 * What a hop comes from is told by, in this order: the same branch at other addresses (address
 * translation); an INVITE that went to where this one comes from; a brother, from the same address;
 * an INVITE that comes from where this one goes (captured out of order: it moves behind); else the
 * newest one that has no final response, with fewer Via lines where lines were added. */
#pragma once

#include "capture/call/live.h"

/* The hop of the INVITE transaction that `s` belongs to (INVITE, CANCEL, their responses), or NULL.
 */
struct call_hop *hops_find(const struct live *l, const struct sighting *s);
/* The hop of the INVITE at hand, entered if it is new; NULL at the bound: counted in the call. */
struct call_hop *hops_enter(struct live *l, const struct sighting *s);
void hops_response(struct call_hop *h, const struct sighting *s);
/* A response whose INVITE has not been seen yet, while others of its CSeq have: the newest one is
 * remembered for that hop. */
void hops_response_ahead(struct live *l, const struct sighting *s);
/* Not the caller's own: its failures and CANCELs end no attempt. NULL: of a transaction with this
 * CSeq whose INVITE was not seen or found no place; the caller's own only when nothing else was seen
 * of that CSeq. */
bool hops_is_relay(const struct live *l, const struct call_hop *h, uint32_t cseq);
/* Another hop like this one (same CSeq, same origin) may still be answered. */
bool hops_brother_open(const struct live *l, const struct call_hop *h);
/* INVITEs went on from here. */
bool hops_goes_on(const struct call *call, const struct call_hop *h);
/* Is `far` behind `near`? */
bool hops_is_behind(const struct call_hop *far, const struct call_hop *near);
