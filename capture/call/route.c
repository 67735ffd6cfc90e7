/* From hops to tries. */
#include "capture/call/route.h"

static bool is_last(const struct call *call, const struct call_hop *h)
{
    for (const struct call_hop *o = call->hops; o; o = o->next) {
        if (o->from == h)
            return false;
    }
    return true;
}

/* A later try took this one's place, as far as times tell. */
static const struct call_hop *successor(const struct call *call, const struct call_hop *h)
{
    int64_t over_ns = h->final_ns ? h->final_ns : h->cancelled_ns;
    for (const struct call_hop *o = h->next; o; o = o->next) {
        if (is_last(call, o) && (h->given_up || (over_ns && o->invite_ns >= over_ns)))
            return o;
    }
    return NULL;
}

static enum call_attempt_reason reason_of(const struct call *call, const struct call_hop *h)
{
    if (h->code >= 200 && h->code < 300)
        return CALL_ATTEMPT_ANSWERED;
    if (h->code == 401 || h->code == 407)
        return CALL_ATTEMPT_CHALLENGED;
    if (h->code >= 300 && h->code < 400)
        return CALL_ATTEMPT_REDIRECTED;
    if (h->code == 422)
        return CALL_ATTEMPT_ADJUSTED;
    if (h->cancelled_ns) /* by a proxy that lost patience, or because the call was answered or given
                            up */
        return successor(call, h) ? CALL_ATTEMPT_TIMEOUT : CALL_ATTEMPT_CANCELLED;
    if (h->code == 408 || h->code == 0)
        return h->code == 0 && call->state != CALL_ENDED ? CALL_ATTEMPT_OPEN : CALL_ATTEMPT_TIMEOUT;
    return h->code == 487 ? CALL_ATTEMPT_CANCELLED : CALL_ATTEMPT_REJECTED;
}

static int64_t end_of(const struct call *call, const struct call_hop *h)
{
    if (h->final_ns)
        return h->final_ns;
    if (h->cancelled_ns)
        return h->cancelled_ns;
    const struct call_hop *next = successor(call, h);
    return next ? next->invite_ns : call->ended_ns;
}

static bool failed(const struct call_attempt *a)
{
    return a->reason == CALL_ATTEMPT_REJECTED || a->reason == CALL_ATTEMPT_TIMEOUT;
}

/* The newest try that was over when this one began. */
static bool is_advance(const struct call *call, unsigned n)
{
    const struct call_hop *h = call->attempts[n].hop;
    while (n-- > 0) {
        const struct call_attempt *before = &call->attempts[n];
        bool over = before->hop->given_up ||
                    (before->hop->final_ns && before->hop->final_ns <= h->invite_ns) ||
                    (before->hop->cancelled_ns && before->hop->cancelled_ns <= h->invite_ns);
        if (over)
            return failed(before);
    }
    return false;
}

void route_attempts(struct call *call)
{
    call->attempts = arena_alloc(call->arena, call->hop_count * sizeof *call->attempts);
    if (call->attempts == NULL)
        return;
    for (const struct call_hop *h = call->hops; h; h = h->next) {
        if (!is_last(call, h))
            continue;
        unsigned n = call->attempt_count++;
        call->attempts[n] = (struct call_attempt){
            .hop = h, .ended_ns = end_of(call, h), .reason = (uint8_t)reason_of(call, h)};
        if (is_advance(call, n))
            call->route_advances++;
    }
}
