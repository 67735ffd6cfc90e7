/* GET /api/v1/calls/{uid}/legs: the calls that belong to the same conversation, each with what says
 * so. Legs that a limited token may not see are not there, nor what they alone lead to. */
#include "api/legs.h"

#include <stdlib.h>

#include "api/handlers.h"
#include "api/json_fields.h"
#include "api/legs_segments.h"
#include "api/limit.h"

bool legs_level(struct exchange *x, enum correlate_level *ret_level)
{
    const char *text = http_query_value(&x->rq->query, "min_confidence");
    *ret_level = LEVEL_MEDIUM;
    if (text == NULL || correlate_level_parse(text, ret_level))
        return true;
    problem(x->rs, x->rq, 400, "invalid_value", "min_confidence",
            "`min_confidence` is low, medium or high.");
    return false;
}

static bool may_see(void *context, const struct call_record *r)
{
    const struct exchange *x = context;
    return limit_allows_record(&x->who.limit, r);
}

struct legs *legs_of(struct exchange *x, struct call_record *call, enum correlate_level at_least)
{
    struct legs *l = NULL;
    int err = store_legs(x->reader, call, at_least, may_see, x, &l);
    if (err)
        exchange_store_problem(x, err, "call");
    return l;
}

static int by_start(const void *a, const void *b)
{
    const struct leg *const *x = a, *const *y = b;
    int64_t d = (*x)->record->started_us - (*y)->record->started_us;
    return d < 0 ? -1 : d > 0 ? 1 : strcmp((*x)->record->uid, (*y)->record->uid);
}

void legs_sort(struct legs *l, struct leg *ret_sorted[LEGS_MAX])
{
    for (unsigned i = 0; i < l->count; i++)
        ret_sorted[i] = &l->leg[i];
    qsort(ret_sorted, l->count, sizeof *ret_sorted, by_start);
}

/* ---- JSON ---- */

static void evidence_json(struct json *j, const struct correlation *c)
{
    json_key(j, "evidence");
    json_array(j);
    for (unsigned i = 0; i < EVIDENCE_KINDS; i++) {
        if (c->level[i] == LEVEL_NONE)
            continue;
        json_object(j);
        json_kv_str(j, "kind", correlate_evidence_text((enum correlate_evidence)i));
        json_kv_str(j, "confidence", correlate_level_text((enum correlate_level)c->level[i]));
        kv_known(j, "value", c->value[i]);
        json_end(j);
    }
    json_end(j);
}

static const char *role_of(const struct legs *l, const struct leg *leg)
{
    const struct call_record *self = l->leg[0].record;
    if (leg->record == self)
        return "self";
    return leg->record->started_us < self->started_us ? "before" : "after";
}

static void leg_json(struct json *j, const struct legs *l, const struct leg *leg)
{
    const struct call_record *r = leg->record;
    json_object(j);
    json_kv_str(j, "uid", r->uid);
    json_kv_str(j, "role", role_of(l, leg));
    json_kv_str(j, "confidence", correlate_level_text((enum correlate_level)leg->confidence));
    json_kv_str(j, "via", leg == &l->leg[0] ? NULL : l->leg[leg->via].record->uid);
    evidence_json(j, &leg->why);
    kv_known(j, "call_id", r->call_id);
    kv_known(j, "caller", r->identity.caller.number);
    kv_known(j, "callee", r->identity.callee.number);
    kv_endpoint(j, "src", &r->src);
    kv_endpoint(j, "dst", &r->dst);
    json_kv_time(j, "started_at", r->started_us);
    json_kv_time(j, "answered_at", r->answered_us);
    json_kv_time(j, "ended_at", r->ended_us);
    json_kv_str(j, "outcome", r->outcome);
    json_end(j);
}

static void legs_json(struct exchange *x, struct json *j, struct legs *l, struct call_record *call)
{
    struct leg *sorted[LEGS_MAX];
    legs_sort(l, sorted);
    json_object(j);
    json_kv_str(j, "call_uid", l->leg[0].record->uid);
    json_kv_bool(j, "truncated", l->truncated);
    json_key(j, "data");
    json_array(j);
    for (unsigned i = 0; i < l->count; i++)
        leg_json(j, l, sorted[i]);
    json_end(j);
    legs_segments_json(x, j, l, call);
    json_end(j);
}

void handle_legs(struct exchange *x)
{
    enum correlate_level at_least;
    struct call_record *r;
    struct json j;

    if (!legs_level(x, &at_least) || (r = exchange_call(x)) == NULL)
        return;
    struct legs *l = legs_of(x, r, at_least);
    if (l) {
        json_init(&j, &x->rs->body);
        legs_json(x, &j, l, r);
        exchange_json_done(x);
    }
    store_legs_free(l);
    record_free(r);
}
