/*  worker threads: webhook_put() -> [ queue, bounded ] -> sender thread: body, signature, POST
 *                                        ^ oldest out            | 2xx: done   4xx, 3xx: refused
 *                                                                | else: again after a pause, until
 * it is old
 *
 * The one being sent is no longer in the queue, so nobody pulls it away under the sender. */
#include "app/webhook.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/crypto_cipher.h"
#include "base/log.h"
#include "storage/post.h"

#define MS              INT64_C(1000000)
#define PAUSE_FIRST_MS  250
#define PAUSE_MAX_MS    30000
#define STOP_MS         2000
#define BODY_BYTES_MAX  (32u << 10)
#define SIGNATURE_BYTES 32u

enum { DELIVERED, REFUSED, EXPIRED, DROPPED }; /* LABELS_WEBHOOK */

struct news {
    enum worker_call_event event;
    struct call_record *record;
    int64_t since_ns;
};

struct webhook {
    struct webhook_config config;
    struct counters *counters; /* of the sender */
    struct store_reader *reader;
    struct crypto_mac *mac; /* NULL: nothing is signed */
    struct post *post;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock; /* guards the queue; nothing is called while it is held */
    pthread_cond_t changed;
    struct news *queue; /* a ring of queue_max */
    unsigned head, count;
    bool stopping;
    _Atomic uint64_t dropped; /* not yet in the counters */
    _Atomic int64_t stop_ns;  /* mono; 0: nobody stops us */
};

/* ---- the queue ---- */

static struct news take_oldest(struct webhook *w)
{
    struct news n = w->queue[w->head];
    w->head = (w->head + 1) % w->config.queue_max;
    w->count--;
    return n;
}

void webhook_put(struct webhook *w, enum worker_call_event event, struct call_record *record)
{
    struct news out = {0}, in = {.event = event, .record = record, .since_ns = clock_mono_ns()};
    pthread_mutex_lock(&w->lock);
    if (w->count == w->config.queue_max)
        out = take_oldest(w);
    w->queue[(w->head + w->count) % w->config.queue_max] = in;
    w->count++;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (out.record)
        atomic_fetch_add(&w->dropped, 1);
    record_free(out.record);
}

size_t webhook_depth(struct webhook *w)
{
    pthread_mutex_lock(&w->lock);
    size_t n = w->count;
    pthread_mutex_unlock(&w->lock);
    return n;
}

/* Waits; false once it was stopped and nothing is left. */
static bool next(struct webhook *w, struct news *ret_news)
{
    pthread_mutex_lock(&w->lock);
    while (w->count == 0 && !w->stopping)
        pthread_cond_wait(&w->changed, &w->lock);
    bool there = w->count > 0;
    if (there)
        *ret_news = take_oldest(w);
    pthread_mutex_unlock(&w->lock);
    return there;
}

/* False when it was stopped meanwhile. */
static bool pause_for(struct webhook *w, int ms)
{
    struct timespec until;
    int err = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&w->lock);
    while (!w->stopping && err == 0)
        err = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    bool goes_on = !w->stopping;
    pthread_mutex_unlock(&w->lock);
    return goes_on;
}

static bool give_up(void *context)
{
    struct webhook *w = context;
    int64_t stop_ns = atomic_load(&w->stop_ns);
    return stop_ns && clock_mono_ns() > stop_ns;
}

/* ---- sending ---- */

static void count(struct webhook *w, unsigned result, uint64_t n)
{
    counters_add(w->counters, C_WEBHOOKS + result, n);
}

/* "X-Earshot-Signature: sha256=<hex of HMAC-SHA256 over the body>" */
static bool sign(struct webhook *w, struct slice body, char out[128])
{
    uint8_t mac[CRYPTO_HASH_SIZE_MAX];
    char hex[2 * SIGNATURE_BYTES + 1];
    if (w->mac == NULL || !crypto_mac_over(w->mac, &body, 1, mac))
        return false;
    snprintf(out, 128, "X-Earshot-Signature: sha256=%s",
             crypto_hex(slice_of(mac, SIGNATURE_BYTES), hex));
    return true;
}

