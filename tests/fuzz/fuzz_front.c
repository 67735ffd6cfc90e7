/* Whole scenes: the input is a list of datagrams between a few endpoints, each with its time step.
 * What the front holds must stay within its bounds and everything that began must end. A datagram
 * is: step in units of 50 ms, endpoints (two nibbles), length (16 bits), bytes. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "capture/front.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FLOWS_MAX 32

struct book {
    int calls;
    uint32_t flow[FLOWS_MAX]; /* call number + 1 of a flow that is bound */
};

/* Media belongs to a flow that is bound, and to its call. */
static void note_flow(struct book *b, const struct event *event)
{
    bool of_flow = event->kind == EVENT_FLOW_BOUND || event->kind == EVENT_FLOW_GONE ||
                   event->kind == EVENT_MEDIA;
    if (!of_flow)
        return;
    assert(event->flow < FLOWS_MAX);
    uint32_t *call = &b->flow[event->flow];
    if (event->kind == EVENT_FLOW_BOUND && *call == 0)
        *call = event->call + 1;
    assert(*call == event->call + 1);
    if (event->kind == EVENT_FLOW_GONE)
        *call = 0;
}

/* What pauses a recording: one of the words, with a text that ends. */
static void note_control(const struct event *event)
{
    struct event_control e;
    if (event->kind != EVENT_CONTROL)
        return;
    assert(event->body.size == sizeof e);
    memcpy(&e, event->body.data, sizeof e);
    assert(e.kind == CONTROL_PAUSE || e.kind == CONTROL_RESUME || (e.kind == CONTROL_KEY && e.key));
    assert(memchr(e.means, '\0', sizeof e.means) != NULL && e.means[0]);
}

static bool take(void *context, unsigned worker, const struct event *event)
{
    struct book *b = context;
    (void)worker;
    note_flow(b, event);
    note_control(event);
    b->calls += (event->kind == EVENT_CALL_STARTED) - (event->kind == EVENT_CALL_ENDED);
    if (event->kind == EVENT_CALL_ENDED)
        call_free(event->ended.call);
    assert(b->calls >= 0);
    return event->kind != EVENT_MEDIA || event->time_ns % 3;
}

/* 10.0.0.1 to 10.0.0.4, ports 4000, 4001, 5000 and 5060. */
static void put_end(struct buf *frame, unsigned nibble)
{
    buf_u32(frame, 0x0a000001 + (nibble >> 2));
}

static uint16_t port_of(unsigned nibble)
{
    static const uint16_t ports[] = {4000, 4001, 5000, 5060};
    return ports[nibble & 3];
}

static void play(struct front *f, struct cursor *in, int64_t *time_ns)
{
    *time_ns += cursor_u8(in) * INT64_C(50000000);
    uint8_t ends = cursor_u8(in);
    uint16_t length = cursor_u16(in);
    struct slice body = cursor_slice(in, length < cursor_left(in) ? length : cursor_left(in));
    struct buf frame;
    buf_init(&frame, 1 << 17);
    buf_u16(&frame, 0x4500);
    buf_u16(&frame, (uint16_t)(body.size + 28));
    buf_u32(&frame, 0);
    buf_u16(&frame, 64 << 8 | PROTO_UDP);
    buf_u16(&frame, 0);
    put_end(&frame, ends >> 4);
    put_end(&frame, ends & 15);
    buf_u16(&frame, port_of(ends >> 4));
    buf_u16(&frame, port_of(ends & 15));
    buf_u16(&frame, (uint16_t)(body.size + 8));
    buf_u16(&frame, 0);
    buf_slice(&frame, body);
    struct frame out = {.bytes = buf_view(&frame),
                        .wire_bytes = (uint32_t)frame.size,
                        .link_type = LINK_RAW,
                        .time_ns = *time_ns};
    if (!frame.failed)
        front_frame(f, &out);
    buf_fini(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct counters counters;
    struct book book = {0};
    struct front_config config;
    front_config_defaults(&config);
    config.seed = (struct hash_seed){1, 2};
    config.calls_max = 8;
    config.flows_max = FLOWS_MAX;
    config.turn_max = 8;
    config.transactions_max = config.registrations_max = config.subscriptions_max = 8;
    config.peers_max = config.user_agents_max = 8;
    config.alias_count = 1;
    config.alias[0] = (struct front_alias){addr_v4(0x0a000004), addr_v4(0x0a000003)};
    config.held_bytes_max = 8192;
    config.control_sip = config.control_keys = true;
    config.control_header_count = 1;
    snprintf(config.control_headers[0], sizeof config.control_headers[0], "X-Record-Control");
    /* Small tables: under ASan an input would cost 50 ms to set up. */
    config.dedupe = false;
    config.net.fragment_bytes_max = 1 << 17;
    config.net.fragment_count_max = 8;
    config.streams.tcp = (struct tcp_config){.streams_max = 8, .bytes_max = 1 << 16};
    config.streams.sctp = (struct sctp_config){.associations_max = 8, .bytes_max = 1 << 16};
    config.streams.tls = (struct tls_config){.secrets_max = 8, .tickets_max = 8};
    struct event_sink sink = {.context = &book, .workers = 2, .push = take};
    struct front *f = NULL;
    if (front_new(&config, &sink, &counters, &f) != 0)
        return 0;
    struct cursor in = cursor_over(slice_of(data, size));
    int64_t time_ns = INT64_C(1700000000000000000);
    while (cursor_left(&in) >= 4)
        play(f, &in, &time_ns);
    front_finish(f, CALL_END_CUT);
    assert(book.calls == 0);
    front_free(f);
    return 0;
}
