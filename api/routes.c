/* The route table: what exists, who may, with which parameters. tests/unit/api compares it with
 * openapi.yaml. HEAD is allowed wherever GET is. */
#include <stdio.h>
#include <string.h>

#include "api/call_filter.h"
#include "api/handlers.h"

#define PARAMS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const struct route ROUTES[] = {
    {"GET", "/api/v1/calls", SCOPE_META, handle_calls, CALL_FILTER_PARAMS, false},
    {"GET", "/api/v1/calls/{uid}", SCOPE_META, handle_call, NULL, false},
    {"GET", "/api/v1/calls/{uid}/messages", SCOPE_MESSAGES, handle_messages,
     PARAMS("raw", "header", "value"), false},
    {"GET", "/api/v1/calls/{uid}/messages/{n}", SCOPE_MESSAGES, handle_message, NULL, false},
    {"GET", "/api/v1/calls/{uid}/messages/{n}/diff", SCOPE_MESSAGES, handle_message_diff,
     PARAMS("with", "format"), false},
    {"GET", "/api/v1/calls/{uid}/ladder", SCOPE_MESSAGES, handle_ladder, PARAMS("rtp", "rtcp", "format"), false},
    {"GET", "/api/v1/calls/{uid}/streams/{sid}/series", SCOPE_META, handle_series,
     PARAMS("step_ms"), false},
    {"GET", "/api/v1/calls/{uid}/pcap", SCOPE_MESSAGES, handle_pcap, PARAMS("rtp"), false},
    {"GET", "/api/v1/calls/{uid}/recording", SCOPE_META, handle_call_recording, NULL, false},
    {"GET", "/api/v1/recordings/{id}", SCOPE_META, handle_recording, NULL, false},
    {"GET", "/api/v1/recordings/{id}/audio", SCOPE_AUDIO, handle_audio, PARAMS("format"), false},
    {"GET", "/api/v1/live/calls", SCOPE_META, handle_live_calls, PARAMS("limit"), false},
    {"GET", "/api/v1/live/calls/{uid}", SCOPE_META, handle_live_call, NULL, false},
    {"GET", "/api/v1/stats/summary", SCOPE_META, handle_stats_summary,
     PARAMS("group_by", "metrics", "from", "to"), false},
    {"GET", "/api/v1/stats/codes", SCOPE_META, handle_stats_codes, PARAMS("group_by", "from", "to"),
     false},
    {"GET", "/api/v1/openapi.yaml", SCOPE_PUBLIC, handle_file, NULL, true},
    {"GET", "/metrics", SCOPE_METRICS, handle_metrics, NULL, false},
    {"GET", "/healthz", SCOPE_PUBLIC, handle_healthz, NULL, true},
    {"GET", "/readyz", SCOPE_PUBLIC, handle_readyz, NULL, false},
    {"GET", "/", SCOPE_PUBLIC, handle_file, NULL, true},
    {"GET", "/page.js", SCOPE_PUBLIC, handle_file, NULL, true},
    {"GET", "/page.css", SCOPE_PUBLIC, handle_file, NULL, true},
};

const struct route *routes(unsigned *ret_count)
{
    *ret_count = sizeof ROUTES / sizeof ROUTES[0];
    return ROUTES;
}

/* "{name}" takes one segment of letters, digits and dashes; everything else is compared as it
 * stands. */
static bool path_matches(const char *pattern, const char *path, struct http_request *rq)
{
    unsigned values = 0;

    while (*pattern && *path) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t n = strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
        if (n == 0 || n >= HTTP_PATH_VALUE_SIZE)
            return false;
        memcpy(rq->path_value[values], path, n);
        rq->path_value[values++][n] = '\0';
        path += n;
        pattern = strchr(pattern, '}') + 1;
    }
    return *pattern == '\0' && *path == '\0';
}

const struct route *route_find(struct http_request *rq, const char **ret_methods)
{
    const char *method = rq->head ? "GET" : rq->method;

    *ret_methods = NULL;
    for (size_t i = 0; i < sizeof ROUTES / sizeof ROUTES[0]; i++) {
        if (!path_matches(ROUTES[i].path, rq->path, rq))
            continue;
        if (strcmp(method, ROUTES[i].method) == 0)
            return &ROUTES[i];
        *ret_methods = "GET, HEAD";
    }
    return NULL;
}
