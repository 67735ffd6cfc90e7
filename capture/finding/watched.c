/* Look-up by keyed hash, the two found last without one. */
#include "capture/finding/watched.h"

static uint64_t hash_of(const struct watched *w, const struct endpoint *at)
{
    uint64_t words[3] = {at->addr.high, at->addr.low, at->space};
    return hash_words(&w->seed, words, 3);
}

int watched_init(struct watched *w, const struct hash_seed *seed, uint32_t max)
{
    *w = (struct watched){.seed = *seed};
    const struct endpoint nobody = {0};
    w->ahead[0].hash = w->ahead[1].hash = hash_of(w, &nobody);
    int err = slots_init(&w->addresses, max, sizeof(struct address), 0);
    w->addresses.clear_bytes = offsetof(struct address, users);
    int other = slots_init(&w->users, max, sizeof(struct user), 0);
    return err ? err : other;
}

void watched_fini(struct watched *w)
{
    slots_fini(&w->addresses);
    slots_fini(&w->users);
}

/* ---- addresses ---- */

static bool is_at(const struct address *a, const struct endpoint *at)
{
    return addr_equal(a->addr, at->addr) && a->space == at->space;
}

static void drop_address(struct watched *w, struct address *a)
{
    for (unsigned i = 0; i < 2; i++)
        if (w->recent[i] == a)
            w->recent[i] = NULL;
    slots_remove(&w->addresses, a);
}

static struct address *add_address(struct watched *w, const struct endpoint *at, uint64_t hash)
{
    for (unsigned i = 0; i < 2; i++)
        if (w->recent[i])
            watched_touch(w, w->recent[i]); /* in use at this moment: not the oldest */
    struct address *victim = slots_victim(&w->addresses);
    if (victim && (victim == w->recent[0] || victim == w->recent[1]))
        return NULL; /* all others are worth more */
    if (victim)
        drop_address(w, victim);
    struct address *a = slots_add(&w->addresses, hash, SLOT_CHEAP);
    if (a == NULL)
        return NULL;
    a->addr = at->addr;
    a->space = at->space;
    a->users.used = a->places.used = a->probed.used = 0;
    for (unsigned i = 0; i < WATCHED_TRIED; i++)
        a->tried[i][0] = '\0';
    return a;
}

static void expect(struct watched *w, const struct endpoint *at, struct watched_key *key)
{
    if (addr_equal(key->addr, at->addr) && key->space == at->space)
        return;
    *key = (struct watched_key){at->addr, at->space, hash_of(w, at)};
    map_prefetch(&w->addresses.by_hash, key->hash);
}

void watched_expect(struct watched *w, const struct endpoint *src, const struct endpoint *dst)
{
    expect(w, src, &w->ahead[0]);
    expect(w, dst, &w->ahead[1]);
}

void watched_fetch(const struct watched *w)
{
    for (unsigned i = 0; i < 2; i++) {
        struct map_probe p = slots_probe(&w->addresses, w->ahead[i].hash);
        const struct address *a = slots_next(&w->addresses, &p);
        if (a == NULL)
            continue;
        __builtin_prefetch(a);
        __builtin_prefetch(&a->addr);
        __builtin_prefetch(&a->received, 1);
    }
}

static uint64_t hash_known(const struct watched *w, const struct endpoint *at)
{
    for (unsigned i = 0; i < 2; i++)
        if (addr_equal(w->ahead[i].addr, at->addr) && w->ahead[i].space == at->space)
            return w->ahead[i].hash;
    return hash_of(w, at);
}

static struct address *search_address(struct watched *w, const struct endpoint *at, bool *ret_new)
{
    uint64_t hash = hash_known(w, at);
    struct map_probe p = slots_probe(&w->addresses, hash);
    for (struct address *a; (a = slots_next(&w->addresses, &p)) != NULL;)
        if (is_at(a, at))
            return a;
    *ret_new = true;
    return add_address(w, at, hash);
}

struct address *watched_address(struct watched *w, const struct endpoint *at, bool *ret_new)
{
    struct address **recent = w->recent;
    *ret_new = false;
    if (recent[0] && is_at(recent[0], at))
        return recent[0];
    if (!recent[1] || !is_at(recent[1], at)) {
        struct address *a = search_address(w, at, ret_new);
        if (a == NULL)
            return NULL;
        recent[1] = a;
    }
    struct address *found = recent[1];
    recent[1] = recent[0];
    recent[0] = found;
    return found;
}

void watched_touch(struct watched *w, struct address *a)
{
    slots_touch(&w->addresses, a, a->server || a->success ? SLOT_DEAR : SLOT_CHEAP);
}

/* ---- users ---- */

struct user *watched_user(struct watched *w, const char *aor, uint32_t space, bool may_add)
{
    uint64_t words[2] = {hash_bytes(&w->seed, aor, strlen(aor)), space};
    uint64_t hash = hash_words(&w->seed, words, 2);
    struct map_probe p = slots_probe(&w->users, hash);
    for (struct user *u; (u = slots_next(&w->users, &p)) != NULL;)
        if (u->space == space && strncmp(u->aor, aor, sizeof u->aor - 1) == 0) {
            slots_touch(&w->users, u, SLOT_CHEAP);
            return u;
        }
    if (!may_add)
        return NULL;
    if (slots_victim(&w->users))
        slots_remove(&w->users, slots_victim(&w->users));
    struct user *u = slots_add(&w->users, hash, SLOT_CHEAP);
    if (u) {
        slice_copy_to(slice_str(aor), u->aor, sizeof u->aor);
        u->space = space;
    }
    return u;
}
