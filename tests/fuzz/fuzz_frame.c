/* Frames to datagrams. The first byte picks the link type; then frames follow, each with a length
 * of two bytes, so that a corpus entry can hold the fragments of one datagram. */
#include <assert.h>
#include <stddef.h>

#include "base/cursor.h"
#include "capture/net/net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t links[] = {LINK_ETHERNET, LINK_LINUX_SLL, LINK_LINUX_SLL2, LINK_RAW,
                                 LINK_NULL,     LINK_LOOP,      LINK_IPV4,       LINK_IPV6};

static void check(const struct frame *frame, const struct datagram *d)
{
    assert(d->proto == PROTO_UDP);
    assert(d->payload.size <= d->payload_wire && d->payload_wire <= 65535);
    assert(d->fragmented ||
           (d->payload.data >= frame->bytes.data &&
            d->payload.data + d->payload.size <= frame->bytes.data + frame->bytes.size));
    uint8_t sum = 0;
    for (size_t i = 0; i < d->payload.size; i++)
        sum ^= d->payload.data[i];
    volatile uint8_t used = sum;
    (void)used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct net_config config = {
        .seed = {1, 2}, .fragment_bytes_max = 1 << 17, .fragment_count_max = 4};
    struct net *n = net_new(&config, NULL);
    if (n == NULL)
        return 0;
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
        if (net_decode(n, &frame, &d) == NET_DATAGRAM)
            check(&frame, &d);
    }
    net_free(n);
    return 0;
}
