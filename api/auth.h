/* Who asks and what they may do. One question, auth_check(), stands in front of every route.
 *
 * A request with `Authorization: Bearer esk_<id>_<secret>` is the token's role. A request without
 * one is the built-in identity `local` when the service listens on loopback only and the request is
 * a direct one from there (docs/decisions/local-access.md). Everything else is refused.
 *
 * A token may be limited to the calls of some tenants, sites or trunks (limit.h). Such a token reaches
 * only the routes that ask for the limit (struct route), whatever its role: what is new is closed to
 * it until somebody opens it. */
#pragma once

#include "api/http.h"
#include "storage/store.h"

enum scope {
    SCOPE_PUBLIC = 0, /* no identity needed: files of the page, /healthz */
    SCOPE_METRICS = 1 << 0,
    SCOPE_META = 1 << 1,
    SCOPE_MESSAGES = 1 << 2,
    SCOPE_AUDIO = 1 << 3,
    SCOPE_LIVE = 1 << 4,
    SCOPE_EXPORT = 1 << 5,
    SCOPE_CONTROL = 1 << 6,
    SCOPE_DELETE = 1 << 7,
    SCOPE_ADMIN = 1 << 8,
    SCOPE_AUDIT = 1 << 9,
    SCOPE_PROBE = 1 << 10,
    SCOPE_ALL = (1 << 11) - 1,
};

struct identity {
    char name[64]; /* "local", the token's name, "anonymous" */
    char token[sizeof((struct store_token *)0)->id]; /* "": by none */
    unsigned scopes;
    struct store_limit limit; /* whose calls; all when it is not set */
};

enum auth_verdict { AUTH_OK, AUTH_MISSING, AUTH_INVALID, AUTH_EXPIRED, AUTH_SCOPE, AUTH_BROKEN };

/* Reads one token by id: 0, ERR_NOT_FOUND, or the store's trouble. */
struct auth_tokens {
    void *context;
    int (*find)(void *context, const char *id, struct store_token *ret_token);
};

/* `*ret_who` is filled on AUTH_OK and AUTH_SCOPE; else it is "anonymous" without scopes.
 * AUTH_BROKEN: the store could not say. */
enum auth_verdict auth_check(enum scope scope, const struct http_request *rq, bool loopback_only,
                             const struct auth_tokens *tokens, struct identity *ret_who);
/* Whether who once was let in by this token (identity.token) still may be: AUTH_OK, AUTH_INVALID (revoked),
 * AUTH_EXPIRED or AUTH_BROKEN. */
enum auth_verdict auth_still(const char *token_id, int64_t now_us, const struct auth_tokens *tokens);
/* The scopes of a role; 0 for an unknown one. */
unsigned auth_role_scopes(const char *role);
const char *auth_scope_name(enum scope scope);
