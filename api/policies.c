/* /policies/recording: the rules in force, other ones in their place, and the question which of them a call would fall under. What
 * they mean is not known here: sets and calls go to the program as JSON and come back so. And POST /calls/{uid}/recording: somebody wants
 * the recording of a call that is kept on demand. */
#include <stdio.h>
#include <string.h>

#include "api/call_filter.h"
#include "api/handlers.h"
#include "api/limit.h"
#include "base/json_read.h"

#define CHANGE_MAX 4096
#define INVITE_MAX 65536

static const struct api_policies *policies(struct exchange *x)
{
    const struct api_policies *p = &x->api->config->policies;

    if (p->show)
        return p;
    problem(x->rs, x->rq, 503, "unavailable", NULL, "There are no rules here.");
    return NULL;
}

void handle_policies(struct exchange *x)
{
    const struct api_policies *p = policies(x);

    if (p == NULL || !exchange_audit_read(x, "policy.read", "recording", NULL))
        return;
    p->show(p->context, &x->rs->body);
    exchange_json_done(x);
    exchange_etag(x);
}

/* The tag of what stands now is that of GET: whoever read something else is told. False: the problem is set. */
static bool is_current(struct exchange *x, const struct api_policies *p)
{
    char etag[EXCHANGE_TAG_SIZE];
    struct buf now;

    if (x->rq->if_match == NULL)
        return true;
    buf_init(&now, 16u << 20);
    p->show(p->context, &now);
    exchange_tag_of(buf_view(&now), etag);
    buf_fini(&now);
    if (http_etag_matches(x->rq->if_match, etag))
        return true;
    problem(x->rs, x->rq, 412, "changed_meanwhile", "If-Match",
            "The rules are not those any more that you have read: read them again.");
    return false;
}

void handle_put_policies(struct exchange *x)
{
    const struct api_policies *p = policies(x);
    struct why why = {0};
    struct buf change;
    struct rules *set = NULL;

    if (p == NULL || !is_current(x, p))
        return;
    buf_init(&change, CHANGE_MAX);
    if (p->read(p->context, x->rq->body, &set, &change, &why) != 0)
        problem(x->rs, x->rq, 400, "invalid_rules", NULL, "%s", why.text);
    else if (!exchange_audit(x, "policy.write", "recording", "ok", buf_text(&change)))
        p->let_go(set);
    else if (p->put(p->context, set, &why) != 0)
        problem(x->rs, x->rq, 503, "not_stored", NULL, "%s", why.text);
    else
        handle_policies(x);
    buf_fini(&change);
}

/* ---- the dry run ---- */

/* Which rule decides tells what stands in a message, when the rule looks at headers: that is for those who may read messages, and audited. */
static bool may_read_invites(struct exchange *x, const char *object)
{
    if ((x->who.scopes & SCOPE_MESSAGES) == 0) {
        problem(x->rs, x->rq, 403, "scope", NULL, "These rules look at headers of stored calls: that needs the scope `messages`, which %s does not hold.",
                x->who.name);
        return false;
    }
    return exchange_audit(x, "messages.search", object, "ok", x->rq->access_reason);
}

struct first_invite {
    struct buf text;
    uint64_t bytes; /* of all messages looked at */
};

static void take_invite(void *context, const struct record_message *m)
{
    struct first_invite *f = context;

    f->bytes += m->raw.size;
    if (f->text.size == 0 && m->status == 0 && slice_is(m->method, "INVITE"))
        buf_slice(&f->text, m->raw);
}

/* A call whose messages have gone has none. */
static int read_invite(struct exchange *x, const struct call_record *r, struct first_invite *f)
{
    int err = store_messages(x->reader, r, take_invite, f);

    return err == ERR_NOT_FOUND ? 0 : err;
}

/* The uid of the body, when it has nothing else; NULL-terminated. */
static bool uid_in_body(struct slice body, char out[HTTP_PATH_WORD_SIZE])
{
    struct slice uid;
    struct json_value *root = json_read(body, HTTP_UPLOAD_MAX, 4);
    bool there = root && json_value_text(json_value_get(root, "uid"), &uid);

    if (there)
        slice_copy_to(uid, out, HTTP_PATH_WORD_SIZE);
    json_read_free(root);
    return there;
}

static void try_call(struct exchange *x, const struct api_policies *p, struct why *why, int *err)
{
    struct first_invite invite = {0};
    struct call_record *r = exchange_call(x);

    if (r == NULL)
        return;
    bool by_headers = p->by_headers(p->context);
    buf_init(&invite.text, INVITE_MAX);
    if (!by_headers || may_read_invites(x, r->uid)) {
        int unread = by_headers ? read_invite(x, r, &invite) : 0;
        if (unread)
            exchange_store_problem(x, unread, "call");
        else
            *err = p->dry_run(p->context, slice_none(), r, buf_view(&invite.text), &x->rs->body, why);
    }
    buf_fini(&invite.text);
    record_free(r);
}

/* ---- other rules, over the newest calls ---- */

#define COMPARED_DEFAULT 200
#define COMPARED_MAX     1000
#define COMPARED_BYTES_MAX (64u << 20) /* of messages, as a search by header */

