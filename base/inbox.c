/* A circle of pointers under one lock. The lock guards everything below it and is never held while
 * anything outside this file runs. */
#include "base/inbox.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

struct inbox {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_cond_t emptied;
    size_t ceiling;
    size_t first;
    size_t count;
    bool closed;
    void *items[];
};

struct inbox *inbox_new(size_t ceiling)
{
    assert(ceiling > 0);
    if (ceiling > SIZE_MAX / 2 / sizeof(void *))
        return NULL;
    struct inbox *i = calloc(1, sizeof *i + ceiling * sizeof(void *));
    if (i == NULL)
        return NULL;
    i->ceiling = ceiling;
    pthread_mutex_init(&i->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&i->filled, &monotonic);
    pthread_cond_init(&i->emptied, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return i;
}

void inbox_free(struct inbox *i)
{
    if (i == NULL)
        return;
    assert(i->count == 0);
    pthread_cond_destroy(&i->filled);
    pthread_cond_destroy(&i->emptied);
    pthread_mutex_destroy(&i->lock);
    free(i);
}

static void push(struct inbox *i, void *item)
{
    i->items[(i->first + i->count) % i->ceiling] = item;
    i->count++;
    pthread_cond_signal(&i->filled);
}

bool inbox_put(struct inbox *i, void *item)
{
    pthread_mutex_lock(&i->lock);
    bool room = !i->closed && i->count < i->ceiling;
    if (room)
        push(i, item);
    pthread_mutex_unlock(&i->lock);
    return room;
}

bool inbox_put_wait(struct inbox *i, void *item)
{
    pthread_mutex_lock(&i->lock);
    while (!i->closed && i->count == i->ceiling)
        pthread_cond_wait(&i->emptied, &i->lock);
    bool open = !i->closed;
    if (open)
        push(i, item);
    pthread_mutex_unlock(&i->lock);
    return open;
}

static struct timespec deadline_in(int timeout_ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += timeout_ms / 1000;
    t.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

/* Until something is there, the box is closed, or the time is over. */
static void wait_filled(struct inbox *i, int timeout_ms)
{
    if (timeout_ms == 0)
        return;
    struct timespec deadline = deadline_in(timeout_ms < 0 ? 0 : timeout_ms);
    int err = 0;
    while (i->count == 0 && !i->closed && err != ETIMEDOUT)
        err = timeout_ms < 0 ? pthread_cond_wait(&i->filled, &i->lock)
                             : pthread_cond_timedwait(&i->filled, &i->lock, &deadline);
}

size_t inbox_take(struct inbox *i, void **ret_items, size_t max, int timeout_ms)
{
    pthread_mutex_lock(&i->lock);
    wait_filled(i, timeout_ms);
    size_t n = 0;
    for (; n < max && i->count; n++) {
        ret_items[n] = i->items[i->first];
        i->first = (i->first + 1) % i->ceiling;
        i->count--;
    }
    if (n)
        pthread_cond_broadcast(&i->emptied);
    pthread_mutex_unlock(&i->lock);
    return n;
}

void inbox_close(struct inbox *i)
{
    pthread_mutex_lock(&i->lock);
    i->closed = true;
    pthread_cond_broadcast(&i->filled);
    pthread_cond_broadcast(&i->emptied);
    pthread_mutex_unlock(&i->lock);
}

bool inbox_is_closed_and_empty(struct inbox *i)
{
    pthread_mutex_lock(&i->lock);
    bool done = i->closed && i->count == 0;
    pthread_mutex_unlock(&i->lock);
    return done;
}

size_t inbox_depth(struct inbox *i)
{
    pthread_mutex_lock(&i->lock);
    size_t count = i->count;
    pthread_mutex_unlock(&i->lock);
    return count;
}
