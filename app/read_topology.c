#include "app/read_topology.h"

#include <stdlib.h>

#include "app/user_store.h"

#define NODES_SHOWN 1000

static void take(void *context, enum user_kind kind, void *record)
{
    if (kind == USER_REGISTRATION)
        topology_registration(context, record);
    free(record);
}

void read_topology_event(struct topology *t, const struct event *event)
{
    if (event->kind == EVENT_REGISTRATION)
        user_store_records(event, take, t);
}

void read_topology_print(const struct topology *t, struct buf *out)
{
    struct json j;
    json_init(&j, out);
    json_object(&j);
    out->failed |= topology_json(&j, t, NODES_SHOWN) != 0;
    json_end(&j);
    buf_char(out, '\n');
}
