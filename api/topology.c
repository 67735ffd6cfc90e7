/* A call is read in three steps: its hops (who passed it on, what way it took), its legs (who rang
 * or answered), its streams. Node 0 is "other" from the beginning, so a full table has somewhere to
 * put things. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/topology_parts.h"
#include "base/error.h"

#define CONTACT_PRIVATE_BIT 3 /* of call_record.nat: record_nat_text(3) */

struct topology *topology_new(struct hash_seed seed)
{
    struct topology *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->seed = seed;
    t->node_room = 64;
    t->edge_room = 64;
    t->nodes = calloc(t->node_room, sizeof *t->nodes);
    t->edges = calloc(t->edge_room, sizeof *t->edges);
    if (t->nodes == NULL || t->edges == NULL) {
        topology_free(t);
        return NULL;
    }
    t->nodes[0].other = true;
    t->node_count = 1;
    return t;
}

void topology_free(struct topology *t)
{
    if (t == NULL)
        return;
    map_fini(&t->by_addr);
    map_fini(&t->by_ends);
    free(t->nodes);
    free(t->edges);
    free(t);
}

/* ---- tables ---- */

/* Room for one more; false without memory. */
static bool grow(struct topology *t, void **items, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room)
        return true;
    void *more = realloc(*items, 2 * (size_t)*room * size);
    if (more == NULL) {
        t->failed = true;
        return false;
    }
    *items = more;
    *room *= 2;
    return true;
}

static uint32_t node_find(const struct topology *t, uint64_t hash, struct addr addr, uint32_t space)
{
    struct map_probe p = map_probe(&t->by_addr, hash);
    for (uint32_t i; (i = map_next(&t->by_addr, &p)) != MAP_NONE;)
        if (addr_equal(t->nodes[i].addr, addr) && t->nodes[i].space == space)
            return i;
    return 0;
}

/* Its number; 0, "other", where there is no room. */
static uint32_t node_of(struct topology *t, struct addr addr, uint32_t space)
{
    uint64_t words[3] = {addr.high, addr.low, space};
    uint64_t hash = hash_words(&t->seed, words, 3);
    uint32_t found = node_find(t, hash, addr, space);
    if (found || addr_is_any(addr) || t->node_count == TOPOLOGY_NODES_MAX)
        return found;
    if (!grow(t, (void **)&t->nodes, t->node_count, &t->node_room, sizeof *t->nodes) ||
        map_add(&t->by_addr, hash, t->node_count) != 0) {
        t->failed = true;
        return 0;
    }
    t->nodes[t->node_count] = (struct topology_node){.addr = addr, .space = space};
    return t->node_count++;
}

static uint32_t node_at(struct topology *t, const struct endpoint *e)
{
    return node_of(t, e->addr, e->space);
}

struct topology_edge *topology_edge(struct topology *t, bool media, uint32_t src, uint32_t dst)
{
    uint64_t words[2] = {(uint64_t)src << 32 | dst, media};
    uint64_t hash = hash_words(&t->seed, words, 2);
    struct map_probe p = map_probe(&t->by_ends, hash);
    for (uint32_t i; (i = map_next(&t->by_ends, &p)) != MAP_NONE;) {
        struct topology_edge *e = &t->edges[i];
        if (e->src == src && e->dst == dst && e->media == media)
            return e;
    }
    /* the last two places are for what no longer fits */
    if (t->edge_count >= TOPOLOGY_EDGES_MAX - 2 && (src || dst))
        return topology_edge(t, media, 0, 0);
    if (!grow(t, (void **)&t->edges, t->edge_count, &t->edge_room, sizeof *t->edges) ||
        map_add(&t->by_ends, hash, t->edge_count) != 0) {
        t->failed = true;
        return NULL;
    }
    t->edges[t->edge_count] = (struct topology_edge){.media = media, .src = src, .dst = dst};
    return &t->edges[t->edge_count++];
}

void topology_edge_add(struct topology_edge *into, const struct topology_edge *from)
{
    into->calls += from->calls;
    into->answered += from->answered;
    into->us += from->us;
    into->streams += from->streams;
    into->packets += from->packets;
    into->expected += from->expected;
    into->lost += from->lost;
    for (unsigned i = 0; i < TOPOLOGY_SCALES; i++) {
        struct topology_scores *to = &into->mos[i];
        const struct topology_scores *of = &from->mos[i];
        if (of->streams && (to->streams == 0 || of->least < to->least))
            to->least = of->least;
        to->streams += of->streams;
        to->sum += of->sum;
    }
}

/* ---- what is told of a node ---- */

