/* The keeper: a moment after it came what still waits is written down, and what went is crossed
 * off. When nothing waits the file is emptied; when most of it is crossed off it is written anew.
 */
#include "app/webhook_internal.h"

#include <stdio.h>

#define KEEP_AFTER_MS  200
#define BATCH_FULL     (1u << 20)
#define FILE_SLACK     (4u << 20) /* crossed-off letters that may stand in the file */
#define FILE_BYTES_MAX (1u << 30)

static void clear_batch(struct webhook *w)
{
    buf_clear(&w->batch);
    w->in_batch = 0;
}

/* Letters that still wait join the batch, behind what is crossed off. */
static void gather(struct webhook *w)
{
    struct buf body;
    buf_init(&body, LETTER_BODY_MAX);
    buf_slice(&w->batch, buf_view(&w->crossed));
    buf_clear(&w->crossed);
    for (struct webhook_letter *v = webhook_queue_unkept(&w->queue);
         v && w->batch.size < BATCH_FULL; v = v->next) {
        buf_clear(&body);
        webhook_letter_pack(v, &body);
        if (body.failed)
            break;
        letters_add(&w->batch, w->number, buf_view(&body));
        webhook_queue_keep(&w->queue, v, w->number++);
        w->in_batch++;
    }
    buf_fini(&body);
}

/* All that is kept, as the only letters of a new file. What is crossed off stays in the batch,
 * should that fail. */
static bool gather_all(struct webhook *w, struct buf *all)
{
    struct buf body;
    buf_init(&body, LETTER_BODY_MAX);
    buf_slice(&w->batch, buf_view(&w->crossed));
    buf_clear(&w->crossed);
    for (struct webhook_letter *v = w->queue.first; v && v->kept; v = v->next) {
        buf_clear(&body);
        webhook_letter_pack(v, &body);
        all->failed |= body.failed;
        if (all->failed)
            break;
        letters_add(all, v->number, buf_view(&body));
    }
    buf_fini(&body);
    return !all->failed;
}

static int write_batch(struct webhook *w)
{
    bool lost = w->batch.failed; /* no memory: the next rewrite has them */
    int err = lost ? ERR_NOMEM : w->batch.size ? letters_write(w->letters, buf_view(&w->batch)) : 0;
    if (err == 0 || lost)
        clear_batch(w);
    return err;
}

static int rewrite(struct webhook *w)
{
    struct buf all;
    buf_init(&all, FILE_BYTES_MAX);
    pthread_mutex_lock(&w->lock);
    bool whole = gather_all(w, &all);
    pthread_mutex_unlock(&w->lock);
    int err = whole ? letters_replace(w->letters, buf_view(&all)) : write_batch(w);
    if (whole && err == 0)
        clear_batch(w);
    buf_fini(&all);
    return err;
}

/* Under the lock: what the next write is about. False when the file has nothing to hold. */
static bool prepare(struct webhook *w, bool *ret_more)
{
    webhook_move_news(w);
    if (w->batch.size == 0)
        gather(w);
    *ret_more = webhook_queue_unkept(&w->queue) || w->crossed.size;
    if (w->queue.kept)
        return true;
    clear_batch(w);
    buf_clear(&w->crossed);
    return false;
}

static int to_disk(struct webhook *w, bool some, uint64_t useful)
{
    uint64_t bytes = letters_bytes(w->letters);
    if (!some)
        return bytes > LETTERS_EMPTY ? letters_replace(w->letters, slice_none()) : 0;
    return bytes > FILE_SLACK + 4 * useful ? rewrite(w) : write_batch(w);
}

enum kept { KEPT_ALL, KEPT_SOME, KEPT_NOT };

static enum kept keep(struct webhook *w)
{
    bool more;
    pthread_mutex_lock(&w->lock);
    bool some = prepare(w, &more);
    uint64_t useful = w->queue.kept_bytes;
    pthread_mutex_unlock(&w->lock);
    webhook_wake(w, &w->changed, &w->moved);
    int err = to_disk(w, some, useful);
    if (err && !w->disk_fails)
        log_error("webhook", "what waits cannot be kept on the disk: %s; it is tried again",
                  err_text(err));
    w->disk_fails = err != 0;
    return err ? KEPT_NOT : more ? KEPT_SOME : KEPT_ALL;
}

/* False when the sender is done: then the last write is due. */
static bool await_work(struct webhook *w)
{
    pthread_mutex_lock(&w->news_lock);
    while (!w->work && !w->sender_done)
        pthread_cond_wait(&w->to_keep, &w->news_lock);
    struct timespec until = webhook_in_ns(KEEP_AFTER_MS * WEBHOOK_MS);
    for (int err = 0; !w->sender_done && err == 0;)
        err = pthread_cond_timedwait(&w->to_keep, &w->news_lock, &until);
    w->work = false;
    bool goes_on = !w->sender_done;
    pthread_mutex_unlock(&w->news_lock);
    return goes_on;
}

void *webhook_keeper_main(void *context)
{
    struct webhook *w = context;
    enum kept kept;
    while (await_work(w))
        if (keep(w) != KEPT_ALL)
            webhook_wake(w, &w->to_keep, &w->work);
    do
        kept = keep(w);
    while (kept == KEPT_SOME);
    return NULL;
}

/* ---- of before ---- */

/* Of before; the keeper does not run yet. */
static void take_up(void *context, uint64_t number, struct slice body)
{
    struct webhook *w = context;
    struct webhook_letter *v = webhook_letter_unpack(body);
    if (v == NULL) {
        letters_cross_off(&w->crossed, number);
        return;
    }
    if (v->event == WEBHOOK_TEST)
        atomic_store(&w->test_waits, true);
    webhook_put_in(w, v);
    webhook_queue_keep(&w->queue, v, number);
}

int webhook_open_letters(struct webhook *w, const char *data_dir, struct why *why)
{
    char path[600];
    snprintf(path, sizeof path, "%s/webhooks/queue", data_dir);
    int err = letters_open(path, take_up, w, &w->letters, why);
    if (err)
        return err;
    w->number = letters_next(w->letters);
    if (w->queue.count)
        log_info("webhook", "%u of before the start wait to be sent", w->queue.count);
    return 0;
}

uint64_t webhook_lost(const struct webhook *w)
{
    return w->queue.count - w->queue.kept + w->in_batch + w->news_count;
}
