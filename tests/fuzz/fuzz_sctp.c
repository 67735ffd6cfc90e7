/* Any SCTP packets in small tables. Packets follow, each with a length of two bytes, whose highest
 * bit says that the capture cut it, and the next that it goes the other way. */
#include <assert.h>

#include "base/cursor.h"
#include "capture/net/sctp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *context, const struct datagram *message, uint32_t payload_protocol)
{
    (void)context;
    (void)payload_protocol;
    assert(message->payload.size > 0 && message->payload.size <= 3000);
    assert(message->payload_wire == message->payload.size);
    uint8_t sum = 0;
    for (size_t i = 0; i < message->payload.size; i++)
        sum ^= message->payload.data[i];
    volatile uint8_t used = sum;
    (void)used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sctp_config config = {.seed = {1, 2},
                                 .associations_max = 3,
                                 .bytes_max = 8 * 2048,
                                 .message_max = 3000,
                                 .gap_ns = 1000};
    struct sctp *s;
    if (sctp_new(&config, take, NULL, NULL, &s) != 0)
        return 0;
    struct cursor c = cursor_over(slice_of(data, size));
    for (int64_t i = 0; cursor_left(&c) > 2; i++) {
        uint32_t n = cursor_u16(&c);
        struct datagram d = {.src.addr = addr_v4(1), .dst.addr = addr_v4(2), .time_ns = i * 100};
        if (n & 0x4000)
            d.src.addr = addr_v4(2), d.dst.addr = addr_v4(1);
        bool cut = n & 0x8000;
        n &= 0x3fff;
        d.payload = cursor_slice(&c, n > cursor_left(&c) ? cursor_left(&c) : n);
        d.payload_wire = (uint32_t)d.payload.size + (cut ? 100 : 0);
        sctp_packet(s, &d);
        assert(sctp_count(s) <= 3);
    }
    sctp_tick(s, INT64_C(1) << 50);
    assert(sctp_count(s) == 0);
    sctp_free(s);
    return 0;
}
