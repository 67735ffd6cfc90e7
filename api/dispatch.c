/* The way of every request, in this order: canonical path, known Host, route, method,
 * authorisation, parameters, handler. A request that falls out says why as a problem; nothing
 * behind the step it failed at has run.
 *
 * The Host check keeps a page of another site from reaching us under its own name (DNS rebinding).
 */
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/limit.h"

bool host_is_allowed(const struct api_context *api, const char *host)
{
    if (api->hosts[0][0] == '\0')
        return true;
    for (size_t i = 0; i < sizeof api->hosts / sizeof api->hosts[0] && api->hosts[i][0]; i++)
        if (host && strcasecmp(api->hosts[i], host) == 0)
            return true;
    return false;
}

/* True while this minute's failures may still be written down. */
static bool take_budget(struct api_context *api, int64_t now_us)
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

int api_find_token(void *context, const char *id, struct store_token *ret_token)
{
    return store_token(context, id, ret_token);
}

enum auth_verdict exchange_auth(struct exchange *x, enum scope scope)
{
    const struct auth_tokens tokens = {.context = x->reader, .find = api_find_token};

    return auth_check(scope, x->rq, x->api->loopback_only, &tokens, &x->who);
}

static void refuse(struct exchange *x, enum auth_verdict v, enum scope scope)
{
    static const char *const REASONS[] = {[AUTH_MISSING] = "missing",
                                          [AUTH_INVALID] = "invalid",
                                          [AUTH_EXPIRED] = "expired",
                                          [AUTH_SCOPE] = "scope"};
    const char *reason = REASONS[v];

    counters_add(x->counters, C_AUTH_FAILURES + label_find(LABELS_AUTH, slice_str(reason)), 1);
    if (take_budget(x->api, x->rq->now_us) &&
        !exchange_audit(x, "auth.failed", x->rq->path, "denied", reason))
        return;
    if (v == AUTH_SCOPE) {
        problem(x->rs, x->rq, 403, "scope", NULL,
                "This needs the scope `%s`, which %s does not hold.", auth_scope_name(scope),
                x->who.name);
        return;
    }
    problem(x->rs, x->rq, 401,
            v == AUTH_MISSING   ? "token_missing"
            : v == AUTH_EXPIRED ? "token_expired"
                                : "token_invalid",
            NULL, "%s",
            v == AUTH_MISSING   ? "Send a token: Authorization: Bearer esk_..."
            : v == AUTH_EXPIRED ? "This token has expired."
                                : "This token is not known, or the Authorization header is not of "
                                  "the form Bearer esk_...");
    http_header(x->rs, "WWW-Authenticate", "Bearer realm=\"earshot\"");
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
                "This token is for the calls of some tenants, sites or trunks; this is about all.");
        return false;
    }
    if (v == AUTH_OK)
        return true;
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

/* JSON is what no form of another site can send without being asked for. */
static bool body_allowed(struct exchange *x, const struct route *route)
{
    struct slice type = slice_str(x->rq->content_type ? x->rq->content_type : "");

    if (!(route->flags & ROUTE_BODY))
        return true;
    if (x->rq->body_too_large) {
        problem_too_large(x->rs, x->rq);
        return false;
    }
    if (slice_equal_nocase(slice_trim(slice_cut(&type, ';')), slice_str("application/json")))
        return true;
    problem(x->rs, x->rq, 415, "content_type", "Content-Type",
            "This takes JSON: send Content-Type: application/json.");
    return false;
}

static const struct route *find(struct exchange *x)
{
    const char *methods;
    const struct route *route = route_find(x->rq, &methods);

    if (route == NULL && methods) {
        problem(x->rs, x->rq, 405, "method_not_allowed", NULL, "Allowed here: %s.", methods);
        http_header(x->rs, "Allow", "%s", methods);
    } else if (route == NULL) {
        problem(x->rs, x->rq, 404, "not_found", NULL, "There is nothing at this path.");
    }
    return route;
}

bool api_dispatch(struct exchange *x, bool quick_only)
{
    if (!http_path_is_canonical(x->rq->path)) {
        problem(x->rs, x->rq, 400, "path_not_canonical", NULL,
                "Paths here hold no escapes, empty or dot segments.");
        return true;
    }
    if (!host_is_allowed(x->api, x->rq->host)) {
        problem(x->rs, x->rq, x->rq->host ? 421 : 400, "host_not_allowed", NULL,
                "The Host header does not name this service.");
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
    if (quick_only && !(route->flags & ROUTE_QUICK))
        return false;
    if (authorised(x, route) && params_allowed(x, route) && body_allowed(x, route))
        route->handle(x);
    return true;
}
