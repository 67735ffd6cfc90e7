/* POST /calls/{uid}/pause and /resume: the recording of a call that goes on. Who asked stands in
 * the call's events and, with the reason and what came of it, in the audit log. A pause protects
 * somebody, so it does not wait for the log; a resume does: first stands there that it was asked for,
 * then it takes effect, then what came of it. */
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/limit.h"
#include "base/json_read.h"

#define DEPTH_MAX      2
#define REASON_MAX     200
#define DURATION_MAX_S (24 * 3600)

struct asked {
    struct exchange *x;
    bool resume;
    char sides[8];
    char reason[REASON_MAX + 1];
    int64_t duration_s;
};

static bool refuse(struct exchange *x, const char *field, const char *what)
{
    problem(x->rs, x->rq, 400, "invalid_value", field, "%s", what);
    return false;
}

static bool take_sides(struct asked *a, const struct json_value *value)
{
    static const char *const SIDES[] = {"caller", "callee", "both"};
    struct slice text;

    for (unsigned i = 0; json_value_text(value, &text) && i < 3; i++)
        if (slice_is(text, SIDES[i])) {
            snprintf(a->sides, sizeof a->sides, "%s", SIDES[i]);
            return true;
        }
    return refuse(a->x, "sides", "`sides` is caller, callee or both.");
}

static bool take_reason(struct asked *a, const struct json_value *value)
{
    struct slice text;

    if (!json_value_text(value, &text) || text.size > REASON_MAX)
        return refuse(a->x, "reason", "`reason` is a text of at most 200 bytes.");
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] == 127)
            return refuse(a->x, "reason", "`reason` has no control characters.");
    slice_copy_to(text, a->reason, sizeof a->reason);
    return true;
}

static bool take_member(void *context, struct slice key, const struct json_value *value)
{
    struct asked *a = context;
    int64_t n;

    if (slice_is(key, "sides"))
        return take_sides(a, value);
    if (slice_is(key, "reason"))
        return take_reason(a, value);
    if (!slice_is(key, "duration_s") || a->resume)
        return refuse(a->x, NULL,
                      a->resume ? "The members are `sides` and `reason`."
                                : "The members are `sides`, `duration_s` and `reason`.");
    if (!json_value_int(value, &n) || n < 1 || n > DURATION_MAX_S)
        return refuse(a->x, "duration_s", "`duration_s` is a whole number from 1 to 86400.");
    a->duration_s = n;
    return true;
}

/* No body: both sides, for as long as the settings say. False: the problem is set. */
static bool read_body(struct asked *a)
{
    struct http_request *rq = a->x->rq;

    if (rq->body.size == 0)
        return true;
    struct json_value *root = json_read(rq->body, HTTP_UPLOAD_MAX, DEPTH_MAX);
    bool good = root && json_value_is_object(root);
    if (good)
        good = json_value_members(root, take_member, a);
    else
        problem(a->x->rs, rq, 400, "invalid_body", NULL, "The body is a JSON object, or nothing.");
    json_read_free(root);
    return good;
}

static bool may_see(const void *asker, const struct live_call *call)
{
    return limit_allows_live(asker, call);
}

static int ask(struct asked *a, struct live_call *ret_call)
{
    struct exchange *x = a->x;
    const struct live_source *live = &x->api->config->live;
    const struct live_want want = {
        .uid = x->rq->path_value[0], .may_see = may_see, .asker = &x->who.limit};
    const struct live_pause pause = {.resume = a->resume,
                                     .sides = a->sides,
                                     .duration_us = a->duration_s * 1000000,
                                     .actor = x->who.name,
                                     .reason = a->reason[0] ? a->reason : NULL};

    return live->pause ? live->pause(live->context, &want, &pause, ret_call) : ERR_BUSY;
}

static const char *result_of(int err)
{
    return err == 0                 ? "ok"
           : err == ERR_NOT_FOUND   ? "not_live"
           : err == ERR_INVALID     ? "not_paused"
           : err == ERR_UNSUPPORTED ? "not_recorded"
                                    : "failed";
}

/* What is over, was never there, or is nobody's business of who asks. */
static void no_live_call(struct exchange *x)
{
    struct call_record *r = exchange_call(x);

    if (r == NULL)
        return;
    record_free(r);
    problem(x->rs, x->rq, 409, "call_ended", NULL,
            "The call is over; only the recording of a call that goes on can be paused.");
}

static void say(struct exchange *x, const struct asked *a, int err)
{
    if (err == ERR_NOT_FOUND)
        no_live_call(x);
    else if (err == ERR_INVALID)
        problem(x->rs, x->rq, 409, "not_paused", NULL, "The recording is not paused on %s.",
                strcmp(a->sides, "both") == 0 ? "either side" : "this side");
    else if (err == ERR_UNSUPPORTED)
        problem(x->rs, x->rq, 409, "not_recorded", NULL,
                "This call is not recorded, so there is nothing to pause.");
    else
        problem(x->rs, x->rq, 503, "live_unavailable", NULL,
                "The live view does not answer; try again.");
}

static void answer(struct exchange *x, const struct live_call *c)
{
    struct json j;

    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_str(&j, "uid", c->uid);
    json_kv_str(&j, "paused", c->paused);
    json_kv_time(&j, "paused_at", c->paused_us);
    json_kv_time(&j, "resumes_at", c->resumes_us);
    json_end(&j);
    exchange_json_done(x);
}

static void handle(struct exchange *x, bool resume)
{
    struct asked a = {.x = x, .resume = resume, .sides = "both"};
    struct live_call call;
    char detail[REASON_MAX + 64];
    const char *action = resume ? "recording.resume" : "recording.pause";

    if (!read_body(&a))
        return;
    snprintf(detail, sizeof detail, "%s%s%s", a.sides, a.reason[0] ? ": " : "", a.reason);
    if (resume && !exchange_audit(x, action, x->rq->path_value[0], "asked", detail))
        return;
    int err = ask(&a, &call);
    if (!exchange_audit(x, action, x->rq->path_value[0], result_of(err), detail))
        return;
    if (err)
        say(x, &a, err);
    else
        answer(x, &call);
}

void handle_pause(struct exchange *x)
{
    handle(x, false);
}

void handle_resume(struct exchange *x)
{
    handle(x, true);
}
