/* Transfers (RFC 3515, 5589). A REFER within a call opens one:
 *
 *   REFER --> open --NOTIFY 2xx, or the call it led to is answered----------> success
 *               +---3xx-6xx to the REFER, NOTIFY 3xx-6xx, or that call fails--> failed
 *
 * It waits in the table of referrals for its INVITE, under the dialog that the target is to replace
 * (attended), else under the target itself (blind). A blind one needs a second sign beside the
 * target, because strangers call the same number: Referred-By names who referred, or the caller is
 * who was referred. */
#include "capture/body/sipfrag.h"
#include "capture/call/emit.h"
#include "capture/call/expire.h"
#include "capture/call/relate_parts.h"
#include "capture/call/user_parts.h"
#include "capture/call/table.h"
#include "capture/sip/replaces.h"

#define TEXT_KEPT_MAX 256

struct referral {
    struct slot slot;
    struct call_transfer *transfer; /* as long as its call lives */
    uint32_t live;
    int64_t steady_ns;
    int64_t first_ns;
    uint64_t referrer, referee; /* keyed hashes of their users; 0: none */
    bool attended;
    bool led;                   /* the INVITE came */
    uint8_t uid[16], group[16]; /* of the call that was transferred */
    uint8_t led_uid[16];
};

size_t referrals_bytes(void)
{
    return sizeof(struct referral);
}

static int64_t referral_used_ns(const void *entry)
{
    const struct referral *r = entry;
    return r->led ? 0 : r->steady_ns;
}

/* ---- keys ---- */

static uint64_t user_key(const struct calls *c, struct slice user)
{
    return user.size ? hash_bytes(&c->config.seed, user.data, user.size) | 1 : 0;
}

static uint64_t target_key(const struct calls *c, struct slice uri, uint32_t space)
{
    char aor[USER_AOR_SIZE];
    user_aor_of_uri(uri, aor, sizeof aor);
    uint64_t words[2] = {hash_bytes(&c->config.seed, aor, strlen(aor)), space};
    return hash_words(&c->config.seed, words, 2);
}

static uint64_t name_key(const struct calls *c, const struct sip_dialog_name *n, uint32_t space)
{
    return relate_name_hash(c, n->call_id, table_tag(c, n->to_tag), table_tag(c, n->from_tag),
                            space);
}

/* ---- outcome ---- */

static void settle(struct calls *c, struct live *l, struct call_transfer *t,
                   enum call_transfer_outcome outcome, int64_t now_ns)
{
    if (t->outcome != CALL_TRANSFER_OPEN)
        return;
    t->outcome = (uint8_t)outcome;
    t->done_ns = now_ns;
    if (l->related && l->related->open_transfers)
        l->related->open_transfers--;
    emit_note(c, l, outcome == CALL_TRANSFER_SUCCESS ? "transfer_success" : "transfer_failed",
              call_party_text((enum call_party)t->referrer));
    expire_schedule(c, l);
}

/* ---- REFER ---- */

static struct call_transfer *find(struct call *call, uint8_t referrer, uint32_t cseq)
{
    for (struct call_transfer *t = call->transfers; t; t = t->next)
        if (t->referrer == referrer && t->cseq == cseq)
            return t;
    return NULL;
}

/* The same with credentials. */
static struct call_transfer *challenged(struct call *call, uint8_t referrer, struct slice target)
{
    for (struct call_transfer *t = call->transfers; t; t = t->next)
        if (t->referrer == referrer && (t->code == 401 || t->code == 407) &&
            slice_equal(t->refer_to, slice_sub(target, 0, TEXT_KEPT_MAX)))
            return t;
    return NULL;
}

static struct call_transfer *add(struct calls *c, struct live *l, const struct sighting *s,
                                 const struct sip_refer_to *refer)
{
    struct call *call = l->call;
    struct related *v = relate_of(c, l);
    if (v == NULL || call->transfer_count == CALL_TRANSFERS_MAX)
        return NULL;
    struct call_transfer *t = arena_alloc(call->arena, sizeof *t);
    if (t == NULL)
        return NULL;
    t->time_ns = s->d->time_ns;
    t->referrer = s->sender;
    t->cseq = s->m->cseq;
    t->refer_to = arena_copy(call->arena, slice_sub(refer->target, 0, TEXT_KEPT_MAX));
    struct call_transfer **end = &call->transfers;
    while (*end)
        end = &(*end)->next;
    *end = t;
    call->transfer_count++;
    v->open_transfers++;
    v->transfer_ns = c->steady_ns;
    return t;
}

