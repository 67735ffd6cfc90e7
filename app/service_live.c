/* What the API asks of calls that go on. Its threads look into the pipeline while it is there and hold `pipeline_lock` for as long; between the
 * end of a file and the stop there is none. */
#include "app/service_internal.h"

#include "app/live_view.h"
#include "app/on_demand.h"
#include "base/clock.h"

#define LOOK_MS 400

static int snapshot(void *context, const struct live_want *want, unsigned max, struct live_call **ret_calls, unsigned *ret_count)
{
    struct service *s = context;
    int err = 0;
    *ret_calls = NULL;
    *ret_count = 0;
    pthread_mutex_lock(&s->pipeline_lock);
    if (s->pipeline)
        err = live_view_snapshot(s->pipeline, want, max, ret_calls, ret_count);
    pthread_mutex_unlock(&s->pipeline_lock);
    return err;
}

bool service_look(void *service, pipeline_look_fn *look, void *look_context)
{
    struct service *s = service;
    pthread_mutex_lock(&s->pipeline_lock);
    bool done = s->pipeline == NULL || pipeline_look(s->pipeline, look, look_context, LOOK_MS);
    pthread_mutex_unlock(&s->pipeline_lock);
    return done;
}

static int listen_to(void *context, const struct live_want *want, struct live_audio *ret_audio)
{
    struct service *s = context;
    return listening_open(s->listening, want, ret_audio);
}

static int pause_call(void *context, const struct live_want *want, const struct live_pause *ask, struct live_call *ret_call)
{
    struct service *s = context;
    pthread_mutex_lock(&s->pipeline_lock);
    struct live_pause now = *ask;
    now.not_before_us = s->config.lossless ? 0 : clock_wall_ns() / 1000;
    int err = s->pipeline ? live_view_pause(s->pipeline, want, &now, ret_call) : ERR_NOT_FOUND;
    pthread_mutex_unlock(&s->pipeline_lock);
    return err;
}

struct live_source service_live_source(struct service *s)
{
    return (struct live_source){.context = s, .snapshot = snapshot, .listen = listen_to, .pause = pause_call};
}

/* ---- recordings on demand ---- */

static enum api_request_answer request_live(void *context, const struct live_want *want)
{
    struct service *s = context;
    struct on_demand_live live = {.want = want, .answer = API_REQUEST_NO_CALL};
    pthread_mutex_lock(&s->pipeline_lock);
    if (s->pipeline)
        pipeline_look(s->pipeline, on_demand_look, &live, LOOK_MS);
    pthread_mutex_unlock(&s->pipeline_lock);
    return live.answer;
}

static enum api_request_answer request_stored(void *context, struct call_record *r)
{
    struct service *s = context;
    return on_demand_stored(s->writer, r, s->settings->on_demand_wait, clock_wall_ns() / 1000);
}

struct api_request_source service_request_source(struct service *s)
{
    return (struct api_request_source){.context = s, .live = request_live, .stored = request_stored};
}
