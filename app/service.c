/* Start and stop of everything, left to right and right to left. */
#include "app/service_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/recover.h"
#include "app/retention_terms.h"
#include "app/setup.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "storage/disk.h"
#include "storage/store_columns.h"

#define FILE_RECORDS_WAITING 512 /* where the front may wait, no more memory than that */

/* ---- starting ---- */

static int lock_data_dir(struct service *s, struct why *why)
{
    char path[600];
    const char *dir = s->settings->data_dir;
    int err = disk_check_writable(dir, why);
    if (err)
        return err;
    snprintf(path, sizeof path, "%s/lock", dir);
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0) {
        why_set(why, "cannot write to the data directory %s: %s; make it writable for this user or set [storage] data_dir",
                dir, strerror(errno));
        return err_of_errno(errno);
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        why_set(why, "another earshot uses the data directory %s; stop it or set another [storage] data_dir", dir);
        return ERR_BUSY;
    }
    return 0;
}

static int make_first_token(struct service *s, struct store *store)
{
    struct store_reader *reader = NULL;
    struct store_token token;
    unsigned count = 0;
    int err = store_reader_open(s->settings->data_dir, &reader);
    if (err == 0)
        err = store_token_count(reader, &count);
    store_reader_close(reader);
    if (err || count)
        return err;
    api_token_make("first start", "admin", clock_wall_ns() / 1000, s->first_token, &token);
    err = store_put_token(store, &token);
    return err ? err : store_commit(store);
}

static int start_storage(struct service *s, struct pipeline_config *pipeline, struct why *why)
{
    struct store *store = NULL;
    int err = store_open(s->settings->data_dir, s->counters, &store, why);
    if (err)
        return err;
    if (s->settings->list_memory && s->settings->api_enabled)
        s->columns = columns_new((size_t)s->settings->list_memory);
    store_shares(store, s->columns);
    err = setup_kpi(s->settings, &s->kpi, why);
    if (err == 0)
        err = store_kpi_open(store, &s->kpi);
    if (err == 0)
        err = store_secret(store, "id_secret", pipeline->front.id_secret);
    if (err == 0)
        err = make_first_token(s, store);
    struct writer_config writer = {
        .commit_interval_ms = (int)(s->settings->commit_interval / 1000000),
        .inbox_max = s->config.lossless ? FILE_RECORDS_WAITING : 0,
        .patient = s->config.lossless,
    };
    service_take_committed(s, &writer);
    if (err == 0)
        err = writer_start(&writer, store, counters_block(s->counters_set), &s->writer, why);
    if (err)
        store_close(store);
    return err;
}

static int start_recovery(struct service *s, const struct pipeline_config *pipeline, struct why *why)
{
    unsigned calls = 0;
    struct retention_limits terms;
    int err = terms_in_force(s->settings, s->settings->data_dir, &terms, why);
    int64_t age_us = err || s->config.lossless ? 0 : terms.age_us[RETAIN_CALLS];
    struct recover_config config = {
        .data_dir = s->settings->data_dir,
        .pipeline = pipeline,
        .spool = &s->spool,
        .writer = s->writer,
        .counters = s->counters,
        .gone_us = age_us ? clock_wall_ns() / 1000 - age_us : 0,
    };
    if (err == 0)
        err = recover_calls(&config, &calls, why);
    if (err == 0 && calls)
        log_warn("recover", "%u calls were cut by a crash; they end as restart", calls);
    return err;
}

static int start_retention(struct service *s, struct why *why)
{
    struct retention_config config = {
        .data_dir = s->settings->data_dir,
        .writer = s->writer,
        .counters = s->counters_set,
        .live = !s->config.lossless,
    };
    int err = terms_in_force(s->settings, s->settings->data_dir, &config.limits, why);
    if (err)
        return err;
    terms_begin(s->settings->data_dir, s->writer, &config.limits);
    return retention_start(&config, &s->retention, why);
}

static int start_webhook(struct service *s, struct why *why)
{
    struct webhook_config config;
    int err = webhook_configure(s->settings, &config, why);
    if (err == 0)
        err = webhook_start(&config, s->settings->data_dir, s->counters_set, &s->webhook, why);
    crypto_wipe(config.secret, sizeof config.secret);
    return err;
}

