/* HEP3 (also "EEP3") and the older HEP 1 and 2.
 *
 *   HEP3: "HEP3", u16 length of all, then chunks: u16 vendor, u16 type, u16 length with these six
 *         bytes, body. All big-endian. Unknown chunks and those of vendors are passed over.
 *   HEP2: u8 version, u8 header length, u8 family, u8 protocol, ports, addresses, in version 2 also
 *         seconds, microseconds, u16 agent; the rest is the payload, always SIP.
 *
 * A chunk of fixed size with another size, addresses of two families, or a length that does not end
 * where the packet ends make it malformed: agents that get these wrong get the rest wrong too. */
#include "capture/net/hep.h"

#include "base/cursor.h"
#include "base/counters.h"
#include "base/inflate.h"

#define HEADER_SIZE 6
#define CHUNK_SIZE  6
#define DAY_NS      (86400 * INT64_C(1000000000))
#define SECOND_NS   INT64_C(1000000000)

enum chunk_type {
    CHUNK_FAMILY = 0x01,
    CHUNK_PROTO = 0x02,
    CHUNK_SRC4 = 0x03,
    CHUNK_DST4 = 0x04,
    CHUNK_SRC6 = 0x05,
    CHUNK_DST6 = 0x06,
    CHUNK_SRC_PORT = 0x07,
    CHUNK_DST_PORT = 0x08,
    CHUNK_SECONDS = 0x09,
    CHUNK_MICROSECONDS = 0x0a,
    CHUNK_TYPE = 0x0b,
    CHUNK_AGENT = 0x0c,
    CHUNK_AUTH_KEY = 0x0e,
    CHUNK_PAYLOAD = 0x0f,
    CHUNK_COMPRESSED = 0x10,
    CHUNK_CORRELATION = 0x11,
    CHUNK_VLAN = 0x12,
    CHUNK_NODE = 0x13,
    CHUNK_TCP_FLAGS = 0x17,
    CHUNK_TOS = 0x18,
    CHUNK_KNOWN = 0x19,
};

/* AF_INET6 of Linux; 24, 28 and 30 are those of the BSDs and macOS. */
enum { FAMILY_4 = 2, FAMILY_6 = 10 };

static bool family_is_6(unsigned family)
{
    return family == FAMILY_6 || family == 24 || family == 28 || family == 30;
}

/* ---- HEP3 ---- */

/* Sizes of the chunks without which the rest means nothing; 0: any size. */
static const uint8_t fixed_size[CHUNK_KNOWN] = {
    [CHUNK_FAMILY] = 1,      [CHUNK_PROTO] = 1, [CHUNK_SRC4] = 4,     [CHUNK_DST4] = 4,
    [CHUNK_SRC6] = 16,       [CHUNK_DST6] = 16, [CHUNK_SRC_PORT] = 2, [CHUNK_DST_PORT] = 2,
    [CHUNK_SECONDS] = 4,     [CHUNK_TYPE] = 1,  [CHUNK_AGENT] = 4,    [CHUNK_VLAN] = 2,
    [CHUNK_MICROSECONDS] = 4};

/* What the chunks said, until the end shows whether it goes together. */
struct chunks {
    struct hep_packet *packet;
    uint32_t seen; /* bit: chunk type */
    uint8_t family;
    uint32_t seconds;
    uint32_t microseconds;
};

static bool has(const struct chunks *k, enum chunk_type type)
{
    return k->seen >> type & 1;
}

static struct addr addr_of(struct slice body)
{
    struct cursor c = cursor_over(body);
    return body.size == 4 ? addr_v4(cursor_u32(&c)) : addr_v6(body.data);
}

static void take_chunk(struct chunks *k, enum chunk_type type, struct slice body)
{
    struct hep_packet *p = k->packet;
    struct cursor c = cursor_over(body);
    switch (type) {
    case CHUNK_FAMILY:
        k->family = cursor_u8(&c);
        return;
    case CHUNK_PROTO:
        p->d.proto = p->d.transport = cursor_u8(&c);
        return;
    case CHUNK_SRC4:
    case CHUNK_SRC6:
        p->d.src.addr = addr_of(body);
        return;
    case CHUNK_DST4:
    case CHUNK_DST6:
        p->d.dst.addr = addr_of(body);
        return;
    case CHUNK_SRC_PORT:
        p->d.src.port = cursor_u16(&c);
        return;
    case CHUNK_DST_PORT:
        p->d.dst.port = cursor_u16(&c);
        return;
    case CHUNK_SECONDS:
        k->seconds = cursor_u32(&c);
        return;
    case CHUNK_MICROSECONDS:
        k->microseconds = cursor_u32(&c);
        return;
    case CHUNK_TYPE:
        p->type = cursor_u8(&c);
        return;
    case CHUNK_AGENT:
        p->agent = cursor_u32(&c);
        return;
    case CHUNK_AUTH_KEY:
        p->auth_key = body;
        return;
    case CHUNK_PAYLOAD:
    case CHUNK_COMPRESSED:
        p->d.payload = body;
        p->compressed = type == CHUNK_COMPRESSED;
        return;
    case CHUNK_CORRELATION:
        p->correlation_id = body;
        return;
    case CHUNK_NODE:
        p->node = body;
        return;
    case CHUNK_VLAN:
        p->d.vlan_outer = cursor_u16(&c) & 0xfff;
        return;
    case CHUNK_TCP_FLAGS:
        p->d.tcp_flags = cursor_u8(&c);
        return;
    case CHUNK_TOS:
        p->d.tos = cursor_u8(&c);
        return;
    default:
        return;
    }
}

