/* GET /live/calls/{uid}/audio: a call that goes on, as sound. The program makes the sound (struct
 * live_source); here is who may, and what is written down: that it began, and that it ended, how
 * long it was and what the listener missed. The begin is durable ahead of the first sample. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/limit.h"
#include "base/clock.h"

#define MS INT64_C(1000000)

struct listen {
    struct live_audio audio;
    struct api_context *api;
    char actor[64], address[ADDR_TEXT_SIZE], uid[40];
    int64_t begun_ns; /* mono */
};

static int run(void *context, int (*out)(void *out_context, const void *data, size_t size),
               void *out_context)
{
    struct listen *l = context;

    return l->audio.producer.run(l->audio.producer.context, out, out_context);
}

static void end(void *context)
{
    struct listen *l = context;
    const struct api_config *config = l->api->config;
    struct live_audio_said said;
    char detail[120];

    l->audio.said(l->audio.producer.context, &said);
    l->audio.producer.free(l->audio.producer.context);
    snprintf(detail, sizeof detail, "%lld ms, %llu packets dropped, %llu times left behind",
             (long long)((clock_mono_ns() - l->begun_ns) / MS), (unsigned long long)said.dropped,
             (unsigned long long)said.skipped);
    const struct store_audit entry = {.time_us = clock_wall_ns() / 1000,
                                      .actor = l->actor,
                                      .address = l->address,
                                      .action = "live.listen_end",
                                      .object = l->uid,
                                      .result = "ok",
                                      .detail = detail};
    config->audit(config->context, &entry);
    free(l);
}

static void refuse(struct exchange *x, int err)
{
    if (err == ERR_FULL) {
        problem(x->rs, x->rq, 503, "too_many_listeners", NULL,
                "As many listen as may ([limits] listeners); try again later.");
        http_header(x->rs, "Retry-After", "10");
    } else if (err == ERR_UNSUPPORTED) {
        problem(x->rs, x->rq, 409, "encrypted", NULL, "The media of this call is encrypted.");
    } else if (err == ERR_NOT_FOUND) {
        exchange_store_problem(x, err, "live call");
    } else {
        problem(x->rs, x->rq, 503, "live_unavailable", NULL,
                "The live view does not answer; try again.");
    }
}

static bool may_see(const void *asker, const struct live_call *call)
{
    return limit_allows_live(asker, call);
}

static struct listen *open_listen(struct exchange *x)
{
    const struct live_source *live = &x->api->config->live;
    const struct live_want want = {
        .uid = x->rq->path_value[0], .may_see = may_see, .asker = &x->who.limit};
    struct listen *l = calloc(1, sizeof *l);

    int err = l == NULL              ? ERR_NOMEM
              : live->listen == NULL ? ERR_BUSY
                                     : live->listen(live->context, &want, &l->audio);
    if (err == 0)
        return l;
    free(l);
    refuse(x, err);
    return NULL;
}

void handle_live_audio(struct exchange *x)
{
    struct http_response *rs = x->rs;
    const char *format = http_query_value(&x->rq->query, "format");

    if (format && strcmp(format, "wav") != 0) {
        problem(rs, x->rq, 400, "invalid_value", "format", "`format` is wav.");
        return;
    }
    if (x->rq->head) { /* nobody listens */
        free(exchange_live_call(x));
        rs->content_type = rs->status == 200 ? "audio/wav" : rs->content_type;
        return;
    }
    struct listen *l = open_listen(x);
    if (l == NULL)
        return;
    if (!exchange_audit(x, "live.listen", x->rq->path_value[0], "ok", x->rq->access_reason)) {
        l->audio.producer.free(l->audio.producer.context);
        free(l);
        return;
    }
    l->api = x->api;
    l->begun_ns = clock_mono_ns();
    snprintf(l->actor, sizeof l->actor, "%s", x->who.name);
    snprintf(l->address, sizeof l->address, "%s", x->rq->peer_text);
    snprintf(l->uid, sizeof l->uid, "%s", x->rq->path_value[0]);
    rs->content_type = "audio/wav";
    rs->stream = HTTP_STREAM_LIVE;
    rs->producer = (struct http_producer){.context = l, .run = run, .free = end, .live = true};
    http_header(rs, "X-Sample-Rate", "%d", l->audio.sample_rate_hz);
}
