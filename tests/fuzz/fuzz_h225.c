/* Any bytes as an H.225 connection: pieces of both directions, calls begin and end. A piece is:
 * side and time step (one bit, seven), length, bytes. However a direction is cut, the framer gives
 * the same messages. */
#include <assert.h>

#include "base/cursor.h"
#include "capture/call/expire.h"
#include "capture/call/foreign_calls.h"
#include "capture/foreign/h225.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool take(void *context, unsigned worker, const struct event *event)
{
    int *calls = context;
    (void)worker;
    *calls += (event->kind == EVENT_CALL_STARTED) - (event->kind == EVENT_CALL_ENDED);
    if (event->kind == EVENT_CALL_ENDED)
        call_free(event->ended.call);
    return true;
}

static void count(void *context, struct slice q931)
{
    struct h225_msg m;
    unsigned *sum = context;
    *sum = *sum * 31 + (unsigned)q931.size + 1;
    if (h225_parse(q931, &m))
        assert(m.calling.size + m.called.size + m.display.size <= q931.size);
}

/* Whole against byte by byte; nonsense is resynchronised where a header can be seen, so only
 * streams that begin in step are compared. */
static void compare_cuts(struct slice s)
{
    unsigned whole = 0, cut = 0;
    size_t at = 0;
    while (at + 4 <= s.size && s.data[at] == 3 && s.data[at + 1] == 0) {
        size_t n = (size_t)s.data[at + 2] << 8 | s.data[at + 3];
        if (n < 4 || at + n > s.size)
            break;
        at += n;
    }
    s = slice_sub(s, 0, at);
    struct h225_framer a = {0}, b = {0};
    h225_feed(&a, s, count, &whole);
    for (size_t i = 0; i < s.size; i++)
        h225_feed(&b, slice_sub(s, i, i + 1), count, &cut);
    assert(whole == cut);
    h225_framer_fini(&a);
    h225_framer_fini(&b);
}

static void play(struct calls *c, struct foreign_calls *f, struct cursor *in, void **user)
{
    uint8_t head = cursor_u8(in);
    uint8_t length = cursor_u8(in);
    struct endpoint ends[2] = {{.addr = addr_v4(0x0a000001), .port = 33000},
                               {.addr = addr_v4(0x0a000002), .port = 1720}};
    c->time_ns = c->steady_ns += (head & 127) * INT64_C(100000000);
    expire_advance(c);
    struct datagram d = {.src = ends[head >> 7],
                         .dst = ends[!(head >> 7)],
                         .time_ns = c->time_ns,
                         .proto = PROTO_TCP,
                         .transport = PROTO_TCP};
    d.payload = cursor_slice(in, length < cursor_left(in) ? length : cursor_left(in));
    foreign_calls_stream(f, &d, *user == NULL, user);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct calls c;
    static struct counters counters;
    struct foreign_calls *f = NULL;
    struct front_config config;
    void *user = NULL;
    int calls = 0;
    compare_cuts(slice_of(data, size));
    front_config_defaults(&config);
    config.seed = (struct hash_seed){1, 2};
    config.calls_max = 4;
    config.flows_max = 16;
    config.turn_max = 4;
    config.users = false;
    config.held_bytes_max = 4096;
    struct event_sink sink = {.context = &calls, .workers = 1, .push = take};
    if (calls_init(&c, &config, &sink, &counters) != 0)
        return 0;
    if (foreign_calls_new(&c, &f) == 0) {
        struct cursor in = cursor_over(slice_of(data, size));
        c.time_ns = c.steady_ns = INT64_C(1700000000000000000);
        while (cursor_left(&in) >= 2)
            play(&c, f, &in, &user);
        foreign_calls_stream_closed(f, user);
    }
    expire_all(&c, CALL_END_CUT);
    assert(calls == 0);
    foreign_calls_free(f);
    calls_fini(&c);
    return 0;
}
