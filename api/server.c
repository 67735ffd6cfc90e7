/* The service: the listening socket, libmicrohttpd's daemon (met here and in connection.c alone),
 * and a small pool of reader threads for what needs the database, each with a read-only connection
 * of its own.
 *
 * Bounds: connections in all and per address, bytes of a request head, silence (library), total
 * time (deadline.c), downloads made while sent (body_pipe.c). */
#include "api/server.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/connection.h"
#include "api/listen.h"
#include "api/live_watch.h"
#include "api/route_stats.h"
#include "base/clock.h"
#include "base/crypto.h"

#define CONNECTIONS_MAX        512
#define CONNECTIONS_PER_IP_MAX 128
#define CONNECTIONS_PROXY_MAX  384 /* of a proxy, behind which everybody has its address */
#define HEAD_BYTES_MAX         (32u << 10)
#define IDLE_SECONDS           30
#define READER_THREADS_DEFAULT 4
#define SESSION_IDLE_US        (1800 * INT64_C(1000000))
#define READER_NICE            5
#define SESSION_MAX_US         (12 * 3600 * INT64_C(1000000))

/* ---- reader threads ---- */

static void *reader_main(void *context)
{
    struct reader_thread *t = context;
    struct api_server *s = t->server;
    void *item;

    /* Who asks waits for who captures and writes. */
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), READER_NICE);
    while (!inbox_is_closed_and_empty(s->inbox)) {
        if (inbox_take(s->inbox, &item, 1, 1000) == 0) {
            audit_merge_flush(s->context.merge, clock_wall_ns() / 1000);
            continue;
        }
        struct http_exchange *e = item;
        struct exchange x = {.rq = &e->rq,
                             .rs = &e->rs,
                             .api = &s->context,
                             .reader = t->reader,
                             .counters = t->counters};
        connection_work(e, &x);
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
        if (!err)
            store_reader_describes(t->reader, s->config.describe);
        if (!err)
            store_reader_shares(t->reader, s->config.columns);
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

static unsigned local_scopes(const char *role)
{
    if (role == NULL || strcmp(role, "all") == 0)
        return SCOPE_ALL;
    return auth_role_scopes(role);
}

/* Beyond loopback only with a token to ask for and something in front that encrypts. */
static int check_exposure(struct api_server *s, struct addr a, struct why *why)
{
    struct store_reader *reader;
    unsigned tokens = 0;

    s->context.loopback_only = addr_is_loopback(a);
    if (s->context.loopback_only) {
        /* what a proxy on this machine passes on comes from loopback, too */
        s->context.local_scopes = s->config.behind_proxy ? 0 : local_scopes(s->config.local_role);
        return 0;
    }
    if (!s->config.behind_proxy && s->tls == NULL) {
        why_set(why,
                "the API does not listen on %s without encryption: bind it to 127.0.0.1, give it a "
                "certificate ([api] certificate, private_key), or put a TLS proxy in front and say so (behind_proxy = yes)",
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
    struct slice more = slice_str(s->config.hosts ? s->config.hosts : "");
    unsigned n = 0;

    if (s->config.behind_proxy && more.size == 0)
        return;
    s->context.any_address = !s->context.loopback_only;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool brackets = i == 3 && bare_v6;
        snprintf(s->context.hosts[n++], sizeof s->context.hosts[0], brackets ? "[%s]" : "%s",
                 names[i]);
        snprintf(s->context.hosts[n++], sizeof s->context.hosts[0], brackets ? "[%s]:%u" : "%s:%u",
                 names[i], s->port);
    }
    while (more.size && n + 2 <= HOSTS_MAX) {
        struct slice name = slice_trim(slice_cut(&more, ','));
        if (name.size == 0)
            continue;
        snprintf(s->context.hosts[n++], sizeof s->context.hosts[0], "%.*s", SLICE_ARGS(name));
        snprintf(s->context.hosts[n++], sizeof s->context.hosts[0], "%.*s:%u", SLICE_ARGS(name), s->port);
    }
}

/* Through a byte array: a pointer to a function does not fit the library's option as it is. */
static void tls_options(const struct api_server *s, struct MHD_OptionItem options[3])
{
    static char priorities[] = TLS_PRIORITIES;
    int (*certificate)(gnutls_session_t, const gnutls_datum_t *, int, const gnutls_pk_algorithm_t *, int,
                       gnutls_pcert_st **, unsigned *, gnutls_privkey_t *) = connection_on_certificate;

    if (s->tls == NULL)
        return;
    options[0] = (struct MHD_OptionItem){.option = MHD_OPTION_HTTPS_PRIORITIES, .ptr_value = priorities};
    options[1] = (struct MHD_OptionItem){.option = MHD_OPTION_HTTPS_CERT_CALLBACK};
    static_assert(sizeof certificate == sizeof options[1].ptr_value, "POSIX says so");
    memcpy(&options[1].ptr_value, &certificate, sizeof certificate);
}

static int start_daemon(struct api_server *s, struct addr a, int fd, struct why *why)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
                     (addr_is_v4(a) ? 0 : MHD_USE_IPv6) | (s->tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};

    tls_options(s, tls);

    s->daemon = MHD_start_daemon(
        flags, s->port, NULL, NULL, connection_on_request, s, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_URI_LOG_CALLBACK, connection_on_uri, s, MHD_OPTION_NOTIFY_COMPLETED,
        connection_on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, connection_on_event, s,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)(s->config.behind_proxy ? CONNECTIONS_PROXY_MAX : CONNECTIONS_PER_IP_MAX), MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HEAD_BYTES_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
        MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
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
    bool encrypted = s->config.tls_certificate && s->config.tls_certificate[0];
    int err = encrypted ? tls_keys_open(s->config.tls_certificate, s->config.tls_private_key, &s->tls, why) : 0;
    if (err == 0)
        err = check_exposure(s, a, why);
    if (err == 0)
        err = listen_open(&s->config, a, &fd, &s->port, why);
    if (err)
        return err;
    allow_hosts(s);
    s->inbox = inbox_new(CONNECTIONS_MAX);
    s->pipes = body_pipes_new(STREAMS_MAX);
    s->listens = body_pipes_new(LISTENERS_SLOTS);
    s->deadlines = deadlines_new();
    s->counters = counters_block(s->config.counters);
    s->context.gauges = counters_block(s->config.counters);
    if (s->inbox && s->pipes && s->listens && s->deadlines && s->counters && s->context.gauges && s->context.sessions &&
        s->context.attempts && s->context.merge && s->context.rates) {
        err = start_readers(s, why);
    } else {
        err = ERR_NOMEM;
        why_set(why, "there is no memory for the API");
    }
    if (err == 0 && s->config.live_events)
        err = live_events_start(s->config.live_events, &s->context);
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
    assert(config->audit && config->put_tags && config->counters);
    s->config = *config;
    s->context.config = &s->config;
    s->context.sessions = sessions_new(config->session_idle_us ? config->session_idle_us : SESSION_IDLE_US,
                                       config->session_max_us ? config->session_max_us : SESSION_MAX_US);
    s->context.attempts = attempts_new();
    const struct audit_out audit = {.context = config->context, .put = config->audit};
    s->context.merge = audit_merge_new(&audit);
    s->context.route_stats = route_stats_new();
    s->context.rates = rates_new(config->rate);
    pthread_mutex_init(&s->context.budget_lock, NULL);
    pthread_mutex_init(&s->context.metrics_lock, NULL);
    crypto_random(s->context.cursor_key, sizeof s->context.cursor_key);
    crypto_random(s->context.link_key, sizeof s->context.link_key);
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
    if (s->listens)
        body_pipes_stop(s->listens);
    live_events_stop(s->config.live_events);
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
    body_pipes_free(s->listens);
    inbox_free(s->inbox);
    sessions_free(s->context.sessions);
    attempts_free(s->context.attempts);
    audit_merge_free(s->context.merge);
    route_stats_free(s->context.route_stats);
    rates_free(s->context.rates);
    tls_keys_close(s->tls);
    pthread_mutex_destroy(&s->context.budget_lock);
    pthread_mutex_destroy(&s->context.metrics_lock);
    free(s);
}

static void show(struct api_server *s, const char *table, uint64_t now, uint64_t limit)
{
    unsigned i = label_find(LABELS_TABLE, slice_str(table));

    counters_set(s->context.gauges, C_TABLE_LIMIT + i, limit);
    counters_set_level(s->context.gauges, C_TABLE_SIZE + i, COUNTERS_TABLE_UP, now);
}

void api_refresh_gauges(struct api_context *api)
{
    struct api_server *s = (struct api_server *)(void *)((char *)api - offsetof(struct api_server, context));
    struct MHD_Daemon *daemon = s->daemon;
    const union MHD_DaemonInfo *open = daemon ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS) : NULL;

    show(s, "connections", open ? open->num_connections : 0, CONNECTIONS_MAX);
    show(s, "sessions", sessions_count(api->sessions, clock_wall_ns() / 1000), SESSIONS_MAX);
    show(s, "downloads", body_pipes_busy(s->pipes), STREAMS_MAX);
}

int api_reload(struct api_server *s, struct why *why)
{
    return s->tls ? tls_keys_reload(s->tls, why) : 0;
}

uint16_t api_port(const struct api_server *s)
{
    return s->port;
}
