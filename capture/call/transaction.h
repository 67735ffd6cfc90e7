/* Transactions of requests that set up no call (RFC 3261 17.1.2, 17.2.3): found by branch, sender and method; without the
 * magic cookie of the newer RFC by Call-ID, From tag and CSeq too.
 *
 *   request   --NEW--> asked --FINAL--> answered --5 s--> gone
 *             seen again: REPEAT         seen again: AGAIN
 *             the same on another hop (other branch, same Call-ID, From tag and CSeq): HOP, HOP_FINAL
 *             no final response within timer F, 32 s: its part is told, once
 *   response  without its request: it waits 100 ms for it (a mirror port may swap the two), then STRAY */
#pragma once

#include "capture/call/slots.h"
#include "capture/net/datagram.h"
#include "capture/sip/sip.h"

struct users;
struct sighting;

enum transaction_verdict {
    TRANSACTION_NEW,
    TRANSACTION_REPEAT,
    TRANSACTION_HOP,
    TRANSACTION_PROVISIONAL,
    TRANSACTION_FINAL,
    TRANSACTION_HOP_FINAL,
    TRANSACTION_AGAIN,
    TRANSACTION_HELD,
    TRANSACTION_STRAY,
};

struct transaction {
    struct slot slot;
    uint64_t request;        /* what all hops share */
    uint64_t owner_serial;   /* what it is about; 0: nothing */
    uint32_t owner;
    struct endpoint src, dst; /* of the request */
    int64_t sent_ns;         /* packet time of the request */
    int64_t sent_steady_ns;
    uint32_t repeats;
    uint16_t code;
    uint8_t method;          /* enum sip_method */
    bool hop, answered;
    bool missed;             /* peers.c has counted it as lost */
    bool credentials;        /* a REGISTER that has some */
    void *kept;              /* owned: what PUBLISH holds until it is accepted */
};

/* Enters or finds the transaction; NULL when the response is without one (HELD, STRAY) or there is no memory (NEW
 * then: the message counts all the same). */
struct transaction *transaction_see(struct users *u, const struct sighting *s, enum transaction_verdict *ret_verdict);
/* Its timer fired. */
void transaction_due(struct users *u, struct transaction *t);
/* Takes it from the table; nobody is told. */
void transaction_drop(struct users *u, struct transaction *t);

/* Responses that came ahead of their requests: a few, each for 100 ms. */
struct early;
struct early *early_new(void);
void early_free(struct early *e);
/* The response to the request of `t` that was just taken, parsed into u->scratch, if one waits; `ret_d` and the parsed
 * message live until early_done(). `ret_via` is the sighting's. */
bool early_take(struct users *u, const struct transaction *t, struct datagram *ret_d, uint64_t *ret_via);
/* One whose time is over (`all`: or not). The same promises. */
bool early_overdue(struct users *u, bool all, struct datagram *ret_d, uint64_t *ret_via);
void early_done(struct users *u);
