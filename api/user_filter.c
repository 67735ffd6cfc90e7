/* Lists of user records: each filter is one line of a table; how a value is read depends on its
 * type alone. */
#include "api/user_filter.h"

#include <stdio.h>
#include <string.h>

#include "base/counters.h"

#define SECOND_US       INT64_C(1000000)
#define DEFAULT_SPAN_US (15 * 60 * SECOND_US)
#define MAX_SPAN_US     (400 * 24 * 3600 * SECOND_US)

enum param_type { EXACT, CONTAINS, IP, STATE, CODE, FLAG, DETECTOR, SEVERITY };

/* parameter, type, field of the record, field that may hold it instead */
#define REGISTRATIONS(X)                                                                           \
    X("aor", EXACT, "aor", NULL)                                                                   \
    X("user", EXACT, "user", NULL)                                                                 \
    X("ip", IP, "ip", NULL)                                                                        \
    X("state", STATE, "state", NULL)                                                               \
    X("user_agent__contains", CONTAINS, "user_agent", NULL)                                        \
    X("aggregate", FLAG, "aggregate", NULL)                                                        \
    X("unchallenged", FLAG, "unchallenged", NULL)                                                  \
    X("auth_algorithm", EXACT, "auth_algorithm", NULL)                                             \
    X("auth_scheme", EXACT, "auth_scheme", NULL)
#define SUBSCRIPTIONS(X)                                                                           \
    X("subscriber", EXACT, "subscriber", NULL)                                                     \
    X("resource", EXACT, "resource", NULL)                                                         \
    X("user", EXACT, "subscriber_user", "resource_user")                                           \
    X("event", EXACT, "event", NULL)                                                               \
    X("ip", IP, "ip", NULL)                                                                        \
    X("state", STATE, "state", NULL)                                                               \
    X("user_agent__contains", CONTAINS, "user_agent", NULL)                                        \
    X("aggregate", FLAG, "aggregate", NULL)
#define MESSAGES(X)                                                                                \
    X("from_user", EXACT, "from_user", NULL)                                                       \
    X("to_user", EXACT, "to_user", NULL)                                                           \
    X("user", EXACT, "from_user", "to_user")                                                       \
    X("ip", IP, "ip", NULL)                                                                        \
    X("kind", STATE, "kind", NULL)                                                                 \
    X("sip_code", CODE, "sip_code", NULL)                                                          \
    X("aggregate", FLAG, "aggregate", NULL)
#define HOSTS(X)                                                                                   \
    X("ip", IP, "src_ip", "dst_ip")                                                                \
    X("state", STATE, "state", NULL)
#define AGENTS(X)                                                                                  \
    X("name__contains", CONTAINS, "name", NULL)                                                    \
    X("product", EXACT, "product", NULL)                                                           \
    X("ip", IP, "ip", NULL)

#define FINDINGS(X)                                                                                \
    X("detector", DETECTOR, "detector", NULL)                                                      \
    X("severity", SEVERITY, "severity", NULL)                                                      \
    X("state", STATE, "state", NULL)                                                               \
    X("source", IP, "src_ip", NULL)                                                                \
    X("destination", IP, "dst_ip", NULL)                                                           \
    X("subject", EXACT, "subject", NULL)

struct param {
    const char *name;
    enum param_type type;
    const char *field, *or_field;
};

#define AS_PARAM(name, type, field, or_field) {name, type, field, or_field},
#define AS_NAME(name, type, field, or_field)  name,
#define PAGE_NAMES                            "limit", "cursor", NULL

static const struct param REGISTRATION_TABLE[] = {REGISTRATIONS(AS_PARAM){NULL}};
static const struct param SUBSCRIPTION_TABLE[] = {SUBSCRIPTIONS(AS_PARAM){NULL}};
static const struct param MESSAGE_TABLE[] = {MESSAGES(AS_PARAM){NULL}};
static const struct param HOST_TABLE[] = {HOSTS(AS_PARAM){NULL}};
static const struct param AGENT_TABLE[] = {AGENTS(AS_PARAM){NULL}};
static const struct param FINDING_TABLE[] = {FINDINGS(AS_PARAM){NULL}};

const char *const REGISTRATION_PARAMS[] = {REGISTRATIONS(AS_NAME) PAGE_NAMES};
const char *const SUBSCRIPTION_PARAMS[] = {SUBSCRIPTIONS(AS_NAME) PAGE_NAMES};
const char *const MESSAGE_PARAMS[] = {MESSAGES(AS_NAME) "from", "to", "body", PAGE_NAMES};
const char *const HOST_PARAMS[] = {HOSTS(AS_NAME) PAGE_NAMES};
const char *const AGENT_PARAMS[] = {AGENTS(AS_NAME) PAGE_NAMES};
const char *const FINDING_PARAMS[] = {FINDINGS(AS_NAME) "from", "to", PAGE_NAMES};