static void tell(char *field, size_t size, struct slice text)
{
    if (field[0] == '\0')
        slice_copy_to(text, field, size);
}

/* The newest word, in whatever order they are told. */
static void tell_agent(struct topology_node *n, struct slice agent, int64_t time_us)
{
    if (agent.size == 0 || time_us < n->agent_us)
        return;
    slice_copy_to(agent, n->agent, sizeof n->agent);
    n->agent_us = time_us;
}

static void count_node(struct topology *t, uint32_t number)
{
    struct topology_node *n = &t->nodes[number];
    n->calls += n->stamp != t->calls;
    n->stamp = t->calls;
}

static void role(struct topology *t, uint32_t number, enum topology_role as)
{
    if (number)
        t->nodes[number].roles |= (uint8_t)(1u << as);
}

/* One of the two ends of a call: a telephone, or the far end of a trunk. */
static void end(struct topology *t, const struct call_record *r, uint32_t number, bool caller)
{
    struct topology_node *n = &t->nodes[number];
    bool far = r->trunk.size && r->direction && strcmp(r->direction, caller ? "in" : "out") == 0;
    if (number == 0)
        return;
    role(t, number, far ? TOPOLOGY_GATEWAY : TOPOLOGY_UA);
    tell_agent(n, caller ? r->user_agent : r->server, r->started_us);
    tell(n->site, sizeof n->site, caller ? r->from_site : r->to_site);
    tell(n->tenant, sizeof n->tenant, r->tenant);
    if (far)
        tell(n->trunk, sizeof n->trunk, r->trunk);
}

/* ---- hops ---- */

/* Is this hop the way from the one that led to the answer, or that hop itself? */
static bool leads_to(const struct record_path *path, uint32_t hop, uint32_t answered)
{
    for (uint32_t steps = 0; answered && answered <= path->hop_count && steps <= path->hop_count;
         steps++) {
        if (answered == hop)
            return true;
        answered = path->hops[answered - 1].from;
    }
    return false;
}

static uint32_t answered_hop(const struct call_record *r)
{
    for (uint32_t i = 0; i < r->path.leg_count; i++)
        if (r->path.legs[i].winner)
            return r->path.legs[i].hop;
    return 0;
}

static void sip_edge(struct topology *t, const struct call_record *r, const struct endpoint *src,
                     const struct endpoint *dst, bool answered)
{
    uint32_t from = node_at(t, src), to = node_at(t, dst);
    struct topology_edge *e = topology_edge(t, false, from, to);
    count_node(t, from);
    count_node(t, to);
    if (e == NULL || e->stamp == t->calls)
        return;
    e->stamp = t->calls;
    e->calls++;
    e->answered += answered;
    if (answered && r->duration_ms > 0)
        e->us += r->duration_ms * 1000;
}

static void take_hops(struct topology *t, const struct call_record *r)
{
    uint32_t answered = answered_hop(r);
    /* those that answered first: a call counts once on an edge */
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < r->path.hop_count; i++) {
            const struct record_hop *h = &r->path.hops[i];
            bool won = leads_to(&r->path, i + 1, answered);
            if (won == (pass == 0))
                sip_edge(t, r, &h->src, &h->dst, won);
        }
    for (uint32_t i = 0; i < r->path.hop_count; i++) {
        const struct record_hop *h = &r->path.hops[i];
        if (h->from == 0)
            end(t, r, node_at(t, &h->src), true);
        else
            role(t, node_at(t, &h->src), TOPOLOGY_PROXY);
    }
}

/* ---- legs ---- */

/* "sip:bob@192.0.2.7:5062;transport=udp" names an address that is at neither end of this hop. */
static bool is_elsewhere(struct slice target, const struct record_hop *hop)
{
    struct slice rest = target, host;
    struct addr there;
    slice_cut(&rest, ':');
    for (struct slice before = rest; before.size;) {
        slice_cut(&before, '@');
        if (before.size)
            rest = before;
    }
    if (rest.size && rest.data[0] == '[') {
        host = slice_cut(&rest, ']');
        host = slice_from(host, 1);
    } else {
        host = slice_cut(&rest, ';');
        rest = host;
        host = slice_cut(&rest, ':');
    }
    return addr_parse(host, &there) && !addr_equal(there, hop->dst.addr) &&
           !addr_equal(there, hop->src.addr);
}

static bool was_there(const struct record_leg *leg)
{
    return leg->ringing_us || leg->answered_us || leg->code == 486 || leg->code == 600 ||
           leg->code == 603;
}

