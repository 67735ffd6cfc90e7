#include "api/grant.h"

#include <stdio.h>

#include "api/limit.h"

#define LIST_MAX  8
#define NAME_MAX_ 32
#define AGE_MAX_S (INT64_C(36500) * 86400)

bool grant_refuse(struct exchange *x, const char *field, const char *what)
{
    problem(x->rs, x->rq, 400, "invalid_value", field, "%s", what);
    return false;
}

static bool is_of(struct slice s, const char *more)
{
    for (size_t i = 0; i < s.size; i++) {
        char c = (char)s.data[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && (c == '\0' || strchr(more, c) == NULL))
            return false;
    }
    return s.size > 0 && s.size <= NAME_MAX_;
}

static bool is_name(struct slice s)
{
    return is_of(s, "-_");
}

static bool is_prefix(struct slice s)
{
    return is_of(s, "+*#._-");
}

static bool is_scope(struct slice s)
{
    return auth_scope_of(s) != SCOPE_PUBLIC;
}

bool grant_list(struct exchange *x, const char *name, const struct json_value *value,
                bool (*good)(struct slice item), char *out, size_t size)
{
    size_t count = json_value_count(value), at = 0;
    struct slice item, text;

    out[0] = '\0';
    if (json_value_text(value, &text) || json_value_is_object(value) ||
        count > (good == is_scope ? 11 : LIST_MAX))
        return grant_refuse(x, name, "This is a list of at most eight texts.");
    for (size_t i = 0; i < count; i++) {
        if (!json_value_text(json_value_at(value, i), &item) || !good(item) ||
            at + item.size + 2 > size)
            return grant_refuse(x, name, "This list holds what cannot stand there.");
        at += (size_t)snprintf(out + at, size - at, "%s%.*s", at ? "," : "", SLICE_ARGS(item));
    }
    return true;
}

static bool take_role(struct exchange *x, const struct json_value *value, struct grant *g)
{
    struct slice text;

    if (json_value_text(value, &text) && text.size < sizeof g->role) {
        slice_copy_to(text, g->role, sizeof g->role);
        if (auth_role_scopes(g->role))
            return true;
    }
    return grant_refuse(
        x, "role",
        "`role` is metrics, viewer, analyst, listener, supervisor, admin, probe or auditor.");
}

struct limit_reading {
    struct exchange *x;
    struct store_limit limit;
};

static bool take_limit_member(void *context, struct slice name, const struct json_value *value)
{
    struct limit_reading *r = context;
    const struct {
        const char *name;
        char *out;
        bool (*good)(struct slice item);
    } lists[] = {{"tenants", r->limit.tenants, is_name},
                 {"sites", r->limit.sites, is_name},
                 {"trunks", r->limit.trunks, is_name},
                 {"number_prefixes", r->limit.prefixes, is_prefix}};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (slice_is(name, lists[i].name))
            return grant_list(r->x, "limit", value, lists[i].good, lists[i].out, STORE_LIMIT_TEXT);
    if (!slice_is(name, "max_age_s"))
        return grant_refuse(
            r->x, "limit",
            "A limit has `tenants`, `sites`, `trunks`, `number_prefixes` and `max_age_s`.");
    if (!json_value_int(value, &r->limit.max_age_s) || r->limit.max_age_s < 0 ||
        r->limit.max_age_s > AGE_MAX_S)
        return grant_refuse(r->x, "limit", "`max_age_s` is a number of seconds, or 0.");
    return true;
}

static bool take_limit(struct exchange *x, const struct json_value *value, struct grant *g)
{
    struct limit_reading r = {.x = x};

    if (!json_value_is_object(value))
        return grant_refuse(x, "limit", "`limit` is an object.");
    if (!json_value_members(value, take_limit_member, &r))
        return false;
    g->limit = r.limit;
    return true;
}

enum grant_taken grant_take(struct exchange *x, struct slice name, const struct json_value *value,
                            struct grant *g)
{
    bool good;

    if (slice_is(name, "role"))
        good = take_role(x, value, g);
    else if (slice_is(name, "scopes"))
        good = grant_list(x, "scopes", value, is_scope, g->scopes, sizeof g->scopes);
    else if (slice_is(name, "limit"))
        good = take_limit(x, value, g);
    else
        return GRANT_OTHER;
    return good ? GRANT_TAKEN : GRANT_REFUSED;
}

bool grant_holds(struct exchange *x, const struct grant *g)
{
    return auth_scopes(g->role, g->scopes) != 0 ||
           grant_refuse(x, "scopes",
                        "`scopes` leaves nothing: it takes some of the scopes of the role, and adds none.");
}

void grant_scopes_json(struct json *j, unsigned scopes)
{
    json_key(j, "scopes");
    json_array(j);
    for (unsigned bit = 1; bit & SCOPE_ALL; bit <<= 1)
        if (scopes & bit)
            json_str(j, auth_scope_name((enum scope)bit));
    json_end(j);
}

static void list_json(struct json *j, const char *key, const char *list)
{
    struct slice rest = slice_str(list);

    json_key(j, key);
    json_array(j);
    while (rest.size)
        json_text(j, slice_trim(slice_cut(&rest, ',')));
    json_end(j);
}

void grant_limit_json(struct json *j, const struct store_limit *l)
{
    if (!limit_is_set(l)) {
        json_kv_null(j, "limit");
        return;
    }
    json_key(j, "limit");
    json_object(j);
    list_json(j, "tenants", l->tenants);
    list_json(j, "sites", l->sites);
    list_json(j, "trunks", l->trunks);
    list_json(j, "number_prefixes", l->prefixes);
    json_kv_int(j, "max_age_s", l->max_age_s);
    json_end(j);
}

void grant_json(struct json *j, const struct grant *g)
{
    json_kv_str(j, "role", g->role);
    grant_scopes_json(j, auth_scopes(g->role, g->scopes));
    grant_limit_json(j, &g->limit);
}
