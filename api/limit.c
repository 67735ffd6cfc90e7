#include "api/limit.h"

#include <string.h>

bool limit_is_set(const struct store_limit *l)
{
    return l->tenants[0] || l->sites[0] || l->trunks[0] || l->prefixes[0] || l->max_age_s;
}

static bool listed(const char *list, struct slice name)
{
    struct slice rest = slice_str(list);
    while (rest.size) {
        struct slice item = slice_trim(slice_cut(&rest, ','));
        if (name.size && slice_equal(item, name))
            return true;
    }
    return false;
}

/* The number as it was written, or as the rules write it. */
static bool begins(const char *list, struct slice number)
{
    struct slice rest = slice_str(list);
    while (rest.size) {
        struct slice item = slice_trim(slice_cut(&rest, ','));
        if (item.size && slice_equal(slice_sub(number, 0, item.size), item))
            return true;
    }
    return false;
}

/* Numbers of both sides. */
static bool allows_number(const struct store_limit *l, const struct slice *numbers, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (begins(l->prefixes, numbers[i]))
            return true;
    return !l->prefixes[0];
}

static bool allows(const struct store_limit *l, struct slice tenant, struct slice trunk,
                   struct slice from_site, struct slice to_site)
{
    if (l->tenants[0] && !listed(l->tenants, tenant))
        return false;
    if (l->trunks[0] && !listed(l->trunks, trunk))
        return false;
    return !l->sites[0] || listed(l->sites, from_site) || listed(l->sites, to_site);
}

bool limit_allows_record(const struct store_limit *l, const struct call_record *r)
{
    const struct slice numbers[] = {r->from.user, r->to.user, r->identity.caller.number, r->identity.callee.number};

    return r->started_us >= l->since_us && allows_number(l, numbers, 4) &&
           allows(l, r->tenant, r->trunk, r->from_site, r->to_site);
}

static struct slice text_of(const char *text)
{
    return text ? slice_str(text) : slice_none();
}

bool limit_allows_live(const struct store_limit *l, const struct live_call *c)
{
    const struct slice numbers[] = {slice_str(c->from_user), slice_str(c->to_user)};

    return c->started_us >= l->since_us && allows_number(l, numbers, 2) &&
           allows(l, text_of(c->tenant), text_of(c->trunk), text_of(c->from_site),
                  text_of(c->to_site));
}

/* Cuts the list in place. */
static bool fill(char *list, const char *values[STORE_VALUES_MAX])
{
    char *rest = NULL;
    unsigned n = 0;
    for (char *name = strtok_r(list, ", ", &rest); name; name = strtok_r(NULL, ", ", &rest)) {
        if (n == STORE_VALUES_MAX)
            return false;
        values[n++] = name;
    }
    return true;
}

bool limit_query_fill(struct limit_query *lq, const struct store_limit *l, struct store_query *q)
{
    lq->text = *l;
    bool good = fill(lq->text.tenants, q->only_tenant) && fill(lq->text.sites, q->only_site) &&
                fill(lq->text.trunks, q->only_trunk) &&
                fill(lq->text.prefixes, q->only_prefix);
    if (l->since_us > q->from_us)
        q->from_us = l->since_us;
    /* a list of nothing but separators is no list of everything */
    return good && (!l->tenants[0] || q->only_tenant[0]) && (!l->sites[0] || q->only_site[0]) &&
           (!l->trunks[0] || q->only_trunk[0]) && (!l->prefixes[0] || q->only_prefix[0]);
}
