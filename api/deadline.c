#include "api/deadline.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

struct deadlines {
    pthread_mutex_t
        lock; /* guards the list and `stopping`; only shutdown() is called while it is held */
    pthread_cond_t stop;
    pthread_t thread;
    bool stopping;
    struct deadline list; /* a ring through this head */
};

static void cut_late(struct deadlines *ds, int64_t now_ns)
{
    for (struct deadline *d = ds->list.next; d != &ds->list; d = d->next)
        if (d->until_ns < now_ns) {
            shutdown(d->fd, SHUT_RDWR);
            d->until_ns = INT64_MAX;
        }
}

static void *deadlines_main(void *context)
{
    struct deadlines *ds = context;

    pthread_mutex_lock(&ds->lock);
    while (!ds->stopping) {
        struct timespec wake;
        clock_gettime(CLOCK_REALTIME, &wake);
        wake.tv_sec++;
        pthread_cond_timedwait(&ds->stop, &ds->lock, &wake);
        cut_late(ds, clock_mono_ns());
    }
    pthread_mutex_unlock(&ds->lock);
    return NULL;
}

struct deadlines *deadlines_new(void)
{
    struct deadlines *ds = calloc(1, sizeof *ds);

    if (ds == NULL)
        return NULL;
    pthread_mutex_init(&ds->lock, NULL);
    pthread_cond_init(&ds->stop, NULL);
    ds->list.next = ds->list.before = &ds->list;
    if (pthread_create(&ds->thread, NULL, deadlines_main, ds) == 0)
        return ds;
    free(ds);
    return NULL;
}

void deadlines_free(struct deadlines *ds)
{
    if (ds == NULL)
        return;
    pthread_mutex_lock(&ds->lock);
    ds->stopping = true;
    pthread_cond_signal(&ds->stop);
    pthread_mutex_unlock(&ds->lock);
    pthread_join(ds->thread, NULL);
    pthread_cond_destroy(&ds->stop);
    pthread_mutex_destroy(&ds->lock);
    free(ds);
}

void deadline_add(struct deadlines *ds, struct deadline *d, int fd, int64_t until_ns)
{
    pthread_mutex_lock(&ds->lock);
    *d = (struct deadline){
        .next = ds->list.next, .before = &ds->list, .fd = fd, .until_ns = until_ns};
    d->next->before = d;
    ds->list.next = d;
    pthread_mutex_unlock(&ds->lock);
}

void deadline_set(struct deadlines *ds, struct deadline *d, int64_t until_ns)
{
    pthread_mutex_lock(&ds->lock);
    d->until_ns = until_ns;
    pthread_mutex_unlock(&ds->lock);
}

void deadline_remove(struct deadlines *ds, struct deadline *d)
{
    pthread_mutex_lock(&ds->lock);
    d->next->before = d->before;
    d->before->next = d->next;
    pthread_mutex_unlock(&ds->lock);
}
