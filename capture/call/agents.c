/* The software that is about: names of User-Agent and Server. A table of names; what finds no room counts together as
 * "other". The name unused for longest gives its place only when it was seen once and not for an hour, so random names
 * push out nothing that is real. Told when new, then at most once a minute. */
#include "capture/call/user_parts.h"

#define EVERY_NS   (60 * USER_SECOND)
#define STALE_NS   (3600 * USER_SECOND)

enum { LABEL_LISTED, LABEL_OTHER };

struct agent {
    struct entry entry;
    int64_t last_steady_ns;
    struct user_agent_seen a;
};

size_t agents_bytes(void)
{
    return sizeof(struct agent);
}

static void tell(struct users *u, struct agent *e)
{
    if (user_may_tell(u, &e->entry, false, EVERY_NS))
        user_push(u, EVENT_AGENT, &e->a, sizeof e->a);
    user_set_timer(u, &e->entry, user_told_due(&e->entry, EVERY_NS));
}

void agents_due(struct users *u, struct entry *entry)
{
    tell(u, (struct agent *)(void *)entry);
}

void agents_last(struct users *u, struct entry *entry)
{
    struct agent *e = (struct agent *)(void *)entry;
    e->a.last = true;
    user_push(u, EVENT_AGENT, &e->a, sizeof e->a);
}

void agents_finish(struct users *u)
{
    u->others.last = true;
    if (u->others.other)
        user_push(u, EVENT_AGENT, &u->others, sizeof u->others);
}

/* ---- names ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Where the version begins: the first word behind a '/', ' ' or '-' that begins with a digit (or 'v' and one) and has
 * a dot in it. NULL: there is none. */
static const char *version_in(const char *name)
{
    for (const char *p = name; *p; p++) {
        bool behind = p > name && strchr("/ -", p[-1]) != NULL;
        const char *number = *p == 'v' || *p == 'V' ? p + 1 : p;
        if (!behind || !is_digit(*number))
            continue;
        size_t length = strcspn(number, " /(;");
        if (memchr(number, '.', length))
            return number;
    }
    return NULL;
}

static void split_name(struct user_agent_seen *a)
{
    const char *version = version_in(a->name);
    size_t product = version ? (size_t)(version - a->name) : strlen(a->name);
    while (product > 0 && strchr("/ -vV", a->name[product - 1]) && version)
        product--;
    slice_copy_to(slice_of(a->name, product), a->product, sizeof a->product);
    if (version)
        slice_copy_to(slice_of(version, strcspn(version, " /(;")), a->version, sizeof a->version);
}

/* ---- the table ---- */

static bool has_room(struct users *u)
{
    struct agent *victim = slots_victim(&u->table[PART_AGENT]);
    return victim == NULL || (victim->a.requests + victim->a.responses == 1 &&
                              victim->last_steady_ns + STALE_NS <= u->c->steady_ns);
}

static struct agent *find(struct users *u, struct slice name)
{
    struct slots *table = &u->table[PART_AGENT];
    struct slice kept = slice_sub(name, 0, sizeof((struct agent *)0)->a.name - 1);
    uint64_t hash = hash_bytes(&u->c->config.seed, kept.data, kept.size);
    struct map_probe p = slots_probe(table, hash);
    for (struct agent *e; (e = slots_next(table, &p)) != NULL;)
        if (e->entry.slot.hash == hash && slice_equal(slice_str(e->a.name), kept))
            return e;
    struct agent *e = has_room(u) ? user_add(u, PART_AGENT, hash, SLOT_CHEAP) : NULL;
    if (e == NULL)
        return NULL;
    slice_copy_to(kept, e->a.name, sizeof e->a.name);
    split_name(&e->a);
    return e;
}

static void note(struct user_agent_seen *a, const struct sighting *s)
{
    if (a->first_ns == 0)
        a->first_ns = s->d->time_ns;
    a->last_ns = s->d->time_ns;
    a->requests += s->m->request;
    a->responses += !s->m->request;
    a->at = s->d->src;
}

static void note_other(struct users *u, const struct sighting *s)
{
    struct user_agent_seen *a = &u->others;
    a->other = true;
    memcpy(a->name, "other", sizeof "other");
    memcpy(a->product, "other", sizeof "other");
    note(a, s);
    if (user_may_tell(u, &u->others_told, false, EVERY_NS))
        user_push(u, EVENT_AGENT, a, sizeof *a);
}

void agents_see(struct users *u, const struct sighting *s)
{
    struct slice name = user_software(s->m);
    name = slice_sub(name, 0, slice_index(name, '\0'));
    if (name.size == 0)
        return;
    struct agent *e = find(u, name);
    counters_add(u->c->counters, C_AGENT_MESSAGES + (e ? LABEL_LISTED : LABEL_OTHER), 1);
    if (e == NULL) {
        note_other(u, s);
        return;
    }
    note(&e->a, s);
    e->last_steady_ns = u->c->steady_ns;
    if (slots_number(&u->table[PART_AGENT], e) != u->table[PART_AGENT].newest[SLOT_CHEAP])
        slots_touch(&u->table[PART_AGENT], e, SLOT_CHEAP);
    if (!e->entry.dirty)
        tell(u, e);
}
