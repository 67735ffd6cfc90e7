/* The route table: what exists, who may, with which parameters. tests/unit/api compares it with
 * openapi.yaml. HEAD is allowed wherever GET is. */
#include <stdio.h>
#include <string.h>

#include "api/call_filter.h"
#include "api/handlers.h"
#include "api/user_filter.h"

#define PARAMS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct route ROUTES[] = {
    {"GET", "/api/v1/calls", SCOPE_META, handle_calls, CALL_FILTER_PARAMS, ROUTE_LIMITED},
    {"GET", "/api/v1/calls/{uid}", SCOPE_META, handle_call, NULL, ROUTE_LIMITED},
    {"POST", "/api/v1/calls/tags", SCOPE_CONTROL, handle_tag_calls, TAG_FILTER_PARAMS, ROUTE_LIMITED | ROUTE_BODY},
    {"GET", "/api/v1/calls/{uid}/messages", SCOPE_MESSAGES, handle_messages,
     PARAMS("raw", "header", "value"), ROUTE_LIMITED},
    {"GET", "/api/v1/calls/{uid}/messages/{n}", SCOPE_MESSAGES, handle_message, NULL, ROUTE_LIMITED},
    {"GET", "/api/v1/calls/{uid}/messages/{n}/diff", SCOPE_MESSAGES, handle_message_diff,
     PARAMS("with", "format"), ROUTE_LIMITED},
    {"GET", "/api/v1/calls/{uid}/legs", SCOPE_META, handle_legs, PARAMS("min_confidence"), ROUTE_LIMITED},
    {"GET", "/api/v1/calls/{uid}/ladder", SCOPE_MESSAGES, handle_ladder, PARAMS("rtp", "rtcp", "format", "legs", "min_confidence"), ROUTE_LIMITED},
    {"GET", "/api/v1/calls/{uid}/dtmf", SCOPE_META, handle_dtmf, NULL, ROUTE_LIMITED},
    {"GET", "/api/v1/calls/{uid}/tags", SCOPE_META, handle_tags, NULL, ROUTE_LIMITED},
    {"PUT", "/api/v1/calls/{uid}/tags", SCOPE_CONTROL, handle_put_tags, NULL, ROUTE_LIMITED | ROUTE_BODY},
    {"GET", "/api/v1/calls/{uid}/annotations", SCOPE_META, handle_annotations, NULL, ROUTE_LIMITED},
    {"POST", "/api/v1/calls/{uid}/annotations", SCOPE_CONTROL, handle_add_annotation, NULL, ROUTE_LIMITED | ROUTE_BODY},
    {"PUT", "/api/v1/calls/{uid}/annotations/{n}", SCOPE_CONTROL, handle_put_annotation, NULL, ROUTE_LIMITED | ROUTE_BODY},
    {"DELETE", "/api/v1/calls/{uid}/annotations/{n}", SCOPE_CONTROL, handle_delete_annotation, NULL, ROUTE_LIMITED},
    {"GET", "/api/v1/calls/{uid}/transcript", SCOPE_AUDIO, handle_transcript, NULL, ROUTE_LIMITED},
    {"PUT", "/api/v1/calls/{uid}/transcript", SCOPE_CONTROL, handle_put_transcript, PARAMS("language", "engine"),
     ROUTE_LIMITED | ROUTE_BODY | ROUTE_TRANSCRIPT},
    {"DELETE", "/api/v1/calls/{uid}/transcript", SCOPE_DELETE, handle_delete_transcript, NULL, ROUTE_LIMITED},
    {"POST", "/api/v1/calls/{uid}/pause", SCOPE_CONTROL, handle_pause, NULL, ROUTE_LIMITED | ROUTE_BODY},
    {"POST", "/api/v1/calls/{uid}/resume", SCOPE_CONTROL, handle_resume, NULL, ROUTE_LIMITED | ROUTE_BODY},
    {"GET", "/api/v1/calls/{uid}/streams/{sid}/series", SCOPE_META, handle_series,
     PARAMS("step_ms"), ROUTE_LIMITED},
    {"GET", "/api/v1/calls/{uid}/pcap", SCOPE_MESSAGES, handle_pcap,
     PARAMS("rtp", "format", "redact", "legs", "min_confidence"), ROUTE_LIMITED},
    {"GET", "/api/v1/calls/{uid}/recording", SCOPE_META, handle_call_recording, NULL, ROUTE_LIMITED},
    {"POST", "/api/v1/calls/{uid}/recording", SCOPE_CONTROL, handle_request_recording, NULL, ROUTE_LIMITED | ROUTE_BODY},
    {"POST", "/api/v1/imports/pcap", SCOPE_CONTROL, handle_import_pcap, PARAMS("name"), ROUTE_CAPTURE},
    {"GET", "/api/v1/imports", SCOPE_META, handle_imports, NULL, 0},
    {"GET", "/api/v1/imports/{id}", SCOPE_META, handle_import, NULL, 0},
    {"DELETE", "/api/v1/imports/{id}", SCOPE_CONTROL, handle_delete_import, NULL, 0},
    {"GET", "/api/v1/policies/recording", SCOPE_META, handle_policies, NULL, 0},
    {"PUT", "/api/v1/policies/recording", SCOPE_ADMIN, handle_put_policies, NULL, ROUTE_BODY},
    {"POST", "/api/v1/policies/recording/test", SCOPE_META, handle_try_policies, NULL, ROUTE_BODY},
    {"GET", "/api/v1/calls/{uid}/recordings", SCOPE_META, handle_call_recordings, NULL, ROUTE_LIMITED},
    {"GET", "/api/v1/recordings", SCOPE_META, handle_recordings, RECORDING_FILTER_PARAMS, ROUTE_LIMITED},
    {"GET", "/api/v1/recordings/{id}", SCOPE_META, handle_recording, NULL, ROUTE_LIMITED},
    {"DELETE", "/api/v1/recordings/{id}", SCOPE_DELETE, handle_delete_recording, NULL, ROUTE_LIMITED},
    {"GET", "/api/v1/recordings/{id}/audio", SCOPE_AUDIO, handle_audio, PARAMS("format", "channels", "start_ms", "end_ms", "sig"), ROUTE_LIMITED | ROUTE_SIGNED},
    {"GET", "/api/v1/recordings/{id}/peaks", SCOPE_AUDIO, handle_peaks, PARAMS("points"), ROUTE_LIMITED},
    {"GET", "/api/v1/recordings/{id}/speech", SCOPE_META, handle_speech, NULL, ROUTE_LIMITED},
    {"GET", "/api/v1/recordings/{id}/fax", SCOPE_AUDIO, handle_fax, PARAMS("sig"), ROUTE_LIMITED | ROUTE_SIGNED},
    {"GET", "/api/v1/recordings/{id}/video", SCOPE_AUDIO, handle_video, PARAMS("sig"), ROUTE_LIMITED | ROUTE_SIGNED},
    {"POST", "/api/v1/exports", SCOPE_EXPORT, handle_create_export, NULL, ROUTE_LIMITED | ROUTE_BODY},
    {"GET", "/api/v1/exports", SCOPE_EXPORT, handle_exports, NULL, ROUTE_LIMITED},
    {"GET", "/api/v1/exports/{id}", SCOPE_EXPORT, handle_export, NULL, ROUTE_LIMITED},
    {"DELETE", "/api/v1/exports/{id}", SCOPE_EXPORT, handle_delete_export, NULL, ROUTE_LIMITED},
    {"GET", "/api/v1/exports/{id}/download", SCOPE_EXPORT, handle_export_download, NULL, ROUTE_LIMITED},
    {"GET", "/api/v1/live/calls", SCOPE_META, handle_live_calls, PARAMS("limit"), ROUTE_LIMITED},
    {"GET", "/api/v1/live/events", SCOPE_META, handle_live_events, LIVE_EVENT_PARAMS, ROUTE_LIMITED},
    {"GET", "/api/v1/live/calls/{uid}", SCOPE_META, handle_live_call, NULL, ROUTE_LIMITED},
    {"GET", "/api/v1/live/calls/{uid}/audio", SCOPE_LIVE, handle_live_audio, PARAMS("format", "sig"), ROUTE_LIMITED | ROUTE_SIGNED},
    {"GET", "/api/v1/stats/summary", SCOPE_META, handle_stats_summary,
     PARAMS("group_by", "metrics", "from", "to"), 0},
    {"GET", "/api/v1/stats/codes", SCOPE_META, handle_stats_codes, PARAMS("group_by", "from", "to"),
     0},
    {"GET", "/api/v1/stats/topology", SCOPE_META, handle_stats_topology,
     PARAMS("from", "to", "tenant", "trunk", "site", "direction", "limit"), ROUTE_LIMITED},
    {"GET", "/api/v1/stats/posture", SCOPE_META, handle_stats_posture, PARAMS("from", "to"), 0},
    {"GET", "/api/v1/stats/quality", SCOPE_META, handle_stats_quality,
     PARAMS("group_by", "from", "to", "order", "limit", "scored__gte"), 0},
    {"GET", "/api/v1/coverage", SCOPE_META, handle_coverage, PARAMS("from", "to"), 0},
    {"GET", "/api/v1/policies/retention", SCOPE_META, handle_retention, NULL, 0},
    {"PUT", "/api/v1/policies/retention", SCOPE_ADMIN, handle_put_retention, NULL, ROUTE_BODY},
    {"POST", "/api/v1/policies/retention/run", SCOPE_ADMIN, handle_retention_run, NULL, ROUTE_BODY},
    {"POST", "/api/v1/policies/retention/test", SCOPE_ADMIN, handle_retention_test, NULL, ROUTE_BODY},
    {"GET", "/api/v1/trunks", SCOPE_META, handle_trunks, NULL, 0},
    {"POST", "/api/v1/trunks", SCOPE_ADMIN, handle_create_named, NULL, ROUTE_BODY},
    {"GET", "/api/v1/trunks/{trunk}", SCOPE_META, handle_named, NULL, 0},
    {"PUT", "/api/v1/trunks/{trunk}", SCOPE_ADMIN, handle_put_named, NULL, ROUTE_BODY},
    {"DELETE", "/api/v1/trunks/{trunk}", SCOPE_ADMIN, handle_delete_named, NULL, 0},
    {"GET", "/api/v1/aliases", SCOPE_META, handle_aliases, NULL, 0},
    {"POST", "/api/v1/aliases", SCOPE_ADMIN, handle_create_named, NULL, ROUTE_BODY},
    {"GET", "/api/v1/aliases/{alias}", SCOPE_META, handle_named, NULL, 0},
    {"PUT", "/api/v1/aliases/{alias}", SCOPE_ADMIN, handle_put_named, NULL, ROUTE_BODY},
    {"DELETE", "/api/v1/aliases/{alias}", SCOPE_ADMIN, handle_delete_named, NULL, 0},
    {"GET", "/api/v1/registrations", SCOPE_META, handle_registrations, REGISTRATION_PARAMS, 0},
    {"GET", "/api/v1/subscriptions", SCOPE_META, handle_subscriptions, SUBSCRIPTION_PARAMS, 0},
    {"GET", "/api/v1/messages", SCOPE_META, handle_user_messages, MESSAGE_PARAMS, 0},
    {"GET", "/api/v1/hosts", SCOPE_META, handle_hosts, HOST_PARAMS, 0},
    {"GET", "/api/v1/user-agents", SCOPE_META, handle_user_agents, AGENT_PARAMS, 0},
    {"GET", "/api/v1/findings", SCOPE_META, handle_findings, FINDING_PARAMS, 0},
    {"GET", "/api/v1/findings/{id}", SCOPE_META, handle_finding, NULL, 0},
    {"GET", "/api/v1/aors/{aor}", SCOPE_META, handle_aor, PARAMS("from", "to", "limit"), 0},
    {"POST", "/api/v1/sessions", SCOPE_PUBLIC, handle_login, NULL, ROUTE_LIMITED | ROUTE_BODY},
    {"DELETE", "/api/v1/sessions", SCOPE_KNOWN, handle_logout, NULL, ROUTE_LIMITED},
    {"GET", "/api/v1/me", SCOPE_KNOWN, handle_me, NULL, ROUTE_LIMITED},
    {"PUT", "/api/v1/me/password", SCOPE_KNOWN, handle_put_password, NULL, ROUTE_LIMITED | ROUTE_BODY},
    {"POST", "/api/v1/links", SCOPE_KNOWN, handle_create_link, NULL, ROUTE_LIMITED | ROUTE_BODY},
    {"GET", "/api/v1/users", SCOPE_ADMIN, handle_accounts, NULL, 0},
    {"POST", "/api/v1/users", SCOPE_ADMIN, handle_create_account, NULL, ROUTE_BODY},
    {"GET", "/api/v1/users/{user}", SCOPE_ADMIN, handle_account, NULL, 0},
    {"PUT", "/api/v1/users/{user}", SCOPE_ADMIN, handle_put_account, NULL, ROUTE_BODY},
    {"DELETE", "/api/v1/users/{user}", SCOPE_ADMIN, handle_delete_account, NULL, 0},
    {"GET", "/api/v1/audit", SCOPE_AUDIT, handle_audit,
     PARAMS("from", "to", "actor", "address", "action", "object", "result", "limit", "cursor"), 0},
    {"GET", "/api/v1/tokens", SCOPE_ADMIN, handle_tokens, NULL, 0},
    {"POST", "/api/v1/tokens", SCOPE_ADMIN, handle_create_token, NULL, ROUTE_BODY},
    {"DELETE", "/api/v1/tokens/{id}", SCOPE_ADMIN, handle_revoke_token, NULL, 0},
    {"GET", "/api/v1/openapi.yaml", SCOPE_PUBLIC, handle_file, NULL, ROUTE_QUICK},
    {"GET", "/api/v1/openapi.json", SCOPE_PUBLIC, handle_file, NULL, ROUTE_QUICK},
    {"GET", "/api/v1/docs", SCOPE_PUBLIC, handle_file, NULL, ROUTE_QUICK},
    {"GET", "/api/v1/webhooks", SCOPE_ADMIN, handle_webhooks, NULL, 0},
    {"POST", "/api/v1/webhooks/{name}/test", SCOPE_ADMIN, handle_test_webhook, NULL, ROUTE_BODY},
    {"GET", "/api/v1/limits", SCOPE_META, handle_limits, NULL, 0},
    {"GET", "/metrics", SCOPE_METRICS, handle_metrics, NULL, 0},
    {"GET", "/healthz", SCOPE_PUBLIC, handle_healthz, NULL, ROUTE_QUICK},
    {"GET", "/readyz", SCOPE_PUBLIC, handle_readyz, NULL, 0},
    {"GET", "/", SCOPE_PUBLIC, handle_file, NULL, ROUTE_QUICK},
    {"GET", "/assets/{asset}", SCOPE_PUBLIC, handle_file, NULL, ROUTE_QUICK},
};

