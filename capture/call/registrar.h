/* Registrations (RFC 3261 10), one for each AOR of an address space: what phones ask a registrar for and what it grants.
 *
 *   REGISTER      a new attempt, unless it goes on with one that was challenged (401, 407) or asked to wait longer (423)
 *   2xx           the contacts are those that it lists; none left: REMOVED, else REGISTERED
 *   401, 407      the attempt waits 64 s for credentials; refused although they answered the challenge: unauthorized
 *   423           waits for a retry with a longer expiry
 *   4xx ..., 32 s ineffective (RFC 6076 4.2)
 *   any failure   FAILED when no contact is left
 *   clock         a contact ends; with the last one the state is EXPIRED
 *
 * A REGISTER without Contact only asks and changes nothing. A 200 whose REGISTER was not seen counts for the contacts. */
#pragma once

#include "capture/call/user_parts.h"

/* In the order of the REGISTRATION label set. */
enum registration_result {
    RESULT_REGISTERED,
    RESULT_REFRESHED,
    RESULT_REMOVED,
    RESULT_FAILED,
    RESULT_TIMEOUT,
    RESULT_UNAUTHORIZED, /* 401, 402, 407: no ineffective attempt, and no registration */
    RESULT_TOO_BRIEF,    /* 423, and the client did not come back */
    RESULT_REDIRECTED,   /* 3xx */
};

#define REGISTRAR_ATTEMPTS_MAX 4 /* of one AOR at a time: its devices */

enum attempt_stage { ATTEMPT_NONE, ATTEMPT_ASKED, ATTEMPT_CHALLENGED, ATTEMPT_TOO_BRIEF };

/* From the first REGISTER to the last answer. */
struct register_attempt {
    uint64_t call_id;     /* keyed hash */
    uint64_t request;     /* of its newest transaction */
    uint64_t nonce;       /* keyed hash of the newest challenge's */
    int64_t first_ns;     /* packet time */
    int64_t last_steady_ns;
    uint32_t expires_s;   /* asked for; 0: removal */
    uint16_t code;        /* of what it waits for: 401, 407, 423 */
    uint8_t stage;        /* enum attempt_stage */
    bool answered_challenge;
    bool star;
    struct user_contact contact; /* the first */
};

struct registration {
    struct entry entry;
    struct register_attempt attempt[REGISTRAR_ATTEMPTS_MAX];
    struct user_registration r;
};

/* registrar_contacts.c: contacts in requests and responses. */

/* The first contact that a REGISTER asks for; false without any. */
bool registrar_asked(const struct sip_msg *m, struct register_attempt *ret);
/* Binds what a 2xx lists, or what was asked for when it lists nothing. `a` may be NULL. */
void registrar_bind(struct user_registration *r, const struct sip_msg *m, const struct register_attempt *a,
                    int64_t now_ns);
/* Contacts whose time is over at `now_ns` (packet time) go; returns how many. */
unsigned registrar_expire(struct user_registration *r, int64_t now_ns);
/* The next such time, or NEVER. */
int64_t registrar_next_expiry(const struct user_registration *r);
/* Where an attempt came from: newest first, the one unused for longest goes. */
void registrar_source(struct user_registration *r, const struct datagram *d);
