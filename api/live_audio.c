/* GET /live/calls/{uid}/audio: a call that goes on, as sound. The program makes the sound (struct
 * live_source); here is who may, and what is written down: that it began, and that it ended, how
 * long it was and what the listener missed. The begin is durable ahead of the first sample. A token
 * that is revoked or runs out while somebody listens ends that within LOOK_NS. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/limit.h"
#include "base/clock.h"

#define MS      INT64_C(1000000)
#define LOOK_NS (2000 * MS)

/* Looks at the store in a row that may fail before the token counts as taken away. */
#define BROKEN_MAX 3

struct listen {
    struct live_audio audio;
    struct api_context *api;
    char actor[sizeof((struct identity *)0)->name], address[ADDR_TEXT_SIZE], uid[40];
    int64_t begun_ns; /* mono */
    struct identity who;
    int64_t looked_ns; /* at the token; mono */
    unsigned broken;   /* looks that failed since */
    bool denied;
    int (*out)(void *out_context, const void *data, size_t size);
    void *out_context;
};

static enum auth_verdict ask_token(const struct listen *l)
{
    struct auth_sources sources;
    struct store_reader *reader;

    if (store_reader_open(l->api->config->data_dir, &reader) != 0)
        return AUTH_BROKEN;
    api_auth_sources_of(l->api, reader, &sources);
    enum auth_verdict v = auth_still(&l->who, clock_wall_ns() / 1000, &sources);
    store_reader_close(reader);
    return v;
}

/* False: who listens may not any more. */
static bool still_may(struct listen *l)
{
    int64_t now_ns = clock_mono_ns();

    if (l->who.kind == IDENTITY_LOCAL || now_ns - l->looked_ns < LOOK_NS)
        return true;
    l->looked_ns = now_ns;
    enum auth_verdict v = ask_token(l);
    l->broken = v == AUTH_BROKEN ? l->broken + 1 : 0;
    l->denied = l->broken >= BROKEN_MAX || (v != AUTH_OK && v != AUTH_BROKEN);
    return !l->denied;
}

static int out_if_allowed(void *context, const void *data, size_t size)
{
    struct listen *l = context;

    return still_may(l) ? l->out(l->out_context, data, size) : -1;
}

static int run(void *context, int (*out)(void *out_context, const void *data, size_t size),
               void *out_context)
{
    struct listen *l = context;

    l->out = out;
    l->out_context = out_context;
    return l->audio.producer.run(l->audio.producer.context, out_if_allowed, l);
}

static void end(void *context)
{
    struct listen *l = context;
    const struct api_config *config = l->api->config;
    struct live_audio_said said;
    char detail[160];

    l->audio.said(l->audio.producer.context, &said);
    l->audio.producer.free(l->audio.producer.context);
    snprintf(detail, sizeof detail, "%lld ms, %llu packets dropped, %llu times left behind%s",
             (long long)((clock_mono_ns() - l->begun_ns) / MS), (unsigned long long)said.dropped,
             (unsigned long long)said.skipped, l->denied ? "; who listens may not any more" : "");
    const struct store_audit entry = {.time_us = clock_wall_ns() / 1000,
                                      .actor = l->actor,
                                      .address = l->address,
                                      .action = "live.listen_end",
                                      .object = l->uid,
                                      .result = l->denied ? "denied" : "ok",
                                      .detail = detail};
    config->audit(config->context, &entry);
    free(l);
}

static void refuse(struct exchange *x, int err)
{
    if (err == ERR_FULL) {
        problem_too_many_listeners(x->rs, x->rq);
    } else if (err == ERR_UNSUPPORTED) {
        problem(x->rs, x->rq, 409, "encrypted", NULL, "The media of this call is encrypted, and we have no key that opens it.");
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

static struct listen *open_listen(struct exchange *x, enum live_format format)
{
    const struct live_source *live = &x->api->config->live;
    const struct live_want want = {.uid = x->rq->path_value[0],
                                   .may_see = may_see,
                                   .asker = &x->who.limit,
                                   .format = format};
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

    if (format && strcmp(format, "wav") != 0 && strcmp(format, "ogg") != 0) {
        problem(rs, x->rq, 400, "invalid_value", "format", "`format` is ogg or wav.");
        return;
    }
    enum live_format wanted = format && strcmp(format, "wav") == 0 ? LIVE_WAV : LIVE_OGG;
    const char *type = wanted == LIVE_WAV ? "audio/wav" : "audio/ogg";
    if (x->rq->head) { /* nobody listens */
        free(exchange_live_call(x));
        rs->content_type = rs->status == 200 ? type : rs->content_type;
        return;
    }
    struct listen *l = open_listen(x, wanted);
    if (l == NULL)
        return;
    if (!exchange_audit(x, "live.listen", x->rq->path_value[0], "ok", x->rq->access_reason)) {
        l->audio.producer.free(l->audio.producer.context);
        free(l);
        return;
    }
    l->api = x->api;
    l->begun_ns = l->looked_ns = clock_mono_ns();
    l->who = x->who;
    snprintf(l->actor, sizeof l->actor, "%s", x->who.name);
    snprintf(l->address, sizeof l->address, "%s", x->rq->peer_text);
    snprintf(l->uid, sizeof l->uid, "%s", x->rq->path_value[0]);
    rs->content_type = type;
    rs->stream = HTTP_STREAM_LIVE;
    rs->producer = (struct http_producer){.context = l, .run = run, .free = end, .live = true};
    http_header(rs, "X-Sample-Rate", "%d", l->audio.sample_rate_hz);
}
