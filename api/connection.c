/* One connection and its requests: read what the library parsed, have it answered, send the answer.
 *
 *     accepting thread                           reader thread (server.c)
 *     on_request: read -> quick? -> send
 *                          \-> suspend, inbox -> api_dispatch(), resume
 *     on_request: answered -> send
 *
 * A capture file that is brought is asked about first, and then written by reader threads, HTTP_PIECE_MAX at a time:
 *
 *     on_request: head -> suspend, inbox -> api_dispatch(), resume
 *     on_request: piece -> no room for it? suspend, inbox -> write, resume: the piece comes again
 *     on_request: end  -> suspend, inbox -> write the last, answer, resume
 *
 * Nothing can be sent ahead of the end of a body once it began: what is refused then is read and forgotten.
 *
 * An exchange belongs to the accepting thread, but between inbox_put() and resume to the reader
 * thread. */
#include "api/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/byte_ranges.h"
#include "api/forwarded.h"
#include "api/listen.h"
#include "api/live_watch.h"
#include "api/route_stats.h"
#include "base/clock.h"
#include "base/crypto.h"

#define HEAD_NS   (30 * SECOND_NS) /* from accept, or the answer before, to a whole request head */
#define ANSWER_NS (120 * SECOND_NS)
#define LONG_ANSWER_NS                                                                             \
    (4 * 3600 * SECOND_NS) /* a file or download; a player reads as slowly as it plays */
#define DRAINED_BYTES_MAX (1u << 20) /* of a body that nobody wants */
#define SEND_BLOCK_BYTES (64u << 10)
#define EVENTS_BLOCK_BYTES  (8u << 10)
#define EVENTS_SOCKET_BYTES (32 << 10)

/* ---- request ---- */

static const char *header_of(const struct http_exchange *e, const char *name)
{
    return MHD_lookup_connection_value(e->connection, MHD_HEADER_KIND, name);
}

static bool came_through_proxy(const struct http_exchange *e)
{
    static const char *const NAMES[] = {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host",
                                        "X-Real-IP", "Via"};

    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (header_of(e, NAMES[i]))
            return true;
    return false;
}

/* Fetch metadata of newer browsers; the Origin header of the others. */
static bool is_cross_site(const struct http_exchange *e)
{
    const char *site = header_of(e, "Sec-Fetch-Site");
    const char *origin = header_of(e, "Origin");
    const char *authority = origin ? strstr(origin, "://") : NULL;

    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
        return true;
    return origin && (authority == NULL || !host_is_allowed(&e->server->context, authority + 3));
}

struct forwarded_lines {
    const char *line[FORWARDED_LINES_MAX];
    unsigned count;
};

/* The last of those that may be there more than once. */
static enum MHD_Result keep_newest(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct forwarded_lines *l = context;

    (void)kind;
    if (value == NULL || strcasecmp(name, "X-Forwarded-For") != 0)
        return MHD_YES;
    if (l->count == FORWARDED_LINES_MAX)
        memmove(l->line, l->line + 1, --l->count * sizeof l->line[0]);
    l->line[l->count++] = value;
    return MHD_YES;
}

static void read_peer(struct http_exchange *e, const struct sockaddr *address)
{
    const struct api_config *config = &e->server->config;
    struct forwarded_lines lines = {.count = 0};
    struct http_request *rq = &e->rq;

    rq->peer = addr_of_sockaddr(address);
    if (config->behind_proxy) {
        MHD_get_connection_values(e->connection, MHD_HEADER_KIND, keep_newest, &lines);
        rq->peer = forwarded_peer(rq->peer, lines.line, lines.count, config->proxies);
    }
    addr_text(rq->peer, rq->peer_text);
}

