/* libmicrohttpd is met here alone. One thread accepts, parses and sends (epoll); requests that need
 * the database are parked and handed to a small pool of reader threads, each with a read-only
 * connection of its own:
 *
 *     accepting thread                           reader thread
 *     on_request(): read -> quick? -> send
 *                          \-> suspend, inbox -> api_dispatch(), resume
 *     on_request(): answered -> send
 *
 * An exchange belongs to the accepting thread, but between inbox_put() and resume to the reader
 * thread. Bounds: connections in all and per address, bytes of a request head, silence (library),
 * total time (deadline.c), downloads made while sent (body_pipe.c). */
#include "api/server.h"

#include <assert.h>
#include <errno.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/body_pipe.h"
#include "api/deadline.h"
#include "api/handlers.h"
#include "api/listen.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/inbox.h"

#define CONNECTIONS_MAX        512
#define CONNECTIONS_PER_IP_MAX 128
#define HEAD_BYTES_MAX         (32u << 10)
#define IDLE_SECONDS           30
#define READER_THREADS_DEFAULT 4
#define READER_THREADS_MAX     32
#define SECOND_NS              INT64_C(1000000000)
#define HEAD_NS                (30 * SECOND_NS) /* from accept, or the answer before, to a whole request head */
#define ANSWER_NS              (120 * SECOND_NS)
#define LONG_ANSWER_NS                                                                             \
    (4 * 3600 * SECOND_NS) /* a file or download; a player reads as slowly as it plays */
#define SEND_BLOCK_BYTES (64u << 10)

struct reader_thread {
    struct api_server *server;
    pthread_t thread;
    bool started;
    struct store_reader *reader;
    struct counters *counters;
};

struct api_server {
    struct api_config config;
    struct api_context context;
    struct MHD_Daemon *daemon;
    struct inbox *inbox;
    struct body_pipes *pipes;
    struct deadlines *deadlines;
    struct counters *counters; /* of the accepting thread */
    struct reader_thread reader[READER_THREADS_MAX];
    unsigned reader_count;
    uint16_t port;
    atomic_bool stopping;
};

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_PARKED, PHASE_ANSWERED };

struct http_exchange {
    struct api_server *server;
    struct MHD_Connection *connection;
    struct deadline *deadline;
    struct http_request rq;
    struct http_response rs;
    enum phase phase;
    bool counted_stream;
    char uri[]; /* as sent; cut into path and query in place */
};

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
    rq->peer = addr_of_sockaddr(info ? info->client_addr : NULL);
    addr_text(rq->peer, rq->peer_text);
    rq->host = header_of(e, "Host");
    rq->authorization = header_of(e, "Authorization");
    rq->range = header_of(e, "Range");
    rq->if_range = header_of(e, "If-Range");
    rq->if_none_match = header_of(e, "If-None-Match");
    rq->access_reason = header_of(e, "X-Access-Reason");
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
    struct body_pipe *p = body_pipe_start(e->server->pipes, &e->rs.producer, &reader);

    if (p == NULL)
        return NULL;
    e->rs.producer = (struct http_producer){0};
    struct MHD_Response *r = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, SEND_BLOCK_BYTES,
                                                               read_pipe, p, release_pipe);
    if (r == NULL)
        body_pipe_release(p);
    return r;
}

static struct MHD_Response *file_response(struct http_exchange *e)
{
    struct MHD_Response *r =
        MHD_create_response_from_fd_at_offset64(e->rs.file_size, e->rs.fd, e->rs.file_offset);

    if (r)
        e->rs.fd = -1; /* closed with the response */
    return r;
}

/* The library only reads a persistent buffer, whatever its parameter says. It outlives the
 * response: see on_completed(). */
static struct MHD_Response *memory_response(struct slice body)
{
    void *bytes;

    memcpy(&bytes, &body.data, sizeof bytes);
    return MHD_create_response_from_buffer(body.size, bytes, MHD_RESPMEM_PERSISTENT);
}

static struct MHD_Response *make_response(struct http_exchange *e)
{
    if (e->rs.producer.run && e->rq.head)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1024, read_nothing, NULL, NULL);
    if (e->rs.producer.run) {
        struct MHD_Response *r = pipe_response(e);
        if (r)
            return r;
        problem(&e->rs, &e->rq, 503, "too_many_downloads", NULL,
                "%d downloads are under way; try again later.", STREAMS_MAX);
        http_header(&e->rs, "Retry-After", "5");
    }
    if (e->rs.fd >= 0)
        return file_response(e);
    return memory_response(e->rs.constant.data ? e->rs.constant : buf_view(&e->rs.body));
}

