/* Requests first, then responses. Requests within a dialog must carry its tags (legs.h). */
#include "capture/call/meaning.h"

#include "capture/call/ahead.h"
#include "capture/call/emit.h"
#include "capture/call/facts.h"
#include "capture/call/hops.h"
#include "capture/call/legs.h"
#include "capture/call/negotiate.h"
#include "capture/call/stranger.h"

/* ---- requests ---- */

/* The INVITE of an answer that was captured ahead of it: nothing was missed after all. */
bool meaning_completes(const struct live *l, const struct sighting *s)
{
    const struct call *call = l->call;
    return s->m->request && s->m->method == SIP_INVITE && s->to_tag == 0 && call->partial &&
           call->processed_ns == 0 && call->hops == NULL && l->state == DIALOG_ANSWERED &&
           s->m->cseq == l->invite_cseq && s->d->time_ns - call->started_ns <= AHEAD_WINDOW_NS;
}

static void complete(struct calls *c, struct live *l, const struct sighting *s)
{
    struct call *call = l->call;
    struct call_hop *h = hops_enter(l, s);
    facts_complete(call, s->m);
    counters_add(c->counters, C_CALL_ATTEMPTS + l->label, 1);
    for (struct call_leg *leg = call->legs; h && leg; leg = leg->next)
        leg->hop = h;
    if (h) {
        h->code = call->sip_code;
        h->response_ns = h->final_ns = h->invite_ns;
    }
    emit_call(c, l, EVENT_CALL_CHANGED);
}

static enum dialog_input meaning_of_invite(struct calls *c, struct live *l,
                                           const struct sighting *s)
{
    if (s->to_tag || s->transaction_of != CALL_CALLER)
        return INPUT_NOTHING;
    if (meaning_completes(l, s)) {
        complete(c, l, s);
        return INPUT_NOTHING;
    }
    /* after a BYE there is no other hop left on which the old INVITE could be on its way */
    bool done = l->state == DIALOG_RELEASING || l->state == DIALOG_OVER;
    if (s->m->cseq > l->invite_cseq || done)
        return INPUT_INVITE;
    if (s->m->cseq < l->invite_cseq)
        return INPUT_NOTHING;
    /* the same INVITE once more: on its way, or to another target after the one before failed */
    const struct call_hop *h = hops_enter(l, s);
    bool failed = l->state == DIALOG_REFUSED || l->state == DIALOG_CANCELLING;
    return failed && !hops_is_relay(l, h, s->m->cseq) ? INPUT_INVITE : INPUT_NOTHING;
}

static uint64_t remote_tag(const struct sighting *s)
{
    return s->transaction_of == CALL_CALLER ? s->to_tag : s->from_tag;
}

/* Both tags must be the dialog's. Each branch is a dialog of its own; what no response has told us
 * is taken on trust only while we know of none. */
static bool in_dialog(const struct live *l, const struct sighting *s)
{
    uint64_t remote = remote_tag(s);
    if (legs_find(l, remote))
        return true;
    if (l->callee_tag)
        return remote == l->callee_tag;
    /* who follows RFC 2543 may answer without a tag */
    return l->call->legs == NULL || (l->answered && remote == 0);
}

/* The leg ends, and the call with its last one: `whole`. */
static enum dialog_input release(struct calls *c, struct live *l, const struct sighting *s,
                                 enum dialog_input whole)
{
    uint64_t winner = l->callee_tag;
    if (legs_bye(l, remote_tag(s), s->d->time_ns) == LEG_BYE_CALL)
        return whole;
    if (l->callee_tag != winner)
        negotiate_moved(c, l, legs_find(l, l->callee_tag));
    return INPUT_NOTHING;
}

static enum dialog_input meaning_of_bye(struct calls *c, struct live *l, const struct sighting *s)
{
    if (!in_dialog(l, s)) {
        counters_add(c->counters, C_ALONE_BYES, 1);
        return INPUT_NOTHING;
    }
    if (l->bye_told && s->transaction_of == l->call->released_by) { /* captured behind its response */
        l->call->bye_ns = l->call->ended_ns;
        l->call->partial = l->bye_told = false;
    }
    if (live_is_over(l) || stranger_bye(c, l, s))
        return INPUT_NOTHING;
    return release(c, l, s, INPUT_BYE);
}

/* The ACK of a failure has the branch of its INVITE, that of a 2xx one of its own (RFC 3261 17.1.1.3,
 * 13.2.2.4). So a mirror of one direction, or one that lost the 2xx, still shows that it was there. */