static void read_request(struct http_exchange *e, const char *method)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(e->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct http_request *rq = &e->rq;
    uint8_t id[8];

    crypto_random(id, sizeof id);
    crypto_hex(slice_of(id, sizeof id), rq->id);
    rq->method = method;
    rq->head = strcmp(method, "HEAD") == 0;
    rq->now_us = clock_wall_ns() / 1000;
    read_peer(e, info ? info->client_addr : NULL);
    rq->host = header_of(e, "Host");
    rq->authorization = header_of(e, "Authorization");
    rq->range = header_of(e, "Range");
    rq->if_range = header_of(e, "If-Range");
    rq->if_none_match = header_of(e, "If-None-Match");
    rq->if_match = header_of(e, "If-Match");
    rq->access_reason = header_of(e, "X-Access-Reason");
    rq->accept = header_of(e, "Accept");
    rq->accept_encoding = header_of(e, "Accept-Encoding");
    rq->content_encoding = header_of(e, "Content-Encoding");
    rq->content_type = header_of(e, "Content-Type");
    rq->cookie = header_of(e, "Cookie");
    rq->csrf = header_of(e, "X-CSRF-Token");
    rq->last_event_id = header_of(e, "Last-Event-ID");
    rq->forwarded = came_through_proxy(e);
    rq->cross_site = is_cross_site(e);
}

/* False: the problem is set. */
static bool read_uri(struct http_exchange *e)
{
    char *query = strchr(e->uri, '?');

    if (query)
        *query++ = '\0';
    e->rq.path = e->uri;
    const char *wrong = query ? http_query_parse(query, &e->rq.query) : NULL;
    if (wrong)
        problem(&e->rs, &e->rq, 400, "invalid_query", NULL, "The query string holds %s.", wrong);
    return wrong == NULL;
}

/* A body that says that it is too large is not waited for. */
static bool announces_too_much(const struct http_exchange *e)
{
    const char *length = header_of(e, "Content-Length");
    uint64_t n;

    return length && !slice_to_u64(slice_str(length), e->upload.ceiling, &n);
}

/* The same of a capture. What says no number is framed wrongly and never comes here. */
static bool announces_too_large_a_capture(struct http_exchange *e)
{
    const char *length = header_of(e, "Content-Length");
    uint64_t max = e->server->config.imports.max_bytes;

    if (length && !slice_to_u64(slice_str(length), UINT64_MAX, &e->rq.announced_bytes))
        e->rq.announced_bytes = UINT64_MAX;
    return max && e->rq.announced_bytes > max;
}

struct framing {
    unsigned lengths, encodings;
    bool odd_name;
};

static enum MHD_Result look_at_field(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct framing *f = context;

    (void)kind, (void)value;
    f->lengths += strcasecmp(name, "Content-Length") == 0;
    f->encodings += strcasecmp(name, "Transfer-Encoding") == 0;
    for (const char *c = name; *c; c++)
        f->odd_name |= *c <= ' ' || *c == 0x7f;
    return MHD_YES;
}

/* Where a body ends, and so where the next request begins, a proxy in front must see as we do (RFC 9112 5.1, 6.3). */
static bool is_framed_clearly(const struct http_exchange *e)
{
    struct framing f = {0};

    MHD_get_connection_values(e->connection, MHD_HEADER_KIND, look_at_field, &f);
    return f.lengths + f.encodings <= 1 && !f.odd_name;
}

/* Bodies come in ahead of the question who sends them: of large ones only a few at a time, of one address fewer still. False: no
 * more of them. Nobody has a place by announcing a body that then does not come. */
static bool large_upload_begin(struct http_exchange *e)
{
    const struct http_exchange **place = NULL;
    unsigned same = 0;

    for (unsigned i = 0; i < LARGE_UPLOADS_MAX; i++) {
        const struct http_exchange **at = &e->server->large_upload[i];
        if (*at == NULL)
            place = at;
        else
            same += addr_equal((*at)->rq.peer, e->rq.peer);
    }
    if (place == NULL || same >= LARGE_UPLOADS_OF_ONE)
        return false;
    *place = e;
    e->large_upload = true;
    return true;
}

static void large_upload_end(struct http_exchange *e)
{
    for (unsigned i = 0; i < LARGE_UPLOADS_MAX && e->large_upload; i++)
        if (e->server->large_upload[i] == e)
            e->server->large_upload[i] = NULL;
}

/* Told at the end of the body, as nothing can be sent before. */
static void refuse_large_upload(struct http_exchange *e)
{
    e->phase = PHASE_ANSWERED;
    buf_fini(&e->upload);
    problem(&e->rs, &e->rq, 503, "overloaded", NULL, "As many transcripts come in as may at once; try again.");
    http_header(&e->rs, "Retry-After", "5");
}

