/* Who is watched: addresses that send or receive SIP, and users whose passwords are tried. Two tables with a ceiling; the
 * one unused for longest goes first, of addresses those that never were a server nor had success. Private to
 * capture/finding/. */
#pragma once

#include "base/addr.h"
#include "capture/call/slots.h"
#include "capture/finding/window.h"

#define WATCHED_RECENT    16 /* requests remembered for retransmissions */
#define WATCHED_TRIED     8
#define WATCHED_AOR_SIZE  128
#define WATCHED_NAME_SIZE 32

struct address {
    struct slot slot;
    struct addr addr;
    uint32_t space;
    bool server;     /* answered something with 1xx or 2xx */
    bool success;    /* had a REGISTER or INVITE of its own accepted */
    bool challenges; /* challenged or accepted out of calls: may ask for credentials */
    bool allowed;    /* in an allowed network */
    uint8_t recent_at, tried_at;
    struct rate sent, received;        /* A-S7 */
    struct window scans;               /* A-S1 */
    struct window requests;            /* A-S2: since the last success */
    int64_t requests_since_ns;         /* packet time of the first of them; 0: none */
    int64_t requests_steady_ns;
    struct window accepted;            /* requests with success in that time */
    struct window failures, slow;      /* A-S5 */
    struct window leaks;               /* A-S6 */
    struct window messages, malformed; /* A-S8 */
    struct window teardowns, ackless;  /* A-S10, B03 */
    struct window injected[3];         /* A-S9: RULE_RTP_SOURCE, _SSRC, _SEQUENCE */
    struct addr probed_host;
    struct window intrusions;          /* G06 */
    uint64_t recent[WATCHED_RECENT];
    /* A new one has these empty, not cleared: strangers can make thousands a second. */
    struct distinct users;             /* A-S3: refused ones, mark enum refusal */
    struct distinct places;            /* A-S4: asked ones, mark 1: answered */
    struct distinct probed;            /* A-S9: ports of `probed_host` */
    char tried[WATCHED_TRIED][WATCHED_NAME_SIZE]; /* users asked for, the newest */
};

/* What a user that refused waits for: 401 and 407 are the beginning of any login. */
enum refusal { REFUSED, CHALLENGED };

struct user {
    struct slot slot;
    char aor[WATCHED_AOR_SIZE];
    uint32_t space;
    uint32_t failures_since; /* the last success */
    struct window failures, slow;
    struct addr failed_from[4];
    uint8_t failed_at;
};

struct watched_key {
    struct addr addr;
    uint32_t space;
    uint64_t hash;
};

struct watched {
    struct hash_seed seed;
    struct slots addresses, users;
    struct address *recent[2]; /* found last: most messages go between two */
    struct watched_key ahead[2]; /* hashed ahead of its look-up */
};

int watched_init(struct watched *w, const struct hash_seed *seed, uint32_t max);
void watched_fini(struct watched *w);
/* Who will be looked for soon: brings the way there into the cache. First where the table says that they are, a little later
 * what it says, so that neither is waited for. Changes nothing else. */
void watched_expect(struct watched *w, const struct endpoint *src, const struct endpoint *dst);
void watched_fetch(const struct watched *w);
/* NULL without memory, or when nobody may go for it. The two found last stay valid. */
struct address *watched_address(struct watched *w, const struct endpoint *at, bool *ret_new);
/* NULL without memory, or when it is not there and may not be added. */
struct user *watched_user(struct watched *w, const char *aor, uint32_t space, bool may_add);
/* Becomes the newest of its kind. */
void watched_touch(struct watched *w, struct address *a);
