/* The records of legs lack what happened within them, so each call of the chain is read again,
 * whole. */
#include "api/legs_segments.h"

#include <stdlib.h>

#include "storage/segments.h"

struct chain {
    const struct call_record *calls[SEGMENTS_CALLS_MAX];
    unsigned count;
};

static bool of_chain(const struct leg *leg, const struct call_record *call)
{
    const char *group = call->related.group_id;
    return group[0] && strcmp(leg->record->related.group_id, group) == 0;
}

/* Number 0 is the call itself, borrowed. One that went meanwhile is left out. */
static void gather(struct exchange *x, const struct legs *l, const struct call_record *call,
                   struct chain *c)
{
    c->calls[c->count++] = call;
    for (unsigned i = 1; i < l->count && c->count < SEGMENTS_CALLS_MAX; i++) {
        struct call_record *r = NULL;
        if (of_chain(&l->leg[i], call) && store_call(x->reader, l->leg[i].record->uid, &r) == 0)
            c->calls[c->count++] = r;
    }
}

static void segment_json(struct json *j, const struct segment *s)
{
    json_object(j);
    json_kv_time(j, "from", s->from_us);
    json_kv_time(j, "to", s->to_us);
    json_key(j, "users");
    json_array(j);
    for (unsigned i = 0; i < s->user_count; i++)
        json_text(j, s->users[i]);
    json_end(j);
    json_key(j, "calls");
    json_array(j);
    for (unsigned i = 0; i < s->call_count; i++) {
        json_object(j);
        json_kv_str(j, "uid", s->calls[i].call->uid);
        if (s->calls[i].audio_ms < 0)
            json_kv_null(j, "audio_ms");
        else
            json_kv_int(j, "audio_ms", s->calls[i].audio_ms);
        json_end(j);
    }
    json_end(j);
    json_end(j);
}

void legs_segments_json(struct exchange *x, struct json *j, const struct legs *l,
                        struct call_record *call)
{
    struct chain c = {.count = 0};
    gather(x, l, call, &c);
    struct segments *s = segments_of(c.calls, c.count);
    json_key(j, "segments");
    json_array(j);
    for (unsigned i = 0; s && i < s->count; i++)
        segment_json(j, &s->segment[i]);
    json_end(j);
    free(s);
    for (unsigned i = 1; i < c.count; i++)
        record_free((struct call_record *)(uintptr_t)c.calls[i]);
}
