/* The joint of front and workers, with and without threads. */
#include "app/pipeline.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/ring.h"

#define RING_BYTES_DEFAULT ((size_t)8 << 20)
#define PATIENCE_NS        INT64_C(500000000)
#define RING_WAIT_MS       50
#define PUBLISH_EVERY      32  /* media; what happens to calls at once */
#define PUBLISH_FILE       256 /* of a file, whatever it is: nobody waits for it; and at each tick */

struct lane { /* one worker and its way in */
    struct pipeline *pipeline;
    struct worker *worker;
    struct counters *counters;
    struct ring *ring; /* NULL in single mode */
    pthread_t thread;
    bool running;
    unsigned unpublished;
};

/* A question to the workers. The lock guards only these fields; `look` is called without it. */
struct question {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    pthread_mutex_t one_asker; /* held by the asker for the whole exchange */
    pipeline_look_fn *look;
    void *context;
    uint64_t number;
    unsigned open;    /* lanes that have not answered */
    unsigned looking; /* lanes that are inside `look` now: the asker stays until they are out */
};

struct pipeline {
    struct front *front;
    struct counters *front_counters;
    bool threaded;
    bool lossless;
    unsigned lane_count;
    struct lane *lanes;
    struct question question;
    _Atomic uint64_t asked;
};

/* ---- into the ring and out of it ---- */

/* The fixed part that travels for each kind; the body follows it. */
static size_t head_size(unsigned kind)
{
    switch ((enum event_kind)kind) {
    case EVENT_MEDIA:
        return offsetof(struct event, media) + sizeof(struct event_media);
    case EVENT_TICK:
    case EVENT_REGISTRATION:
    case EVENT_REGISTER_DONE:
    case EVENT_SUBSCRIPTION:
    case EVENT_MESSAGE_SEEN:
    case EVENT_PEER:
    case EVENT_PRESENCE:
    case EVENT_AGENT:
    case EVENT_FINDING:
        return offsetof(struct event, media);
    default:
        return sizeof(struct event);
    }
}

/* Fresh media may wait for room: the kernel's ring holds some seconds, this one a fraction of one. What is older than that, or not of
 * this time at all, gives way at once, so that the front never falls far behind. */
static bool may_wait(const struct event *event)
{
    int64_t age_ns = clock_wall_ns() - event->time_ns;
    return event->kind == EVENT_MEDIA && age_ns > -PATIENCE_NS && age_ns < PATIENCE_NS;
}

static bool push_ring(struct lane *lane, const struct event *event)
{
    size_t head = head_size(event->kind);
    /* That a flow's media was refused is told again as long as it is refused. */
    bool again = event->kind == EVENT_CAPTURE_LOST && event->flow != UINT32_MAX;
    bool vital = event->kind != EVENT_MEDIA && !event_is_user(event->kind) && !again;
    uint8_t *at;
    while ((at = ring_reserve(lane->ring, head + event->body.size, vital)) == NULL) {
        if (!vital && !lane->pipeline->lossless && !may_wait(event))
            return false;
        if (event->kind == EVENT_TICK && !lane->pipeline->lossless)
            return true; /* the next one does */
        ring_publish(lane->ring);
        struct timespec pause = {.tv_nsec = lane->pipeline->lossless ? 1000000 : 200000};
        nanosleep(&pause, NULL);
    }
    memcpy(at, event, head);
    if (event->body.size)
        memcpy(at + head, event->body.data, event->body.size);
    ring_commit(lane->ring);
    bool lossless = lane->pipeline->lossless;
    bool now = lossless ? event->kind == EVENT_TICK : vital;
    if (now || ++lane->unpublished >= (lossless ? PUBLISH_FILE : PUBLISH_EVERY)) {
        ring_publish(lane->ring);
        lane->unpublished = 0;
    }
    return true;
}

static bool push(void *context, unsigned worker, const struct event *event)
{
    struct pipeline *p = context;
    struct lane *lane = &p->lanes[worker];
    if (p->threaded)
        return push_ring(lane, event);
    worker_event(lane->worker, event);
    return true;
}

