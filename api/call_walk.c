#include "api/call_walk.h"

#include <string.h>

#define PAGE_CALLS         1000
#define CALLS_MAX          20000
#define REGISTRATIONS_MAX  10000
#define REGISTRATIONS_PAGE 1000

struct walk {
    struct store_query *query;
    call_walk_fn *fn;
    void *context;
    uint64_t calls;
    int err;
};

static void take_call(void *context, const struct call_record *r)
{
    struct walk *w = context;
    if (w->err == 0)
        w->err = w->fn(w->context, r);
    w->calls++;
    w->query->after_us = r->started_us;
    memcpy(w->query->after_uid, r->uid, sizeof w->query->after_uid);
}

int call_walk(struct exchange *x, struct store_query *query, call_walk_fn *fn, void *context, bool *ret_truncated)
{
    struct walk w = {.query = query, .fn = fn, .context = context};
    bool more = true;
    query->order = STORE_NEWEST;
    query->source = "capture"; /* what somebody brought is no traffic of this place */
    query->limit = PAGE_CALLS;
    while (more && w.calls < CALLS_MAX && w.err == 0) {
        uint64_t before = w.calls;
        int err = store_calls(x->reader, query, take_call, &w, &more);
        if (err)
            return err;
        more &= w.calls > before;
    }
    *ret_truncated |= more;
    return w.err;
}

struct registered {
    registration_walk_fn *fn;
    void *context;
    int64_t from_us, to_us, last_us, last_id;
    int err;
};

static void take_registration(void *context, const void *record, int64_t id)
{
    const struct registration_record *r = record;
    struct registered *w = context;
    if (w->err == 0 && r->first_us < w->to_us && r->updated_us >= w->from_us)
        w->err = w->fn(w->context, r);
    w->last_us = user_int(record, user_field(USER_REGISTRATION, "updated_us"));
    w->last_id = id;
}

int registration_walk(struct exchange *x, int64_t from_us, int64_t to_us, registration_walk_fn *fn, void *context, bool *ret_truncated)
{
    struct store_user_query q = {.kind = USER_REGISTRATION, .limit = REGISTRATIONS_PAGE};
    struct registered w = {.fn = fn, .context = context, .from_us = from_us, .to_us = to_us};
    bool more = true;
    for (unsigned n = 0; more && n < REGISTRATIONS_MAX && w.err == 0; n += REGISTRATIONS_PAGE) {
        int err = store_users(x->reader, &q, take_registration, &w, &more);
        if (err)
            return err;
        q.after_us = w.last_us;
        q.after_id = w.last_id;
    }
    *ret_truncated |= more;
    return w.err;
}