struct comparing {
    struct exchange *x;
    const struct api_policies *p;
    struct policies_compare *compare;
    bool by_headers;
    uint64_t bytes;
    bool truncated;
    int err;
};

static void compare_one(void *context, const struct call_record *r)
{
    struct comparing *c = context;
    struct first_invite invite = {0};

    c->truncated |= c->bytes >= COMPARED_BYTES_MAX;
    if (c->truncated || c->err)
        return;
    buf_init(&invite.text, INVITE_MAX);
    if (c->by_headers)
        c->err = read_invite(c->x, r, &invite);
    if (c->err == 0)
        c->p->compare_call(c->compare, r, buf_view(&invite.text));
    c->bytes += invite.bytes;
    buf_fini(&invite.text);
}

/* Does the body think of other rules? Of how many calls, then. */
static bool policy_in_body(struct slice body, int64_t *ret_newest)
{
    struct json_value *root = json_read(body, HTTP_UPLOAD_MAX, 7);
    bool there = root && json_value_get(root, "policy");

    *ret_newest = COMPARED_DEFAULT;
    if (there)
        (void)json_value_int(json_value_get(root, "newest"), ret_newest);
    json_read_free(root);
    return there;
}

static void compare_calls(struct comparing *c, const struct store_query *q)
{
    struct exchange *x = c->x;
    bool more = false, may = !c->by_headers || may_read_invites(x, "recording rules");
    int err = may ? store_calls(x->reader, q, compare_one, c, &more) : 0;

    if (err == 0)
        err = c->err;
    c->p->compare_end(c->compare, c->truncated, may ? &x->rs->body : NULL);
    if (err)
        exchange_store_problem(x, err, "call");
    else if (may)
        exchange_json_done(x);
}

static void compare_policies(struct exchange *x, const struct api_policies *p, int64_t newest)
{
    struct call_filter filter;
    struct call_filter_error e;
    struct store_query *q = &filter.query;
    struct comparing c = {.x = x, .p = p};
    struct why why = {0};

    if (!call_filter_parse(x->rq, x->api->cursor_key, &filter, &e)) {
        exchange_filter_problem(x, &e);
        return;
    }
    if (p->compare(p->context, x->rq->body, &c.compare, &why) != 0) {
        problem(x->rs, x->rq, 400, "invalid_rules", NULL, "%s", why.text);
        return;
    }
    q->from_us = 0;
    q->order = STORE_NEWEST;
    q->source = "capture";
    q->limit = (uint32_t)(newest < 1 ? 1 : newest > COMPARED_MAX ? COMPARED_MAX : newest);
    c.by_headers = p->compare_by_headers(c.compare);
    compare_calls(&c, q);
}

void handle_try_policies(struct exchange *x)
{
    const struct api_policies *p = policies(x);
    struct why why = {0};
    int64_t newest;
    int err = 0;

    if (p == NULL)
        return;
    if (p->compare && policy_in_body(x->rq->body, &newest)) {
        compare_policies(x, p, newest);
        return;
    }
    if (uid_in_body(x->rq->body, x->rq->path_value[0]))
        try_call(x, p, &why, &err);
    else
        err = p->dry_run(p->context, x->rq->body, NULL, slice_none(), &x->rs->body, &why);
    if (err)
        problem(x->rs, x->rq, 400, "invalid_call", NULL, "%s", why.text);
    else if (x->rs->status == 200)
        exchange_json_done(x);
}

/* ---- a recording on demand ---- */

static bool may_see_live(const void *asker, const struct live_call *call)
{
    return limit_allows_live(asker, call);
}

void handle_request_recording(struct exchange *x)
{
    const struct api_request_source *requests = &x->api->config->requests;
    struct live_want want = {.uid = x->rq->path_value[0], .may_see = may_see_live, .asker = &x->who.limit};

    if (policies(x) == NULL || !exchange_audit(x, "recording.request", x->rq->path_value[0], "asked", x->rq->access_reason))
        return;
    enum api_request_answer answer = requests->live(requests->context, &want);
    if (answer == API_REQUEST_NO_CALL) {
        struct call_record *r = exchange_call(x);
        if (r == NULL)
            return;
        answer = requests->stored(requests->context, r);
    }
    switch (answer) {
    case API_REQUEST_TAKEN:
    case API_REQUEST_ALREADY: {
        struct json j;
        json_init(&j, &x->rs->body);
        json_object(&j);
        json_kv_str(&j, "call_uid", x->rq->path_value[0]);
        json_kv_bool(&j, "requested_before", answer == API_REQUEST_ALREADY);
        json_end(&j);
        exchange_json_done(x);
        x->rs->status = answer == API_REQUEST_TAKEN ? 202 : 200;
        return;
    }
    case API_REQUEST_NOT_KEPT:
        problem(x->rs, x->rq, 409, "not_kept", NULL, "The rules do not keep media of this call: there is nothing to record.");
        return;
    case API_REQUEST_TOO_LATE:
        problem(x->rs, x->rq, 410, "too_late", NULL,
                "Its media is gone: nobody asked for this recording while it waited ([recording] on_demand_wait, look_back).");
        return;
    default:
        problem(x->rs, x->rq, 503, "database_busy", NULL, "The request could not be stored; try again.");
    }
}
