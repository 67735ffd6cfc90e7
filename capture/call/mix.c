/* A phone that mixes two calls itself sends nothing that says so. What shows is this: one party of
 * a call puts the other on hold, has another call from the same address under the same name, and
 * then neither is on hold any more. Who only goes back and forth between two calls holds one of
 * them; so the two have to talk side by side for a second.
 *
 * Parties on hold wait under the address that asked for it; a call that is answered from there, or
 * that was made from there, is tried against them. */
#include "capture/call/emit.h"
#include "capture/call/relate_parts.h"

#define TOGETHER_NS RELATE_SECOND
#define OTHERS_MAX  4

struct other {
    uint32_t live;
    uint8_t party;
    uint8_t uid[16];
};

struct holder {
    struct slot slot;
    int64_t used_ns; /* steady */
    uint32_t live;   /* the call on hold */
    uint8_t party;   /* who holds */
    uint8_t uid[16];
    unsigned count;
    struct other others[OTHERS_MAX]; /* calls that it has beside */
};

size_t holders_bytes(void)
{
    return sizeof(struct holder);
}

static int64_t holder_used_ns(const void *entry)
{
    return ((const struct holder *)entry)->used_ns;
}

static uint64_t key_of(const struct calls *c, const struct endpoint *at)
{
    uint64_t words[3] = {at->addr.high, at->addr.low, at->space};
    return hash_words(&c->config.seed, words, 3);
}

static struct slice user_of(const struct call *call, uint8_t party)
{
    return party == CALL_CALLER ? call->from.user : call->to.user;
}

static struct holder *find(struct calls *c, uint64_t key, const struct live *l, uint8_t party)
{
    struct slots *table = &c->relations->table[RELATE_HOLDERS];
    struct map_probe p = slots_probe(table, key);
    unsigned probes = 0;
    for (struct holder *h; probes++ < RELATE_PROBES_MAX && (h = slots_next(table, &p)) != NULL;)
        if (h->slot.hash == key && h->party == party && memcmp(h->uid, l->call->uid, 16) == 0)
            return h;
    return NULL;
}

/* ---- talking side by side ---- */

static bool talks(const struct live *l)
{
    return l->state == DIALOG_ANSWERED && !l->holding[CALL_CALLER] && !l->holding[CALL_CALLEE];
}

static void suppose(struct calls *c, const struct holder *h, const struct other *o)
{
    struct relations *r = c->relations;
    struct live *one = relate_live(c, h->live, h->uid), *two = relate_live(c, o->live, o->uid);
    if (!one || !two || !talks(one) || !talks(two) || r->mix_count == RELATE_MIXES_MAX)
        return;
    struct pending_mix *m = &r->mixes[(r->mix_first + r->mix_count++) % RELATE_MIXES_MAX];
    *m = (struct pending_mix){h->live, o->live, .due_ns = c->steady_ns + TOGETHER_NS};
    memcpy(m->uid[0], h->uid, sizeof h->uid);
    memcpy(m->uid[1], o->uid, sizeof o->uid);
}

static void decide(struct calls *c, const struct pending_mix *m)
{
    struct live *one = relate_live(c, m->one, m->uid[0]);
    struct live *two = relate_live(c, m->other, m->uid[1]);
    if (!one || !two || !talks(one) || !talks(two))
        return;
    struct call_ref ref = relate_ref(two);
    uint8_t before = one->call->link_count;
    relate_link(c, one, &ref, CALL_LINK_CONFERENCE, "local_mix");
    if (one->call->link_count == before)
        return;
    relate_join(c, one, &ref);
    emit_note(c, one, "conference", "local_mix");
    emit_note(c, two, "conference", "local_mix");
}

void mix_tick(struct calls *c)
{
    struct relations *r = c->relations;
    while (r->mix_count && r->mixes[r->mix_first].due_ns <= c->steady_ns) {
        struct pending_mix m = r->mixes[r->mix_first];
        r->mix_first = (r->mix_first + 1) % RELATE_MIXES_MAX;
        r->mix_count--;
        int64_t late_ns = c->steady_ns - m.due_ns; /* dated by when it was due */
        c->time_ns -= late_ns;
        decide(c, &m);
        c->time_ns += late_ns;
    }
}

/* ---- calls beside one on hold ---- */

static void note_other(struct holder *h, const struct calls *c, const struct live *l, uint8_t party)
{
    for (unsigned i = 0; i < h->count; i++)
        if (memcmp(h->others[i].uid, l->call->uid, 16) == 0)
            return;
    unsigned at = h->count < OTHERS_MAX ? h->count++ : OTHERS_MAX - 1;
    h->others[at] = (struct other){.live = live_number(c, l), .party = party};
    memcpy(h->others[at].uid, l->call->uid, 16);
}

/* Those whom a party at this address holds, and who have its name. */
static void beside(struct calls *c, const struct live *l, uint8_t party, const struct endpoint *at)
{
    struct slots *table = &c->relations->table[RELATE_HOLDERS];
    uint64_t key = key_of(c, at);
    struct slice user = user_of(l->call, party);
    struct map_probe p = slots_probe(table, key);
    unsigned probes = 0;
    for (struct holder *h; probes++ < RELATE_PROBES_MAX && (h = slots_next(table, &p)) != NULL;) {
        const struct live *held = relate_live(c, h->live, h->uid);
        if (h->slot.hash == key && held && held != l && user.size &&
            slice_equal_nocase(user, user_of(held->call, h->party)))
            note_other(h, c, l, party);
    }
}

void mix_answered(struct calls *c, struct live *l, const struct sighting *s)
{
    if (c->relations->table[RELATE_HOLDERS].count == 0 || s->transaction_of != CALL_CALLER)
        return;
    beside(c, l, CALL_CALLER, &l->call->src);
    beside(c, l, CALL_CALLEE, &s->d->src);
}

/* One of two calls was taken back: are both of them talking now? */
static void resumed(struct calls *c, const struct live *l, uint64_t key)
{
    struct slots *table = &c->relations->table[RELATE_HOLDERS];
    struct map_probe p = slots_probe(table, key);
    unsigned probes = 0;
    for (struct holder *h; probes++ < RELATE_PROBES_MAX && (h = slots_next(table, &p)) != NULL;) {
        if (h->slot.hash != key)
            continue;
        bool own = memcmp(h->uid, l->call->uid, 16) == 0;
        for (unsigned i = 0; i < h->count; i++)
            if (own || memcmp(h->others[i].uid, l->call->uid, 16) == 0)
                suppose(c, h, &h->others[i]);
    }
}

void mix_hold(struct calls *c, struct live *l, const struct sighting *s, bool hold)
{
    uint64_t key = key_of(c, &s->d->src);
    struct holder *h = find(c, key, l, s->sender);
    if (!hold) {
        resumed(c, l, key);
        return;
    }
    if (h == NULL)
        h = relate_add(c, RELATE_HOLDERS, key, holder_used_ns);
    if (h == NULL)
        return;
    h->used_ns = c->steady_ns;
    h->live = live_number(c, l);
    h->party = s->sender;
    memcpy(h->uid, l->call->uid, sizeof h->uid);
    slots_touch(&c->relations->table[RELATE_HOLDERS], h, SLOT_CHEAP);
}
