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
#include "capture/call/encrypted.h"
#include "capture/call/expire.h"
#include "capture/call/finding_note.h"
#include "capture/call/flow_table.h"
#include "capture/call/flows.h"
#include "capture/call/foreign_calls.h"
#include "capture/call/held.h"
#include "capture/call/outage.h"
#include "capture/call/signal.h"
#include "capture/call/turn.h"
#include "capture/call/unreachable.h"
#include "capture/call/users.h"
#include "capture/hep_unpack.h"
#include "capture/net/dedupe.h"
#include "capture/net/dtls.h"

#define SECOND       INT64_C(1000000000)
#define CLOCK_SET_NS (10 * SECOND) /* a step back this long is the clock's, not the packet's */

#define IAX2_PORT    4569

enum { LABEL_TABLE_CALLS, LABEL_TABLE_FLOWS, LABEL_TABLE_HELD = 3, LABEL_TABLE_TURN };

struct front {
    struct calls calls;
    struct net *net;
    struct dedupe *dedupe; /* NULL: off */
    struct streams *streams;
    struct foreign_calls *foreign;
    struct hep_unpack *hep;
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
        .net = {.fragment_bytes_max = 32 << 20,
                .fragment_count_max = 10000,
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
        .dedupe = true,
        .dedupe_ns = SECOND / 10,
        .turn_max = 8192,
        .users = true,
        .transactions_max = 32768,
        .registrations_max = 20000,
        .subscriptions_max = 20000,
        .peers_max = 4096,
        .user_agents_max = 1000,
    };
    finding_config_defaults(&config->findings);
}

/* ---- parts ---- */

static void on_message(void *context, const struct datagram *message, bool whole)
{
    struct front *f = context;
    (void)whole; /* the parser sees what is missing */
    if (sip_looks_like(message->payload))
        signal_datagram(&f->calls, message);
}

static void on_encrypted(void *context, const struct encrypted_flow *flow)
{
    struct front *f = context;
    encrypted_flow(&f->calls, flow);
}

static bool on_foreign(void *context, const struct datagram *bytes, bool first, void **user)
{
    struct front *f = context;
    return foreign_calls_stream(f->foreign, bytes, first, user);
}

static void on_foreign_closed(void *context, void *user)
{
    struct front *f = context;
    foreign_calls_stream_closed(f->foreign, user);
}

static int net_part(struct front *f, const struct front_config *config, struct counters *counters)
{
    struct net_config net = config->net;
    net.seed = config->seed;
    f->net = net_new(&net, counters);
    f->hep = hep_unpack_new(counters);
    if (config->dedupe)
        f->dedupe = dedupe_new(&config->seed, config->dedupe_ns, 0);
    return f->net && f->hep && (f->dedupe || !config->dedupe) ? 0 : ERR_NOMEM;
}

static int streams_part(struct front *f, const struct front_config *config,
                        struct counters *counters)
{
    struct streams_config streams = config->streams;
    streams.seed = config->seed;
    struct streams_user user = {
        .context = f,
        .message = on_message,
        .encrypted = on_encrypted,
        .foreign = on_foreign,
        .foreign_closed = on_foreign_closed,
    };
    return streams_new(&streams, &user, counters, &f->streams);
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
    err = net_part(f, config, counters);
    if (err == 0)
        err = foreign_calls_new(&f->calls, &f->foreign);
    if (err == 0)
        err = streams_part(f, config, counters);
    if (err) {
        front_free(f);
        return err;
    }
    f->calls.secrets = streams_tls(f->streams);
    *ret_front = f;
    return 0;
}

void front_free(struct front *f)
{
    if (f == NULL)
        return;
    streams_free(f->streams);
    foreign_calls_free(f->foreign);
    calls_fini(&f->calls);
    dedupe_free(f->dedupe);
    net_free(f->net);
    hep_unpack_free(f->hep);
    free(f);
}

void front_key_line(struct front *f, struct slice line)
{
    streams_expect_keys(f->streams);
    if (tls_key_line(streams_tls(f->streams), line))
        dtls_secrets_changed(f->calls.dtls, streams_tls(f->streams));
}

int front_private_key(struct front *f, struct slice pem, struct why *why)
{
    streams_expect_keys(f->streams);
    return tls_private_key(streams_tls(f->streams), pem, why);
}

/* ---- time ---- */

