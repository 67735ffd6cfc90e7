/* Inside server.c and connection.c, which alone meet libmicrohttpd. */
#pragma once

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

#include "api/body_pipe.h"
#include "api/deadline.h"
#include "api/handlers.h"
#include "api/tls.h"
#include "base/inbox.h"

#define READER_THREADS_MAX 32
#define SECOND_NS          INT64_C(1000000000)

struct reader_thread {
    struct api_server *server;
    pthread_t thread;
    bool started;
    struct store_reader *reader;
    struct counters *counters;
};

#define LARGE_UPLOADS_MAX 8 /* bodies of which more than HTTP_UPLOAD_MAX bytes came in, at once, */
#define LARGE_UPLOADS_OF_ONE 2 /* and of one address: who they are is not known before their end */

struct http_exchange;

struct api_server {
    struct api_config config;
    struct api_context context;
    struct MHD_Daemon *_Atomic daemon; /* requests may come before the one who starts it has it */
    struct inbox *inbox;
    struct body_pipes *pipes, *listens;
    struct deadlines *deadlines;
    struct tls_keys *tls; /* NULL: none */
    struct counters *counters; /* of the accepting thread */
    struct reader_thread reader[READER_THREADS_MAX];
    unsigned reader_count;
    uint16_t port;
    atomic_bool stopping;
    const struct http_exchange *large_upload[LARGE_UPLOADS_MAX]; /* under way; of the accepting thread */
};

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_UPLOAD, PHASE_PARKED, PHASE_ANSWERED };

/* What a reader thread is to do with an exchange. */
enum work { WORK_ANSWER, WORK_WRITE, WORK_END };

/* A connection, from its first byte to its last. */
struct watched {
    struct deadline deadline;
    struct api_server *server;
};

struct http_exchange {
    struct api_server *server;
    struct MHD_Connection *connection;
    struct deadline *deadline;
    struct http_request rq;
    struct http_response rs;
    enum phase phase;
    bool counted_stream;
    bool large_upload; /* has a place there */
    bool uri_good;
    bool uploads;        /* its body is taken while it comes */
    bool head_seen_again;
    enum work work;
    struct identity who; /* of an upload: who asked */
    uint64_t taken;      /* bytes of it */
    struct buf upload; /* the request's body as it comes in; of an upload the next piece */
    char uri[]; /* as sent; cut into path and query in place */
};

/* What the library calls; all on the accepting thread. */
void *connection_on_uri(void *context, const char *uri, struct MHD_Connection *connection);
enum MHD_Result connection_on_request(void *context, struct MHD_Connection *connection,
                                      const char *url, const char *method, const char *version,
                                      const char *upload, size_t *upload_size, void **request);
void connection_on_completed(void *context, struct MHD_Connection *connection, void **request,
                             enum MHD_RequestTerminationCode code);
/* On a reader thread: what waits of the exchange. */
void connection_work(struct http_exchange *e, struct exchange *x);
/* Which certificate; in the manner of the TLS library. */
int connection_on_certificate(gnutls_session_t session, const gnutls_datum_t *names, int name_count,
                              const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **ret_chain,
                              unsigned *ret_count, gnutls_privkey_t *ret_key);
void connection_on_event(void *context, struct MHD_Connection *connection, void **socket_context,
                         enum MHD_ConnectionNotificationCode code);
