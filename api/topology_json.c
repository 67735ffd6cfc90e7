/* The graph as JSON. Nodes are ordered by calls, then address; those behind the first `nodes_max`,
 * and their edges, become "other". So the answer does not depend on the order in which things were
 * met. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "api/json_fields.h"
#include "api/topology_parts.h"
#include "base/error.h"

#define RATIO_DECIMALS  6
#define SCORE_DECIMALS  2
#define MINUTE_DECIMALS 3

struct order {
    const struct topology *t;
    uint32_t *number; /* out: node -> id; the last id is "other" */
    const struct topology_node **sorted;
    uint32_t shown;
};

/* ---- order ---- */

static int by_calls(const void *a, const void *b)
{
    const struct topology_node *x = *(const struct topology_node *const *)a,
                               *y = *(const struct topology_node *const *)b;
    if (x->other != y->other)
        return x->other ? 1 : -1;
    if (x->calls != y->calls)
        return x->calls > y->calls ? -1 : 1;
    if (x->addr.high != y->addr.high)
        return x->addr.high < y->addr.high ? -1 : 1;
    if (x->addr.low != y->addr.low)
        return x->addr.low < y->addr.low ? -1 : 1;
    return x->space < y->space ? -1 : x->space > y->space;
}

static bool order_nodes(struct order *o, unsigned nodes_max)
{
    const struct topology *t = o->t;
    o->number = calloc(t->node_count, sizeof *o->number);
    o->sorted = calloc(t->node_count, sizeof(void *));
    if (o->number == NULL || o->sorted == NULL)
        return false;
    for (uint32_t i = 0; i < t->node_count; i++)
        o->sorted[i] = &t->nodes[i];
    qsort(o->sorted, t->node_count, sizeof(void *), by_calls);
    o->shown = t->node_count - 1 < nodes_max ? t->node_count - 1 : nodes_max;
    for (uint32_t i = 0; i < t->node_count; i++)
        o->number[o->sorted[i] - t->nodes] = i < o->shown ? i : o->shown;
    return true;
}

static int edge_order(const void *a, const void *b)
{
    const struct topology_edge *x = a, *y = b;
    if (x->media != y->media)
        return x->media ? 1 : -1;
    if (x->src != y->src)
        return x->src < y->src ? -1 : 1;
    return x->dst < y->dst ? -1 : x->dst > y->dst;
}

/* The edges between what is shown, with the ids of the answer. */
static struct topology *fold(const struct order *o)
{
    struct topology *out = topology_new(o->t->seed);
    for (uint32_t i = 0; out && i < o->t->edge_count; i++) {
        const struct topology_edge *e = &o->t->edges[i];
        struct topology_edge *into =
            topology_edge(out, e->media, o->number[e->src], o->number[e->dst]);
        if (into)
            topology_edge_add(into, e);
    }
    if (out == NULL || out->failed) {
        topology_free(out);
        return NULL;
    }
    if (out->edge_count)
        qsort(out->edges, out->edge_count, sizeof *out->edges, edge_order);
    return out;
}

/* ---- nodes ---- */

static void roles_json(struct json *j, uint8_t roles)
{
    static const char *const NAMES[TOPOLOGY_ROLES] = {
        [TOPOLOGY_UA] = "ua",
        [TOPOLOGY_PROXY] = "proxy",
        [TOPOLOGY_REGISTRAR] = "registrar",
        [TOPOLOGY_GATEWAY] = "gateway",
        [TOPOLOGY_MEDIA_RELAY] = "media_relay",
        [TOPOLOGY_MEDIA] = "media",
    };
    if (roles & ~(1u << TOPOLOGY_MEDIA)) /* who does more is known by that */
        roles &= (uint8_t) ~(1u << TOPOLOGY_MEDIA);
    json_key(j, "roles");
    json_array(j);
    for (unsigned i = 0; i < TOPOLOGY_ROLES; i++)
        if (roles >> i & 1)
            json_str(j, NAMES[i]);
    json_end(j);
}

