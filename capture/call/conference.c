/* Conferences (RFC 4579, 4575). A Contact with the parameter isfocus says that its sender is where
 * several dialogs meet; calls whose focus has the same URI are one conference, and their other ends
 * its participants. What the focus tells subscribers in conference-info adds those whose calls do
 * not pass the tap.
 *
 *   INVITE, 2xx, UPDATE with such a Contact --> member --answered--> joined --end of the call-->
 * left
 *
 * An empty conference is remembered for 64 s; after that the same URI is another conference. */
#include "base/clock.h"
#include "capture/call/relate_parts.h"
#include "capture/call/siprec_note.h"
#include "capture/call/user_parts.h"

#define MEMBERS_MAX 48
#define USER_SIZE   64
#define URI_SIZE    128

struct member {
    char user[USER_SIZE];
    char uri[URI_SIZE];
    uint64_t call_id; /* keyed hash; 0: its call was not seen */
    uint8_t uid[16];
    int64_t joined_ns, left_ns;
};

struct conference {
    struct slot slot;
    uint64_t serial;
    int64_t used_ns; /* steady */
    int64_t first_ns;
    uint32_t newest; /* live call that joined last, if it still is the one with this uid */
    uint32_t alive;  /* calls in it */
    uint8_t newest_uid[16];
    uint8_t first_uid[16]; /* call that joined first */
    uint8_t group[16];
    bool joined; /* somebody did */
    bool limited;
    uint32_t space;
    char uri[URI_SIZE]; /* "sip:room@host", and what it is found by: */
    char aor[USER_AOR_SIZE];
    uint32_t count;
    struct member members[MEMBERS_MAX];
};

size_t conferences_bytes(void)
{
    return sizeof(struct conference);
}

static int64_t conference_used_ns(const void *entry)
{
    const struct conference *f = entry;
    return f->alive ? INT64_MAX / 2 : f->used_ns;
}

/* ---- the table ---- */

static void begin(struct calls *c, struct conference *f)
{
    f->serial = ++c->relations->serial;
    f->used_ns = c->steady_ns;
    f->count = 0;
    f->alive = 0;
    f->joined = f->limited = false;
}

static struct conference *find(struct calls *c, struct slice uri, uint32_t space, bool make)
{
    struct slots *table = &c->relations->table[RELATE_CONFERENCES];
    char aor[USER_AOR_SIZE];
    user_aor_of_uri(uri, aor, sizeof aor);
    const char *at = strchr(aor, '@');
    if (at == NULL || at == aor) /* no user: a host has many rooms */
        return NULL;
    uint64_t words[2] = {hash_bytes(&c->config.seed, aor, strlen(aor)), space};
    uint64_t hash = hash_words(&c->config.seed, words, 2);
    struct map_probe p = slots_probe(table, hash);
    for (struct conference *f; (f = slots_next(table, &p)) != NULL;) {
        if (f->slot.hash != hash || f->space != space || strcmp(f->aor, aor) != 0)
            continue;
        if (f->alive == 0 && f->used_ns + RELATE_MEMORY_NS < c->steady_ns)
            begin(c, f);
        return f;
    }
    struct conference *f =
        make ? relate_add(c, RELATE_CONFERENCES, hash, conference_used_ns) : NULL;
    if (f == NULL)
        return NULL;
    begin(c, f);
    f->space = space;
    memcpy(f->aor, aor, sizeof f->aor);
    slice_copy_to(slice_sub(uri, 0, slice_index(uri, ';')), f->uri, sizeof f->uri);
    return f;
}

static struct member *add_member(struct conference *f)
{
    if (f->count == MEMBERS_MAX) {
        f->limited = true;
        return NULL;
    }
    struct member *m = &f->members[f->count++];
    *m = (struct member){0};
    return m;
}

static uint64_t call_id_key(const struct calls *c, struct slice call_id)
{
    return hash_bytes(&c->config.seed, call_id.data, call_id.size) | 1;
}

/* Who has no call yet and this address, or this call. */
static struct member *find_member(struct conference *f, const char *aor, uint64_t call_id)
{
    for (uint32_t i = 0; i < f->count; i++)
        if (call_id && f->members[i].call_id == call_id)
            return &f->members[i];
    for (uint32_t i = f->count; aor[0] && i-- > 0;)
        if (strcasecmp(f->members[i].uri, aor) == 0)
            return &f->members[i];
    return NULL;
}

/* ---- calls ---- */

