/* Presence, one entry a user: the newest word of its publications (PUBLISH, once they are accepted) and of what watchers
 * are told (NOTIFY with PIDF). Where neither tells, the dialogs of a dialog-info do: busy while one goes on. Each change
 * of status, activity or note is told; the same word again once a second at most. A publication that runs out without
 * a refresh leaves the status unknown; one that is withdrawn leaves the user offline. */
#include <stdlib.h>

#include "capture/body/dialog_info.h"
#include "capture/body/pidf.h"
#include "capture/call/siprec_note.h"
#include "capture/call/user_parts.h"

#define EVERY_NS USER_SECOND
#define EXPIRES_DEFAULT_S 3600

_Static_assert((int)USER_ACTIVE == PRESENCE_ACTIVE && (int)USER_OFFLINE == PRESENCE_OFFLINE &&
                   (int)USER_BUSY == PRESENCE_BUSY,
               "one order of states");

struct presence {
    struct entry entry;
    struct user_presence p;
};

size_t presence_bytes(void)
{
    return sizeof(struct presence);
}

/* ---- out ---- */

static void schedule(struct users *u, struct presence *e)
{
    int64_t due_ns = user_told_due(&e->entry, EVERY_NS);
    if (e->p.expires_ns)
        due_ns = user_earlier(due_ns, e->p.expires_ns - user_packet_time(u, 0));
    user_set_timer(u, &e->entry, due_ns);
}

static void tell(struct users *u, struct presence *e, bool urgent)
{
    if (user_may_tell(u, &e->entry, urgent, EVERY_NS))
        user_push(u, EVENT_PRESENCE, &e->p, sizeof e->p);
    schedule(u, e);
}

void presence_last(struct users *u, struct entry *entry)
{
    struct presence *e = (struct presence *)(void *)entry;
    e->p.last = true;
    e->p.before = e->p.status;
    user_push(u, EVENT_PRESENCE, &e->p, sizeof e->p);
}

/* ---- what is known ---- */

static struct presence *find(struct users *u, const char *aor, uint32_t space, bool may_add)
{
    struct slots *table = &u->table[PART_PRESENCE];
    if (aor[0] == '\0')
        return NULL;
    uint64_t hash = user_hash(u, aor, space, PART_PRESENCE);
    struct map_probe probe = slots_probe(table, hash);
    for (struct presence *e; (e = slots_next(table, &probe)) != NULL;)
        if (e->p.space == space && strcmp(e->p.aor, aor) == 0)
            return e;
    struct presence *e = may_add ? user_add(u, PART_PRESENCE, hash, SLOT_CHEAP) : NULL;
    if (e == NULL)
        return NULL;
    slice_copy_to(slice_str(aor), e->p.aor, sizeof e->p.aor);
    e->p.space = space;
    return e;
}

static bool differs(const struct user_presence *a, const struct user_presence *b)
{
    return a->status != b->status || strcmp(a->activity, b->activity) != 0 ||
           strcmp(a->note, b->note) != 0;
}

/* Puts `now` in place of what was known; who, counts and the beginning of the status stay. */
static void apply(struct users *u, const struct user_presence *now)
{
    struct presence *e = find(u, now->aor, now->space, true);
    if (e == NULL)
        return;
    struct user_presence before = e->p;
    bool first = before.at_ns == 0;
    bool changed = first || differs(&before, now);
    e->p = *now;
    e->p.before = before.status;
    e->p.updates = before.updates + 1;
    e->p.changes = before.changes + (changed && !first);
    e->p.since_ns = !first && before.status == now->status ? before.since_ns : now->at_ns;
    e->p.idle_since_ns = now->status == USER_IDLE ? e->p.since_ns : 0;
    slots_touch(&u->table[PART_PRESENCE], e, SLOT_CHEAP);
    tell(u, e, changed);
}

/* ---- documents ---- */

static void read_common(struct user_presence *p, const struct sighting *s, enum presence_source source)
{
    p->space = s->d->src.space;
    p->src = s->d->src;
    p->at_ns = s->d->time_ns;
    p->source = (uint8_t)source;
}

static bool read_pidf(struct users *u, struct slice body, struct user_presence *p)
{
    struct pidf doc;
    if (!xml_was_read(u->c->counters, pidf_read(u->xml, body, &doc)))
        return false;
    p->status = (uint8_t)doc.state;
    for (unsigned i = 0; i < doc.tuple_count; i++) {
        p->open |= doc.tuples[i].basic == PIDF_OPEN;
        if (p->contact[0] == '\0')
            user_text(doc.tuples[i].contact, p->contact, sizeof p->contact);
    }
    if (doc.activity_count)
        user_text(doc.activities[0], p->activity, sizeof p->activity);
    user_text(doc.note, p->note, sizeof p->note);
    user_aor_of_uri(doc.entity, p->aor, sizeof p->aor);
    return true;
}