static int start_live_events(struct service *s, struct worker_config *worker)
{
    if (!s->settings->api_enabled)
        return 0;
    worker->live = s->live_events = live_events_new((unsigned)s->settings->watchers_max);
    return s->live_events ? 0 : ERR_NOMEM;
}

/* It knows nothing of who is told of live calls. */
static int start_importer(struct service *s, const struct pipeline_config *pipeline, struct why *why)
{
    const struct importer_config config = {
        .settings = s->settings,
        .pipeline = pipeline,
        .spool = &s->spool,
        .named = s->named,
        .writer = s->writer,
        .renderer = s->renderer,
        .counters = counters_block(s->counters_set),
    };
    if (!s->settings->api_enabled)
        return 0;
    return config.counters ? importer_start(&config, &s->importer, why) : ERR_NOMEM;
}

static int start_pipeline(struct service *s, struct pipeline_config *config, struct why *why)
{
    config->workers = (unsigned)s->settings->workers;
    config->lossless = s->config.lossless;
    config->worker.spool = &s->spool;
    config->worker.early_rows = !s->config.batch;
    int err = pipeline_new(config, &s->pipeline, why);
    if (err == 0)
        err = wire_start(s->wire, s->pipeline, why);
    atomic_store(&s->capturing, err == 0);
    return err;
}

/* Decoders write recordings and nothing else. */
static int configure_confine(struct service *s, struct confine_config *ret_config)
{
    char audio[4096];
    snprintf(audio, sizeof audio, "%s/audio", s->settings->data_dir);
    int err = confine_configure(s->settings, &s->config.decoder, s->settings->data_dir, audio, &s->confine);
    *ret_config = s->confine;
    return err;
}

static int start_places(struct service *s, struct why *why)
{
    const struct named_config named = {.data_dir = s->settings->data_dir, .settings = s->settings};
    int err = named_open(&named, &s->named, why);
    if (err == 0)
        err = wire_open_with(s->settings, named_all(s->named), &s->wire, why);
    if (err == 0)
        named_begin(s->named, s->wire, s->counters_set, s->gauges);
    return err;
}

static int start_counters(struct service *s)
{
    s->counters_set = counters_set_new();
    s->counters = s->counters_set ? counters_block(s->counters_set) : NULL;
    s->gauges = s->counters_set ? counters_block(s->counters_set) : NULL;
    if (s->gauges == NULL)
        return ERR_NOMEM;
    if (s->config.ifaces == NULL)
        counters_name_iface(s->counters_set, 0, s->config.source_name);
    for (unsigned i = 0; s->config.ifaces && i < s->config.iface_count; i++)
        counters_name_iface(s->counters_set, i, s->config.ifaces[i]);
    return 0;
}

static int start_all(struct service *s, struct why *why)
{
    struct pipeline_config pipeline;
    int err = start_counters(s);
    if (err)
        return err;
    setup_spool(s->settings, s->settings->data_dir, &s->spool);
    setup_pipeline(s->settings, NULL, &pipeline);
    pipeline.front.seed = hash_seed_random();
    pipeline.counters = s->counters_set;
    service_take_calls(s, &pipeline.worker);
    pipeline.worker.hold_keys = s->settings->api_enabled && s->settings->listeners_max > 0;
    struct renderer_config renderer = {
        .sound = setup_sound(s->settings, s->settings->data_dir),
        .threads = (unsigned)s->settings->render_threads,
        .counters = s->counters_set,
    };
    err = configure_confine(s, &renderer.confine);
    if (err == 0)
        err = lock_data_dir(s, why);
    if (err == 0)
        err = start_places(s, why);
    if (err)
        return err;
    wire_configure(s->wire, &pipeline.front);
    const struct policies_config rules = {.data_dir = s->settings->data_dir, .settings = s->settings};
    pipeline.worker.identity.stir = wire_stir(s->wire);
    wire_label_counters(s->wire, s->counters_set, s->gauges);
    counters_limit_series(s->counters_set, (uint64_t)s->settings->metrics_max_series);
    err = policies_open(&rules, &s->policies, why);
    pipeline.worker.book = s->policies ? policies_book(s->policies) : NULL;
    if (err == 0)
        err = start_storage(s, &pipeline, why);
    if (err == 0)
        policies_begin(s->policies, s->writer);
    if (err == 0)
        err = start_recovery(s, &pipeline, why);
    renderer.writer = s->writer;
    if (err == 0)
        err = start_retention(s, why);
    if (err == 0)
        err = start_webhook(s, why);
    if (err == 0)
        err = renderer_start(&renderer, &s->renderer, why);
    if (err == 0)
        err = start_importer(s, &pipeline, why);
    service_take_events(s, &pipeline.worker); /* recovery and imports tell nobody: their calls are over */
    if (err == 0)
        err = start_live_events(s, &pipeline.worker);
    if (err == 0)
        err = start_pipeline(s, &pipeline, why);
    if (err == 0)
        err = service_start_http(s, why);
    if (err == 0)
        err = upgrade_start(s->settings->data_dir, &s->upgrade, why);
    return err;
}

