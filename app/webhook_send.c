/* The sender: whose turn it is, one after the other, and what becomes of it. */
#include "app/webhook_internal.h"

#include <stdio.h>

#include "base/crypto.h"

#define BODY_BYTES_MAX  (48u << 10)
#define SIGNATURE_BYTES 32u

bool webhook_give_up(void *context)
{
    struct webhook *w = context;
    int64_t stop_ns = atomic_load(&w->stop_ns);
    return stop_ns && clock_mono_ns() > stop_ns;
}

static void count(struct webhook *w, unsigned result, uint64_t n)
{
    counters_add(w->counters, C_WEBHOOKS + result, n);
}

/* The first trouble of a kind since something was delivered. */
static bool is_first(struct webhook *w, unsigned result)
{
    bool first = !(w->said >> result & 1);
    w->said |= 1u << result;
    return first;
}

void webhook_count_dropped(struct webhook *w)
{
    uint64_t n = atomic_exchange(&w->dropped, 0);
    if (n == 0)
        return;
    count(w, DROPPED, n);
    if (is_first(w, DROPPED))
        log_warn("webhook",
                 "more wait than [limits] webhooks allows: the oldest are dropped and counted");
}

static void await_news(struct webhook *w, int64_t due_ns)
{
    pthread_mutex_lock(&w->news_lock);
    int64_t left_ns = due_ns - clock_mono_ns();
    struct timespec until = webhook_in_ns(left_ns < 0                      ? 0
                                          : left_ns > WEBHOOK_PAUSE_MAX_NS ? WEBHOOK_PAUSE_MAX_NS
                                                                           : left_ns);
    int err = 0;
    while (w->news == NULL && !w->moved && !w->stopping && err == 0)
        err = pthread_cond_timedwait(&w->changed, &w->news_lock, &until);
    w->moved = false;
    pthread_mutex_unlock(&w->news_lock);
}

static bool is_stopping(struct webhook *w)
{
    pthread_mutex_lock(&w->news_lock);
    bool stopping = w->stopping;
    pthread_mutex_unlock(&w->news_lock);
    return stopping;
}

/* Waits; NULL once it was stopped and nothing can be sent now. */
static struct webhook_letter *next(struct webhook *w)
{
    while (!webhook_give_up(w)) {
        int64_t due_ns;
        bool stopping = is_stopping(w);
        pthread_mutex_lock(&w->lock);
        webhook_move_news(w);
        struct webhook_letter *v = webhook_queue_next(&w->queue, clock_mono_ns(), &due_ns);
        pthread_mutex_unlock(&w->lock);
        webhook_count_dropped(w);
        if (v || stopping)
            return v;
        await_news(w, due_ns);
    }
    return NULL;
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

/* An alert and a test are whole; of a call the tags follow, as they are now. */
static void make_body(struct webhook *w, const struct webhook_letter *v, struct buf *body)
{
    struct record_tags tags;
    struct slice said = slice_of(v->said, v->said_bytes);
    buf_init(body, BODY_BYTES_MAX);
    if (v->event == WEBHOOK_ALERT || v->event == WEBHOOK_TEST)
        buf_slice(body, said);
    else
        webhook_body(body, said, store_tags(w->reader, v->uid, v->started_us, &tags) == 0 ? &tags : NULL);
}

/* It is being sent: the queue does not touch it. */
static unsigned attempt(struct webhook *w, const struct webhook_letter *v, struct why *why)
{
    char event[64], signature[128];
    const char *headers[5] = {"Content-Type: application/json",
                              "User-Agent: earshot/" EARSHOT_VERSION, event};
    struct buf body;
    unsigned status = 0;
    snprintf(event, sizeof event, "X-Earshot-Event: %s", webhook_event_text(v->event));
    make_body(w, v, &body);
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
        log_warn("webhook", "%s: %s", what, why->text[0] ? why->text : "it is too old");
}

static bool is_old(const struct webhook *w, const struct webhook_letter *v, int64_t more_ns)
{
    int64_t age_us = clock_wall_ns() / 1000 - v->since_us;
    return age_us > (w->config.retry_ns - more_ns) / 1000;
}

static unsigned judge(struct webhook *w, const struct webhook_letter *v, unsigned status)
{
    if (status / 100 == 2)
        return DELIVERED;
    if (!worth_another_try(status))
        return REFUSED;
    return !webhook_give_up(w) && is_old(w, v, webhook_queue_pause(v)) ? EXPIRED : AGAIN;
}

/* For who asks how it goes; under the lock. */
static void note(struct webhook *w, unsigned result, unsigned status, const struct why *why)
{
    int64_t now_us = clock_wall_ns() / 1000;
    if (result == DELIVERED) {
        w->taken_us = now_us;
        return;
    }
    w->failed_us = now_us;
    w->failed_status = status;
    w->failed = *why;
    if (status)
        why_set(&w->failed, "it answers %u", status);
    else if (why->text[0] == '\0')
        why_set(&w->failed, "it is too old");
}

/* Takes it out of the queue or lets it rest there. */
static void settle(struct webhook *w, struct webhook_letter *v, unsigned result, unsigned status, const struct why *why)
{
    bool answered = result == DELIVERED || result == REFUSED;
    pthread_mutex_lock(&w->lock);
    note(w, result, status, why);
    bool kept = v->kept && result != AGAIN;
    if (answered)
        webhook_queue_answered(&w->queue);
    if (result == AGAIN)
        webhook_queue_failed(&w->queue, v, clock_mono_ns());
    else
        webhook_take_out(w, v);
    pthread_mutex_unlock(&w->lock);
    if (kept)
        webhook_wake(w, &w->to_keep, &w->work);
    if (result == AGAIN)
        counters_add(w->counters, C_WEBHOOK_RETRIES, 1);
    else
        count(w, result, 1);
}

static void deliver(struct webhook *w, struct webhook_letter *v)
{
    static const char *const WORDS[] = {[REFUSED] = "not taken; more like it are counted",
                                        [EXPIRED] = "given up; more like it are counted",
                                        [AGAIN] = "will be tried again"};
    struct why why = {0};
    unsigned status = 0, result = EXPIRED;
    if (w->queue.failures == 0 || !is_old(w, v, 0)) {
        status = attempt(w, v, &why);
        result = judge(w, v, status);
    }
    if (result == DELIVERED)
        w->said = 0;
    else if (is_first(w, result))
        say(WORDS[result], status, &why);
    settle(w, v, result, status, &why);
}

void *webhook_sender_main(void *context)
{
    struct webhook *w = context;
    for (struct webhook_letter *v; (v = next(w)) != NULL;)
        deliver(w, v);
    return NULL;
}
