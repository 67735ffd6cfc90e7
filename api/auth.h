/* Who asks and what they may do. One question, auth_check(), stands in front of every route.
 *
 * A request with `Authorization: Bearer esk_<id>_<secret>` is the token's role. One without but with the
 * cookie of a session (sessions.h) is who logged in; it must come from our own page and, where it changes
 * something, say the session's X-CSRF-Token. One without either is the built-in identity `local` when the
 * service listens on loopback only and the request is a direct one from there
 * (docs/decisions/local-access.md). Everything else is refused; a wrong token or an old cookie is never
 * as good as none.
 *
 * A token or an account may be limited to some calls (limit.h). Such a one reaches only the routes that
 * ask for the limit (struct route), whatever its role: what is new is closed to it until somebody opens
 * it. */
#pragma once

#include "api/http.h"
#include "api/sessions.h"
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
    SCOPE_KNOWN = 1 << 30, /* anybody but nobody: what concerns oneself */
};

#define AUTH_COOKIE "earshot_session"

enum identity_kind { IDENTITY_NONE, IDENTITY_LOCAL, IDENTITY_TOKEN, IDENTITY_ACCOUNT };

struct identity {
    enum identity_kind kind;
    char name[80]; /* "local", the token's name, "user:" and the account's, "anonymous" */
    char role[24]; /* "" for local */
    unsigned scopes;
    struct store_limit limit; /* whose calls; all when it is not set */
    /* By what: a token, or a session of an account or of a token. */
    struct session_owner owner;
    uint64_t session; /* serial; 0: none */
    char csrf[SESSION_SECRET_SIZE];
    int64_t expires_us; /* of the session or token; 0: never */
    int64_t used_us;    /* the token's, as stored */
};

enum auth_verdict {
    AUTH_OK,
    AUTH_MISSING,
    AUTH_INVALID,
    AUTH_EXPIRED,
    AUTH_SCOPE,
    AUTH_BROKEN,
    AUTH_SESSION, /* the cookie is of no session (any more) */
    AUTH_CSRF,    /* by another site's page, or without the session's word */
    AUTH_LINK,    /* `sig` is over, or of something else */
    AUTH_ADDRESS  /* the token is not for this address */
};

/* Where tokens, accounts and sessions are looked up. find and account: 0, ERR_NOT_FOUND, or the store's
 * trouble. Without sessions a cookie is none of ours. */
struct auth_sources {
    void *context;
    int (*find)(void *context, const char *id, struct store_token *ret_token);
    int (*account)(void *context, const char *name, struct store_account *ret_account);
    struct sessions *sessions;
    struct counters *counters;
    const uint8_t *link_key; /* 32 bytes; NULL: there are no links */
    unsigned local_scopes; /* of `local`; 0: nobody is */
};

/* `*ret_who` is filled on AUTH_OK and AUTH_SCOPE; else it is "anonymous" without scopes.
 * AUTH_BROKEN: the store could not say. */
enum auth_verdict auth_check(enum scope scope, const struct http_request *rq,
                             const struct auth_sources *sources, struct identity *ret_who);
/* Whether who once was let in still may be: AUTH_OK, AUTH_INVALID (revoked), AUTH_EXPIRED, AUTH_SESSION or
 * AUTH_BROKEN. */
enum auth_verdict auth_still(const struct identity *who, int64_t now_us,
                             const struct auth_sources *sources);
/* Whose session it is, as the store knows them now: AUTH_OK, AUTH_SESSION, AUTH_ADDRESS or AUTH_BROKEN. */
enum auth_verdict auth_session(const struct session *session, const struct http_request *rq,
                               const struct auth_sources *sources, struct identity *ret_who);
/* The token of this text, if it may be used now and from there. */
enum auth_verdict auth_token(const char *text, const struct http_request *rq,
                             const struct auth_sources *sources, struct store_token *ret_token);
/* The scopes of a role; 0 for an unknown one. */
unsigned auth_role_scopes(const char *role);
/* Those of a role that are also in the list "meta,audio"; "": all of the role. */
unsigned auth_scopes(const char *role, const char *list);
/* 0 for an unknown one. */
enum scope auth_scope_of(struct slice name);
const char *auth_scope_name(enum scope scope);
/* "192.0.2.0/24, 2001:db8::/32": is the address in one of them? An empty list holds every address. */
bool auth_network_holds(const char *list, struct addr address);
bool auth_network_valid(struct slice network);
/* A name of a token that stands for nobody else in the audit log. */
bool auth_name_free(const char *name);
