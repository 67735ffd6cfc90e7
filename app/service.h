/* The service: store, writer, renderer, pipeline and HTTP around one source. Made and ended by `earshot run`; tests drive it
 * with frames of their own. */
#pragma once

#include "app/confine/process.h"
#include "app/settings.h"
#include "capture/source/source.h"

struct service;

struct service_config {
    const struct settings *settings; /* must outlive the service */
    struct process_program decoder;  /* what decodes where no setting names another one; borrowed */
    const char *source_name;         /* for health: "eth1, eth2", "calls.pcap" */
    const char (*ifaces)[16];        /* names for the metrics, by frame.iface; NULL: source_name alone */
    unsigned iface_count;
    bool lossless;                   /* a file feeds it */
    bool batch;                      /* it ends with its input: rows of calls that go on are not worth writing */
};

/* Opens everything in order (data directory, store, writer, recovery of what a crash left, renderer, pipeline, HTTP). On failure nothing is
 * left running and `why` has the sentence. */
int service_start(const struct service_config *config, struct service **ret_service, struct why *why);
/* The caller's thread is the front of the pipeline for all three. */
void service_frame(struct service *s, const struct frame *frame);
void service_tick(struct service *s, int64_t now_ns);
/* What arrives beside the packets: keys. A few times a second. */
void service_poll(struct service *s);
/* Totals of the source, about once a second: drops are counted by interval. */
void service_source_stats(struct service *s, const struct source_stats *now);
/* A file source was read to its end: open calls end as `cut`, everything is committed; HTTP goes on. */
void service_finish_input(struct service *s);
/* Calls are being rendered or wait for it. */
bool service_busy(struct service *s);
/* What can be read again while it runs: the certificate of the API. */
void service_reload(struct service *s);
/* Retention and gauges; about every minute. */
void service_housekeeping(struct service *s, int64_t now_us);
/* Runs dry and stops. NULL is fine. */
void service_stop(struct service *s);
uint16_t service_port(const struct service *s);
/* The admin token if this start made the first one, else "". Shown once. */
const char *service_first_token(const struct service *s);