static void node_json(struct json *j, const struct topology_node *n, uint32_t id, const struct api_named_source *names)
{
    char text[ADDR_TEXT_SIZE];
    json_object(j);
    json_kv_int(j, "id", id);
    json_kv_str(j, "addr", addr_text(n->addr, text));
    json_kv_int(j, "space", n->space);
    roles_json(j, n->roles);
    kv_known(j, "user_agent", slice_str(n->agent));
    kv_known(j, "tenant", slice_str(n->tenant));
    kv_known(j, "site", slice_str(n->site));
    kv_known(j, "trunk", slice_str(n->trunk));
    kv_uint(j, "calls", n->calls);
    named_alias_json(j, names, n->addr);
    json_end(j);
}

/* How many nodes stand behind it; left out where it stands for nothing. */
static void other_json(struct json *j, const struct order *o, const struct topology *edges)
{
    bool used = o->t->node_count - 1 > o->shown;
    for (uint32_t i = 0; i < edges->edge_count && !used; i++)
        used = edges->edges[i].src == o->shown || edges->edges[i].dst == o->shown;
    if (!used)
        return;
    json_object(j);
    json_kv_int(j, "id", o->shown);
    json_kv_null(j, "addr");
    json_kv_null(j, "space");
    json_key(j, "roles");
    json_array(j);
    json_str(j, "other");
    json_end(j);
    static const char *const EMPTY[] = {"user_agent", "tenant", "site", "trunk", "calls", "alias"};
    for (unsigned i = 0; i < sizeof EMPTY / sizeof EMPTY[0]; i++)
        json_kv_null(j, EMPTY[i]);
    json_end(j);
}

/* ---- edges ---- */

static void scores_json(struct json *j, const struct topology_edge *e)
{
    static const char *const SCALES[TOPOLOGY_SCALES] = {"NB", "WB", "FB"};
    json_key(j, "mos");
    if (e->mos[0].streams + e->mos[1].streams + e->mos[2].streams == 0) {
        json_null(j);
        return;
    }
    json_object(j);
    for (unsigned i = 0; i < TOPOLOGY_SCALES; i++) {
        const struct topology_scores *m = &e->mos[i];
        if (m->streams == 0)
            continue;
        json_key(j, SCALES[i]);
        json_object(j);
        json_kv_double(j, "avg", m->sum / (double)m->streams, SCORE_DECIMALS);
        json_kv_double(j, "min", m->least, SCORE_DECIMALS);
        kv_uint(j, "streams", m->streams);
        json_end(j);
    }
    json_end(j);
}

static void edge_json(struct json *j, const struct topology_edge *e)
{
    json_object(j);
    json_kv_str(j, "kind", e->media ? "media" : "sip");
    json_kv_int(j, "src", e->src);
    json_kv_int(j, "dst", e->dst);
    kv_uint(j, "calls", e->calls);
    if (!e->media)
        kv_uint(j, "answered", e->answered);
    json_kv_double(j, "minutes", (double)e->us / 60e6, MINUTE_DECIMALS);
    if (e->media) {
        kv_uint(j, "streams", e->streams);
        kv_uint(j, "packets", e->packets);
        json_kv_double(j, "loss_ratio", e->expected ? (double)e->lost / (double)e->expected : NAN,
                       RATIO_DECIMALS);
        scores_json(j, e);
    }
    json_end(j);
}

int topology_json(struct json *j, const struct topology *t, unsigned nodes_max, const struct api_named_source *names)
{
    struct order o = {.t = t};
    struct topology *edges = order_nodes(&o, nodes_max) ? fold(&o) : NULL;
    if (edges) {
        kv_uint(j, "calls", t->calls);
        json_key(j, "nodes");
        json_array(j);
        for (uint32_t i = 0; i < o.shown; i++)
            node_json(j, o.sorted[i], i, names);
        other_json(j, &o, edges);
        json_end(j);
        json_key(j, "edges");
        json_array(j);
        for (uint32_t i = 0; i < edges->edge_count; i++)
            edge_json(j, &edges->edges[i]);
        json_end(j);
    }
    int err = edges ? 0 : ERR_NOMEM;
    topology_free(edges);
    free(o.number);
    free(o.sorted);
    return err;
}