static struct conference *of_call(struct calls *c, const struct live *l)
{
    const struct related *v = l->related;
    if (v == NULL || v->conference == 0)
        return NULL;
    struct conference *f = slots_at(&c->relations->table[RELATE_CONFERENCES], v->conference - 1);
    return f->slot.used && f->serial == v->conference_serial ? f : NULL;
}

static void enter(struct calls *c, struct live *l, struct conference *f, uint8_t focus)
{
    struct related *v = relate_of(c, l);
    const struct call_identity *who = focus == CALL_CALLER ? &l->call->to : &l->call->from;
    struct sip_addr addr = {.user = who->user, .host = who->host};
    char aor[USER_AOR_SIZE];
    user_aor(&addr, aor, sizeof aor);
    struct member *m = v ? find_member(f, aor, 0) : NULL;
    if (m == NULL || m->call_id)
        m = v ? add_member(f) : NULL;
    if (m == NULL)
        return;
    *m = (struct member){.call_id = call_id_key(c, l->call->call_id)};
    slice_copy_to(who->user, m->user, sizeof m->user);
    slice_copy_to(slice_str(aor), m->uri, sizeof m->uri);
    memcpy(m->uid, l->call->uid, sizeof m->uid);
    v->conference = slots_number(&c->relations->table[RELATE_CONFERENCES], f) + 1;
    v->conference_serial = f->serial;
    v->participant = (uint8_t)(m - f->members);
    f->alive++;
    f->used_ns = c->steady_ns;
    slots_touch(&c->relations->table[RELATE_CONFERENCES], f, SLOT_DEAR);
}

/* One group with those who are there, or were. */
static void meet(struct calls *c, struct live *l, struct conference *f)
{
    struct call_ref other = {.first_ns = f->first_ns};
    struct live *newest = relate_live(c, f->newest, f->newest_uid);
    memcpy(other.uid, f->first_uid, sizeof other.uid);
    memcpy(other.group, f->group, sizeof other.group);
    if (newest && newest != l) {
        struct call_ref live = relate_ref(newest);
        relate_join(c, l, &live);
    } else {
        relate_join(c, l, &other);
    }
    relate_link(c, l, &other, CALL_LINK_CONFERENCE, "focus");
}

static void join(struct calls *c, struct live *l, struct conference *f)
{
    struct member *m = &f->members[l->related->participant];
    if (m->joined_ns || l->call->state != CALL_ANSWERED)
        return;
    m->joined_ns = c->time_ns;
    if (f->joined) {
        meet(c, l, f);
    } else {
        relate_own(c, l);
        memcpy(f->first_uid, l->call->uid, sizeof f->first_uid);
    }
    struct call_ref own = relate_ref(l);
    f->joined = true;
    f->first_ns = own.first_ns;
    f->newest = live_number(c, l);
    memcpy(f->group, own.group, sizeof f->group);
    memcpy(f->newest_uid, own.uid, sizeof f->newest_uid);
}

/* Does its name stand behind a ';'? Few Contacts are worth more than this look. */
static bool may_be_focus(const struct sip_msg *m)
{
    struct slice rest;
    if (!sip_header_item(m, SIP_H_CONTACT, 0, &rest))
        return false;
    while (rest.size) {
        slice_cut(&rest, ';');
        if (slice_starts_nocase(slice_trim(rest), "isfocus"))
            return true;
    }
    return false;
}

static bool contact_of(const struct sip_msg *m, struct sip_addr *ret_contact, bool *ret_focus)
{
    struct slice item, none;
    if (!sip_header_item(m, SIP_H_CONTACT, 0, &item) || !sip_addr_parse(item, ret_contact))
        return false;
    *ret_focus = sip_param(ret_contact->params, "isfocus", &none);
    return true;
}

void conference_message(struct calls *c, struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    struct conference *f = of_call(c, l);
    struct sip_addr contact;
    bool focus, known = c->relations->table[RELATE_CONFERENCES].count > 0;
    if (f == NULL && !live_is_over(l) && (m->request || m->status < 300) &&
        (known || may_be_focus(m)) && contact_of(m, &contact, &focus)) {
        if (focus || known)
            f = find(c, contact.uri, s->d->src.space, focus);
        if (f)
            enter(c, l, f, s->sender);
        f = of_call(c, l);
    }
    if (f)
        join(c, l, f);
}

/* ---- what the focus says ---- */

static int64_t when(struct slice text, int64_t otherwise_ns)
{
    char copy[64];
    int64_t time_ns;
    slice_copy_to(text, copy, sizeof copy);
    return text.size && clock_parse_rfc3339_ns(copy, &time_ns) == 0 ? time_ns : otherwise_ns;
}

