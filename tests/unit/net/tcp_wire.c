#include "tests/unit/net/tcp_wire.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/guard.h"

static bool on_data(void *context, struct tcp_peers *peers, const struct tcp_chunk *chunk)
{
    struct wire *w = context;
    struct conn_log *log = peers->user;
    if (log == NULL) {
        cr_assert_lt(w->conns, CONNS);
        log = peers->user = &w->log[w->conns++];
        for (unsigned side = 0; side < 2; side++)
            buf_init(&log->bytes[side], 1 << 24);
    }
    cr_assert(chunk->lost > 0 || chunk->bytes.size > 0);
    cr_assert(endpoint_equal(&chunk->segment->src, &peers->end[chunk->side]));
    cr_assert(endpoint_equal(&chunk->segment->dst, &peers->end[1 - chunk->side]));
    if (chunk->lost == UINT32_MAX)
        buf_char(&log->bytes[chunk->side], '~');
    for (uint32_t i = 0; i < chunk->lost && chunk->lost != UINT32_MAX; i++)
        buf_char(&log->bytes[chunk->side], '?');
    buf_slice(&log->bytes[chunk->side], chunk->bytes);
    log->peers = *peers;
    log->chunks++;
    log->newest_ns = chunk->segment->time_ns;
    log->segment = *chunk->segment;
    log->last_data = chunk->bytes.data;
    size_t n = w->refuse ? strlen(w->refuse) : 0;
    return !(w->refuse && chunk->bytes.size >= n && memcmp(chunk->bytes.data, w->refuse, n) == 0);
}

static void on_closed(void *context, struct tcp_peers *peers)
{
    (void)context;
    struct conn_log *log = peers->user;
    cr_assert_not_null(log);
    log->peers = *peers;
    log->closed++;
}

struct wire *wire_new(const struct tcp_config *config)
{
    struct wire *w = calloc(1, sizeof *w);
    struct tcp_config defaults = {.seed = {5, 6}};
    w->counters = calloc(1, sizeof *w->counters);
    w->end[CLIENT] = (struct endpoint){.addr = addr_v4(0xc0000201), .port = 40000};
    w->end[SERVER] = (struct endpoint){.addr = addr_v4(0xc6336402), .port = 5060};
    w->isn[CLIENT] = UINT32_MAX - 2;
    w->isn[SERVER] = UINT32_MAX - 4;
    w->time_ns = 1700000000 * SECOND;
    w->tick_ns = w->time_ns;
    struct tcp_consumer consumer = {.context = w, .data = on_data, .closed = on_closed};
    cr_assert_eq(tcp_new(config ? config : &defaults, &consumer, w->counters, &w->tcp), 0);
    return w;
}

void wire_free(struct wire *w)
{
    tcp_free(w->tcp);
    for (unsigned i = 0; i < w->conns; i++) {
        cr_assert_eq(w->log[i].closed, 1);
        for (unsigned side = 0; side < 2; side++)
            buf_fini(&w->log[i].bytes[side]);
    }
    free(w->counters);
    free(w);
}

void wire_pass(struct wire *w, int64_t ns)
{
    w->time_ns += ns;
    for (; w->tick_ns <= w->time_ns; w->tick_ns += 100 * MS)
        tcp_tick(w->tcp, w->tick_ns);
}

void wire_bytes(struct wire *w, unsigned side, uint32_t seq, uint8_t flags, struct slice bytes,
                uint32_t cut)
{
    struct slice copy = guard_copy(slice_sub(bytes, 0, bytes.size - cut));
    struct datagram d = {.src = w->end[side],
                         .dst = w->end[1 - side],
                         .payload = copy,
                         .payload_wire = (uint32_t)bytes.size,
                         .time_ns = w->time_ns,
                         .vlan_outer = (uint16_t)(w->vlan + side),
                         .proto = PROTO_TCP,
                         .transport = TRANSPORT_TCP,
                         .ttl = 64,
                         .tcp_seq = w->isn[side] + seq,
                         .tcp_flags = flags};
    if (w->ack) {
        d.tcp_ack = w->isn[1 - side] + w->ack;
        d.tcp_flags |= TCP_ACK;
        w->ack = 0;
    }
    tcp_segment(w->tcp, &d);
    guard_free(copy);
}

void wire_send(struct wire *w, unsigned side, uint32_t seq, const char *text)
{
    wire_bytes(w, side, seq, TCP_PSH, slice_str(text), 0);
}

void wire_flags(struct wire *w, unsigned side, uint32_t seq, uint8_t flags)
{
    wire_bytes(w, side, seq, flags, slice_none(), 0);
}

void wire_ack(struct wire *w, unsigned side, uint32_t seq, uint32_t ack)
{
    w->ack = ack;
    wire_flags(w, side, seq, TCP_ACK);
}

void wire_open(struct wire *w)
{
    wire_flags(w, CLIENT, 0, TCP_SYN);
    w->ack = 1;
    wire_flags(w, SERVER, 0, TCP_SYN);
    wire_ack(w, CLIENT, 1, 1);
}

const char *wire_got(struct wire *w, unsigned conn, unsigned side)
{
    return conn < w->conns ? buf_text(&w->log[conn].bytes[side]) : "(no connection)";
}

uint64_t wire_timeouts(const struct wire *w)
{
    return w->counters->cell[C_REASSEMBLY_TIMEOUTS + label_find(LABELS_LAYER, slice_str("tcp"))];
}

uint64_t wire_evicted(const struct wire *w, const char *reason)
{
    return w->counters->cell[C_TCP_EVICTED + label_find(LABELS_EVICTED, slice_str(reason))];
}