static void await_invite(struct calls *c, struct live *l, const struct sighting *s,
                         struct call_transfer *t, uint64_t key)
{
    struct referral *r = relate_add(c, RELATE_REFERRALS, key, referral_used_ns);
    if (r == NULL)
        return;
    struct call_ref ref = relate_ref(l);
    r->transfer = t;
    r->live = live_number(c, l);
    r->steady_ns = c->steady_ns;
    r->first_ns = ref.first_ns;
    r->attended = t->replaces.size > 0;
    r->referrer = user_key(c, s->m->from.user);
    r->referee = user_key(c, s->m->to.user);
    memcpy(r->uid, ref.uid, sizeof r->uid);
    memcpy(r->group, ref.group, sizeof r->group);
    t->referral = slots_number(&c->relations->table[RELATE_REFERRALS], r);
}

/* The dialog that the target is to replace belongs to the same chain from here on. */
static uint64_t attend(struct calls *c, struct live *l, const struct sighting *s,
                       struct call_transfer *t, const char *replaces)
{
    struct sip_dialog_name name;
    struct call_ref ref;
    uint32_t space = s->d->src.space;
    if (!sip_dialog_name_parse(slice_str(replaces), &name))
        return 0;
    t->replaces = arena_copy(l->call->arena, slice_sub(name.call_id, 0, TEXT_KEPT_MAX));
    if (relate_find(c, name.call_id, name.to_tag, name.from_tag, space, &ref) && ref.live != l) {
        relate_link(c, l, &ref, CALL_LINK_TRANSFER_ATTENDED, "refer_to, replaces");
        relate_join(c, l, &ref);
    }
    return name_key(c, &name, space);
}

static void refer(struct calls *c, struct live *l, const struct sighting *s)
{
    struct sip_refer_to refer;
    if (s->to_tag == 0 || find(l->call, s->sender, s->m->cseq) ||
        !sip_refer_to_parse(sip_header(s->m, SIP_H_REFER_TO), &refer))
        return;
    struct call_transfer *t = challenged(l->call, s->sender, refer.target);
    if (t) {
        t->cseq = s->m->cseq;
        t->code = 0;
        return;
    }
    t = add(c, l, s, &refer);
    if (t == NULL)
        return;
    uint64_t key = refer.replaces[0] ? attend(c, l, s, t, refer.replaces) : 0;
    await_invite(c, l, s, t, key ? key : target_key(c, refer.target, s->d->src.space));
    emit_note(c, l, t->replaces.size ? "transfer_attended" : "transfer_blind",
              call_party_text((enum call_party)t->referrer));
}

static void answered(struct calls *c, struct live *l, const struct sighting *s)
{
    struct call_transfer *t = find(l->call, s->transaction_of, s->m->cseq);
    unsigned status = s->m->status;
    if (t == NULL || status < 200)
        return;
    t->code = (uint16_t)status;
    if (status >= 300 && status != 401 && status != 407)
        settle(c, l, t, CALL_TRANSFER_FAILED, s->d->time_ns);
}

/* ---- NOTIFY ---- */

/* By the id of its event, the CSeq of the REFER, else the newest. */
static struct call_transfer *of_event(struct call *call, const struct sighting *s,
                                      struct slice event)
{
    uint8_t referrer = s->sender == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
    struct call_transfer *newest = NULL;
    struct slice id;
    uint32_t cseq;
    if (sip_param(slice_from(event, slice_index(event, ';') + 1), "id", &id) &&
        slice_to_u32(id, &cseq))
        return find(call, referrer, cseq);
    for (struct call_transfer *t = call->transfers; t; t = t->next)
        if (t->referrer == referrer)
            newest = t;
    return newest;
}

static void notified(struct calls *c, struct live *l, const struct sighting *s)
{
    struct slice event = sip_header(s->m, SIP_H_EVENT);
    struct sipfrag frag;
    if (!slice_is_nocase(slice_trim(slice_sub(event, 0, slice_index(event, ';'))), "refer"))
        return;
    struct call_transfer *t = of_event(l->call, s, event);
    if (t == NULL || s->m->flags & SIP_FLAG_BODY_ENCODED || !sipfrag_read(s->m->body, &frag) ||
        frag.status == 0)
        return;
    t->notify_code = frag.status;
    if (frag.status >= 200)
        settle(c, l, t, frag.status < 300 ? CALL_TRANSFER_SUCCESS : CALL_TRANSFER_FAILED,
               s->d->time_ns);
}

void transfer_message(struct calls *c, struct live *l, const struct sighting *s)
{
    if (s->m->method == SIP_NOTIFY)
        notified(c, l, s);
    else if (s->m->request)
        refer(c, l, s);
    else
        answered(c, l, s);
}

/* ---- the INVITE that it led to ---- */

static struct call_ref ref_of(struct calls *c, const struct referral *r)
{
    struct live *l = relate_live(c, r->live, r->uid);
    struct call_ref ref = {.first_ns = r->first_ns};
    if (l)
        return relate_ref(l);
    memcpy(ref.uid, r->uid, sizeof ref.uid);
    memcpy(ref.group, r->group, sizeof ref.group);
    return ref;
}

