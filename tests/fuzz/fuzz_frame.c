/* Frames to datagrams, and whether they are copies. The first byte picks the link type; then frames
 * follow, each with a length of two bytes, so that a corpus entry can hold the fragments of one
 * datagram. VLANs and tunnels of small numbers have address spaces. */
#include <assert.h>
#include <stddef.h>

#include "base/cursor.h"
#include "capture/net/dedupe.h"
#include "capture/net/layer.h"

static bool dedupe_seen(struct dedupe *d, const struct datagram *datagram)
{
    return dedupe_look(d, dedupe_digest(d, datagram), datagram->time_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t links[] = {LINK_ETHERNET,
                                 LINK_LINUX_SLL,
                                 LINK_LINUX_SLL2,
                                 LINK_RAW,
                                 LINK_NULL,
                                 LINK_LOOP,
                                 LINK_IPV4,
                                 LINK_IPV6,
                                 9,
                                 50,
                                 51,
                                 104};

static const struct net_space spaces[] = {
    {WRAP_NONE, 1, 1}, {WRAP_NONE, 100, 2}, {WRAP_VXLAN, 1, 3}, {WRAP_GENEVE, 10, 4},
    {WRAP_GTPU, 1, 5}, {WRAP_GRE, 0, 6},    {WRAP_IPIP, 0, 7},  {WRAP_ERSPAN, 100, 8},
    {WRAP_L2TP, 5, 9}, {WRAP_ESP, 1, 10},   {WRAP_TZSP, 0, 11}, {WRAP_TEREDO, 0, 12},
};

static void check(enum net_verdict verdict, const struct frame *frame, const struct datagram *d)
{
    assert(d->proto == (verdict == NET_DATAGRAM || verdict == NET_UNREACHABLE ? PROTO_UDP
                        : verdict == NET_SEGMENT                              ? PROTO_TCP
                                                                              : PROTO_SCTP));
    assert(d->payload.size <= d->payload_wire && d->payload_wire <= 65535);
    assert(d->wrap_depth <= TUNNELS_MAX && (d->wrap_depth > 0) == (d->wrapping != WRAP_NONE));
    assert(d->wrapping < WRAPPINGS && d->src.space == d->dst.space && d->src.space <= 12);
    assert(d->vlan_outer <= 4095 && d->vlan_inner <= 4095);
    assert(d->src.zero == 0 && d->dst.zero == 0);
    assert(d->fragmented ||
           (d->payload.data >= frame->bytes.data &&
            d->payload.data + d->payload.size <= frame->bytes.data + frame->bytes.size));
    uint8_t sum = 0;
    for (size_t i = 0; i < d->payload.size; i++)
        sum ^= d->payload.data[i];
    volatile uint8_t used = sum;
    (void)used;
}

static bool has_ports(enum net_verdict verdict)
{
    return verdict == NET_DATAGRAM || verdict == NET_SEGMENT || verdict == NET_SCTP;
}

/* The same twice at once is a copy, but for acknowledgements. */
static void check_copy(struct dedupe *d, const struct datagram *datagram)
{
    bool never = datagram->proto == PROTO_TCP && datagram->payload_wire == 0;
    (void)dedupe_seen(d, datagram);
    assert(dedupe_seen(d, datagram) == !never);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net_config config = {.seed = {1, 2},
                                .fragment_bytes_max = 1 << 17,
                                .fragment_count_max = 4,
                                .spaces = spaces,
                                .spaces_count = sizeof spaces / sizeof *spaces};
    struct net *n = net_new(&config, NULL);
    struct dedupe *copies = dedupe_new(&config.seed, 0, 16);
    assert(n && copies);
    struct cursor c = cursor_over((struct slice){.data = data, .size = size});
    uint16_t link = links[cursor_u8(&c) % (sizeof links / sizeof *links)];
    for (int64_t i = 0; cursor_left(&c) > 2; i++) {
        size_t frame_size = cursor_u16(&c);
        if (frame_size > cursor_left(&c))
            frame_size = cursor_left(&c);
        struct frame frame = {.bytes = cursor_slice(&c, frame_size),
                              .wire_bytes = (uint32_t)frame_size,
                              .link_type = link,
                              .time_ns = i * 100000000};
        struct datagram d;
        enum net_verdict verdict = net_decode(n, &frame, &d);
        if (verdict == NET_UNREACHABLE) {
            check(verdict, &frame, &d);
            assert(net_unreachable(n)->reason <= UNREACHED_PROHIBITED);
        } else if (has_ports(verdict)) {
            check(verdict, &frame, &d);
            check_copy(copies, &d);
        }
    }
    dedupe_free(copies);
    net_free(n);
    return 0;
}