static void show_tables(struct front *f)
{
    struct calls *c = &f->calls;
    counters_set(c->counters, C_LAST_PACKET, (uint64_t)(f->newest_ns / SECOND));
    counters_set_level(c->counters, C_TABLE_SIZE + LABEL_TABLE_CALLS, COUNTERS_TABLE_UP, c->live_count);
    counters_set_level(c->counters, C_TABLE_SIZE + LABEL_TABLE_FLOWS, COUNTERS_TABLE_UP, c->flow_count);
    counters_set_level(c->counters, C_TABLE_SIZE + LABEL_TABLE_HELD, COUNTERS_TABLE_UP, held_bytes(c->held));
    counters_set_level(c->counters, C_TABLE_SIZE + LABEL_TABLE_TURN, COUNTERS_TABLE_UP, turn_count(c->turn));
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
    users_tick(c);
    outage_tick(c);
    finding_note_tick(c);
    net_tick(f->net, c->time_ns);
    streams_tick(f->streams, c->time_ns);
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

/* No message begins with the bits of RTP. */
static inline bool may_be_text(struct slice payload)
{
    return payload.size > 0 && payload.data[0] < 0x80;
}

/* What an agent says that it saw. */
static void hep_message(struct front *f, struct slice bytes, const struct datagram *carrier)
{
    struct calls *c = &f->calls;
    struct hep_packet p;
    if (!hep_unpack(f->hep, bytes, carrier, c->time_ns, &p))
        return;
    if (p.type == HEP_SIP && sip_looks_like(p.d.payload))
        signal_datagram(c, &p.d);
    else if ((p.type == HEP_RTP || p.type == HEP_RTCP) && p.d.payload.size)
        flows_packet(c, &p.d);
}

/* What begins neither like RTP nor like RTCP, or runs on the port of a protocol that does. */
static __attribute__((noinline)) void other_packet(struct front *f, const struct datagram *d)
{
    if (may_be_text(d->payload) && sip_looks_like(d->payload))
        signal_datagram(&f->calls, d);
    else if (may_be_text(d->payload) && hep_looks_like(d->payload))
        hep_message(f, d->payload, d);
    else if (!foreign_worth_a_look(d) || flows_find(&f->calls, &d->src, &d->dst) ||
             !foreign_calls_datagram(f->foreign, d))
        flows_packet(&f->calls, d);
}

/* RTP and RTCP have their two uppermost bits 10: nearly all packets do. */
static inline void packet(struct front *f, const struct datagram *d)
{
    if (__builtin_expect(d->payload.size > 0 && d->payload.data[0] >> 6 == 2 &&
                             d->src.port != IAX2_PORT && d->dst.port != IAX2_PORT,
                         1))
        flows_packet(&f->calls, d);
    else
        other_packet(f, d);
}

static void arrive(struct front *f, int64_t time_ns)
{
    if (__builtin_expect(f->started && time_ns < f->calls.time_ns, 0))
        step_back(f, time_ns);
    pass_time(f, time_ns);
    f->newest_ns = time_ns;
}

void front_datagram(struct front *f, const struct datagram *datagram)
{
    struct datagram d = *datagram;
    arrive(f, d.time_ns);
    d.time_ns = f->calls.time_ns;
    packet(f, &d);
}

static void deliver(struct front *f, enum net_verdict verdict, struct datagram *d)
{
    d->time_ns = f->calls.time_ns; /* events come in time order */
    if (__builtin_expect(verdict == NET_DATAGRAM, 1))
        packet(f, d);
    else
        streams_packet(f->streams, d);
}

static void hep_frame(struct front *f, const struct frame *frame)
{
    arrive(f, frame->time_ns);
    hep_message(f, frame->bytes, NULL);
}

/* The digest is made first: while time passes, its place in the table comes into the cache. */
static inline void read_frame(struct front *f, const struct frame *frame)
{
    struct calls *c = &f->calls;
    struct datagram d;
    unsigned iface = frame->iface < LABEL_COUNT_IFACE ? frame->iface : LABEL_COUNT_IFACE - 1;
    counters_add(c->counters, C_PACKETS + iface, 1);
    counters_add(c->counters, C_BYTES + iface, frame->wire_bytes);
    if (__builtin_expect(frame->link_type == LINK_HEP, 0)) {
        hep_frame(f, frame);
        return;
    }
    enum net_verdict verdict = net_decode(f->net, frame, &d);
    bool ours = verdict <= NET_SCTP;
    uint64_t digest = ours && f->dedupe ? dedupe_digest(f->dedupe, &d) : 0;
    arrive(f, frame->time_ns);
    if (__builtin_expect(verdict == NET_UNREACHABLE, 0)) {
        d.time_ns = c->time_ns;
        unreachable_note(c, &d, net_unreachable(f->net));
    }
    if (!ours)
        return;
    if (__builtin_expect(digest && dedupe_look(f->dedupe, digest, frame->time_ns), 0))
        counters_add(c->counters, C_DUPLICATES, 1);
    else
        deliver(f, verdict, &d);
}

/* Live, the frames behind this one are not at hand. */
void front_frame(struct front *f, const struct frame *frame)
{
    struct expected_flow next = {.flow = NO_INDEX};
    flow_fetch(&f->calls);
    if (frame->ahead.size && frame->link_type == LINK_ETHERNET)
        next = flow_expect(&f->calls, frame->ahead);
    read_frame(f, frame);
    flow_prepare(&f->calls, &next);
}

void front_capture_lost(struct front *f, uint64_t frames, int64_t since_ns)
{
    struct calls *c = &f->calls;
    for (uint32_t i = 0; i < c->live_used; i++) {
        if (c->live[i].call)
            c->live[i].call->capture_suspect = true;
    }
    emit_capture_lost(c, frames, since_ns);
}

void front_finish(struct front *f, enum call_end_reason reason)
{
    streams_finish(f->streams);
    users_finish(&f->calls);
    expire_all(&f->calls, reason);
    finding_note_finish(&f->calls);
    show_tables(f);
    emit_tick(&f->calls);
}
