/* `earshot read --topology`: the graph of api/topology.h over all that was read, as one JSON object. */
#pragma once

#include "api/posture.h"
#include "api/topology.h"
#include "base/buf.h"
#include "capture/event.h"

/* Registrations that the event tells of. */
void read_topology_event(struct topology *t, const struct event *event);
/* The same for how well all of it is protected. */
void read_posture_event(struct posture *p, const struct event *event);
void read_posture_print(const struct posture *p, struct buf *out);
void read_topology_print(const struct topology *t, struct buf *out);
