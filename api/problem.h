/* Errors as RFC 9457 problem details:
 * {"type":"about:blank","title","status","code","detail","field","request_id"}. */
#pragma once

#include "api/http.h"

/* Replaces whatever the response held. `code` is a stable word for programs, `field` the parameter
 * at fault or NULL. */
__attribute__((format(printf, 6, 7))) void problem(struct http_response *r,
                                                   const struct http_request *rq, unsigned status,
                                                   const char *code, const char *field,
                                                   const char *format, ...);
/* 503: as many listen live as may. */
void problem_too_many_listeners(struct http_response *r, const struct http_request *rq);
/* 429 with Retry-After. */
void problem_wait(struct http_response *r, const struct http_request *rq, const char *code, unsigned seconds);
/* 413: the body is larger than the route takes. */
void problem_too_large(struct http_response *r, const struct http_request *rq, size_t max);
/* 413: a capture larger than is taken. */
void problem_capture_too_large(struct http_response *r, const struct http_request *rq, uint64_t max_bytes);
