/* How the service itself does: what is wrong, how full its queues and tables are. */
#include "app/service_internal.h"

#include <stdio.h>

#include "app/limits.h"
#include "storage/disk.h"
#include "storage/store_columns.h"

#define DISK_LOW_BYTES ((uint64_t)64 << 20)

/* 64 MiB, of a small disk an eighth. */
static bool disk_has_room(const char *data_dir)
{
    uint64_t free_bytes, total_bytes;
    if (disk_free(data_dir, &free_bytes, &total_bytes) != 0)
        return false;
    return free_bytes >= (DISK_LOW_BYTES < total_bytes / 8 ? DISK_LOW_BYTES : total_bytes / 8);
}

void service_health(void *service, struct api_health *ret)
{
    struct service *s = service;
    uint64_t refused = counters_sum(s->counters_set, C_SPOOL_FAILING), slow = counters_sum(s->counters_set, C_SPOOL_SLOW);
    bool room = disk_has_room(s->settings->data_dir);
    *ret = (struct api_health){
        .capture_up = atomic_load(&s->capturing),
        .finished = atomic_load(&s->finished),
        .database_ok = writer_error(s->writer) == 0,
        .disk_ok = room && refused == 0 && slow == 0,
        .last_packet_us = atomic_load(&s->last_packet_ns) / 1000,
    };
    if (!ret->database_ok)
        snprintf(ret->detail, sizeof ret->detail, "the database does not take records: %s",
                 err_text(writer_error(s->writer)));
    else if (refused)
        snprintf(ret->detail, sizeof ret->detail, "the disk does not take media: %.120s/spool cannot be written",
                 s->settings->data_dir);
    else if (slow)
        snprintf(ret->detail, sizeof ret->detail, "the disk is slow: a write to %.120s/spool took more than a second",
                 s->settings->data_dir);
    else if (!room)
        snprintf(ret->detail, sizeof ret->detail, "hardly anything is free in %.120s", s->settings->data_dir);
    else if (!ret->capture_up && !ret->finished)
        snprintf(ret->detail, sizeof ret->detail, "capture on %.120s has stopped", s->config.source_name);
}

static void refresh_user_gauges(struct service *s)
{
    struct store_user_counts c;
    if (s->gauge_reader == NULL || store_user_counts(s->gauge_reader, &c) != 0)
        return;
    counters_set(s->gauges, C_REGISTRATIONS_ACTIVE, c.registered);
    counters_set(s->gauges, C_PEERS + 0, c.peers_up);
    counters_set(s->gauges, C_PEERS + 1, c.peers_down);
}

void service_gauges(void *service)
{
    struct service *s = service;
    uint64_t free_bytes = 0;
    size_t depth = 0, capacity = 0;
    pthread_mutex_lock(&s->pipeline_lock);
    if (s->pipeline)
        pipeline_depth(s->pipeline, &depth, &capacity);
    pthread_mutex_unlock(&s->pipeline_lock);
    counters_set_level(s->gauges, C_QUEUE_DEPTH + 0, COUNTERS_QUEUE_UP, depth);
    counters_set(s->gauges, C_QUEUE_CAPACITY + 0, capacity);
    counters_set_level(s->gauges, C_QUEUE_DEPTH + 1, COUNTERS_QUEUE_UP, writer_depth(s->writer));
    counters_set(s->gauges, C_QUEUE_CAPACITY + 1, 65536);
    counters_set_level(s->gauges, C_QUEUE_DEPTH + 2, COUNTERS_QUEUE_UP, renderer_depth(s->renderer));
    counters_set(s->gauges, C_QUEUE_CAPACITY + 2, 4096);
    counters_set_level(s->gauges, C_QUEUE_DEPTH + 3, COUNTERS_QUEUE_UP, s->webhook ? webhook_depth(s->webhook) : 0);
    counters_set(s->gauges, C_QUEUE_CAPACITY + 3, s->webhook ? (uint64_t)s->settings->webhook_queue : 0);
    counters_set_level(s->gauges, C_QUEUE_DEPTH + 4, COUNTERS_QUEUE_UP, exports_waiting(s->exports));
    counters_set(s->gauges, C_QUEUE_CAPACITY + 4, EXPORTS_WAITING);
    limits_refresh(s->settings, s->counters_set, s->gauges, conversions_busy(s->conversions),
                   s->columns ? columns_bytes(s->columns) : 0);
    if (disk_free(s->settings->data_dir, &free_bytes, NULL) == 0)
        counters_set(s->gauges, C_STORAGE_FREE, free_bytes);
    refresh_user_gauges(s);
}

void service_limits(void *service, struct json *j)
{
    struct service *s = service;
    limits_json(j, s->settings, s->counters_set);
}