static void take_legs(struct topology *t, const struct call_record *r)
{
    for (uint32_t i = 0; i < r->path.leg_count; i++) {
        const struct record_leg *leg = &r->path.legs[i];
        if (leg->hop == 0 || leg->hop > r->path.hop_count || !was_there(leg))
            continue;
        const struct record_hop *hop = &r->path.hops[leg->hop - 1];
        uint32_t number = node_at(t, &hop->dst);
        if (!(r->nat >> CONTACT_PRIVATE_BIT & 1) && is_elsewhere(leg->target, hop))
            role(t, number, TOPOLOGY_PROXY);
        else
            end(t, r, number, false);
    }
}

/* ---- streams ---- */

static int scale_of(const char *scale)
{
    static const char *const SCALES[TOPOLOGY_SCALES] = {"NB", "WB", "FB"};
    for (int i = 0; scale && i < TOPOLOGY_SCALES; i++)
        if (strcmp(SCALES[i], scale) == 0)
            return i;
    return -1;
}

static void add_score(struct topology_edge *e, const struct record_quality *q)
{
    int i = isnan(q->mos_lq) ? -1 : scale_of(q->scale);
    if (i < 0)
        return;
    struct topology_scores *m = &e->mos[i];
    if (m->streams == 0 || q->mos_lq < m->least)
        m->least = q->mos_lq;
    m->streams++;
    m->sum += q->mos_lq;
}

static void take_stream(struct topology *t, const struct record_stream *s)
{
    uint32_t src = node_at(t, &s->src), dst = node_at(t, &s->dst);
    struct topology_edge *e = topology_edge(t, true, src, dst);
    role(t, src, TOPOLOGY_MEDIA);
    role(t, dst, TOPOLOGY_MEDIA);
    count_node(t, src);
    count_node(t, dst);
    if (e == NULL)
        return;
    e->calls += e->stamp != t->calls;
    e->stamp = t->calls;
    e->streams++;
    e->us += s->last_us > s->first_us ? s->last_us - s->first_us : 0;
    e->packets += s->packets;
    e->expected += s->expected;
    e->lost += s->lost;
    add_score(e, &s->quality);
}

static bool same_host(const struct endpoint *a, const struct endpoint *b)
{
    return addr_equal(a->addr, b->addr) && a->space == b->space;
}

/* In from one address while out to another. */
static bool passes_on(const struct record_stream *in, const struct record_stream *out)
{
    return same_host(&in->dst, &out->src) && !same_host(&in->src, &out->dst) &&
           in->first_us <= out->last_us && out->first_us <= in->last_us;
}

static void take_streams(struct topology *t, const struct call_record *r)
{
    for (uint32_t i = 0; i < r->stream_count; i++)
        take_stream(t, &r->streams[i]);
    for (uint32_t i = 0; i < r->stream_count; i++)
        for (uint32_t k = 0; k < r->stream_count; k++)
            if (passes_on(&r->streams[i], &r->streams[k]))
                role(t, node_at(t, &r->streams[i].dst), TOPOLOGY_MEDIA_RELAY);
}

int topology_call(struct topology *t, const struct call_record *r)
{
    t->calls++;
    if (r->path.hop_count == 0 &&
        !addr_is_any(r->src.addr)) /* of other signalling: its ends alone */
        sip_edge(t, r, &r->src, &r->dst, r->answered_us != 0);
    take_hops(t, r);
    take_legs(t, r);
    take_streams(t, r);
    return t->failed ? ERR_NOMEM : 0;
}

/* ---- registrations ---- */

/* "192.0.2.1", "192.0.2.1:5060", "[2001:db8::1]:5060" */
static bool address_of(const char *text, struct addr *ret_addr)
{
    struct slice rest = slice_str(text);
    if (addr_parse(rest, ret_addr))
        return true;
    struct slice host = slice_cut(&rest, text[0] == '[' ? ']' : ':');
    return addr_parse(text[0] == '[' ? slice_from(host, 1) : host, ret_addr);
}

int topology_registration(struct topology *t, const struct registration_record *r)
{
    struct addr user, registrar;
    if (r->successes == 0 || r->aggregate)
        return 0;
    if (address_of(r->ip, &user)) {
        uint32_t n = node_of(t, user, (uint32_t)r->space);
        role(t, n, TOPOLOGY_UA);
        if (n)
            tell_agent(&t->nodes[n], slice_str(r->user_agent), r->updated_us);
    }
    if (address_of(r->registrar, &registrar)) {
        uint32_t n = node_of(t, registrar, (uint32_t)r->space);
        role(t, n, TOPOLOGY_REGISTRAR);
        if (n)
            tell_agent(&t->nodes[n], slice_str(r->server), r->updated_us);
    }
    return t->failed ? ERR_NOMEM : 0;
}