static void take_endpoint(struct member *m, const struct conference_endpoint *e, int64_t now_ns)
{
    bool gone = slice_is_nocase(e->status, "disconnected") ||
                slice_is_nocase(e->status, "disconnecting") || e->left_at.size;
    bool there = e->status.size == 0 || slice_is_nocase(e->status, "connected") ||
                 slice_is_nocase(e->status, "on-hold") || slice_starts_nocase(e->status, "muted-");
    if ((there || gone) && m->joined_ns == 0)
        m->joined_ns = when(e->joined_at, now_ns);
    if (gone && m->left_ns == 0)
        m->left_ns = when(e->left_at, now_ns);
    else if (there && !gone)
        m->left_ns = 0;
}

static void take_user(struct calls *c, struct conference *f, const struct conference_info *info,
                      unsigned user, int64_t now_ns)
{
    const struct conference_user *u = &info->users[user];
    const struct conference_endpoint *e = NULL;
    char aor[USER_AOR_SIZE];
    for (unsigned i = 0; i < info->endpoint_count && e == NULL; i++)
        if (info->endpoints[i].user == user)
            e = &info->endpoints[i];
    user_aor_of_uri(u->entity, aor, sizeof aor);
    struct member *m = find_member(f, aor, e && e->call_id.size ? call_id_key(c, e->call_id) : 0);
    bool gone = slice_is_nocase(u->state, "deleted");
    if (m == NULL && !gone)
        m = add_member(f);
    if (m == NULL || m->call_id) /* its own call says it better */
        return;
    slice_copy_to(slice_str(aor), m->uri, sizeof m->uri);
    slice_copy_to(slice_sub(slice_str(aor), 0, slice_index(slice_str(aor), '@')), m->user,
                  sizeof m->user);
    struct conference_endpoint none = {0};
    if (!gone)
        take_endpoint(m, e ? e : &none, now_ns);
    else if (m->left_ns == 0)
        m->left_ns = now_ns;
}

void conference_notify(struct calls *c, const struct sighting *s)
{
    struct conference_info *info = &c->relations->info;
    const struct sip_msg *m = s->m;
    if (m->flags & SIP_FLAG_BODY_ENCODED ||
        !slice_starts_nocase(slice_trim(m->content_type), "application/conference-info+xml"))
        return;
    enum xml_verdict v = conference_info_read(c->xml, m->body, info);
    count_xml(c->counters, v);
    struct conference *f = v == XML_OK ? find(c, info->entity, s->d->src.space, true) : NULL;
    if (f == NULL)
        return;
    f->used_ns = c->steady_ns;
    f->limited |= info->limited;
    for (unsigned i = 0; i < info->user_count; i++)
        take_user(c, f, info, i, s->d->time_ns);
}

/* ---- leaving ---- */

static void copy_member(struct arena *a, const struct member *m, struct call_participant *out)
{
    *out = (struct call_participant){
        .user = arena_copy(a, slice_str(m->user)),
        .uri = arena_copy(a, slice_str(m->uri)),
        .has_call = m->call_id != 0,
        .joined_ns = m->joined_ns,
        .left_ns = m->left_ns,
    };
    memcpy(out->uid, m->uid, sizeof out->uid);
}

static void keep(struct call *call, const struct conference *f)
{
    struct arena *a = call->arena;
    struct call_conference *v = arena_alloc(a, sizeof *v);
    if (v)
        v->participants = arena_alloc(a, (f->count + 1) * sizeof *v->participants);
    if (v == NULL || v->participants == NULL)
        return;
    v->focus_uri = arena_copy(a, slice_str(f->uri));
    v->limited = f->limited;
    for (uint32_t i = 0; i < f->count; i++)
        if (f->members[i].joined_ns)
            copy_member(a, &f->members[i], &v->participants[v->count++]);
    call->conference = v;
}

void conference_close(struct calls *c, struct live *l)
{
    struct conference *f = of_call(c, l);
    if (f == NULL)
        return;
    struct member *m = &f->members[l->related->participant];
    f->alive--;
    f->used_ns = c->steady_ns;
    if (f->alive == 0)
        slots_touch(&c->relations->table[RELATE_CONFERENCES], f, SLOT_CHEAP);
    if (m->joined_ns == 0)
        return;
    m->left_ns = l->call->ended_ns;
    struct call_ref own = relate_ref(l);
    f->first_ns = own.first_ns;
    memcpy(f->group, own.group, sizeof f->group);
    keep(l->call, f);
}
