/* The thread. What recordings take is known from a walk over their tree each
 * quarter of an hour, from what was rendered since and what went since; all else is looked at each
 * time. */
#include "app/retention_internal.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "app/retention_do.h"
#include "base/clock.h"
#include "base/log.h"

#define SECOND_NS    INT64_C(1000000000)
#define LOOK_NS      SECOND_NS
#define AGE_NS       (60 * SECOND_NS)
#define AGE_FACTOR   50 /* and not before so many times what the last one took */
#define WALK_NS      (900 * SECOND_NS)
#define WALK_SOON_NS (10 * SECOND_NS)
#define WALK_ENTRIES 512
#define PAUSE_NS     (5 * INT64_C(1000000))
#define IOPRIO_LOW                                                                                 \
    (2 << 13 | 7) /* best effort, the last of it: idle might starve on a busy disk                 \
                   */

static bool is_stopping(struct retention *r)
{
    pthread_mutex_lock(&r->lock);
    bool stopping = r->stopping;
    pthread_mutex_unlock(&r->lock);
    return stopping;
}

void retention_terms(struct retention *r, struct retention_limits *ret_limits)
{
    pthread_mutex_lock(&r->lock);
    *ret_limits = r->config.limits;
    pthread_mutex_unlock(&r->lock);
}

/* A stop waits for the thread, and other terms for what it does by those of before. */
static bool gives_way(void *context)
{
    struct retention *r = context;
    return atomic_load(&r->putting) > 0 || is_stopping(r);
}

static bool takes_other_terms(void *context)
{
    return atomic_load(&((struct retention *)context)->putting) > 0;
}

void retention_took(struct retention *r, uint64_t bytes)
{
    uint64_t now = atomic_load(&r->audio_bytes);
    while (!atomic_compare_exchange_weak(&r->audio_bytes, &now, now < bytes ? 0 : now - bytes))
        ;
}

static void pause_a_little(void)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    nanosleep(&pause, NULL);
}

/* ---- a pass ---- */

struct pass {
    const struct retention_config *config;
    struct retention *r; /* NULL: without a service */
    struct retention_hands hands;
    retention_item_fn *fn;
    void *context;
    struct retention_item items[RETENTION_BATCH];
    unsigned count;
    unsigned terms_put; /* when it began */
    unsigned deleted[RETAIN_CLASSES];
    uint64_t bytes;
};

/* Stopping, or its terms are not in force any more. */
static bool pass_is_over(const struct pass *p)
{
    if (p->r == NULL)
        return false;
    pthread_mutex_lock(&p->r->lock);
    bool over = p->r->stopping || p->r->terms_put != p->terms_put;
    pthread_mutex_unlock(&p->r->lock);
    return over;
}

static void forget_items(struct pass *p)
{
    for (unsigned i = 0; i < p->count; i++)
        retention_item_fini(&p->items[i]);
    p->count = 0;
}

static int delete_items(struct pass *p)
{
    uint64_t bytes = 0;
    if (p->count == 0)
        return 0;
    enum retention_class class = p->items[0].class;
    int err = retention_do(&p->hands, p->items, p->count, &bytes);
    for (unsigned i = 0; i < p->count && err == 0; i++)
        p->deleted[class] += !p->items[i].left;
    p->bytes += bytes;
    if (p->r && class == RETAIN_AUDIO)
        retention_took(p->r, bytes);
    p->count = 0;
    return err;
}

static int flush(struct pass *p)
{
    int err = 0;
    if (p->r)
        pthread_mutex_lock(&p->r->doing);
    if (pass_is_over(p))
        forget_items(p);
    else
        err = delete_items(p);
    if (p->r)
        pthread_mutex_unlock(&p->r->doing);
    return err;
}

static int take(struct pass *p, struct retention_item *item)
{
    int err = 0;
    if (p->fn)
        p->fn(p->context, item);
    if (p->hands.writer == NULL) {
        retention_item_fini(item);
        return 0;
    }
    if (p->count == RETENTION_BATCH || (p->count && (p->items[0].class != item->class ||
                                                     !p->items[0].segment != !item->segment))) {
        err = flush(p);
        pause_a_little();
    }
    p->items[p->count++] = *item;
    return err;
}

