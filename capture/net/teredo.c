/* Teredo (RFC 4380): IPv6 in UDP, perhaps behind an authentication and an origin indication. The
 * bytes are taken for IPv6 only when its length fits. */
#include "capture/net/layer.h"

#define AUTHENTICATION  1
#define ORIGIN          0
#define IP6_HEADER_SIZE 40

static void skip_indications(struct cursor *c)
{
    struct cursor ahead = *c;
    uint16_t kind = cursor_u16(&ahead);
    if (kind == AUTHENTICATION) {
        size_t id = cursor_u8(&ahead);
        size_t value = cursor_u8(&ahead);
        cursor_skip(&ahead, id + value + 8 + 1); /* nonce, confirmation */
        *c = ahead;
        kind = cursor_u16(&ahead);
    }
    if (kind == ORIGIN) {
        cursor_skip(&ahead, 2 + 4); /* port, address */
        *c = ahead;
    }
}

enum net_verdict teredo_decode(struct net *n, struct packet *p)
{
    size_t before = cursor_left(&p->at);
    skip_indications(&p->at);
    struct cursor c = p->at;
    uint32_t wire = p->wire - (uint32_t)(before - cursor_left(&c));
    uint32_t word = cursor_u32(&c);
    uint32_t length = cursor_u16(&c);
    if (c.failed || word >> 28 != 6 || length + IP6_HEADER_SIZE > wire)
        return NET_OTHER;
    return net_tunnel(n, p, WRAP_TEREDO, 0) ? ip6_decode(n, p) : NET_MALFORMED;
}
