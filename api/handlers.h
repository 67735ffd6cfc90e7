/* What a handler gets and the handlers themselves; the table that names them is in routes.c. A
 * handler runs on a reader thread after auth_check() and after its parameters were found allowed;
 * it fills x->rs. */
#pragma once

#include <pthread.h>

#include <stdatomic.h>

#include "api/attempts.h"
#include "api/audit_merge.h"
#include "api/auth.h"
#include "api/problem.h"
#include "api/rates.h"
#include "api/server.h"
#include "base/json.h"

#define AUDITED_FAILURES_PER_MINUTE 60
#define HOSTS_MAX                   40

/* One for the service, shared by its threads; constant but for the budget. */
struct api_context {
    const struct api_config *config;
    bool loopback_only;
    unsigned local_scopes; /* of who comes from the machine itself */
    struct route_stats *route_stats;
    struct sessions *sessions;
    struct attempts *attempts;
    struct audit_merge *merge;
    atomic_uint password_checks; /* under way */
    uint8_t cursor_key[32];
    uint8_t link_key[32];
    char hosts[HOSTS_MAX][80]; /* allowed Host values; "" ends; empty: all (behind a proxy) */
    bool any_address;          /* an address is as good: other sites are reached by names */
    struct rates *rates;
    /* Refused credentials are all counted, but only so many a minute are written to the audit log:
     * a stranger cannot fill the disk with them. The lock guards the two fields and nothing is
     * called while it is held. */
    pthread_mutex_t budget_lock;
    int64_t budget_minute;
    unsigned budget_used;
    /* Held over one /metrics answer: refresh_gauges() writes the gauges that it then reads. */
    pthread_mutex_t metrics_lock;
    struct counters *gauges; /* of tables of the API; written with that lock */
};

struct exchange {
    struct http_request *rq;
    struct http_response *rs;
    struct api_context *api;
    struct store_reader *reader; /* of this thread; NULL on the accepting thread */
    struct counters *counters;   /* of this thread */
    struct identity who;
};

enum {
    ROUTE_QUICK = 1, /* answers from memory: no database, so on the accepting thread */
    /* Shows calls, and only those that x->who.limit allows. Others are closed to limited tokens. */
    ROUTE_LIMITED = 2,
    ROUTE_SIGNED = 8, /* GET also by a link (links.h); takes the parameter `sig` */
    ROUTE_CAPTURE = 32, /* takes a capture file, piece by piece (struct http_upload) */
    ROUTE_BODY = 4, /* takes a body of at most HTTP_UPLOAD_MAX bytes of JSON */
    ROUTE_TRANSCRIPT = 16, /* with it: of at most HTTP_TRANSCRIPT_MAX bytes, also as plain text or WebVTT */
};

struct route {
    const char *method;
    const char *path; /* "/api/v1/calls/{uid}" */
    enum scope scope;
    void (*handle)(struct exchange *x);
    const char *const *params; /* NULL-terminated; NULL: none */
    unsigned flags;            /* ROUTE_... */
};

const struct route *routes(unsigned *ret_count);
/* The gauges of what the API has. With metrics_lock. */
void api_refresh_gauges(struct api_context *api);
/* The whole way of a request: path, Host, route, method, authorisation, parameters, handler.
 * `quick_only`: returns false, having done nothing, when the route needs a reader thread. */
bool api_dispatch(struct exchange *x, bool quick_only);
/* Fills rq->path_value. NULL when no route has this path; `*ret_methods` (say "GET, HEAD, PUT") when
 * one has, but not the method. */
const struct route *route_find(struct http_request *rq, const char **ret_methods);
/* A request for a route that takes a body: it has to be read ahead of the dispatch. */
bool api_takes_body(struct http_request *rq);
/* How many bytes it may have. */
size_t api_body_max(struct http_request *rq);
/* A request for a route that takes its body while it comes, behind the dispatch. */
bool api_takes_capture(struct http_request *rq);
/* Tokens and accounts out of x->reader, sessions of the service. */
void api_auth_sources(const struct exchange *x, struct auth_sources *ret_sources);
/* The same out of another reader, for who is not in a handler. */
void api_auth_sources_of(const struct api_context *api, struct store_reader *reader, struct auth_sources *ret_sources);
/* True while this minute's refusals may still be written to the audit log. */
bool api_take_budget(struct api_context *api, int64_t now_us);
bool host_is_allowed(const struct api_context *api, const char *host);

