/* Waiting packets lie in a ring of slots by sequence number, so that putting in and taking out cost
 * no search; their payloads are copied, since the datagram is only borrowed. */
#include "decode/reorder.h"

#include <assert.h>
#include <stdlib.h>

#define WAIT_NS      INT64_C(1000000000)
#define DROPOUT_MAX  3000 /* RFC 3550 A.1 */
#define MISORDER_MAX 100
#define LATE_RUN_MAX                                                                               \
    16 /* that many old numbers in a row are no stragglers but a sender who began anew */

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
        r->store = malloc((size_t)(REORDER_SLOTS + 1) * REORDER_PAYLOAD);
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

static void begin_anew(struct reorder *r, const struct media *m, reorder_deliver *deliver,
                       void *context)
{
    bool restart = r->started;
    reorder_flush(r, deliver, context);
    r->started = true;
    deliver_now(r, m, 0, restart, deliver, context);
}

/* Far from what is expected: one such packet is a stray, the second in a row a restart. */
static void jumped(struct reorder *r, const struct media *m, reorder_deliver *deliver,
                   void *context)
{
    bool second = r->jump.payload.data && m->sequence == (uint16_t)(r->jump.sequence + 1);
    if (!second && keep(r, m, &r->jump, REORDER_SLOTS))
        return;
    struct media first = r->jump;
    begin_anew(r, second ? &first : m, deliver, context);
    if (second)
        deliver_now(r, m, 0, false, deliver, context);
}

void reorder_push(struct reorder *r, const struct media *m, reorder_deliver *deliver, void *context)
{
    int ahead = (int16_t)(m->sequence - r->next);
    if (!r->started) {
        begin_anew(r, m, deliver, context);
        return;
    }
    if (r->held) { /* the first packet of reorder_begin_held() */
        drain(r, 0, deliver, context);
        ahead = (int16_t)(m->sequence - r->next);
    }
    if (ahead > DROPOUT_MAX || ahead < -MISORDER_MAX) {
        jumped(r, m, deliver, context);
        return;
    }
    if (ahead < 0) {
        if (++r->late_run >= LATE_RUN_MAX)
            begin_anew(r, m, deliver, context);
        return;
    }
    r->late_run = 0;
    r->jump.payload.data = NULL;
    while (r->held && (ahead >= REORDER_SLOTS || m->arrival_ns - r->oldest_ns > WAIT_NS)) {
        skip_hole(r, deliver, context);
        ahead = (int16_t)(m->sequence - r->next);
    }
    if (ahead < 0)
        return; /* it filled a hole that has just been given up */
    const struct media *slot = slot_of(r, m->sequence);
    if (ahead > 0 && ahead < REORDER_SLOTS && slot->payload.data)
        return; /* twice */
    if (ahead > 0 && ahead < REORDER_SLOTS && hold(r, m))
        return;
    while (r->held &&
           (int16_t)(m->sequence - r->next) > 0) /* cannot wait: those before it go first */
        skip_hole(r, deliver, context);
    ahead = (int16_t)(m->sequence - r->next);
    if (ahead >= 0)
        deliver_now(r, m, (unsigned)ahead, false, deliver, context);
}

void reorder_begin_held(struct reorder *r, const struct media *m)
{
    for (int i = 0; i < REORDER_SLOTS; i++)
        r->slots[i].payload.data = NULL;
    r->held = 0;
    r->late_run = 0;
    r->started = true;
    r->next = m->sequence;
    if (!hold(r, m))
        r->next++;
}

void reorder_flush(struct reorder *r, reorder_deliver *deliver, void *context)
{
    while (r->held)
        skip_hole(r, deliver, context);
    r->started = false;
    r->late_run = 0;
    r->jump.payload.data = NULL;
}
