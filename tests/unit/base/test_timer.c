/* The wheel against a plain list of due times. */
#include <criterion/criterion.h>

#include "base/timer.h"

enum { COUNT = 300 };
#define MS    INT64_C(1000000)
#define TICK  (10 * MS)
#define START INT64_C(1700000000000000000)

struct bench {
    struct timer timer[COUNT];
    struct timer_wheel *wheel;
    int fired;
    int64_t last_ns;
    int order[4 * COUNT];
    int64_t at_ns[4 * COUNT];
};

static void note(void *context, struct timer *t, int64_t now_ns)
{
    struct bench *b = context;
    cr_assert_not(timer_is_set(t));
    cr_assert_geq(now_ns, t->due_ns, "early");
    cr_assert_geq(now_ns, b->last_ns, "out of order");
    b->last_ns = now_ns;
    b->order[b->fired] = (int)(t - b->timer);
    b->at_ns[b->fired++] = now_ns;
}

static struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof *b);
    b->wheel = timer_wheel_new(TICK);
    return b;
}

static void bench_free(struct bench *b)
{
    timer_wheel_free(b->wheel);
    free(b);
}

static void go(struct bench *b, int64_t now_ns)
{
    timer_wheel_advance(b->wheel, now_ns, note, b);
}

Test(timer, fires_at_the_first_tick_not_before_its_time)
{
    struct bench *b = bench_new();
    go(b, START);
    timer_set(b->wheel, &b->timer[0], START + 25 * MS);
    timer_set(b->wheel, &b->timer[1], START + 30 * MS);
    timer_set(b->wheel, &b->timer[2], START + 30 * MS + 1);
    go(b, START + 29 * MS);
    cr_assert_eq(b->fired, 0);
    go(b, START + 30 * MS);
    cr_assert_eq(b->fired, 2);
    cr_assert_eq(b->order[0], 0);
    cr_assert_eq(b->order[1], 1);
    go(b, START + 40 * MS);
    cr_assert_eq(b->fired, 3);
    bench_free(b);
}

Test(timer, set_before_the_first_advance_works)
{
    struct bench *b = bench_new();
    timer_set(b->wheel, &b->timer[0], START - 1);
    timer_set(b->wheel, &b->timer[1], START + 3600 * 1000 * MS);
    timer_set(b->wheel, &b->timer[2], START + 20 * MS);
    timer_set(b->wheel, &b->timer[3], START);
    timer_cancel(b->wheel, &b->timer[3]);
    cr_assert_eq(timer_wheel_next_tick(b->wheel), INT64_MIN);
    go(b, START);
    cr_assert_eq(b->fired, 1);
    cr_assert_eq(b->at_ns[0], START);
    go(b, START + 20 * MS);
    cr_assert_eq(b->fired, 2);
    go(b, START + 3600 * 1000 * MS);
    cr_assert_eq(b->fired, 3);
    bench_free(b);
}

Test(timer, overdue_fires_at_the_next_tick)
{
    struct bench *b = bench_new();
    go(b, START);
    timer_set(b->wheel, &b->timer[0], 0);
    timer_set(b->wheel, &b->timer[1], INT64_MIN);
    go(b, START + 5 * MS);
    cr_assert_eq(b->fired, 0);
    go(b, START + 10 * MS);
    cr_assert_eq(b->fired, 2);
    bench_free(b);
}

/* Sets, moves, cancels and advances at random; each timer must fire at exactly its tick. */
Test(timer, agrees_with_a_plain_list)
{
    struct bench *b = bench_new();
    int64_t due[COUNT] = {0}; /* tick boundary, 0: not set */
    int64_t now = START;
    uint64_t random = 88172645463325252u;
    go(b, now);
    for (int step = 0; step < 60000; step++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t i = random % COUNT;
        unsigned what = random >> 32 & 15;
        if (what < 9) {
            int64_t ahead = (int64_t)(random >> 8 & 0xffffffffff) >> (random >> 48 & 31);
            timer_set(b->wheel, &b->timer[i], now + ahead);
            due[i] = (now + ahead + TICK - 1) / TICK * TICK;
            if (due[i] <= now / TICK * TICK)
                due[i] = now / TICK * TICK + TICK;
        } else if (what < 11) {
            timer_cancel(b->wheel, &b->timer[i]);
            due[i] = 0;
        } else {
            now += (int64_t)(random >> 20 & 0xfffffff) >> (random >> 50 & 7);
            b->fired = 0;
            go(b, now);
            for (int k = 0; k < b->fired; k++) {
                cr_assert_eq(b->at_ns[k], due[b->order[k]], "step %d", step);
                due[b->order[k]] = 0;
            }
            for (size_t k = 0; k < COUNT; k++)
                cr_assert(due[k] == 0 || due[k] > now, "step %d: timer %zu is late", step, k);
        }
        cr_assert_eq(timer_is_set(&b->timer[i]), due[i] != 0);
    }
    bench_free(b);
}