/* Of a chunk that comes twice, and of the two kinds of payload, the first counts. */
static bool is_repeated(const struct chunks *k, unsigned type)
{
    bool payload = type == CHUNK_PAYLOAD || type == CHUNK_COMPRESSED;
    return has(k, type) || (payload && (has(k, CHUNK_PAYLOAD) || has(k, CHUNK_COMPRESSED)));
}

static bool read_chunks(struct chunks *k, struct cursor *c)
{
    while (cursor_left(c) > 0) {
        uint16_t vendor = cursor_u16(c);
        uint16_t type = cursor_u16(c);
        uint16_t length = cursor_u16(c);
        struct slice body = cursor_slice(c, (size_t)length - CHUNK_SIZE);
        if (c->failed || length < CHUNK_SIZE)
            return false;
        if (vendor != 0 || type >= CHUNK_KNOWN || is_repeated(k, type))
            continue;
        if (fixed_size[type] && body.size != fixed_size[type])
            return false;
        take_chunk(k, type, body);
        k->seen |= 1u << type;
    }
    return true;
}

/* Both addresses, of one family, and of the one that is named where one is. */
static bool addresses_agree(const struct chunks *k)
{
    bool four = has(k, CHUNK_SRC4) && has(k, CHUNK_DST4);
    bool six = has(k, CHUNK_SRC6) && has(k, CHUNK_DST6);
    bool any4 = has(k, CHUNK_SRC4) || has(k, CHUNK_DST4);
    bool any6 = has(k, CHUNK_SRC6) || has(k, CHUNK_DST6);
    if (four == six || (four && any6) || (six && any4))
        return false;
    if (!has(k, CHUNK_FAMILY))
        return true;
    return four ? k->family == FAMILY_4 : family_is_6(k->family);
}

static void set_time(struct hep_packet *p, uint32_t seconds, uint32_t microseconds)
{
    p->has_time = seconds != 0 && microseconds < 1000000;
    if (p->has_time)
        p->d.time_ns = seconds * SECOND_NS + microseconds * INT64_C(1000);
}

/* What the front wants set in every datagram. */
static void finish(struct hep_packet *p)
{
    p->d.payload_wire = (uint32_t)p->d.payload.size;
    p->d.wrapping = WRAP_HEP;
    p->d.wrap_depth = 1;
    p->d.wrap_id = p->agent;
}

static bool is_hep3(struct slice bytes)
{
    return slice_starts(bytes, "HEP3") || slice_starts(bytes, "EEP3");
}

static bool parse_hep3(struct slice bytes, struct hep_packet *ret_packet)
{
    struct cursor c = cursor_over(bytes);
    cursor_skip(&c, 4);
    uint16_t length = cursor_u16(&c);
    if (c.failed || length != bytes.size)
        return false;
    struct hep_packet p = {.version = 3, .d = {.proto = PROTO_UDP, .transport = TRANSPORT_UDP}};
    struct chunks k = {.packet = &p};
    if (!read_chunks(&k, &c) || !addresses_agree(&k) || p.d.payload.size == 0)
        return false;
    set_time(&p, k.seconds, k.microseconds);
    finish(&p);
    *ret_packet = p;
    return true;
}

/* ---- HEP 1 and 2 ---- */

#define V2_FIXED_SIZE 8

struct hep2_header {
    uint8_t version;
    uint8_t family;
    size_t before_time; /* fixed part and addresses */
    size_t time_size;   /* 0, 10 or, padded by the compiler that made it, 12 */
};

