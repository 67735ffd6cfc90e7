/* Two lists under one lock: what is ready, in order of its coming, and what waits, in order of its
 * time. Who takes moves what has become due to the end of the ready ones, so that a job that is
 * looked at again and again does not overtake. The lock guards everything below it, and nothing
 * outside this file runs while it is held. */
#include "app/render_queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

#define SECOND_NS INT64_C(1000000000)

struct render_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct render_job *ready, **ready_end;
    struct render_job *later; /* by not_before_ns */
    size_t count, failed, ceiling;
    bool closed;
};

struct render_queue *render_queue_new(size_t ceiling)
{
    assert(ceiling > 0);
    struct render_queue *q = calloc(1, sizeof *q);
    if (q == NULL)
        return NULL;
    q->ceiling = ceiling;
    q->ready_end = &q->ready;
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&q->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return q;
}

static void free_list(struct render_job *job)
{
    while (job) {
        struct render_job *next = job->next;
        record_free(job->record);
        free(job);
        job = next;
    }
}

void render_queue_free(struct render_queue *q)
{
    if (q == NULL)
        return;
    free_list(q->ready);
    free_list(q->later);
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

static void put_ready(struct render_queue *q, struct render_job *job)
{
    job->next = NULL;
    *q->ready_end = job;
    q->ready_end = &job->next;
}

static void put_later(struct render_queue *q, struct render_job *job)
{
    struct render_job **at = &q->later;
    while (*at && (*at)->not_before_ns <= job->not_before_ns)
        at = &(*at)->next;
    job->next = *at;
    *at = job;
}

bool render_queue_put(struct render_queue *q, const struct render_job *value)
{
    struct render_job *job = malloc(sizeof *job);
    if (job == NULL)
        return false;
    *job = *value;
    pthread_mutex_lock(&q->lock);
    bool room = !q->closed && q->count < q->ceiling;
    if (room) {
        if (job->not_before_ns)
            put_later(q, job);
        else
            put_ready(q, job);
        q->count++;
        q->failed += job->failed;
        pthread_cond_signal(&q->changed);
    }
    pthread_mutex_unlock(&q->lock);
    if (!room)
        free(job);
    return room;
}

static void move_due(struct render_queue *q)
{
    int64_t now_ns = clock_mono_ns();
    while (q->later && q->later->not_before_ns <= now_ns) {
        struct render_job *job = q->later;
        q->later = job->next;
        put_ready(q, job);
    }
}

/* Until something changes, the first of the waiting is due, or the time is over: then false. */
static bool wait_for_job(struct render_queue *q, int64_t until_ns)
{
    int64_t wake_ns =
        q->later && q->later->not_before_ns < until_ns ? q->later->not_before_ns : until_ns;
    const struct timespec at = {.tv_sec = wake_ns / SECOND_NS, .tv_nsec = wake_ns % SECOND_NS};
    return pthread_cond_timedwait(&q->changed, &q->lock, &at) != ETIMEDOUT || wake_ns < until_ns;
}

static struct render_job *pop(struct render_queue *q)
{
    struct render_job *job = q->ready;
    if (job == NULL || q->closed)
        return NULL;
    q->ready = job->next;
    if (q->ready == NULL)
        q->ready_end = &q->ready;
    q->count--;
    q->failed -= job->failed;
    if (q->ready || q->later) /* signals may have been for one sleeper */
        pthread_cond_signal(&q->changed);
    return job;
}

struct render_job *render_queue_take(struct render_queue *q, int timeout_ms)
{
    int64_t until_ns = clock_mono_ns() + timeout_ms * INT64_C(1000000);
    pthread_mutex_lock(&q->lock);
    move_due(q);
    while (q->ready == NULL && !q->closed && wait_for_job(q, until_ns))
        move_due(q);
    struct render_job *job = pop(q);
    pthread_mutex_unlock(&q->lock);
    return job;
}

void render_queue_close(struct render_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

bool render_queue_is_closed(struct render_queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool closed = q->closed;
    pthread_mutex_unlock(&q->lock);
    return closed;
}

size_t render_queue_depth(struct render_queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t count = q->count - q->failed;
    pthread_mutex_unlock(&q->lock);
    return count;
}

bool render_queue_is_empty(struct render_queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool empty = q->count == 0;
    pthread_mutex_unlock(&q->lock);
    return empty;
}
