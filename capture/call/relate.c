/* Groups, links, and the dialogs that Replaces and Join may name. */
#include "capture/call/relate_parts.h"

#include <stdlib.h>

#include "capture/call/centre.h"
#include "capture/call/emit.h"
#include "capture/call/finding_note.h"
#include "capture/call/legs.h"
#include "capture/call/table.h"
#include "capture/sip/replaces.h"

static const struct {
    const char *name;
    uint32_t max;
} TABLES[RELATE_PARTS] = {
    [RELATE_DIALOGS] = {"dialogs", 4096},
    [RELATE_REFERRALS] = {"referrals", 4096},
    [RELATE_CONFERENCES] = {"conferences", 512},
    [RELATE_HOLDERS] = {"holders", 1024},
};

/* A dialog that is over, for what names it late. */
struct over_dialog {
    struct slot slot;
    int64_t over_ns; /* steady */
    int64_t first_ns;
    uint64_t tag[2]; /* of caller and callee */
    uint8_t uid[16];
    uint8_t group[16];
};

struct relations *relations_new(struct calls *c)
{
    struct relations *r = calloc(1, sizeof *r);
    const size_t bytes[RELATE_PARTS] = {sizeof(struct over_dialog), referrals_bytes(),
                                        conferences_bytes(), holders_bytes()};
    if (r == NULL)
        return NULL;
    for (unsigned i = 0; i < RELATE_PARTS; i++) {
        if (slots_init(&r->table[i], TABLES[i].max, bytes[i], (uint8_t)i) != 0) {
            relations_free(r);
            return NULL;
        }
        r->label[i] = label_find(LABELS_TABLE, slice_str(TABLES[i].name));
        counters_set(c->counters, C_TABLE_LIMIT + r->label[i], TABLES[i].max);
    }
    return r;
}

void relations_free(struct relations *r)
{
    if (r == NULL)
        return;
    for (unsigned i = 0; i < RELATE_PARTS; i++)
        slots_fini(&r->table[i]);
    free(r);
}

void *relate_add(struct calls *c, enum relate_part part, uint64_t hash,
                 int64_t (*used_ns)(const void *))
{
    struct slots *table = &c->relations->table[part];
    void *victim = slots_victim(table);
    if (victim) {
        if (used_ns(victim) + RELATE_MEMORY_NS > c->steady_ns)
            counters_add(c->counters, C_RELATIONS_EVICTED + c->relations->label[part], 1);
        slots_remove(table, victim);
    }
    return slots_add(table, hash, SLOT_CHEAP);
}

/* ---- groups ---- */

struct related *relate_of(struct calls *c, struct live *l)
{
    if (l->related)
        return l->related;
    struct related *v = arena_alloc(l->call->arena, sizeof *v);
    if (v == NULL)
        return NULL;
    v->next = live_number(c, l);
    v->count = 1;
    v->first_ns = l->call->started_ns;
    l->related = v;
    return v;
}

struct call_ref relate_ref(struct live *l)
{
    struct call_ref ref = {.live = l, .first_ns = l->call->started_ns};
    memcpy(ref.uid, l->call->uid, sizeof ref.uid);
    memcpy(ref.group, l->call->grouped ? l->call->group : l->call->uid, sizeof ref.group);
    if (l->related)
        ref.first_ns = l->related->first_ns;
    return ref;
}

struct live *relate_live(struct calls *c, uint32_t number, const uint8_t uid[16])
{
    struct live *l = number < c->live_used ? &c->live[number] : NULL;
    return l && l->call && memcmp(l->call->uid, uid, 16) == 0 ? l : NULL;
}

/* Which of two groups began first; equal times by their ids, so that the order of capture alone
 * decides nothing. */
static bool is_older(const struct call_ref *a, const struct call_ref *b)
{
    if (a->first_ns != b->first_ns)
        return a->first_ns < b->first_ns;
    return memcmp(a->group, b->group, sizeof a->group) < 0;
}

/* All of the ring that `l` is in get this group. */
static void name_group(struct calls *c, struct live *l, const uint8_t group[16], int64_t first_ns,
                       uint32_t count)
{
    struct live *each = l;
    do {
        struct call *call = each->call;
        bool news = !call->grouped || memcmp(call->group, group, 16) != 0;
        memmove(call->group, group, 16);
        call->grouped = true;
        each->related->first_ns = first_ns;
        each->related->count = count;
        if (news)
            emit_call(c, each, EVENT_CALL_CHANGED);
        each = &c->live[each->related->next];
    } while (each != l);
}

