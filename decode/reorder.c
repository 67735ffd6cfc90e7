/* Waiting packets lie in a ring of slots by sequence number, so that putting in and taking out cost
 * no search; their payloads are copied, since the datagram is only borrowed. */
#include "decode/reorder.h"

#include <assert.h>
#include <stdlib.h>

#define WAIT_NS      INT64_C(1000000000)
#define DROPOUT_MAX  3000 /* RFC 3550 A.1 */
#define MISORDER_MAX 100
/* That many old numbers in a row are no stragglers but a sender who began anew. */
#define LATE_RUN_MAX 16
#define QUIET_NS     INT64_C(100000000)  /* of a line that another one takes over from */
#define DISPUTED_NS  INT64_C(1000000000) /* the same, where both were heard side by side */
#define DISPUTED     8                   /* packets of the other one that make it so */
#define JUMP_NEAR    16                  /* numbers from one packet of another line to the next */

static const uint8_t empty_payload[1];

void reorder_fini(struct reorder *r)
{
    free(r->store);
    *r = (struct reorder){0};
}

static struct media *slot_of(struct reorder *r, uint16_t sequence)
{
    return &r->slots[sequence % REORDER_SLOTS];
}

static void find_oldest(struct reorder *r)
{
    r->oldest_ns = INT64_MAX;
    for (int i = 0; i < REORDER_SLOTS; i++)
        if (r->slots[i].payload.data && r->slots[i].arrival_ns < r->oldest_ns)
            r->oldest_ns = r->slots[i].arrival_ns;
}

/* Delivers the waiting packets that are next. */
static void drain(struct reorder *r, unsigned lost, reorder_deliver *deliver, void *context)
{
    bool moved = false;
    for (struct media *m;
         (m = slot_of(r, r->next))->payload.data != NULL && m->sequence == r->next;) {
        m->lost = lost;
        lost = 0;
        r->next++;
        r->held--;
        deliver(context, m);
        m->payload.data = NULL;
        moved = true;
    }
    if (moved && r->held)
        find_oldest(r);
}

/* Gives up on the hole in front of the first waiting packet. */
static void skip_hole(struct reorder *r, reorder_deliver *deliver, void *context)
{
    assert(r->held > 0);
    unsigned lost = 0;
    while (slot_of(r, r->next)->payload.data == NULL || slot_of(r, r->next)->sequence != r->next) {
        r->next++;
        lost++;
        assert(lost < REORDER_SLOTS);
    }
    drain(r, lost, deliver, context);
}

/* Copies a packet into place `index` of the store. */
static bool keep(struct reorder *r, const struct media *m, struct media *slot, size_t index)
{
    if (m->payload.size > REORDER_PAYLOAD)
        return false;
    if (r->store == NULL)
        r->store = malloc((size_t)(REORDER_SLOTS + REORDER_JUMPS) * REORDER_PAYLOAD);
    if (r->store == NULL)
        return false;
    uint8_t *copy = r->store + index * REORDER_PAYLOAD;
    *slot = *m;
    if (m->payload.size)
        memcpy(copy, m->payload.data, m->payload.size);
    slot->payload = slice_of(m->payload.size ? copy : empty_payload, m->payload.size);
    return true;
}

static bool hold(struct reorder *r, const struct media *m)
{
    struct media *slot = slot_of(r, m->sequence);
    assert(slot->payload.data == NULL);
    if (!keep(r, m, slot, m->sequence % REORDER_SLOTS))
        return false;
    if (r->held++ == 0 || m->arrival_ns < r->oldest_ns)
        r->oldest_ns = m->arrival_ns;
    return true;
}

static void deliver_now(struct reorder *r, const struct media *m, unsigned lost, bool restart,
                        reorder_deliver *deliver, void *context)
{
    struct media now = *m;
    now.lost = lost;
    now.restart = restart;
    r->next = (uint16_t)(m->sequence + 1);
    deliver(context, &now);
    drain(r, 0, deliver, context);
}

static void follow_line(struct reorder *r, const struct media *m)
{
    r->newest = m->sequence;
    r->line_ns = m->arrival_ns;
}

static void flush_held(struct reorder *r, reorder_deliver *deliver, void *context)
{
    while (r->held)
        skip_hole(r, deliver, context);
    r->late_run = 0;
}

static void begin_anew(struct reorder *r, const struct media *m, reorder_deliver *deliver,
                       void *context)
{
    bool restart = r->started;
    flush_held(r, deliver, context);
    r->started = true;
    follow_line(r, m);
    deliver_now(r, m, 0, restart, deliver, context);
}

/* ---- another line of numbers ---- */

static bool line_is_quiet(const struct reorder *r, int64_t now_ns)
{
    return now_ns - r->line_ns >= (r->refuted >= DISPUTED ? DISPUTED_NS : QUIET_NS);
}

/* The line goes on: what waits of another one is not of this sender, or was sent long ago. */
static void refute(struct reorder *r)
{
    r->refuted += r->jumps;
    r->jumps = 0;
}

static void keep_jump(struct reorder *r, const struct media *m)
{
    if (r->jumps == REORDER_JUMPS) {
        r->jump_at = (r->jump_at + 1) % REORDER_JUMPS;
        r->jumps--;
    }
    unsigned at = (r->jump_at + r->jumps) % REORDER_JUMPS;
    if (keep(r, m, &r->jump[at], REORDER_SLOTS + at))
        r->jumps++;
}