static void prepare(void *context, uint32_t flow)
{
    struct pipeline *p = context;
    worker_prepare(p->lanes[0].worker, flow);
}

static void fetch(void *context, uint32_t flow)
{
    struct pipeline *p = context;
    worker_fetch(p->lanes[0].worker, flow);
}

static void deliver(struct lane *lane, struct slice record)
{
    struct event event;
    size_t head = head_size(record.data[offsetof(struct event, kind)]);
    assert(record.size >= head);
    memcpy(&event, record.data, head);
    event.body = slice_of(record.data + head, event.body.size);
    worker_event(lane->worker, &event);
}

/* ---- questions ---- */

static void answer(struct pipeline *p, struct lane *lane, uint64_t *seen)
{
    uint64_t asked = atomic_load_explicit(&p->asked, memory_order_acquire);
    if (asked == *seen)
        return;
    *seen = asked;
    struct question *q = &p->question;
    pthread_mutex_lock(&q->lock);
    bool wanted = q->look && q->number == asked;
    pipeline_look_fn *look = q->look;
    void *context = q->context;
    q->looking += wanted;
    pthread_mutex_unlock(&q->lock);
    if (!wanted)
        return;
    look(context, lane->worker);
    pthread_mutex_lock(&q->lock);
    q->looking--;
    q->open--;
    pthread_cond_broadcast(&q->answered);
    pthread_mutex_unlock(&q->lock);
}

static bool wait_answers(struct question *q, int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (q->open > 0)
        if (pthread_cond_timedwait(&q->answered, &q->lock, &until) != 0)
            break;
    return q->open == 0;
}

bool pipeline_look(struct pipeline *p, pipeline_look_fn *look, void *context, int timeout_ms)
{
    struct question *q = &p->question;
    if (!p->threaded) {
        look(context, p->lanes[0].worker);
        return true;
    }
    pthread_mutex_lock(&q->one_asker);
    pthread_mutex_lock(&q->lock);
    q->look = look;
    q->context = context;
    q->open = p->lane_count;
    q->number++;
    atomic_store_explicit(&p->asked, q->number, memory_order_release);
    bool all = wait_answers(q, timeout_ms);
    q->look = NULL; /* whoever comes late finds nothing to do */
    while (q->looking > 0)
        pthread_cond_wait(&q->answered, &q->lock);
    pthread_mutex_unlock(&q->lock);
    pthread_mutex_unlock(&q->one_asker);
    return all;
}

/* ---- worker threads ---- */

static void *lane_main(void *context)
{
    struct lane *lane = context;
    uint64_t seen = 0;
    while (ring_wait(lane->ring, RING_WAIT_MS)) {
        struct slice record;
        unsigned taken = 0;
        while (taken++ < 256 && (record = ring_next(lane->ring)).data != NULL)
            deliver(lane, record);
        ring_release(lane->ring);
        answer(lane->pipeline, lane, &seen);
    }
    worker_flush(lane->worker);
    return NULL;
}

static int start_lane(struct pipeline *p, const struct pipeline_config *config, unsigned index, struct why *why)
{
    struct lane *lane = &p->lanes[index];
    struct worker_config wc = config->worker;
    struct spool_config spool;
    lane->pipeline = p;
    lane->counters = p->threaded ? counters_block(config->counters) : p->front_counters;
    if (lane->counters == NULL)
        return ERR_NOMEM;
    wc.index = index;
    wc.counters = config->counters;
    if (wc.spool) {
        spool = *wc.spool;
        spool.writer += index;
        wc.spool = &spool;
    }
    int err = worker_new(&wc, lane->counters, &lane->worker, why);
    if (err || !p->threaded)
        return err;
    lane->ring = ring_new(config->ring_bytes ? config->ring_bytes : RING_BYTES_DEFAULT);
    if (lane->ring == NULL)
        return ERR_NOMEM;
    if (pthread_create(&lane->thread, NULL, lane_main, lane) != 0) {
        why_set(why, "cannot start a worker thread: the system's limit of threads is reached");
        return ERR_FULL;
    }
    lane->running = true;
    return 0;
}