/* Version 2 has its time behind the addresses whether the header length counts it or not. */
static bool hep2_header(struct slice bytes, struct hep2_header *ret_header)
{
    struct cursor c = cursor_over(bytes);
    struct hep2_header h = {0};
    h.version = cursor_u8(&c);
    size_t length = cursor_u8(&c);
    h.family = cursor_u8(&c);
    uint8_t proto = cursor_u8(&c);
    if (c.failed || (h.version != 1 && h.version != 2))
        return false;
    if ((h.family != FAMILY_4 && !family_is_6(h.family)) ||
        (proto != PROTO_UDP && proto != PROTO_TCP && proto != PROTO_SCTP))
        return false;
    h.before_time = V2_FIXED_SIZE + (h.family == FAMILY_4 ? 8 : 32);
    h.time_size = h.version == 1 ? 0 : length == h.before_time + 10 ? 10 : 12;
    *ret_header = h;
    return length == h.before_time || (h.version == 2 && length == h.before_time + h.time_size);
}

struct hep2_time {
    uint32_t seconds, microseconds;
    uint16_t agent;
};

static bool is_plausible(const struct hep2_time *t)
{
    return t->microseconds < 1000000 && t->seconds >= 1000000000; /* September 2001 */
}

/* captagent and Kamailio write these in the byte order of their host, others as the network does.
 * The microseconds tell: below a million their top byte is 0. The host's order is the commoner. */
static void hep2_time(struct slice bytes, struct hep_packet *p)
{
    struct cursor in = cursor_over(bytes);
    struct hep2_time big;
    big.seconds = cursor_u32(&in);
    big.microseconds = cursor_u32(&in);
    big.agent = cursor_u16(&in);
    struct hep2_time little = {.seconds = __builtin_bswap32(big.seconds),
                               .microseconds = __builtin_bswap32(big.microseconds),
                               .agent = __builtin_bswap16(big.agent)};
    const struct hep2_time *t = !is_plausible(&little) && is_plausible(&big) ? &big : &little;
    p->agent = t->agent;
    if (is_plausible(t))
        set_time(p, t->seconds, t->microseconds);
}

static bool parse_hep2(struct slice bytes, struct hep_packet *ret_packet)
{
    struct hep2_header h;
    if (!hep2_header(bytes, &h))
        return false;
    struct hep_packet p = {.version = 2, .type = HEP_SIP};
    struct cursor c = cursor_over(bytes);
    cursor_skip(&c, 3);
    p.d.proto = p.d.transport = cursor_u8(&c);
    p.d.src.port = cursor_u16(&c);
    p.d.dst.port = cursor_u16(&c);
    size_t addr_size = h.family == FAMILY_4 ? 4 : 16;
    struct slice src = cursor_slice(&c, addr_size);
    struct slice dst = cursor_slice(&c, addr_size);
    struct slice time = cursor_slice(&c, h.time_size);
    p.d.payload = cursor_rest(&c);
    if (c.failed || p.d.payload.size == 0)
        return false;
    p.d.src.addr = addr_of(src);
    p.d.dst.addr = addr_of(dst);
    if (time.size)
        hep2_time(time, &p);
    finish(&p);
    *ret_packet = p;
    return true;
}

/* ---- what both share ---- */

bool hep_looks_like(struct slice bytes)
{
    struct hep2_header h;
    return is_hep3(bytes) || hep2_header(bytes, &h);
}

bool hep_parse(struct slice bytes, struct hep_packet *ret_packet)
{
    return is_hep3(bytes) ? parse_hep3(bytes, ret_packet) : parse_hep2(bytes, ret_packet);
}

size_t hep_inflate(struct slice payload, uint8_t *out, size_t out_max)
{
    return inflate_bytes(payload, out, out_max);
}

int64_t hep_time(const struct hep_packet *p, int64_t received_ns, bool *ret_suspect)
{
    int64_t apart;
    bool far = p->has_time && (__builtin_sub_overflow(p->d.time_ns, received_ns, &apart) ||
                               apart > DAY_NS || apart < -DAY_NS);
    *ret_suspect = far;
    return p->has_time && !far ? p->d.time_ns : received_ns;
}

unsigned hep_type_label(uint8_t type)
{
    switch (type) {
    case HEP_SIP:
        return label_find(LABELS_HEP_TYPE, slice_str("sip"));
    case HEP_RTP:
        return label_find(LABELS_HEP_TYPE, slice_str("rtp"));
    case HEP_RTCP:
        return label_find(LABELS_HEP_TYPE, slice_str("rtcp"));
    case HEP_RTP_REPORT:
    case HEP_VQ_REPORT:
    case 36: /* reports on RTCP of gossipper, and short ones */
    case 37:
    case 38: /* of horaclifix, from IPFIX */
        return label_find(LABELS_HEP_TYPE, slice_str("report"));
    case HEP_LOG:
        return label_find(LABELS_HEP_TYPE, slice_str("log"));
    default:
        return LABEL_COUNT_HEP_TYPE - 1;
    }
}
