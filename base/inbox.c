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
    size_t wanted; /* by who waits: fewer are not worth waking it */
    bool closed;
    bool hurried; /* since it was last empty */
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
    i->wanted = 1;
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

/* Unlocks; who is woken with the lock held would only wait for it. */
static void push(struct inbox *i, void *item)
{
    i->items[(i->first + i->count) % i->ceiling] = item;
    i->count++;
    bool enough = i->count >= i->wanted;
    pthread_mutex_unlock(&i->lock);
    if (enough)
        pthread_cond_signal(&i->filled);
}

bool inbox_put(struct inbox *i, void *item)
{
    pthread_mutex_lock(&i->lock);
    bool room = !i->closed && i->count < i->ceiling;
    if (room)
        push(i, item);
    else
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
    else
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

/* Until as many are there as are wanted, the box is closed, or the time is over. */
static void wait_filled(struct inbox *i, size_t want, int timeout_ms)
{
    if (timeout_ms == 0)
        return;
    i->wanted = i->hurried ? 1 : want < i->ceiling ? want : i->ceiling;
    struct timespec deadline = deadline_in(timeout_ms < 0 ? 0 : timeout_ms);
    int err = 0;
    while (i->count < i->wanted && !i->closed && err != ETIMEDOUT)
        err = timeout_ms < 0 ? pthread_cond_wait(&i->filled, &i->lock)
                             : pthread_cond_timedwait(&i->filled, &i->lock, &deadline);
}

size_t inbox_take_many(struct inbox *i, void **ret_items, size_t max, size_t want, int timeout_ms)
{
    pthread_mutex_lock(&i->lock);
    wait_filled(i, want, timeout_ms);
    bool full = i->count == i->ceiling;
    size_t n = 0;
    for (; n < max && i->count; n++) {
        ret_items[n] = i->items[i->first];
        i->first = (i->first + 1) % i->ceiling;
        i->count--;
    }
    i->hurried &= i->count > 0;
    pthread_mutex_unlock(&i->lock);
    if (n && full) /* else nobody waits for room */
        pthread_cond_broadcast(&i->emptied);
    return n;
}

size_t inbox_take(struct inbox *i, void **ret_items, size_t max, int timeout_ms)
{
    return inbox_take_many(i, ret_items, max, 1, timeout_ms);
}

void inbox_hurry(struct inbox *i)
{
    pthread_mutex_lock(&i->lock);
    i->hurried = true; /* should it not be waiting now */
    i->wanted = 1;
    pthread_mutex_unlock(&i->lock);
    pthread_cond_signal(&i->filled);
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
