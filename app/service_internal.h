/* What the files of the service share. Private to service*.c:
 *
 *   service.c         start and stop of all of it
 *   service_run.c     while it runs: frames, drops, housekeeping
 *   service_taken.c   what workers and writer hand over
 *   service_http.c    the HTTP side: what it is given, and what it has written
 *   service_live.c    what it asks of calls that go on
 *   service_health.c  what it asks about the service itself */
#pragma once

#include "app/service.h"

#include <pthread.h>
#include <stdatomic.h>

#include "api/exports.h"
#include "api/server.h"
#include "app/conversions.h"
#include "app/importer.h"
#include "app/listen.h"
#include "app/named.h"
#include "app/policies.h"
#include "app/renderer.h"
#include "app/retention.h"
#include "app/upgrade.h"
#include "app/webhook.h"
#include "app/wire.h"
#include "app/writer.h"

struct service {
    const struct settings *settings;
    struct service_config config;
    int lock_fd;
    struct counters_set *counters_set;
    struct counters *counters;      /* of the thread that runs the service */
    struct counters *gauges;        /* of whoever asks for /metrics; set, never added */
    struct store_reader *gauge_reader; /* of the same */
    struct kpi_book_config kpi;
    struct writer *writer;
    struct renderer *renderer;
    struct confine_config confine; /* of the renderer and of listeners */
    struct retention *retention;
    /* Of renderer, retention and webhook, against the writer's thread: it tells them as long as they are there, and outlives them. Taken while
     * they are told, which waits for nothing. */
    pthread_mutex_t told_lock;
    pthread_mutex_t pipeline_lock; /* HTTP threads look into the pipeline only while it is there */
    struct pipeline *pipeline;
    struct wire *wire;
    struct listening *listening;
    struct conversions *conversions;
    struct importer *importer; /* NULL: without the API */
    struct policies *policies;
    struct named_places *named;
    struct webhook *webhook; /* NULL: nobody is told */
    struct columns *columns; /* of lists; NULL: none are kept */
    struct live_events *live_events; /* NULL: without the API */
    struct exports *exports;         /* the same */
    struct api_server *api;
    struct upgrade *upgrade;
    struct spool_config spool;
    struct source_stats source_stats; /* at the last look */
    int64_t looked_ns;                /* packet time of that look */
    _Atomic int64_t last_packet_ns;
    _Atomic bool capturing;
    _Atomic bool finished;
    char first_token[80];
};

/* ---- service_taken.c ---- */
/* What comes of calls, whoever reads them: the capture, a recovery, an import. */
void service_take_calls(struct service *s, struct worker_config *ret_worker);
/* And of what is captured now: others are told of it, and the writer learns how far the spool is. */
void service_take_events(struct service *s, struct worker_config *ret_worker);
/* What the writer makes known when it is committed. */
void service_take_committed(struct service *s, struct writer_config *ret_writer);

/* ---- service_http.c ---- */
/* Nothing without the API. */
int service_start_http(struct service *s, struct why *why);

/* ---- service_live.c ---- */
struct live_source service_live_source(struct service *s);
struct api_request_source service_request_source(struct service *s);
/* struct listening_config.look */
bool service_look(void *service, pipeline_look_fn *look, void *look_context);

/* ---- service_health.c: of struct api_config ---- */
void service_health(void *service, struct api_health *ret_health);
void service_gauges(void *service);
void service_limits(void *service, struct json *j);
