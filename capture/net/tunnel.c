/* Entering tunnels, and the address spaces that VLANs and tunnels stand for.
 *
 * The outermost tunnel is described in the datagram; those inside are only counted. A space can be
 * given to every tag and tunnel: going inwards, each that stands in the table overrides those
 * before, so the innermost counts. The table is sorted, and nobody asks it while it is empty. */
#include <stdlib.h>

#include "base/error.h"
#include "capture/net/layer.h"

/* ---- address spaces ---- */

struct space_entry {
    uint64_t key;
    uint32_t place; /* in what was given: of equal keys the first counts */
    uint32_t space;
};

static uint64_t space_key(unsigned wrapping, uint32_t id)
{
    return (uint64_t)wrapping << 32 | id;
}

static int compare(const void *a, const void *b)
{
    const struct space_entry *left = a;
    const struct space_entry *right = b;
    if (left->key != right->key)
        return left->key < right->key ? -1 : 1;
    return left->place < right->place ? -1 : 1;
}

int net_spaces_set(struct net *n, const struct net_space *spaces, uint32_t count)
{
    if (count == 0)
        return 0;
    if (count > NET_SPACES_MAX)
        return ERR_NOMEM;
    n->spaces = malloc(count * sizeof *n->spaces);
    if (n->spaces == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        n->spaces[i] = (struct space_entry){.key = space_key(spaces[i].wrapping, spaces[i].id),
                                            .place = i,
                                            .space = spaces[i].space};
    }
    n->spaces_count = count;
    qsort(n->spaces, count, sizeof *n->spaces, compare);
    return 0;
}

/* The first entry whose key is not below `key`. */
static uint32_t lower_bound(const struct net *n, uint64_t key)
{
    uint32_t from = 0;
    uint32_t to = n->spaces_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (n->spaces[middle].key < key)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

/* The endpoints are given their space before they are known: whatever reads an address, be it for
 * fragments, finds it there. */
static void look_up_space(const struct net *n, struct datagram *out, unsigned wrapping, uint32_t id)
{
    uint64_t key = space_key(wrapping, id);
    uint32_t i = lower_bound(n, key);
    if (i == n->spaces_count || n->spaces[i].key != key)
        return;
    out->src.space = n->spaces[i].space;
    out->dst.space = n->spaces[i].space;
}

/* ---- entering ---- */

void net_vlan(struct net *n, struct packet *p, uint16_t id)
{
    if (p->tags == 0)
        p->out->vlan_outer = id;
    else if (p->tags == 1)
        p->out->vlan_inner = id;
    p->tags++; /* cannot wrap: LAYERS_MAX */
    if (n->spaces_count > 0)
        look_up_space(n, p->out, WRAP_NONE, id);
}

bool net_tunnel(struct net *n, struct packet *p, enum wrapping wrapping, uint32_t id)
{
    struct datagram *out = p->out;
    if (p->tunnels == TUNNELS_MAX) {
        n->trial = false; /* no datagram is allowed to hide another tunnel from the limit */
        net_malformed(n, REASON_LIMIT);
        return false;
    }
    if (p->tunnels++ == 0) {
        out->wrapping = (uint8_t)wrapping;
        out->wrap_id = id;
        out->wrap_src = out->src.addr;
        out->wrap_dst = out->dst.addr;
    }
    out->wrap_depth = p->tunnels;
    out->ip_id = 0; /* of an IPv4 header outside; IPv6 has none to replace it */
    p->fragments = 0;
    p->tags = out->vlan_outer || out->vlan_inner ? 2 : 0; /* the ids seen first stay */
    if (n->spaces_count > 0)
        look_up_space(n, out, wrapping, id);
    return true;
}
