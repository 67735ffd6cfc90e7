/* The way of a message through what is no call: its software is noted, its transaction says whether it is new, a copy or
 * an answer, and the part for its method takes it from there. A response that came ahead of its request is looked at
 * once that is there. */
#include "capture/call/info.h"
#include "capture/call/users.h"

#include <stdlib.h>

#include "base/buf.h"
#include "capture/body/xml.h"
#include "capture/call/placing.h"
#include "capture/call/reports.h"
#include "capture/call/table.h"
#include "capture/call/user_parts.h"

#define MESSAGES_MAX 4096

static const char *const table_names[USER_PARTS] = {
    [PART_TRANSACTION] = "transactions",   [PART_REGISTRATION] = "registrations",
    [PART_SUBSCRIPTION] = "subscriptions", [PART_MESSAGE] = "messages",
    [PART_PEER] = "peers",                 [PART_PRESENCE] = "presence",
    [PART_AGENT] = "user_agents",
};

static int make_tables(struct users *u)
{
    const struct front_config *k = &u->c->config;
    const struct {
        uint32_t max;
        size_t bytes;
    } tables[USER_PARTS] = {
        [PART_TRANSACTION] = {k->transactions_max, sizeof(struct transaction)},
        [PART_REGISTRATION] = {k->registrations_max, registrar_bytes()},
        [PART_SUBSCRIPTION] = {k->subscriptions_max, subscriptions_bytes()},
        [PART_MESSAGE] = {MESSAGES_MAX, messages_bytes()},
        [PART_PEER] = {k->peers_max, peers_bytes()},
        [PART_PRESENCE] = {k->subscriptions_max, presence_bytes()},
        [PART_AGENT] = {k->user_agents_max, agents_bytes()},
    };
    int err = 0;
    for (unsigned i = 0; i < USER_PARTS; i++) {
        u->label[i] = label_find(LABELS_TABLE, slice_str(table_names[i]));
        err = slots_init(&u->table[i], tables[i].max, tables[i].bytes, (uint8_t)i) ? -1 : err;
        counters_set(u->c->counters, C_TABLE_LIMIT + u->label[i], u->table[i].max);
    }
    return err;
}

struct users *users_new(struct calls *c)
{
    struct users *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    u->c = c;
    u->wheel = timer_wheel_new(TICK_NS);
    u->early = early_new();
    u->xml = xml_new(c->config.seed.k0);
    if (make_tables(u) != 0 || !u->wheel || !u->early || !u->xml) {
        users_free(u);
        return NULL;
    }
    return u;
}

static void drop_all(struct users *u, enum user_part part)
{
    for (uint32_t i = 0; i < u->table[part].touched; i++) {
        struct slot *slot = slots_at(&u->table[part], i);
        if (!slot->used)
            continue;
        if (part == PART_TRANSACTION)
            transaction_drop(u, (struct transaction *)(void *)slot);
        else
            user_drop(u, part, slot);
    }
}

void users_free(struct users *u)
{
    if (u == NULL)
        return;
    for (unsigned i = 0; i < USER_PARTS; i++) {
        if (u->table[i].items)
            drop_all(u, (enum user_part)i);
        slots_fini(&u->table[i]);
    }
    map_fini(&u->by_request);
    timer_wheel_free(u->wheel);
    early_free(u->early);
    xml_free(u->xml);
    free(u);
}

/* ---- entries ---- */

typedef void entry_fn(struct users *u, struct entry *e);

static entry_fn *const last_words[USER_PARTS] = {
    [PART_REGISTRATION] = registrar_last, [PART_SUBSCRIPTION] = subscriptions_last,
    [PART_MESSAGE] = messages_last,       [PART_PEER] = peers_last,
    [PART_PRESENCE] = presence_last,      [PART_AGENT] = agents_last,
};

static entry_fn *const when_due[USER_PARTS] = {
    [PART_REGISTRATION] = registrar_due, [PART_SUBSCRIPTION] = subscriptions_due,
    [PART_MESSAGE] = messages_due,       [PART_PEER] = peers_due,
    [PART_PRESENCE] = presence_due,      [PART_AGENT] = agents_due,
};

void user_set_timer(struct users *u, struct entry *e, int64_t due_ns)
{
    if (due_ns == NEVER)
        timer_cancel(u->wheel, &e->slot.timer);
    else
        timer_set(u->wheel, &e->slot.timer, due_ns);
}

