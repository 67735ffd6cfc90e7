/* What topology.c gathers and topology_json.c writes. */
#pragma once

#include "api/topology.h"
#include "base/map.h"

#define TOPOLOGY_NAME_SIZE 40
#define TOPOLOGY_SCALES    3 /* NB, WB, FB */

enum topology_role {
    TOPOLOGY_UA,
    TOPOLOGY_PROXY,
    TOPOLOGY_REGISTRAR,
    TOPOLOGY_GATEWAY,
    TOPOLOGY_MEDIA_RELAY,
    TOPOLOGY_MEDIA,
    TOPOLOGY_ROLES,
};

struct topology_node {
    struct addr addr;
    uint32_t space;
    bool other;     /* stands for all that have no node of their own */
    uint8_t roles;  /* bits */
    uint64_t calls;
    uint64_t stamp; /* the call that was counted last */
    char agent[64];
    int64_t agent_us; /* when it said so */
    char tenant[TOPOLOGY_NAME_SIZE], site[TOPOLOGY_NAME_SIZE], trunk[TOPOLOGY_NAME_SIZE];
};

struct topology_scores {
    uint64_t streams;
    double sum, least;
};

struct topology_edge {
    bool media;
    uint32_t src, dst; /* nodes */
    uint64_t calls, stamp;
    uint64_t answered; /* signalling: calls that this way led to an answer */
    int64_t us;        /* answered calls, or media */
    uint64_t streams, packets, expected, lost;
    struct topology_scores mos[TOPOLOGY_SCALES];
};

struct topology {
    struct hash_seed seed;
    struct topology_node *nodes; /* [0] is "other" */
    struct topology_edge *edges;
    uint32_t node_count, node_room, edge_count, edge_room;
    struct map by_addr, by_ends;
    uint64_t calls;
    bool failed; /* without memory */
};

/* The edge between two nodes, made when there is room, else that between "other" and "other". NULL without memory. */
struct topology_edge *topology_edge(struct topology *t, bool media, uint32_t src, uint32_t dst);
/* What `from` counted, onto `into`. */
void topology_edge_add(struct topology_edge *into, const struct topology_edge *from);
