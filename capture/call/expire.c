/* One timer a call. It is set to the earliest moment at which something could be due and looks then
 * at what really happened since; so a packet never touches a timer. What ends by time ends as of
 * its last sign of life, so it does not matter when the time-out was noticed. */
#include "capture/call/expire.h"

#include <stddef.h>

#include "capture/call/attempt.h"
#include "capture/call/emit.h"
#include "capture/call/finding_note.h"
#include "capture/call/flows.h"
#include "capture/call/orphan.h"
#include "capture/call/relate.h"
#include "capture/call/session.h"
#include "capture/call/stranger.h"
#include "capture/call/table.h"
#include "capture/call/turn.h"

static int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t linger_deadline(const struct calls *c, const struct live *l, int64_t last_ns)
{
    int64_t linger_ns = c->config.linger_ns;
    int64_t over_ns = earlier_of(later_of(last_ns, l->over_ns) + linger_ns,
                                 l->over_ns + LINGER_STRETCH * linger_ns);
    return later_of(over_ns, relate_wait(l));
}

/* Steady time at which the longest call ends; INT64_MAX: never. */
static int64_t duration_deadline(const struct calls *c, const struct live *l)
{
    int64_t began_ns = l->call->answered_ns ? l->call->answered_ns : l->call->started_ns;
    if (c->config.max_duration_ns <= 0)
        return INT64_MAX;
    return began_ns - (c->time_ns - c->steady_ns) + c->config.max_duration_ns;
}

static int64_t silence_deadline(const struct calls *c, const struct live *l, int64_t last_ns)
{
    bool held = l->holding[CALL_CALLER] || l->holding[CALL_CALLEE];
    return last_ns +
           (l->media_seen && !held ? c->config.media_timeout_ns : c->config.no_media_timeout_ns);
}

static int64_t deadline(const struct calls *c, const struct live *l)
{
    int64_t media_ns = flows_last_seen(c, l);
    int64_t last_ns = later_of(media_ns, l->last_sip_ns);
    if (live_is_over(l))
        return linger_deadline(c, l, last_ns);
    if (call_kind_is_orphan(l->call->kind))
        return earlier_of(last_ns + (l->flow_count ? c->config.orphan_timeout_ns : 0),
                          duration_deadline(c, l));
    switch ((enum dialog_state)l->state) {
    case DIALOG_CHALLENGED:
        return l->last_sip_ns + AUTH_WAIT_NS;
    case DIALOG_CANCELLING:
        return l->last_sip_ns + CANCEL_WAIT_NS;
    case DIALOG_ANSWERED:
        return earlier_of(earlier_of(silence_deadline(c, l, last_ns), duration_deadline(c, l)),
                          earlier_of(session_deadline(l), stranger_deadline(l)));
    default:
        return last_ns + c->config.setup_timeout_ns;
    }
}

void expire_schedule(struct calls *c, struct live *l)
{
    timer_set(c->wheel, &l->timer, deadline(c, l));
}

static void end_by_time(struct calls *c, struct live *l)
{
    if (c->steady_ns >= duration_deadline(c, l) && l->state == DIALOG_ANSWERED) {
        enum call_outcome outcome = live_is_bare(l) ? CALL_OUTCOME_NONE : CALL_OUTCOME_ANSWERED;
        l->call->partial = true;
        attempt_end(c, l, outcome, CALL_END_MAX_DURATION, CALL_PARTY_UNKNOWN, c->time_ns);
    } else {
        attempt_cut(c, l,
                    l->state == DIALOG_ANSWERED ? CALL_END_MEDIA_TIMEOUT : CALL_END_SIP_TIMEOUT);
    }
    if (!live_is_bare(l))
        emit_call(c, l, EVENT_CALL_CHANGED);
    if (!live_is_bare(l) && l->call->end_reason == CALL_END_MEDIA_TIMEOUT)
        finding_note_dropped(c, l->call);
}

/* What is due of an established call and need not be its end. */
static void look(struct calls *c, struct live *l)
{
    if (l->state == DIALOG_ANSWERED && stranger_deadline(l) <= c->steady_ns)
        stranger_decide(c, l);
    if (l->state == DIALOG_ANSWERED && session_deadline(l) <= c->steady_ns)
        session_expire(c, l);
}

static void fire(void *context, struct timer *t, int64_t now_ns)
{
    struct calls *c = context;
    struct live *l = (struct live *)(void *)((char *)t - offsetof(struct live, timer));
    (void)now_ns;
    look(c, l);
    if (deadline(c, l) > c->steady_ns) {
        expire_schedule(c, l);
        return;
    }
    if (!live_is_over(l))
        end_by_time(c, l);
    table_close(c, l);
}

static void end_waiting(struct calls *c, struct flow *f)
{
    if (!orphan_promote(c, f))
        flow_drop(c, f);
}

void expire_advance(struct calls *c)
{
    relate_tick(c);
    turn_expire(c->turn, c->steady_ns);
    timer_wheel_advance(c->wheel, c->steady_ns, fire, c);
    while (c->waiting.first != NO_INDEX) {
        struct flow *f = &c->flows[c->waiting.first];
        if (f->first_ns + c->config.held_ns > c->steady_ns)
            break;
        end_waiting(c, f);
    }
}

void expire_all(struct calls *c, enum call_end_reason reason)
{
    while (c->waiting.first != NO_INDEX)
        end_waiting(c, &c->flows[c->waiting.first]);
    for (uint32_t i = 0; i < c->live_used; i++) {
        struct live *l = &c->live[i];
        if (l->call == NULL)
            continue;
        if (l->state == DIALOG_ANSWERED && stranger_deadline(l) != INT64_MAX)
            stranger_decide(c, l);
        attempt_cut(c, l, reason);
        table_close(c, l);
    }
}
