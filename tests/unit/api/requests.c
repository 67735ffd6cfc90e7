#include "requests.h"

#include <stdio.h>
#include <string.h>

struct http_request request_for(const char *method, const char *path, const char *query)
{
    static char text[32768];
    struct http_request rq = {
        .method = method, .path = path, .host = "127.0.0.1:8470", .id = "0123456789abcdef"};

    rq.head = strcmp(method, "HEAD") == 0;
    rq.now_us = INT64_C(1795255200) * 1000000;
    rq.peer = addr_v4(0x7f000001);
    snprintf(rq.peer_text, sizeof rq.peer_text, "127.0.0.1");
    snprintf(text, sizeof text, "%s", query ? query : "");
    if (http_query_parse(text, &rq.query) != NULL)
        rq.query.count = HTTP_PARAMS_MAX + 1; /* no test means to do this */
    return rq;
}