static unsigned attempt(struct webhook *w, const struct news *n, struct why *why)
{
    char event[64], signature[128];
    const char *headers[5] = {"Content-Type: application/json",
                              "User-Agent: earshot/" EARSHOT_VERSION, event};
    struct record_tags tags;
    struct buf body;
    unsigned status = 0;
    bool known = store_tags(w->reader, n->record->uid, n->record->started_us, &tags) == 0;
    snprintf(event, sizeof event, "X-Earshot-Event: %s", webhook_event_text(n->event));
    buf_init(&body, BODY_BYTES_MAX);
    webhook_json(&body, n->event, n->record, known ? &tags : NULL);
    if (body.failed || (w->mac && !sign(w, buf_view(&body), signature))) {
        why_set(why, "no memory");
    } else {
        headers[3] = w->mac ? signature : NULL;
        status = post_send(w->post, buf_view(&body), headers, why);
    }
    buf_fini(&body);
    return status;
}

static bool worth_another_try(unsigned status)
{
    return status == 0 || status >= 500 || status == 408 || status == 425 || status == 429;
}

static void say(const char *what, unsigned status, const struct why *why)
{
    if (status)
        log_warn("webhook", "%s: it answers %u", what, status);
    else
        log_warn("webhook", "%s: %s", what, why->text);
}

/* What became of it: DELIVERED, REFUSED, EXPIRED or, when we are stopped, DROPPED. */
static unsigned deliver(struct webhook *w, const struct news *n)
{
    for (int pause_ms = PAUSE_FIRST_MS;;
         pause_ms = pause_ms < PAUSE_MAX_MS / 2 ? 2 * pause_ms : PAUSE_MAX_MS) {
        struct why why = {0};
        if (give_up(w))
            return DROPPED;
        unsigned status = attempt(w, n, &why);
        if (status / 100 == 2)
            return DELIVERED;
        if (!worth_another_try(status)) {
            say("not taken", status, &why);
            return REFUSED;
        }
        if (clock_mono_ns() - n->since_ns + pause_ms * MS > w->config.retry_ns) {
            say("given up", status, &why);
            return EXPIRED;
        }
        if (pause_ms == PAUSE_FIRST_MS)
            say("will be tried again", status, &why);
        counters_add(w->counters, C_WEBHOOK_RETRIES, 1);
        if (!pause_for(w, pause_ms))
            return DROPPED;
    }
}

static void *sender_main(void *context)
{
    struct webhook *w = context;
    struct news n;
    while (next(w, &n)) {
        count(w, deliver(w, &n), 1);
        count(w, DROPPED, atomic_exchange(&w->dropped, 0));
        record_free(n.record);
    }
    return NULL;
}

/* ---- start and stop ---- */

static int prepare(struct webhook *w, const char *data_dir, struct counters_set *counters)
{
    const struct post_config post = {.url = w->config.url,
                                     .ca_file = w->config.ca_file,
                                     .timeout_ms = w->config.timeout_ms,
                                     .context = w,
                                     .give_up = give_up};
    w->counters = counters_block(counters);
    w->queue = calloc(w->config.queue_max, sizeof *w->queue);
    if (w->config.secret_size)
        w->mac = crypto_mac_new(CRYPTO_SHA256, slice_of(w->config.secret, w->config.secret_size));
    crypto_wipe(w->config.secret, sizeof w->config.secret);
    if (w->counters == NULL || w->queue == NULL || (w->config.secret_size && w->mac == NULL))
        return ERR_NOMEM;
    int err = store_reader_open(data_dir, &w->reader);
    return err ? err : post_open(&post, &w->post);
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
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    int err = prepare(w, data_dir, counters);
    if (err == 0) {
        w->started = pthread_create(&w->thread, NULL, sender_main, w) == 0;
        err = w->started ? 0 : ERR_FULL;
    }
    if (err) {
        why_set(why, "the thread of the webhook cannot be started: %s", err_text(err));
        webhook_stop(w);
        return err;
    }
    *ret_webhook = w;
    return 0;
}

void webhook_stop(struct webhook *w)
{
    if (w == NULL)
        return;
    atomic_store(&w->stop_ns, clock_mono_ns() + STOP_MS * MS);
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (w->started)
        pthread_join(w->thread, NULL);
    post_close(w->post);
    store_reader_close(w->reader);
    crypto_mac_free(w->mac);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w->queue);
    free(w);
}
