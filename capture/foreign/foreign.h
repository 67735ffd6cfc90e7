/* Signalling that is not SIP: is it some, and which? By content first; a port is a hint at most. Nothing here knows calls or
 * keeps anything: MGCP and H.225 are read by mgcp.h and h225.h, the calls made of them live in capture/call/foreign_calls.h,
 * all others are counted there. */
#pragma once

#include "capture/net/datagram.h"

/* Behind NONE in the order of the UNSUPPORTED label set. */
enum foreign_proto {
    FOREIGN_NONE,
    FOREIGN_H323, /* H.225 call signalling; RAS */
    FOREIGN_MGCP,
    FOREIGN_IAX2,
    FOREIGN_SCCP,
    FOREIGN_RTSP,
    FOREIGN_SIGCOMP,
};

/* For UDP datagrams that are neither SIP nor of a known flow. A response of MGCP is told from other
 * text only on MGCP's ports. */
enum foreign_proto foreign_datagram(const struct datagram *d);

/* For the first bytes that a side of a TCP connection sends; ports in either order. What is too
 * short to tell is NONE, but for the header of a TPKT on its own port. */
enum foreign_proto foreign_stream_guess(struct slice head, uint16_t port_a, uint16_t port_b);

/* Can foreign_datagram() say anything but NONE? Passes over RTP at the price of a few compares. */
static inline bool foreign_worth_a_look(const struct datagram *d)
{
    return d->proto == PROTO_UDP && d->payload.size > 4 &&
           (d->payload.data[0] < 0x80 || d->payload.data[0] >= 0xf8 || d->src.port == 4569 ||
            d->dst.port == 4569);
}
