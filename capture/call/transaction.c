#include "capture/call/transaction.h"

#include <stdlib.h>

#include "capture/call/user_parts.h"

#define TIMER_F_NS     (32 * USER_SECOND)
#define SESSION_NS     (180 * USER_SECOND) /* an INVITE that offers MSRP may ring */
#define LINGER_NS      (5 * USER_SECOND)   /* T4: copies that are still under way */
#define EARLY_NS       (USER_SECOND / 10)
#define EARLY_MAX      32
#define EARLY_TEXT_MAX 8192

static uint64_t hash_text(const struct users *u, struct slice s)
{
    return hash_bytes(&u->c->config.seed, s.data, s.size);
}

static uint64_t request_hash(const struct users *u, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    uint64_t words[5] = {hash_text(u, m->call_id), s->from_tag,
                         (uint64_t)m->cseq << 32 | m->method,
                         m->method == SIP_UNKNOWN ? hash_text(u, m->cseq_method) : 0,
                         s->d->src.space};
    return hash_words(&u->c->config.seed, words, 5);
}

static uint64_t key_hash(const struct users *u, const struct sighting *s)
{
    bool cookie = slice_starts(s->m->via.branch, "z9hG4bK");
    uint64_t words[4] = {s->via, s->m->method, s->d->src.space,
                         cookie && s->m->method != SIP_UNKNOWN ? 0 : request_hash(u, s)};
    return hash_words(&u->c->config.seed, words, 4);
}

/* ---- the table ---- */

static struct transaction *find(struct users *u, uint64_t key)
{
    struct slots *table = &u->table[PART_TRANSACTION];
    struct map_probe p = slots_probe(table, key);
    for (struct transaction *t; (t = slots_next(table, &p)) != NULL;)
        if (t->slot.hash == key)
            return t;
    return NULL;
}

static struct transaction *find_first_hop(struct users *u, uint64_t request)
{
    struct map_probe p = map_probe(&u->by_request, request);
    for (uint32_t i; (i = map_next(&u->by_request, &p)) != MAP_NONE;) {
        struct transaction *t = slots_at(&u->table[PART_TRANSACTION], i);
        if (t->request == request)
            return t;
    }
    return NULL;
}

void transaction_drop(struct users *u, struct transaction *t)
{
    struct slots *table = &u->table[PART_TRANSACTION];
    timer_cancel(u->wheel, &t->slot.timer);
    if (!t->hop)
        map_remove(&u->by_request, t->request, slots_number(table, t));
    if (t->method == SIP_INVITE)
        u->sessions--;
    free(t->kept);
    slots_remove(table, t);
}

static struct transaction *add(struct users *u, const struct sighting *s, uint64_t key,
                               uint64_t request, bool hop)
{
    struct slots *table = &u->table[PART_TRANSACTION];
    struct transaction *t = slots_victim(table);
    if (t) {
        counters_add(u->c->counters, C_TRANSACTIONS_EVICTED, 1);
        transaction_drop(u, t);
    }
    t = slots_add(table, key, SLOT_DEAR);
    if (t == NULL)
        return NULL;
    t->request = request;
    t->hop = hop || map_add(&u->by_request, request, slots_number(table, t)) != 0;
    t->src = s->d->src;
    t->dst = s->d->dst;
    t->sent_ns = s->d->time_ns;
    t->sent_steady_ns = u->c->steady_ns;
    t->method = (uint8_t)s->m->method;
    u->sessions += t->method == SIP_INVITE;
    timer_set(u->wheel, &t->slot.timer,
              u->c->steady_ns + (t->method == SIP_INVITE ? SESSION_NS : TIMER_F_NS));
    return t;
}

/* ---- requests ---- */

static struct transaction *see_request(struct users *u, const struct sighting *s, uint64_t key,
                                       enum transaction_verdict *ret_verdict)
{
    uint64_t request = request_hash(u, s);
    struct transaction *t = find(u, key);
    if (t && t->request == request) {
        t->repeats++;
        *ret_verdict = TRANSACTION_REPEAT;
        return t;
    }
    if (t) /* a branch used twice */
        transaction_drop(u, t);
    struct transaction *first = find_first_hop(u, request);
    uint64_t serial = first ? first->owner_serial : 0;
    uint32_t owner = first ? first->owner : 0;
    *ret_verdict = first ? TRANSACTION_HOP : TRANSACTION_NEW;
    t = add(u, s, key, request, first != NULL);
    if (t) {
        t->owner_serial = serial;
        t->owner = owner;
    }
    return t;
}

