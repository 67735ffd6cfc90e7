/* A leaky bucket for each address; of IPv6 for each /64, which is what one customer has. The table
 * is as small as the memory it may take: where an address finds no place, the one of its row that
 * was quiet for longest gives way. */
#include "api/attempts.h"

#include <pthread.h>
#include <stdlib.h>

#define ROWS        256
#define ROW_PLACES  8
#define SECOND_US   INT64_C(1000000)
#define FORGIVEN    100             /* five passwords */
#define LEAK_US     (3 * SECOND_US) /* for one point: a password a minute */
#define STRIKES_MAX 10
#define LOCK_MAX_US (900 * SECOND_US)

struct place {
    struct addr from; /* unset: free */
    int64_t at_us;    /* of points */
    int64_t locked_until_us;
    unsigned points, strikes;
};

struct attempts {
    struct hash_seed seed;
    pthread_mutex_t lock; /* guards the places; nothing is called while it is held */
    struct place place[ROWS][ROW_PLACES];
};

struct attempts *attempts_new(void)
{
    struct attempts *a = calloc(1, sizeof *a);

    if (a == NULL)
        return NULL;
    a->seed = hash_seed_random();
    pthread_mutex_init(&a->lock, NULL);
    return a;
}

void attempts_free(struct attempts *a)
{
    if (a == NULL)
        return;
    pthread_mutex_destroy(&a->lock);
    free(a);
}

static struct addr customer(struct addr from)
{
    if (!addr_is_v4(from) && !addr_is_loopback(from))
        from.low = 1; /* of a /64 all are one; never "unset" */
    return from;
}

static struct place *row_of(struct attempts *a, struct addr from)
{
    const uint64_t words[] = {from.high, from.low};

    return a->place[hash_words(&a->seed, words, 2) % ROWS];
}

static struct place *find(struct attempts *a, struct addr from)
{
    struct place *row = row_of(a, from);

    for (unsigned i = 0; i < ROW_PLACES; i++)
        if (addr_equal(row[i].from, from) && row[i].at_us)
            return &row[i];
    return NULL;
}

/* A locked one gives way last: filling the table opens no lock. */
static bool yields_before(const struct place *p, const struct place *q, int64_t now_us)
{
    bool locked[2] = {p->locked_until_us > now_us, q->locked_until_us > now_us};

    return locked[0] != locked[1] ? locked[1] : p->at_us < q->at_us;
}

static struct place *take(struct attempts *a, struct addr from, int64_t now_us)
{
    struct place *p = find(a, from), *row = row_of(a, from);

    if (p)
        return p;
    p = &row[0];
    for (unsigned i = 1; i < ROW_PLACES; i++)
        if (yields_before(&row[i], p, now_us))
            p = &row[i];
    *p = (struct place){.from = from, .at_us = now_us};
    return p;
}

/* Nothing is forgiven while it is locked. */
static void leak(struct place *p, int64_t now_us)
{
    if (p->at_us < p->locked_until_us)
        p->at_us = p->locked_until_us;
    int64_t gone = now_us > p->at_us ? (now_us - p->at_us) / LEAK_US : 0;

    p->at_us += gone * LEAK_US;
    p->points = gone < p->points ? p->points - (unsigned)gone : 0;
    if (p->points < FORGIVEN / 2)
        p->strikes = 0;
    if (p->points == 0 && p->at_us < now_us)
        p->at_us = now_us;
}

unsigned attempts_wait(struct attempts *a, struct addr from, int64_t now_us)
{
    pthread_mutex_lock(&a->lock);
    const struct place *p = find(a, customer(from));
    int64_t left_us = p ? p->locked_until_us - now_us : 0;
    pthread_mutex_unlock(&a->lock);
    return left_us > 0 ? (unsigned)((left_us + SECOND_US - 1) / SECOND_US) : 0;
}

void attempts_failed(struct attempts *a, struct addr from, int64_t now_us, unsigned weight)
{
    pthread_mutex_lock(&a->lock);
    struct place *p = take(a, customer(from), now_us);
    leak(p, now_us);
    p->points += weight;
    if (p->points > 2 * FORGIVEN)
        p->points = 2 * FORGIVEN;
    if (p->points >= FORGIVEN) {
        p->strikes += p->strikes < STRIKES_MAX;
        int64_t lock_us = SECOND_US << p->strikes;
        p->locked_until_us = now_us + (lock_us < LOCK_MAX_US ? lock_us : LOCK_MAX_US);
    }
    pthread_mutex_unlock(&a->lock);
}
