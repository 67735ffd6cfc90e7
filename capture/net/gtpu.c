/* GTP-U (3GPP TS 29.281): subscribers' packets between base stations and gateways. Only those
 * (message type 255) are of interest; with any of three flags four more bytes follow, and perhaps a
 * chain of extension headers. GTP of version 0 is history; GTP-C is another port. */
#include "capture/net/layer.h"

#define VERSION_1_GTP  0x30 /* not GTP', and the spare bit clear */
#define VERSION_MASK   0xf8
#define HAS_EXTENSION  0x04
#define HAS_ANY        0x07 /* extension, sequence, N-PDU number */
#define G_PDU          255
#define EXTENSIONS_MAX 8

/* Each gives its own size in words and the type of the next. False when that makes no sense. */
static bool skip_extensions(struct cursor *c, uint8_t next)
{
    for (int i = 0; next != 0; i++) {
        size_t size = cursor_u8(c) * 4u;
        if (size == 0 || i == EXTENSIONS_MAX)
            return false;
        cursor_skip(c, size - 2);
        next = cursor_u8(c);
    }
    return !c->failed;
}

static bool skip_optional(struct cursor *c, uint8_t flags)
{
    if (!(flags & HAS_ANY))
        return true;
    cursor_skip(c, 3); /* sequence, N-PDU number */
    uint8_t next = cursor_u8(c);
    return flags & HAS_EXTENSION ? skip_extensions(c, next) : !c->failed;
}

enum net_verdict gtpu_decode(struct net *n, struct packet *p)
{
    uint8_t flags = cursor_u8(&p->at);
    uint8_t message = cursor_u8(&p->at);
    uint16_t length = cursor_u16(&p->at); /* behind the eight bytes that are always there */
    uint32_t id = cursor_u32(&p->at);
    if (p->at.failed || (flags & VERSION_MASK) != VERSION_1_GTP || message != G_PDU ||
        length + 8u > p->wire || !skip_optional(&p->at, flags))
        return NET_OTHER;
    return net_tunnel(n, p, WRAP_GTPU, id) ? ip_decode(n, p) : NET_MALFORMED;
}