static void take_upload(struct http_exchange *e, const char *data, size_t size)
{
    bool grows = e->upload.ceiling > HTTP_UPLOAD_MAX && !e->large_upload && e->upload.size + size > HTTP_UPLOAD_MAX;

    if (e->phase == PHASE_ANSWERED)
        return;
    if (grows && !large_upload_begin(e)) {
        refuse_large_upload(e);
        return;
    }
    if (!e->rq.body_too_large)
        buf_add(&e->upload, data, size);
    e->rq.body_too_large |= e->upload.failed;
    e->rq.body = buf_view(&e->upload);
}

/* ---- response ---- */

static void park(void *context)
{
    MHD_suspend_connection(context);
}

static void unpark(void *context)
{
    MHD_resume_connection(context);
}

static ssize_t read_pipe(void *context, uint64_t position, char *out, size_t max)
{
    ssize_t n = body_pipe_read(context, out, max);

    (void)position;
    if (n == BODY_PIPE_END)
        return MHD_CONTENT_READER_END_OF_STREAM;
    return n == BODY_PIPE_FAILED ? MHD_CONTENT_READER_END_WITH_ERROR : n;
}

static void release_pipe(void *context)
{
    body_pipe_release(context);
}

static ssize_t read_nothing(void *context, uint64_t position, char *out, size_t max)
{
    (void)context, (void)position, (void)out, (void)max;
    return MHD_CONTENT_READER_END_OF_STREAM;
}

/* The producer's thread begins here; NULL: no slot, no memory. */
static struct MHD_Response *pipe_response(struct http_exchange *e)
{
    const struct body_pipe_reader reader = {
        .context = e->connection, .park = park, .unpark = unpark};
    struct body_pipes *of = e->rs.producer.live ? e->server->listens : e->server->pipes;
    struct body_pipe *p = body_pipe_start(of, &e->rs.producer, &reader);

    if (p == NULL)
        return NULL;
    e->rs.producer = (struct http_producer){0};
    struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, SEND_BLOCK_BYTES,
                                                               read_pipe, p, release_pipe);
    if (r == NULL)
        body_pipe_release(p);
    return r;
}

static ssize_t read_events(void *context, uint64_t position, char *out, size_t max)
{
    ssize_t n = live_watch_read(context, out, max);

    (void)position;
    if (n == BODY_PIPE_END)
        return MHD_CONTENT_READER_END_OF_STREAM;
    return n == BODY_PIPE_FAILED ? MHD_CONTENT_READER_END_WITH_ERROR : n;
}

static void release_events(void *context)
{
    live_watch_close(context);
}

