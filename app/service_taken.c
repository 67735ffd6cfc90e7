/* What workers and writer hand over, in their threads: it goes on to the writer, to the renderer, to whoever is told. */
#include "app/service_internal.h"

#include <math.h>
#include <stdio.h>

#include "app/finding_store.h"
#include "app/media_drop.h"
#include "app/user_store.h"
#include "base/clock.h"
#include "base/log.h"
#include "capture/call/user_event.h"

/* ---- of workers ---- */

static void take_record(void *context, struct call_record *record)
{
    struct service *s = context;
    writer_record(s->writer, record);
}

/* A database that takes nothing keeps no row of a resume, so there is none. */
static bool take_control(void *context, const struct worker_control *c)
{
    struct service *s = context;
    const struct store_audit entry = {.time_us = clock_wall_ns() / 1000,
                                      .actor = c->actor,
                                      .address = "",
                                      .action = c->resume ? "recording.resume" : "recording.pause",
                                      .object = c->uid,
                                      .result = c->accepted ? "ok" : "denied",
                                      .detail = c->detail};
    if (c->resume && c->accepted && writer_error(s->writer))
        return false;
    return writer_audit_later(s->writer, &entry);
}

static void take_user(void *context, enum user_kind kind, void *record)
{
    struct service *s = context;
    writer_user(s->writer, kind, record, s->config.lossless);
}

static void take_registration(struct service *s, const struct user_register_done *d)
{
    struct writer_registration r = {.at_us = d->at_ns / 1000,
                                    .rrd_ms = d->rrd_ns < 0 ? NAN : (double)d->rrd_ns / 1e6,
                                    .code = d->code,
                                    .success = d->success};
    if (d->trunk)
        snprintf(r.trunk, sizeof r.trunk, "%s", d->trunk);
    writer_registration(s->writer, &r, s->config.lossless);
}

static void tell_finding(struct service *s, const struct finding *finding, const char *line)
{
    struct finding_record record;
    log_warn("finding", "%s", line);
    if (webhook_events(s->webhook) == 0)
        return;
    finding_record_fill(&record, finding);
    webhook_alert(s->webhook, &record);
}

static void take_user_event(void *context, const struct event *event)
{
    char line[FINDING_LINE_SIZE];
    if (event->kind == EVENT_REGISTER_DONE) {
        take_registration(context, (const void *)event->body.data);
        return;
    }
    if (event->kind == EVENT_FINDING && finding_line((const void *)event->body.data, line))
        tell_finding(context, (const void *)event->body.data, line);
    user_store_event(event, take_user, context);
}

void service_take_calls(struct service *s, struct worker_config *ret_worker)
{
    ret_worker->context = s;
    ret_worker->emit = take_record;
    ret_worker->user_event = take_user_event;
    ret_worker->control = take_control;
}

static void take_spool_mark(void *context, uint32_t segment)
{
    struct service *s = context;
    writer_spool_mark(s->writer, segment);
}

static void take_call_event(void *context, enum worker_call_event event, struct call_record *record)
{
    struct service *s = context;
    webhook_put(s->webhook, event, record);
    record_free(record);
}

void service_take_events(struct service *s, struct worker_config *ret_worker)
{
    ret_worker->spool_mark = take_spool_mark;
    ret_worker->call_events = webhook_events(s->webhook);
    ret_worker->call_event = ret_worker->call_events ? take_call_event : NULL;
}

/* ---- of the writer ---- */

static void take_render(void *context, struct call_record *record)
{
    struct service *s = context;
    pthread_mutex_lock(&s->told_lock);
    if (s->renderer)
        renderer_put(s->renderer, record);
    else
        record_free(record); /* its job stands in the store: the renderer takes it at its start */
    pthread_mutex_unlock(&s->told_lock);
}

static void take_rendered(void *context, const struct call_record *record, bool tracks)
{
    struct service *s = context;
    bool told = !record_is_imported(record);
    pthread_mutex_lock(&s->told_lock);
    if (s->retention) /* else it is found by the first walk */
        retention_rendered(s->retention, record);
    if (told && tracks)
        webhook_put_tracks(s->webhook, record);
    else if (told)
        webhook_put(s->webhook, WEBHOOK_RECORDED, record);
    pthread_mutex_unlock(&s->told_lock);
}

static void take_unwanted(void *context, const struct call_record *record)
{
    struct service *s = context;
    media_remove(record, s->settings->data_dir);
}

void service_take_committed(struct service *s, struct writer_config *ret_writer)
{
    ret_writer->context = s;
    ret_writer->render = take_render;
    ret_writer->rendered = take_rendered;
    ret_writer->unwanted = take_unwanted;
}