static uint16_t newest_jump(const struct reorder *r)
{
    return r->jump[(r->jump_at + r->jumps - 1) % REORDER_JUMPS].sequence;
}

/* What waits of the other line is the sender now. */
static void follow_jump(struct reorder *r, reorder_deliver *deliver, void *context)
{
    unsigned count = r->jumps;
    r->jumps = 0;
    for (unsigned i = 0; i < count; i++) {
        struct media m = r->jump[(r->jump_at + i) % REORDER_JUMPS];
        if (i == 0)
            begin_anew(r, &m, deliver, context);
        else
            reorder_push(r, &m, deliver, context);
    }
}

/* Far from what is expected. */
static void jumped(struct reorder *r, const struct media *m, reorder_deliver *deliver,
                   void *context)
{
    uint16_t apart = r->jumps ? (uint16_t)(m->sequence - newest_jump(r)) : 0;
    if (apart == 0 || apart > JUMP_NEAR)
        r->jumps = 0;
    keep_jump(r, m);
    if (r->jumps > 1 && line_is_quiet(r, m->arrival_ns))
        follow_jump(r, deliver, context);
}

/* ---- in and out ---- */

void reorder_push(struct reorder *r, const struct media *m, reorder_deliver *deliver, void *context)
{
    int ahead = (int16_t)(m->sequence - r->next);
    if (!r->started) {
        begin_anew(r, m, deliver, context);
        return;
    }
    if (r->held) { /* what reorder_wait() kept */
        drain(r, 0, deliver, context);
        ahead = (int16_t)(m->sequence - r->next);
    }
    /* so many cannot be missing in so little time */
    bool leap = (int16_t)(m->sequence - r->newest) >= REORDER_SLOTS &&
                m->arrival_ns - r->line_ns < QUIET_NS;
    if (ahead > DROPOUT_MAX || ahead < -MISORDER_MAX || leap) {
        jumped(r, m, deliver, context);
        return;
    }
    if (ahead < 0) {
        if (++r->late_run >= LATE_RUN_MAX && line_is_quiet(r, m->arrival_ns))
            begin_anew(r, m, deliver, context);
        return;
    }
    r->late_run = 0;
    follow_line(r, m);
    refute(r);
    while (r->held && (ahead >= REORDER_SLOTS || m->arrival_ns - r->oldest_ns > WAIT_NS)) {
        skip_hole(r, deliver, context);
        ahead = (int16_t)(m->sequence - r->next);
    }
    if (ahead < 0)
        return; /* it filled a hole that has just been given up */
    struct media *slot = slot_of(r, m->sequence);
    if (ahead > 0 && ahead < REORDER_SLOTS && slot->payload.data) {
        /* twice; of two that differ the one counts that comes when it is due */
        if (!slice_equal(slot->payload, m->payload))
            keep(r, m, slot, m->sequence % REORDER_SLOTS);
        return;
    }
    if (ahead > 0 && ahead < REORDER_SLOTS && hold(r, m))
        return;
    while (r->held &&
           (int16_t)(m->sequence - r->next) > 0) /* cannot wait: those before it go first */
        skip_hole(r, deliver, context);
    ahead = (int16_t)(m->sequence - r->next);
    if (ahead >= 0)
        deliver_now(r, m, (unsigned)ahead, false, deliver, context);
}

static void wait_from(struct reorder *r, const struct media *m)
{
    for (int i = 0; i < REORDER_SLOTS; i++)
        r->slots[i].payload.data = NULL;
    r->held = 0;
    r->late_run = 0;
    r->jumps = 0;
    r->started = true;
    r->next = m->sequence;
    follow_line(r, m);
    if (!hold(r, m))
        r->next++;
}

static void drop_slot(struct reorder *r, struct media *slot)
{
    slot->payload.data = NULL;
    r->held--;
    find_oldest(r);
}

void reorder_wait(struct reorder *r, const struct media *m)
{
    int ahead = (int16_t)(m->sequence - r->next);
    if (!r->started || r->held == 0 || ahead < 0 || ahead >= DROPOUT_MAX) {
        wait_from(r, m);
        return;
    }
    for (; ahead >= REORDER_SLOTS; ahead--) {
        struct media *oldest = slot_of(r, r->next++);
        if (oldest->payload.data)
            drop_slot(r, oldest);
    }
    follow_line(r, m);
    if (slot_of(r, m->sequence)->payload.data == NULL)
        hold(r, m);
}

void reorder_forget(struct reorder *r, int64_t until_ns)
{
    for (int i = 0; i < REORDER_SLOTS; i++)
        if (r->slots[i].payload.data && r->slots[i].arrival_ns <= until_ns)
            drop_slot(r, &r->slots[i]);
    while (r->held && slot_of(r, r->next)->payload.data == NULL)
        r->next++;
}

void reorder_flush(struct reorder *r, reorder_deliver *deliver, void *context)
{
    flush_held(r, deliver, context);
    if (r->jumps > 1 && r->refuted < DISPUTED) { /* a sender who began anew at the very end */
        follow_jump(r, deliver, context);
        flush_held(r, deliver, context);
    }
    r->started = false;
    r->jumps = 0;
}
