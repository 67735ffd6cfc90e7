/* Connections: what TCP delivers goes to the content that was recognised, what comes out of it is
 * given the addresses and times of the segment that brought it. */
#include "capture/streams.h"

#include <stdlib.h>

#include "base/error.h"
#include "capture/stream_content.h"

#define MESSAGE_MAX_DEFAULT  (128u << 10)
#define GATHERED_MAX_DEFAULT ((size_t)64 << 20)

static const uint16_t tls_ports_default[] = {5061, 8089, 7443, 10443};

/* ---- messages ---- */

static void fill_ends(const struct conn *conn, unsigned side, struct datagram *d)
{
    d->src = conn->peers->end[side];
    d->dst = conn->peers->end[!side];
}

/* A connection is counted when it has shown what it is, and again when that changes. */
static void count_visibility(struct conn *conn, enum visibility v)
{
    struct streams *s = conn->streams;
    if (conn->counted && conn->visibility == v)
        return;
    conn->counted = true;
    conn->visibility = (uint8_t)v;
    if (s->counters)
        counters_add(s->counters, C_SIGNALLING_FLOWS + v, 1);
}

void conn_message(struct conn *conn, bool secure, bool web, struct slice text, bool whole)
{
    struct datagram d = conn->last[conn->now_side];
    fill_ends(conn, conn->now_side, &d);
    d.proto = PROTO_TCP;
    d.transport = (uint8_t)(web      ? (secure ? TRANSPORT_WSS : TRANSPORT_WS)
                            : secure ? TRANSPORT_TLS
                                     : TRANSPORT_TCP);
    d.payload = text;
    d.payload_wire = (uint32_t)text.size;
    d.time_ns = conn->now_ns;
    count_visibility(conn, secure ? VISIBLE_DECRYPTED : VISIBLE_CLEAR);
    conn->streams->user.message(conn->streams->user.context, &d, whole);
}

bool conn_foreign(struct conn *conn, unsigned side, struct slice bytes, bool first)
{
    const struct streams_user *user = &conn->streams->user;
    if (user->foreign == NULL)
        return false;
    struct datagram d = conn->last[side];
    fill_ends(conn, side, &d);
    d.payload = bytes;
    d.payload_wire = (uint32_t)bytes.size;
    return user->foreign(user->context, &d, first, &conn->foreign);
}

/* ---- memory ---- */

static void account(struct conn *conn)
{
    struct streams *s = conn->streams;
    size_t now = content_bytes(&conn->outer) + content_bytes(&conn->inner);
    s->gathered += now - conn->gathered;
    conn->gathered = now;
}

static bool over_limit(struct conn *conn)
{
    account(conn);
    return conn->streams->gathered > conn->streams->config.gathered_max && conn->gathered > 0;
}

/* Whole messages in one segment gather nothing, so a flood of halves does not reach them. What is
 * `borrowed`, bytes of the outer content that TLS is reading, must stay. */
static void limit(struct conn *conn, bool borrowed)
{
    if (__builtin_expect(!over_limit(conn), 1))
        return;
    content_forget(&conn->inner);
    if (!borrowed)
        content_forget(&conn->outer);
    account(conn);
    if (conn->streams->counters)
        counters_add(conn->streams->counters, C_STREAM_HALVES_DROPPED, 1);
}

/* ---- TLS ---- */

static bool is_signalling_port(const struct streams *s, uint16_t port)
{
    for (unsigned i = 0; i < s->config.tls_port_count; i++) {
        if (s->config.tls_ports[i] == port)
            return true;
    }
    return false;
}

static void tell_encrypted(struct conn *conn, bool over)
{
    struct streams *s = conn->streams;
    const struct tls_info *info = tls_conn_info(conn->tls);
    bool open = conn->inner.kind == CONTENT_SIP || conn->inner.kind == CONTENT_WEB;
    if (!open && !conn->signalling_port)
        return; /* somebody's web pages */
    enum visibility v = open ? VISIBLE_DECRYPTED : VISIBLE_BLIND;
    unsigned server = !tls_conn_client(conn->tls);
    if (info->version == 0) /* no handshake was seen */
        server = is_signalling_port(s, conn->peers->end[0].port) ? 0 : 1;
    struct encrypted_flow flow = {
        .client = conn->peers->end[!server],
        .server = conn->peers->end[server],
        .first_ns = conn->peers->first_ns,
        .last_ns = conn->peers->last_ns,
        .visibility = (uint8_t)v,
        .over = over,
        .tls = *info,
    };
    conn->told = true;
    count_visibility(conn, v);
    if (s->user.encrypted)
        s->user.encrypted(s->user.context, &flow);
}

static void on_plain(void *context, unsigned side, struct slice plain, int64_t time_ns)
{
    struct conn *conn = context;
    enum content_kind before = conn->inner.kind;
    conn->now_side = side ^ tls_conn_client(conn->tls); /* as TCP numbers them */
    conn->now_ns = time_ns;
    if (plain.size == 0) { /* something was lost here */
        content_lost(&conn->inner, side);
        return;
    }
    if (before != CONTENT_NOTHING)
        (void)content_feed(&conn->inner, side, plain, 0);
    if (conn->inner.kind != before && conn->inner.kind != CONTENT_NOTHING)
        tell_encrypted(conn, false);
    limit(conn, true);
}

