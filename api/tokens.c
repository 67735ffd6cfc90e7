/* /tokens: for programs. The text of a new one is in the answer to POST and nowhere else; one that
 * was revoked stays in the list. */
#include <stdio.h>
#include <string.h>

#include "api/grant.h"

#define DEPTH_MAX  4
#define TOKENS_MAX 1000
#define LIFE_MAX_S (INT64_C(36500) * 86400)

static void token_json(struct json *j, const struct store_token *t, const char *text)
{
    struct grant g = {.limit = t->limit};
    struct slice rest = slice_str(t->cidrs);

    snprintf(g.role, sizeof g.role, "%s", t->role);
    snprintf(g.scopes, sizeof g.scopes, "%s", t->scopes);
    json_object(j);
    json_kv_str(j, "id", t->id);
    json_kv_str(j, "name", t->name);
    grant_json(j, &g);
    json_key(j, "source_networks");
    json_array(j);
    while (rest.size)
        json_text(j, slice_trim(slice_cut(&rest, ',')));
    json_end(j);
    json_kv_time(j, "created_at", t->created_us);
    json_kv_time(j, "expires_at", t->expires_us);
    json_kv_time(j, "last_used_at", t->used_us);
    json_kv_bool(j, "revoked", t->revoked);
    if (text)
        json_kv_str(j, "token", text);
    json_end(j);
}

static void list_one(void *context, const struct store_token *t)
{
    token_json(context, t, NULL);
}

void handle_tokens(struct exchange *x)
{
    struct json j;

    if (!exchange_audit_read(x, "tokens.read", "tokens", NULL))
        return;
    exchange_list(x, &j);
    int err = store_tokens(x->reader, list_one, &j);
    if (err)
        exchange_store_problem(x, err, "token");
    else
        exchange_list_done(x, &j);
}

/* ---- making one ---- */

struct reading {
    struct exchange *x;
    struct grant grant;
    char name[sizeof((struct store_token *)0)->name];
    char cidrs[STORE_CIDRS_TEXT];
    int64_t life_s;
};

static bool take_name(struct reading *r, const struct json_value *value)
{
    struct slice text;

    if (!json_value_text(value, &text) || text.size >= sizeof r->name)
        return grant_refuse(r->x, "name", "`name` is a text of at most 63 bytes.");
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] == 127)
            return grant_refuse(r->x, "name", "`name` has no control characters.");
    slice_copy_to(text, r->name, sizeof r->name);
    return auth_name_free(r->name) || grant_refuse(r->x, "name",
                                                   "`name` would be another's in the audit log: "
                                                   "not local, anonymous, system, and no colon.");
}

static bool take_member(void *context, struct slice key, const struct json_value *value)
{
    struct reading *r = context;
    enum grant_taken taken = grant_take(r->x, key, value, &r->grant);

    if (taken != GRANT_OTHER)
        return taken == GRANT_TAKEN;
    if (slice_is(key, "name"))
        return take_name(r, value);
    if (slice_is(key, "source_networks"))
        return grant_list(r->x, "source_networks", value, auth_network_valid, r->cidrs,
                          sizeof r->cidrs);
    if (slice_is(key, "expires_in_s"))
        return (json_value_int(value, &r->life_s) && r->life_s >= 1 && r->life_s <= LIFE_MAX_S) ||
               grant_refuse(r->x, "expires_in_s",
                            "`expires_in_s` is a number of seconds from 1 on.");
    return grant_refuse(
        r->x, NULL,
        "The members are `name`, `role`, `scopes`, `limit`, `source_networks` and `expires_in_s`.");
}

static bool read_token(struct reading *r)
{
    struct exchange *x = r->x;
    struct json_value *root = exchange_object(x, DEPTH_MAX);
    bool good = root && json_value_members(root, take_member, r);

    json_read_free(root);
    if (good && (r->name[0] == '\0' || r->grant.role[0] == '\0'))
        return grant_refuse(x, NULL, "A new token needs `name` and `role`.");
    return good && grant_holds(x, &r->grant);
}

static bool has_room(struct exchange *x)
{
    unsigned n = 0;
    int err = store_token_count(x->reader, &n);

    if (err)
        exchange_store_problem(x, err, "token");
    else if (n >= TOKENS_MAX)
        problem(x->rs, x->rq, 409, "too_many_tokens", NULL, "There are %d tokens.", TOKENS_MAX);
    return err == 0 && n < TOKENS_MAX;
}

static bool store(struct exchange *x, const char *action, const struct store_token *t)
{
    const struct api_config *config = x->api->config;
    char detail[300];

    snprintf(detail, sizeof detail, "%s, role %s%s%s%s%.100s", t->name, t->role,
             t->scopes[0] ? ", scopes " : "", t->scopes, x->rq->access_reason ? "; " : "",
             x->rq->access_reason ? x->rq->access_reason : "");
    if (!exchange_audit(x, action, t->id, "ok", detail))
        return false;
    int err = config->access.put_token(config->access.context, t);
    if (err)
        exchange_store_problem(x, err, "token");
    return err == 0;
}

void handle_create_token(struct exchange *x)
{
    struct reading r = {.x = x};
    struct store_token token;
    char text[80];
    struct json j;

    if (!read_token(&r) || !has_room(x))
        return;
    api_token_make(r.name, r.grant.role, x->rq->now_us, text, &token);
    token.expires_us = r.life_s ? x->rq->now_us + r.life_s * 1000000 : 0;
    token.limit = r.grant.limit;
    snprintf(token.scopes, sizeof token.scopes, "%s", r.grant.scopes);
    snprintf(token.cidrs, sizeof token.cidrs, "%s", r.cidrs);
    if (store(x, "token.create", &token)) {
        json_init(&j, &x->rs->body);
        token_json(&j, &token, text);
        exchange_json_done(x);
        x->rs->status = x->rs->status == 200 ? 201 : x->rs->status;
    }
    explicit_bzero(text, sizeof text);
}

void handle_revoke_token(struct exchange *x)
{
    struct store_token token;
    int err = store_token(x->reader, x->rq->path_value[0], &token);

    if (err) {
        exchange_store_problem(x, err, "token");
        return;
    }
    token.revoked = true;
    if (store(x, "token.revoke", &token))
        x->rs->status = 204;
}
