/* The loop of the front: a frame becomes a datagram, and that is SIP (on any port) or media.
 * Everything else here is time: the packets' own, which fires timers and ticks as it goes on.
 *
 * Frames of a capture may go back in time: by a little when an interface delivers out of order
 * (time then stands still), by much when the clock was set or another file follows. In the second
 * case time starts anew from there, while the steady clock that drives the timers goes on from
 * where it was; no call ends early or stays for ever. */
#include "capture/front.h"

#include <stdlib.h>

#include "base/error.h"
#include "capture/call/emit.h"
#include "capture/call/expire.h"
#include "capture/call/flows.h"
#include "capture/call/held.h"
#include "capture/call/signal.h"

#define SECOND       INT64_C(1000000000)
#define CLOCK_SET_NS (10 * SECOND) /* a step back this long is the clock's, not the packet's */

enum { LABEL_TABLE_CALLS, LABEL_TABLE_FLOWS, LABEL_TABLE_HELD = 3 };

struct front {
    struct calls calls;
    struct net *net;
    int64_t offset_ns;    /* steady time = frame time + this */
    int64_t next_tick_ns; /* steady */
    int64_t newest_ns;    /* frame time */
    bool started;
    char probe[64];
};

void front_config_defaults(struct front_config *config)
{
    *config = (struct front_config){
        .probe = "",
        .net = {.fragment_bytes_max = 8 << 20,
                .fragment_count_max = 4096,
                .fragment_timeout_ns = 30 * SECOND},
        .calls_max = 20000,
        .flows_max = 65536,
        .call_messages_max = 2000,
        .call_text_max = 256 << 10,
        .held_bytes_max = 8 << 20,
        .held_packets_max = 64,
        .held_ns = 4 * SECOND,
        .media_timeout_ns = 60 * SECOND,
        .no_media_timeout_ns = 4 * 3600 * SECOND,
        .setup_timeout_ns = 180 * SECOND,
        .max_duration_ns = 24 * 3600 * SECOND,
        .linger_ns = 2 * SECOND,
        .orphan_timeout_ns = 10 * SECOND,
        .orphans = true,
    };
}

int front_new(const struct front_config *config, const struct event_sink *sink,
              struct counters *counters, struct front **ret_front)
{
    struct front *f = calloc(1, sizeof *f);
    if (f == NULL)
        return ERR_NOMEM;
    slice_copy_to(slice_str(config->probe), f->probe, sizeof f->probe);
    struct front_config own = *config;
    own.probe = f->probe;
    int err = calls_init(&f->calls, &own, sink, counters);
    if (err) {
        free(f);
        return err;
    }
    struct net_config net = config->net;
    net.seed = config->seed;
    f->net = net_new(&net, counters);
    if (f->net == NULL) {
        front_free(f);
        return ERR_NOMEM;
    }
    *ret_front = f;
    return 0;
}

void front_free(struct front *f)
{
    if (f == NULL)
        return;
    calls_fini(&f->calls);
    net_free(f->net);
    free(f);
}

/* ---- time ---- */

static void show_tables(struct front *f)
{
    struct calls *c = &f->calls;
    counters_set(c->counters, C_LAST_PACKET, (uint64_t)(f->newest_ns / SECOND));
    counters_set(c->counters, C_TABLE_SIZE + LABEL_TABLE_CALLS, c->live_count);
    counters_set(c->counters, C_TABLE_SIZE + LABEL_TABLE_FLOWS, c->flow_count);
    counters_set(c->counters, C_TABLE_SIZE + LABEL_TABLE_HELD, held_bytes(c->held));
}

/* Due things happen at whole ticks of steady time, so it does not matter which packet or idle tick
 * brought the news. */
static void tick(struct front *f)
{
    struct calls *c = &f->calls;
    int64_t steady_ns = c->steady_ns, time_ns = c->time_ns;
    int64_t late_ns = steady_ns - steady_ns / TICK_NS * TICK_NS;
    c->steady_ns -= late_ns;
    c->time_ns -= late_ns;
    f->next_tick_ns = c->steady_ns + TICK_NS;
    expire_advance(c);
    net_tick(f->net, c->time_ns);
    show_tables(f);
    emit_tick(c);
    c->steady_ns = steady_ns;
    c->time_ns = time_ns;
}

static void step_back(struct front *f, int64_t time_ns)
{
    struct calls *c = &f->calls;
    int64_t back_ns = c->time_ns - time_ns;
    counters_add(c->counters, C_CLOCK_BACKSTEPS, 1);
    if (back_ns < CLOCK_SET_NS)
        return;
    f->offset_ns += back_ns;
    c->time_ns = time_ns;
}

static void pass_time(struct front *f, int64_t time_ns)
{
    struct calls *c = &f->calls;
    if (!f->started) {
        f->started = true;
        f->next_tick_ns = INT64_MIN;
        c->time_ns = time_ns;
    } else if (time_ns > c->time_ns) {
        c->time_ns = time_ns;
    }
    c->steady_ns = c->time_ns + f->offset_ns;
    if (c->steady_ns >= f->next_tick_ns)
        tick(f);
}

void front_tick(struct front *f, int64_t now_ns)
{
    pass_time(f, now_ns);
}

/* ---- frames ---- */

/* RTP and RTCP have their two uppermost bits 10 and no message begins like that: most packets are
 * spared a closer look. */
static inline bool may_be_text(struct slice payload)
{
    return payload.size > 0 && payload.data[0] < 0x80;
}

void front_frame(struct front *f, const struct frame *frame)
{
    struct calls *c = &f->calls;
    struct datagram d;
    unsigned iface = frame->iface < LABEL_COUNT_IFACE ? frame->iface : LABEL_COUNT_IFACE - 1;
    counters_add(c->counters, C_PACKETS + iface, 1);
    counters_add(c->counters, C_BYTES + iface, frame->wire_bytes);
    if (__builtin_expect(f->started && frame->time_ns < c->time_ns, 0))
        step_back(f, frame->time_ns);
    pass_time(f, frame->time_ns);
    f->newest_ns = frame->time_ns;

    if (net_decode(f->net, frame, &d) != NET_DATAGRAM)
        return;
    d.time_ns = c->time_ns; /* events come in time order */
    if (may_be_text(d.payload) && sip_looks_like(d.payload))
        signal_datagram(c, &d);
    else
        flows_packet(c, &d);
}

void front_finish(struct front *f, enum call_end_reason reason)
{
    expire_all(&f->calls, reason);
    show_tables(f);
    emit_tick(&f->calls);
}