Test(timer, a_jump_of_a_century_fires_in_order_and_at_once)
{
    struct bench *b = bench_new();
    go(b, START);
    int64_t century = INT64_C(3155760000) * 1000 * MS;
    for (int i = 0; i < COUNT; i++) /* spread over the years, not in order */
        timer_set(b->wheel, &b->timer[i], START + century / COUNT * ((i * 7) % COUNT));
    go(b, START + century);
    cr_assert_eq(b->fired, COUNT);
    go(b, INT64_MAX);
    timer_set(b->wheel, &b->timer[0], INT64_MAX);
    cr_assert_geq(timer_wheel_next_tick(b->wheel), START + century);
    bench_free(b);
}

Test(timer, never_is_never)
{
    struct bench *b = bench_new();
    timer_set(b->wheel, &b->timer[0], INT64_MAX);
    go(b, START);
    go(b, INT64_MAX - 2 * TICK);
    cr_assert_eq(b->fired, 0);
    cr_assert(timer_is_set(&b->timer[0]));
    bench_free(b);
}

Test(timer, time_that_runs_backwards_moves_nothing)
{
    struct bench *b = bench_new();
    go(b, START);
    timer_set(b->wheel, &b->timer[0], START + 20 * MS);
    go(b, 0);
    go(b, -START);
    go(b, START - 1000 * MS);
    cr_assert_eq(b->fired, 0);
    cr_assert_eq(timer_wheel_next_tick(b->wheel), START + TICK);
    go(b, START + 20 * MS);
    cr_assert_eq(b->fired, 1);
    bench_free(b);
}

Test(timer, next_tick_is_when_advance_is_worth_it)
{
    struct bench *b = bench_new();
    go(b, START + 3 * MS);
    cr_assert_eq(timer_wheel_next_tick(b->wheel), START + TICK);
    timer_set(b->wheel, &b->timer[0], START + 4 * MS);
    go(b, timer_wheel_next_tick(b->wheel) - 1);
    cr_assert_eq(b->fired, 0);
    go(b, timer_wheel_next_tick(b->wheel));
    cr_assert_eq(b->fired, 1);
    bench_free(b);
}

/* ---- callbacks that change the wheel ---- */

static void again(void *context, struct timer *t, int64_t now_ns)
{
    struct bench *b = context;
    note(context, t, now_ns);
    if (b->fired < 360)
        timer_set(b->wheel, t, now_ns + 1000 * MS);
}

Test(timer, one_that_sets_itself_again_keeps_its_rhythm_over_a_jump)
{
    struct bench *b = bench_new();
    go(b, START);
    timer_set(b->wheel, &b->timer[0], START + 1000 * MS);
    timer_wheel_advance(b->wheel, START + 100 * 1000 * MS, again, b);
    cr_assert_eq(b->fired, 100);
    for (int i = 0; i < b->fired; i++)
        cr_assert_eq(b->at_ns[i], START + (i + 1) * 1000 * MS);
    bench_free(b);
}

static void cancel_neighbours(void *context, struct timer *t, int64_t now_ns)
{
    struct bench *b = context;
    note(context, t, now_ns);
    int i = (int)(t - b->timer);
    if (i % 3 == 0) {
        timer_cancel(b->wheel, &b->timer[i + 1]);
        timer_set(b->wheel, &b->timer[i + 2], now_ns + TICK);
    }
}

Test(timer, callbacks_may_cancel_and_move_those_of_their_tick)
{
    struct bench *b = bench_new();
    go(b, START);
    for (int i = 0; i < 30; i++)
        timer_set(b->wheel, &b->timer[i], START + 50 * MS);
    timer_wheel_advance(b->wheel, START + 50 * MS, cancel_neighbours, b);
    cr_assert_eq(b->fired, 10);
    timer_wheel_advance(b->wheel, START + 60 * MS, cancel_neighbours, b);
    cr_assert_eq(b->fired, 20);
    for (int i = 0; i < 30; i++)
        cr_assert_not(timer_is_set(&b->timer[i]));
    bench_free(b);
}

static void set_in_the_past(void *context, struct timer *t, int64_t now_ns)
{
    struct bench *b = context;
    note(context, t, now_ns);
    timer_set(b->wheel, t, now_ns);
}

Test(timer, set_to_now_fires_once_a_tick_not_for_ever)
{
    struct bench *b = bench_new();
    go(b, START);
    timer_set(b->wheel, &b->timer[0], START);
    timer_wheel_advance(b->wheel, START + 5 * TICK, set_in_the_past, b);
    cr_assert_eq(b->fired, 5);
    bench_free(b);
}
