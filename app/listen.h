/* Live listening: joins a worker's tap, the decoders and the API (api/live.h). */
#pragma once

#include "api/live.h"
#include "app/confine/confine.h"
#include "app/pipeline.h"
#include "app/settings.h"

struct listening;

/* Who listens at once, and the way to the pipeline for as long as there is one. */
struct listening_config {
    unsigned max; /* 0: nobody may */
    struct counters *counters; /* of no other thread */
    const struct confine_config *confine; /* of the processes that decode */
    void *context;
    /* Runs pipeline_look() while the pipeline is there; false when it is not. */
    bool (*look)(void *context, pipeline_look_fn *look, void *look_context);
};

/* 0 or ERR_INVALID with a sentence. */
int listening_check(const struct settings *s, struct why *why);
struct listening *listening_new(const struct listening_config *config);
/* When nobody listens any more. NULL is fine. */
void listening_free(struct listening *l);
/* struct live_source.listen */
int listening_open(struct listening *l, const struct live_want *want, struct live_audio *ret_audio);
