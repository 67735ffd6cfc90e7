#include "api/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"

static const char *status_title(unsigned status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Content Too Large";
    case 415:
        return "Unsupported Media Type";
    case 416:
        return "Range Not Satisfiable";
    case 421:
        return "Misdirected Request";
    case 422:
        return "Unprocessable Content";
    case 428:
        return "Precondition Required";
    case 429:
        return "Too Many Requests";
    case 503:
        return "Service Unavailable";
    case 507:
        return "Insufficient Storage";
    default:
        return "Internal Server Error";
    }
}

void problem(struct http_response *r, const struct http_request *rq, unsigned status,
             const char *code, const char *field, const char *format, ...)
{
    struct json j;
    char detail[400];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    http_response_fini(r);
    http_response_init(r);
    r->status = status;
    r->content_type = "application/problem+json; charset=utf-8";
    json_init(&j, &r->body);
    json_object(&j);
    json_kv_str(&j, "type", "about:blank");
    json_kv_str(&j, "title", status_title(status));
    json_kv_int(&j, "status", status);
    json_kv_str(&j, "code", code);
    json_kv_str(&j, "detail", detail);
    json_kv_str(&j, "field", field);
    json_kv_str(&j, "request_id", rq->id);
    json_end(&j);
}

void problem_too_many_listeners(struct http_response *r, const struct http_request *rq)
{
    problem(r, rq, 503, "too_many_listeners", NULL,
            "As many listen as may ([limits] listeners); try again later.");
    http_header(r, "Retry-After", "10");
}

void problem_wait(struct http_response *r, const struct http_request *rq, const char *code, unsigned seconds)
{
    problem(r, rq, 429, code, NULL, "Too many of them from there; try again in %u seconds.", seconds);
    http_header(r, "Retry-After", "%u", seconds);
}

void problem_capture_too_large(struct http_response *r, const struct http_request *rq, uint64_t max_bytes)
{
    problem(r, rq, 413, "capture_too_large", NULL, "A capture has at most %llu bytes ([limits] import_size).", (unsigned long long)max_bytes);
}

void problem_too_large(struct http_response *r, const struct http_request *rq, size_t max)
{
    problem(r, rq, 413, "body_too_large", NULL, "This body may have at most %zu bytes.", max);
}
