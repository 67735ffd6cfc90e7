/* A timer wheel driven by packet time: nobody here asks a clock. Add, move and cancel are O(1).
 * Timers are embedded in what they belong to; a fired or cancelled timer may be added again.
 * Resolution is one tick; a timer never fires early. Time that runs backwards moves nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
    struct timer *next;
    struct timer **link; /* NULL: not in a wheel */
    int64_t due_ns;
};

struct timer_wheel;

/* `now_ns` is the tick at which the timer fires (not the time given to timer_wheel_advance()): what
 * happens does not depend on how often the wheel is moved. `t` is out of the wheel already. */
typedef void timer_fn(void *context, struct timer *t, int64_t now_ns);

/* NULL when there is no memory. */
struct timer_wheel *timer_wheel_new(int64_t tick_ns);
void timer_wheel_free(struct timer_wheel *w); /* neither fires nor touches its timers */
/* Sets or moves `t`. */
void timer_set(struct timer_wheel *w, struct timer *t, int64_t due_ns);
void timer_cancel(struct timer_wheel *w, struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
    return t->link != NULL;
}
/* Fires all that are due at `now_ns`, tick by tick in time order (the callback may set and cancel
 * any timer). The first call sets the wheel's time. A jump of years costs what fires, no more:
 * empty time is skipped. */
void timer_wheel_advance(struct timer_wheel *w, int64_t now_ns, timer_fn *fire, void *context);
/* Time of the wheel's next tick boundary: callers skip timer_wheel_advance() until packet time
 * reaches it. INT64_MIN before the first advance. */
int64_t timer_wheel_next_tick(const struct timer_wheel *w);