void *user_add(struct users *u, enum user_part part, uint64_t hash, enum slot_worth worth)
{
    struct slots *table = &u->table[part];
    struct entry *victim = slots_victim(table);
    if (victim) {
        counters_add(u->c->counters, C_USERS_EVICTED + u->label[part], 1);
        last_words[part](u, victim);
        if (part == PART_PEER)
            peers_forget(u, victim);
        user_drop(u, part, victim);
    }
    struct entry *e = slots_add(table, hash, worth);
    if (e)
        e->serial = ++u->serial;
    return e;
}

void user_drop(struct users *u, enum user_part part, void *item)
{
    struct entry *e = item;
    timer_cancel(u->wheel, &e->slot.timer);
    if (part == PART_MESSAGE)
        messages_forget(u, e);
    slots_remove(&u->table[part], e);
}

void *user_owner(struct users *u, enum user_part part, const struct transaction *t)
{
    if (t == NULL || t->owner_serial == 0)
        return NULL;
    struct entry *e = slots_at(&u->table[part], t->owner);
    return e->slot.used && e->serial == t->owner_serial ? e : NULL;
}

void user_own(struct users *u, enum user_part part, void *item, struct transaction *t)
{
    if (t == NULL)
        return;
    t->owner = slots_number(&u->table[part], item);
    t->owner_serial = ((struct entry *)item)->serial;
}

bool user_may_tell(struct users *u, struct entry *e, bool urgent, int64_t every_ns)
{
    int64_t now_ns = u->c->steady_ns;
    e->dirty = !urgent && e->told && now_ns < e->told_ns + every_ns;
    if (e->dirty)
        return false;
    e->told = true;
    e->told_ns = now_ns;
    return true;
}

int64_t user_told_due(const struct entry *e, int64_t every_ns)
{
    return e->dirty ? e->told_ns + every_ns : NEVER;
}

void user_push(struct users *u, enum event_kind kind, const void *body, size_t size)
{
    struct calls *c = u->c;
    struct event e = {.kind = (uint8_t)kind,
                      .call = NO_INDEX,
                      .flow = NO_INDEX,
                      .time_ns = c->time_ns,
                      .body = slice_of(body, size)};
    if (!c->sink.push(c->sink.context, 0, &e))
        counters_add(c->counters, C_USER_EVENTS_DROPPED, 1);
}

/* ---- texts ---- */

void user_text(struct slice value, char *out, size_t size)
{
    out[0] = '\0';
    sip_unfold(value, out, size);
}

void user_aor(const struct sip_addr *a, char *out, size_t size)
{
    size_t n = slice_copy_to(a->user, out, size);
    if (a->user.size && a->host.size && n + 2 < size)
        out[n++] = '@';
    size_t from = n;
    n += slice_copy_to(a->host, out + n, size - n);
    for (size_t i = from; i < n; i++)
        if (out[i] >= 'A' && out[i] <= 'Z')
            out[i] = (char)(out[i] | 0x20);
}

void user_aor_of_uri(struct slice uri, char *out, size_t size)
{
    struct sip_addr a;
    out[0] = '\0';
    if (sip_addr_parse(uri, &a))
        user_aor(&a, out, size);
}

struct slice user_software(const struct sip_msg *m)
{
    struct slice name = sip_header(m, SIP_H_USER_AGENT);
    return name.size || m->request ? name : sip_header(m, SIP_H_SERVER);
}

uint64_t user_hash(const struct users *u, const char *text, uint32_t space, uint64_t more)
{
    const struct hash_seed *seed = &u->c->config.seed;
    uint64_t words[3] = {hash_bytes(seed, text, strlen(text)), space, more};
    return hash_words(seed, words, 3);
}

uint32_t user_seconds(struct slice value, uint32_t otherwise)
{
    uint32_t seconds;
    return slice_to_u32(slice_trim(value), &seconds) ? seconds : otherwise;
}

struct slice user_content_type(const struct sip_msg *m)
{
    return slice_trim(slice_sub(m->content_type, 0, slice_index(m->content_type, ';')));
}

struct live *user_call(struct users *u, const struct sighting *s)
{
    uint8_t party;
    return s->m->call_id.size ? table_find(u->c, s, &party) : NULL;
}

/* ---- the way of a message ---- */

static void route(struct users *u, const struct user_sight *w)
{
    const struct sip_msg *m = w->s->m;
    switch (m->method) {
    case SIP_REGISTER:
        registrar_see(u, w);
        break;
    case SIP_OPTIONS:
        peers_see(u, w);
        break;
    case SIP_SUBSCRIBE:
    case SIP_NOTIFY:
        subscriptions_see(u, w);
        break;
    case SIP_PUBLISH:
        presence_see(u, w);
        break;
    case SIP_MESSAGE:
    case SIP_INVITE:
        messages_see(u, w);
        break;
    default:
        break;
    }
    bool report = m->method == SIP_PUBLISH || m->method == SIP_NOTIFY;
    if (report && m->request && w->verdict == TRANSACTION_NEW && m->body.size) {
        reports_see(u->c, &u->scratch, w->s);
        if (user_call(u, w->s) == NULL)
            info_beside(u->c, &u->scratch, w->s);
    }
}

