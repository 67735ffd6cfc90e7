/* POST /calls/tags: the same change to the tags of all calls that a search finds, the oldest first. Which calls is said as GET /calls
 * says it. So many are changed by one request and no more; calls that have what they should have do not count, so the same request
 * once more goes on behind them. */
#include <stdio.h>
#include <string.h>

#include "api/call_filter.h"
#include "api/handlers.h"
#include "api/limit.h"
#include "base/json_read.h"

#define DEPTH_MAX   3
#define CHANGED_MAX 2000 /* each may have a file beside its recording, which is written again */
#define LOOKED_MAX  20000
#define PAGE        250

struct tagging {
    struct exchange *x;
    struct record_tag_change change;
    bool dry_run;
    int64_t max;
    struct store_tagged page[PAGE];
    unsigned waiting; /* of the page */
    unsigned looked_at, changed, same, full;
    int64_t last_us;
    char last_uid[40];
    bool stopped, skipped;
};

/* ---- the body ---- */

static bool refuse(struct tagging *t, const char *field, const char *what)
{
    problem(t->x->rs, t->x->rq, 400, "invalid_value", field, "%s", what);
    return false;
}

static bool take_added(void *context, struct slice key, const struct json_value *value)
{
    struct tagging *t = context;

    return tags_take(t->x, &t->change.add, key, value);
}

static bool take_removed(struct tagging *t, const struct json_value *list)
{
    struct record_tag_change *c = &t->change;
    struct slice key;

    for (size_t i = 0; i < json_value_count(list); i++) {
        if (!json_value_text(json_value_at(list, i), &key) || !record_tag_key_valid(key) || c->remove_count == RECORD_TAGS_MAX)
            return refuse(t, "remove", "`remove` is a list of at most 16 keys.");
        slice_copy_to(key, c->remove[c->remove_count++], sizeof *c->remove);
    }
    return json_value_count(list) > 0 || refuse(t, "remove", "`remove` is a list of at most 16 keys.");
}

static bool take_member(void *context, struct slice key, const struct json_value *value)
{
    struct tagging *t = context;

    if (slice_is(key, "add"))
        return json_value_is_object(value) ? json_value_members(value, take_added, t) : refuse(t, "add", "`add` is an object: a text for each key.");
    if (slice_is(key, "remove"))
        return take_removed(t, value);
    if (slice_is(key, "dry_run"))
        return json_value_bool(value, &t->dry_run) || refuse(t, "dry_run", "`dry_run` is true or false.");
    if (!slice_is(key, "max"))
        return refuse(t, NULL, "The members are `add`, `remove`, `max` and `dry_run`.");
    return (json_value_is_whole(value) && json_value_int(value, &t->max) && t->max >= 1 && t->max <= CHANGED_MAX) ||
           refuse(t, "max", "`max` is a whole number from 1 to 2000.");
}

/* False: the problem is set. */
static bool read_body(struct tagging *t)
{
    struct json_value *root = exchange_object(t->x, DEPTH_MAX);

    t->max = 500;
    bool good = root && json_value_members(root, take_member, t);
    json_read_free(root);
    return good && (t->change.add.count || t->change.remove_count || refuse(t, "add", "There is nothing to `add` and nothing to `remove`."));
}

/* ---- the calls ---- */

static void look_at(void *context, const struct call_record *r)
{
    struct tagging *t = context;
    struct record_tags tags = {0};

    if (t->stopped) {
        t->skipped = true;
        return;
    }
    if (r->tags)
        tags = *r->tags;
    enum record_tags_verdict verdict = record_tags_change(&tags, &t->change);
    t->looked_at++;
    t->same += verdict == RECORD_TAGS_SAME;
    t->full += verdict == RECORD_TAGS_FULL;
    if (verdict == RECORD_TAGS_CHANGED) {
        struct store_tagged *call = &t->page[t->waiting++];
        *call = (struct store_tagged){.started_us = r->started_us, .recorded = r->recording.state != NULL};
        snprintf(call->uid, sizeof call->uid, "%s", r->uid);
    }
    t->last_us = r->started_us;
    snprintf(t->last_uid, sizeof t->last_uid, "%s", r->uid);
    t->stopped = t->changed + t->waiting >= t->max || t->looked_at >= LOOKED_MAX;
}

