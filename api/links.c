#include "api/links.h"

#include <inttypes.h>
#include <stdio.h>

#include "api/handlers.h"
#include "base/crypto.h"
#include "base/json_read.h"

#define MAC_BYTES 32
#define PATH_MAX_ 1024
#define DEPTH_MAX 2

static void mac_of(const uint8_t key[32], const char *path, const struct http_query *query,
                   struct slice head, uint8_t ret_mac[MAC_BYTES])
{
    struct buf b;

    buf_init(&b, 65536);
    buf_str(&b, path);
    for (unsigned i = 0; i < query->count; i++)
        if (strcmp(query->param[i].name, "sig") != 0)
            buf_printf(&b, "%c%s%c%s", 1, query->param[i].name, 2, query->param[i].value);
    buf_char(&b, 3);
    buf_slice(&b, head);
    crypto_hmac_sha256(key, b.failed ? slice_none() : buf_view(&b), ret_mac);
    buf_fini(&b);
}

void link_sign(const uint8_t key[32], const char *path, const struct http_query *query,
               const struct identity *who, int64_t now_us, char ret_sig[LINK_SIZE])
{
    uint8_t mac[MAC_BYTES];
    char hex[2 * MAC_BYTES + 1];
    int64_t until_s = now_us / 1000000 + LINK_LIFE_S;
    int n;

    if (who->session)
        n = snprintf(ret_sig, LINK_SIZE, "%" PRId64 "-s-%" PRIu64, until_s, who->session);
    else if (who->owner.token[0])
        n = snprintf(ret_sig, LINK_SIZE, "%" PRId64 "-t-%s", until_s, who->owner.token);
    else
        n = snprintf(ret_sig, LINK_SIZE, "%" PRId64 "-l-0", until_s);
    mac_of(key, path, query, slice_of(ret_sig, (size_t)n), mac);
    snprintf(ret_sig + n, LINK_SIZE - (size_t)n, "-%s", crypto_hex(slice_of(mac, sizeof mac), hex));
}

static bool read_head(struct slice head, int64_t now_us, struct link_owner *ret)
{
    uint64_t until_s;
    struct slice until = slice_cut(&head, '-'), kind = slice_cut(&head, '-');

    *ret = (struct link_owner){.kind = IDENTITY_LOCAL};
    if (!slice_to_u64(until, INT64_MAX / 1000000, &until_s) || (int64_t)until_s * 1000000 <= now_us)
        return false;
    if (slice_is(kind, "s")) {
        ret->kind = IDENTITY_ACCOUNT;
        return slice_to_u64(head, UINT64_MAX, &ret->session);
    }
    if (slice_is(kind, "t")) {
        ret->kind = IDENTITY_TOKEN;
        slice_copy_to(head, ret->token, sizeof ret->token);
        return head.size > 0 && head.size < sizeof ret->token;
    }
    return slice_is(kind, "l");
}

bool link_check(const uint8_t key[32], const char *path, const struct http_query *query,
                const char *sig, int64_t now_us, struct link_owner *ret_owner)
{
    const char *last = strrchr(sig, '-');
    uint8_t mac[MAC_BYTES];
    char hex[2 * MAC_BYTES + 1];

    if (last == NULL || strlen(last + 1) != 2 * MAC_BYTES)
        return false;
    struct slice head = slice_of(sig, (size_t)(last - sig));
    mac_of(key, path, query, head, mac);
    crypto_hex(slice_of(mac, sizeof mac), hex);
    return crypto_equal(hex, last + 1, 2 * MAC_BYTES) && read_head(head, now_us, ret_owner);
}

/* ---- POST /links ---- */

struct asked {
    struct exchange *x;
    char path[PATH_MAX_];
};

static bool refuse(struct exchange *x, const char *what)
{
    problem(x->rs, x->rq, 400, "invalid_value", "path", "%s", what);
    return false;
}

static bool take_member(void *context, struct slice key, const struct json_value *value)
{
    struct asked *a = context;
    struct slice text;

    if (!slice_is(key, "path"))
        return refuse(a->x, "The member is `path`.");
    if (!json_value_text(value, &text) || text.size >= sizeof a->path ||
        memchr(text.data, '\0', text.size))
        return refuse(a->x, "`path` is the text of a path.");
    slice_copy_to(text, a->path, sizeof a->path);
    return true;
}

static bool read_path(struct asked *a)
{
    struct exchange *x = a->x;
    struct json_value *root = exchange_object(x, DEPTH_MAX);
    bool good = root && json_value_members(root, take_member, a);

    json_read_free(root);
    return good && (a->path[0] || refuse(x, "`path` is missing."));
}

static void answer(struct exchange *x, const char *path, const char *sig)
{
    char url[PATH_MAX_ + LINK_SIZE + 8];
    struct json j;

    snprintf(url, sizeof url, "%s%csig=%s", path, strchr(path, '?') ? '&' : '?', sig);
    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_str(&j, "url", url);
    json_kv_time(&j, "expires_at", (x->rq->now_us / 1000000 + LINK_LIFE_S) * 1000000);
    json_end(&j);
    exchange_json_done(x);
    x->rs->status = x->rs->status == 200 ? 201 : x->rs->status;
}

void handle_create_link(struct exchange *x)
{
    struct asked a = {.x = x};
    struct http_request target = {.method = "GET"};
    char cut[PATH_MAX_], sig[LINK_SIZE];
    const char *methods;

    if (!read_path(&a))
        return;
    memcpy(cut, a.path, sizeof cut);
    char *query = strchr(cut, '?');
    if (query)
        *query++ = '\0';
    target.path = cut;
    if ((query && http_query_parse(query, &target.query)) || !http_path_is_canonical(cut) ||
        http_query_value(&target.query, "sig")) {
        refuse(x, "`path` is no path of this service.");
        return;
    }
    const struct route *route = route_find(&target, &methods);
    if (route == NULL || !(route->flags & ROUTE_SIGNED)) {
        refuse(x, "`path` is not one of sound, film or fax.");
        return;
    }
    if (!(x->who.scopes & route->scope)) {
        problem(x->rs, x->rq, 403, "scope", NULL,
                "This needs the scope `%s`, which %s does not hold.", auth_scope_name(route->scope),
                x->who.name);
        return;
    }
    link_sign(x->api->link_key, cut, &target.query, &x->who, x->rq->now_us, sig);
    answer(x, a.path, sig);
}
