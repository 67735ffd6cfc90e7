/* Every chain of the record is a spool reader; the frame with the lowest time among their next
 * packets goes out first. Packets within a chain stand in the order they came, which a reordered
 * clock may disturb by a little: the merge does not sort.
 *
 * MAC addresses were never kept, so frames carry locally administered ones made of the IP
 * addresses. */
#include "storage/call_pcap.h"

#include <stdlib.h>

#include "storage/spool.h"

#define PCAP_MAGIC_NS     0xa1b23c4du
#define PCAP_LINK_ETHER   1
#define PCAP_SNAPLEN      262144u
#define FILE_HEADER_BYTES 24
#define RECORD_BYTES      16
/* Ethernet, two tags, IPv6, UDP. */
#define FRAME_HEADER_MAX  (14 + 8 + 40 + 8)
#define UDP_OVER_IPV4_MAX 65507u
#define UDP_OVER_IPV6_MAX 65527u
#define RTP_FIXED         12u
#define ETHER_VLAN        0x8100
#define ETHER_QINQ        0x88a8
#define ETHER_IPV4        0x0800
#define ETHER_IPV6        0x86dd
#define PROTO_UDP         17

/* A chain and its next packet. */
struct lane {
    struct spool_reader *reader;
    const struct record_chain *chain;
    struct spool_packet packet;
    bool media;
};

struct writing {
    call_pcap_out *out;
    void *context;
    enum call_pcap_rtp rtp;
    uint64_t packets;
};

/* ---- bytes in network order ---- */

static uint8_t *net_u16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

static uint8_t *net_bytes(uint8_t *p, const void *bytes, size_t n)
{
    memcpy(p, bytes, n);
    return p + n;
}

static uint32_t sum_bytes(uint32_t sum, const uint8_t *p, size_t n)
{
    for (; n > 1; p += 2, n -= 2)
        sum += (uint32_t)p[0] << 8 | p[1];
    if (n)
        sum += (uint32_t)p[0] << 8;
    return sum; /* 65535 bytes of payload stay below 2^32 */
}

