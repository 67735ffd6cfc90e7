/* TCP segments: each 10 bytes of input describe one. A payload byte is the low byte of its sequence
 * number, so that what is handed on can be checked: it counts upwards, and on behind `lost`. Little
 * memory and few connections, so that every cap is met. */
#include <assert.h>
#include <stdlib.h>

#include "base/cursor.h"
#include "capture/net/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STREAMS_MAX 6u
#define BYTES_MAX   (24u << 10)
#define PAYLOAD_MAX 9000u
#define PORTS       8u

struct seen {
    uint64_t bytes[2];
    uint64_t lost[2];
    bool known[2]; /* what byte comes next */
    uint8_t next[2];
    bool refused;
};

struct wire {
    struct tcp *tcp;
    uint32_t seq[PORTS][2];
    int64_t time_ns;
    uint32_t open; /* connections that had data */
};

static bool on_data(void *context, struct tcp_peers *peers, const struct tcp_chunk *chunk)
{
    struct wire *w = context;
    struct seen *s = peers->user;
    unsigned side = chunk->side;
    if (s == NULL) {
        s = peers->user = calloc(1, sizeof *s);
        w->open++;
    }
    assert(s && !s->refused && side < 2);
    assert(chunk->lost > 0 || chunk->bytes.size > 0);
    assert(endpoint_equal(&chunk->segment->src, &peers->end[side]));
    assert(endpoint_equal(&chunk->segment->dst, &peers->end[1 - side]));
    bool unknown = chunk->lost == UINT32_MAX;
    s->known[side] &= !unknown;
    s->lost[side] += unknown ? 0 : chunk->lost;
    s->bytes[side] += chunk->bytes.size + (unknown ? 0 : chunk->lost);
    s->next[side] = (uint8_t)(s->next[side] + chunk->lost);
    for (size_t i = 0; i < chunk->bytes.size; i++) {
        assert(!s->known[side] || chunk->bytes.data[i] == s->next[side]);
        s->known[side] = true;
        s->next[side] = (uint8_t)(chunk->bytes.data[i] + 1);
    }
    assert(s->bytes[side] == peers->bytes[side] && s->lost[side] == peers->lost[side]);
    s->refused = chunk->bytes.size % 61 == 60;
    return !s->refused;
}

static void on_closed(void *context, struct tcp_peers *peers)
{
    struct wire *w = context;
    assert(peers->user);
    free(peers->user);
    peers->user = NULL;
    w->open--;
}

static struct endpoint end_of(unsigned port, unsigned side)
{
    return (struct endpoint){.addr = addr_v4(0x0a000001 + side),
                             .port = (uint16_t)(side ? 5060 : 1000 + port)};
}

/* Where the segment lies, as seen from the furthest so far of its direction. */
static uint32_t place(uint32_t from, uint8_t how, uint16_t value)
{
    switch (how & 7) {
    case 0:
        return from - value;
    case 1:
        return from + value;
    case 2:
        return from + (uint32_t)value * 65536;
    default:
        return from;
    }
}

static void one(struct wire *w, struct cursor *c, const uint8_t *ramp)
{
    uint8_t who = cursor_u8(c), flags = cursor_u8(c), how = cursor_u8(c), time = cursor_u8(c);
    uint16_t seq = cursor_u16(c), length = cursor_u16(c), ack = cursor_u16(c);
    if (c->failed)
        return;
    unsigned side = who & 1, port = who / 2 % PORTS;
    uint32_t *reach = w->seq[port];
    uint32_t at = place(reach[side], how, seq);
    uint32_t wire = flags & 0x20 ? length % PAYLOAD_MAX : length % 64;
    uint32_t cut = how & 0x80 ? wire / (2 + (how >> 4 & 3)) : 0;
    uint32_t first = at + ((flags & TCP_SYN) != 0);
    w->time_ns +=
        (int64_t)(time & 0x3f) * (time & 0x40 ? 100000000 : 1000000) * (time & 0x80 ? -1 : 1);
    struct datagram d = {.src = end_of(port, side),
                         .dst = end_of(port, 1 - side),
                         .payload = slice_of(ramp + (first & 0xff), wire - cut),
                         .payload_wire = wire,
                         .time_ns = w->time_ns,
                         .proto = PROTO_TCP,
                         .tcp_seq = at,
                         .tcp_ack = place(reach[1 - side], how >> 3, ack),
                         .tcp_flags = flags & 0x1f};
    tcp_segment(w->tcp, &d);
    if (flags & TCP_SYN || (int32_t)(first + wire - reach[side]) > 0)
        reach[side] = first + wire;
    if (time & 1)
        tcp_tick(w->tcp, w->time_ns);
    assert(tcp_count(w->tcp) <= STREAMS_MAX && w->open <= STREAMS_MAX);
    assert(tcp_bytes(w->tcp) <= BYTES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t ramp[PAYLOAD_MAX + 256];
    for (size_t i = sizeof ramp; i-- > 0 && ramp[1] == 0;)
        ramp[i] = (uint8_t)i;
    struct wire w = {.time_ns = INT64_C(1000000000000)};
    struct tcp_config config = {.seed = {1, 2},
                                .streams_max = STREAMS_MAX,
                                .bytes_max = BYTES_MAX,
                                .stream_bytes_max = 16 << 10};
    struct tcp_consumer consumer = {.context = &w, .data = on_data, .closed = on_closed};
    if (tcp_new(&config, &consumer, NULL, &w.tcp) != 0)
        return 0;
    struct cursor c = cursor_over(slice_of(data, size));
    while (cursor_left(&c) > 0 && !c.failed)
        one(&w, &c, ramp);
    tcp_finish(w.tcp);
    assert(tcp_count(w.tcp) == 0 && tcp_bytes(w.tcp) == 0 && w.open == 0);
    tcp_free(w.tcp);
    return 0;
}
