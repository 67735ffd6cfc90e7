/* A packet is its fixed part, endpoints if its flags say so, and its payload. */
#include "storage/spool_held.h"

#include <assert.h>

#include "storage/spool_format.h"

#define SIZE_AT  12u /* of a packet's fixed part */
#define FLAGS_AT 23u

struct place {
    uint32_t head; /* bytes ahead of the payload */
    uint16_t size;
    int64_t time_ns;
    enum spool_what what;
};

static struct place place_of(const uint8_t *at)
{
    struct cursor c = cursor_over(slice_of(at, PACKET_FIXED));
    struct place p = {.time_ns = (int64_t)cursor_u64_le(&c)};
    cursor_skip(&c, 4);
    p.size = cursor_u16_le(&c);
    p.head = PACKET_FIXED + (at[FLAGS_AT] & PACKET_ENDPOINTS ? 2 * ENDPOINT_BYTES : 0);
    uint8_t flags = at[FLAGS_AT];
    p.what = flags & PACKET_FAX ? SPOOL_FAX : flags & PACKET_RTCP ? SPOOL_RTCP : SPOOL_RTP;
    return p;
}

bool held_front(struct slice bytes, int64_t until_ns, uint32_t most, struct held_part *ret_part)
{
    struct held_part part = {0};
    while (part.bytes < bytes.size) {
        struct place p = place_of(bytes.data + part.bytes);
        uint32_t size = p.head + p.size;
        assert(part.bytes + size <= bytes.size);
        if (p.time_ns > until_ns || (part.packets && part.bytes + size > most))
            break;
        if (part.packets == 0 || p.time_ns < part.first_ns)
            part.first_ns = p.time_ns;
        if (part.packets == 0 || p.time_ns > part.last_ns)
            part.last_ns = p.time_ns;
        part.bytes += size;
        part.packets++;
    }
    if (part.packets)
        *ret_part = part;
    return part.packets > 0;
}

uint32_t held_change(uint8_t *bytes, uint32_t size, int64_t since_ns, spool_held_fn *fn,
                     void *context, uint32_t *mark, uint32_t *ret_packets)
{
    uint32_t out = 0, packets = 0, moved_mark = *mark;
    for (uint32_t at = 0; at < size;) {
        struct place p = place_of(bytes + at);
        uint32_t span = p.head + p.size;
        assert(at + span <= size);
        int left = p.size;
        if (p.time_ns >= since_ns)
            left = fn(context, p.time_ns, p.what, bytes + at + p.head, p.size);
        assert(left <= (int)p.size);
        if (at == *mark)
            moved_mark = out;
        if (left >= 0) {
            memmove(bytes + out, bytes + at, p.head + (uint32_t)left);
            put_u16(bytes + out + SIZE_AT, (uint16_t)left);
            out += p.head + (uint32_t)left;
            packets++;
        }
        at += span;
    }
    *mark = *mark == size ? out : moved_mark;
    *ret_packets = packets;
    return out;
}
