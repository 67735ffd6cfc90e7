/* Offline equals live: the same frames with their time stamps, once through the pipeline as `earshot read` runs it, once handed to the whole
 * service behind its source (front, rings, workers, spool, writer, database) and read back from the store, give byte-equal JSON. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/record_json.h"
#include "app/decoder/child.h"
#include "app/service.h"
#include "app/setup.h"
#include "base/crypto.h"
#include "storage/store.h"
#include "tests/support/build/traffic.h"

struct lines {
    char *line[512];
    size_t count;
};

static void add(struct lines *l, const struct call_record *r)
{
    struct buf text;
    struct json j;
    buf_init(&text, 1 << 24);
    json_init(&j, &text);
    record_json(&j, r, RECORD_JSON_FULL, false);
    if (l->count < 512)
        l->line[l->count++] = strdup(buf_text(&text));
    buf_fini(&text);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct traffic *make_traffic(void)
{
    struct traffic_config tc;
    struct traffic *t = NULL;
    struct why why = {0};
    traffic_defaults(&tc);
    tc.calls = 40;
    tc.concurrent = 15;
    tc.duration_s = 12;
    tc.loss_pct = 2;
    tc.burst = 3;
    tc.jitter_ms = 5;
    tc.reorder_pct = 1;
    tc.rtcp = true;
    tc.outcome = OUTCOME_MIX;
    tc.seed = 23;
    if (traffic_new(&tc, &t, &why) != 0) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    return t;
}

/* ---- live: the service ---- */

static void take_stored(void *context, const struct call_record *record)
{
    struct lines *uids = context;
    if (uids->count < 512)
        uids->line[uids->count++] = strdup(record->uid);
}

static void read_store(const char *dir, struct lines *ret)
{
    struct lines uids = {0};
    struct store_reader *reader = NULL;
    struct store_query q;
    bool more;
    if (store_reader_open(dir, &reader) != 0)
        exit(1);
    store_query_defaults(&q);
    q.from_us = 1;
    q.to_us = INT64_C(4102444800000000); /* 2100 */
    q.limit = 1000;
    if (store_calls(reader, &q, take_stored, &uids, &more) != 0)
        exit(1);
    for (size_t i = 0; i < uids.count; i++) {
        struct call_record *r = NULL;
        if (store_call(reader, uids.line[i], &r) != 0)
            exit(1);
        add(ret, r);
        record_free(r);
        free(uids.line[i]);
    }
    store_reader_close(reader);
}

static void run_live(const char *dir, uint8_t ret_secret[32], struct lines *ret)
{
    struct settings settings;
    struct service *s = NULL;
    struct why why = {0};
    settings_defaults(&settings);
    snprintf(settings.data_dir, sizeof settings.data_dir, "%s", dir);
    settings.api_enabled = false;
    settings.workers = 2;
    struct service_config config = {.settings = &settings, .decoder.here = &decoder_here, .source_name = "injected", .lossless = true};
    if (service_start(&config, &s, &why) != 0) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    struct traffic *t = make_traffic();
    for (struct frame f; traffic_next(t, &f);)
        service_frame(s, &f);
    traffic_free(t);
    service_stop(s);
    struct store *store = NULL;
    struct counters_set *set = counters_set_new();
    if (store_open(dir, counters_block(set), &store, &why) != 0 || store_secret(store, "id_secret", ret_secret) != 0)
        exit(1);
    store_close(store);
    counters_set_free(set);
    read_store(dir, ret);
}

/* ---- offline: as `earshot read` ---- */

static void take_record(void *context, struct call_record *record)
{
    if (strcmp(record->kind, "call") == 0)
        add(context, record);
    record_free(record);
}

static void run_offline(const uint8_t secret[32], struct lines *ret)
{
    struct settings settings;
    struct pipeline_config config;
    struct pipeline *p = NULL;
    struct why why = {0};
    struct counters_set *set = counters_set_new();
    settings_defaults(&settings);
    setup_pipeline(&settings, NULL, &config);
    memcpy(config.front.id_secret, secret, 32);
    config.front.seed = (struct hash_seed){3, 4};
    config.counters = set;
    config.worker.context = ret;
    config.worker.emit = take_record;
    if (pipeline_new(&config, &p, &why) != 0)
        exit(1);
    struct traffic *t = make_traffic();
    for (struct frame f; traffic_next(t, &f);)
        pipeline_frame(p, &f);
    traffic_free(t);
    pipeline_finish(p, CALL_END_CUT);
    counters_set_free(set);
}

int main(void)
{
    static struct lines live, offline;
    uint8_t secret[32];
    char dir[] = "/tmp/earshot-injection-XXXXXX", clean[64];
    if (crypto_start() != 0 || mkdtemp(dir) == NULL)
        return 1;
    run_live(dir, secret, &live);
    run_offline(secret, &offline);
    snprintf(clean, sizeof clean, "rm -rf %s", dir);
    if (system(clean) != 0)
        perror(clean);
    qsort(live.line, live.count, sizeof *live.line, by_text);
    qsort(offline.line, offline.count, sizeof *offline.line, by_text);
    bool equal = live.count == offline.count && live.count >= 40;
    for (size_t i = 0; equal && i < live.count; i++) {
        if (strcmp(live.line[i], offline.line[i]) != 0) {
            printf("differ:\nlive    %s\noffline %s\n", live.line[i], offline.line[i]);
            equal = false;
        }
    }
    printf("%zu records live, %zu offline: %s\n", live.count, offline.count, equal ? "byte-equal" : "NOT equal");
    for (size_t i = 0; i < live.count; i++)
        free(live.line[i]);
    for (size_t i = 0; i < offline.count; i++)
        free(offline.line[i]);
    return !equal;
}
