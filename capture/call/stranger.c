/* Whom a call knows by address, and what becomes of the BYE of somebody else. */
#include "capture/call/stranger.h"

#include "capture/call/attempt.h"
#include "capture/call/emit.h"
#include "capture/call/finding_note.h"
#include "capture/call/flows.h"

#define MEDIA_RECENT_NS INT64_C(2000000000)
#define DECIDE_NS       INT64_C(3000000000)
#define TRAILING_NS     INT64_C(2000000000) /* media that was on its way, or ends a little late */

struct stranger {
    struct endpoint src;
    int64_t time_ns;   /* of the frames */
    int64_t steady_ns; /* 0: decided */
    uint8_t party;     /* whom it claims to be */
};

static bool is_contact(struct slice uri, struct addr a)
{
    struct sip_addr contact;
    struct addr named;
    return uri.size && sip_addr_parse(uri, &contact) && addr_parse(contact.host, &named) &&
           addr_equal(named, a);
}

static bool knows(const struct calls *c, const struct live *l, struct addr a)
{
    const struct call *call = l->call;
    if (addr_equal(call->src.addr, a) || addr_equal(call->dst.addr, a) ||
        addr_equal(l->caller_contact, a))
        return true;
    for (const struct call_hop *h = call->hops; h; h = h->next) {
        if (addr_equal(h->src.addr, a) || addr_equal(h->dst.addr, a))
            return true;
    }
    for (const struct call_leg *leg = call->legs; leg; leg = leg->next) {
        if (is_contact(leg->target, a))
            return true;
    }
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next) {
        if (addr_equal(c->points[i].at.addr, a))
            return true;
    }
    return false;
}

bool stranger_to(const struct calls *c, const struct live *l, struct addr a)
{
    return !knows(c, l, a);
}

bool stranger_bye(struct calls *c, struct live *l, const struct sighting *s)
{
    bool media = flows_last_seen(c, l) + MEDIA_RECENT_NS > c->steady_ns && l->media_seen;
    if (!l->answered || !media || knows(c, l, s->d->src.addr))
        return false;
    if (l->stranger == NULL)
        l->stranger = arena_alloc(l->call->arena, sizeof *l->stranger);
    if (l->stranger == NULL)
        return false;
    if (l->stranger->steady_ns == 0)
        *l->stranger = (struct stranger){.src = s->d->src,
                                         .time_ns = s->d->time_ns,
                                         .steady_ns = c->steady_ns,
                                         .party = s->sender};
    return true;
}

int64_t stranger_deadline(const struct live *l)
{
    return l->stranger && l->stranger->steady_ns ? l->stranger->steady_ns + DECIDE_NS : INT64_MAX;
}

void stranger_decide(struct calls *c, struct live *l)
{
    char text[ENDPOINT_TEXT_SIZE];
    struct stranger *x = l->stranger;
    struct call *call = l->call;
    int64_t bye_ns = x->steady_ns;
    x->steady_ns = 0;
    if (flows_last_seen(c, l) >= bye_ns + TRAILING_NS) {
        if (call->spoofed_bye_ns == 0) {
            call->spoofed_bye_ns = x->time_ns;
            call->spoofed_bye_src = x->src;
            counters_add(c->counters, C_SPOOFED_BYES, 1);
            finding_note_bye(c, call);
        }
        emit_note(c, l, "bye_spoofed", endpoint_text(&x->src, text));
        return;
    }
    call->bye_ns = x->time_ns;
    attempt_end(c, l, CALL_OUTCOME_ANSWERED, CALL_END_BYE, (enum call_party)x->party, x->time_ns);
    emit_call(c, l, EVENT_CALL_CHANGED);
}
