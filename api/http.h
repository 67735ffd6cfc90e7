/* A request and a response as the rest of the room sees them: plain structs, no server library.
 * server.c fills the one and sends the other; so every handler can be tested without a socket.
 *
 * A request borrows: its texts point into the connection's memory and die with the exchange. A
 * response owns what it holds until server.c has sent it or http_response_fini() ends it. */
#pragma once

#include "base/addr.h"
#include "base/buf.h"

#define HTTP_PARAMS_MAX      64
#define HTTP_PARAM_BYTES_MAX 320 /* of one value */
#define HTTP_PATH_VALUES     2
#define HTTP_PATH_VALUE_SIZE 160
#define HTTP_PATH_WORD_SIZE  48 /* of a value that is no address of record */
#define HTTP_HEADERS_MAX     12
#define HTTP_BODY_MAX        (64u << 20)
#define HTTP_UPLOAD_MAX      (32u << 10) /* of what a request brings along */
#define HTTP_TRANSCRIPT_MAX  (1u << 20)  /* of a transcript */

struct http_param {
    const char *name;
    const char *value; /* decoded, NUL-terminated, no NUL inside */
};

struct http_query {
    struct http_param param[HTTP_PARAMS_MAX];
    unsigned count;
};

#define HTTP_PIECE_MAX       (256u << 10) /* of a body that is taken piece by piece */

struct route;
struct exchange;

/* A body that is taken while it comes (ROUTE_CAPTURE). The handler sets it, ahead of the body; all of it on reader threads. */
struct http_upload {
    void *context; /* NULL: the response says why the body is not wanted */
    uint64_t max_bytes;
    /* False: no more of it is wanted, and the response says why. */
    bool (*write)(struct exchange *x, void *context, struct slice piece);
    void (*end)(struct exchange *x, void *context); /* all of it was written: answers. The context is gone then */
    void (*drop)(void *context);                    /* the rest does not come. The context is gone then */
};

struct http_request {
    const char *method;
    bool head;
    const char *path;
    const struct route *route; /* NULL: there is none, or the request did not come so far */
    int64_t begin_ns;          /* when its head was there (CLOCK_MONOTONIC) */
    struct http_query query;
    char path_value[HTTP_PATH_VALUES][HTTP_PATH_VALUE_SIZE]; /* what stood for {uid}, {n}, {aor} */
    struct addr peer;
    char peer_text[ADDR_TEXT_SIZE];
    char id[17]; /* X-Request-Id */
    int64_t now_us;
    /* Headers, NULL when absent. */
    const char *host, *authorization, *range, *if_range, *if_none_match, *if_match, *access_reason,
        *accept, *accept_encoding, *content_encoding, *content_type, *cookie, *csrf, *last_event_id;
    uint64_t announced_bytes; /* Content-Length; 0: not known */
    struct slice body;   /* of a route that takes one */
    bool body_too_large; /* it was not read to its end */
    bool forwarded;  /* came through a proxy, by its headers */
    bool cross_site; /* a browser says that another site's page asked */
};

/* Writes the whole body through out(); out() returns non-zero when the client has gone. */
struct http_producer {
    void *context;
    int (*run)(void *context, int (*out)(void *out_context, const void *data, size_t size),
               void *out_context);
    void (*free)(void *context);
    bool live; /* what there is is wanted at once, and little of it waits for a slow client */
};

struct http_header {
    char name[32];
    char value[192];
};

enum http_stream_kind {
    HTTP_STREAM_NONE = -1,
    HTTP_STREAM_SSE,
    HTTP_STREAM_AUDIO,
    HTTP_STREAM_PCAP,
    HTTP_STREAM_LIVE,
    HTTP_STREAM_EXPORT
};

struct http_response {
    unsigned status;
    const char *content_type;
    struct http_header header[HTTP_HEADERS_MAX];
    unsigned header_count;
    bool page;      /* may load its own script and style: another CSP */
    bool immutable; /* the client may keep it: another version has another name */
    char nonce[25]; /* of a page: style that carries it is allowed; "" without */
    enum http_stream_kind stream;
    /* The body: exactly one of these. */
    struct buf body;
    struct slice constant; /* used when data is not NULL: lives as long as the program */
    int fd; /* >= 0: file_size bytes from file_offset, closed by the owner of the response */
    uint64_t file_offset, file_size;
    struct multipart *multipart; /* not NULL: several ranges of the file, owned (byte_ranges.h) */
    struct http_producer producer; /* run != NULL */
    struct http_upload upload; /* what the body goes into, while it comes; owned */
    struct live_watcher *watcher; /* not NULL: live events, owned (live_watch.h) */
};

void http_response_init(struct http_response *r);
void http_response_fini(struct http_response *r);
/* `name` is ours; a control character in the value is replaced by a space, what does not fit is
 * cut. */
__attribute__((format(printf, 3, 4))) void http_header(struct http_response *r, const char *name,
                                                       const char *format, ...);

/* Decodes "a=1&b=x%20y" in place. NULL, or what is wrong with it in a few words. */
const char *http_query_parse(char *text, struct http_query *ret_query);
/* The first (only) value, NULL when not given. */
const char *http_query_value(const struct http_query *q, const char *name);
/* True for "/a/b" without empty, "." or ".." segments and without a byte that might be read in two
 * ways. Of escapes only those of "@", "+" and ":" may be there: clients like to write them so. */
bool http_path_is_canonical(const char *path);

enum http_range { HTTP_RANGE_WHOLE, HTTP_RANGE_PART, HTTP_RANGE_UNSATISFIABLE };
/* `header`: a Range header of one byte range, or NULL; several (byte_ranges.h), other units and bad syntax give the whole. */
enum http_range http_range_parse(const char *header, uint64_t size, uint64_t *ret_first,
                                 uint64_t *ret_count);
/* The media type of the body, whatever its parameters. */
bool http_content_is(const struct http_request *rq, const char *type);
/* If-None-Match against our ETag (weak comparison, "*" matches). */
bool http_etag_matches(const char *if_none_match, const char *etag);
/* Accept-Encoding, or NULL: "gzip" among what is accepted, without a weight of 0. */
bool http_takes_gzip(const char *accept);
