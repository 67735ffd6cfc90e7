#include "api/limit.h"

#include <string.h>

bool limit_is_set(const struct store_limit *l)
{
    return l->tenants[0] || l->sites[0] || l->trunks[0];
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
    return allows(l, r->tenant, r->trunk, r->from_site, r->to_site);
}

static struct slice text_of(const char *text)
{
    return text ? slice_str(text) : slice_none();
}

bool limit_allows_live(const struct store_limit *l, const struct live_call *c)
{
    return allows(l, text_of(c->tenant), text_of(c->trunk), text_of(c->from_site),
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
                fill(lq->text.trunks, q->only_trunk);
    /* a list of nothing but separators is no list of everything */
    return good && (!l->tenants[0] || q->only_tenant[0]) && (!l->sites[0] || q->only_site[0]) &&
           (!l->trunks[0] || q->only_trunk[0]);
}
