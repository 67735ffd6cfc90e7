/* Address spaces by VLAN and tunnel; fragments in tunnels, and in tunnels that are fragmented. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "capture/net/layer.h"
#include "tests/unit/net/packets.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char text[] = INNER_TEXT;

/* ---- address spaces ---- */

static const struct net_space spaces[] = {
    {WRAP_NONE, 100, 1},      {WRAP_NONE, 200, 2},  {WRAP_VXLAN, 5000, 3}, {WRAP_GRE, 9, 4},
    {WRAP_GTPU, 0xaa, 5},     {WRAP_IPIP, 0, 6},    {WRAP_VXLAN, 100, 7},  {WRAP_NONE, 100, 99},
    {WRAP_ERSPAN, 0x3ff, 10}, {WRAP_NONE, 4095, 8},
};

static const struct {
    const char *layers;
    uint32_t space;
} space_cases[] = {
    {ETH4, 0},
    {MACS "8100 0064 0800", 1},
    {MACS "8100 00c8 0800", 2},
    {MACS "8100 00c9 0800", 0},
    {MACS "88a8 0064 8100 00c8 0800", 2},
    {MACS "88a8 0064 8100 00c9 0800", 1},
    {MACS "8100 0fff 0800", 8},
    {ETH4 "<4:11> <u:12b5> 08000000 00138800" ETH4, 3},
    {ETH4 "<4:11> <u:12b5> 08000000 00006400" ETH4, 7},
    {ETH4 "<4:11> <u:12b5> 08000000 00006500" ETH4, 0},
    {MACS "8100 0064 0800 <4:11> <u:12b5> 08000000 00138800" ETH4, 3},
    {MACS "8100 0064 0800 <4:11> <u:12b5> 08000000 00006500" ETH4, 1},
    {ETH4 "<4:11> <u:12b5> 08000000 00138800" MACS "8100 00c8 0800", 2},
    {ETH4 "<4:2f> 2000 0800 00000009", 4},
    {ETH4 "<4:2f> 2000 0800 00000009 <4:04>", 6},
    {ETH4 "<4:11> <u:0868> 30ff 0000 000000aa", 5},
    {MACS "8100 0064 0800 <4:11> <u:0868> 30ff 0000 000000ab", 1},
};

static struct net *net_with_spaces(void)
{
    return net_new(&(struct net_config){.spaces = spaces, .spaces_count = COUNT(spaces)}, NULL);
}

Test(spaces, the_innermost_known_tag_or_tunnel_gives_the_address_space)
{
    struct net *with = net_with_spaces();
    struct net *without = new_net(NULL);
    struct buf b, inner;
    buf_init(&b, 1 << 16);
    buf_init(&inner, 1 << 16);
    for (size_t i = 0; i < COUNT(space_cases); i++) {
        struct datagram d;
        buf_clear(&b);
        buf_clear(&inner);
        put_inner(&inner, 4);
        put_wrapped(&b, space_cases[i].layers, buf_view(&inner));
        cr_assert_eq(decode_at(with, LINK_ETHERNET, buf_view(&b), 0, &d, NULL), NET_DATAGRAM);
        cr_assert_eq(d.src.space, space_cases[i].space, "%zu", i);
        cr_assert_eq(d.dst.space, space_cases[i].space, "%zu", i);
        decode_at(without, LINK_ETHERNET, buf_view(&b), 0, &d, NULL);
        cr_assert(d.src.space == 0 && d.dst.space == 0);
    }
    buf_fini(&b);
    buf_fini(&inner);
    net_free(with);
    net_free(without);
}

Test(spaces, a_refused_trial_leaves_no_address_space_behind)
{
    struct net *n = net_with_spaces();
    struct buf b, inner;
    buf_init(&b, 1 << 16);
    buf_init(&inner, 1 << 16);
    put_hex(&inner, MACS "8100 00c8 0806 0001");
    put_wrapped(&b, MACS "8100 0064 0800 <4:11> <u:12b5> 08000000 00138800", buf_view(&inner));
    struct datagram d;
    cr_assert_eq(decode_at(n, LINK_ETHERNET, buf_view(&b), 0, &d, NULL), NET_DATAGRAM);
    cr_assert_eq(d.src.space, 1);
    cr_assert_eq(d.vlan_outer, 100);
    cr_assert_eq(d.vlan_inner, 0);
    cr_assert_eq(d.wrap_depth, 0);
    buf_fini(&b);
    buf_fini(&inner);
    net_free(n);
}

Test(spaces, too_many_spaces_are_refused)
{
    struct net_space *many = calloc(NET_SPACES_MAX + 1, sizeof *many);
    cr_assert_null(
        net_new(&(struct net_config){.spaces = many, .spaces_count = NET_SPACES_MAX + 1}, NULL));
    struct net *n =
        net_new(&(struct net_config){.spaces = many, .spaces_count = NET_SPACES_MAX}, NULL);
    cr_assert(n);
    net_free(n);
    free(many);
}

/* ---- fragments ---- */

/* IPv4 packet of `payload` in two fragments, the first of `first` bytes. */
static void put_fragment(struct buf *b, struct slice payload, size_t first, bool last,
                         uint8_t proto, uint16_t id)
{
    struct slice part = last ? slice_from(payload, first) : slice_sub(payload, 0, first);
    put_ip4(b,
            &(struct ip4_fields){
                .id = id, .proto = proto, .flags_offset = (uint16_t)(last ? first / 8 : 0x2000)},
            part);
}

