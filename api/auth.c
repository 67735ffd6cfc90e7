#include "api/auth.h"

#include <stdio.h>
#include <string.h>

#include "api/links.h"
#include "base/crypto.h"

#define SECRET_DIGITS SESSION_SECRET_DIGITS

static const struct {
    const char *name;
    unsigned scopes;
} ROLES[] = {
    {"metrics", SCOPE_METRICS},
    {"viewer", SCOPE_META},
    {"analyst", SCOPE_META | SCOPE_MESSAGES},
    {"listener", SCOPE_META | SCOPE_MESSAGES | SCOPE_AUDIO | SCOPE_LIVE},
    {"supervisor",
     SCOPE_META | SCOPE_MESSAGES | SCOPE_AUDIO | SCOPE_LIVE | SCOPE_EXPORT | SCOPE_CONTROL},
    /* Runs the appliance; hears nobody. */
    {"admin", SCOPE_METRICS | SCOPE_META | SCOPE_MESSAGES | SCOPE_EXPORT | SCOPE_CONTROL |
                  SCOPE_DELETE | SCOPE_ADMIN},
    {"probe", SCOPE_PROBE},
    {"auditor", SCOPE_AUDIT},
};

static const char *const SCOPE_NAMES[] = {"metrics", "meta",   "messages", "audio",
                                          "live",    "export", "control",  "delete",
                                          "admin",   "audit",  "probe"};

unsigned auth_role_scopes(const char *role)
{
    for (size_t i = 0; i < sizeof ROLES / sizeof ROLES[0]; i++)
        if (strcmp(ROLES[i].name, role) == 0)
            return ROLES[i].scopes;
    return 0;
}

unsigned auth_scopes(const char *role, const char *list)
{
    struct slice rest = slice_str(list);
    unsigned listed = rest.size ? 0 : SCOPE_ALL;

    while (rest.size)
        listed |= (unsigned)auth_scope_of(slice_trim(slice_cut(&rest, ',')));
    return auth_role_scopes(role) & listed;
}

enum scope auth_scope_of(struct slice name)
{
    for (unsigned i = 0; i < sizeof SCOPE_NAMES / sizeof SCOPE_NAMES[0]; i++)
        if (slice_is(name, SCOPE_NAMES[i]))
            return (enum scope)(1u << i);
    return SCOPE_PUBLIC;
}

const char *auth_scope_name(enum scope scope)
{
    if (scope == SCOPE_KNOWN)
        return "known";
    return scope == SCOPE_PUBLIC ? "public" : SCOPE_NAMES[__builtin_ctz(scope)];
}

bool auth_name_free(const char *name)
{
    static const char *const TAKEN[] = {"local", "anonymous", "system"};

    for (size_t i = 0; i < sizeof TAKEN / sizeof TAKEN[0]; i++)
        if (strcasecmp(name, TAKEN[i]) == 0)
            return false;
    return name[0] && strchr(name, ':') == NULL;
}

/* ---- networks ---- */

struct network {
    struct addr addr;
    unsigned bits; /* of 128 */
};

static bool network_parse(struct slice text, struct network *ret)
{
    struct slice rest = slice_trim(text);
    struct slice address = slice_cut(&rest, '/');
    bool whole = address.size == slice_trim(text).size;
    uint64_t bits;

    if (!addr_parse(address, &ret->addr))
        return false;
    unsigned most = addr_is_v4(ret->addr) ? 32 : 128;
    if (whole)
        bits = most;
    else if (!slice_to_u64(rest, most, &bits))
        return false;
    ret->bits = 128 - most + (unsigned)bits;
    return true;
}

static bool network_has(const struct network *n, struct addr a)
{
    uint64_t high = n->bits >= 64 ? UINT64_MAX : n->bits ? UINT64_MAX << (64 - n->bits) : 0;
    uint64_t low = n->bits >= 128 ? UINT64_MAX : n->bits > 64 ? UINT64_MAX << (128 - n->bits) : 0;

    return ((n->addr.high ^ a.high) & high) == 0 && ((n->addr.low ^ a.low) & low) == 0;
}

bool auth_network_valid(struct slice network)
{
    struct network n;

    return network_parse(network, &n);
}

bool auth_network_holds(const char *list, struct addr address)
{
    struct slice rest = slice_str(list);
    struct network n;

    if (rest.size == 0)
        return true;
    while (rest.size)
        if (network_parse(slice_cut(&rest, ','), &n) && network_has(&n, address))
            return true;
    return false;
}

/* ---- tokens ---- */

static bool is_base62(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        uint8_t c = s.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return s.size > 0;
}

/* "esk_<id>_<secret>": true with its two parts. */
static bool token_parse(struct slice text, struct slice *ret_id, struct slice *ret_secret)
{
    if (!slice_starts(text, "esk_"))
        return false;
    struct slice rest = slice_from(text, 4);
    *ret_id = slice_cut(&rest, '_');
    *ret_secret = rest;
    return ret_id->size < sizeof((struct store_token *)0)->id && is_base62(*ret_id) &&
           ret_secret->size == SECRET_DIGITS && is_base62(*ret_secret);
}

