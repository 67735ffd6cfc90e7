/* What the parts that follow signalling without calls share. Each has a table (slots.h) whose entries begin with
 * `struct entry`; one wheel drives all their timers, and each timer is set to the earliest moment at which something of
 * its entry could be due. */
#pragma once

#include "capture/call/slots.h"
#include "capture/call/transaction.h"
#include "capture/call/user_event.h"
#include "capture/call/users.h"

#define USER_SECOND INT64_C(1000000000)
#define NEVER       INT64_MAX

enum user_part {
    PART_TRANSACTION,
    PART_REGISTRATION,
    PART_SUBSCRIPTION,
    PART_MESSAGE,
    PART_PEER,
    PART_PRESENCE,
    PART_AGENT,
    USER_PARTS
};

struct entry {
    struct slot slot;
    uint64_t serial;  /* tells an entry from the next one in its place */
    int64_t told_ns;  /* steady: newest event */
    bool dirty;       /* there is something to tell */
    bool told;        /* something was told */
};

struct users {
    struct calls *c;
    struct timer_wheel *wheel;
    struct slots table[USER_PARTS];
    struct map by_request; /* first hops, by what all hops share */
    struct early *early;
    uint64_t serial;
    uint32_t sessions;     /* open transactions of INVITEs that offer MSRP */
    size_t body_bytes;     /* of messages that are kept until they are answered */
    unsigned label[USER_PARTS]; /* in TABLE */
    struct xml *xml;
    struct user_agent_seen others; /* software that found no room */
    struct entry others_told;
    struct sip_msg scratch;        /* of a response that waited for its request */
};

/* ---- entries ---- */

/* Which moment an entry's timer waits for, and what to do then. */
void user_set_timer(struct users *u, struct entry *e, int64_t due_ns);
/* A new entry; the one that has to go for it is told for the last time. NULL without memory. */
void *user_add(struct users *u, enum user_part part, uint64_t hash, enum slot_worth worth);
void user_drop(struct users *u, enum user_part part, void *item);
/* The entry that a transaction was begun for; NULL when it is gone. */
void *user_owner(struct users *u, enum user_part part, const struct transaction *t);
void user_own(struct users *u, enum user_part part, void *item, struct transaction *t);

/* May an entry be told now? At once when it matters, else one second (or `every_ns`) after the last time; until then it
 * is dirty and user_told_due() says when. */
bool user_may_tell(struct users *u, struct entry *e, bool urgent, int64_t every_ns);
int64_t user_told_due(const struct entry *e, int64_t every_ns);
void user_push(struct users *u, enum event_kind kind, const void *body, size_t size);

static inline int64_t user_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Packet time of a moment of steady time. */
static inline int64_t user_packet_time(const struct users *u, int64_t steady_ns)
{
    return steady_ns + (u->c->time_ns - u->c->steady_ns);
}

/* ---- texts ---- */

/* "user@host" of an address, cut to size; "" when it has neither. */
void user_aor(const struct sip_addr *a, char *out, size_t size);
void user_aor_of_uri(struct slice uri, char *out, size_t size);
/* A header's value on one line, cut to size. */
void user_text(struct slice value, char *out, size_t size);
struct slice user_software(const struct sip_msg *m);
uint64_t user_hash(const struct users *u, const char *text, uint32_t space, uint64_t more);
/* Value of Expires or such; `otherwise` when there is none or it is no number. */
uint32_t user_seconds(struct slice value, uint32_t otherwise);
/* Type of the body without its parameters: "application/pidf+xml". */
struct slice user_content_type(const struct sip_msg *m);
/* The call in whose dialog the message runs; NULL: none. */
struct live *user_call(struct users *u, const struct sighting *s);

/* ---- the parts: size of an entry; what a message means, by verdict; what is due; what is told for the last time ---- */

struct user_sight {
    const struct sighting *s;
    struct transaction *t; /* NULL when TRANSACTION_STRAY */
    enum transaction_verdict verdict;
};

size_t registrar_bytes(void);
void registrar_see(struct users *u, const struct user_sight *w);
void registrar_timeout(struct users *u, struct transaction *t);
void registrar_due(struct users *u, struct entry *e);
void registrar_last(struct users *u, struct entry *e);

size_t peers_bytes(void);
void peers_see(struct users *u, const struct user_sight *w);
void peers_timeout(struct users *u, struct transaction *t);
void peers_due(struct users *u, struct entry *e);
void peers_last(struct users *u, struct entry *e);
/* There is another table of places: who is whose peer. */
void peers_placed(struct users *u);
/* Its place is taken: no trunk counts it any more. */
void peers_forget(struct users *u, struct entry *e);

size_t messages_bytes(void);
void messages_see(struct users *u, const struct user_sight *w);
void messages_timeout(struct users *u, struct transaction *t);
void messages_due(struct users *u, struct entry *e);
void messages_last(struct users *u, struct entry *e);
void messages_forget(struct users *u, struct entry *e); /* what it owns */
/* Does the SDP of this INVITE offer a session of messages? */
bool messages_is_session(const struct sighting *s);

size_t subscriptions_bytes(void);
void subscriptions_see(struct users *u, const struct user_sight *w);
void subscriptions_timeout(struct users *u, struct transaction *t);
void subscriptions_due(struct users *u, struct entry *e);
void subscriptions_last(struct users *u, struct entry *e);

size_t presence_bytes(void);
void presence_see(struct users *u, const struct user_sight *w); /* PUBLISH */
void presence_notified(struct users *u, const struct sighting *s, const char *resource);
void presence_due(struct users *u, struct entry *e);
void presence_last(struct users *u, struct entry *e);

size_t agents_bytes(void);
void agents_see(struct users *u, const struct sighting *s);
void agents_due(struct users *u, struct entry *e);
void agents_last(struct users *u, struct entry *e);
void agents_finish(struct users *u);
