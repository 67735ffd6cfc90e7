/* Events into the ring, and the thread that does it: it takes what workers put, tells who waits,
 * looks whether who watches still may, and every few seconds says how many calls there are. */
#include "api/live_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/live_internal.h"
#include "base/clock.h"
#include "base/error.h"

#define INBOX_MAX   8192
#define BATCH       1024
#define ROUND_MS    50 /* while somebody watches */
#define IDLE_MS     1000
#define MS          INT64_C(1000000)
#define LOOK_NS     (2000 * MS) /* at tokens and sessions */
#define STATS_NS    (5000 * MS)
#define PARTING_NS  (1000 * MS)
#define KEPT_FOR_NS (600000 * MS)
#define BROKEN_MAX                                                                                 \
    3 /* looks at the store in a row that may fail before the token counts as taken away */

const char *const LIVE_EVENT_NAMES[] = {
    "call.started",  "call.answered",    "call.updated",      "call.ended",
    "quality.alert", "recording.paused", "recording.resumed", NULL};

/* ---- in ---- */

struct live_events *live_events_new(unsigned watchers_max)
{
    struct live_events *l = calloc(1, sizeof *l);

    if (l == NULL)
        return NULL;
    l->max = watchers_max < WATCHERS_MAX ? watchers_max : WATCHERS_MAX;
    pthread_mutex_init(&l->lock, NULL);
    l->inbox = inbox_new(INBOX_MAX);
    if (l->inbox)
        return l;
    live_events_free(l);
    return NULL;
}