static bool tells_of_answer(const struct live *l, const struct sighting *s)
{
    const struct call_leg *leg = legs_find(l, s->to_tag);
    bool from_caller = false;
    if (l->answered || s->to_tag == 0 || (leg && leg->code) || l->call->hops_over_limit ||
        !slice_starts(s->m->via.branch, "z9hG4bK"))
        return false;
    for (const struct call_hop *h = l->call->hops; h; h = h->next) {
        if (h->cseq != s->m->cseq)
            continue;
        if (h->via == s->via)
            return false;
        from_caller |= h->from == NULL && addr_equal(h->src.addr, s->d->src.addr);
    }
    return from_caller;
}

static enum dialog_input meaning_of_ack(struct live *l, const struct sighting *s)
{
    legs_ack(l, s);
    if (s->transaction_of != CALL_CALLER || s->m->cseq != l->invite_cseq)
        return INPUT_NOTHING;
    if (tells_of_answer(l, s))
        return INPUT_ANSWER_TOLD;
    return remote_tag(s) == l->callee_tag ? INPUT_ACK : INPUT_NOTHING;
}

/* Of one hop among several it tells of that hop alone. */
static enum dialog_input meaning_of_cancel(struct live *l, const struct sighting *s)
{
    if (s->hop && s->hop->cancelled_ns == 0)
        s->hop->cancelled_ns = s->d->time_ns;
    return hops_is_relay(l, s->hop, s->m->cseq) || hops_brother_open(l, s->hop) ? INPUT_NOTHING
                                                                                : INPUT_CANCEL;
}

static enum dialog_input meaning_of_request(struct calls *c, struct live *l,
                                            const struct sighting *s)
{
    bool of_attempt = s->transaction_of == CALL_CALLER && s->m->cseq == l->invite_cseq;
    switch (s->m->method) {
    case SIP_INVITE:
        return meaning_of_invite(c, l, s);
    case SIP_ACK:
        return meaning_of_ack(l, s);
    case SIP_CANCEL:
        return of_attempt ? meaning_of_cancel(l, s) : INPUT_NOTHING;
    case SIP_BYE:
        return meaning_of_bye(c, l, s);
    default:
        return INPUT_NOTHING;
    }
}

/* ---- responses ---- */

static enum dialog_input meaning_of_failure(struct live *l, const struct sighting *s)
{
    unsigned status = s->m->status;
    if (hops_is_relay(l, s->hop, s->m->cseq) || hops_brother_open(l, s->hop)) {
        l->relay_code = (uint16_t)status;
        return INPUT_NOTHING;
    }
    return status == 401 || status == 407 ? INPUT_CHALLENGE : INPUT_REFUSAL;
}

static enum dialog_input meaning_of_bye_response(struct calls *c, struct live *l,
                                                 const struct sighting *s)
{
    unsigned status = s->m->status;
    if (status < 200)
        return INPUT_NOTHING;
    if ((status == 401 || status == 407) && l->answered)
        return INPUT_BYE_CHALLENGE;
    /* the BYE itself was not captured; strangers are not believed (stranger.h) */
    bool told = status < 300 && l->state == DIALOG_ANSWERED && l->stranger == NULL &&
                remote_tag(s) && remote_tag(s) == l->callee_tag &&
                !stranger_to(c, l, s->d->src.addr) && !stranger_to(c, l, s->d->dst.addr);
    return told ? release(c, l, s, INPUT_BYE_TOLD) : INPUT_BYE_DONE;
}

static enum dialog_input meaning_of_response(struct calls *c, struct live *l,
                                             const struct sighting *s)
{
    unsigned status = s->m->status;
    if (s->m->method == SIP_BYE)
        return meaning_of_bye_response(c, l, s);
    if (s->m->method != SIP_INVITE || s->transaction_of != CALL_CALLER)
        return INPUT_NOTHING;
    /* older: a late failure of the INVITE before, but an answer counts; newer: its INVITE was
     * missed, or it was a re-INVITE */
    bool older = s->m->cseq < l->invite_cseq;
    bool answers = status >= 200 && status < 300;
    if ((older && !answers) || (s->m->cseq > l->invite_cseq && l->answered))
        return INPUT_NOTHING;
    if (status == 100)
        return INPUT_TRYING;
    if (status < 200)
        return status == 180 || (status == 183 && s->sdp.size) ? INPUT_RINGING : INPUT_PROGRESS;
    if (status >= 300)
        return meaning_of_failure(l, s);
    return l->answer_told && s->to_tag == l->callee_tag ? INPUT_ANSWER_LATE : INPUT_ANSWER;
}

enum dialog_input meaning_of(struct calls *c, struct live *l, const struct sighting *s)
{
    return s->m->request ? meaning_of_request(c, l, s) : meaning_of_response(c, l, s);
}
