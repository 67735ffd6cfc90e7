/* A watcher: a place in the ring. What it is told is copied out when its connection can take it, so
 * that one that reads slowly costs its buffer and no more.
 *
 *     live_watch_read(): something to tell? ----> into the buffer, out
 *                               \-> parked, until live_watch_serve() finds something: an event, a
 * state of things (stats), 15 s of silence, the end
 */
#include <stdlib.h>
#include <string.h>

#include "api/limit.h"
#include "api/live_internal.h"
#include "base/clock.h"
#include "base/error.h"

#define SECOND    INT64_C(1000000000)
#define PING_NS   (15 * SECOND)
#define END_NS    (3600 * SECOND) /* then it comes again, with Last-Event-ID */
#define OUT_FILL  (8u << 10)      /* so much is gathered at a time, and one event more */
#define OUT_MAX   (64u << 10)
#define CHAIN_MAX 8

/* ---- opening and closing ---- */

static uint64_t wall_us(void)
{
    return (uint64_t)(clock_wall_ns() / 1000);
}

static int begin_ring(struct live_events *l)
{
    l->unwatched_ns = 0;
    if (l->ring.slots)
        return 0;
    int err = live_ring_open(&l->ring, wall_us());
    if (err == 0)
        atomic_store(&l->wanted, true);
    return err;
}

static void take_place(struct live_watcher *w, const struct live_watch_config *c)
{
    const struct live_ring *r = &w->events->ring;

    w->next = r->next;
    if (!c->resumes)
        return;
    if (c->last_id >= r->next)
        w->reset = "unknown";
    else if (c->last_id + 1 < r->first)
        w->reset = "behind";
    else
        w->next = c->last_id + 1;
    counters_add(w->events->counters, C_LIVE_WATCHER_RESETS, w->reset != NULL);
}

static int join(struct live_events *l, const struct live_watch_config *config,
                struct live_watcher *w)
{
    if (l->stopping || !l->started)
        return ERR_BUSY;
    if (l->count >= l->max) {
        counters_add(l->counters, C_LIVE_WATCHERS_REFUSED, 1);
        return ERR_FULL;
    }
    int err = begin_ring(l);
    if (err)
        return err;
    while (l->watchers[w->slot])
        w->slot++;
    l->watchers[w->slot] = w;
    l->count++;
    w->serial = ++l->serials;
    take_place(w, config);
    return 0;
}

int live_watch_open(struct live_events *l, const struct live_watch_config *config,
                    struct live_watcher **ret_watcher)
{
    struct live_watcher *w = calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_NOMEM;
    w->events = l;
    w->who = config->who;
    w->interval_ns = config->interval_ns;
    w->opened_ns = w->sent_ns = clock_mono_ns();
    buf_init(&w->out, OUT_MAX);
    pthread_mutex_lock(&l->lock);
    int err = join(l, config, w);
    pthread_mutex_unlock(&l->lock);
    if (err) {
        free(w);
        return err;
    }
    w->filter = config->filter; /* it is read by nobody before the first read */
    inbox_hurry(l->inbox);
    *ret_watcher = w;
    return 0;
}

void live_watch_begin(struct live_watcher *w, const struct body_pipe_reader *reader)
{
    w->reader = *reader;
}

void live_watch_close(struct live_watcher *w)
{
    if (w == NULL)
        return;
    struct live_events *l = w->events;
    pthread_mutex_lock(&l->lock);
    l->watchers[w->slot] = NULL;
    if (--l->count == 0)
        l->unwatched_ns = clock_mono_ns();
    pthread_mutex_unlock(&l->lock);
    live_filter_fini(&w->filter);
    buf_fini(&w->out);
    free(w);
}

/* ---- what is told next; the lock is held ---- */

static bool wants(const struct live_watcher *w, const struct live_entry *e)
{
    return live_filter_wants(&w->filter, e->event) &&
           limit_allows_live(&w->who.limit, &e->event->call);
}

/* A newer event that the watcher gets as well stands for this one. Of what happens to a call (it
 * starts, is answered, ends) only who asked for few events is spared the steps. */
static bool is_overtaken(const struct live_watcher *w, const struct live_entry *e)
{
    const struct live_ring *r = &w->events->ring;

    if (w->interval_ns == 0 && e->event->kind != LIVE_CALL_UPDATED)
        return false;
    for (unsigned i = 0; i < CHAIN_MAX && e->overtaken_by && e->overtaken_by <= w->horizon; i++) {
        e = live_ring_at(r, e->overtaken_by);
        if (wants(w, e))
            return true;
    }
    return false;
}

/* False: it is not yet time for the next batch. */
static bool set_horizon(struct live_watcher *w, int64_t now_ns)
{
    const struct live_ring *r = &w->events->ring;

    if (w->interval_ns && w->next <= w->horizon)
        return true;
    if (w->interval_ns && w->batch_ns && now_ns < w->batch_ns + w->interval_ns)
        return false;
    if (w->next == r->next)
        return false;
    w->horizon = r->next - 1;
    w->batch_ns = now_ns;
    return true;
}

