#include "api/auth.h"

#include <stdio.h>
#include <string.h>

#include "base/crypto.h"

#define SECRET_DIGITS 43 /* 256 bits in base 62 */

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

const char *auth_scope_name(enum scope scope)
{
    return scope == SCOPE_PUBLIC ? "public" : SCOPE_NAMES[__builtin_ctz(scope)];
}

static bool is_base62(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        uint8_t c = s.data[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')))
            return false;
    }
    return s.size > 0;
}

/* "Bearer esk_<id>_<secret>": true with its two parts. */
static bool bearer_parse(const char *header, struct slice *ret_id, struct slice *ret_secret)
{
    struct slice rest = slice_str(header);

    if (!slice_starts_nocase(rest, "Bearer "))
        return false;
    rest = slice_trim(slice_from(rest, 7));
    if (!slice_starts(rest, "esk_"))
        return false;
    rest = slice_from(rest, 4);
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
static enum auth_verdict token_check(const struct http_request *rq,
                                     const struct auth_tokens *tokens,
                                     struct store_token *ret_token)
{
    static const struct store_token NOBODY = {.revoked = true};
    struct slice id, secret;
    char id_text[sizeof NOBODY.id];
    uint8_t hash[32];

    if (!bearer_parse(rq->authorization, &id, &secret))
        return AUTH_INVALID;
    slice_copy_to(id, id_text, sizeof id_text);
    int err = tokens->find(tokens->context, id_text, ret_token);
    if (err && err != ERR_NOT_FOUND)
        return AUTH_BROKEN;
    if (err)
        *ret_token = NOBODY;
    crypto_sha256(secret, hash);
    bool same = crypto_equal(hash, ret_token->hash, sizeof hash);
    return same ? token_verdict(ret_token, rq->now_us) : AUTH_INVALID;
}

enum auth_verdict auth_still(const char *token_id, int64_t now_us, const struct auth_tokens *tokens)
{
    struct store_token token;

    if (token_id[0] == '\0')
        return AUTH_OK;
    int err = tokens->find(tokens->context, token_id, &token);
    if (err)
        return err == ERR_NOT_FOUND ? AUTH_INVALID : AUTH_BROKEN;
    return token_verdict(&token, now_us);
}

/* A proxy on this machine, or a page of another site in a local browser, is not the person at the
 * machine. */
static bool is_local(const struct http_request *rq, bool loopback_only)
{
    return loopback_only && addr_is_loopback(rq->peer) && !rq->forwarded && !rq->cross_site;
}

enum auth_verdict auth_check(enum scope scope, const struct http_request *rq, bool loopback_only,
                             const struct auth_tokens *tokens, struct identity *ret_who)
{
    struct store_token token;

    *ret_who = (struct identity){.name = "anonymous"};
    if (scope == SCOPE_PUBLIC)
        return AUTH_OK;
    if (rq->authorization) {
        enum auth_verdict v = token_check(rq, tokens, &token);
        if (v != AUTH_OK)
            return v;
        snprintf(ret_who->name, sizeof ret_who->name, "%s", token.name);
        snprintf(ret_who->token, sizeof ret_who->token, "%s", token.id);
        ret_who->scopes = auth_role_scopes(token.role);
        ret_who->limit = token.limit;
    } else if (is_local(rq, loopback_only)) {
        *ret_who = (struct identity){.name = "local", .scopes = SCOPE_ALL};
    } else {
        return AUTH_MISSING;
    }
    return (ret_who->scopes & scope) ? AUTH_OK : AUTH_SCOPE;
}
