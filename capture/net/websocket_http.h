/* The little HTTP that a WebSocket's upgrade needs (RFC 6455 4): heads, one header, the status.
 * Nobody but websocket.c includes it. */
#pragma once

#include "base/slice.h"

#define HTTP_HEAD_MAX (16u << 10)

/* Size of the head with its blank line; 0 when that is not there yet. *scanned, 0 at first, spares
 * the next call what this one has seen. */
size_t http_head_end(struct slice at, size_t *scanned);
/* The first header of that name, any case, trimmed. The head may be cut: lines that are not whole
 * do not count. */
bool ws_http_header(struct slice head, const char *name, struct slice *ret_value);
/* Is `token` in the comma list, any case? */
bool http_has_token(struct slice list, const char *token);
/* Of "HTTP/1.1 101 Switching Protocols"; 0 when it is no such line. */
unsigned http_status(struct slice head);