static void add_headers(struct MHD_Response *r, const struct http_exchange *e)
{
    const struct http_response *rs = &e->rs;

    for (unsigned i = 0; i < rs->header_count; i++)
        MHD_add_response_header(r, rs->header[i].name, rs->header[i].value);
    if (rs->content_type)
        MHD_add_response_header(r, "Content-Type", rs->content_type);
    MHD_add_response_header(r, "X-Request-Id", e->rq.id);
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "Referrer-Policy", "no-referrer");
    MHD_add_response_header(r, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(
        r, "Content-Security-Policy",
        rs->page ? "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
                 : "default-src 'none'; frame-ancestors 'none'");
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
    enum MHD_Result queued = MHD_queue_response(e->connection, e->rs.status, r);
    MHD_destroy_response(r);
    return queued;
}

/* ---- the life of an exchange, on the accepting thread ---- */

static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    size_t size = strlen(uri) + 1;
    struct http_exchange *e = calloc(1, sizeof *e + size);

    if (e == NULL)
        return NULL;
    e->server = context;
    e->connection = connection;
    http_response_init(&e->rs);
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
    else if (read_uri(e) && !api_dispatch(&x, true))
        return hand_over(e);
    e->phase = PHASE_ANSWERED;
    return send_answer(e);
}

/* Called with the head; then for each piece of a body (none is wanted); then at its end; then again
 * after each resume. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **request)
{
    struct http_exchange *e = *request;
    struct api_server *s = context;

    (void)url, (void)version, (void)upload;
    if (e == NULL)
        return MHD_NO;
    if (e->phase == PHASE_HEAD) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        if (info == NULL || info->socket_context == NULL)
            return MHD_NO; /* there was no memory to watch over it */
        e->deadline = info->socket_context;
        deadline_set(s->deadlines, e->deadline, clock_mono_ns() + ANSWER_NS);
        counters_add(s->counters, C_HTTP_REQUESTS, 1);
        read_request(e, method);
        e->phase = PHASE_BODY;
        bool reads = strcmp(method, "GET") == 0 || e->rq.head;
        return reads ? MHD_YES : start(e); /* answered ahead of a body, the connection ends: nobody
                                              waits for the body */
    }
    if (*upload_size > 0) {
        *upload_size = 0;
        return MHD_YES;
    }
    return e->phase == PHASE_ANSWERED ? send_answer(e) : start(e);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request,
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
    http_response_fini(&e->rs);
    free(e);
    *request = NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct api_server *s = context;
    struct deadline *d = *socket_context;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        d = info ? calloc(1, sizeof *d) : NULL;
        if (d)
            deadline_add(s->deadlines, d, info->connect_fd, clock_mono_ns() + HEAD_NS);
        *socket_context = d;
    } else if (d) {
        deadline_remove(s->deadlines, d);
        free(d);
        *socket_context = NULL;
    }
}

/* ---- reader threads ---- */

static void *reader_main(void *context)
{
    struct reader_thread *t = context;
    struct api_server *s = t->server;
    void *item;

    while (!inbox_is_closed_and_empty(s->inbox)) {
        if (inbox_take(s->inbox, &item, 1, 1000) == 0)
            continue;
        struct http_exchange *e = item;
        struct exchange x = {.rq = &e->rq,
                             .rs = &e->rs,
                             .api = &s->context,
                             .reader = t->reader,
                             .counters = t->counters};
        api_dispatch(&x, false);
        e->phase = PHASE_ANSWERED;
        MHD_resume_connection(e->connection);
    }
    return NULL;
}

static int start_readers(struct api_server *s, struct why *why)
{
    for (unsigned i = 0; i < s->reader_count; i++) {
        struct reader_thread *t = &s->reader[i];
        t->server = s;
        t->counters = counters_block(s->config.counters);
        int err = t->counters ? store_reader_open(s->config.data_dir, &t->reader) : ERR_NOMEM;
        if (err) {
            why_set(why, "the database in %s cannot be opened for reading: %s", s->config.data_dir,
                    err_text(err));
            return err;
        }
        t->started = pthread_create(&t->thread, NULL, reader_main, t) == 0;
        if (!t->started) {
            why_set(why, "the threads of the API cannot be started: %s", strerror(errno));
            return ERR_NOMEM;
        }
    }
    return 0;
}

/* ---- start and stop ---- */

/* Beyond loopback only with a token to ask for and something in front that encrypts. */
static int check_exposure(struct api_server *s, struct addr a, struct why *why)
{
    struct store_reader *reader;
    unsigned tokens = 0;

    s->context.loopback_only = addr_is_loopback(a);
    if (s->context.loopback_only)
        return 0;
    if (!s->config.behind_proxy) {
        why_set(why,
                "the API does not listen on %s without encryption: bind it to 127.0.0.1, or put a "
                "TLS proxy in front and say so (behind_proxy = yes)",
                s->config.bind_address);
        return ERR_DENIED;
    }
    int err = store_reader_open(s->config.data_dir, &reader);
    if (err == 0) {
        err = store_token_count(reader, &tokens);
        store_reader_close(reader);
    }
    if (err == 0 && tokens > 0)
        return 0;
    why_set(why,
            "the API does not listen on %s while there is no token: make one with `earshot token` "
            "first",
            s->config.bind_address);
    return ERR_DENIED;
}