static void stop_lanes(struct pipeline *p)
{
    for (unsigned i = 0; i < p->lane_count; i++) {
        struct lane *lane = &p->lanes[i];
        if (lane->ring)
            ring_close(lane->ring);
        if (lane->running)
            pthread_join(lane->thread, NULL);
        worker_free(lane->worker);
        ring_free(lane->ring);
    }
}

static void pipeline_free(struct pipeline *p)
{
    stop_lanes(p);
    front_free(p->front);
    pthread_mutex_destroy(&p->question.lock);
    pthread_mutex_destroy(&p->question.one_asker);
    pthread_cond_destroy(&p->question.answered);
    free(p->lanes);
    free(p);
}

int pipeline_new(const struct pipeline_config *config, struct pipeline **ret_pipeline, struct why *why)
{
    struct pipeline *p = calloc(1, sizeof *p);
    int err = ERR_NOMEM;
    if (p == NULL)
        return err;
    p->threaded = config->workers > 0;
    p->lossless = config->lossless;
    p->lane_count = p->threaded ? config->workers : 1;
    pthread_mutex_init(&p->question.lock, NULL);
    pthread_mutex_init(&p->question.one_asker, NULL);
    pthread_cond_init(&p->question.answered, NULL);
    p->lanes = calloc(p->lane_count, sizeof *p->lanes);
    p->front_counters = config->block ? config->block : counters_block(config->counters);
    if (p->lanes == NULL || p->front_counters == NULL)
        goto out;
    for (unsigned i = 0; i < p->lane_count; i++) {
        err = start_lane(p, config, i, why);
        if (err)
            goto out;
    }
    struct event_sink sink = {
        .context = p,
        .workers = p->lane_count,
        .push = push,
        .fetch = p->threaded ? NULL : fetch,
        .prepare = p->threaded ? NULL : prepare, /* a worker of another core has another cache */
    };
    err = front_new(&config->front, &sink, p->front_counters, &p->front);
    if (err)
        goto out;
    *ret_pipeline = p;
    p = NULL;
out:
    if (p)
        pipeline_free(p);
    return err;
}

void pipeline_frame(struct pipeline *p, const struct frame *frame)
{
    front_frame(p->front, frame);
}

void pipeline_datagram(struct pipeline *p, const struct datagram *datagram)
{
    front_datagram(p->front, datagram);
}

void pipeline_capture_lost(struct pipeline *p, uint64_t frames, int64_t since_ns)
{
    front_capture_lost(p->front, frames, since_ns);
}

void pipeline_key_line(struct pipeline *p, struct slice line)
{
    front_key_line(p->front, line);
}

int pipeline_private_key(struct pipeline *p, struct slice pem, struct why *why)
{
    return front_private_key(p->front, pem, why);
}

void pipeline_tick(struct pipeline *p, int64_t now_ns)
{
    front_tick(p->front, now_ns);
    for (unsigned i = 0; p->threaded && i < p->lane_count; i++)
        ring_publish(p->lanes[i].ring);
}

void pipeline_finish(struct pipeline *p, enum call_end_reason reason)
{
    if (p == NULL)
        return;
    front_finish(p->front, reason);
    for (unsigned i = 0; p->threaded && i < p->lane_count; i++)
        ring_publish(p->lanes[i].ring);
    pipeline_free(p);
}

void pipeline_depth(const struct pipeline *p, size_t *ret_depth, size_t *ret_capacity)
{
    *ret_depth = 0;
    *ret_capacity = 0;
    for (unsigned i = 0; p->threaded && i < p->lane_count; i++) {
        *ret_depth += ring_depth(p->lanes[i].ring);
        *ret_capacity += ring_capacity(p->lanes[i].ring);
    }
}