static void join_live(struct calls *c, struct live *a, struct live *b)
{
    struct related *ra = relate_of(c, a), *rb = relate_of(c, b);
    struct call_ref one = relate_ref(a), other = relate_ref(b);
    if (ra == NULL || rb == NULL || a == b)
        return;
    bool same = a->call->grouped && b->call->grouped &&
                memcmp(a->call->group, b->call->group, sizeof a->call->group) == 0;
    bool ring = false; /* the same ring already? */
    for (uint32_t i = ra->next; same && i != live_number(c, a) && !ring;
         i = c->live[i].related->next)
        ring = i == live_number(c, b);
    if (ring || ra->count + rb->count > RELATE_GROUP_MAX)
        return;
    uint32_t next = ra->next;
    ra->next = rb->next;
    rb->next = next;
    const struct call_ref *first = is_older(&one, &other) ? &one : &other;
    name_group(c, a, first->group, first->first_ns, ra->count + rb->count);
}

void relate_join(struct calls *c, struct live *l, const struct call_ref *other)
{
    if (other->live) {
        join_live(c, l, other->live);
        return;
    }
    struct related *v = relate_of(c, l);
    struct call_ref own = relate_ref(l);
    if (v == NULL)
        return;
    const struct call_ref *first = is_older(&own, other) ? &own : other;
    name_group(c, l, first->group, first->first_ns, v->count);
}

void relate_own(struct calls *c, struct live *l)
{
    struct related *v = relate_of(c, l);
    struct call_ref own = relate_ref(l);
    if (v)
        name_group(c, l, own.group, own.first_ns, v->count);
}

static void leave_group(struct calls *c, struct live *l)
{
    struct related *v = l->related;
    uint32_t number = live_number(c, l);
    uint32_t left = v->count - 1;
    for (uint32_t i = v->next; i != number; i = c->live[i].related->next) {
        struct related *each = c->live[i].related;
        if (each->next != number)
            continue;
        each->next = v->next;
        break;
    }
    for (uint32_t i = v->next, n = 0; n < left; n++, i = c->live[i].related->next)
        c->live[i].related->count = left;
}

/* ---- links ---- */

static void add_link(struct calls *c, struct live *l, const uint8_t uid[16],
                     enum call_link_kind kind, const char *evidence)
{
    struct call *call = l->call;
    struct call_link **end = &call->links;
    for (; *end; end = &(*end)->next)
        if ((*end)->kind == kind && memcmp((*end)->uid, uid, 16) == 0)
            return;
    struct call_link *link =
        call->link_count < CALL_LINKS_MAX ? arena_alloc(call->arena, sizeof *link) : NULL;
    if (link == NULL)
        return;
    link->time_ns = c->time_ns;
    link->kind = (uint8_t)kind;
    link->evidence = evidence;
    memcpy(link->uid, uid, 16);
    *end = link;
    call->link_count++;
}

void relate_link(struct calls *c, struct live *l, const struct call_ref *other,
                 enum call_link_kind kind, const char *evidence)
{
    add_link(c, l, other->uid, kind, evidence);
    if (other->live)
        add_link(c, other->live, l->call->uid, kind, evidence);
}

/* ---- dialogs by name ---- */

uint64_t relate_name_hash(const struct calls *c, struct slice call_id, uint64_t tag, uint64_t other,
                          uint32_t space)
{
    uint64_t words[4] = {hash_bytes(&c->config.seed, call_id.data, call_id.size), tag ^ other,
                         tag + other, space};
    return hash_words(&c->config.seed, words, 4);
}

static int64_t over_used_ns(const void *entry)
{
    return ((const struct over_dialog *)entry)->over_ns;
}

/* The tag of who was called: of the branch that answered, else of the first that responded. */
static uint64_t callee_tag(const struct live *l)
{
    if (l->callee_tag || l->call->legs == NULL)
        return l->callee_tag;
    return l->call->legs->key;
}

static void remember_dialog(struct calls *c, struct live *l)
{
    uint64_t callee = callee_tag(l);
    if (l->call->kind != CALL_SIP || callee == 0)
        return;
    uint64_t hash =
        relate_name_hash(c, l->call->call_id, l->caller_tag, callee, l->call->src.space);
    struct over_dialog *d = relate_add(c, RELATE_DIALOGS, hash, over_used_ns);
    if (d == NULL)
        return;
    struct call_ref ref = relate_ref(l);
    d->over_ns = c->steady_ns;
    d->first_ns = ref.first_ns;
    d->tag[CALL_CALLER] = l->caller_tag;
    d->tag[CALL_CALLEE] = callee;
    memcpy(d->uid, ref.uid, sizeof d->uid);
    memcpy(d->group, ref.group, sizeof d->group);
}

