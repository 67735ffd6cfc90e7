/* A relayed datagram (RFC 8656) is seen on up to three legs:
 *
 *     client ---- wrapped ---- server: relayed address ---- plain ---- peer
 *
 * The wrapped leg becomes a datagram between the client's and the peer's address, which is what SDP
 * names: the client's as a host candidate or as the raddr of its relay candidate, the peer's as one
 * of its own. When the allocation was seen the client's address also counts as another name of the
 * relayed one. The plain leg needs no help: SDP names the relayed address. So both legs bind to the
 * call, like the two hops of any other relay.
 *
 * In earshot_decoded_packets_total the wrapping counts as "turn" and what it carries counts too. */
#include "capture/call/beside.h"

#include "capture/call/flows.h"
#include "capture/call/ice.h"
#include "capture/call/sealed.h"
#include "capture/net/dtls.h"
#include "capture/call/turn.h"

static void count(struct calls *c, unsigned label)
{
    counters_add(c->counters, C_DECODED + label, 1);
}

/* Not the media itself, but its call goes on. */
static struct flow *touch(struct calls *c, const struct datagram *d)
{
    struct flow *f = flows_find(c, &d->src, &d->dst);
    if (f && f->state == FLOW_BOUND)
        f->last_ns = c->steady_ns;
    return f;
}

static void packet(struct calls *c, const struct datagram *d, enum media_kind kind, bool wrapped);

/* ---- relays ---- */

struct wrapped {
    struct slice data;
    size_t wire;
    struct endpoint peer;
    bool outward; /* the client sends */
};

static void unwrap(struct calls *c, const struct datagram *d, const struct wrapped *w)
{
    struct datagram inner = *d;
    struct endpoint relayed;
    const struct endpoint *client = w->outward ? &d->src : &d->dst;
    const struct endpoint *server = w->outward ? &d->dst : &d->src;
    *(w->outward ? &inner.dst : &inner.src) = w->peer;
    inner.payload = w->data;
    inner.payload_wire = (uint32_t)w->wire;
    if (flows_find(c, &inner.src, &inner.dst) == NULL &&
        turn_relayed(c->turn, client, server, c->steady_ns, &relayed))
        ice_relayed(c, &relayed, client);
    enum media_kind kind = media_kind_of(inner.payload);
    if (kind >= MEDIA_STUN)
        packet(c, &inner, kind, true);
    else
        flows_media(c, &inner, kind);
}

static bool is_indication(const struct stun_message *m)
{
    return m->class == STUN_INDICATION && (m->method == TURN_SEND || m->method == TURN_DATA) &&
           m->has_data && m->has_peer;
}

static void indication(struct calls *c, const struct datagram *d, const struct stun_message *m)
{
    struct wrapped w = {
        .data = m->data, .wire = m->data.size, .peer = m->peer, .outward = m->method == TURN_SEND};
    w.peer.space = d->src.space;
    unwrap(c, d, &w);
}

static void channel(struct calls *c, const struct datagram *d, bool wrapped)
{
    struct wrapped w;
    uint16_t number;
    struct flow *f = touch(c, d);
    if ((f && f->image) ||
        !turn_channel_data_cut(d->payload, d->payload_wire, &number, &w.data, &w.wire)) {
        flows_media(c, d, MEDIA_OTHER);
        return;
    }
    count(c, LABEL_PROTO_TURN);
    if (!wrapped && turn_peer(c->turn, &d->src, &d->dst, number, c->steady_ns, &w.peer, &w.outward))
        unwrap(c, d, &w);
}

/* ---- STUN ---- */

static void stun(struct calls *c, const struct datagram *d, bool wrapped)
{
    struct stun_message m;
    if (!stun_parse(d->payload, &m)) {
        flows_media(c, d, MEDIA_OTHER);
        return;
    }
    touch(c, d);
    turn_learn(c->turn, d, &m, c->steady_ns);
    if (m.method == STUN_BINDING && m.class == STUN_REQUEST && m.username.size)
        ice_check(c, d, m.username);
    if (!is_indication(&m)) {
        count(c, LABEL_PROTO_STUN);
        return;
    }
    count(c, LABEL_PROTO_TURN);
    if (!wrapped)
        indication(c, d, &m);
}

static void packet(struct calls *c, const struct datagram *d, enum media_kind kind, bool wrapped)
{
    switch (kind) {
    case MEDIA_STUN:
        stun(c, d, wrapped);
        break;
    case MEDIA_TURN_CHANNEL:
        channel(c, d, wrapped);
        break;
    case MEDIA_DTLS:
        sealed_note(c->sealed, &d->src, &d->dst, c->steady_ns);
        if (c->secrets)
            dtls_datagram(c->dtls, c->secrets, d);
        flows_media(c, d, kind);
        break;
    default:
        flows_media(c, d, kind);
        break;
    }
}

void beside_packet(struct calls *c, const struct datagram *d, enum media_kind kind)
{
    packet(c, d, kind, false);
}