#define STATES(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct {
    const char *name; /* in cursors */
    enum user_kind kind;
    const struct param *params;
    const char *const *states;   /* what STATE allows */
    const char *const *default_; /* of them without the parameter; NULL: all */
} LISTS[USER_LISTS] = {
    [USER_LIST_REGISTRATIONS] = {"registrations", USER_REGISTRATION, REGISTRATION_TABLE,
                                 STATES("trying", "registered", "expired", "failed", "removed"),
                                 NULL},
    [USER_LIST_SUBSCRIPTIONS] = {"subscriptions", USER_SUBSCRIPTION, SUBSCRIPTION_TABLE,
                                 STATES("asked", "pending", "active", "terminated"), NULL},
    /* Receipts and signs of typing are no messages of people. */
    [USER_LIST_MESSAGES] = {"messages", USER_MESSAGE, MESSAGE_TABLE,
                            STATES("message", "sms", "file", "session", "imdn", "composing"),
                            STATES("message", "sms", "file", "session")},
    [USER_LIST_HOSTS] = {"hosts", USER_PEER, HOST_TABLE, STATES("unknown", "up", "down"), NULL},
    [USER_LIST_AGENTS] = {"user-agents", USER_AGENT, AGENT_TABLE, NULL, NULL},
    [USER_LIST_FINDINGS] = {"findings", USER_FINDING, FINDING_TABLE, STATES("open", "cleared"),
                            NULL},
};

/* ---- one value ---- */

static bool parse_ip(struct user_filter *uf, const struct param *p, const char *value,
                     struct store_user_filter *f, struct call_filter_error *e)
{
    struct addr a;

    if (!addr_parse(slice_str(value), &a))
        return filter_refuse(e, "invalid_value", p->name, "`%s` is an IPv4 or IPv6 address.", p->name);
    f->text = addr_text(a, uf->ip[uf->ip_count++ % STORE_VALUES_MAX]);
    return true;
}

/* One of the values of a set of labels. */
static bool parse_label(enum label_set set, unsigned count, const struct param *p,
                        const char *value, struct store_user_filter *f, struct call_filter_error *e)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(label_text(set, i), value) == 0) {
            f->text = label_text(set, i);
            return true;
        }
    return filter_refuse(e, "invalid_value", p->name, "`%s` is the name of a %s (docs/findings.md).",
                  p->name, p->name);
}

static bool parse_value(struct user_filter *uf, const struct param *p, const char *value,
                        struct store_user_filter *f, struct call_filter_error *e)
{
    uint64_t n;
    bool flag;

    if (value[0] == '\0')
        return filter_refuse(e, "invalid_value", p->name, "`%s` is empty.", p->name);
    f->text = value;
    switch (p->type) {
    case EXACT:
        return true;
    case CONTAINS:
        f->match = USER_CONTAINS;
        return true;
    case IP:
        return parse_ip(uf, p, value, f, e);
    case STATE:
        f->text = filter_choose(LISTS[uf->list].states, p->name, value, e);
        return f->text != NULL;
    case DETECTOR:
        return parse_label(LABELS_DETECTOR, LABEL_COUNT_DETECTOR, p, value, f, e);
    case SEVERITY:
        return parse_label(LABELS_SEVERITY, LABEL_COUNT_SEVERITY, p, value, f, e);
    case CODE:
        f->text = NULL;
        if (!slice_to_u64(slice_str(value), 699, &n) || n < 100)
            return filter_refuse(e, "invalid_value", p->name, "`%s` is a number from 100 to 699.",
                          p->name);
        f->number = (int64_t)n;
        return true;
    case FLAG:
        f->text = NULL;
        if (!filter_flag(p->name, value, &flag, e))
            return false;
        f->number = flag;
        return true;
    }
    return false;
}

/* ---- all of them ---- */

static const struct param *param_find(const struct param *table, const char *name)
{
    for (; table->name; table++)
        if (strcmp(table->name, name) == 0)
            return table;
    return NULL;
}

static unsigned given(const struct http_query *params, unsigned upto, const char *name)
{
    unsigned n = 0;
    for (unsigned i = 0; i <= upto; i++)
        n += strcmp(params->param[i].name, name) == 0;
    return n;
}