bool conn_start_tls(struct conn *conn)
{
    struct streams *s = conn->streams;
    conn->signalling_port = is_signalling_port(s, conn->peers->end[0].port) ||
                            is_signalling_port(s, conn->peers->end[1].port);
    if (!conn->signalling_port && !s->config.keys)
        return false;
    conn->tls = tls_conn_new(s->tls, on_plain, conn);
    content_init(&conn->inner, conn, true);
    return conn->tls != NULL;
}

static bool is_closed_book(enum tls_state state)
{
    return state == TLS_BLIND || state == TLS_WRONG_KEY || state == TLS_UNSUPPORTED ||
           state == TLS_BROKEN;
}

bool conn_feed_tls(struct conn *conn, unsigned side, struct slice bytes, uint32_t lost)
{
    tls_conn_feed(conn->streams->tls, conn->tls, side, bytes, lost, conn->now_ns);
    if (conn->signalling_port) { /* its bytes are of interest even when nobody can read them */
        if (!conn->told && is_closed_book(tls_conn_info(conn->tls)->state))
            tell_encrypted(conn, false);
        return true;
    }
    return !is_closed_book(tls_conn_info(conn->tls)->state) && conn->inner.kind != CONTENT_NOTHING;
}

/* ---- TCP ---- */

static struct conn *conn_new(struct streams *s, struct tcp_peers *peers)
{
    struct conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        return NULL;
    conn->streams = s;
    conn->peers = peers;
    content_init(&conn->outer, conn, false);
    return conn;
}

static void conn_free(struct conn *conn)
{
    if (conn == NULL)
        return;
    if (conn->tls)
        tls_conn_free(conn->streams->tls, conn->tls);
    content_fini(&conn->outer);
    content_fini(&conn->inner);
    account(conn);
    if (conn->foreign && conn->streams->user.foreign_closed)
        conn->streams->user.foreign_closed(conn->streams->user.context, conn->foreign);
    free(conn);
}

static bool on_data(void *context, struct tcp_peers *peers, const struct tcp_chunk *chunk)
{
    struct streams *s = context;
    if (peers->user == NULL)
        peers->user = conn_new(s, peers);
    struct conn *conn = peers->user;
    if (conn == NULL)
        return false;
    if (chunk->segment) {
        conn->last[chunk->side] = *chunk->segment;
        conn->now_ns = chunk->segment->time_ns;
    }
    conn->now_side = chunk->side;
    if (content_feed(&conn->outer, chunk->side, chunk->bytes, chunk->lost)) {
        limit(conn, false);
        return true;
    }
    peers->user = NULL;
    conn_free(conn);
    return false;
}

static void on_closed(void *context, struct tcp_peers *peers)
{
    (void)context;
    struct conn *conn = peers->user;
    if (conn == NULL)
        return;
    content_end(&conn->outer);
    if (conn->tls) {
        content_end(&conn->inner);
        tell_encrypted(conn, true);
    }
    peers->user = NULL;
    conn_free(conn);
}

/* ---- SCTP ---- */

static void on_sctp_message(void *context, const struct datagram *message, uint32_t protocol)
{
    struct streams *s = context;
    (void)protocol; /* 0 in the field as often as anything else */
    s->user.message(s->user.context, message, true);
}

/* ---- the whole ---- */

static int parts_new(struct streams *s)
{
    struct tcp_consumer consumer = {.context = s, .data = on_data, .closed = on_closed};
    int err = tcp_new(&s->config.tcp, &consumer, s->counters, &s->tcp);
    if (err == 0)
        err = sctp_new(&s->config.sctp, on_sctp_message, s, s->counters, &s->sctp);
    return err ? err : tls_new(&s->config.tls, s->counters, &s->tls);
}

int streams_new(const struct streams_config *config, const struct streams_user *user,
                struct counters *counters, struct streams **ret_streams)
{
    struct streams *s = calloc(1, sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    s->config = *config;
    s->user = *user;
    s->counters = counters;
    s->config.tcp.seed = s->config.sctp.seed = s->config.tls.seed = config->seed;
    if (s->config.message_max == 0)
        s->config.message_max = MESSAGE_MAX_DEFAULT;
    if (s->config.gathered_max == 0)
        s->config.gathered_max = GATHERED_MAX_DEFAULT;
    if (s->config.tls_port_count == 0) {
        memcpy(s->config.tls_ports, tls_ports_default, sizeof tls_ports_default);
        s->config.tls_port_count = sizeof tls_ports_default / sizeof *tls_ports_default;
    }
    int err = parts_new(s);
    if (err) {
        streams_free(s);
        return err;
    }
    *ret_streams = s;
    return 0;
}

void streams_free(struct streams *s)
{
    if (s == NULL)
        return;
    tcp_free(s->tcp); /* closes its connections, which still need the others */
    sctp_free(s->sctp);
    tls_free(s->tls);
    free(s);
}

void streams_packet(struct streams *s, const struct datagram *packet)
{
    if (packet->proto == PROTO_TCP)
        tcp_segment(s->tcp, packet);
    else
        sctp_packet(s->sctp, packet);
}

void streams_tick(struct streams *s, int64_t now_ns)
{
    tcp_tick(s->tcp, now_ns);
    sctp_tick(s->sctp, now_ns);
}

void streams_finish(struct streams *s)
{
    tcp_finish(s->tcp);
}

struct tls *streams_tls(struct streams *s)
{
    return s->tls;
}

void streams_expect_keys(struct streams *s)
{
    s->config.keys = true;
}