static const struct live_entry *seek(struct live_watcher *w, int64_t now_ns)
{
    const struct live_ring *r = &w->events->ring;

    if (w->reset || w->next < r->first || !set_horizon(w, now_ns))
        return NULL;
    if (w->who.limit.max_age_s)
        w->who.limit.since_us = (int64_t)wall_us() - w->who.limit.max_age_s * 1000000;
    for (; w->next <= w->horizon; w->next++) {
        const struct live_entry *e = live_ring_at(r, w->next);
        if (!wants(w, e))
            continue;
        if (!is_overtaken(w, e))
            return e;
        counters_add(w->events->counters, C_LIVE_EVENTS_OVERTAKEN, 1);
    }
    return NULL;
}

/* What is of all calls is for who may see all of them. */
static bool has_stats(const struct live_watcher *w)
{
    const struct live_events *l = w->events;

    return l->stats[0] && w->stats_seen != l->stats_number && !limit_is_set(&w->who.limit) &&
           (w->filter.kinds == 0 || (w->filter.kinds & LIVE_STATS));
}

static bool is_due(struct live_watcher *w, int64_t now_ns)
{
    return w->ending || w->reset || w->next < w->events->ring.first || has_stats(w) ||
           now_ns - w->sent_ns >= PING_NS || now_ns - w->opened_ns >= END_NS ||
           seek(w, now_ns) != NULL;
}

/* ---- telling ---- */

/* So that who comes back does so from here, though nothing was for them. */
static void tell_place(struct live_watcher *w, const char *line)
{
    buf_printf(&w->out, "%sid: %llu\n\n", line, (unsigned long long)(w->next - 1));
}

static void tell_reset(struct live_watcher *w)
{
    struct live_events *l = w->events;

    if (w->reset == NULL && w->next < l->ring.first) {
        w->reset = "behind";
        counters_add(l->counters, C_LIVE_WATCHER_RESETS, 1);
    }
    if (w->reset == NULL)
        return;
    w->next = l->ring.next;
    buf_printf(
        &w->out,
        "id: %llu\nevent: reset\ndata: {\"reason\":\"%s\",\"snapshot\":\"/api/v1/live/calls\"}\n\n",
        (unsigned long long)(w->next - 1), w->reset);
    w->reset = NULL;
}

static void fill(struct live_watcher *w, int64_t now_ns)
{
    const struct live_entry *e;

    if (!w->greeted)
        tell_place(w, "retry: 3000\n");
    w->greeted = true;
    tell_reset(w);
    if (has_stats(w)) {
        buf_str(&w->out, w->events->stats);
        w->stats_seen = w->events->stats_number;
    }
    while (w->out.size < OUT_FILL && (e = seek(w, now_ns)) != NULL) {
        buf_add(&w->out, e->text, e->text_size);
        w->next++;
    }
    if (w->out.size == 0 && now_ns - w->sent_ns >= PING_NS)
        tell_place(w, ": ping\n");
}

static ssize_t read_out(struct live_watcher *w, void *out, size_t max)
{
    size_t n = w->out.size - w->sent;

    if (n > max)
        n = max;
    memcpy(out, w->out.data + w->sent, n);
    w->sent += n;
    if (w->sent == w->out.size) { /* who waits keeps no memory */
        buf_fini(&w->out);
        buf_init(&w->out, OUT_MAX);
        w->sent = 0;
    }
    return (ssize_t)n;
}

ssize_t live_watch_read(struct live_watcher *w, void *out, size_t max)
{
    struct live_events *l = w->events;
    int64_t now_ns = clock_mono_ns();
    ssize_t result = BODY_PIPE_WAIT;

    pthread_mutex_lock(&l->lock);
    w->ending |= now_ns - w->opened_ns >= END_NS;
    if (w->out.size == 0 && !w->ending)
        fill(w, now_ns);
    if (w->out.failed) {
        result = BODY_PIPE_FAILED;
    } else if (w->out.size) {
        w->sent_ns = now_ns;
        result = read_out(w, out, max);
    } else if (w->ending || l->over) {
        result = BODY_PIPE_END;
    } else {
        w->parked = true;
        w->reader.park(w->reader.context);
    }
    pthread_mutex_unlock(&l->lock);
    return result;
}

/* ---- of the thread; the lock is held ---- */

static void unpark(struct live_watcher *w)
{
    if (!w->parked)
        return;
    w->parked = false;
    w->reader.unpark(w->reader.context);
}

void live_watch_serve(struct live_events *l)
{
    int64_t now_ns = clock_mono_ns();

    for (unsigned i = 0; i < l->max; i++) {
        struct live_watcher *w = l->watchers[i];
        if (w && w->parked && is_due(w, now_ns))
            unpark(w);
    }
}

void live_watch_end(struct live_watcher *w)
{
    w->ending = true;
    unpark(w);
}

void live_watch_end_all(struct live_events *l)
{
    l->over = true;
    for (unsigned i = 0; i < l->max; i++)
        if (l->watchers[i])
            unpark(l->watchers[i]);
}
