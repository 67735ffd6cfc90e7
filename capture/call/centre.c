#include "capture/call/centre.h"

#define NAME_KEPT_MAX 64

static struct slice header_of(const struct sip_msg *m, const char (*names)[FRONT_HEADER_SIZE],
                              unsigned count)
{
    for (unsigned n = 0; n < count; n++)
        for (unsigned i = 0; i < m->header_count; i++)
            if (slice_is_nocase(m->headers[i].name, names[n]) && m->headers[i].value.size)
                return m->headers[i].value;
    return slice_none();
}

static struct slice keep(struct call *call, struct slice value)
{
    char text[NAME_KEPT_MAX + 1];
    return arena_copy(call->arena, slice_of(text, sip_unfold(value, text, sizeof text)));
}

void centre_note(const struct front_config *config, struct call *call, const struct sighting *s)
{
    if (config->queue_header_count == 0 && config->agent_header_count == 0)
        return;
    struct slice queue = header_of(s->m, config->queue_headers, config->queue_header_count);
    struct slice agent = header_of(s->m, config->agent_headers, config->agent_header_count);
    if (queue.size == 0 && agent.size == 0)
        return;
    if (call->centre == NULL)
        call->centre = arena_alloc(call->arena, sizeof *call->centre);
    struct call_centre *v = call->centre;
    if (v == NULL)
        return;
    if (v->queue.size == 0)
        v->queue = keep(call, queue);
    if (v->agent.size == 0 && agent.size) {
        v->agent = keep(call, agent);
        v->agent_ns = s->d->time_ns;
    }
}
