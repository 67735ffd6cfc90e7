/* The way of every request, in this order: canonical path, known Host, route, method,
 * authorisation, parameters, handler, ETag and gzip. A request that falls out says why as a problem; nothing
 * behind the step it failed at has run.
 *
 * The Host check keeps a page of another site from reaching us under its own name (DNS rebinding).
 */
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/limit.h"

#define TOKEN_USED_EVERY_US (300 * INT64_C(1000000))

/* "192.0.2.1:8470", "[2001:db8::1]" */
static bool is_address(const char *host)
{
    struct slice text = slice_str(host);
    struct slice before_port = text;
    struct addr a;

    while (before_port.size && before_port.data[before_port.size - 1] != ':' && before_port.data[before_port.size - 1] != ']')
        before_port.size--;
    if (before_port.size && before_port.data[before_port.size - 1] == ':')
        text = slice_sub(text, 0, before_port.size - 1);
    return addr_parse(text, &a);
}

bool host_is_allowed(const struct api_context *api, const char *host)
{
    if (api->hosts[0][0] == '\0')
        return true;
    for (size_t i = 0; i < sizeof api->hosts / sizeof api->hosts[0] && api->hosts[i][0]; i++)
        if (host && strcasecmp(api->hosts[i], host) == 0)
            return true;
    return api->any_address && is_address(host);
}

bool api_take_budget(struct api_context *api, int64_t now_us)
{
    int64_t minute = now_us / 60000000;

    pthread_mutex_lock(&api->budget_lock);
    if (api->budget_minute != minute) {
        api->budget_minute = minute;
        api->budget_used = 0;
    }
    bool ok = api->budget_used < AUDITED_FAILURES_PER_MINUTE;
    api->budget_used += ok;
    pthread_mutex_unlock(&api->budget_lock);
    return ok;
}

static int find_token(void *context, const char *id, struct store_token *ret_token)
{
    return store_token(context, id, ret_token);
}

static int find_account(void *context, const char *name, struct store_account *ret_account)
{
    return store_account(context, name, ret_account);
}

void api_auth_sources_of(const struct api_context *api, struct store_reader *reader, struct auth_sources *ret_sources)
{
    *ret_sources = (struct auth_sources){.context = reader,
                                         .find = find_token,
                                         .account = find_account,
                                         .sessions = api->sessions,
                                         .link_key = api->link_key,
                                         .local_scopes = api->local_scopes};
}

void api_auth_sources(const struct exchange *x, struct auth_sources *ret_sources)
{
    api_auth_sources_of(x->api, x->reader, ret_sources);
    ret_sources->counters = x->counters;
}

enum auth_verdict exchange_auth(struct exchange *x, enum scope scope)
{
    struct auth_sources sources;

    api_auth_sources(x, &sources);
    return auth_check(scope, x->rq, &sources, &x->who);
}

/* What a refusal says; in the order of enum auth_verdict. */
static const struct refusal {
    const char *reason; /* of the counter */
    unsigned status;
    const char *code, *text;
} REFUSALS[] = {
    [AUTH_MISSING] = {"missing", 401, "token_missing", "Log in, or send a token: Authorization: Bearer esk_..."},
    [AUTH_INVALID] = {"invalid", 401, "token_invalid",
                      "This token is not known, or the Authorization header is not of the form Bearer esk_..."},
    [AUTH_EXPIRED] = {"expired", 401, "token_expired", "This token has expired."},
    [AUTH_SCOPE] = {"scope", 403, "scope", NULL},
    [AUTH_SESSION] = {"session", 401, "session_over", "This session is over; log in again."},
    [AUTH_CSRF] = {"csrf", 403, "csrf",
                   "In a session a request comes from our own page, and one that changes something says X-CSRF-Token."},
    [AUTH_LINK] = {"link", 403, "link", "This link is over, or it is for something else; ask for a new one."},
    [AUTH_ADDRESS] = {"address", 403, "source_address", "This token is not for requests from this address."},
};

/* Whoever guesses is slowed down. A right token is asked for nothing: nobody guesses 256 bits. */
static bool locked(struct exchange *x, enum auth_verdict v)
{
    if (v != AUTH_INVALID && v != AUTH_SESSION)
        return false;
    unsigned wait_s = attempts_wait(x->api->attempts, x->rq->peer, x->rq->now_us);
    if (wait_s == 0) {
        attempts_failed(x->api->attempts, x->rq->peer, x->rq->now_us, ATTEMPT_TOKEN);
        return false;
    }
    counters_add(x->counters, C_AUTH_FAILURES + label_find(LABELS_AUTH, slice_str("locked")), 1);
    problem_wait(x->rs, x->rq, "too_many_failures", wait_s);
    return true;
}

static void refuse(struct exchange *x, enum auth_verdict v, enum scope scope)
{
    const struct refusal *r = &REFUSALS[v];

    if (locked(x, v))
        return;
    counters_add(x->counters, C_AUTH_FAILURES + label_find(LABELS_AUTH, slice_str(r->reason)), 1);
    /* a page that asks who one is, is no attempt at anything */
    bool asks = v == AUTH_MISSING && scope == SCOPE_KNOWN;
    if (!asks && api_take_budget(x->api, x->rq->now_us) &&
        !exchange_audit(x, "auth.failed", x->rq->path, "denied", r->reason))
        return;
    if (v == AUTH_SCOPE)
        problem(x->rs, x->rq, r->status, r->code, NULL, "This needs the scope `%s`, which %s does not hold.",
                auth_scope_name(scope), x->who.name);
    else
        problem(x->rs, x->rq, r->status, r->code, NULL, "%s", r->text);
    if (r->status == 401)
        http_header(x->rs, "WWW-Authenticate", "Bearer realm=\"earshot\"");
    if (v == AUTH_SESSION)
        http_header(x->rs, "Set-Cookie", AUTH_COOKIE "=; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=0");
}