int service_start(const struct service_config *config, struct service **ret_service, struct why *why)
{
    struct service *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    s->config = *config;
    s->settings = config->settings;
    s->lock_fd = -1;
    pthread_mutex_init(&s->told_lock, NULL);
    pthread_mutex_init(&s->pipeline_lock, NULL);
    int err = start_all(s, why);
    if (err) {
        if (why->text[0] == '\0')
            why_set(why, "cannot start: %s", err_text(err));
        service_stop(s);
        return err;
    }
    *ret_service = s;
    return 0;
}

/* ---- stopping ---- */

/* Nobody looks into the pipeline from here on; what is open ends as `cut`. */
static void end_pipeline(struct service *s)
{
    pthread_mutex_lock(&s->pipeline_lock);
    struct pipeline *p = s->pipeline;
    s->pipeline = NULL;
    pthread_mutex_unlock(&s->pipeline_lock);
    pipeline_finish(p, CALL_END_CUT);
    if (s->writer)
        writer_flush(s->writer);
}

/* Whoever reads that it is finished finds all of it. */
void service_finish_input(struct service *s)
{
    end_pipeline(s);
    atomic_store(&s->finished, true);
    atomic_store(&s->capturing, false);
}

/* The writer may have something left to tell that the disk refused until now: it finds nobody, here and below. */
static void stop_renderer(struct service *s)
{
    pthread_mutex_lock(&s->told_lock);
    struct renderer *renderer = s->renderer;
    s->renderer = NULL;
    pthread_mutex_unlock(&s->told_lock);
    renderer_stop(renderer);
}

static void stop_told(struct service *s)
{
    pthread_mutex_lock(&s->told_lock);
    struct retention *retention = s->retention;
    struct webhook *webhook = s->webhook;
    s->retention = NULL;
    s->webhook = NULL;
    pthread_mutex_unlock(&s->told_lock);
    retention_stop(retention);
    webhook_stop(webhook);
}

void service_stop(struct service *s)
{
    if (s == NULL)
        return;
    atomic_store(&s->capturing, false);
    end_pipeline(s);
    importer_quit(s->importer);
    upgrade_stop(s->upgrade);
    conversions_stop(s->conversions); /* the API's threads wait for some of them */
    api_stop(s->api);
    exports_stop(s->exports);
    importer_free(s->importer);
    listening_free(s->listening);
    conversions_free(s->conversions);
    store_reader_close(s->gauge_reader);
    stop_renderer(s);
    confine_config_free(&s->confine);
    if (s->writer)
        writer_flush(s->writer); /* both are told of the last renders */
    stop_told(s);
    live_events_free(s->live_events);
    writer_stop(s->writer);
    columns_free(s->columns);
    wire_close(s->wire);
    policies_close(s->policies);
    named_close(s->named);
    counters_set_free(s->counters_set);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    pthread_mutex_destroy(&s->pipeline_lock);
    pthread_mutex_destroy(&s->told_lock);
    free(s);
}
