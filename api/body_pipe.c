#include "api/body_pipe.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct body_pipe {
    pthread_mutex_t lock; /* guards all below but the thread and the producer */
    pthread_cond_t room;
    pthread_t thread;
    bool started;  /* there is a thread to join */
    bool ended;    /* the thread is at its end */
    bool released; /* the reader has gone, or there was none */
    bool cancelled;
    bool parked;
    int result;
    struct body_pipe_reader reader;
    struct http_producer producer;
    uint8_t *bytes; /* a ring of STREAM_PIPE_BYTES */
    size_t head, count;
};

struct body_pipes {
    pthread_mutex_t lock; /* guards the choice of a slot */
    bool stopped;
    int count;
    struct body_pipe slot[];
};

struct body_pipes *body_pipes_new(int slots)
{
    struct body_pipes *ps = calloc(1, sizeof *ps + (size_t)slots * sizeof ps->slot[0]);

    if (ps == NULL)
        return NULL;
    ps->count = slots;
    pthread_mutex_init(&ps->lock, NULL);
    for (int i = 0; i < ps->count; i++) {
        struct body_pipe *p = &ps->slot[i];
        pthread_mutex_init(&p->lock, NULL);
        pthread_cond_init(&p->room, NULL);
        p->ended = p->released = true;
    }
    return ps;
}

unsigned body_pipes_busy(struct body_pipes *ps)
{
    unsigned n = 0;

    for (int i = 0; i < ps->count; i++) {
        pthread_mutex_lock(&ps->slot[i].lock);
        n += !ps->slot[i].ended || !ps->slot[i].released;
        pthread_mutex_unlock(&ps->slot[i].lock);
    }
    return n;
}

static void unpark(struct body_pipe *p)
{
    if (p->parked && !p->released)
        p->reader.unpark(p->reader.context);
    p->parked = false;
}

/* Copies what fits now; the lock is held. */
static size_t ring_write(struct body_pipe *p, const uint8_t *data, size_t size)
{
    size_t tail = (p->head + p->count) % STREAM_PIPE_BYTES;
    size_t room = p->producer.live ? LIVE_PIPE_BYTES : STREAM_PIPE_BYTES;
    size_t n = p->count < room ? room - p->count : 0;

    if (n > size)
        n = size;
    if (n > STREAM_PIPE_BYTES - tail)
        n = STREAM_PIPE_BYTES - tail;
    memcpy(p->bytes + tail, data, n);
    p->count += n;
    return n;
}

static int produce(void *context, const void *data, size_t size)
{
    struct body_pipe *p = context;
    const uint8_t *at = data;

    pthread_mutex_lock(&p->lock);
    while (size > 0 && !p->cancelled) {
        size_t n = ring_write(p, at, size);
        at += n;
        size -= n;
        if (p->producer.live || p->count >= STREAM_PIPE_BYTES / 4)
            unpark(p);
        if (n == 0)
            pthread_cond_wait(&p->room, &p->lock);
    }
    bool gone = p->cancelled;
    pthread_mutex_unlock(&p->lock);
    return gone ? -1 : 0;
}

static void *producer_main(void *context)
{
    struct body_pipe *p = context;

    int result = p->producer.run(p->producer.context, produce, p);
    p->producer.free(p->producer.context);
    pthread_mutex_lock(&p->lock);
    p->result = result;
    p->ended = true;
    unpark(p);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static bool slot_is_free(struct body_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    bool is_free = p->ended && p->released;
    pthread_mutex_unlock(&p->lock);
    return is_free;
}

static void slot_join(struct body_pipe *p)
{
    if (p->started)
        pthread_join(p->thread, NULL);
    p->started = false;
    free(p->bytes);
    p->bytes = NULL;
}

/* A free slot: nobody else knows it, so no lock. */
static bool slot_start(struct body_pipe *p, const struct http_producer *producer,
                       const struct body_pipe_reader *reader)
{
    slot_join(p);
    p->bytes = malloc(STREAM_PIPE_BYTES);
    if (p->bytes == NULL)
        return false;
    p->ended = p->released = p->cancelled = p->parked = false;
    p->head = p->count = 0;
    p->result = 0;
    p->reader = *reader;
    p->producer = *producer;
    p->started = pthread_create(&p->thread, NULL, producer_main, p) == 0;
    if (!p->started)
        p->ended = p->released = true;
    return p->started;
}

struct body_pipe *body_pipe_start(struct body_pipes *ps, const struct http_producer *producer,
                                  const struct body_pipe_reader *reader)
{
    struct body_pipe *taken = NULL;

    pthread_mutex_lock(&ps->lock);
    for (int i = 0; i < ps->count && !ps->stopped && taken == NULL; i++)
        if (slot_is_free(&ps->slot[i])) {
            if (!slot_start(&ps->slot[i], producer, reader))
                break;
            taken = &ps->slot[i];
        }
    pthread_mutex_unlock(&ps->lock);
    return taken;
}

ssize_t body_pipe_read(struct body_pipe *p, void *out, size_t max)
{
    ssize_t result = BODY_PIPE_WAIT;

    pthread_mutex_lock(&p->lock);
    if (p->count > 0) {
        size_t n = p->count < max ? p->count : max;
        if (n > STREAM_PIPE_BYTES - p->head)
            n = STREAM_PIPE_BYTES - p->head;
        memcpy(out, p->bytes + p->head, n);
        p->head = (p->head + n) % STREAM_PIPE_BYTES;
        p->count -= n;
        pthread_cond_signal(&p->room);
        result = (ssize_t)n;
    } else if (p->ended || p->cancelled) {
        result = p->result || p->cancelled ? BODY_PIPE_FAILED : BODY_PIPE_END;
    } else {
        p->parked = true;
        p->reader.park(p->reader.context);
    }
    pthread_mutex_unlock(&p->lock);
    return result;
}

void body_pipe_release(struct body_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    p->released = true;
    p->cancelled = true;
    pthread_cond_signal(&p->room);
    pthread_mutex_unlock(&p->lock);
}

void body_pipes_stop(struct body_pipes *ps)
{
    pthread_mutex_lock(&ps->lock);
    ps->stopped = true;
    for (int i = 0; i < ps->count; i++) {
        struct body_pipe *p = &ps->slot[i];
        pthread_mutex_lock(&p->lock);
        p->cancelled = true;
        unpark(p);
        pthread_cond_signal(&p->room);
        pthread_mutex_unlock(&p->lock);
    }
    pthread_mutex_unlock(&ps->lock);
    for (int i = 0; i < ps->count; i++) {
        if (ps->slot[i].started)
            pthread_join(ps->slot[i].thread, NULL);
        ps->slot[i].started = false;
    }
}

void body_pipes_free(struct body_pipes *ps)
{
    if (ps == NULL)
        return;
    for (int i = 0; i < ps->count; i++) {
        slot_join(&ps->slot[i]);
        pthread_cond_destroy(&ps->slot[i].room);
        pthread_mutex_destroy(&ps->slot[i].lock);
    }
    pthread_mutex_destroy(&ps->lock);
    free(ps);
}