static int walk_plan(struct pass *p, struct retention_plan *plan)
{
    struct retention_item item;
    int got = 0, err = 0;
    while (err == 0 && !pass_is_over(p) &&
           (got = retention_plan_next(plan, &item)) > 0) {
        if (got == 1)
            err = take(p, &item);
        else if (p->r)
            pause_a_little();
    }
    int flush_err = flush(p);
    return err ? err : got < 0 ? got : flush_err;
}

static int run_pass(struct pass *p, const struct retention_ask *ask, struct retention_use *ret_use,
                    bool *ret_low)
{
    struct retention_plan *plan;
    int err = retention_plan_open(ask, &plan);
    if (err)
        return err;
    *ret_low = retention_plan_is_low(plan);
    err = walk_plan(p, plan);
    retention_plan_use(plan, ret_use);
    retention_plan_close(plan);
    return err;
}

static uint64_t walk_audio(const char *data_dir, struct retention *r)
{
    struct audio_walk *w = audio_walk_open(data_dir);
    uint64_t bytes = 0;
    while (w && !audio_walk_step(w, WALK_ENTRIES, &bytes) && !(r && is_stopping(r)))
        if (r)
            pause_a_little();
    audio_walk_close(w);
    return bytes;
}

int retention_pass(const struct retention_config *config, retention_item_fn *fn, void *context,
                   struct retention_use *ret_use)
{
    struct pass p = {
        .config = config,
        .hands = {.data_dir = config->data_dir, .writer = config->writer, .actor = "system"},
        .fn = fn,
        .context = context};
    const struct retention_ask ask = {.data_dir = config->data_dir,
                                      .limits = &config->limits,
                                      .now_us = config->live ? clock_wall_ns() / 1000 : 0,
                                      .audio_bytes = walk_audio(config->data_dir, NULL),
                                      .live = config->live};
    bool low;
    return run_pass(&p, &ask, ret_use, &low);
}

/* ---- the thread ---- */

static void tell(struct retention *r, const struct pass *p, const struct retention_use *use,
                 bool low, int err)
{
    for (unsigned c = 0; c < RETAIN_CLASSES; c++) {
        counters_set(r->counters, C_STORAGE_USED + c, use->bytes[c]);
        counters_set(r->counters, C_STORAGE_PROTECTED + c, use->protected_bytes[c]);
        if (p->deleted[c])
            log_info("retention", "%u of %s deleted", p->deleted[c],
                     retention_class_text((enum retention_class)c));
    }
    counters_set(r->counters, C_STORAGE_LOW, low);
    if (low && !r->low)
        log_warn("retention",
                 "less than [retention] min_free is left in %s: spool, recordings and messages go "
                 "before their time",
                 r->config.data_dir);
    if (!low && r->low)
        log_info("retention", "there is room again in %s", r->config.data_dir);
    if (err && !r->failing)
        log_error("retention", "what should go cannot be deleted: %s; it is tried again",
                  err_text(err));
    r->low = low;
    r->failing = err != 0;
}

static void pass_of_thread(struct retention *r, bool ages)
{
    struct pass p = {.config = &r->config,
                     .r = r,
                     .hands = {.data_dir = r->config.data_dir,
                               .writer = r->config.writer,
                               .counters = r->counters,
                               .actor = "system",
                               .is_over = gives_way,
                               .other_terms = takes_other_terms,
                               .context = r}};
    struct retention_limits limits;
    pthread_mutex_lock(&r->lock);
    limits = r->config.limits;
    p.terms_put = r->terms_put;
    pthread_mutex_unlock(&r->lock);
    const struct retention_ask ask = {.data_dir = r->config.data_dir,
                                      .limits = &limits,
                                      .now_us = ages && r->config.live ? clock_wall_ns() / 1000 : 0,
                                      .audio_bytes = atomic_load(&r->audio_bytes),
                                      .live = r->config.live};
    struct retention_use use;
    bool low = false;
    int err = run_pass(&p, &ask, &use, &low);
    if (err == 0 || p.bytes)
        tell(r, &p, &use, low, err);
}