/* The system shall not keep much for a client that does not read: what is not sent stays where it is, for all. */
static struct MHD_Response *events_response(struct http_exchange *e)
{
    const struct body_pipe_reader reader = {.context = e->connection, .park = park, .unpark = unpark};
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(e->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    const int bytes = EVENTS_SOCKET_BYTES;

    if (info)
        (void)setsockopt(info->connect_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    live_watch_begin(e->rs.watcher, &reader);
    struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, EVENTS_BLOCK_BYTES, read_events, e->rs.watcher, release_events);
    if (r)
        e->rs.watcher = NULL; /* closed with the response */
    return r;
}

/* What a response of several ranges reads from; it outlives the exchange. */
struct several {
    struct multipart *multipart;
    int fd;
};

static ssize_t read_several(void *context, uint64_t position, char *out, size_t max)
{
    const struct several *s = context;
    ssize_t n = multipart_read(s->multipart, s->fd, position, out, max);

    return n > 0 ? n : n == 0 ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void free_several(void *context)
{
    struct several *s = context;

    multipart_free(s->multipart);
    close(s->fd);
    free(s);
}

static struct MHD_Response *several_response(struct http_exchange *e)
{
    struct several *s = malloc(sizeof *s);

    if (s == NULL)
        return NULL;
    *s = (struct several){e->rs.multipart, e->rs.fd};
    struct MHD_Response *r = MHD_create_response_from_callback(multipart_size(s->multipart), SEND_BLOCK_BYTES, read_several, s, free_several);
    if (r == NULL) {
        free(s);
        return NULL;
    }
    e->rs.multipart = NULL; /* both go with the response */
    e->rs.fd = -1;
    return r;
}

static struct MHD_Response *file_response(struct http_exchange *e)
{
    if (e->rs.multipart)
        return several_response(e);
    struct MHD_Response *r =
        MHD_create_response_from_fd_at_offset64(e->rs.file_size, e->rs.fd, e->rs.file_offset);

    if (r)
        e->rs.fd = -1; /* closed with the response */
    return r;
}

/* The library only reads a persistent buffer, whatever its parameter says. It outlives the
 * response: see connection_on_completed(). */
static struct MHD_Response *memory_response(struct slice body)
{
    void *bytes;

    memcpy(&bytes, &body.data, sizeof bytes);
    return MHD_create_response_from_buffer(body.size, bytes, MHD_RESPMEM_PERSISTENT);
}

static void problem_too_many_downloads(struct http_exchange *e)
{
    problem(&e->rs, &e->rq, 503, "too_many_downloads", NULL,
            "%d downloads are under way; try again later.", STREAMS_MAX);
    http_header(&e->rs, "Retry-After", "5");
}

static struct MHD_Response *make_response(struct http_exchange *e)
{
    if (e->rs.producer.run && e->rq.head)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, read_nothing, NULL, NULL);
    if (e->rs.producer.run) {
        struct MHD_Response *r = pipe_response(e);
        if (r)
            return r;
        if (e->rs.producer.live)
            problem_too_many_listeners(&e->rs, &e->rq);
        else
            problem_too_many_downloads(e);
    }
    if (e->rs.watcher)
        return events_response(e);
    if (e->rs.fd >= 0)
        return file_response(e);
    return memory_response(e->rs.constant.data ? e->rs.constant : buf_view(&e->rs.body));
}

/* The page loads what is its own, and style of its chart library that carries the nonce of the document. */
static void add_content_policy(struct MHD_Response *r, const struct http_response *rs)
{
    char policy[300];

    if (rs->page)
        snprintf(policy, sizeof policy,
                 "default-src 'self'; style-src 'self'%s%s%s; object-src 'none'; base-uri 'none'; form-action 'none'; "
                 "frame-ancestors 'none'",
                 rs->nonce[0] ? " 'nonce-" : "", rs->nonce, rs->nonce[0] ? "'" : "");
    MHD_add_response_header(r, "Content-Security-Policy", rs->page ? policy : "default-src 'none'; frame-ancestors 'none'");
}

static void add_headers(struct MHD_Response *r, const struct http_exchange *e)
{
    const struct http_response *rs = &e->rs;

    for (unsigned i = 0; i < rs->header_count; i++)
        MHD_add_response_header(r, rs->header[i].name, rs->header[i].value);
    if (rs->content_type)
        MHD_add_response_header(r, "Content-Type", rs->content_type);
    MHD_add_response_header(r, "X-Request-Id", e->rq.id);
    if (e->server->tls)
        MHD_add_response_header(r, "Strict-Transport-Security", "max-age=31536000");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Cache-Control", rs->immutable ? "public, max-age=31536000, immutable" : "no-store");
    MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
    add_content_policy(r, rs);
}

static enum MHD_Result send_answer(struct http_exchange *e)
{
    struct MHD_Response *r = make_response(e);

    if (r == NULL)
        return MHD_NO;
    add_headers(r, e);
    if (e->rs.stream != HTTP_STREAM_NONE && !e->rq.head) {
        counters_add(e->server->counters, C_HTTP_STREAMS + (unsigned)e->rs.stream, 1);
        e->counted_stream = true;
        deadline_set(e->server->deadlines, e->deadline, clock_mono_ns() + LONG_ANSWER_NS);
    }
    route_stats_note(e->server->context.route_stats, e->rq.route, e->rq.head, e->rs.status, clock_mono_ns() - e->rq.begin_ns);
    enum MHD_Result queued = MHD_queue_response(e->connection, e->rs.status, r);
    MHD_destroy_response(r);
    return queued;
}

/* ---- the life of an exchange, on the accepting thread ---- */

void *connection_on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    size_t size = strlen(uri) + 1;
    struct http_exchange *e = calloc(1, sizeof *e + size);

    if (e == NULL)
        return NULL;
    e->server = context;
    e->connection = connection;
    http_response_init(&e->rs);
    buf_init(&e->upload, HTTP_UPLOAD_MAX);
    memcpy(e->uri, uri, size);
    return e;
}

