#include <criterion/criterion.h>
#include <stdlib.h>

#include "decode/reorder.h"

struct seen {
    uint16_t sequence[1024];
    unsigned count, lost, restarts;
};

static void see(void *context, const struct media *m)
{
    struct seen *s = context;
    cr_assert_eq(m->payload.size, 2);
    cr_assert_eq(m->payload.data[0] << 8 | m->payload.data[1], m->sequence);
    s->sequence[s->count++ % 1024] = m->sequence;
    s->lost += m->lost;
    s->restarts += m->restart;
}

static void push(struct reorder *r, struct seen *s, int sequence, int64_t ms)
{
    uint8_t payload[2] = {(uint8_t)(sequence >> 8), (uint8_t)sequence};
    struct media m = {.sequence = (uint16_t)sequence,
                      .arrival_ns = ms * 1000000,
                      .payload = slice_of(payload, 2)};
    reorder_push(r, &m, see, s);
    memset(payload, 0xee, sizeof payload); /* what it keeps it must have copied */
}

Test(reorder, packets_come_out_in_sequence)
{
    static const int order[] = {65533, 65535, 65534, 1, 2, 0, 0, 4, 3, 2, 5};
    struct reorder r = {0};
    struct seen s = {0};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        push(&r, &s, order[i], (int64_t)i * 20);
    cr_assert_eq(s.count, 9);
    for (unsigned i = 0; i < s.count; i++)
        cr_assert_eq(s.sequence[i], (uint16_t)(65533 + i));
    cr_assert_eq(s.lost + s.restarts, 0);
    reorder_fini(&r);
}

Test(reorder, hole_is_given_up_after_a_second)
{
    struct reorder r = {0};
    struct seen s = {0};
    push(&r, &s, 10, 0);
    push(&r, &s, 12, 20);
    push(&r, &s, 13, 900);
    cr_assert_eq(s.count, 1);
    push(&r, &s, 14, 1100);
    cr_assert_eq(s.count, 4);
    cr_assert_eq(s.lost, 1);
    push(&r, &s, 11, 1120); /* too late */
    cr_assert_eq(s.count, 4);
    reorder_fini(&r);
}

Test(reorder, hole_is_given_up_when_the_slots_are_full)
{
    struct reorder r = {0};
    struct seen s = {0};
    push(&r, &s, 10, 0);
    for (int i = 12; i < 12 + 63; i++)
        push(&r, &s, i, 1);
    cr_assert_eq(s.count, 1);
    push(&r, &s, 75, 1);
    cr_assert_eq(s.count, 65);
    cr_assert_eq(s.lost, 1);
    reorder_fini(&r);
}

Test(reorder, flush_gives_what_waits)
{
    struct reorder r = {0};
    struct seen s = {0};
    push(&r, &s, 10, 0);
    push(&r, &s, 15, 0);
    push(&r, &s, 13, 0);
    reorder_flush(&r, see, &s);
    cr_assert_eq(s.count, 3);
    cr_assert_eq(s.lost, 3);
    cr_assert_eq(s.sequence[1], 13);
    push(&r, &s, 500, 0); /* begins afresh, which is no restart */
    cr_assert_eq(s.count, 4);
    cr_assert_eq(s.restarts, 0);
    reorder_fini(&r);
}

Test(reorder, jump_is_a_restart_and_old_numbers_in_a_row_are_one_too)
{
    struct reorder r = {0};
    struct seen s = {0};
    push(&r, &s, 1000, 0);
    push(&r, &s, 20000, 20); /* a stray */
    push(&r, &s, 1001, 20);
    cr_assert_eq(s.restarts, 0);
    push(&r, &s, 30000, 40);
    push(&r, &s, 30001, 60);
    push(&r, &s, 30002, 80);
    push(&r, &s, 30003, 100);
    cr_assert_eq(s.restarts, 0, "the old line has not been silent for long enough");
    push(&r, &s, 30004, 120);
    cr_assert_eq(s.restarts, 1);
    cr_assert_eq(s.count, 7, "what waited is there");
    cr_assert_eq(s.lost, 0);
    for (int i = 0; i < 40; i++)
        push(&r, &s, 29950 + i, 140 + 20 * i);
    cr_assert_eq(s.restarts, 2);
    cr_assert_eq(s.sequence[s.count - 1], 29989);
    reorder_fini(&r);
}

