/* The short way of plain frames says what the way through the layers says. */
#include <criterion/criterion.h>

#include "capture/net/layer.h"
#include "tests/support/guard.h"
#include "tests/unit/net/packets.h"

static void build(struct buf *b, const char *payload)
{
    struct buf udp;
    buf_init(&udp, 1 << 16);
    buf_init(b, 1 << 16);
    put_udp(&udp, slice_str(payload), 0);
    put_hex(b, MACS "0800");
    put_ip4(b, &(struct ip4_fields){.id = 77}, buf_view(&udp));
    buf_fini(&udp);
}

static bool same(const struct datagram *a, const struct datagram *b)
{
    return endpoint_equal(&a->src, &b->src) && endpoint_equal(&a->dst, &b->dst) &&
           a->payload.data == b->payload.data && a->payload.size == b->payload.size &&
           a->payload_wire == b->payload_wire && a->time_ns == b->time_ns && a->iface == b->iface &&
           a->vlan_outer == b->vlan_outer && a->vlan_inner == b->vlan_inner &&
           a->ip_id == b->ip_id && a->proto == b->proto && a->transport == b->transport &&
           a->ttl == b->ttl && a->tos == b->tos && a->fragmented == b->fragmented &&
           a->wrapping == b->wrapping && a->wrap_depth == b->wrap_depth &&
           (a->wrapping == WRAP_NONE ||
            (a->wrap_id == b->wrap_id && addr_equal(a->wrap_src, b->wrap_src) &&
             addr_equal(a->wrap_dst, b->wrap_dst)));
}

/* True when the short way took it. */
static bool check(struct net *n, struct slice bytes)
{
    struct slice copy = guard_copy(bytes);
    struct frame frame = {.bytes = copy,
                          .wire_bytes = (uint32_t)bytes.size,
                          .link_type = LINK_ETHERNET,
                          .iface = 3,
                          .time_ns = 12345};
    struct datagram plain, layers;
    bool taken = plain_decode(n, &frame, &plain);
    if (taken) {
        cr_assert_eq(net_decode_layers(n, &frame, &layers), NET_DATAGRAM);
        cr_assert(same(&plain, &layers));
    }
    guard_free(copy);
    return taken;
}

/* Every byte set to values that mean something somewhere; most changes leave a plain frame. */
static void change_bytes(struct net *n, struct buf *b)
{
    static const uint8_t changes[] = {0x00, 0x01, 0x08, 0x1f, 0x45, 0x46, 0x7f, 0x80, 0xff};
    unsigned taken = 0, all = 0;
    cr_assert(check(n, buf_view(b)));
    for (size_t at = 0; at < b->size; at++) {
        uint8_t before = b->data[at];
        for (size_t i = 0; i < sizeof changes; i++, all++) {
            b->data[at] = changes[i];
            taken += check(n, buf_view(b));
        }
        b->data[at] = before;
    }
    cr_assert(taken > all / 2 && taken < all);
}

Test(plain, each_byte_changed_leads_to_the_same_datagram_or_to_the_layers)
{
    struct net *n = net_new(&(struct net_config){0}, NULL);
    struct buf b;
    build(&b, "OPTIONS sip:a@b SIP/2.0");
    change_bytes(n, &b);
    buf_fini(&b);
    net_free(n);
}

Test(plain, a_plain_frame_in_vxlan_is_what_the_layers_make_of_it)
{
    struct net *n = net_new(&(struct net_config){0}, NULL);
    struct buf inner, b;
    build(&inner, "OPTIONS sip:a@b SIP/2.0");
    buf_init(&b, 1 << 16);
    put_wrapped(&b, MACS "0800 <4:11> <u:12b5> 08000000 00126700", buf_view(&inner));
    change_bytes(n, &b);
    for (size_t size = 0; size <= b.size; size++)
        (void)check(n, slice_sub(buf_view(&b), 0, size));
    buf_fini(&inner);
    buf_fini(&b);
    net_free(n);
}

Test(plain, every_truncation_leads_to_the_same_datagram_or_to_the_layers)
{
    struct net *n = net_new(&(struct net_config){0}, NULL);
    struct buf b;
    build(&b, "OPTIONS sip:a@b SIP/2.0");
    for (size_t size = 0; size <= b.size; size++)
        cr_assert_eq(check(n, slice_sub(buf_view(&b), 0, size)), size >= 42);
    buf_fini(&b);
    net_free(n);
}

Test(plain, padding_behind_the_packet_is_cut)
{
    struct net *n = net_new(&(struct net_config){0}, NULL);
    struct buf b;
    build(&b, "x");
    put_hex(&b, "00000000000000000000000000000000");
    cr_assert(check(n, buf_view(&b)));
    buf_fini(&b);
    net_free(n);
}