static bool read_dialogs(struct users *u, struct slice body, struct user_presence *p)
{
    struct dialog_info info;
    if (!xml_was_read(u->c->counters, dialog_info_read(u->xml, body, &info)))
        return false;
    bool busy = false;
    for (unsigned i = 0; i < info.dialog_count; i++)
        busy |= info.dialogs[i].state >= DIALOG_INFO_EARLY && info.dialogs[i].state <= DIALOG_INFO_CONFIRMED;
    p->status = busy ? USER_BUSY : USER_ACTIVE;
    p->open = true;
    if (busy)
        memcpy(p->activity, "on-the-phone", sizeof "on-the-phone");
    user_aor_of_uri(info.entity, p->aor, sizeof p->aor);
    return true;
}

static bool is_pidf(const struct sip_msg *m)
{
    return m->body.size && !(m->flags & SIP_FLAG_BODY_ENCODED) &&
           slice_is_nocase(user_content_type(m), "application/pidf+xml");
}

/* ---- NOTIFY ---- */

void presence_notified(struct users *u, const struct sighting *s, const char *resource)
{
    struct user_presence p = {0};
    bool dialogs = s->m->body.size && !(s->m->flags & SIP_FLAG_BODY_ENCODED) &&
                   slice_is_nocase(user_content_type(s->m), "application/dialog-info+xml");
    read_common(&p, s, dialogs ? PRESENCE_BY_DIALOG : PRESENCE_BY_NOTIFY);
    if (!(is_pidf(s->m) && read_pidf(u, s->m->body, &p)) &&
        !(dialogs && read_dialogs(u, s->m->body, &p)))
        return;
    if (strchr(p.aor, '@') == NULL)
        slice_copy_to(slice_str(resource), p.aor, sizeof p.aor);
    struct presence *e = find(u, p.aor, p.space, false);
    if (dialogs && e && e->p.source != PRESENCE_BY_DIALOG)
        return; /* a presence document says more */
    if (e && e->p.source == PRESENCE_BY_PUBLISH)
        p.expires_ns = e->p.expires_ns;
    apply(u, &p);
}

/* ---- PUBLISH ---- */

static bool is_presence(const struct sip_msg *m)
{
    struct slice event = sip_header(m, SIP_H_EVENT);
    return slice_is_nocase(slice_trim(slice_sub(event, 0, slice_index(event, ';'))), "presence");
}

/* Without a document: a refresh (RFC 3903 4.3), or the end of the publication (4.5). */
static void read_refresh(struct users *u, struct user_presence *p, bool removal)
{
    struct presence *e = find(u, p->aor, p->space, false);
    struct user_presence fresh = *p;
    if (e) {
        *p = e->p;
        p->at_ns = fresh.at_ns;
        p->src = fresh.src;
        p->source = fresh.source;
    }
    if (!removal)
        return;
    p->status = USER_OFFLINE;
    p->open = false;
    p->activity[0] = p->note[0] = '\0';
}

static void publish(struct users *u, const struct user_sight *w)
{
    const struct sighting *s = w->s;
    struct user_presence p = {0};
    uint32_t expires_s = user_seconds(sip_header(s->m, SIP_H_EXPIRES), EXPIRES_DEFAULT_S);
    if (!is_presence(s->m) || w->t == NULL)
        return;
    read_common(&p, s, PRESENCE_BY_PUBLISH);
    bool document = is_pidf(s->m);
    if (document && !read_pidf(u, s->m->body, &p))
        return;
    user_aor(&s->m->to, p.aor, sizeof p.aor);
    if (!document || expires_s == 0)
        read_refresh(u, &p, expires_s == 0);
    p.expires_ns = expires_s ? p.at_ns + expires_s * USER_SECOND : 0;
    w->t->kept = malloc(sizeof p);
    if (w->t->kept)
        memcpy(w->t->kept, &p, sizeof p);
}

static void accepted(struct users *u, const struct user_sight *w)
{
    struct user_presence *p = w->t->kept;
    uint32_t granted_s = user_seconds(sip_header(w->s->m, SIP_H_EXPIRES), 0);
    if (p == NULL)
        return;
    if (granted_s && p->expires_ns)
        p->expires_ns = w->s->d->time_ns + granted_s * USER_SECOND;
    apply(u, p);
}

void presence_see(struct users *u, const struct user_sight *w)
{
    if (w->verdict == TRANSACTION_NEW) {
        publish(u, w);
    } else if (w->verdict == TRANSACTION_FINAL) {
        if (w->s->m->status < 300)
            accepted(u, w);
        free(w->t->kept);
        w->t->kept = NULL;
    }
}

/* ---- time ---- */

void presence_due(struct users *u, struct entry *entry)
{
    struct presence *e = (struct presence *)(void *)entry;
    bool over = e->p.expires_ns && e->p.expires_ns <= u->c->time_ns;
    if (over) {
        e->p.before = e->p.status;
        e->p.changes += e->p.status != USER_UNKNOWN;
        e->p.at_ns = e->p.since_ns = e->p.expires_ns;
        e->p.expires_ns = 0;
        e->p.status = USER_UNKNOWN;
        e->p.open = false;
        e->p.activity[0] = '\0';
    }
    if (over || entry->dirty)
        tell(u, e, over);
    else
        schedule(u, e);
}
