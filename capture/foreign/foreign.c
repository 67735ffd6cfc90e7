/* One strict check a protocol. A wrong yes would take somebody's packets away from the media table,
 * so each asks for fields that fit together, not for one magic byte. */
#include "capture/foreign/foreign.h"

#include "base/cursor.h"
#include "capture/foreign/h225.h"
#include "capture/foreign/mgcp.h"

#define PORT_RAS     1719
#define PORT_RAS_ALL 1718 /* gatekeeper discovery */
#define PORT_H225    1720
#define PORT_SCCP    2000
#define PORT_GATEWAY 2427
#define PORT_AGENT   2727
#define PORT_IAX2    4569
#define PORT_SIP     5060
#define PORT_SIPS    5061

static bool either(uint16_t a, uint16_t b, uint16_t port)
{
    return a == port || b == port;
}

/* ---- IAX2 (RFC 5456) ---- */

/* Information elements fill the rest of the frame exactly. */
static bool iax2_elements(struct cursor *c)
{
    while (cursor_left(c) > 0) {
        uint8_t element = cursor_u8(c);
        cursor_skip(c, cursor_u8(c));
        if (c->failed || element == 0)
            return false;
    }
    return true;
}

/* A full frame of type "IAX control": every call and registration begins with some. */
static bool is_iax2(struct slice s)
{
    enum { FRAME_CONTROL = 6, CONTROL_LAST = 0x28 };
    struct cursor c = cursor_over(s);
    uint16_t from = cursor_u16(&c);
    cursor_skip(&c, 2 + 4 + 2); /* called number, timestamp, sequence numbers */
    uint8_t type = cursor_u8(&c);
    uint8_t subclass = cursor_u8(&c);
    if (c.failed || from < 0x8000 || type != FRAME_CONTROL)
        return false;
    return from != 0x8000 && subclass >= 1 && subclass <= CONTROL_LAST && iax2_elements(&c);
}

/* ---- H.225 RAS ---- */

/* The object identifier of H.225.0, without its last digit (the version), as PER packs it. It
 * stands behind the choice, the optional bits and the sequence number of all discovery and
 * registration. */
static bool is_ras(struct slice s)
{
    static const uint8_t name[] = {0x06, 0x00, 0x08, 0x91, 0x4a, 0x00};
    for (size_t at = 3; at < 10 && at + sizeof name < s.size; at++) {
        if (memcmp(s.data + at, name, sizeof name) == 0)
            return s.data[at + sizeof name] >= 1 && s.data[at + sizeof name] <= 9;
    }
    return false;
}

/* ---- SigComp (RFC 3320 7) ---- */

static bool is_sigcomp(struct slice s)
{
    static const uint8_t state_size[] = {0, 6, 9, 12};
    struct cursor c = cursor_over(s);
    uint8_t first = cursor_u8(&c);
    if (c.failed || first >> 3 != 0x1f)
        return false;
    if (first & 4) { /* returned feedback: a byte, or a length and so many */
        uint8_t feedback = cursor_u8(&c);
        cursor_skip(&c, feedback & 0x80 ? feedback & 0x7f : 0);
    }
    if (first & 3) {
        const uint8_t *state = cursor_take(&c, state_size[first & 3]);
        /* a keep-alive of equal bytes is no state */
        return state && cursor_left(&c) > 0 && !(state[0] == 0xff && state[1] == 0xff);
    }
    uint16_t code = cursor_u16(&c); /* 12 bits size, 4 bits destination; 0 is reserved */
    return !c.failed && (code & 15) != 0 && code >> 4 > 0 && code >> 4 <= cursor_left(&c);
}

/* ---- SCCP ---- */

/* Little endian: size of what follows the first two words, version of the header, message. */
static bool is_sccp(struct slice s)
{
    struct cursor c = cursor_over(s);
    uint32_t size = cursor_u32_le(&c);
    uint32_t version = cursor_u32_le(&c);
    uint32_t message = cursor_u32_le(&c);
    if (c.failed || size < 4 || size > 4096)
        return false;
    return version <= 0x20 && (message <= 0x004f || (message >= 0x0080 && message <= 0x0160));
}

/* ---- RTSP (RFC 2326, 7826) ---- */

static bool is_rtsp(struct slice s)
{
    static const char *const methods[] = {"DESCRIBE",      "ANNOUNCE",      "OPTIONS",  "SETUP",
                                          "PLAY",          "PAUSE",         "TEARDOWN", "RECORD",
                                          "GET_PARAMETER", "SET_PARAMETER", "REDIRECT"};
    if (slice_starts(s, "RTSP/1.") || slice_starts(s, "RTSP/2."))
        return true;
    struct slice line = slice_sub(s, 0, slice_index(s, '\n'));
    struct slice method = slice_cut(&line, ' ');
    struct slice target = slice_cut(&line, ' ');
    bool known = false;
    for (unsigned i = 0; i < sizeof methods / sizeof *methods; i++)
        known |= slice_is(method, methods[i]);
    if (!known)
        return false;
    return slice_starts_nocase(target, "rtsp://") || slice_starts_nocase(target, "rtspu://") ||
           slice_starts_nocase(target, "rtsps://") || slice_starts(line, "RTSP/");
}

/* ---- all of them ---- */

enum foreign_proto foreign_datagram(const struct datagram *d)
{
    uint16_t a = d->src.port, b = d->dst.port;
    if (!foreign_worth_a_look(d))
        return FOREIGN_NONE;
    if (mgcp_is_command(d->payload))
        return FOREIGN_MGCP;
    if (either(a, b, PORT_GATEWAY) || either(a, b, PORT_AGENT))
        return mgcp_is_response(d->payload) ? FOREIGN_MGCP : FOREIGN_NONE;
    if (either(a, b, PORT_IAX2) && is_iax2(d->payload))
        return FOREIGN_IAX2;
    if ((either(a, b, PORT_RAS) || either(a, b, PORT_RAS_ALL)) && is_ras(d->payload))
        return FOREIGN_H323;
    if ((either(a, b, PORT_SIP) || either(a, b, PORT_SIPS)) && is_sigcomp(d->payload))
        return FOREIGN_SIGCOMP;
    return FOREIGN_NONE;
}

enum foreign_proto foreign_stream_guess(struct slice head, uint16_t port_a, uint16_t port_b)
{
    if (is_rtsp(head))
        return FOREIGN_RTSP;
    if (h225_begins(head, either(port_a, port_b, PORT_H225)))
        return FOREIGN_H323;
    if (either(port_a, port_b, PORT_SCCP) && is_sccp(head))
        return FOREIGN_SCCP;
    return FOREIGN_NONE;
}