const struct route *routes(unsigned *ret_count)
{
    *ret_count = sizeof ROUTES / sizeof ROUTES[0];
    return ROUTES;
}

static const char WORD[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

/* One value off *path into `out` of `size`; `more`: what it may hold beside letters, digits and dashes. In one that may hold ":",
 * "@", "+" and ":" may be escaped. False when there is none or it does not fit. */
static bool take_value(const char **path, const char *more, char *out, size_t size)
{
    bool wide = strchr(more, ':') != NULL;
    size_t n = 0;

    for (; **path; (*path)++) {
        char c = **path;
        unsigned escaped;
        if (wide && c == '%' && sscanf(*path, "%%%2x", &escaped) == 1 && escaped &&
            strchr("@+:", (int)escaped)) {
            c = (char)escaped;
            *path += 2;
        } else if (strchr(WORD, c) == NULL && strchr(more, c) == NULL) {
            break;
        }
        if (n + 1 >= size)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return n > 0;
}

/* "{name}" takes one segment of letters, digits and dashes, "{asset}" dots as well, "{alias}" what networks hold (but
 * for a slash), "{trunk}" _, "{aor}" what addresses of record hold; everything else is compared as it stands. */
static bool path_matches(const char *pattern, const char *path, struct http_request *rq)
{
    unsigned values = 0;

    while (*pattern && *path) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        bool wide = strncmp(pattern, "{aor}", 5) == 0 || strncmp(pattern, "{user}", 6) == 0;
        const char *more = wide ? "@.:+_~!$&'()*,=[]" : strncmp(pattern, "{asset}", 7) == 0 ? "." : strncmp(pattern, "{alias}", 7) == 0 ? ".:" : strncmp(pattern, "{trunk}", 7) == 0 ? "_" : "";
        if (!take_value(&path, more, rq->path_value[values++],
                        wide ? HTTP_PATH_VALUE_SIZE : HTTP_PATH_WORD_SIZE))
            return false;
        pattern = strchr(pattern, '}') + 1;
    }
    return *pattern == '\0' && *path == '\0';
}

const struct route *route_find(struct http_request *rq, const char **ret_methods)
{
    /* Bits of METHODS, as far as paths have them together. */
    static const char *const METHODS[] = {"GET", "PUT", "POST", "DELETE"};
    static const char *const ALLOWED[1 << 4] = {NULL, "GET, HEAD", "PUT", "GET, HEAD, PUT", "POST", "GET, HEAD, POST", "PUT, POST",
                                                "GET, HEAD, PUT, POST", "DELETE", "GET, HEAD, DELETE", "PUT, DELETE", "GET, HEAD, PUT, DELETE",
                                                "POST, DELETE", "GET, HEAD, POST, DELETE", "PUT, POST, DELETE", "GET, HEAD, PUT, POST, DELETE"};
    const char *method = rq->head ? "GET" : rq->method;
    unsigned allowed = 0;

    *ret_methods = NULL;
    for (size_t i = 0; i < sizeof ROUTES / sizeof ROUTES[0]; i++) {
        if (!path_matches(ROUTES[i].path, rq->path, rq))
            continue;
        if (strcmp(method, ROUTES[i].method) == 0)
            return &ROUTES[i];
        for (unsigned m = 0; m < 4; m++)
            allowed |= strcmp(ROUTES[i].method, METHODS[m]) == 0 ? 1u << m : 0;
    }
    *ret_methods = ALLOWED[allowed];
    return NULL;
}

static bool takes(struct http_request *rq, unsigned flag)
{
    const char *methods;
    const struct route *route = route_find(rq, &methods);

    return route && (route->flags & flag);
}

size_t api_body_max(struct http_request *rq)
{
    return takes(rq, ROUTE_TRANSCRIPT) ? HTTP_TRANSCRIPT_MAX : HTTP_UPLOAD_MAX;
}

bool api_takes_body(struct http_request *rq)
{
    return takes(rq, ROUTE_BODY);
}

bool api_takes_capture(struct http_request *rq)
{
    return takes(rq, ROUTE_CAPTURE);
}