static uint16_t sum_fold(uint32_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* ---- a frame ---- */

static bool is_v4(const struct spool_packet *k)
{
    return addr_is_v4(k->src.addr) && addr_is_v4(k->dst.addr);
}

static uint8_t *mac_write(uint8_t *p, struct addr a)
{
    p[0] = 0x02; /* locally administered */
    p[1] = (uint8_t)(a.low >> 32);
    for (int i = 0; i < 4; i++)
        p[2 + i] = (uint8_t)(a.low >> (24 - 8 * i));
    return p + 6;
}

static uint8_t *ether_write(uint8_t *p, const struct spool_packet *k, bool v4)
{
    p = mac_write(mac_write(p, k->dst.addr), k->src.addr);
    if (k->vlan_outer && k->vlan_inner)
        p = net_u16(net_u16(p, ETHER_QINQ), k->vlan_outer);
    else if (k->vlan_outer)
        p = net_u16(net_u16(p, ETHER_VLAN), k->vlan_outer);
    if (k->vlan_inner)
        p = net_u16(net_u16(p, ETHER_VLAN), k->vlan_inner);
    return net_u16(p, v4 ? ETHER_IPV4 : ETHER_IPV6);
}

static uint8_t *ipv4_write(uint8_t *start, const struct spool_packet *k, unsigned udp_bytes)
{
    uint8_t addresses[8];
    uint8_t *p = addresses;
    p = net_u16(net_u16(p, (unsigned)(k->src.addr.low >> 16) & 0xffff),
                (unsigned)k->src.addr.low & 0xffff);
    net_u16(net_u16(p, (unsigned)(k->dst.addr.low >> 16) & 0xffff),
            (unsigned)k->dst.addr.low & 0xffff);
    p = start;
    *p++ = 0x45;
    *p++ = k->tos;
    p = net_u16(net_u16(p, 20 + udp_bytes), k->ip_id);
    p = net_u16(p, 0x4000); /* don't fragment */
    *p++ = k->ttl;
    *p++ = PROTO_UDP;
    p = net_u16(p, 0);
    p = net_bytes(p, addresses, sizeof addresses);
    net_u16(start + 10, sum_fold(sum_bytes(0, start, 20)));
    return p;
}

static uint8_t *ipv6_write(uint8_t *p, const struct spool_packet *k, unsigned udp_bytes)
{
    uint8_t address[16];
    p = net_u16(net_u16(p, 0x6000u | (unsigned)k->tos << 4), 0);
    p = net_u16(p, udp_bytes);
    *p++ = PROTO_UDP;
    *p++ = k->ttl;
    addr_to_v6(k->src.addr, address);
    p = net_bytes(p, address, sizeof address);
    addr_to_v6(k->dst.addr, address);
    return net_bytes(p, address, sizeof address);
}

/* The checksum covers the datagram that the file shows whole; of a cut one it stays 0, "not
 * computed". */
static uint8_t *udp_write(uint8_t *start, const struct spool_packet *k, const uint8_t *addresses,
                          size_t address_bytes, unsigned udp_bytes, bool whole)
{
    uint8_t *p = net_u16(net_u16(start, k->src.port), k->dst.port);
    p = net_u16(net_u16(p, udp_bytes), 0);
    if (whole) {
        uint32_t sum = sum_bytes(PROTO_UDP + udp_bytes, addresses, address_bytes);
        sum = sum_bytes(sum_bytes(sum, start, 8), k->payload.data, k->payload.size);
        uint16_t checksum = sum_fold(sum);
        net_u16(start + 6, checksum ? checksum : 0xffff);
    }
    return p;
}

/* Headers ahead of the payload; returns their size. */
static size_t headers_write(uint8_t out[FRAME_HEADER_MAX], const struct spool_packet *k,
                            uint32_t wire, bool whole)
{
    bool v4 = is_v4(k);
    unsigned udp_bytes = 8 + wire;
    uint8_t *ip = ether_write(out, k, v4);
    if (v4) {
        uint8_t *udp = ipv4_write(ip, k, udp_bytes);
        return (size_t)(udp_write(udp, k, ip + 12, 8, udp_bytes, whole) - out);
    }
    uint8_t *udp = ipv6_write(ip, k, udp_bytes);
    return (size_t)(udp_write(udp, k, ip + 8, 32, udp_bytes, whole) - out);
}

/* Bytes of an RTP datagram ahead of its sound: fixed header, CSRCs, extension. */
static size_t rtp_header_bytes(struct slice d)
{
    if (d.size < RTP_FIXED || d.data[0] >> 6 != 2)
        return d.size < RTP_FIXED ? d.size : RTP_FIXED;
    size_t n = RTP_FIXED + 4 * (d.data[0] & 15u);
    if (d.data[0] & 0x10 && n + 4 <= d.size)
        n += 4 + 4 * ((size_t)d.data[n + 2] << 8 | d.data[n + 3]);
    return n < d.size ? n : d.size;
}

static bool carries_rtp(const struct lane *lane)
{
    return lane->media && !lane->packet.rtcp && !lane->chain->rtcp;
}

static uint8_t *host_u32(uint8_t *p, uint32_t v)
{
    return net_bytes(p, &v, sizeof v);
}

static int frame_write(struct writing *e, const struct lane *lane)
{
    const struct spool_packet *k = &lane->packet;
    uint8_t head[RECORD_BYTES + FRAME_HEADER_MAX];
    uint32_t wire = k->wire_bytes > k->payload.size ? k->wire_bytes : (uint32_t)k->payload.size;
    size_t kept = k->payload.size;

    uint32_t most = is_v4(k) ? UDP_OVER_IPV4_MAX : UDP_OVER_IPV6_MAX;
    if (wire > most)
        wire = most;
    if (kept > wire)
        kept = wire;
    if (e->rtp == CALL_PCAP_HEADERS && carries_rtp(lane))
        kept = rtp_header_bytes(slice_sub(k->payload, 0, kept));
    size_t frame_head = headers_write(head + RECORD_BYTES, k, wire, k->payload.size == wire);
    uint8_t *p = host_u32(head, (uint32_t)(k->time_ns / 1000000000));
    p = host_u32(p, (uint32_t)(k->time_ns % 1000000000));
    host_u32(host_u32(p, (uint32_t)(frame_head + kept)), (uint32_t)(frame_head + wire));
    int err = e->out(e->context, head, RECORD_BYTES + frame_head);
    if (!err && kept)
        err = e->out(e->context, k->payload.data, kept);
    e->packets += err == 0;
    return err;
}

static int file_header_write(struct writing *e)
{
    uint8_t head[FILE_HEADER_BYTES];
    uint16_t version[2] = {2, 4};
    uint8_t *p = host_u32(head, PCAP_MAGIC_NS);
    p = net_bytes(p, version, sizeof version);
    p = host_u32(host_u32(p, 0), 0);
    host_u32(host_u32(p, PCAP_SNAPLEN), PCAP_LINK_ETHER);
    return e->out(e->context, head, sizeof head);
}

/* ---- merging ---- */

static bool wanted(const struct writing *e, const struct lane *lane)
{
    return e->rtp != CALL_PCAP_NONE || !carries_rtp(lane);
}

/* The lane's next wanted packet; false at its end. */
static bool lane_advance(const struct writing *e, struct lane *lane)
{
    int n;
    while ((n = spool_reader_next(lane->reader, &lane->packet)) != 0) {
        if (n < 0)
            continue; /* a damaged chunk: the next one may be whole */
        if (lane->media && addr_is_any(lane->packet.src.addr)) {
            lane->packet.src = lane->chain->src;
            lane->packet.dst = lane->chain->dst;
        }
        if (wanted(e, lane))
            return true;
    }
    return false;
}

/* "0189abcd-...": the 16 bytes of a uid. */
static bool uid_bytes(const char *text, uint8_t ret_uid[16])
{
    unsigned digits = 0;
    for (; *text; text++) {
        const char *hex = "0123456789abcdef", *at = strchr(hex, *text | 0x20);
        if (*text == '-')
            continue;
        if (at == NULL || digits == 32)
            return false;
        uint8_t v = (uint8_t)(at - hex);
        ret_uid[digits / 2] = (uint8_t)(digits % 2 ? ret_uid[digits / 2] | v : v << 4);
        digits++;
    }
    return digits == 32;
}

/* A chain whose chunks say another call's name is not this call's, whatever the record says. */
static bool lane_open(const char *data_dir, const struct record_chain *chain, const uint8_t uid[16],
                      struct lane *lane)
{
    *lane = (struct lane){.chain = chain, .media = chain->party != NULL};
    if (spool_reader_open(data_dir, chain->tail, &lane->reader, NULL) != 0)
        return false;
    if (memcmp(spool_reader_uid(lane->reader), uid, 16) == 0)
        return true;
    spool_reader_close(lane->reader);
    return false;
}

static void lane_drop(struct lane *lanes, uint32_t *count, uint32_t i)
{
    spool_reader_close(lanes[i].reader);
    lanes[i] = lanes[--*count];
}

/* Equal times in the order of the record's chains. */
static bool lane_before(const struct lane *a, const struct lane *b)
{
    return a->packet.time_ns != b->packet.time_ns ? a->packet.time_ns < b->packet.time_ns
                                                  : a->chain < b->chain;
}

static uint32_t lane_earliest(const struct lane *lanes, uint32_t count)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < count; i++)
        if (lane_before(&lanes[i], &lanes[first]))
            first = i;
    return first;
}