static void lead(struct calls *c, struct live *l, struct referral *r, const char *evidence)
{
    struct related *v = relate_of(c, l);
    struct call_ref ref = ref_of(c, r);
    if (v == NULL || ref.live == l)
        return;
    if (ref.live && r->transfer) {
        r->transfer->led = true;
        memcpy(r->transfer->uid, l->call->uid, sizeof r->transfer->uid);
    }
    r->led = true;
    memcpy(r->led_uid, l->call->uid, sizeof r->led_uid);
    v->referral = slots_number(&c->relations->table[RELATE_REFERRALS], r) + 1;
    relate_link(c, l, &ref, r->attended ? CALL_LINK_TRANSFER_ATTENDED : CALL_LINK_TRANSFER_BLIND,
                evidence);
    relate_join(c, l, &ref);
}

struct signs {
    uint64_t key;
    uint64_t referrer, caller; /* who referred, says the INVITE; who calls */
    bool attended;
};

/* 2: both signs, 1: one, 0: another call. */
static unsigned fits(const struct calls *c, const struct referral *r, const struct signs *g)
{
    if (r->slot.hash != g->key || r->led || r->attended != g->attended ||
        r->steady_ns + RELATE_MEMORY_NS < c->steady_ns)
        return 0;
    return g->attended ? 2
                       : (unsigned)(g->referrer && g->referrer == r->referrer) +
                             (unsigned)(g->caller && g->caller == r->referee);
}

static bool look(struct calls *c, struct live *l, const struct signs *g)
{
    struct slots *table = &c->relations->table[RELATE_REFERRALS];
    struct map_probe p = slots_probe(table, g->key);
    struct referral *best = NULL;
    unsigned most = 0, probes = 0;
    for (struct referral *r; probes++ < RELATE_PROBES_MAX && (r = slots_next(table, &p)) != NULL;) {
        unsigned much = fits(c, r, g);
        if (much > most || (much && much == most && r->steady_ns < best->steady_ns)) {
            best = r;
            most = much;
        }
    }
    if (best == NULL)
        return false;
    bool named = g->referrer && g->referrer == best->referrer;
    lead(c, l, best,
         g->attended ? "refer_to, replaces"
         : most == 2 ? "refer_to, referred_by, referee"
         : named     ? "refer_to, referred_by"
                     : "refer_to, referee");
    return true;
}

static uint64_t referred_by(const struct calls *c, const struct sip_msg *m)
{
    struct sip_addr addr;
    return sip_addr_parse(sip_header(m, SIP_H_REFERRED_BY), &addr) ? user_key(c, addr.user) : 0;
}

void transfer_invite(struct calls *c, struct live *l, const struct sighting *s)
{
    struct sip_dialog_name name;
    uint32_t space = s->d->src.space;
    if (c->relations->table[RELATE_REFERRALS].count == 0 || (l->related && l->related->referral))
        return;
    struct signs g = {.referrer = referred_by(c, s->m), .caller = user_key(c, s->m->from.user)};
    if (sip_dialog_name_parse(sip_header(s->m, SIP_H_REPLACES), &name)) {
        g.attended = true;
        g.key = name_key(c, &name, space);
        if (look(c, l, &g))
            return;
    }
    g.attended = false;
    g.key = target_key(c, s->m->request_uri, space);
    if (look(c, l, &g))
        return;
    g.key = target_key(c, s->m->to.uri, space);
    look(c, l, &g);
}

/* ---- ends ---- */

void transfer_result(struct calls *c, struct live *l, bool was_answered)
{
    struct related *v = l->related;
    if (v == NULL || v->referral == 0)
        return;
    struct slots *table = &c->relations->table[RELATE_REFERRALS];
    struct referral *r = slots_at(table, v->referral - 1);
    v->referral = 0;
    if (!r->slot.used || !r->led || memcmp(r->led_uid, l->call->uid, sizeof r->led_uid) != 0)
        return;
    struct live *referring = relate_live(c, r->live, r->uid);
    struct call_transfer *t = referring ? r->transfer : NULL;
    slots_remove(table, r);
    if (t == NULL)
        return;
    settle(c, referring, t, was_answered ? CALL_TRANSFER_SUCCESS : CALL_TRANSFER_FAILED,
           c->time_ns);
}

void transfer_close(struct calls *c, struct live *l)
{
    struct call_ref ref = relate_ref(l);
    for (struct call_transfer *t = l->call->transfers; t; t = t->next) {
        struct referral *r = slots_at(&c->relations->table[RELATE_REFERRALS], t->referral);
        if (!r->slot.used || r->transfer != t)
            continue;
        r->transfer = NULL;
        r->first_ns = ref.first_ns;
        memcpy(r->group, ref.group, sizeof r->group);
    }
}