Test(reorder, any_order_gives_rising_numbers_and_each_once)
{
    srand(7);
    for (int round = 0; round < 200; round++) {
        struct reorder r = {0};
        struct seen s = {0};
        int order[300];
        for (int i = 0; i < 300; i++)
            order[i] = 65400 + i;
        for (int i = 1; i < 300; i++) { /* shuffled in blocks of 30; the first stays */
            int end = (i / 30 + 1) * 30, j = i + rand() % (end - i), t = order[i];
            order[i] = order[j];
            order[j] = t;
        }
        for (int i = 0; i < 300; i++) {
            push(&r, &s, order[i], i);
            if (rand() % 3 == 0)
                push(&r, &s, order[rand() % (i + 1)], i);
        }
        reorder_flush(&r, see, &s);
        for (unsigned i = 1; i < s.count; i++)
            cr_assert_gt((int16_t)(s.sequence[i] - s.sequence[i - 1]), 0);
        cr_assert_eq(s.count + s.lost, 300, "round %d: %u and %u", round, s.count, s.lost);
        reorder_fini(&r);
    }
}

static void count_only(void *context, const struct media *m)
{
    struct seen *s = context;
    s->sequence[s->count++] = m->sequence;
}

Test(reorder, large_payload_does_not_wait)
{
    static uint8_t large[REORDER_PAYLOAD + 1];
    struct reorder r = {0};
    struct seen s = {0};
    struct media m = {.sequence = 10, .payload = slice_of(large, 2)};
    reorder_push(&r, &m, count_only, &s);
    m.sequence = 12;
    reorder_push(&r, &m, count_only, &s);
    cr_assert_eq(s.count, 1);
    m.sequence = 14;
    m.payload.size = sizeof large;
    reorder_push(&r, &m, count_only, &s);
    cr_assert_eq(s.count, 3);
    cr_assert_eq(s.sequence[1], 12);
    cr_assert_eq(s.sequence[2], 14);
    reorder_fini(&r);
}

Test(reorder, held_first_packet_comes_once)
{
    static uint8_t payload[2] = {0, 10};
    for (int twice = 0; twice < 2; twice++) {
        struct reorder r = {0};
        struct seen s = {0};
        reorder_wait(&r, &(struct media){.sequence = 10, .payload = slice_of(payload, 2)});
        cr_assert_eq(s.count, 0);
        if (twice)
            push(&r, &s, 10, 0);
        push(&r, &s, 11, 20);
        push(&r, &s, 12, 40);
        cr_assert_eq(s.count, 3);
        cr_assert_eq(s.sequence[0], 10);
        cr_assert_eq(r.held, 0);
        reorder_fini(&r);
    }
}

/* The sender, and somebody else with numbers of his own beside him: every packet of the one, none
 * of the other. */
Test(reorder, numbers_beside_the_line_are_not_followed)
{
    static const int others[] = {1, 40, 70, 1000, 20000, -50, -3000};
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        struct reorder r = {0};
        struct seen s = {0};
        for (int i = 0; i < 400; i++) {
            push(&r, &s, 5000 + i, 20 * i);
            for (int burst = 0; others[k] != 1 && burst < i % 4; burst++)
                push(&r, &s, 5000 + i + others[k] + burst, 20 * i + 5 + burst);
        }
        reorder_flush(&r, see, &s);
        cr_assert_eq(s.restarts, 0, "%d", others[k]);
        if (others[k] > 1 && others[k] < REORDER_SLOTS)
            continue; /* the same numbers: both came in time */
        cr_assert_eq(s.count, 400, "%d: %u", others[k], s.count);
        cr_assert_eq(s.sequence[s.count - 1], 5399);
        reorder_fini(&r);
    }
}

Test(reorder, who_was_heard_beside_the_line_waits_for_a_second)
{
    struct reorder r = {0};
    struct seen s = {0};
    int ms = 0;
    for (int i = 0; i < 50; i++, ms += 20) {
        push(&r, &s, i, ms);
        push(&r, &s, 20000 + i, ms + 10);
    }
    for (int i = 50; i < 90; i++, ms += 20)
        push(&r, &s, 20000 + i, ms + 10);
    cr_assert_eq(s.restarts, 0);
    for (int i = 90; i < 110; i++, ms += 20)
        push(&r, &s, 20000 + i, ms + 10);
    cr_assert_eq(s.restarts, 1);
    cr_assert_eq(s.sequence[s.count - 1], 20109);
    reorder_fini(&r);
}

Test(reorder, of_what_waits_the_newest_64_stay)
{
    struct reorder r = {0};
    struct seen s = {0};
    for (int i = 0; i < 200; i++) {
        uint8_t payload[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        reorder_wait(&r, &(struct media){.sequence = (uint16_t)i,
                                         .arrival_ns = i * INT64_C(20000000),
                                         .payload = slice_of(payload, 2)});
    }
    reorder_forget(&r, 180 * INT64_C(20000000));
    push(&r, &s, 200, 4000);
    cr_assert_eq(s.count, 20);
    cr_assert_eq(s.sequence[0], 181);
    cr_assert_eq(s.sequence[19], 200);
    cr_assert_eq(s.lost, 0);
    reorder_fini(&r);
}
