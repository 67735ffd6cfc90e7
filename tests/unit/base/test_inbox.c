#include <criterion/criterion.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/inbox.h"

static int items[100];

Test(inbox, keeps_order_and_ceiling)
{
    struct inbox *i = inbox_new(3);
    void *out[10];
    for (int round = 0; round < 5; round++) {
        cr_assert(inbox_put(i, &items[0]));
        cr_assert(inbox_put(i, &items[1]));
        cr_assert(inbox_put(i, &items[2]));
        cr_assert_not(inbox_put(i, &items[3]));
        cr_assert_eq(inbox_depth(i), 3);
        cr_assert_eq(inbox_take(i, out, 2, 0), 2);
        cr_assert(out[0] == &items[0] && out[1] == &items[1]);
        cr_assert_eq(inbox_take(i, out, 10, 0), 1);
        cr_assert(out[0] == &items[2]);
    }
    inbox_free(i);
    inbox_free(NULL);
}

Test(inbox, take_gives_up_when_the_time_is_over)
{
    struct inbox *i = inbox_new(3);
    void *out[1];
    int64_t before = clock_mono_ns();
    cr_assert_eq(inbox_take(i, out, 1, 20), 0);
    cr_assert_geq(clock_mono_ns() - before, 19000000);
    cr_assert_eq(inbox_take(i, out, 1, 0), 0);
    inbox_free(i);
}

Test(inbox, who_wants_many_waits_for_them_unless_somebody_is_in_a_hurry)
{
    struct inbox *i = inbox_new(3);
    void *out[3];
    int64_t before = clock_mono_ns();
    inbox_put(i, &items[0]);
    cr_assert_eq(inbox_take_many(i, out, 3, 2, 20), 1); /* what there is, when the time is over */
    cr_assert_geq(clock_mono_ns() - before, 19000000);
    inbox_put(i, &items[0]);
    inbox_put(i, &items[1]);
    cr_assert_eq(inbox_take_many(i, out, 3, 2, -1), 2);
    inbox_put(i, &items[0]);
    inbox_hurry(i);
    cr_assert_eq(inbox_take_many(i, out, 3, 2, -1), 1);
    before = clock_mono_ns();
    inbox_put(i, &items[0]);
    cr_assert_eq(inbox_take_many(i, out, 3, 2, 20), 1); /* the hurry is over */
    cr_assert_geq(clock_mono_ns() - before, 19000000);
    for (int k = 0; k < 3; k++)
        inbox_put(i, &items[k]);
    cr_assert_eq(inbox_take_many(i, out, 3, 99, -1), 3); /* more cannot be there */
    inbox_free(i);
}

Test(inbox, closed_takes_nothing_more_but_gives_what_it_has)
{
    struct inbox *i = inbox_new(3);
    void *out[3];
    inbox_put(i, &items[0]);
    inbox_close(i);
    cr_assert_not(inbox_put(i, &items[1]));
    cr_assert_not(inbox_put_wait(i, &items[1]));
    cr_assert_not(inbox_is_closed_and_empty(i));
    cr_assert_eq(inbox_take(i, out, 3, -1), 1);
    cr_assert(inbox_is_closed_and_empty(i));
    cr_assert_eq(inbox_take(i, out, 3, -1), 0);
    inbox_free(i);
}

static void *produce(void *context)
{
    for (int k = 0; k < 100; k++)
        cr_assert(inbox_put_wait(context, &items[k]));
    return NULL;
}

Test(inbox, waiting_producers_lose_nothing)
{
    struct inbox *i = inbox_new(4);
    pthread_t threads[3];
    for (int t = 0; t < 3; t++)
        pthread_create(&threads[t], NULL, produce, i);
    int got = 0;
    while (got < 300) {
        void *out[7];
        size_t n = inbox_take(i, out, 7, 5000);
        cr_assert_gt(n, 0);
        got += (int)n;
    }
    for (int t = 0; t < 3; t++)
        pthread_join(threads[t], NULL);
    cr_assert_eq(inbox_depth(i), 0);
    inbox_free(i);
}