/* Calls count the copies of their own messages. */
static void count_copy(struct users *u, const struct sighting *s)
{
    if (s->m->method != SIP_INVITE && user_call(u, s) == NULL)
        counters_add(u->c->counters, C_SIP_RETRANSMISSIONS + s->m->method, 1);
}

static struct transaction *take(struct users *u, const struct sighting *s)
{
    struct user_sight w = {.s = s};
    w.t = transaction_see(u, s, &w.verdict);
    if (w.verdict == TRANSACTION_HELD)
        return NULL;
    if (w.verdict == TRANSACTION_REPEAT || w.verdict == TRANSACTION_AGAIN)
        count_copy(u, s);
    route(u, &w);
    return w.verdict == TRANSACTION_NEW || w.verdict == TRANSACTION_HOP ? w.t : NULL;
}

/* A response out of store; its request is on time. */
static void take_early(struct users *u, const struct datagram *d, uint64_t via)
{
    struct sighting s = {.d = d, .m = &u->scratch, .via = via};
    table_hash_names(u->c, &s);
    take(u, &s);
    early_done(u);
}

/* Methods that are followed here. INVITEs only when they offer a session of messages. */
static bool followed(struct users *u, const struct sighting *s)
{
    switch (s->m->method) {
    case SIP_REGISTER:
    case SIP_OPTIONS:
    case SIP_SUBSCRIBE:
    case SIP_NOTIFY:
    case SIP_PUBLISH:
    case SIP_MESSAGE:
        return true;
    case SIP_INVITE:
        return s->m->request ? messages_is_session(s) : u->sessions > 0;
    case SIP_INFO:
    case SIP_REFER:
    case SIP_UNKNOWN:
        return s->to_tag == 0 || user_call(u, s) == NULL;
    default:
        return false;
    }
}

void users_message(struct calls *c, const struct sighting *s)
{
    struct users *u = c->users;
    struct datagram d;
    uint64_t via;
    if (u == NULL)
        return;
    placing_look(c);
    agents_see(u, s);
    if (s->m->call_id.size == 0 || s->m->cseq_method.size == 0 || !followed(u, s))
        return;
    struct transaction *t = take(u, s);
    if (t && early_take(u, t, &d, &via))
        take_early(u, &d, via);
}

/* ---- time ---- */

/* In the time at which it was due, so a silence that ends late changes nothing. */
static void fire(void *context, struct timer *timer, int64_t now_ns)
{
    struct users *u = context;
    struct slot *slot = (struct slot *)(void *)timer;
    int64_t steady_ns = u->c->steady_ns, time_ns = u->c->time_ns;
    u->c->steady_ns = now_ns;
    u->c->time_ns -= steady_ns - now_ns;
    if (slot->kind == PART_TRANSACTION)
        transaction_due(u, (struct transaction *)(void *)slot);
    else
        when_due[slot->kind](u, (struct entry *)(void *)slot);
    u->c->steady_ns = steady_ns;
    u->c->time_ns = time_ns;
}

static void show_tables(struct users *u)
{
    for (unsigned i = 0; i < USER_PARTS; i++)
        counters_set_level(u->c->counters, C_TABLE_SIZE + u->label[i], COUNTERS_TABLE_UP, u->table[i].count);
}

void users_tick(struct calls *c)
{
    struct users *u = c->users;
    struct datagram d;
    uint64_t via;
    if (u == NULL)
        return;
    while (early_overdue(u, false, &d, &via))
        take_early(u, &d, via);
    timer_wheel_advance(u->wheel, c->steady_ns, fire, u);
    show_tables(u);
}

void users_finish(struct calls *c)
{
    struct users *u = c->users;
    struct datagram d;
    uint64_t via;
    if (u == NULL)
        return;
    while (early_overdue(u, true, &d, &via))
        take_early(u, &d, via);
    for (unsigned part = PART_TRANSACTION + 1; part < USER_PARTS; part++) {
        struct slots *table = &u->table[part];
        for (uint32_t i = 0; i < table->touched; i++) {
            struct entry *e = slots_at(table, i);
            if (!e->slot.used)
                continue;
            last_words[part](u, e);
            user_drop(u, (enum user_part)part, e);
        }
    }
    agents_finish(u);
    show_tables(u);
}