/* Behind the handler: ETag and gzip of what GET reads as text. */
void answer_finish(struct exchange *x);

/* ---- for handlers (exchange.c, dispatch.c) ---- */
/* Who asks, into x->who, and whether they hold the scope. */
enum auth_verdict exchange_auth(struct exchange *x, enum scope scope);
/* Content type and the check that all of it fitted. */
void exchange_json_done(struct exchange *x);
/* {"data": [ of a list, and its end where nothing else stands beside that. */
void exchange_list(struct exchange *x, struct json *ret_json);
void exchange_list_done(struct exchange *x, struct json *j);
/* "\"0123...\"" of a body. */
#define EXCHANGE_TAG_SIZE 40
void exchange_tag_of(struct slice body, char out[EXCHANGE_TAG_SIZE]);
/* ETag over the body; 304 when the client has it. Call last. */
void exchange_etag(struct exchange *x);
/* Durable, or the response is a 503 and the answer false: what cannot be audited is not given out.
 * `detail` may be NULL. */
bool exchange_audit(struct exchange *x, const char *action, const char *object, const char *result,
                    const char *detail);
/* The same of something that was read, with the reason of the request: within a minute what repeats becomes one row more.
 * `bytes` NULL: not of bytes. */
bool exchange_audit_read(struct exchange *x, const char *action, const char *object,
                         const struct audit_bytes *bytes);
/* With a note ahead of the reason, or NULL. */
bool exchange_audit_file(struct exchange *x, const char *action, const char *object, const char *note,
                         const struct audit_bytes *bytes);
/* Whom a list is searched for is nobody's secret from the audit log; a list of all is no search. */
bool exchange_audit_search(struct exchange *x, const char *action);
struct json_value;
/* The body, an object of at most so many levels, to be freed; NULL: the problem is set. */
struct json_value *exchange_object(struct exchange *x, unsigned depth_max);
struct call_filter_error;
/* The problem of a filter that cannot be. */
void exchange_filter_problem(struct exchange *x, const struct call_filter_error *e);
struct limit_query;
/* What the asker may see, into the question; borrowed by it. False: the problem is set. */
bool exchange_limit(struct exchange *x, struct limit_query *ret_limit, struct store_query *q);
/* The problem of an ERR_ code of the store. `what` is "call", "recording". */
void exchange_store_problem(struct exchange *x, int err, const char *what);
/* False when it lies outside the asker's limit: it is freed then, and as if it were not there. */
bool exchange_may_see(struct exchange *x, struct call_record **record);
/* By the words of transcripts only who may read them finds calls. False: the problem is set. */
bool exchange_may_search(struct exchange *x, const struct store_query *q);
/* The call of {uid}, if the asker may see it; NULL: the problem is set. */
struct call_record *exchange_call(struct exchange *x);
/* Of the call of {uid}, stored or going on: what names it in the store. False: the problem is set. */
struct call_name {
    char uid[40];
    int64_t started_us;
};
bool exchange_call_name(struct exchange *x, struct call_name *ret_name);
/* The call of {uid} that has not ended, to be freed; NULL: the problem is set. */
struct live_call *exchange_live_call(struct exchange *x);
/* true/false/1/0 of a parameter, `fallback` when absent. False: the problem is set. */
bool exchange_flag(struct exchange *x, const char *name, bool fallback, bool *ret_flag);
/* By `format`, json or text, or by the Accept header, of which only text/plain without JSON asks for text. False: the problem is
 * set. */
bool exchange_wants_text(struct exchange *x, bool *ret_text);
/* 1..max of a parameter. */
bool exchange_number(struct exchange *x, const char *name, uint32_t fallback, uint32_t max,
                     uint32_t *ret_number);

/* A new password of 12 to 256 bytes; ends the account's sessions once it is stored. False: the problem is set. */
/* `err` of put_account(). */
void account_put_problem(struct exchange *x, int err);
bool account_password_set(struct exchange *x, struct store_account *a, struct slice password);