/* Every name that means us, with and without the port. */
static void allow_hosts(struct api_server *s)
{
    const char *names[] = {"127.0.0.1", "localhost", "[::1]", s->config.bind_address};
    bool bare_v6 = strchr(s->config.bind_address, ':') && s->config.bind_address[0] != '[';
    unsigned n = 0;

    if (s->config.behind_proxy)
        return;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool brackets = i == 3 && bare_v6;
        snprintf(s->context.hosts[n++], sizeof s->context.hosts[0], brackets ? "[%s]" : "%s",
                 names[i]);
        snprintf(s->context.hosts[n++], sizeof s->context.hosts[0], brackets ? "[%s]:%u" : "%s:%u",
                 names[i], s->port);
    }
}

static int start_daemon(struct api_server *s, struct addr a, int fd, struct why *why)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     (addr_is_v4(a) ? 0 : MHD_USE_IPv6);

    s->daemon =
        MHD_start_daemon(flags, s->port, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_NOTIFY_COMPLETED,
                         on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
                         MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_PER_IP_MAX,
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_BYTES_MAX,
                         MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_END);
    if (s->daemon)
        return 0;
    close(fd);
    why_set(why, "the HTTP server cannot be started on %s port %u: %s", s->config.bind_address,
            s->port, strerror(errno));
    return ERR_IO;
}

static int start_all(struct api_server *s, struct why *why)
{
    struct addr a;
    int fd = -1;

    if (!addr_parse(slice_str(s->config.bind_address), &a)) {
        why_set(why, "the API address `%s` is no IPv4 or IPv6 address", s->config.bind_address);
        return ERR_INVALID;
    }
    int err = check_exposure(s, a, why);
    if (err == 0)
        err = listen_open(&s->config, a, &fd, &s->port, why);
    if (err)
        return err;
    allow_hosts(s);
    s->inbox = inbox_new(CONNECTIONS_MAX);
    s->pipes = body_pipes_new();
    s->deadlines = deadlines_new();
    s->counters = counters_block(s->config.counters);
    if (s->inbox && s->pipes && s->deadlines && s->counters) {
        err = start_readers(s, why);
    } else {
        err = ERR_NOMEM;
        why_set(why, "there is no memory for the API");
    }
    if (err == 0)
        return start_daemon(s, a, fd, why);
    close(fd);
    return err;
}

int api_start(const struct api_config *config, struct api_server **ret_server, struct why *why)
{
    sigset_t all, before;
    struct api_server *s = calloc(1, sizeof *s);

    if (s == NULL) {
        why_set(why, "there is no memory for the API");
        return ERR_NOMEM;
    }
    assert(config->audit && config->counters);
    s->config = *config;
    s->context.config = &s->config;
    pthread_mutex_init(&s->context.budget_lock, NULL);
    pthread_mutex_init(&s->context.metrics_lock, NULL);
    crypto_random(s->context.cursor_key, sizeof s->context.cursor_key);
    s->reader_count = config->reader_threads ? config->reader_threads : READER_THREADS_DEFAULT;
    if (s->reader_count > READER_THREADS_MAX)
        s->reader_count = READER_THREADS_MAX;

    /* Signals are the main thread's: ours are born without them. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = start_all(s, why);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (err) {
        api_stop(s);
        return err;
    }
    *ret_server = s;
    return 0;
}

/* All parked connections must be resumed ahead of MHD_stop_daemon(): first the downloads, then what
 * waits in the inbox. */
void api_stop(struct api_server *s)
{
    if (s == NULL)
        return;
    atomic_store(&s->stopping, true);
    if (s->daemon)
        close(MHD_quiesce_daemon(s->daemon));
    if (s->pipes)
        body_pipes_stop(s->pipes);
    if (s->inbox)
        inbox_close(s->inbox);
    for (unsigned i = 0; i < s->reader_count; i++) {
        if (s->reader[i].started)
            pthread_join(s->reader[i].thread, NULL);
        store_reader_close(s->reader[i].reader);
    }
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    deadlines_free(s->deadlines);
    body_pipes_free(s->pipes);
    inbox_free(s->inbox);
    pthread_mutex_destroy(&s->context.budget_lock);
    pthread_mutex_destroy(&s->context.metrics_lock);
    free(s);
}

uint16_t api_port(const struct api_server *s)
{
    return s->port;
}