/* The time of last use, now and then. */
static void note_use(struct exchange *x)
{
    const struct api_config *config = x->api->config;

    if (x->who.owner.token[0] && config->access.token_used && x->rq->now_us - x->who.used_us >= TOKEN_USED_EVERY_US)
        config->access.token_used(config->access.context, x->who.owner.token, x->rq->now_us);
}

enum { RATE_ADDRESS, RATE_ACTOR }; /* LABELS(RATE) */

/* True: the problem is set. */
static bool too_many(struct exchange *x, unsigned by, struct slice who)
{
    unsigned wait_s = x->api->rates ? rates_take(x->api->rates, who, x->rq->now_us) : 0;

    if (wait_s == 0)
        return false;
    counters_add(x->counters, C_HTTP_LIMITED + by, 1);
    problem_wait(x->rs, x->rq, "too_many_requests", wait_s);
    return true;
}

/* What is not about single calls would tell of everybody's. */
static bool within_limit(const struct exchange *x, const struct route *route)
{
    return (route->flags & ROUTE_LIMITED) || route->scope == SCOPE_PUBLIC || !limit_is_set(&x->who.limit);
}

static bool authorised(struct exchange *x, const struct route *route)
{
    enum scope scope = route->scope;
    enum auth_verdict v = exchange_auth(x, scope);

    if (v == AUTH_OK && !within_limit(x, route)) {
        problem(x->rs, x->rq, 403, "limited_token", NULL,
                "Who asks may see some calls only; this is about all.");
        return false;
    }
    if (v == AUTH_OK && scope != SCOPE_PUBLIC && too_many(x, RATE_ACTOR, slice_str(x->who.name)))
        return false;
    if (v == AUTH_OK) {
        note_use(x);
        return true;
    }
    if (v == AUTH_BROKEN)
        problem(x->rs, x->rq, 503, "database_busy", NULL,
                "Tokens cannot be read at the moment; try again.");
    else
        refuse(x, v, scope);
    return false;
}

static bool param_is_known(const struct route *route, const char *name)
{
    for (const char *const *p = route->params; p && *p; p++)
        if (strcmp(*p, name) == 0)
            return true;
    return false;
}

static bool params_allowed(struct exchange *x, const struct route *route)
{
    for (unsigned i = 0; i < x->rq->query.count; i++) {
        const char *name = x->rq->query.param[i].name;
        if (!param_is_known(route, name)) {
            problem(x->rs, x->rq, 400, "unknown_parameter", name,
                    "`%.60s` is not a parameter of %s.", name, route->path);
            return false;
        }
    }
    return true;
}

/* JSON is what no form of another site can send without being asked for; nor can one PUT, as a transcript is brought. */
static bool type_allowed(struct exchange *x, const struct route *route)
{
    if (http_content_is(x->rq, "application/json"))
        return true;
    if (!(route->flags & ROUTE_TRANSCRIPT))
        problem(x->rs, x->rq, 415, "content_type", "Content-Type",
                "This takes JSON: send Content-Type: application/json.");
    else if (http_content_is(x->rq, "text/vtt") || http_content_is(x->rq, "text/plain"))
        return true;
    else
        problem(x->rs, x->rq, 415, "content_type", "Content-Type",
                "A transcript is application/json, text/vtt or text/plain.");
    return false;
}

static bool body_allowed(struct exchange *x, const struct route *route)
{
    if (!(route->flags & ROUTE_BODY))
        return true;
    if (x->rq->body_too_large) {
        problem_too_large(x->rs, x->rq, api_body_max(x->rq));
        return false;
    }
    return type_allowed(x, route);
}

static const struct route *find(struct exchange *x)
{
    const char *methods;
    const struct route *route = route_find(x->rq, &methods);

    x->rq->route = route;
    if (route == NULL && methods) {
        problem(x->rs, x->rq, 405, "method_not_allowed", NULL, "Allowed here: %s.", methods);
        http_header(x->rs, "Allow", "%s", methods);
    } else if (route == NULL) {
        problem(x->rs, x->rq, 404, "not_found", NULL, "There is nothing at this path; /api/v1/docs lists what there is.");
    }
    return route;
}

static bool answer(struct exchange *x, bool quick_only)
{
    if (!http_path_is_canonical(x->rq->path)) {
        problem(x->rs, x->rq, 400, "path_not_canonical", NULL,
                "Paths here hold no escapes, empty or dot segments.");
        return true;
    }
    if (!host_is_allowed(x->api, x->rq->host)) {
        problem(x->rs, x->rq, x->rq->host ? 421 : 400, "host_not_allowed", NULL,
                "The Host header does not name this service; `[api] hosts` says which names do.");
        return true;
    }
    if (x->rq->content_encoding) { /* nothing that comes in is unpacked: RFC 9110 15.5.16 */
        problem(x->rs, x->rq, 415, "content_encoding", "Content-Encoding",
                "Bodies are taken as they are: send them without Content-Encoding.");
        http_header(x->rs, "Accept-Encoding", "identity");
        return true;
    }
    const struct route *route = find(x);
    if (route == NULL)
        return true;
    if (quick_only && too_many(x, RATE_ADDRESS, slice_str(x->rq->peer_text)))
        return true;
    if (quick_only && !(route->flags & ROUTE_QUICK))
        return false;
    if (authorised(x, route) && params_allowed(x, route) && body_allowed(x, route))
        route->handle(x);
    return true;
}

bool api_dispatch(struct exchange *x, bool quick_only)
{
    bool answered = answer(x, quick_only);

    if (answered)
        answer_finish(x);
    return answered;
}
