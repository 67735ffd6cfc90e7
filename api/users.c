/* GET /registrations, /subscriptions, /messages, /hosts, /user-agents, /findings: what is known about users,
 * devices and peers. */
#include <string.h>

#include "api/handlers.h"
#include "api/page_count.h"
#include "api/user_filter.h"
#include "api/user_json.h"

struct list {
    struct json json;
    const struct user_table *table;
    const struct user_field *order;
    enum user_kind kind;
    bool body, hosts;
    int64_t last_us, last_id;
    const struct api_named_source *names;
};

/* What people call the two ends of a pair of hosts. */
static void ends_json(struct list *l, const void *record)
{
    static const char *const ENDS[][2] = {{"src_alias", "src_ip"}, {"dst_alias", "dst_ip"}};
    for (unsigned i = 0; i < 2; i++) {
        char name[NAMED_ALIAS_SIZE];
        struct addr a;
        bool known = l->names->alias_of && addr_parse(slice_str(user_text(record, user_field(l->kind, ENDS[i][1]))), &a) &&
                     l->names->alias_of(l->names->context, a, name);
        json_kv_str(&l->json, ENDS[i][0], known ? name : NULL);
    }
}

static void add_row(void *context, const void *record, int64_t id)
{
    struct list *l = context;

    json_object(&l->json);
    user_fields_json(&l->json, l->kind, record, l->body);
    if (l->hosts)
        ends_json(l, record);
    json_end(&l->json);
    l->last_us = user_int(record, l->order);
    l->last_id = id;
}

static void end_page(struct exchange *x, struct list *l, const struct user_filter *f, bool more)
{
    char cursor[PAGE_CURSOR_SIZE] = "";

    if (more)
        user_filter_cursor(f, x->rq, x->api->cursor_key, l->last_us, l->last_id, cursor);
    page_json(&l->json, more ? cursor : NULL, NULL);
    if (!l->table->by_day)
        return;
    page_window_json(&l->json, f->query.from_us, f->query.to_us);
}

static void handle_list(struct exchange *x, enum user_list list, bool body)
{
    struct user_filter filter;
    struct call_filter_error e;
    bool more = false;

    if (!user_filter_parse(list, x->rq, x->api->cursor_key, &filter, &e)) {
        exchange_filter_problem(x, &e);
        return;
    }
    if (!exchange_audit_search(x, list == USER_LIST_MESSAGES ? "messages.search" : "users.search"))
        return;
    struct list l = {
        .kind = filter.query.kind, .table = user_table(filter.query.kind), .body = body, .hosts = list == USER_LIST_HOSTS,
                     .names = &x->api->config->named};
    l.order = user_field(l.kind, l.table->order);
    exchange_list(x, &l.json);
    int err = store_users(x->reader, &filter.query, add_row, &l, &more);
    json_end(&l.json);
    end_page(x, &l, &filter, more);
    json_end(&l.json);
    if (err)
        exchange_store_problem(x, err, l.table->name);
    else
        exchange_json_done(x);
}

void handle_registrations(struct exchange *x)
{
    handle_list(x, USER_LIST_REGISTRATIONS, false);
}

void handle_subscriptions(struct exchange *x)
{
    handle_list(x, USER_LIST_SUBSCRIPTIONS, false);
}

void handle_hosts(struct exchange *x)
{
    handle_list(x, USER_LIST_HOSTS, false);
}

void handle_user_agents(struct exchange *x)
{
    handle_list(x, USER_LIST_AGENTS, false);
}

void handle_findings(struct exchange *x)
{
    handle_list(x, USER_LIST_FINDINGS, false);
}

static void add_one(void *context, const void *record, int64_t id)
{
    (void)id;
    user_json(context, USER_FINDING, record, false);
}

void handle_finding(struct exchange *x)
{
    struct store_user_query q = {.kind = USER_FINDING, .limit = 1};
    struct json j;
    bool more;

    store_user_filter_add(&q, (struct store_user_filter){.field = "uid", .text = x->rq->path_value[0]});
    json_init(&j, &x->rs->body);
    int err = store_users(x->reader, &q, add_one, &j, &more);
    if (!err && buf_view(&x->rs->body).size == 0)
        err = ERR_NOT_FOUND;
    if (err) {
        exchange_store_problem(x, err, "finding");
        return;
    }
    exchange_json_done(x);
    exchange_etag(x);
}

/* What people wrote to each other is for those who may read messages, and that they did is written
 * down. */
void handle_user_messages(struct exchange *x)
{
    bool body;

    if (!exchange_flag(x, "body", false, &body))
        return;
    if (body && !(x->who.scopes & SCOPE_MESSAGES)) {
        problem(x->rs, x->rq, 403, "scope", "body",
                "What messages say needs the scope `messages`, which %s does not hold.",
                x->who.name);
        return;
    }
    handle_list(x, USER_LIST_MESSAGES, body);
    if (body && x->rs->status == 200)
        exchange_audit_read(x, "messages.read", "/messages", NULL);
}
