/* The same SDP comes several times (183, 200, each hop of a proxy): what is new is told by the last
 * one of that party and line. A call that renegotiates without end keeps its first
 * CALL_ANNOUNCED_MAX and is marked as limited. */
#include "capture/call/announced.h"

static void take_types(const struct sdp_media *m, uint64_t types[2])
{
    types[0] = types[1] = 0;
    for (unsigned i = 0; i < m->format_count; i++) {
        uint8_t type = m->formats[i].payload_type & 0x7f;
        types[type / 64] |= UINT64_C(1) << type % 64;
    }
}

static bool same(const struct call_announced *a, const struct call_announced *b)
{
    return addr_equal(a->addr, b->addr) && a->port == b->port && a->types[0] == b->types[0] &&
           a->types[1] == b->types[1] && a->ptime_ms == b->ptime_ms && a->direction == b->direction;
}

/* Keeps it, unless it only repeats what that party said last about this line. */
static void keep(struct call *call, const struct call_announced *a)
{
    struct call_announced *before = NULL;
    struct call_announced **end = &call->announced;
    for (; *end; end = &(*end)->next)
        if ((*end)->party == a->party && (*end)->index == a->index)
            before = *end;
    if (before && same(before, a)) {
        before->abroad |= a->abroad;
        return;
    }
    struct call_announced *kept =
        call->announced_count < CALL_ANNOUNCED_MAX ? arena_alloc(call->arena, sizeof *kept) : NULL;
    if (kept == NULL) {
        call->limited = true;
        return;
    }
    *kept = *a;
    *end = kept;
    call->announced_count++;
}

static bool is_abroad(struct addr named, struct addr source)
{
    return addr_is_private(named) && !addr_is_private(source) && !addr_is_loopback(source);
}

void announced_note(const struct calls *c, struct live *l, const struct sighting *s)
{
    struct addr source = s->d->src.addr;
    if (s->sender > CALL_CALLEE)
        return;
    for (unsigned i = 0; i < c->sdp.media_count; i++) {
        const struct sdp_media *m = &c->sdp.media[i];
        if (m->type != SDP_AUDIO)
            continue;
        struct call_announced a = {
            .time_ns = c->time_ns,
            .addr = m->has_address ? m->address : source,
            .port = m->port,
            .index = (uint8_t)i,
            .ptime_ms = (uint8_t)(m->ptime_ms < UINT8_MAX ? m->ptime_ms : UINT8_MAX),
            .party = (uint8_t)s->sender,
            .direction = (uint8_t)m->direction,
            .abroad = m->has_address && is_abroad(m->address, source),
        };
        take_types(m, a.types);
        keep(l->call, &a);
    }
}
