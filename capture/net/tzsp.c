/* TZSP: frames as routers and wireless sniffers forward them; a header, then tagged fields. */
#include "capture/net/layer.h"

enum { RECEIVED = 0, TO_TRANSMIT = 1 }; /* the two types with a frame */
enum { TAG_PADDING = 0, TAG_END = 1 };

#define VERSION  1
#define ETHERNET 1

/* False when the end tag is missing. */
static bool skip_tags(struct cursor *c)
{
    while (!c->failed) {
        uint8_t tag = cursor_u8(c);
        if (tag == TAG_END)
            return !c->failed;
        if (tag != TAG_PADDING)
            cursor_skip(c, cursor_u8(c));
    }
    return false;
}

enum net_verdict tzsp_decode(struct net *n, struct packet *p)
{
    uint8_t version = cursor_u8(&p->at);
    uint8_t type = cursor_u8(&p->at);
    uint16_t encapsulated = cursor_u16(&p->at);
    if (p->at.failed || version != VERSION || (type != RECEIVED && type != TO_TRANSMIT) ||
        encapsulated != ETHERNET || !skip_tags(&p->at))
        return NET_OTHER;
    return net_tunnel(n, p, WRAP_TZSP, 0) ? ethernet_decode(n, p) : NET_MALFORMED;
}
