/* See webhook_queue.h. */
#include "app/webhook_queue.h"

#include <assert.h>
#include <stdlib.h>

#include "base/cursor.h"

#define FORM 1

struct webhook_letter *webhook_letter_new(struct slice uid, struct slice said)
{
    struct webhook_letter *v = malloc(sizeof *v + said.size);
    if (v == NULL)
        return NULL;
    *v = (struct webhook_letter){.said_bytes = said.size};
    slice_copy_to(uid, v->uid, sizeof v->uid);
    if (said.size)
        memcpy(v->said, said.data, said.size);
    return v;
}

void webhook_letter_pack(const struct webhook_letter *v, struct buf *out)
{
    struct slice uid = slice_str(v->uid);
    buf_u8(out, FORM);
    buf_u8(out, v->event);
    buf_u64(out, (uint64_t)v->started_us);
    buf_u64(out, (uint64_t)v->since_us);
    buf_u8(out, (uint8_t)uid.size);
    buf_slice(out, uid);
    buf_add(out, v->said, v->said_bytes);
}

struct webhook_letter *webhook_letter_unpack(struct slice bytes)
{
    struct cursor c = cursor_over(bytes);
    bool known = cursor_u8(&c) == FORM;
    uint8_t event = cursor_u8(&c);
    int64_t started_us = (int64_t)cursor_u64(&c), since_us = (int64_t)cursor_u64(&c);
    struct slice uid = cursor_slice(&c, cursor_u8(&c)), said = cursor_rest(&c);
    if (c.failed || !known || event >= WEBHOOK_EVENTS || said.size == 0)
        return NULL;
    struct webhook_letter *v = webhook_letter_new(uid, said);
    if (v == NULL)
        return NULL;
    v->event = event;
    v->started_us = started_us;
    v->since_us = since_us;
    return v;
}

/* ---- the queue ---- */

int webhook_queue_init(struct webhook_queue *q, unsigned max)
{
    *q = (struct webhook_queue){.max = max, .seed = hash_seed_random()};
    q->slots = calloc(max + 1, sizeof *q->slots);
    q->free_slots = calloc(max + 1, sizeof *q->free_slots);
    if (q->slots == NULL || q->free_slots == NULL || map_reserve(&q->by_call, max + 1) != 0)
        return ERR_NOMEM;
    for (unsigned i = 0; i <= max; i++)
        q->free_slots[i] = i;
    return 0;
}

void webhook_queue_fini(struct webhook_queue *q)
{
    for (struct webhook_letter *v = q->first, *next; v; v = next) {
        next = v->next;
        free(v);
    }
    map_fini(&q->by_call);
    free(q->slots);
    free(q->free_slots);
    *q = (struct webhook_queue){0};
}

static uint64_t hash_of(const struct webhook_queue *q, const struct webhook_letter *v)
{
    return hash_bytes(&q->seed, v->uid, strlen(v->uid));
}

static struct webhook_letter *newest_of_call(const struct webhook_queue *q,
                                             const struct webhook_letter *like)
{
    struct map_probe p = map_probe(&q->by_call, hash_of(q, like));
    for (uint32_t i; (i = map_next(&q->by_call, &p)) != MAP_NONE;)
        if (strcmp(q->slots[i]->uid, like->uid) == 0)
            return q->slots[i];
    return NULL;
}

struct webhook_letter *webhook_queue_excess(const struct webhook_queue *q)
{
    struct webhook_letter *v = q->first;
    if (q->count - q->sending < q->max)
        return NULL;
    return v->sending ? v->next : v;
}

