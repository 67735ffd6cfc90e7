/* The HTTP side: routes (one table, checked against openapi.yaml), JSON, authorisation, audit,
 * metrics, the page's files. It reads the store by read-only connections and knows nothing of
 * packets or codecs. libmicrohttpd is met in server.c and connection.c alone. */
#pragma once

#include "api/imports.h"
#include "api/live.h"
#include "api/live_events.h"
#include "api/named.h"
#include "api/policies.h"
#include "api/retention.h"
#include "api/sound.h"
#include "api/webhooks.h"
#include "base/counters.h"
#include "base/json.h"
#include "storage/call_pcap.h"
#include "storage/store.h"

struct api_health {
    bool capture_up;
    bool database_ok;
    bool disk_ok;
    bool finished; /* a file source that was read to its end */
    int64_t last_packet_us;
    char detail[200]; /* what is wrong, in words; "" when all is well */
};

struct writer;

struct api_config {
    const char *bind_address; /* "127.0.0.1" */
    uint16_t port;            /* 8470; 0: any free one */
    const char *data_dir;
    const char *web_root; /* of development: the page out of this directory; NULL or "": as it is compiled in */
    unsigned reader_threads; /* default 4 */
    struct counters_set *counters;
    struct live_source live;
    struct live_events *live_events; /* outlives the service of the API; NULL: there are none */
    /* PEM files; NULL or "": no TLS. */
    const char *tls_certificate, *tls_private_key;
    const char *hosts;     /* further names in Host, with commas between; may be NULL */
    unsigned rate;         /* requests a second of one address, of one actor; 0: no limit */
    /* Listen beyond loopback: something in front does TLS. Needs a token in the store. */
    bool behind_proxy;
    const char *proxies; /* then: networks whose X-Forwarded-For is believed (forwarded.h); NULL or "": of nobody */
    void *context; /* of those functions below that are in no group; all are called from any HTTP thread, several at once */
    void (*health)(void *context, struct api_health *ret_health);
    /* Refreshes gauges (queue depths, free space) ahead of a /metrics answer; one call at a time.
     * May be NULL. */
    void (*refresh_gauges)(void *context);
    /* Members of the array of GET /limits, of the gauges as they were just refreshed. NULL: there are none. */
    void (*limits)(void *context, struct json *j);
    /* Durable when it returns 0. */
    int (*audit)(void *context, const struct store_audit *entry);
    /* Durable when it returns 0. */
    int (*put_tags)(void *context, const char *uid, int64_t started_us, const struct record_tags *tags);
    /* The same to many calls; says of each what came of it. */
    int (*change_tags)(void *context, const struct record_tag_change *change, struct store_tagged *calls, unsigned count);
    /* Annotations and transcripts; durable when it returns 0 and note->refused is 0. */
    int (*put_note)(void *context, struct store_note *note);
    /* Tokens and accounts; durable when they return 0, but for token_used. */
    struct {
        struct writer *context; /* known to the program alone */
        int (*put_token)(struct writer *context, const struct store_token *token);
        void (*token_used)(struct writer *context, const char *id, int64_t used_us);
        /* ERR_EXISTS: it was made, changed or deleted since it was read. */
        int (*put_account)(struct writer *context, const struct store_account *account);
        int (*account_used)(struct writer *context, const char *name, int64_t used_us);
        int (*drop_account)(struct writer *context, const char *name);
    } access;
    int64_t session_idle_us, session_max_us; /* 0: half an hour, half a day */
    /* What who comes from the machine itself may do while only loopback is listened on: a role, "all" (NULL), "none". */
    const char *local_role;
    /* What stands in the text of a message of a call. */
    message_describe_fn *describe;
    /* Overwrites keys that were pressed in a packet that is given out (storage/call_pcap.h). */
    call_pcap_hide *hide_keys;
    struct api_retention_source retention;
    struct api_policies policies;
    struct api_request_source requests;
    struct api_named_source named;
    struct api_sound_source sound;
    struct exports *exports; /* outlives the service of the API; NULL: there are none */
    struct api_import_source imports;
    struct api_webhook_source webhooks;
    struct columns *columns; /* outlives the service of the API; NULL: lists go without (storage/store_columns.h) */
    const char *version;
    const struct kpi_rules *kpi_rules; /* shown beside the figures; may be NULL */
};

struct exports;
struct api_server;

/* The port is open and answering when this returns 0; else the sentence says which address and why
 * ("port 8470 is in use: ..."). */
int api_start(const struct api_config *config, struct api_server **ret_server, struct why *why);
void api_stop(struct api_server *s);
/* The certificate and its key are read again; on failure the old ones stay. Any thread; 0 also without TLS. */
int api_reload(struct api_server *s, struct why *why);
uint16_t api_port(const struct api_server *s);

/* A new token of a role: the text to hand out once ("esk_<id>_<43 base62>") and the row to store.
 */
void api_token_make(const char *name, const char *role, int64_t now_us, char ret_text[80],
                    struct store_token *ret_token);
