/* Who talks to whom: calls as a graph. Nodes are addresses with what they were seen to do, edges are what went from one to
 * another, signalling and media apart. Pure: records in, JSON out; so `GET /stats/topology` and `earshot read --topology` say
 * the same.
 *
 *   role         the address was seen to
 *   ua           begin calls that no trunk brought, ring or answer as the last hop, register
 *   proxy        pass an INVITE on, or answer for a Contact elsewhere
 *   registrar    accept a registration
 *   gateway      be the far end of a trunk
 *   media_relay  take a stream of a call and send one on to another address meanwhile
 *   media        send or take media, and nothing of the above
 *
 * An edge counts a call once, however often it was tried. Scores of two scales are never put together.
 * Bounds: TOPOLOGY_NODES_MAX and TOPOLOGY_EDGES_MAX while it grows; when it is written the nodes with most calls stay and all
 * others are one, "other". What finds no room goes there as well. */
#pragma once

#include "api/named.h"
#include "base/hash.h"
#include "base/json.h"
#include "storage/record.h"
#include "storage/user_record.h"

#define TOPOLOGY_NODES_MAX 4096
#define TOPOLOGY_EDGES_MAX 16384

struct topology;

struct topology *topology_new(struct hash_seed seed); /* NULL without memory */
void topology_free(struct topology *t);
/* In any order. ERR_NOMEM. */
int topology_call(struct topology *t, const struct call_record *r);
/* Only those that ever succeeded say something. ERR_NOMEM. */
int topology_registration(struct topology *t, const struct registration_record *r);
/* Keys and values into the object that is open: "calls", "nodes" (at most `nodes_max` and "other"), "edges". `names` NULL: no node has one. ERR_NOMEM. */
int topology_json(struct json *j, const struct topology *t, unsigned nodes_max, const struct api_named_source *names);
