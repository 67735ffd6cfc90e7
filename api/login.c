/* POST and DELETE /sessions: logging in and out; GET /me: who one is. A login gives a cookie that
 * no script can read and that no other site's page can have sent, and a word that changing requests
 * must say (X-CSRF-Token). Whether a name exists is not to be told from the answer or its time. Of
 * passwords at most two are looked at at once: each takes 30 MiB. */
#include <stdio.h>
#include <string.h>

#include "api/grant.h"
#include "base/crypto.h"

#define DEPTH_MAX      2
#define CHECKS_AT_ONCE 2

enum { LOGIN_OK, LOGIN_REFUSED, LOGIN_LOCKED, LOGIN_BUSY }; /* LABELS(LOGIN) */

static void count(struct exchange *x, unsigned result)
{
    counters_add(x->counters, C_LOGINS + result, 1);
}

/* ---- /me ---- */

static const char *kind_name(enum identity_kind kind)
{
    static const char *const NAMES[] = {"none", "local", "token", "user"};
    return NAMES[kind];
}

static void me_json(struct exchange *x, const struct identity *who)
{
    const char *name = who->kind == IDENTITY_ACCOUNT ? who->owner.account : who->name;
    struct json j;

    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_str(&j, "kind", kind_name(who->kind));
    json_kv_str(&j, "name", name);
    json_kv_str(&j, "role", who->role[0] ? who->role : NULL);
    grant_scopes_json(&j, who->scopes);
    grant_limit_json(&j, &who->limit);
    json_kv_bool(&j, "session", who->session != 0);
    json_kv_time(&j, "expires_at", who->expires_us);
    json_kv_str(&j, "csrf_token", who->session ? who->csrf : NULL);
    json_end(&j);
    exchange_json_done(x);
}

void handle_me(struct exchange *x)
{
    me_json(x, &x->who);
}

/* ---- logging in ---- */

struct asked {
    struct exchange *x;
    struct slice name, password, token;
    char token_text[80], name_text[64];
};

static bool take_member(void *context, struct slice key, const struct json_value *value)
{
    struct asked *a = context;
    const struct {
        const char *name;
        struct slice *text;
    } members[] = {{"name", &a->name}, {"password", &a->password}, {"token", &a->token}};

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (slice_is(key, members[i].name)) {
            if (json_value_text(value, members[i].text))
                return true;
            return grant_refuse(a->x, members[i].name, "This is a text.");
        }
    return grant_refuse(a->x, NULL, "The members are `name` and `password`, or `token`.");
}

static bool is_whole(struct asked *a)
{
    if (a->token.data ? a->name.data || a->password.data : !a->name.data || !a->password.data)
        return grant_refuse(a->x, NULL, "The members are `name` and `password`, or `token`.");
    return true;
}

/* What can be no name or token is one that does not exist. */
static void copy_out(struct slice text, char *out, size_t size)
{
    out[0] = '\0';
    if (text.size < size && (text.size == 0 || memchr(text.data, '\0', text.size) == NULL))
        slice_copy_to(text, out, size);
}

static bool locked(struct exchange *x)
{
    unsigned wait_s = attempts_wait(x->api->attempts, x->rq->peer, x->rq->now_us);

    if (wait_s == 0)
        return false;
    count(x, LOGIN_LOCKED);
    problem_wait(x->rs, x->rq, "too_many_failures", wait_s);
    return true;
}

static void refuse(struct exchange *x, const struct asked *a)
{
    count(x, LOGIN_REFUSED);
    attempts_failed(x->api->attempts, x->rq->peer, x->rq->now_us, ATTEMPT_PASSWORD);
    if (api_take_budget(x->api, x->rq->now_us) &&
        !exchange_audit(x, "login", a->name_text[0] ? a->name_text : "token", "denied", NULL))
        return;
    problem(x->rs, x->rq, 401, "login_refused", NULL,
            "This name and password, or this token, are not known.");
}

static void refuse_broken(struct exchange *x)
{
    problem(x->rs, x->rq, 503, "database_busy", NULL,
            "Who may log in cannot be read at the moment; try again.");
}

static bool password_fits(struct exchange *x, const char *hash, struct slice password,
                          bool *ret_fits)
{
    bool free_place = atomic_fetch_add(&x->api->password_checks, 1) < CHECKS_AT_ONCE;

    if (free_place)
        *ret_fits = crypto_password_verify(hash, password);
    atomic_fetch_sub(&x->api->password_checks, 1);
    if (free_place)
        return true;
    count(x, LOGIN_BUSY);
    problem(x->rs, x->rq, 503, "busy", NULL, "Others are logging in; try again.");
    http_header(x->rs, "Retry-After", "1");
    return false;
}

/* False: the problem is set. */
static bool check_account(struct exchange *x, const struct asked *a,
                          struct session_owner *ret_owner)
{
    static const struct store_account NOBODY = {.disabled = true};
    struct store_account account;
    bool fits = false;

    int err = store_account(x->reader, a->name_text, &account);
    if (err && err != ERR_NOT_FOUND) {
        refuse_broken(x);
        return false;
    }
    if (err)
        account = NOBODY;
    if (!password_fits(x, account.password, a->password, &fits))
        return false;
    if (!fits || account.disabled) {
        refuse(x, a);
        return false;
    }
    snprintf(ret_owner->account, sizeof ret_owner->account, "%s", account.name);
    ret_owner->changed_us = account.changed_us;
    return true;
}