static void frame_of(struct buf *b, const char *layers, struct slice inner)
{
    buf_clear(b);
    put_wrapped(b, layers, inner);
}

Test(spaces, fragments_of_two_spaces_with_equal_addresses_stay_apart)
{
    static const char *const tagged[] = {MACS "8100 0064 0800", MACS "8100 00c8 0800"};
    struct net *n = net_with_spaces();
    struct buf b, udp[2], fragment, payload;
    buf_init(&b, 1 << 16);
    buf_init(&fragment, 1 << 16);
    buf_init(&payload, 1 << 16);
    for (int k = 0; k < 2; k++) {
        buf_init(&udp[k], 1 << 16);
        put_udp(&udp[k],
                slice_str(k ? "the second tenant's message" : "the first tenant's message."), 0);
    }
    struct datagram d;
    for (int step = 0; step < 4; step++) {
        int k = step % 2;
        buf_clear(&fragment);
        put_fragment(&fragment, buf_view(&udp[k]), 16, step >= 2, PROTO_UDP, 5);
        frame_of(&b, tagged[k], buf_view(&fragment));
        enum net_verdict v = decode_at(n, LINK_ETHERNET, buf_view(&b), 0, &d, &payload);
        cr_assert_eq(v, step < 2 ? NET_HELD : NET_DATAGRAM, "%d", step);
        if (step >= 2) {
            cr_assert(slice_equal(d.payload, slice_from(buf_view(&udp[k]), 8)), "%d", k);
            cr_assert_eq(d.src.space, (uint32_t)k + 1);
            cr_assert_eq(d.dst.space, (uint32_t)k + 1);
        }
    }
    for (int k = 0; k < 2; k++)
        buf_fini(&udp[k]);
    buf_fini(&b);
    buf_fini(&fragment);
    buf_fini(&payload);
    net_free(n);
}

Test(spaces, fragments_inside_a_tunnel_are_put_together)
{
    struct net *n = new_net(NULL);
    struct buf b, udp, fragment, payload;
    buf_init(&b, 1 << 16);
    buf_init(&udp, 1 << 16);
    buf_init(&fragment, 1 << 16);
    buf_init(&payload, 1 << 16);
    put_udp(&udp, slice_str(text), 0);
    struct datagram d;
    for (int last = 1; last >= 0; last--) {
        buf_clear(&fragment);
        put_fragment(&fragment, buf_view(&udp), 16, last, PROTO_UDP, 5);
        frame_of(&b, ETH4 "<4:11> <u:12b5> 08000000 00000100" ETH4, buf_view(&fragment));
        cr_assert_eq(decode_at(n, LINK_ETHERNET, buf_view(&b), 0, &d, &payload),
                     last ? NET_HELD : NET_DATAGRAM);
    }
    cr_assert(slice_is(d.payload, text));
    cr_assert(d.fragmented);
    cr_assert_eq(d.wrapping, WRAP_VXLAN);
    buf_fini(&b);
    buf_fini(&udp);
    buf_fini(&fragment);
    buf_fini(&payload);
    net_free(n);
}

/* The whole packet that carries the inner fragment lies in the buffer where the inner whole is put
 * together. */
Test(spaces, fragments_inside_fragments_of_a_tunnel_are_put_together)
{
    struct net *n = new_net(NULL);
    struct buf b, udp, inner, outer, fragment, payload;
    struct buf *all[] = {&b, &udp, &inner, &outer, &fragment, &payload};
    for (size_t i = 0; i < COUNT(all); i++)
        buf_init(all[i], 1 << 17);
    struct buf pattern;
    buf_init(&pattern, 1 << 16);
    put_pattern(&pattern, 9000);
    put_udp(&udp, buf_view(&pattern), 0);
    struct datagram d;
    enum net_verdict v = NET_OTHER;
    for (int last = 0; last < 2; last++) {
        buf_clear(&inner);
        put_fragment(&inner, buf_view(&udp), 4000, last, PROTO_UDP, 5);
        buf_clear(&outer);
        put_hex(&outer, "9c40 12b5");
        buf_u16(&outer, (uint16_t)(8 + 8 + 14 + inner.size));
        put_hex(&outer, "0000 08000000 00000100" ETH4);
        buf_slice(&outer, buf_view(&inner));
        for (int part = 0; part < 2; part++) {
            cr_assert(last == 0 || part == 0 || v == NET_HELD);
            buf_clear(&fragment);
            put_fragment(&fragment, buf_view(&outer), 1480, part, PROTO_UDP, (uint16_t)(50 + last));
            frame_of(&b, ETH4, buf_view(&fragment));
            v = decode_at(n, LINK_ETHERNET, buf_view(&b), 0, &d, &payload);
        }
    }
    cr_assert_eq(v, NET_DATAGRAM);
    cr_assert(slice_equal(d.payload, buf_view(&pattern)));
    cr_assert_eq(d.wrap_depth, 1);
    for (size_t i = 0; i < COUNT(all); i++)
        buf_fini(all[i]);
    buf_fini(&pattern);
    net_free(n);
}
