/* RTP headers, and telling RTP from what else shares its port.
 *
 * A capture may have cut the datagram (snaplen): then the header must still be there in full, the
 * payload is what is left, and the padding, whose length stands in the last octet, cannot be known.
 */
#include "capture/rtp/rtp.h"

#include <string.h>

#include "base/cursor.h"

#define FIXED_HEADER  12
#define KEEPALIVE_MAX 4 /* octets; the shortest of all the others has more */

/* A ZRTP packet says so behind its sequence number (RFC 6189 5). */
static bool is_zrtp(struct slice datagram)
{
    return datagram.size >= 12 && memcmp(datagram.data + 4, "ZRTP", 4) == 0;
}

enum media_kind media_kind_of(struct slice datagram)
{
    if (__builtin_expect(datagram.size <= KEEPALIVE_MAX, 0))
        return MEDIA_KEEPALIVE;
    uint8_t first = datagram.data[0];
    if (first >= 128 && first <= 191) {
        /* RTCP types 192-223 are payload types 64-95 with the marker set: nobody may use those (RFC
         * 5761). */
        return datagram.data[1] >= 192 && datagram.data[1] <= 223 ? MEDIA_RTCP : MEDIA_RTP;
    }
    if (first <= 3)
        return MEDIA_STUN;
    if (first >= 16 && first <= 19)
        return is_zrtp(datagram) ? MEDIA_ZRTP : MEDIA_OTHER;
    if (first >= 20 && first <= 63)
        return MEDIA_DTLS;
    if (first >= 64 && first <= 79)
        return MEDIA_TURN_CHANNEL;
    return MEDIA_OTHER;
}

static struct slice take_extension(struct cursor *c)
{
    const uint8_t *start = c->at;
    cursor_skip(c, 2); /* the profile's word */
    uint16_t words = cursor_u16(c);
    cursor_skip(c, (size_t)words * 4);
    return c->failed ? slice_none() : slice_of(start, (size_t)(c->at - start));
}

/* CSRCs and extension, which few packets have. */
static bool parse_options(struct cursor *c, uint8_t first, struct rtp_packet *p)
{
    p->csrc_count = first & 0x0f;
    cursor_skip(c, (size_t)p->csrc_count * 4);
    if (first & 0x10)
        p->extension = take_extension(c);
    return !c->failed;
}

static bool take_padding(struct slice *payload)
{
    size_t pad = payload->size ? payload->data[payload->size - 1] : 0;
    if (pad == 0 || pad > payload->size)
        return false;
    payload->size -= pad;
    return true;
}

/* The fixed header is read through a cursor of constant size: the compiler drops its checks, and a
 * packet costs half. */
bool rtp_parse(struct slice datagram, size_t wire_size, struct rtp_packet *ret_packet)
{
    struct cursor c = cursor_over(datagram);
    const uint8_t *at = cursor_take(&c, FIXED_HEADER);
    if (__builtin_expect(at == NULL, 0))
        return false;
    struct cursor head = {.at = at, .end = at + FIXED_HEADER};
    uint8_t first = cursor_u8(&head), second = cursor_u8(&head);
    struct rtp_packet p;
    p.padding = first & 0x20;
    p.csrc_count = 0;
    p.marker = second & 0x80;
    p.payload_type = second & 0x7f;
    p.sequence = cursor_u16(&head);
    p.timestamp = cursor_u32(&head);
    p.ssrc = cursor_u32(&head);
    p.extension = slice_none();
    if (__builtin_expect(first >> 6 != 2 || ((first & 0x1f) && !parse_options(&c, first, &p)), 0))
        return false;
    p.payload = slice_of(c.at, cursor_left(&c));
    if (__builtin_expect(p.padding && datagram.size >= wire_size, 0) && !take_padding(&p.payload))
        return false;
    *ret_packet = p;
    return true;
}

size_t rtp_payload_wire(const struct rtp_packet *p, struct slice datagram, size_t wire_size)
{
    if (datagram.size >= wire_size)
        return p->payload.size;
    return wire_size - (size_t)(p->payload.data - datagram.data);
}