void webhook_queue_put(struct webhook_queue *q, struct webhook_letter *v)
{
    assert(q->count <= q->max);
    struct webhook_letter *ahead = newest_of_call(q, v);
    v->slot = q->free_slots[q->max - q->count]; /* the free ones stand in front */
    q->slots[v->slot] = v;
    q->count++;
    v->leads = ahead == NULL;
    v->follower = NULL;
    if (ahead) {
        ahead->follower = v;
        map_remove(&q->by_call, hash_of(q, v), ahead->slot);
    }
    (void)map_add(&q->by_call, hash_of(q, v), v->slot); /* there is room for all */
    v->next = NULL;
    v->before = q->last;
    *(q->last ? &q->last->next : &q->first) = v;
    q->last = v;
}

/* Its follower leads when it did; else whoever was ahead of it has that follower now. */
static void leave_call(struct webhook_queue *q, struct webhook_letter *v)
{
    struct webhook_letter *ahead = NULL;
    if (!v->leads)
        for (ahead = v->before; ahead && ahead->follower != v;)
            ahead = ahead->before;
    if (ahead)
        ahead->follower = v->follower;
    else if (v->follower)
        v->follower->leads = true;
    if (v->follower)
        return;
    map_remove(&q->by_call, hash_of(q, v), v->slot);
    if (ahead)
        (void)map_add(&q->by_call, hash_of(q, v), ahead->slot);
}

void webhook_queue_remove(struct webhook_queue *q, struct webhook_letter *v)
{
    leave_call(q, v);
    *(v->before ? &v->before->next : &q->first) = v->next;
    *(v->next ? &v->next->before : &q->last) = v->before;
    q->slots[v->slot] = NULL;
    q->count--;
    q->free_slots[q->max - q->count] = v->slot;
    q->sending -= v->sending;
    if (v->kept) {
        q->kept--;
        q->kept_bytes -= v->said_bytes;
    }
    v->next = v->before = v->follower = NULL;
}

/* ---- turns ---- */

/* Of those that may be sent the one that was tried least, then the oldest: so no letter that nobody
 * takes is in the way of the others. */
struct webhook_letter *webhook_queue_next(struct webhook_queue *q, int64_t now_ns,
                                          int64_t *ret_due_ns)
{
    struct webhook_letter *best = NULL;
    int64_t due_ns = INT64_MAX;
    if (q->count && q->rest_ns > now_ns) {
        *ret_due_ns = q->rest_ns;
        return NULL;
    }
    for (struct webhook_letter *v = q->first; v && (best == NULL || best->tries); v = v->next) {
        if (!v->leads || v->sending)
            continue;
        due_ns = v->due_ns < due_ns ? v->due_ns : due_ns;
        if (v->due_ns <= now_ns && (best == NULL || v->tries < best->tries))
            best = v;
    }
    *ret_due_ns = due_ns;
    if (best) {
        best->sending = true;
        q->sending++;
    }
    return best;
}

static int64_t pause_after(unsigned failures)
{
    return failures < 7 ? WEBHOOK_PAUSE_FIRST_NS << failures : WEBHOOK_PAUSE_MAX_NS;
}

int64_t webhook_queue_pause(const struct webhook_letter *v)
{
    return pause_after(v->tries);
}

void webhook_queue_failed(struct webhook_queue *q, struct webhook_letter *v, int64_t now_ns)
{
    v->sending = false;
    q->sending--;
    v->due_ns = now_ns + pause_after(v->tries);
    v->tries += v->tries < 100;
    q->rest_ns = now_ns + pause_after(q->failures);
    q->failures += q->failures < 100;
}

void webhook_queue_answered(struct webhook_queue *q)
{
    q->failures = 0;
    q->rest_ns = 0;
}

/* ---- the disk ---- */

struct webhook_letter *webhook_queue_unkept(const struct webhook_queue *q)
{
    struct webhook_letter *v = q->last;
    while (v && !v->kept && v->before && !v->before->kept)
        v = v->before;
    return v && !v->kept ? v : NULL;
}

void webhook_queue_keep(struct webhook_queue *q, struct webhook_letter *v, uint64_t number)
{
    v->kept = true;
    v->number = number;
    q->kept++;
    q->kept_bytes += v->said_bytes;
}
