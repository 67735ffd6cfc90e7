/* What the API asks of retention (api/retention.h), in its threads: what is stored and for how long, what would go by other terms, others in
 * their place, and the recording of one call deleted now. */
#include "app/retention_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/retention_do.h"
#include "app/retention_terms.h"
#include "base/clock.h"
#include "storage/disk.h"

#define TRY_NS (3 * INT64_C(1000000000)) /* who asks over HTTP waits */

static_assert((int)RETAIN_CLASSES == API_RETENTION_CLASSES, "the same classes");

uint64_t retention_room(struct retention *r)
{
    struct retention_limits terms;
    struct retention_use use = {0};
    retention_terms(r, &terms);
    if (disk_free(r->config.data_dir, &use.free_bytes, &use.total_bytes) != 0)
        return 0;
    uint64_t kept = retention_free_least(&terms, &use);
    return use.free_bytes > kept ? use.free_bytes - kept : 0;
}

static int delete_recording(struct retention *r, const char *uid, const char *actor, uint32_t *ret_files, uint64_t *ret_bytes)
{
    struct retention_hands hands = {
        .data_dir = r->config.data_dir, .writer = r->config.writer, .actor = actor};
    struct retention_item item = {.class = RETAIN_AUDIO, .reason = RETAIN_REQUEST};
    struct store_reader *reader;
    int err = store_reader_open(r->config.data_dir, &reader);
    if (err == 0)
        err = store_call(reader, uid, &item.record);
    store_reader_close(reader);
    if (err)
        return err;
    const struct record_recording *g = &item.record->recording;
    item.bytes = retention_files_of(r->config.data_dir, item.record, &item.files);
    item.since_us = item.record->started_us;
    snprintf(item.uid, sizeof item.uid, "%s", uid);
    snprintf(item.object, sizeof item.object, "%s", g->id[0] ? g->id : uid);
    *ret_files = item.files;
    err = retention_do(&hands, &item, 1, ret_bytes);
    if (err == 0)
        retention_took(r, *ret_bytes);
    return err;
}

/* What is stored now, and the terms it is kept for. */
static int look(struct retention *r, struct retention_limits *ret_limits, struct retention_use *ret_use)
{
    struct retention_plan *plan;
    retention_terms(r, ret_limits);
    const struct retention_ask ask = {.data_dir = r->config.data_dir,
                                      .limits = ret_limits,
                                      .audio_bytes = atomic_load(&r->audio_bytes),
                                      .live = r->config.live};
    int err = retention_plan_open(&ask, &plan);
    if (err)
        return err;
    retention_plan_use(plan, ret_use);
    retention_plan_close(plan);
    return 0;
}

static int show(struct retention *r, struct api_retention *ret)
{
    struct retention_limits limits;
    struct retention_use use;
    int err = look(r, &limits, &use);
    if (err)
        return err;
    for (unsigned c = 0; c < RETAIN_CLASSES; c++) {
        ret->classes[c].max_age_s = limits.age_us[c] / 1000000;
        ret->classes[c].max_bytes = limits.bytes[c];
        ret->classes[c].bytes = use.bytes[c];
        ret->classes[c].protected_bytes = use.protected_bytes[c];
    }
    ret->min_free_bytes = limits.min_free;
    ret->free_bytes = use.free_bytes;
    ret->low = retention_is_low(&limits, &use);
    ret->source = limits.from_api ? "api" : "configuration";
    terms_tag(&limits, NULL, ret->tag);
    return 0;
}

/* ---- other terms ---- */

/* Terms as a request puts them, and those that they were compared with. */
struct terms_of_request {
    struct retention_limits before, after;
};

static int read_terms(struct retention *r, struct slice body, struct api_terms *ret, struct why *why)
{
    struct terms_of_request *q = calloc(1, sizeof *q);
    if (q == NULL)
        return ERR_NOMEM;
    retention_terms(r, &q->before);
    int err = terms_parse(body, &q->before, &q->after, ret->field, why);
    if (err) {
        free(q);
        return err;
    }
    terms_tell_change(&q->before, &q->after, ret->change);
    ret->shorter = terms_are_shorter(&q->before, &q->after);
    terms_tag(&q->before, NULL, ret->tag_now);
    terms_tag(&q->before, &q->after, ret->tag_tried);
    ret->terms = q;
    return 0;
}

static void let_go(struct api_terms *terms)
{
    free(terms->terms);
}

static bool same_terms(const struct retention_limits *a, const struct retention_limits *b)
{
    return memcmp(a->age_us, b->age_us, sizeof a->age_us) == 0 && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0 &&
           a->min_free == b->min_free;
}

/* Once it returns 0 nothing goes by those from before. */
static int put_terms(struct retention *r, const struct api_terms *terms)
{
    const struct terms_of_request *q = terms->terms;
    struct retention_limits now;
    atomic_fetch_add(&r->putting, 1);
    pthread_mutex_lock(&r->doing); /* one put at a time, and no batch meanwhile */
    retention_terms(r, &now);
    int err = same_terms(&now, &q->before) ? terms_store(r->config.data_dir, &q->after) : ERR_BUSY;
    if (err == 0) {
        pthread_mutex_lock(&r->lock);
        r->config.limits = q->after;
        r->terms_put++;
        pthread_mutex_unlock(&r->lock);
    }
    pthread_mutex_unlock(&r->doing);
    atomic_fetch_sub(&r->putting, 1);
    if (err == 0)
        retention_wake(r);
    return err;
}

static void count_would(struct api_would_go *w, const struct retention_item *item)
{
    w->things++;
    w->files += item->files;
    w->bytes += item->bytes;
    w->oldest_us = w->oldest_us == 0 || item->since_us < w->oldest_us ? item->since_us : w->oldest_us;
    w->newest_us = item->since_us > w->newest_us ? item->since_us : w->newest_us;
}

/* Nothing goes; takes seconds at most. */
static int try_terms(struct retention *r, const struct api_terms *terms, struct api_would_go ret[API_RETENTION_CLASSES], bool *ret_complete)
{
    struct retention_plan *plan;
    struct retention_item item;
    const struct retention_ask ask = {.data_dir = r->config.data_dir,
                                      .limits = &terms->terms->after,
                                      .now_us = r->config.live ? clock_wall_ns() / 1000 : 0,
                                      .audio_bytes = atomic_load(&r->audio_bytes),
                                      .live = r->config.live};
    int64_t until_ns = clock_mono_ns() + TRY_NS;
    memset(ret, 0, API_RETENTION_CLASSES * sizeof *ret);
    int got = retention_plan_open(&ask, &plan);
    if (got)
        return got;
    while ((got = retention_plan_next(plan, &item)) > 0 && clock_mono_ns() < until_ns) {
        if (got != 1)
            continue;
        count_would(&ret[item.class], &item);
        retention_item_fini(&item);
    }
    if (got == 1)
        retention_item_fini(&item);
    *ret_complete = got == 0;
    retention_plan_close(plan);
    return got < 0 ? got : 0;
}

struct api_retention_source retention_source(struct retention *r)
{
    return (struct api_retention_source){
        .context = r,
        .show = show,
        .run = retention_wake,
        .read = read_terms,
        .dry_run = try_terms,
        .put = put_terms,
        .let_go = let_go,
        .delete_recording = delete_recording,
    };
}
