/* The way in, the queue that the threads share, and their start and stop. */
#include "app/webhook_internal.h"

#include <stdlib.h>

#include "base/crypto.h"

#define STOP_MS         2000
#define SAID_BYTES_MAX  (32u << 10)
#define BATCH_BYTES_MAX (8u << 20)

/* ---- in ---- */

/* Takes what is said. NULL: no memory, or it is longer than any body. */
static struct webhook_letter *letter_of(unsigned event, const char *uid, struct buf *said)
{
    struct webhook_letter *v = said->failed ? NULL : webhook_letter_new(slice_str(uid), buf_view(said));
    buf_fini(said);
    if (v == NULL)
        return NULL;
    v->event = (uint8_t)event;
    v->since_us = clock_wall_ns() / 1000;
    return v;
}

static struct webhook_letter *take_news(struct webhook *w)
{
    struct webhook_letter *v = w->news;
    if (v == NULL)
        return NULL;
    w->news = v->next;
    w->news_count--;
    if (w->news == NULL)
        w->news_end = &w->news;
    v->next = NULL;
    return v;
}

void webhook_forget(struct webhook *w, struct webhook_letter *v)
{
    if (v && v->event == WEBHOOK_TEST)
        atomic_store(&w->test_waits, false);
    free(v);
}

void webhook_news(struct webhook *w, struct webhook_letter *v)
{
    struct webhook_letter *out = v;
    if (v) {
        pthread_mutex_lock(&w->news_lock);
        out = w->news_count >= w->config.queue_max ? take_news(w) : NULL;
        *w->news_end = v;
        w->news_end = &v->next;
        w->news_count++;
        w->work = true;
        pthread_cond_signal(&w->changed);
        pthread_cond_signal(&w->to_keep);
        pthread_mutex_unlock(&w->news_lock);
    }
    if (v == NULL || out)
        atomic_fetch_add(&w->dropped, 1);
    webhook_forget(w, out);
}

unsigned webhook_events(const struct webhook *w)
{
    return w ? w->config.events : 0;
}

static bool is_wanted(const struct webhook *w, unsigned event)
{
    return webhook_events(w) >> event & 1;
}

static void put_said(struct webhook *w, unsigned event, const struct call_record *record, struct buf *said)
{
    struct webhook_letter *v = letter_of(event, record->uid, said);
    if (v)
        v->started_us = record->started_us;
    webhook_news(w, v);
}

/* The rules may have kept none of it after all, or it went. */
static bool is_kept(const struct call_record *r)
{
    return r->recording.state && r->recording.deleted_us == 0;
}

void webhook_put(struct webhook *w, unsigned event, const struct call_record *record)
{
    struct buf said;
    if (!is_wanted(w, event) || (event == WEBHOOK_RECORDED && !is_kept(record)))
        return;
    buf_init(&said, SAID_BYTES_MAX);
    webhook_say(&said, event, record);
    put_said(w, event, record, &said);
}

void webhook_put_tracks(struct webhook *w, const struct call_record *record)
{
    struct buf said;
    if (!is_wanted(w, WEBHOOK_RECORDED) || !is_kept(record) || record->tracks.count == 0)
        return;
    buf_init(&said, SAID_BYTES_MAX);
    webhook_say_tracks(&said, record);
    put_said(w, WEBHOOK_RECORDED, record, &said);
}

void webhook_alert(struct webhook *w, const struct finding_record *finding)
{
    struct buf said;
    if (!is_wanted(w, WEBHOOK_ALERT))
        return;
    buf_init(&said, SAID_BYTES_MAX);
    webhook_say_alert(&said, finding);
    webhook_news(w, letter_of(WEBHOOK_ALERT, finding->uid, &said));
}

size_t webhook_depth(struct webhook *w)
{
    pthread_mutex_lock(&w->lock);
    pthread_mutex_lock(&w->news_lock);
    size_t n = w->queue.count + w->news_count;
    pthread_mutex_unlock(&w->news_lock);
    pthread_mutex_unlock(&w->lock);
    return n;
}

/* ---- the queue, under its lock ---- */

void webhook_take_out(struct webhook *w, struct webhook_letter *v)
{
    if (v->kept)
        letters_cross_off(&w->crossed, v->number);
    webhook_queue_remove(&w->queue, v);
    webhook_forget(w, v);
}

void webhook_put_in(struct webhook *w, struct webhook_letter *v)
{
    for (struct webhook_letter *oldest; (oldest = webhook_queue_excess(&w->queue)) != NULL;) {
        webhook_take_out(w, oldest);
        atomic_fetch_add(&w->dropped, 1);
    }
    webhook_queue_put(&w->queue, v);
}