/* True: ages are due too. */
static bool wait_for_turn(struct retention *r)
{
    int64_t until_ns = clock_mono_ns() + LOOK_NS;
    const struct timespec at = {.tv_sec = until_ns / SECOND_NS, .tv_nsec = until_ns % SECOND_NS};
    pthread_mutex_lock(&r->lock);
    while (!r->stopping && !r->woken && pthread_cond_timedwait(&r->changed, &r->lock, &at) == 0)
        ;
    r->woken = false;
    bool due = clock_mono_ns() >= r->age_ns;
    pthread_mutex_unlock(&r->lock);
    return due;
}

static void walk_when_due(struct retention *r)
{
    struct retention_limits limits;
    retention_terms(r, &limits);
    uint64_t limit = limits.bytes[RETAIN_AUDIO];
    bool over = limit && atomic_load(&r->audio_bytes) > limit - limit / 200; /* a sum deletes nothing: what there is does */
    if (clock_mono_ns() < r->walk_ns && !over)
        return;
    uint64_t before = atomic_load(&r->audio_bytes);
    uint64_t found = walk_audio(r->config.data_dir, r);
    /* What came and went meanwhile was seen, or not: soon once more. So it is with files that are told of only now, once their
     * record is committed: at the start many are on their way. */
    bool moved = atomic_exchange(&r->audio_bytes, found) != before || !atomic_load(&r->walked);
    atomic_store(&r->walked, true);
    r->walk_ns = clock_mono_ns() + (moved ? WALK_SOON_NS : WALK_NS);
}

static void ages_looked_at(struct retention *r, int64_t begin_ns)
{
    int64_t end_ns = clock_mono_ns(), wait_ns = AGE_FACTOR * (end_ns - begin_ns);
    pthread_mutex_lock(&r->lock);
    r->age_ns = end_ns + (wait_ns > AGE_NS ? wait_ns : AGE_NS);
    pthread_mutex_unlock(&r->lock);
}

static void lower_priority(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
    (void)syscall(SYS_ioprio_set, 1 /* this thread */, 0, IOPRIO_LOW);
}

static void *thread_main(void *context)
{
    struct retention *r = context;
    struct retention_hands hands = {.data_dir = r->config.data_dir,
                                    .writer = r->config.writer,
                                    .counters = r->counters,
                                    .actor = "system",
                                    .is_over = gives_way,
                                    .other_terms = takes_other_terms,
                                    .context = r};
    lower_priority();
    if (retention_resume(&hands) != 0)
        log_warn("retention", "deletions that a crash interrupted cannot be ended now");
    for (bool ages = true; !is_stopping(r); ages = wait_for_turn(r)) {
        int64_t begin_ns = clock_mono_ns();
        walk_when_due(r);
        pass_of_thread(r, ages);
        if (ages)
            ages_looked_at(r, begin_ns);
    }
    return NULL;
}

int retention_start(const struct retention_config *config, struct retention **ret_retention,
                    struct why *why)
{
    struct retention *r = calloc(1, sizeof *r);
    pthread_condattr_t monotonic;
    if (r == NULL)
        return ERR_NOMEM;
    r->config = *config;
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_init(&r->doing, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    r->counters = counters_block(config->counters);
    r->started = r->counters && pthread_create(&r->thread, NULL, thread_main, r) == 0;
    if (!r->started) {
        why_set(why, "cannot start the retention thread");
        retention_stop(r);
        return ERR_FULL;
    }
    *ret_retention = r;
    return 0;
}

void retention_stop(struct retention *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->stopping = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (r->started)
        pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->doing);
    free(r);
}

/* ---- from other threads ---- */

static void wake(struct retention *r, bool ages)
{
    pthread_mutex_lock(&r->lock);
    r->woken = true;
    r->age_ns = ages ? 0 : r->age_ns;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

void retention_wake(struct retention *r)
{
    wake(r, true);
}

void retention_rendered(struct retention *r, const struct call_record *record)
{
    uint32_t files;
    struct retention_limits limits;
    retention_terms(r, &limits);
    uint64_t bytes = retention_files_of(r->config.data_dir, record, &files);
    uint64_t now = atomic_fetch_add(&r->audio_bytes, bytes) + bytes, limit = limits.bytes[RETAIN_AUDIO];
    if (limit && now > limit - limit / 200 && atomic_load(&r->walked))
        wake(r, false);
}
