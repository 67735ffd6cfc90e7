/* /users: who may log in, and as what. Passwords come in and never go out; whatever changes an
 * account ends its sessions. Nobody changes or deletes the account they act as: an appliance keeps
 * an administrator, and nobody gives themselves more. */
#include <stdio.h>
#include <string.h>

#include "api/grant.h"
#include "base/crypto.h"

#define DEPTH_MAX    4
#define ACCOUNTS_MAX 1000
#define PASSWORD_MIN 12
#define PASSWORD_MAX 256

/* ---- out ---- */

static void account_json(struct json *j, const struct store_account *a)
{
    struct grant g = {.limit = a->limit};

    snprintf(g.role, sizeof g.role, "%s", a->role);
    snprintf(g.scopes, sizeof g.scopes, "%s", a->scopes);
    json_object(j);
    json_kv_str(j, "name", a->name);
    grant_json(j, &g);
    json_kv_bool(j, "disabled", a->disabled);
    json_kv_time(j, "created_at", a->created_us);
    json_kv_time(j, "changed_at", a->changed_us);
    json_kv_time(j, "last_login_at", a->used_us);
    json_end(j);
}

static void answer(struct exchange *x, const struct store_account *a)
{
    struct json j;

    json_init(&j, &x->rs->body);
    account_json(&j, a);
    exchange_json_done(x);
}

static void list_one(void *context, const struct store_account *a)
{
    account_json(context, a);
}

void handle_accounts(struct exchange *x)
{
    struct json j;

    if (!exchange_audit_read(x, "logins.read", "users", NULL))
        return;
    exchange_list(x, &j);
    int err = store_accounts(x->reader, list_one, &j);
    if (err)
        exchange_store_problem(x, err, "user");
    else
        exchange_list_done(x, &j);
}

static bool find(struct exchange *x, struct store_account *ret_account)
{
    int err = store_account(x->reader, x->rq->path_value[0], ret_account);

    if (err)
        account_put_problem(x, err);
    return err == 0;
}

void handle_account(struct exchange *x)
{
    struct store_account a;

    if (find(x, &a))
        answer(x, &a);
}

/* ---- in ---- */

struct reading {
    struct exchange *x;
    struct store_account *account;
    struct grant grant;
    bool created;
    bool disabled;
    struct slice name, password;
};

static bool name_valid(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        char c = (char)s.data[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!plain && (c == '\0' || strchr("._-@+", c) == NULL))
            return false;
    }
    return s.size > 0 && s.size < sizeof((struct store_account *)0)->name && s.data[0] != '.';
}

static bool take_member(void *context, struct slice key, const struct json_value *value)
{
    struct reading *r = context;
    enum grant_taken taken = grant_take(r->x, key, value, &r->grant);

    if (taken != GRANT_OTHER)
        return taken == GRANT_TAKEN;
    if (slice_is(key, "password"))
        return json_value_text(value, &r->password) ||
               grant_refuse(r->x, "password", "`password` is a text.");
    if (slice_is(key, "disabled"))
        return json_value_bool(value, &r->disabled) ||
               grant_refuse(r->x, "disabled", "`disabled` is true or false.");
    if (slice_is(key, "name") && r->created)
        return (json_value_text(value, &r->name) && name_valid(r->name)) ||
               grant_refuse(r->x, "name", "`name` has 1 to 63 letters, digits and . _ - @ +.");
    return grant_refuse(r->x, NULL,
                        r->created ? "The members are `name`, `password`, `role`, `scopes`, `limit` and `disabled`."
                                   : "The members are `password`, `role`, `scopes`, `limit` and `disabled`.");
}

bool account_password_set(struct exchange *x, struct store_account *a, struct slice password)
{
    if (password.size < PASSWORD_MIN || password.size > PASSWORD_MAX)
        return grant_refuse(x, "password", "A password has 12 to 256 bytes.");
    if (crypto_password_hash(password, a->password) != 0) {
        problem(x->rs, x->rq, 503, "no_memory", NULL,
                "There is no memory to take a password; try again.");
        return false;
    }
    a->changed_us = x->rq->now_us;
    return true;
}

