/* Datagrams of agents and gateways, any bytes: the parser stays within each, calls stay within the
 * table and all end. A datagram is: step in units of 50 ms, ends (two nibbles), length, bytes. */
#include <assert.h>

#include "base/cursor.h"
#include "capture/call/expire.h"
#include "capture/call/flows.h"
#include "capture/call/foreign_calls.h"
#include "capture/foreign/mgcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take(void *context, unsigned worker, const struct event *event)
{
    int *calls = context;
    (void)worker;
    *calls += (event->kind == EVENT_CALL_STARTED) - (event->kind == EVENT_CALL_ENDED);
    if (event->kind == EVENT_CALL_ENDED)
        call_free(event->ended.call);
    assert(*calls >= 0);
    return true;
}

static void parse(struct slice datagram)
{
    struct slice rest = datagram;
    struct mgcp_msg m;
    bool first = true;
    while (mgcp_next(&rest, &m)) {
        assert(m.whole.data >= datagram.data &&
               m.whole.data + m.whole.size <= datagram.data + datagram.size);
        bool indented =
            datagram.data[0] == ' ' || datagram.data[0] == '\t'; /* next() forgives it */
        assert(!first || indented || mgcp_is_command(datagram) == m.command || m.whole.size > 1024);
        mgcp_has_event(m.observed, "hu");
        first = false;
    }
}

/* 10.0.0.1 to 10.0.0.4, ports of gateways, agents and media. */
static struct endpoint end_of(unsigned nibble)
{
    static const uint16_t ports[] = {2427, 2727, 4000, 4001};
    return (struct endpoint){.addr = addr_v4(0x0a000001 + (nibble >> 2)),
                             .port = ports[nibble & 3]};
}

static void play(struct calls *c, struct foreign_calls *f, struct cursor *in)
{
    int64_t step_ns = cursor_u8(in) * INT64_C(50000000);
    uint8_t ends = cursor_u8(in);
    uint8_t length = cursor_u8(in);
    struct slice body = cursor_slice(in, length < cursor_left(in) ? length : cursor_left(in));
    c->time_ns = c->steady_ns += step_ns;
    expire_advance(c);
    struct datagram d = {.src = end_of(ends >> 4),
                         .dst = end_of(ends & 15),
                         .payload = body,
                         .payload_wire = (uint32_t)body.size,
                         .time_ns = c->time_ns,
                         .proto = PROTO_UDP,
                         .transport = PROTO_UDP};
    parse(body);
    if (!foreign_calls_datagram(f, &d) && body.size)
        flows_packet(c, &d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct calls c;
    static struct counters counters;
    struct foreign_calls *f = NULL;
    struct front_config config;
    int calls = 0;
    front_config_defaults(&config);
    config.seed = (struct hash_seed){1, 2};
    config.calls_max = 8;
    config.flows_max = 32;
    config.turn_max = 4;
    config.users = false;
    config.held_bytes_max = 8192;
    struct event_sink sink = {.context = &calls, .workers = 1, .push = take};
    if (calls_init(&c, &config, &sink, &counters) != 0)
        return 0;
    if (foreign_calls_new(&c, &f) == 0) {
        struct cursor in = cursor_over(slice_of(data, size));
        c.time_ns = c.steady_ns = INT64_C(1700000000000000000);
        while (cursor_left(&in) >= 3)
            play(&c, f, &in);
    }
    expire_all(&c, CALL_END_CUT);
    assert(calls == 0);
    foreign_calls_free(f);
    calls_fini(&c);
    return 0;
}