/* ---- responses ---- */

static bool hold(struct users *u, const struct sighting *s, uint64_t key);

static struct transaction *see_response(struct users *u, const struct sighting *s, uint64_t key,
                                        enum transaction_verdict *ret_verdict)
{
    bool final = s->m->status >= 200;
    struct transaction *t = find(u, key);
    if (t == NULL) {
        bool may = final && s->m->method != SIP_INVITE && s->m != &u->scratch;
        bool held = may && hold(u, s, key);
        *ret_verdict = held ? TRANSACTION_HELD : TRANSACTION_STRAY;
        return NULL;
    }
    if (t->answered || !final) {
        *ret_verdict = t->answered ? TRANSACTION_AGAIN : TRANSACTION_PROVISIONAL;
        return t;
    }
    t->answered = true;
    t->code = s->m->status;
    timer_set(u->wheel, &t->slot.timer, u->c->steady_ns + LINGER_NS);
    *ret_verdict = t->hop ? TRANSACTION_HOP_FINAL : TRANSACTION_FINAL;
    return t;
}

struct transaction *transaction_see(struct users *u, const struct sighting *s,
                                    enum transaction_verdict *ret_verdict)
{
    uint64_t key = key_hash(u, s);
    return s->m->request ? see_request(u, s, key, ret_verdict)
                         : see_response(u, s, key, ret_verdict);
}

void transaction_due(struct users *u, struct transaction *t)
{
    if (!t->answered && !t->hop) {
        switch ((enum sip_method)t->method) {
        case SIP_REGISTER:
            registrar_timeout(u, t);
            break;
        case SIP_OPTIONS:
            peers_timeout(u, t);
            break;
        case SIP_SUBSCRIBE:
        case SIP_NOTIFY:
            subscriptions_timeout(u, t);
            break;
        case SIP_MESSAGE:
        case SIP_INVITE:
            messages_timeout(u, t);
            break;
        default:
            break;
        }
    }
    transaction_drop(u, t);
}

/* ---- responses ahead of their requests ---- */

struct early_response {
    uint64_t key, via;
    int64_t until_ns; /* steady */
    struct datagram d;
    uint8_t *text; /* owned; NULL: free */
};

struct early {
    struct early_response held[EARLY_MAX];
    unsigned count;
    uint8_t *given; /* text of the one that is being looked at */
};

struct early *early_new(void)
{
    return calloc(1, sizeof(struct early));
}

void early_free(struct early *e)
{
    if (e == NULL)
        return;
    for (unsigned i = 0; i < EARLY_MAX; i++)
        free(e->held[i].text);
    free(e->given);
    free(e);
}

static bool hold(struct users *u, const struct sighting *s, uint64_t key)
{
    struct early *e = u->early;
    struct slice text = s->m->whole;
    if (e->count == EARLY_MAX || text.size > EARLY_TEXT_MAX)
        return false;
    struct early_response *r = e->held;
    while (r->text)
        r++;
    r->text = malloc(text.size);
    if (r->text == NULL)
        return false;
    memcpy(r->text, text.data, text.size);
    r->key = key;
    r->via = s->via;
    r->until_ns = u->c->steady_ns + EARLY_NS;
    r->d = *s->d;
    r->d.payload = slice_of(r->text, text.size);
    e->count++;
    return true;
}

static bool give(struct users *u, struct early_response *r, struct datagram *ret_d, uint64_t *ret_via)
{
    struct early *e = u->early;
    *ret_d = r->d;
    *ret_via = r->via;
    e->given = r->text;
    r->text = NULL;
    e->count--;
    if (sip_parse(ret_d->payload, &u->scratch) == SIP_OK)
        return true;
    early_done(u);
    return false;
}

bool early_take(struct users *u, const struct transaction *t, struct datagram *ret_d, uint64_t *ret_via)
{
    struct early *e = u->early;
    for (unsigned i = 0; e->count && i < EARLY_MAX; i++)
        if (e->held[i].text && e->held[i].key == t->slot.hash)
            return give(u, &e->held[i], ret_d, ret_via);
    return false;
}

bool early_overdue(struct users *u, bool all, struct datagram *ret_d, uint64_t *ret_via)
{
    struct early *e = u->early;
    for (unsigned i = 0; e->count && i < EARLY_MAX; i++)
        if (e->held[i].text && (all || e->held[i].until_ns <= u->c->steady_ns))
            return give(u, &e->held[i], ret_d, ret_via);
    return false;
}

void early_done(struct users *u)
{
    free(u->early->given);
    u->early->given = NULL;
}
