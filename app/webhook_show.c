/* How a webhook stands, for who asks; and one event to see whether any arrives. */
#include "app/webhook_internal.h"

#include <stdio.h>

#include "base/crypto.h"

#define SAID_BYTES_MAX 1024
#define WEBHOOK_NAME "webhook" /* there is one, and it is called as its section */

/* https://host:port and no more: paths and what stands behind ? are what others make secret addresses of. */
static struct slice origin_of(const char *url)
{
    const char *host = strstr(url, "://");
    return host ? slice_of(url, (size_t)(host - url) + 3 + strcspn(host + 3, "/?#")) : slice_none();
}

static void events_json(struct json *j, unsigned events)
{
    json_key(j, "events");
    json_array(j);
    for (unsigned i = 0; i < WEBHOOK_EVENTS; i++)
        if (events >> i & 1)
            json_str(j, webhook_event_text(i));
    json_end(j);
}

static void results_json(struct json *j, struct webhook *w)
{
    static const char *const NAMES[] = {[DELIVERED] = "delivered", [REFUSED] = "refused", [EXPIRED] = "expired", [DROPPED] = "dropped"};
    for (unsigned i = DELIVERED; i <= DROPPED; i++) {
        uint64_t n = atomic_load(&w->counters->cell[C_WEBHOOKS + i]) + (i == DROPPED ? atomic_load(&w->dropped) : 0);
        json_kv_int(j, NAMES[i], (int64_t)n);
    }
    json_kv_int(j, "retries", (int64_t)atomic_load(&w->counters->cell[C_WEBHOOK_RETRIES]));
}

static void failure_json(struct json *j, struct webhook *w)
{
    json_key(j, "last_failure");
    if (w->failed_us == 0) {
        json_null(j);
        return;
    }
    json_object(j);
    json_kv_time(j, "at", w->failed_us);
    if (w->failed_status)
        json_kv_int(j, "status", w->failed_status);
    else
        json_kv_null(j, "status");
    json_kv_str(j, "detail", w->failed.text);
    json_end(j);
}

static void list(struct webhook *w, struct json *j)
{
    size_t waiting = webhook_depth(w);
    json_object(j);
    json_kv_str(j, "name", WEBHOOK_NAME);
    json_kv_text(j, "origin", origin_of(w->config.url));
    events_json(j, w->config.events);
    json_kv_bool(j, "signed", w->mac != NULL);
    json_kv_int(j, "retry_for_s", w->config.retry_ns / (1000 * WEBHOOK_MS));
    json_kv_int(j, "limit", w->config.queue_max);
    json_kv_int(j, "waiting", (int64_t)waiting);
    pthread_mutex_lock(&w->lock);
    json_kv_int(j, "waiting_on_disk", w->queue.kept);
    json_kv_bool(j, "failing", w->queue.failures > 0);
    json_kv_time(j, "last_success_at", w->taken_us);
    failure_json(j, w);
    pthread_mutex_unlock(&w->lock);
    results_json(j, w);
    json_end(j);
}

static bool known(const char *name)
{
    return strcmp(name, WEBHOOK_NAME) == 0;
}

static int test(struct webhook *w, const char *name, const char *actor, char ret_id[API_WEBHOOK_ID_SIZE])
{
    (void)name;
    uint8_t random[12];
    char hex[2 * sizeof random + 1];
    struct buf said;
    if (atomic_exchange(&w->test_waits, true))
        return ERR_EXISTS;
    crypto_random(random, sizeof random);
    snprintf(ret_id, API_WEBHOOK_ID_SIZE, "test/%s", crypto_hex(slice_of(random, sizeof random), hex));
    int64_t now_us = clock_wall_ns() / 1000;
    buf_init(&said, SAID_BYTES_MAX);
    webhook_say_test(&said, ret_id, actor, now_us);
    struct webhook_letter *v = said.failed ? NULL : webhook_letter_new(slice_str(ret_id), buf_view(&said));
    buf_fini(&said);
    if (v == NULL) {
        atomic_store(&w->test_waits, false);
        return ERR_NOMEM;
    }
    v->event = WEBHOOK_TEST;
    v->since_us = now_us;
    webhook_news(w, v);
    return 0;
}

struct api_webhook_source webhook_source(struct webhook *w)
{
    if (w == NULL)
        return (struct api_webhook_source){0};
    return (struct api_webhook_source){.context = w, .list = list, .known = known, .test = test};
}