/* What was read into the account. False: the problem is set. */
static bool take_over(struct reading *r)
{
    struct store_account *a = r->account;

    if (r->created && (r->name.size == 0 || r->password.data == NULL || r->grant.role[0] == '\0'))
        return grant_refuse(r->x, NULL, "A new user needs `name`, `password` and `role`.");
    if (!grant_holds(r->x, &r->grant))
        return false;
    if (r->created)
        slice_copy_to(r->name, a->name, sizeof a->name);
    snprintf(a->role, sizeof a->role, "%s", r->grant.role);
    snprintf(a->scopes, sizeof a->scopes, "%s", r->grant.scopes);
    a->limit = r->grant.limit;
    a->disabled = r->disabled;
    a->changed_us = r->x->rq->now_us;
    return r->password.data == NULL || account_password_set(r->x, a, r->password);
}

static bool read_account(struct exchange *x, struct store_account *account, bool created)
{
    struct reading r = {
        .x = x, .account = account, .created = created, .disabled = account->disabled};

    snprintf(r.grant.role, sizeof r.grant.role, "%s", account->role);
    snprintf(r.grant.scopes, sizeof r.grant.scopes, "%s", account->scopes);
    r.grant.limit = account->limit;
    struct json_value *root = exchange_object(x, DEPTH_MAX);
    bool good = root && json_value_members(root, take_member, &r) && take_over(&r);
    json_read_free(root);
    return good;
}

static bool is_oneself(struct exchange *x, const char *name)
{
    if (x->who.kind != IDENTITY_ACCOUNT || strcmp(x->who.owner.account, name) != 0)
        return false;
    problem(x->rs, x->rq, 409, "own_account", NULL,
            "Nobody changes the account they act as; a password is changed at /me/password.");
    return true;
}

void account_put_problem(struct exchange *x, int err)
{
    if (err == ERR_EXISTS)
        problem(x->rs, x->rq, 409, "user_changed", NULL, "Somebody else has just made, changed or deleted this user: look again.");
    else
        exchange_store_problem(x, err, "user");
}

static bool store(struct exchange *x, const char *action, const struct store_account *a)
{
    const struct api_config *config = x->api->config;
    char detail[300];

    snprintf(detail, sizeof detail, "role %s%s%s%s%s%.150s", a->role,
             a->scopes[0] ? ", scopes " : "", a->scopes, a->disabled ? ", disabled" : "",
             x->rq->access_reason ? "; " : "", x->rq->access_reason ? x->rq->access_reason : "");
    if (!exchange_audit(x, action, a->name, "ok", detail))
        return false;
    int err = config->access.put_account(config->access.context, a);
    if (err)
        exchange_store_problem(x, err, "user");
    return err == 0;
}

static bool has_room(struct exchange *x)
{
    unsigned n = 0;
    int err = store_account_count(x->reader, &n);

    if (err)
        exchange_store_problem(x, err, "user");
    else if (n >= ACCOUNTS_MAX)
        problem(x->rs, x->rq, 409, "too_many_users", NULL, "There are %d users; delete one first.",
                ACCOUNTS_MAX);
    return err == 0 && n < ACCOUNTS_MAX;
}

void handle_create_account(struct exchange *x)
{
    struct store_account a = {.created_us = x->rq->now_us}, there;

    if (!read_account(x, &a, true) || !has_room(x))
        return;
    int err = store_account(x->reader, a.name, &there);
    if (err == 0) {
        problem(x->rs, x->rq, 409, "user_exists", "name", "There is a user of this name.");
    } else if (err != ERR_NOT_FOUND) {
        exchange_store_problem(x, err, "user");
    } else if (store(x, "user.create", &a)) {
        x->rs->status = 201;
        answer(x, &a);
    }
    crypto_wipe(a.password, sizeof a.password);
}

void handle_put_account(struct exchange *x)
{
    struct store_account a;

    if (is_oneself(x, x->rq->path_value[0]) || !find(x, &a) || !read_account(x, &a, false))
        return;
    if (store(x, "user.change", &a))
        answer(x, &a);
}

void handle_delete_account(struct exchange *x)
{
    const struct api_config *config = x->api->config;
    struct store_account a;

    if (is_oneself(x, x->rq->path_value[0]) || !find(x, &a) ||
        !exchange_audit(x, "user.delete", a.name, "ok", x->rq->access_reason))
        return;
    int err = config->access.drop_account(config->access.context, a.name);
    if (err)
        exchange_store_problem(x, err, "user");
    else
        x->rs->status = 204;
}