static bool check_token(struct exchange *x, const struct asked *a, struct session_owner *ret_owner)
{
    struct auth_sources sources;
    struct store_token token;

    api_auth_sources(x, &sources);
    enum auth_verdict v = auth_token(a->token_text, x->rq, &sources, &token);
    if (v == AUTH_BROKEN) {
        refuse_broken(x);
    } else if (v != AUTH_OK) {
        refuse(x, a);
    } else {
        snprintf(ret_owner->token, sizeof ret_owner->token, "%s", token.id);
        return true;
    }
    return false;
}

static void set_cookie(struct exchange *x, const char *secret, int64_t seconds)
{
    http_header(x->rs, "Set-Cookie",
                AUTH_COOKIE "=%s; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=%lld", secret,
                (long long)seconds);
}

static void let_in(struct exchange *x, const struct session_owner *owner)
{
    const struct api_config *config = x->api->config;
    char secret[SESSION_SECRET_SIZE];
    struct auth_sources sources;
    struct session session;

    api_auth_sources(x, &sources);
    x->who = (struct identity){0};
    snprintf(x->who.name, sizeof x->who.name, owner->token[0] ? "token" : "user:%s",
             owner->account);
    if (!exchange_audit(x, "login", owner->token[0] ? owner->token : owner->account, "ok",
                        x->rq->access_reason))
        return;
    sessions_open(sources.sessions, owner, x->rq->now_us, x->counters, secret, &session);
    if (auth_session(&session, x->rq, &sources, &x->who) != AUTH_OK) {
        sessions_close(sources.sessions, session.serial, x->counters);
        refuse_broken(x);
        return;
    }
    if (owner->account[0])
        config->access.account_used(config->access.context, owner->account, x->rq->now_us);
    count(x, LOGIN_OK);
    x->rs->status = 201;
    set_cookie(x, secret, (session.expires_us - x->rq->now_us) / 1000000);
    crypto_wipe(secret, sizeof secret);
    me_json(x, &x->who);
}

/* False: the problem is set. The texts borrow from the root. */
static bool read_asked(struct asked *a, struct json_value **ret_root)
{
    struct json_value *root = exchange_object(a->x, DEPTH_MAX);

    *ret_root = root;
    if (root == NULL || !json_value_members(root, take_member, a) || !is_whole(a))
        return false;
    copy_out(a->name, a->name_text, sizeof a->name_text);
    copy_out(a->token, a->token_text, sizeof a->token_text);
    return true;
}

void handle_login(struct exchange *x)
{
    struct asked a = {.x = x};
    struct session_owner owner = {0};
    struct json_value *root = NULL;

    if (x->rq->cross_site) {
        problem(x->rs, x->rq, 403, "cross_site", NULL, "Another site's page cannot log in here.");
        return;
    }
    if (locked(x))
        return;
    if (read_asked(&a, &root) &&
        (a.token.data ? check_token(x, &a, &owner) : check_account(x, &a, &owner)))
        let_in(x, &owner);
    explicit_bzero(a.token_text, sizeof a.token_text);
    json_read_free(root);
}

void handle_logout(struct exchange *x)
{
    if (x->who.session == 0) {
        problem(x->rs, x->rq, 409, "no_session", NULL, "This request came without a session.");
        return;
    }
    if (!exchange_audit(x, "logout", x->who.name, "ok", NULL))
        return;
    sessions_close(x->api->sessions, x->who.session, x->counters);
    set_cookie(x, "", 0);
    x->rs->status = 204;
}

/* ---- one's own password ---- */

struct change {
    struct exchange *x;
    struct slice now, then;
};

static bool take_change(void *context, struct slice key, const struct json_value *value)
{
    struct change *c = context;

    if (slice_is(key, "password") && json_value_text(value, &c->now))
        return true;
    if (slice_is(key, "new_password") && json_value_text(value, &c->then))
        return true;
    return grant_refuse(c->x, NULL, "The members are the texts `password` and `new_password`.");
}

static void change_password(struct exchange *x, struct store_account *account,
                            const struct change *c)
{
    const struct api_config *config = x->api->config;
    struct asked a = {.x = x};
    bool fits = false;

    snprintf(a.name_text, sizeof a.name_text, "%s", account->name);
    if (!password_fits(x, account->password, c->now, &fits))
        return;
    if (!fits) {
        refuse(x, &a);
        return;
    }
    if (!account_password_set(x, account, c->then) ||
        !exchange_audit(x, "user.password", account->name, "ok", NULL))
        return;
    int err = config->access.put_account(config->access.context, account);
    if (err) {
        account_put_problem(x, err);
        return;
    }
    sessions_close(x->api->sessions, x->who.session, x->counters);
    set_cookie(x, "", 0);
    x->rs->status = 204;
}

void handle_put_password(struct exchange *x)
{
    struct change c = {.x = x};
    struct store_account account;

    if (x->who.kind != IDENTITY_ACCOUNT) {
        problem(x->rs, x->rq, 409, "no_account", NULL,
                "Only who logged in by name has a password.");
        return;
    }
    if (locked(x))
        return;
    struct json_value *root = NULL;
    int err = store_account(x->reader, x->who.owner.account, &account);
    if (err)
        exchange_store_problem(x, err, "user");
    else if ((root = exchange_object(x, DEPTH_MAX)) != NULL && json_value_members(root, take_change, &c) &&
             (c.now.data && c.then.data
                  ? true
                  : grant_refuse(x, NULL,
                                 "The members are the texts `password` and `new_password`.")))
        change_password(x, &account, &c);
    json_read_free(root);
}
