/* `earshot read --topology`: the graph of api/topology.h over all that was read, as one JSON object. */
#pragma once

#include "api/topology.h"
#include "base/buf.h"
#include "capture/event.h"

/* Registrations that the event tells of. */
void read_topology_event(struct topology *t, const struct event *event);
void read_topology_print(const struct topology *t, struct buf *out);
