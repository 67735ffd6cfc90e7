/* GET /api/v1/calls/{uid}/messages/{n}/diff: two messages of a call side by side, as JSON or as
 * text. Audited like reading them. */
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/message_diff.h"
#include "api/record_json.h"

#define ARENA_FIRST   16384
#define ARENA_CEILING (8u << 20) /* two messages of 64 KiB and what is made of them */

struct pair {
    struct arena *arena;
    uint32_t n[2];
    struct record_message m[2];
    bool found[2];
};

static struct record_message kept(struct arena *arena, const struct record_message *m)
{
    struct record_message copy = *m;

    copy.method = arena_copy(arena, m->method);
    copy.reason_phrase = arena_copy(arena, m->reason_phrase);
    copy.raw = arena_copy(arena, m->raw);
    return copy;
}

static void pick(void *context, const struct record_message *m)
{
    struct pair *p = context;

    for (int i = 0; i < 2; i++)
        if (m->n == p->n[i]) {
            p->m[i] = kept(p->arena, m);
            p->found[i] = p->m[i].raw.size == m->raw.size;
        }
}

static void put_head(struct buf *out, const char *mark, const struct record_message *m)
{
    char src[ENDPOINT_TEXT_SIZE], dst[ENDPOINT_TEXT_SIZE];

    buf_printf(out, "%s message %u, %s -> %s\n", mark, m->n, endpoint_text(&m->src, src),
               endpoint_text(&m->dst, dst));
}

static void answer_text(struct exchange *x, const struct pair *p, const struct message_diff *d)
{
    struct buf *out = &x->rs->body;

    put_head(out, "---", &p->m[0]);
    put_head(out, "+++", &p->m[1]);
    message_diff_text(d, out);
    x->rs->content_type = "text/plain; charset=utf-8";
}

static void answer_json(struct exchange *x, const char *uid, const struct pair *p,
                        const struct message_diff *d)
{
    struct json j;

    json_init(&j, &x->rs->body);
    json_object(&j);
    json_kv_str(&j, "call_uid", uid);
    json_key(&j, "a");
    record_json_message(&j, &p->m[0], false);
    json_key(&j, "b");
    record_json_message(&j, &p->m[1], false);
    message_diff_json(d, &j);
    json_end(&j);
    exchange_json_done(x);
}

static void compare(struct exchange *x, const struct call_record *r, struct pair *p, bool text)
{
    struct message_diff d;
    char object[96];
    int err = store_messages(x->reader, r, pick, p);

    if (err || !p->found[0] || !p->found[1]) {
        exchange_store_problem(x, err ? err : ERR_NOT_FOUND, "message");
        return;
    }
    if (!message_diff(p->arena, p->m[0].raw, p->m[1].raw, &d)) {
        exchange_store_problem(x, ERR_NOMEM, "message");
        return;
    }
    if (text)
        answer_text(x, p, &d);
    else
        answer_json(x, r->uid, p, &d);
    snprintf(object, sizeof object, "%s/%u,%u", r->uid, p->n[0], p->n[1]);
    exchange_audit_read(x, "messages.read", object, NULL);
}

void handle_message_diff(struct exchange *x)
{
    struct pair p = {0};
    bool text;

    if (!exchange_wants_text(x, &text) || !exchange_number(x, "with", 0, UINT32_MAX, &p.n[1]))
        return;
    if (p.n[1] == 0) {
        problem(x->rs, x->rq, 400, "missing_parameter", "with",
                "`with` is the number of the other message.");
        return;
    }
    struct call_record *r = exchange_call(x);
    if (r == NULL)
        return;
    p.arena = arena_new(ARENA_FIRST, ARENA_CEILING);
    if (p.arena == NULL)
        exchange_store_problem(x, ERR_NOMEM, "message");
    else if (!slice_to_u32(slice_str(x->rq->path_value[1]), &p.n[0]) || p.n[0] == 0)
        exchange_store_problem(x, ERR_NOT_FOUND, "message");
    else
        compare(x, r, &p, text);
    arena_free(p.arena);
    record_free(r);
}
