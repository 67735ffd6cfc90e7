/* GET /aors/{aor}: one view of a user: registrations, subscriptions, presence, messages, calls.
 * "alice@example.com" names an address of record; "alice" everybody of that name. Calls know users
 * only, so they are those of the name in both cases. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/record_json.h"
#include "api/user_filter.h"
#include "api/user_json.h"

#define SPAN_US       (24 * 3600 * INT64_C(1000000))
#define LIMIT_DEFAULT 20
#define LIMIT_MAX     100

struct view {
    struct exchange *x;
    struct json json;
    char aor[HTTP_PATH_VALUE_SIZE];
    char user[HTTP_PATH_VALUE_SIZE];
    bool whole; /* with a host */
    int64_t from_us, to_us;
    uint32_t limit;
    enum user_kind kind; /* of the list being written */
    unsigned found;
    int err;
};

/* Schemes say nothing about who it is; hosts have no case. */
static void read_aor(struct view *v, const char *text)
{
    static const char *const SCHEMES[] = {"sip:", "sips:", "tel:"};
    for (size_t i = 0; i < sizeof SCHEMES / sizeof *SCHEMES; i++)
        if (strncasecmp(text, SCHEMES[i], strlen(SCHEMES[i])) == 0) {
            text += strlen(SCHEMES[i]);
            break;
        }
    snprintf(v->aor, sizeof v->aor, "%s", text);
    char *host = strchr(v->aor, '@');
    v->whole = host != NULL;
    snprintf(v->user, sizeof v->user, "%.*s", (int)strcspn(v->aor, "@"), v->aor);
    for (; host && *host; host++)
        *host = (char)tolower((unsigned char)*host);
}

static void add_record(void *context, const void *record, int64_t id)
{
    struct view *v = context;
    (void)id;
    v->found++;
    user_json(&v->json, v->kind, record, false);
}

/* `aor_field` (or `aor_or`) with a host, else `user_field` (or `user_or`). */
static void list(struct view *v, const char *name, enum user_kind kind, const char *const fields[4])
{
    struct store_user_query q = {.kind = kind, .limit = v->limit};
    bool more = false;

    if (user_table(kind)->by_day) {
        q.from_us = v->from_us;
        q.to_us = v->to_us;
    }
    store_user_filter_add(&q, (struct store_user_filter){.field = fields[v->whole ? 0 : 2],
                                                         .or_field = fields[v->whole ? 1 : 3],
                                                         .text = v->whole ? v->aor : v->user});
    v->kind = kind;
    json_key(&v->json, name);
    json_array(&v->json);
    int err = store_users(v->x->reader, &q, add_record, v, &more);
    json_end(&v->json);
    v->err = v->err ? v->err : err;
}

static void add_call(void *context, const struct call_record *r)
{
    struct view *v = context;
    v->found++;
    record_json(&v->json, r, RECORD_JSON_LIST, true);
}

static void calls(struct view *v)
{
    struct store_query q;
    bool more;

    store_query_defaults(&q);
    q.from_us = v->from_us;
    q.to_us = v->to_us;
    q.number[0] = v->user;
    q.limit = v->limit;
    json_key(&v->json, "calls");
    json_array(&v->json);
    int err = store_calls(v->x->reader, &q, add_call, v, &more);
    json_end(&v->json);
    v->err = v->err ? v->err : err;
}

static void view_json(struct view *v)
{
    static const char *const OWN[] = {"aor", NULL, "user", NULL};
    static const char *const ENDS[] = {"subscriber", "resource", "subscriber_user",
                                       "resource_user"};
    static const char *const PARTIES[] = {"from_aor", "to_aor", "from_user", "to_user"};

    json_object(&v->json);
    json_kv_str(&v->json, "aor", v->aor);
    json_kv_str(&v->json, "user", v->user);
    list(v, "registrations", USER_REGISTRATION, OWN);
    list(v, "subscriptions", USER_SUBSCRIPTION, ENDS);
    list(v, "presence", USER_PRESENCE, OWN);
    list(v, "presence_changes", USER_PRESENCE_CHANGE, OWN);
    list(v, "messages", USER_MESSAGE, PARTIES);
    calls(v);
    json_key(&v->json, "query");
    json_object(&v->json);
    json_kv_time(&v->json, "from", v->from_us);
    json_kv_time(&v->json, "to", v->to_us);
    json_end(&v->json);
    json_end(&v->json);
}

void handle_aor(struct exchange *x)
{
    struct view v = {.x = x};
    struct call_filter_error e;

    if (!user_filter_span(x->rq, SPAN_US, &v.from_us, &v.to_us, &e)) {
        exchange_filter_problem(x, &e);
        return;
    }
    if (!exchange_number(x, "limit", LIMIT_DEFAULT, LIMIT_MAX, &v.limit))
        return;
    if (!exchange_audit_read(x, "users.search", x->rq->path_value[0], NULL))
        return;
    read_aor(&v, x->rq->path_value[0]);
    json_init(&v.json, &x->rs->body);
    view_json(&v);
    if (v.err || v.found == 0)
        exchange_store_problem(x, v.err ? v.err : ERR_NOT_FOUND, "user in this time");
    else
        exchange_json_done(x);
}
