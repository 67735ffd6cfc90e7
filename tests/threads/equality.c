/* Threads change nothing: the same generated traffic through a pipeline without threads and with 1, 2 and 4 workers gives equal records.
 * A plain program, so that it runs under ThreadSanitizer too. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/record_json.h"
#include "app/pipeline.h"
#include "base/crypto.h"
#include "tests/support/build/traffic.h"

struct lines {
    pthread_mutex_t lock; /* guards the list: workers emit at the same time */
    char **line;
    size_t count, room;
};

static void keep(void *context, struct call_record *r)
{
    struct lines *l = context;
    struct buf text;
    struct json j;
    buf_init(&text, 1 << 24);
    json_init(&j, &text);
    record_json(&j, r, RECORD_JSON_FULL, false);
    pthread_mutex_lock(&l->lock);
    if (l->count == l->room) {
        l->room = l->room ? l->room * 2 : 64;
        l->line = realloc(l->line, l->room * sizeof *l->line);
    }
    l->line[l->count++] = strdup(buf_text(&text));
    pthread_mutex_unlock(&l->lock);
    buf_fini(&text);
    record_free(r);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static struct lines run(unsigned workers)
{
    struct lines l = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct why why = {0};
    struct pipeline *p = NULL;
    struct pipeline_config config = {.workers = workers, .lossless = true, .ring_bytes = 1 << 18};
    struct counters_set *set = counters_set_new();
    front_config_defaults(&config.front);
    config.front.probe = "test";
    config.front.seed = (struct hash_seed){1, 2};
    config.counters = set;
    config.worker.probe = "test";
    config.worker.context = &l;
    config.worker.emit = keep;
    if (pipeline_new(&config, &p, &why) != 0) {
        fprintf(stderr, "%s\n", why.text);
        exit(1);
    }
    struct traffic_config tc;
    traffic_defaults(&tc);
    tc.calls = 60;
    tc.concurrent = 20;
    tc.duration_s = 12;
    tc.loss_pct = 2;
    tc.burst = 3;
    tc.jitter_ms = 5;
    tc.reorder_pct = 1;
    tc.duplicate_pct = 1;
    tc.rtcp = true;
    tc.outcome = OUTCOME_MIX;
    tc.seed = 11;
    struct traffic *t = NULL;
    if (traffic_new(&tc, &t, &why) != 0)
        exit(1);
    for (struct frame f; traffic_next(t, &f);)
        pipeline_frame(p, &f);
    traffic_free(t);
    pipeline_finish(p, CALL_END_CUT);
    counters_set_free(set);
    qsort(l.line, l.count, sizeof *l.line, by_text);
    return l;
}

int main(void)
{
    if (crypto_start() != 0)
        return 1;
    struct lines single = run(0);
    int bad = 0;
    for (unsigned workers = 1; workers <= 4; workers *= 2) {
        struct lines other = run(workers);
        if (other.count != single.count) {
            printf("%u workers: %zu records instead of %zu\n", workers, other.count, single.count);
            bad = 1;
            continue;
        }
        for (size_t i = 0; i < single.count; i++) {
            if (strcmp(single.line[i], other.line[i]) != 0) {
                printf("%u workers differ:\n%s\n%s\n", workers, single.line[i], other.line[i]);
                bad = 1;
                break;
            }
            free(other.line[i]);
        }
        free(other.line);
    }
    printf("%zu records, %s\n", single.count, bad ? "not equal" : "equal with 0, 1, 2 and 4 workers");
    for (size_t i = 0; i < single.count; i++)
        free(single.line[i]);
    free(single.line);
    return bad || single.count < 60;
}