static bool find_over(struct calls *c, uint64_t hash, uint64_t tag, uint64_t other,
                      struct call_ref *ret_ref)
{
    struct slots *table = &c->relations->table[RELATE_DIALOGS];
    struct map_probe p = slots_probe(table, hash);
    for (struct over_dialog *d; (d = slots_next(table, &p)) != NULL;) {
        bool fits =
            (d->tag[0] == tag && d->tag[1] == other) || (d->tag[0] == other && d->tag[1] == tag);
        if (d->slot.hash != hash || !fits || d->over_ns + RELATE_MEMORY_NS < c->steady_ns)
            continue;
        *ret_ref = (struct call_ref){.first_ns = d->first_ns};
        memcpy(ret_ref->uid, d->uid, sizeof ret_ref->uid);
        memcpy(ret_ref->group, d->group, sizeof ret_ref->group);
        return true;
    }
    return false;
}

bool relate_find(struct calls *c, struct slice call_id, struct slice tag, struct slice other_tag,
                 uint32_t space, struct call_ref *ret_ref)
{
    struct live *l = table_find_dialog(c, call_id, tag, other_tag, space);
    if (l == NULL)
        l = table_find_dialog(c, call_id, other_tag, tag, space);
    if (l) {
        *ret_ref = relate_ref(l);
        return true;
    }
    uint64_t a = table_tag(c, tag), b = table_tag(c, other_tag);
    return find_over(c, relate_name_hash(c, call_id, a, b, space), a, b, ret_ref);
}

/* INVITE with Replaces or Join. */
static void take_name(struct calls *c, struct live *l, const struct sighting *s, enum sip_header id)
{
    struct sip_dialog_name name;
    struct call_ref ref;
    enum call_link_kind kind = id == SIP_H_JOIN ? CALL_LINK_JOIN : CALL_LINK_REPLACES;
    if (!sip_dialog_name_parse(sip_header(s->m, id), &name) ||
        !relate_find(c, name.call_id, name.to_tag, name.from_tag, s->d->src.space, &ref) ||
        ref.live == l)
        return;
    const char *evidence = id == SIP_H_JOIN  ? "join"
                           : name.early_only ? "replaces, early"
                                             : "replaces";
    relate_link(c, l, &ref, kind, evidence);
    relate_join(c, l, &ref);
    if (ref.live)
        finding_note_intrusion(c, ref.live, s, id == SIP_H_JOIN ? "Join" : "Replaces");
    if (ref.live)
        emit_note(c, ref.live, id == SIP_H_JOIN ? "joined" : "replaced", NULL);
}

/* ---- in ---- */

void relate_message(struct calls *c, struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    if (l->call->kind != CALL_SIP)
        return;
    if (m->request && m->method == SIP_INVITE && s->to_tag == 0) {
        take_name(c, l, s, SIP_H_REPLACES);
        take_name(c, l, s, SIP_H_JOIN);
        transfer_invite(c, l, s);
    }
    if (m->method == SIP_REFER || (m->method == SIP_NOTIFY && m->request))
        transfer_message(c, l, s);
    centre_note(&c->config, l->call, s);
}

void relate_settled(struct calls *c, struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    if (l->call->kind != CALL_SIP)
        return;
    bool answers = !m->request && m->method == SIP_INVITE && m->status >= 200 && m->status < 300;
    if (answers && l->call->state == CALL_ANSWERED) {
        transfer_result(c, l, true);
        mix_answered(c, l, s);
    }
    if (m->method == SIP_INVITE || m->method == SIP_UPDATE)
        conference_message(c, l, s);
}

void relate_notify(struct calls *c, const struct sighting *s)
{
    if (s->m->method == SIP_NOTIFY && s->m->request && s->m->body.size)
        conference_notify(c, s);
}

void relate_hold(struct calls *c, struct live *l, const struct sighting *s, bool hold)
{
    mix_hold(c, l, s, hold);
}

int64_t relate_wait(const struct live *l)
{
    const struct related *v = l->related;
    return v && v->open_transfers ? v->transfer_ns + RELATE_MEMORY_NS : 0;
}

void relate_tick(struct calls *c)
{
    struct relations *r = c->relations;
    mix_tick(c);
    for (unsigned i = 0; i < RELATE_PARTS; i++)
        counters_set_level(c->counters, C_TABLE_SIZE + r->label[i], COUNTERS_TABLE_UP, r->table[i].count);
}

void relate_close(struct calls *c, struct live *l)
{
    if (l->related) {
        transfer_result(c, l, l->call->answered_ns != 0);
        transfer_close(c, l);
        conference_close(c, l);
    }
    remember_dialog(c, l);
    if (l->related)
        leave_group(c, l);
    l->related = NULL;
}
