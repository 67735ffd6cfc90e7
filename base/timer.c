/* A hierarchical timer wheel over ticks.
 *
 * Level 0 has a slot for each of 64 ticks, level 1 a slot for each 64 of those, and so on: eleven
 * levels hold every 64-bit tick. A timer goes to the level of the highest bit in which its tick
 * differs from `next`, the first tick not yet done. Hence in every level the slots in use lie ahead
 * within the current turn, and the lowest bit of the level's bitmap is its earliest slot. Moving
 * time means: take the earliest slot of all levels; at level 0 it fires, above it is dealt out to
 * the levels below (at most ten times for a timer, seldom more than three). Where there is nothing,
 * nothing is visited.
 *
 * Before the first advance time is unknown; timers wait in a list of their own. */
#include "base/timer.h"

#include <assert.h>
#include <stdlib.h>

enum { LEVEL_BITS = 6, SLOTS = 1 << LEVEL_BITS, LEVELS = 11 };

struct level {
    uint64_t used; /* a bit a slot; may be set for a slot that cancelling has emptied */
    struct timer *slot[SLOTS];
};

struct timer_wheel {
    int64_t tick_ns;
    uint64_t next; /* the first tick not yet done */
    bool started;
    bool firing;
    struct timer *waiting; /* set before the first advance */
    struct level level[LEVELS];
};

static void link_front(struct timer **head, struct timer *t)
{
    t->next = *head;
    t->link = head;
    if (t->next)
        t->next->link = &t->next;
    *head = t;
}

static void unlink_timer(struct timer *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    t->next = NULL;
    t->link = NULL;
}

/* Slots are filled at the front; emptied in this order they come out as they were set. */
static struct timer *take_reversed(struct timer **head)
{
    struct timer *out = NULL;
    while (*head) {
        struct timer *t = *head;
        unlink_timer(t);
        t->next = out;
        out = t;
    }
    return out;
}

/* The first tick at or after a time: a timer never fires early. */
static uint64_t tick_of_due(const struct timer_wheel *w, int64_t due_ns)
{
    if (due_ns <= 0)
        return 0;
    return (uint64_t)(due_ns / w->tick_ns) + (due_ns % w->tick_ns != 0);
}

static void insert(struct timer_wheel *w, struct timer *t)
{
    uint64_t tick = tick_of_due(w, t->due_ns);
    if (tick < w->next)
        tick = w->next;
    uint64_t differs = tick ^ w->next;
    unsigned level = differs ? (63u - (unsigned)__builtin_clzll(differs)) / LEVEL_BITS : 0;
    unsigned slot = tick >> (level * LEVEL_BITS) & (SLOTS - 1);
    w->level[level].used |= UINT64_C(1) << slot;
    link_front(&w->level[level].slot[slot], t);
}

static void insert_all(struct timer_wheel *w, struct timer *list)
{
    while (list) {
        struct timer *t = list;
        list = t->next;
        insert(w, t);
    }
}

struct timer_wheel *timer_wheel_new(int64_t tick_ns)
{
    assert(tick_ns > 0);
    struct timer_wheel *w = calloc(1, sizeof *w);
    if (w)
        w->tick_ns = tick_ns;
    return w;
}

void timer_wheel_free(struct timer_wheel *w)
{
    free(w);
}

void timer_set(struct timer_wheel *w, struct timer *t, int64_t due_ns)
{
    if (t->link)
        unlink_timer(t);
    t->due_ns = due_ns;
    if (w->started)
        insert(w, t);
    else
        link_front(&w->waiting, t);
}

void timer_cancel(struct timer_wheel *w, struct timer *t)
{
    (void)w;
    if (t->link)
        unlink_timer(t);
}

struct place {
    uint64_t tick; /* at which the slot begins */
    unsigned level;
    unsigned slot;
};

/* The earliest slot in use; of equal ones the highest, because it must be dealt out first. False:
 * no timer is set. */
static bool earliest(const struct timer_wheel *w, struct place *ret_place)
{
    struct place found = {.tick = UINT64_MAX};
    for (unsigned i = 0; i < LEVELS; i++) {
        if (w->level[i].used == 0)
            continue;
        unsigned slot = (unsigned)__builtin_ctzll(w->level[i].used);
        unsigned shift = i * LEVEL_BITS;
        unsigned above = shift + LEVEL_BITS;
        uint64_t turn = i + 1 < LEVELS ? w->next >> above << above : 0;
        uint64_t tick = turn | (uint64_t)slot << shift;
        if (tick <= found.tick)
            found = (struct place){.tick = tick, .level = i, .slot = slot};
    }
    *ret_place = found;
    return found.tick != UINT64_MAX;
}

/* Callbacks may cancel or move the timers that wait beside theirs: the list stays linked. */
static void fire_list(struct timer_wheel *w, struct timer *list, uint64_t tick, timer_fn *fire,
                      void *context)
{
    if (list)
        list->link = &list;
    for (struct timer *t = list; t && t->next; t = t->next)
        t->next->link = &t->next;
    w->firing = true;
    while (list) {
        struct timer *t = list;
        unlink_timer(t);
        fire(context, t, (int64_t)tick * w->tick_ns);
    }
    w->firing = false;
}

static void start(struct timer_wheel *w, uint64_t tick)
{
    w->started = true;
    w->next = tick;
    insert_all(w, take_reversed(&w->waiting));
}

void timer_wheel_advance(struct timer_wheel *w, int64_t now_ns, timer_fn *fire, void *context)
{
    assert(!w->firing);
    uint64_t now = now_ns > 0 ? (uint64_t)(now_ns / w->tick_ns) : 0;
    if (!w->started)
        start(w, now);
    struct place p;
    while (now >= w->next && earliest(w, &p) && p.tick <= now) {
        struct level *level = &w->level[p.level];
        struct timer *list = take_reversed(&level->slot[p.slot]);
        level->used &= ~(UINT64_C(1) << p.slot);
        if (p.level > 0) {
            w->next = p.tick;
            insert_all(w, list);
        } else {
            w->next = p.tick + 1;
            fire_list(w, list, p.tick, fire, context);
        }
    }
    if (now >= w->next)
        w->next = now + 1;
}

int64_t timer_wheel_next_tick(const struct timer_wheel *w)
{
    int64_t at;
    if (!w->started)
        return INT64_MIN;
    if (__builtin_mul_overflow((int64_t)w->next, w->tick_ns, &at))
        return INT64_MAX;
    return at;
}