static enum MHD_Result hand_over(struct http_exchange *e)
{
    e->phase = PHASE_PARKED;
    MHD_suspend_connection(e->connection);
    if (inbox_put(e->server->inbox, e))
        return MHD_YES;
    problem(&e->rs, &e->rq, 503, "overloaded", NULL, "Too many requests are waiting.");
    http_header(&e->rs, "Retry-After", "1");
    e->phase = PHASE_ANSWERED;
    MHD_resume_connection(e->connection);
    return MHD_YES;
}

static enum MHD_Result start(struct http_exchange *e)
{
    struct api_server *s = e->server;
    struct exchange x = {.rq = &e->rq, .rs = &e->rs, .api = &s->context, .counters = s->counters};

    if (atomic_load(&s->stopping))
        problem(&e->rs, &e->rq, 503, "stopping", NULL, "The service is stopping.");
    else if (e->uri_good && !api_dispatch(&x, true))
        return hand_over(e);
    e->phase = PHASE_ANSWERED;
    return send_answer(e);
}

/* ---- a body that is taken while it comes ---- */

static enum MHD_Result begin_capture(struct http_exchange *e)
{
    if (announces_too_large_a_capture(e)) {
        e->phase = PHASE_ANSWERED;
        problem_capture_too_large(&e->rs, &e->rq, e->server->config.imports.max_bytes);
        return send_answer(e);
    }
    e->uploads = true;
    e->work = WORK_ANSWER;
    buf_fini(&e->upload);
    buf_init(&e->upload, HTTP_PIECE_MAX);
    return start(e);
}

/* Consumes the piece, or has room made for it first. */
static enum MHD_Result take_piece(struct http_exchange *e, const char *data, size_t *size)
{
    struct http_upload *u = &e->rs.upload;

    if (u->context && e->taken == 0)
        deadline_set(e->server->deadlines, e->deadline, clock_mono_ns() + LONG_ANSWER_NS);
    if (u->context && e->taken + *size > u->max_bytes)
        problem_capture_too_large(&e->rs, &e->rq, u->max_bytes); /* and with that the upload goes */
    if (u->context && e->upload.size && e->upload.size + *size > HTTP_PIECE_MAX) {
        e->work = WORK_WRITE;
        return hand_over(e);
    }
    if (u->context)
        buf_add(&e->upload, data, *size);
    e->taken += *size;
    *size = 0;
    return MHD_YES;
}

/* With a head that was suspended the library comes once more, still ahead of the body: what is refused can be answered here. Who sends little and
 * does not wait to be asked for it is read to his end, else he would not hear the answer. */
static bool is_head_again(struct http_exchange *e)
{
    bool body = e->rq.announced_bytes || header_of(e, "Transfer-Encoding");
    bool again = body && e->taken == 0 && !e->head_seen_again;

    e->head_seen_again = true;
    return again;
}

static bool waits_for_answer(const struct http_exchange *e)
{
    return header_of(e, "Expect") || e->rq.announced_bytes > DRAINED_BYTES_MAX;
}

static enum MHD_Result end_capture(struct http_exchange *e)
{
    if (is_head_again(e) && (e->rs.upload.context || !waits_for_answer(e)))
        return MHD_YES;
    if (e->rs.upload.context) {
        e->work = WORK_END;
        return hand_over(e);
    }
    e->phase = PHASE_ANSWERED;
    return send_answer(e);
}

static bool write_piece(struct http_exchange *e, struct exchange *x)
{
    const struct http_upload *u = &e->rs.upload;
    bool good = !e->upload.failed && u->write(x, u->context, buf_view(&e->upload));

    if (e->upload.failed)
        problem(&e->rs, &e->rq, 503, "no_memory", NULL, "There is no memory for more of it.");
    buf_clear(&e->upload);
    return good;
}

void connection_work(struct http_exchange *e, struct exchange *x)
{
    if (e->work == WORK_ANSWER) {
        api_dispatch(x, false);
        e->who = x->who;
    } else {
        x->who = e->who;
        e->rq.now_us = clock_wall_ns() / 1000;
        if (write_piece(e, x) && e->work == WORK_END) {
            struct http_upload u = e->rs.upload;
            e->rs.upload = (struct http_upload){0};
            u.end(x, u.context);
        }
    }
    e->phase = e->uploads && e->work != WORK_END ? PHASE_UPLOAD : PHASE_ANSWERED;
}

/* Is there something to read ahead of the answer? GET has no body; one that nobody wants is not waited for: what is
 * answered ahead of it ends the connection. */
