/* Who else is told of calls: what the API asks of whoever tells them. */
#pragma once

#include <stdbool.h>

#include "base/json.h"

#define API_WEBHOOK_ID_SIZE 40

struct webhook; /* known to the program alone */

/* Called from any HTTP thread. */
struct api_webhook_source {
    struct webhook *context;
    void (*list)(struct webhook *context, struct json *j); /* an object each, without secrets; NULL: there are none, nor what follows */
    bool (*known)(const char *name);
    /* One signed event by the way of all others. ERR_EXISTS: one of before still waits. */
    int (*test)(struct webhook *context, const char *name, const char *actor, char ret_id[API_WEBHOOK_ID_SIZE]);
};
