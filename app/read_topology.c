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
    out->failed |= topology_json(&j, t, NODES_SHOWN, NULL) != 0;
    json_end(&j);
    buf_char(out, '\n');
}

static void take_posture(void *context, enum user_kind kind, void *record)
{
    if (kind == USER_REGISTRATION)
        posture_registration(context, record);
    free(record);
}

/* Each registration is told whenever it changes; the last word on it counts. */
void read_posture_event(struct posture *p, const struct event *event)
{
    if (event->kind == EVENT_REGISTRATION && ((const struct user_registration *)(const void *)event->body.data)->last)
        user_store_records(event, take_posture, p);
}

void read_posture_print(const struct posture *p, struct buf *out)
{
    struct json j;
    json_init(&j, out);
    json_object(&j);
    posture_json(&j, p);
    json_end(&j);
    buf_char(out, '\n');
}