/* Those of the page that are to change. Meanwhile somebody may have done it, or filled their room. */
static int change_page(struct tagging *t)
{
    const struct api_config *config = t->x->api->config;
    int err = t->dry_run || t->waiting == 0 ? 0 : config->change_tags(config->context, &t->change, t->page, t->waiting);

    for (unsigned i = 0; i < t->waiting && err == 0; i++) {
        enum record_tags_verdict verdict = t->dry_run ? RECORD_TAGS_CHANGED : t->page[i].verdict;
        t->changed += verdict == RECORD_TAGS_CHANGED;
        t->same += verdict == RECORD_TAGS_SAME;
        t->full += verdict == RECORD_TAGS_FULL;
    }
    t->waiting = 0;
    return err;
}

static int change_all(struct tagging *t, struct store_query *q)
{
    bool more = true;
    int err = 0;

    q->order = STORE_OLDEST;
    q->limit = PAGE;
    while (more && !t->stopped && !err) {
        unsigned before = t->looked_at;
        err = store_calls(t->x->reader, q, look_at, t, &more);
        if (!err)
            err = change_page(t);
        if (t->looked_at == before)
            break;
        q->after_us = t->last_us;
        snprintf(q->after_uid, sizeof q->after_uid, "%s", t->last_uid);
    }
    t->skipped |= t->stopped && more;
    return err;
}

/* ---- the answer ---- */

static void answer(struct tagging *t)
{
    struct json j;

    json_init(&j, &t->x->rs->body);
    json_object(&j);
    json_kv_bool(&j, "dry_run", t->dry_run);
    json_kv_int(&j, "looked_at", t->looked_at);
    json_kv_int(&j, "changed", t->changed);
    json_kv_int(&j, "unchanged", t->same);
    json_kv_int(&j, "full", t->full);
    json_kv_bool(&j, "more", t->skipped);
    json_kv_time(&j, "next_from", t->skipped ? t->last_us : 0);
    json_end(&j);
    exchange_json_done(t->x);
}

/* Which calls, as far as there is room for it. */
static void search_text(const struct http_query *q, char out[200])
{
    size_t n = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < q->count && n < 200; i++)
        n += (size_t)snprintf(out + n, 200 - n, "%s%s=%s", n ? "&" : "", q->param[i].name, q->param[i].value);
}

/* Keys, not what they say. */
static void change_text(const struct record_tag_change *c, char out[300])
{
    size_t n = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < c->remove_count && n < 300; i++)
        n += (size_t)snprintf(out + n, 300 - n, "%s-%s", n ? " " : "", c->remove[i]);
    for (unsigned i = 0; i < c->add.count && n < 300; i++)
        n += (size_t)snprintf(out + n, 300 - n, "%s+%s", n ? " " : "", c->add.tag[i].key);
}

/* That it was asked for stands in the log ahead of it, and what came of it behind. */
static void run(struct tagging *t, struct store_query *q)
{
    struct exchange *x = t->x;
    char object[200], detail[400];

    search_text(&x->rq->query, object);
    change_text(&t->change, detail);
    if (!t->dry_run && !exchange_audit(x, "tags.change", object, "asked", detail))
        return;
    int err = change_all(t, q);
    snprintf(detail, sizeof detail, "%u of %u calls", t->changed, t->looked_at);
    if (!t->dry_run && !exchange_audit(x, "tags.change", object, err ? "failed" : "ok", detail))
        return;
    if (err)
        exchange_store_problem(x, err, "call");
    else
        answer(t);
}

/* To change what one finds tells what there is. */
static bool may_look(struct exchange *x, const struct store_query *q)
{
    if ((x->who.scopes & SCOPE_META) == 0) {
        problem(x->rs, x->rq, 403, "scope", NULL, "This needs the scope `meta` too, which %s does not hold.", x->who.name);
        return false;
    }
    return exchange_may_search(x, q) && exchange_audit_search(x, "calls.search");
}

void handle_tag_calls(struct exchange *x)
{
    struct tagging t = {.x = x};
    struct call_filter filter;
    struct call_filter_error e;
    struct limit_query limit;

    if (!call_filter_parse(x->rq, x->api->cursor_key, &filter, &e))
        exchange_filter_problem(x, &e);
    else if (exchange_limit(x, &limit, &filter.query) && read_body(&t) && may_look(x, &filter.query))
        run(&t, &filter.query);
}