void live_events_free(struct live_events *l)
{
    void *item;

    if (l == NULL)
        return;
    while (l->inbox && inbox_take(l->inbox, &item, 1, 0) == 1)
        free(item);
    inbox_free(l->inbox);
    live_ring_close(&l->ring);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

bool live_events_wanted(const struct live_events *l)
{
    return l && atomic_load_explicit(&l->wanted, memory_order_relaxed);
}

bool live_events_put(struct live_events *l, const struct live_event *event)
{
    size_t size = live_event_size(event);
    struct live_event *copy = malloc(size);

    if (copy) {
        memcpy(copy, event, size);
        if (inbox_put(l->inbox, copy))
            return true;
        free(copy);
    }
    atomic_fetch_add(&l->lost, 1);
    return false;
}

/* ---- the thread ---- */

static void push(struct live_events *l, struct live_event *event)
{
    if (l->ring.slots == NULL) { /* nobody watches any more */
        free(event);
        return;
    }
    counters_add(l->counters, C_LIVE_EVENTS + event->kind, 1);
    live_ring_push(&l->ring, event);
}

static void take(struct live_events *l, int wait_ms)
{
    void *items[BATCH];

    size_t n = inbox_take_many(l->inbox, items, BATCH, BATCH, wait_ms);
    if (n == 0)
        return;
    pthread_mutex_lock(&l->lock);
    for (size_t i = 0; i < n; i++)
        push(l, items[i]);
    pthread_mutex_unlock(&l->lock);
}

/* Whoever is told to look again must not hear of what was before that. */
static void tell_of_losses(struct live_events *l)
{
    uint64_t lost = atomic_load(&l->lost);

    if (lost == l->lost_known)
        return;
    for (size_t before = inbox_depth(l->inbox); before > 0;
         before -= before < BATCH ? before : BATCH)
        take(l, 0);
    pthread_mutex_lock(&l->lock);
    counters_add(l->counters, C_LIVE_EVENTS_LOST, lost - l->lost_known);
    live_ring_clear(&l->ring);
    pthread_mutex_unlock(&l->lock);
    l->lost_known = lost;
}

static void forget(struct live_events *l, int64_t now_ns)
{
    if (l->unwatched_ns == 0 || now_ns - l->unwatched_ns < KEPT_FOR_NS)
        return;
    atomic_store(&l->wanted, false);
    live_ring_close(&l->ring);
    l->unwatched_ns = 0;
}

static void count_calls(struct live_events *l)
{
    struct counters_set *set = l->api->config->counters;
    uint64_t calls = 0;
    char at[CLOCK_TEXT_SIZE];

    for (unsigned i = 0; i < LABELS_OF_CALL; i++)
        calls += counters_sum(set, C_CALLS_ACTIVE + i);
    snprintf(
        l->stats, sizeof l->stats,
        "event: stats\ndata: {\"at\":\"%s\",\"calls\":%llu,\"recording\":%llu,\"watchers\":%u}\n\n",
        clock_rfc3339_us(clock_wall_ns() / 1000, at), (unsigned long long)calls,
        (unsigned long long)counters_sum(set, C_RECORDINGS_ACTIVE), l->count);
    l->stats_number++;
}

/* ---- may they still? ---- */

/* The next one from `*at` on whose right may have ended. */
static bool next_asker(struct live_events *l, unsigned *at, struct identity *ret_who,
                       uint64_t *ret_serial)
{
    bool found = false;

    pthread_mutex_lock(&l->lock);
    for (; *at < l->max && !found; (*at)++) {
        const struct live_watcher *w = l->watchers[*at];
        if (w == NULL || w->who.kind == IDENTITY_LOCAL)
            continue;
        *ret_who = w->who;
        *ret_serial = w->serial;
        found = true;
    }
    pthread_mutex_unlock(&l->lock);
    return found;
}

static void judge(struct live_events *l, unsigned slot, uint64_t serial, enum auth_verdict v)
{
    pthread_mutex_lock(&l->lock);
    struct live_watcher *w = l->watchers[slot];
    if (w && w->serial == serial) {
        w->broken = v == AUTH_BROKEN ? w->broken + 1 : 0;
        if (w->broken >= BROKEN_MAX || (v != AUTH_OK && v != AUTH_BROKEN))
            live_watch_end(w);
    }
    pthread_mutex_unlock(&l->lock);
}

static void check_askers(struct live_events *l, struct store_reader **reader)
{
    struct auth_sources sources;
    struct identity who;
    uint64_t serial;

    for (unsigned at = 0; next_asker(l, &at, &who, &serial);) {
        if (*reader == NULL && store_reader_open(l->api->config->data_dir, reader) != 0)
            *reader = NULL;
        enum auth_verdict v = AUTH_BROKEN;
        if (*reader) {
            api_auth_sources_of(l->api, *reader, &sources);
            v = auth_still(&who, clock_wall_ns() / 1000, &sources);
        }
        judge(l, at - 1, serial, v);
    }
}

static void *teller_main(void *context)
{
    struct live_events *l = context;
    struct store_reader *reader = NULL;
    int64_t looked_ns = 0, stats_ns = 0;

    for (bool stopping = false; !stopping;) {
        take(l, live_events_wanted(l) ? ROUND_MS : IDLE_MS);
        tell_of_losses(l);
        int64_t now_ns = clock_mono_ns();
        if (now_ns - looked_ns >= LOOK_NS) {
            looked_ns = now_ns;
            check_askers(l, &reader);
        }
        pthread_mutex_lock(&l->lock);
        if (l->count && now_ns - stats_ns >= STATS_NS) {
            stats_ns = now_ns;
            count_calls(l);
        }
        live_watch_serve(l);
        forget(l, now_ns);
        stopping = l->stopping && inbox_is_closed_and_empty(l->inbox);
        if (stopping)
            live_watch_end_all(l);
        pthread_mutex_unlock(&l->lock);
    }
    store_reader_close(reader);
    return NULL;
}

int live_events_start(struct live_events *l, const struct api_context *api)
{
    l->api = api;
    l->counters = counters_block(api->config->counters);
    l->started = l->counters && pthread_create(&l->thread, NULL, teller_main, l) == 0;
    return l->started ? 0 : ERR_NOMEM;
}

static unsigned watchers_left(struct live_events *l)
{
    pthread_mutex_lock(&l->lock);
    unsigned count = l->count;
    pthread_mutex_unlock(&l->lock);
    return count;
}

/* Who reads hears of the last calls and of the end. */
static void wait_for_readers(struct live_events *l)
{
    const struct timespec pause = {.tv_nsec = 10 * MS};

    for (int64_t until_ns = clock_mono_ns() + PARTING_NS; watchers_left(l) && clock_mono_ns() < until_ns;)
        nanosleep(&pause, NULL);
}

void live_events_stop(struct live_events *l)
{
    if (l == NULL || !l->started)
        return;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    pthread_mutex_unlock(&l->lock);
    inbox_close(l->inbox);
    pthread_join(l->thread, NULL);
    wait_for_readers(l);
    pthread_mutex_lock(&l->lock);
    l->started = false;
    pthread_mutex_unlock(&l->lock);
}
