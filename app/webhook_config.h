/* From [webhook] to where and when another program is told of calls. */
#pragma once

#include "app/settings.h"
#include "app/worker.h"

#define WEBHOOK_SECRET_MAX 1024

/* What can be told: first of all that of enum worker_call_event. The numbers stand in files (letters of webhook_queue.h). */
enum webhook_event {
    WEBHOOK_RECORDED = WORKER_CALL_RESUMED + 1, /* its recording is there */
    WEBHOOK_ALERT,                              /* a finding opened or became worse */
    WEBHOOK_TEST,                               /* somebody wants to see whether it arrives; in no setting */
    WEBHOOK_EVENTS
};

struct webhook_config {
    const char *url;     /* "": off. Borrowed from the settings, as are all texts */
    const char *ca_file;
    unsigned events;     /* bit per event */
    int timeout_ms;
    int64_t retry_ns;    /* how long one is tried */
    unsigned queue_max;
    uint8_t secret[WEBHOOK_SECRET_MAX];
    size_t secret_size;  /* 0: nothing is signed */
};

/* 0 or ERR_INVALID with a sentence that names the setting. Reads no file. */
int webhook_check(const struct settings *s, struct why *why);
/* The same and the secret from its file, which nobody but its owner and group may read. */
int webhook_configure(const struct settings *s, struct webhook_config *ret_config, struct why *why);