static enum auth_verdict token_verdict(const struct store_token *token, int64_t now_us)
{
    if (token->revoked)
        return AUTH_INVALID;
    return token->expires_us != 0 && token->expires_us <= now_us ? AUTH_EXPIRED : AUTH_OK;
}

/* An unknown id is compared as well, against nothing: the answer takes as long as for a wrong
 * secret. */
enum auth_verdict auth_token(const char *text, const struct http_request *rq,
                             const struct auth_sources *sources, struct store_token *ret_token)
{
    static const struct store_token NOBODY = {.revoked = true};
    struct slice id, secret;
    char id_text[sizeof NOBODY.id];
    uint8_t hash[32];

    if (!token_parse(slice_str(text), &id, &secret))
        return AUTH_INVALID;
    slice_copy_to(id, id_text, sizeof id_text);
    int err = sources->find(sources->context, id_text, ret_token);
    if (err && err != ERR_NOT_FOUND)
        return AUTH_BROKEN;
    if (err)
        *ret_token = NOBODY;
    crypto_sha256(secret, hash);
    if (!crypto_equal(hash, ret_token->hash, sizeof hash))
        return AUTH_INVALID;
    enum auth_verdict v = token_verdict(ret_token, rq->now_us);
    return v == AUTH_OK && !auth_network_holds(ret_token->cidrs, rq->peer) ? AUTH_ADDRESS : v;
}

static int64_t since(const struct store_limit *l, int64_t now_us)
{
    return l->max_age_s ? now_us - l->max_age_s * 1000000 : 0;
}

static void be_token(const struct store_token *token, int64_t now_us, struct identity *who)
{
    who->kind = IDENTITY_TOKEN;
    snprintf(who->name, sizeof who->name, "%s", token->name);
    snprintf(who->role, sizeof who->role, "%s", token->role);
    snprintf(who->owner.token, sizeof who->owner.token, "%s", token->id);
    who->scopes = auth_scopes(token->role, token->scopes);
    who->limit = token->limit;
    who->limit.since_us = since(&token->limit, now_us);
    who->expires_us = token->expires_us;
    who->used_us = token->used_us;
}

static enum auth_verdict by_token(const struct http_request *rq, const struct auth_sources *sources,
                                  struct identity *who)
{
    struct slice header = slice_str(rq->authorization);
    char text[80];
    struct store_token token;

    if (!slice_starts_nocase(header, "Bearer "))
        return AUTH_INVALID;
    header = slice_trim(slice_from(header, 7));
    if (header.size >= sizeof text || memchr(header.data, '\0', header.size))
        return AUTH_INVALID;
    slice_copy_to(header, text, sizeof text);
    enum auth_verdict v = auth_token(text, rq, sources, &token);
    explicit_bzero(text, sizeof text);
    if (v == AUTH_OK)
        be_token(&token, rq->now_us, who);
    return v;
}

/* ---- sessions ---- */

/* Whoever the session is of, as the store knows them now. */
static enum auth_verdict be_owner(const struct session_owner *owner, const struct addr *from, int64_t now_us,
                                  const struct auth_sources *sources, struct identity *who)
{
    struct store_token token;
    struct store_account account;
    int err;

    if (owner->token[0]) {
        err = sources->find(sources->context, owner->token, &token);
        if (err)
            return err == ERR_NOT_FOUND ? AUTH_SESSION : AUTH_BROKEN;
        if (token_verdict(&token, now_us) != AUTH_OK)
            return AUTH_SESSION;
        if (from && !auth_network_holds(token.cidrs, *from))
            return AUTH_ADDRESS;
        be_token(&token, now_us, who);
        return AUTH_OK;
    }
    err = sources->account ? sources->account(sources->context, owner->account, &account)
                           : ERR_NOT_FOUND;
    if (err)
        return err == ERR_NOT_FOUND ? AUTH_SESSION : AUTH_BROKEN;
    if (account.disabled || account.changed_us != owner->changed_us)
        return AUTH_SESSION;
    who->kind = IDENTITY_ACCOUNT;
    snprintf(who->name, sizeof who->name, "user:%s", account.name);
    snprintf(who->role, sizeof who->role, "%s", account.role);
    who->owner = *owner;
    who->scopes = auth_scopes(account.role, account.scopes);
    who->limit = account.limit;
    who->limit.since_us = since(&account.limit, now_us);
    return AUTH_OK;
}

/* The value of our cookie; empty: there is none. */
static struct slice cookie_of(const struct http_request *rq)
{
    return rq->cookie ? slice_parameter(slice_str(rq->cookie), AUTH_COOKIE) : slice_none();
}

static bool is_reading(const struct http_request *rq)
{
    return rq->head || strcmp(rq->method, "GET") == 0;
}