struct json_value;
/* A member of an object of tags. False: the problem is set. */
bool tags_take(struct exchange *x, struct record_tags *tags, struct slice key, const struct json_value *value);

/* ---- handlers ---- */
void handle_import_pcap(struct exchange *x);
void handle_imports(struct exchange *x);
void handle_import(struct exchange *x);
void handle_delete_import(struct exchange *x);
void handle_login(struct exchange *x);
void handle_logout(struct exchange *x);
void handle_me(struct exchange *x);
void handle_put_password(struct exchange *x);
void handle_accounts(struct exchange *x);
void handle_account(struct exchange *x);
void handle_create_account(struct exchange *x);
void handle_put_account(struct exchange *x);
void handle_delete_account(struct exchange *x);
void handle_create_link(struct exchange *x);
void handle_audit(struct exchange *x);
void handle_tokens(struct exchange *x);
void handle_create_token(struct exchange *x);
void handle_revoke_token(struct exchange *x);
void handle_calls(struct exchange *x);
void handle_call(struct exchange *x);
void handle_messages(struct exchange *x);
void handle_message(struct exchange *x);
void handle_message_diff(struct exchange *x);
void handle_legs(struct exchange *x);
void handle_ladder(struct exchange *x);
void handle_dtmf(struct exchange *x);
void handle_tags(struct exchange *x);
void handle_put_tags(struct exchange *x);
void handle_tag_calls(struct exchange *x);
void handle_annotations(struct exchange *x);
void handle_add_annotation(struct exchange *x);
void handle_put_annotation(struct exchange *x);
void handle_delete_annotation(struct exchange *x);
void handle_transcript(struct exchange *x);
void handle_put_transcript(struct exchange *x);
void handle_delete_transcript(struct exchange *x);
void handle_policies(struct exchange *x);
void handle_put_policies(struct exchange *x);
void handle_try_policies(struct exchange *x);
void handle_request_recording(struct exchange *x);
void handle_pause(struct exchange *x);
void handle_resume(struct exchange *x);
void handle_series(struct exchange *x);
void handle_pcap(struct exchange *x);
void handle_call_recording(struct exchange *x);
void handle_call_recordings(struct exchange *x);
void handle_recording(struct exchange *x);
void handle_recordings(struct exchange *x);
void handle_audio(struct exchange *x);
void handle_peaks(struct exchange *x);
void handle_speech(struct exchange *x);
void handle_delete_recording(struct exchange *x);
void handle_fax(struct exchange *x);
void handle_video(struct exchange *x);
void handle_create_export(struct exchange *x);
void handle_exports(struct exchange *x);
void handle_export(struct exchange *x);
void handle_delete_export(struct exchange *x);
void handle_export_download(struct exchange *x);
void handle_live_calls(struct exchange *x);
void handle_live_events(struct exchange *x);
void handle_live_audio(struct exchange *x);
void handle_live_call(struct exchange *x);
void handle_stats_summary(struct exchange *x);
void handle_stats_codes(struct exchange *x);
void handle_coverage(struct exchange *x);
void handle_stats_quality(struct exchange *x);
void handle_stats_topology(struct exchange *x);
void handle_stats_posture(struct exchange *x);
void handle_trunks(struct exchange *x);
void handle_aliases(struct exchange *x);
void handle_named(struct exchange *x); /* a trunk or an alias */
void handle_create_named(struct exchange *x);
void handle_put_named(struct exchange *x);
void handle_delete_named(struct exchange *x);
void handle_registrations(struct exchange *x);
void handle_subscriptions(struct exchange *x);
void handle_user_messages(struct exchange *x);
void handle_hosts(struct exchange *x);
void handle_user_agents(struct exchange *x);
void handle_findings(struct exchange *x);
void handle_finding(struct exchange *x);
void handle_aor(struct exchange *x);
void handle_retention(struct exchange *x);
void handle_retention_run(struct exchange *x);
void handle_retention_test(struct exchange *x);
void handle_put_retention(struct exchange *x);
void handle_webhooks(struct exchange *x);
void handle_test_webhook(struct exchange *x);
void handle_metrics(struct exchange *x);
void handle_limits(struct exchange *x);
void handle_healthz(struct exchange *x);
void handle_readyz(struct exchange *x);
void handle_file(struct exchange *x);