void webhook_move_news(struct webhook *w)
{
    pthread_mutex_lock(&w->news_lock);
    struct webhook_letter *v = w->news;
    w->news = NULL;
    w->news_end = &w->news;
    w->news_count = 0;
    pthread_mutex_unlock(&w->news_lock);
    for (struct webhook_letter *next; v; v = next) {
        next = v->next;
        webhook_put_in(w, v);
    }
}

/* ---- for the threads ---- */

void webhook_wake(struct webhook *w, pthread_cond_t *whom, bool *what)
{
    pthread_mutex_lock(&w->news_lock);
    *what = true;
    pthread_cond_signal(whom);
    pthread_mutex_unlock(&w->news_lock);
}

struct timespec webhook_in_ns(int64_t ns)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    int64_t nsec = t.tv_nsec + ns % (1000 * WEBHOOK_MS);
    t.tv_sec += (time_t)(ns / (1000 * WEBHOOK_MS) + nsec / (1000 * WEBHOOK_MS));
    t.tv_nsec = (long)(nsec % (1000 * WEBHOOK_MS));
    return t;
}

/* ---- start and stop ---- */

static int prepare(struct webhook *w, const char *data_dir, struct counters_set *counters,
                   struct why *why)
{
    const struct post_config post = {.url = w->config.url,
                                     .ca_file = w->config.ca_file,
                                     .timeout_ms = w->config.timeout_ms,
                                     .context = w,
                                     .give_up = webhook_give_up};
    w->counters = counters_block(counters);
    if (w->config.secret_size)
        w->mac = crypto_mac_new(CRYPTO_SHA256, slice_of(w->config.secret, w->config.secret_size));
    crypto_wipe(w->config.secret, sizeof w->config.secret);
    if (w->counters == NULL || (w->config.secret_size && w->mac == NULL) ||
        webhook_queue_init(&w->queue, w->config.queue_max) != 0)
        return ERR_NOMEM;
    int err = store_reader_open(data_dir, &w->reader);
    if (err == 0)
        err = post_open(&post, &w->post);
    return err ? err : webhook_open_letters(w, data_dir, why);
}

static void init(struct webhook *w)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->news_lock, NULL);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, &monotonic);
    pthread_cond_init(&w->to_keep, &monotonic);
    pthread_condattr_destroy(&monotonic);
    w->news_end = &w->news;
    buf_init(&w->crossed, BATCH_BYTES_MAX);
    buf_init(&w->batch, BATCH_BYTES_MAX);
}

int webhook_start(const struct webhook_config *config, const char *data_dir,
                  struct counters_set *counters, struct webhook **ret_webhook, struct why *why)
{
    *ret_webhook = NULL;
    if (config->url[0] == '\0' || config->events == 0)
        return 0;
    struct webhook *w = calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_NOMEM;
    w->config = *config;
    init(w);
    int err = prepare(w, data_dir, counters, why);
    if (err == 0) {
        w->keeps = pthread_create(&w->keeper, NULL, webhook_keeper_main, w) == 0;
        w->sends = w->keeps && pthread_create(&w->sender, NULL, webhook_sender_main, w) == 0;
        err = w->sends ? 0 : ERR_FULL;
    }
    if (err) {
        if (why->text[0] == '\0')
            why_set(why, "the webhook cannot be started: %s", err_text(err));
        webhook_stop(w);
        return err;
    }
    *ret_webhook = w;
    return 0;
}

static void stop_threads(struct webhook *w)
{
    webhook_wake(w, &w->changed, &w->stopping);
    if (w->sends)
        pthread_join(w->sender, NULL);
    webhook_wake(w, &w->to_keep, &w->sender_done);
    if (w->keeps)
        pthread_join(w->keeper, NULL);
}

void webhook_stop(struct webhook *w)
{
    if (w == NULL)
        return;
    atomic_store(&w->stop_ns, clock_mono_ns() + STOP_MS * WEBHOOK_MS);
    stop_threads(w);
    atomic_fetch_add(&w->dropped, webhook_lost(w));
    if (w->counters)
        webhook_count_dropped(w);
    letters_close(w->letters);
    post_close(w->post);
    store_reader_close(w->reader);
    crypto_mac_free(w->mac);
    for (struct webhook_letter *v; (v = take_news(w)) != NULL;)
        free(v);
    webhook_queue_fini(&w->queue);
    buf_fini(&w->crossed);
    buf_fini(&w->batch);
    pthread_cond_destroy(&w->changed);
    pthread_cond_destroy(&w->to_keep);
    pthread_mutex_destroy(&w->news_lock);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