static int lanes_merge(struct writing *e, struct lane *lanes, uint32_t *count)
{
    int err = file_header_write(e);
    for (uint32_t i = 0; i < *count;) {
        if (lane_advance(e, &lanes[i]))
            i++;
        else
            lane_drop(lanes, count, i);
    }
    while (*count && !err) {
        uint32_t i = lane_earliest(lanes, *count);
        err = frame_write(e, &lanes[i]);
        if (!lane_advance(e, &lanes[i]))
            lane_drop(lanes, count, i);
    }
    return err;
}

int call_pcap_write(const char *data_dir, const struct call_record *r, enum call_pcap_rtp rtp,
                    call_pcap_out *out, void *context, uint64_t *ret_packets)
{
    struct writing e = {.out = out, .context = context, .rtp = rtp};
    uint8_t uid[16];
    uint32_t count = 0, chains = 0;
    int err = 0;

    if (!uid_bytes(r->uid, uid))
        return ERR_INVALID;
    struct lane *lanes = calloc(r->chain_count ? r->chain_count : 1, sizeof *lanes);
    if (lanes == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < r->chain_count; i++) {
        if (r->chains[i].tail.segment == 0)
            continue;
        chains++;
        count += lane_open(data_dir, &r->chains[i], uid, &lanes[count]);
    }
    err = chains && count == 0 ? ERR_NOT_FOUND : lanes_merge(&e, lanes, &count);
    while (count)
        lane_drop(lanes, &count, count - 1);
    free(lanes);
    if (!err && ret_packets)
        *ret_packets = e.packets;
    return err;
}
