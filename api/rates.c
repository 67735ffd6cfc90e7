/* The generic cell rate algorithm: of each who, the time at which all that was asked would have
 * been asked at an even pace. */
#include "api/rates.h"

#include <pthread.h>
#include <stdlib.h>

#define ROWS       512
#define ROW_PLACES 4
#define BURST_US   (10 * INT64_C(1000000))

struct place {
    uint64_t who; /* hash */
    int64_t even_us;
};

struct rates {
    int64_t step_us; /* 0: no limit */
    struct hash_seed seed;
    pthread_mutex_t lock; /* guards the places; nothing is called while it is held */
    struct place place[ROWS][ROW_PLACES];
};

struct rates *rates_new(unsigned per_second)
{
    struct rates *r = calloc(1, sizeof *r);

    if (r == NULL)
        return NULL;
    r->step_us = per_second ? 1000000 / per_second : 0;
    r->seed = hash_seed_random();
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

void rates_free(struct rates *r)
{
    if (r == NULL)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static struct place *find(struct rates *r, uint64_t who)
{
    struct place *row = r->place[who % ROWS], *least = row;

    for (unsigned i = 0; i < ROW_PLACES; i++) {
        if (row[i].who == who)
            return &row[i];
        if (row[i].even_us < least->even_us)
            least = &row[i];
    }
    *least = (struct place){.who = who};
    return least;
}

unsigned rates_take(struct rates *r, struct slice who, int64_t now_us)
{
    unsigned wait_s = 0;

    if (r->step_us == 0)
        return 0;
    pthread_mutex_lock(&r->lock);
    struct place *p = find(r, hash_bytes(&r->seed, who.data, who.size));
    if (p->even_us < now_us || p->even_us > now_us + 2 * BURST_US) /* the clock was set back */
        p->even_us = now_us;
    if (p->even_us - now_us > BURST_US)
        wait_s = 1 + (unsigned)((p->even_us - now_us - BURST_US) / 1000000);
    else
        p->even_us += r->step_us;
    pthread_mutex_unlock(&r->lock);
    return wait_s;
}
