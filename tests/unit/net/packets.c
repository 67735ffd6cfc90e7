#include "tests/unit/net/packets.h"

#include <stdlib.h>

#include "tests/support/guard.h"

static unsigned nibble(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a' + 10);
}

void put_hex(struct buf *b, const char *hex)
{
    for (; *hex; hex++) {
        if (*hex == ' ')
            continue;
        buf_u8(b, (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1])));
        hex++;
    }
}

void put_udp(struct buf *b, struct slice payload, int length_more)
{
    buf_u16(b, SRC_PORT);
    buf_u16(b, DST_PORT);
    buf_u16(b, (uint16_t)((int)payload.size + 8 + length_more));
    buf_u16(b, 0);
    buf_slice(b, payload);
}

void put_ip4(struct buf *b, const struct ip4_fields *fields, struct slice payload)
{
    unsigned header = 20u + fields->options;
    buf_u8(b, (uint8_t)(0x40 | header / 4));
    buf_u8(b, 0xb8);
    buf_u16(b, (uint16_t)((int)header + (int)payload.size + fields->total_more));
    buf_u16(b, fields->id);
    buf_u16(b, fields->flags_offset);
    buf_u8(b, 61);
    buf_u8(b, fields->proto ? fields->proto : PROTO_UDP);
    buf_u16(b, 0);
    buf_u32(b, SRC4);
    buf_u32(b, DST4);
    for (unsigned i = 0; i < fields->options; i++)
        buf_u8(b, 1);
    buf_slice(b, payload);
}

void put_ip6(struct buf *b, uint8_t next, struct slice payload)
{
    put_hex(b, "6b800000");
    buf_u16(b, (uint16_t)payload.size);
    buf_u8(b, next);
    buf_u8(b, 61);
    put_hex(b, "20010db8000000000000000000000001 20010db8000000000000000000000002");
    buf_slice(b, payload);
}

static const char text[] = INNER_TEXT;

void put_inner(struct buf *b, int version)
{
    struct buf udp;
    buf_init(&udp, 1 << 16);
    put_udp(&udp, slice_str(text), 0);
    if (version == 4)
        put_ip4(b, &(struct ip4_fields){.id = 77}, buf_view(&udp));
    else
        put_ip6(b, PROTO_UDP, buf_view(&udp));
    buf_fini(&udp);
}

static unsigned hex_of(const char *at)
{
    unsigned value = 0;
    for (; *at != '>'; at++)
        value = value << 4 | (unsigned)(*at <= '9' ? *at - '0' : *at - 'a' + 10);
    return value;
}

static void open_layer(struct buf *b, char kind, unsigned number)
{
    if (kind == '4') {
        put_hex(b, "4500 0000 0063 0000 40");
        buf_u8(b, (uint8_t)number);
        put_hex(b, "0000" OUTER4);
    } else if (kind == '6') {
        put_hex(b, "60000000 0000");
        buf_u8(b, (uint8_t)number);
        put_hex(b, "40" OUTER6);
    } else {
        buf_u16(b, 40000);
        buf_u16(b, (uint16_t)number);
        put_hex(b, "0000 0000");
    }
}

/* Writes the layer's length, now that its end is known. */
static void close_layer(struct buf *b, char kind, size_t at)
{
    size_t size = b->size - at - (kind == '6' ? 40 : 0);
    size_t place = at + (kind == '4' ? 2 : 4);
    b->data[place] = (uint8_t)(size >> 8);
    b->data[place + 1] = (uint8_t)size;
}

void put_wrapped(struct buf *b, const char *layers, struct slice inner)
{
    char kind[16];
    size_t start[16];
    int open = 0;
    for (const char *at = layers; *at; at++) {
        if (*at == '<') {
            kind[open] = at[1];
            start[open++] = b->size;
            open_layer(b, at[1], hex_of(at + 3));
            at = strchr(at, '>');
        } else if (*at != ' ') {
            put_hex(b, (char[]){at[0], at[1], 0});
            at++;
        }
    }
    buf_slice(b, inner);
    while (open-- > 0)
        close_layer(b, kind[open], start[open]);
}

void put_pattern(struct buf *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_u8(b, (uint8_t)(i * 7 + i / 251));
}

struct net *new_net(struct counters *counters)
{
    struct net_config config = {.seed = {.k0 = 1, .k1 = 2}};
    return net_new(&config, counters);
}

enum net_verdict decode_at(struct net *n, uint16_t link_type, struct slice bytes, int64_t time_ns,
                           struct datagram *ret_datagram, struct buf *ret_payload)
{
    struct slice copy = guard_copy(bytes);
    struct frame frame = {.bytes = copy,
                          .wire_bytes = (uint32_t)copy.size,
                          .link_type = link_type,
                          .iface = 3,
                          .time_ns = time_ns};
    enum net_verdict verdict = net_decode(n, &frame, ret_datagram);
    if (verdict == NET_DATAGRAM && ret_payload) {
        buf_clear(ret_payload);
        buf_slice(ret_payload, ret_datagram->payload);
        ret_datagram->payload = buf_view(ret_payload);
    }
    guard_free(copy);
    return verdict;
}

uint64_t parse_errors(struct counters *c, const char *reason)
{
    unsigned other = label_find(LABELS_PROTO, slice_str("other"));
    return c->cell[C_PARSE_ERRORS + other * (unsigned)LABEL_COUNT_PARSE_REASON +
                   label_find(LABELS_PARSE_REASON, slice_str(reason))];
}