static bool parse_filters(const struct http_query *params, struct user_filter *uf,
                          struct call_filter_error *e)
{
    for (unsigned i = 0; i < params->count; i++) {
        const char *name = params->param[i].name;
        const struct param *p = param_find(LISTS[uf->list].params, name);
        bool single = p == NULL || p->type == CONTAINS || p->type == FLAG;
        unsigned times = given(params, i, name);
        if (single && times > 1)
            return filter_only_once(e, name);
        if (times > STORE_VALUES_MAX)
            return filter_too_many(e, name);
        if (p == NULL)
            continue;
        struct store_user_filter f = {.field = p->field, .or_field = p->or_field};
        if (!parse_value(uf, p, params->param[i].value, &f, e))
            return false;
        if (!store_user_filter_add(&uf->query, f))
            return filter_refuse(e, "too_many_values", name, "These are too many filters at once.");
    }
    return true;
}

static void add_defaults(const struct http_query *params, struct user_filter *uf)
{
    const char *const *values = LISTS[uf->list].default_;
    if (values == NULL || http_query_value(params, "kind"))
        return;
    for (; *values; values++)
        store_user_filter_add(&uf->query,
                              (struct store_user_filter){.field = "kind", .text = *values});
}

/* ---- time and pages ---- */

bool user_filter_span(const struct http_request *rq, int64_t span_us, int64_t *ret_from_us,
                      int64_t *ret_to_us, struct call_filter_error *ret_error)
{
    *ret_to_us = rq->now_us;
    if (!filter_time(&rq->query, "to", ret_to_us, ret_error))
        return false;
    *ret_from_us = *ret_to_us - span_us;
    if (!filter_time(&rq->query, "from", ret_from_us, ret_error))
        return false;
    if (*ret_from_us >= *ret_to_us)
        return filter_refuse(ret_error, "invalid_span", "from", "`from` must be earlier than `to`.");
    if (*ret_to_us - *ret_from_us > MAX_SPAN_US)
        return filter_refuse(ret_error, "invalid_span", "from",
                      "At most 400 days can be searched at once.");
    return true;
}

/* Of what is so now the time is a filter like others, open on either side. */
static bool parse_open_span(const struct http_request *rq, struct store_user_query *q,
                            struct call_filter_error *e)
{
    if (!filter_time(&rq->query, "from", &q->from_us, e) || !filter_time(&rq->query, "to", &q->to_us, e))
        return false;
    if (q->from_us && q->to_us && q->from_us >= q->to_us)
        return filter_refuse(e, "invalid_span", "from", "`from` must be earlier than `to`.");
    return true;
}

static bool parse_cursor(const struct http_request *rq, const uint8_t key[32],
                         struct user_filter *uf, struct call_filter_error *e)
{
    const char *text = http_query_value(&rq->query, "cursor");
    struct store_user_query *q = &uf->query;
    struct page_cursor c;

    if (text == NULL)
        return true;
    if (!page_cursor_parse(text, &rq->query, key, &c) ||
        strcmp(c.after_uid, LISTS[uf->list].name) != 0)
        return page_cursor_refuse(e);
    if (!page_cursor_window(&c, &rq->query, &q->from_us, &q->to_us, e))
        return false;
    q->after_us = c.after_us;
    q->after_id = (int64_t)c.after_value;
    return true;
}

void user_filter_cursor(const struct user_filter *filter, const struct http_request *rq,
                        const uint8_t cursor_key[32], int64_t last_us, int64_t last_id,
                        char out[PAGE_CURSOR_SIZE])
{
    struct page_cursor c = {
        .from_us = filter->query.from_us,
        .to_us = filter->query.to_us,
        .after_us = last_us,
        .after_value = (double)last_id, /* rows of a file: far below 2^53 */
    };
    snprintf(c.after_uid, sizeof c.after_uid, "%s", LISTS[filter->list].name);
    page_cursor_print(&c, &rq->query, cursor_key, out);
}

bool user_filter_parse(enum user_list list, const struct http_request *rq,
                       const uint8_t cursor_key[32], struct user_filter *ret_filter,
                       struct call_filter_error *ret_error)
{
    struct store_user_query *q = &ret_filter->query;
    bool by_time = user_table(LISTS[list].kind)->by_day;

    memset(ret_filter, 0, sizeof *ret_filter);
    ret_filter->list = list;
    q->kind = LISTS[list].kind;
    add_defaults(&rq->query, ret_filter);
    return parse_filters(&rq->query, ret_filter, ret_error) &&
           filter_limit(&rq->query, &ret_filter->query.limit, ret_error) &&
           (by_time ? user_filter_span(rq, DEFAULT_SPAN_US, &q->from_us, &q->to_us, ret_error)
                    : parse_open_span(rq, q, ret_error)) &&
           parse_cursor(rq, cursor_key, ret_filter, ret_error);
}
