/* Whatever a sender says and whenever it comes: no sound lies later than its arrival and a second. */
#include "decode/timeline.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define MS     INT64_C(1000000)
#define ROUNDS 1500
#define STEPS  400

/* A sender who changes his mind. */
struct sender {
    int64_t now_ns, length_ns, gap_ns;
    uint32_t timestamp, ticks;
};

static struct timeline_step say(struct sender *s)
{
    static const double paces[] = {1, 1, 2, 0.5, 0.1, 6, 11.25, 3, 50, 0.01, 0};
    static const double gaps[] = {1, 1, 1, 2, 0.5, 0, 0.01, 3, 1.2, 0.8};
    static const int lengths_ms[] = {2, 5, 10, 20, 30, 60, 120, 240};
    s->timestamp += s->ticks;
    s->now_ns += s->gap_ns + (rand() % 10 == 0 ? rand() % 30 * MS : 0);
    if (rand() % 15 == 0)
        s->length_ns = lengths_ms[rand() % 8] * MS;
    if (rand() % 15 == 0)
        s->ticks = (uint32_t)((double)s->length_ns / 125000 * paces[rand() % 11]);
    if (rand() % 15 == 0)
        s->gap_ns = (int64_t)((double)s->length_ns * gaps[rand() % 10]);
    if (rand() % 60 == 0)
        s->timestamp += (uint32_t)(rand() % 200000 - 100000);
    if (rand() % 60 == 0)
        s->now_ns += rand() % 3000 * MS;
    return (struct timeline_step){.arrival_ns = s->now_ns,
                                  .timestamp = s->timestamp,
                                  .clock_hz = 8000,
                                  .length_ns = rand() % 40 ? s->length_ns : 0,
                                  .restart = rand() % 200 == 0,
                                  .hole = rand() % 20 == 0};
}

struct held {
    int64_t at_ns, arrival_ns;
};

static void settle(const struct timeline_place *told, const struct held *held, unsigned *count)
{
    for (unsigned i = 0; i < *count; i++) {
        int64_t at_ns = timeline_moved(told, held[i].at_ns, held[i].arrival_ns);
        cr_assert_leq(at_ns - held[i].arrival_ns, 1000 * MS);
    }
    *count = 0;
}

Test(timeline, no_sound_lies_later_than_its_arrival_and_a_second)
{
    unsigned rates = 0;
    srand(1);
    for (int round = 0; round < ROUNDS; round++) {
        struct sender sender = {.length_ns = 20 * MS, .gap_ns = 20 * MS, .ticks = 160};
        struct timeline t = {0};
        struct held held[TIMELINE_WAITING];
        unsigned count = 0;
        for (int i = 0; i < STEPS; i++) {
            struct timeline_step step = say(&sender);
            struct timeline_place place = timeline_next(&t, &step);
            bool waits = place.verdict == TIMELINE_WAIT && count < TIMELINE_WAITING;
            rates += place.is.ticks != 0;
            if (!waits)
                settle(&place, held, &count);
            if (waits || place.verdict == TIMELINE_DOUBT)
                held[count++] = (struct held){place.at_ns, step.arrival_ns};
            else
                cr_assert_leq(place.at_ns - step.arrival_ns, 1000 * MS, "round %d", round);
        }
        struct timeline_place end = timeline_settle(&t);
        settle(&end, held, &count);
    }
    cr_assert_gt(rates, 100);
}