static bool reads_on(struct http_exchange *e)
{
    if (strcmp(e->rq.method, "GET") == 0 || e->rq.head || strcmp(e->rq.method, "DELETE") == 0)
        return true;
    if (!e->uri_good || !api_takes_body(&e->rq))
        return false;
    return true;
}

static enum MHD_Result refuse_framing(struct http_exchange *e)
{
    e->phase = PHASE_ANSWERED;
    problem(&e->rs, &e->rq, 400, "framing", NULL,
            "A request has one Content-Length or one Transfer-Encoding, and no space in the name of a field.");
    http_header(&e->rs, "Connection", "close");
    return send_answer(e);
}

static enum MHD_Result refuse_upload(struct http_exchange *e)
{
    e->phase = PHASE_ANSWERED;
    problem_too_large(&e->rs, &e->rq, e->upload.ceiling);
    return send_answer(e);
}

/* Called with the head; then for each piece of a body; then at its end; then again after each resume. */
enum MHD_Result connection_on_request(void *context, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *upload, size_t *upload_size, void **request)
{
    struct http_exchange *e = *request;
    struct api_server *s = context;

    (void)url, (void)version;
    if (e == NULL)
        return MHD_NO;
    if (e->phase == PHASE_HEAD) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        if (info == NULL || info->socket_context == NULL)
            return MHD_NO; /* there was no memory to watch over it */
        e->deadline = &((struct watched *)info->socket_context)->deadline;
        deadline_set(s->deadlines, e->deadline, clock_mono_ns() + ANSWER_NS);
        read_request(e, method);
        e->rq.begin_ns = clock_mono_ns();
        if (!is_framed_clearly(e))
            return refuse_framing(e);
        e->phase = PHASE_BODY;
        e->uri_good = read_uri(e);
        if (e->uri_good && api_takes_capture(&e->rq))
            return begin_capture(e);
        if (e->uri_good && api_takes_body(&e->rq))
            e->upload.ceiling = api_body_max(&e->rq);
        if (reads_on(e))
            return announces_too_much(e) ? refuse_upload(e) : MHD_YES;
        return start(e);
    }
    if (e->phase == PHASE_UPLOAD)
        return *upload_size > 0 ? take_piece(e, upload, upload_size) : end_capture(e);
    if (*upload_size > 0) {
        if (e->uri_good && api_takes_body(&e->rq))
            take_upload(e, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    return e->phase == PHASE_ANSWERED ? send_answer(e) : start(e);
}

void connection_on_completed(void *context, struct MHD_Connection *connection, void **request,
                             enum MHD_RequestTerminationCode code)
{
    struct api_server *s = context;
    struct http_exchange *e = *request;

    (void)connection, (void)code;
    if (e == NULL)
        return;
    if (e->counted_stream)
        counters_sub(s->counters, C_HTTP_STREAMS + (unsigned)e->rs.stream, 1);
    if (e->deadline)
        deadline_set(s->deadlines, e->deadline, clock_mono_ns() + HEAD_NS);
    large_upload_end(e);
    http_response_fini(&e->rs);
    buf_fini(&e->upload);
    free(e);
    *request = NULL;
}

/* The library hangs the connection on the TLS session; on the connection hangs what we watch it by. */
static struct watched *watched_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        connection ? MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT) : NULL;

    return info ? info->socket_context : NULL;
}

int connection_on_certificate(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
                              const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **ret_chain,
                              unsigned *ret_count, gnutls_privkey_t *ret_key)
{
    struct watched *w = watched_of(gnutls_session_get_ptr(session));

    (void)names, (void)name_count, (void)algorithms, (void)algorithm_count;
    if (w == NULL)
        return -1;
    tls_keys_now(w->server->tls, ret_chain, ret_count, ret_key);
    return 0;
}

void connection_on_event(void *context, struct MHD_Connection *connection, void **socket_context,
                         enum MHD_ConnectionNotificationCode code)
{
    struct api_server *s = context;
    struct watched *w = *socket_context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        w = info ? calloc(1, sizeof *w) : NULL;
        if (w) {
            w->server = s;
            deadline_add(s->deadlines, &w->deadline, info->connect_fd, clock_mono_ns() + HEAD_NS);
        }
        *socket_context = w;
    } else if (w) {
        deadline_remove(s->deadlines, &w->deadline);
        free(w);
        *socket_context = NULL;
    }
}