static bool says_csrf(const struct http_request *rq, const struct session *session)
{
    return rq->csrf && strlen(rq->csrf) == SESSION_SECRET_DIGITS &&
           crypto_equal(rq->csrf, session->csrf, SESSION_SECRET_DIGITS);
}

enum auth_verdict auth_session(const struct session *session, const struct http_request *rq,
                               const struct auth_sources *sources, struct identity *ret_who)
{
    struct identity who = {0};
    enum auth_verdict v = be_owner(&session->owner, &rq->peer, rq->now_us, sources, &who);

    if (v != AUTH_OK)
        return v;
    who.session = session->serial;
    if (who.expires_us == 0 || session->expires_us < who.expires_us)
        who.expires_us = session->expires_us;
    memcpy(who.csrf, session->csrf, sizeof who.csrf);
    *ret_who = who;
    return AUTH_OK;
}

static enum auth_verdict by_session(struct slice secret, const struct http_request *rq,
                                    const struct auth_sources *sources, struct identity *who)
{
    struct session session;

    if (secret.size != SECRET_DIGITS || !is_base62(secret) ||
        !sessions_find(sources->sessions, secret, rq->now_us, sources->counters, &session))
        return AUTH_SESSION;
    if (rq->cross_site || (!is_reading(rq) && !says_csrf(rq, &session)))
        return AUTH_CSRF;
    enum auth_verdict v = auth_session(&session, rq, sources, who);
    if (v == AUTH_SESSION)
        sessions_close(sources->sessions, session.serial, sources->counters);
    return v;
}

enum auth_verdict auth_still(const struct identity *who, int64_t now_us,
                             const struct auth_sources *sources)
{
    struct identity now = {0};
    struct store_token token;

    if (who->session) {
        if (!sessions_alive(sources->sessions, who->session, now_us))
            return AUTH_SESSION;
        return be_owner(&who->owner, NULL, now_us, sources, &now);
    }
    if (who->owner.token[0] == '\0')
        return AUTH_OK;
    int err = sources->find(sources->context, who->owner.token, &token);
    if (err)
        return err == ERR_NOT_FOUND ? AUTH_INVALID : AUTH_BROKEN;
    return token_verdict(&token, now_us);
}

/* ---- the question ---- */

/* A proxy on this machine, or a page of another site in a local browser, is not the person at the
 * machine. */
static bool is_local(const struct http_request *rq, unsigned local_scopes)
{
    return local_scopes && addr_is_loopback(rq->peer) && !rq->forwarded && !rq->cross_site;
}

static void be_local(const struct auth_sources *sources, struct identity *who)
{
    *who = (struct identity){.kind = IDENTITY_LOCAL, .name = "local", .scopes = sources->local_scopes};
}

/* Who asked for the link, as far as they may still have what it leads to. */
static enum auth_verdict by_link(const char *sig, const struct http_request *rq, const struct auth_sources *sources,
                                 struct identity *who)
{
    struct link_owner owner;
    struct session session;

    if (rq->cross_site || !is_reading(rq) ||
        !link_check(sources->link_key, rq->path, &rq->query, sig, rq->now_us, &owner))
        return AUTH_LINK;
    if (owner.kind == IDENTITY_LOCAL) {
        be_local(sources, who);
        return is_local(rq, sources->local_scopes) ? AUTH_OK : AUTH_LINK;
    }
    if (owner.kind == IDENTITY_ACCOUNT) {
        if (!sources->sessions || !sessions_get(sources->sessions, owner.session, rq->now_us, &session))
            return AUTH_LINK;
        return auth_session(&session, rq, sources, who) == AUTH_OK ? AUTH_OK : AUTH_LINK;
    }
    session.owner = (struct session_owner){0};
    memcpy(session.owner.token, owner.token, sizeof session.owner.token);
    return be_owner(&session.owner, &rq->peer, rq->now_us, sources, who) == AUTH_OK ? AUTH_OK : AUTH_LINK;
}

enum auth_verdict auth_check(enum scope scope, const struct http_request *rq,
                             const struct auth_sources *sources, struct identity *ret_who)
{
    struct slice cookie = sources->sessions ? cookie_of(rq) : slice_none();
    struct identity who = {.name = "anonymous"};
    enum auth_verdict v = AUTH_MISSING;

    *ret_who = who;
    if (scope == SCOPE_PUBLIC)
        return AUTH_OK;
    const char *sig = sources->link_key ? http_query_value(&rq->query, "sig") : NULL;
    if (rq->authorization) {
        v = by_token(rq, sources, &who);
    } else if (sig) {
        v = by_link(sig, rq, sources, &who);
        who.scopes &= (unsigned)scope;
    } else if (cookie.size) {
        v = by_session(cookie, rq, sources, &who);
    } else if (is_local(rq, sources->local_scopes)) {
        be_local(sources, &who);
        v = AUTH_OK;
    }
    if (v != AUTH_OK)
        return v;
    *ret_who = who;
    return scope == SCOPE_KNOWN || (who.scopes & scope) ? AUTH_OK : AUTH_SCOPE;
}
