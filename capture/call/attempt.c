/* The actions of the state machine. Times are those of the first copy of a message that passed the
 * tap. */
#include "capture/call/attempt.h"

#include <stdio.h>

#include "capture/call/causes.h"
#include "capture/call/emit.h"
#include "capture/call/expire.h"
#include "capture/call/flows.h"
#include "capture/call/hops.h"
#include "capture/call/legs.h"
#include "capture/call/placing.h"
#include "capture/call/table.h"

static void first_time(int64_t *at, int64_t now_ns)
{
    if (*at == 0)
        *at = now_ns;
}

static void set_state(struct calls *c, struct live *l, enum dialog_state state)
{
    enum call_state before = l->call->state;
    l->state = (uint8_t)state;
    if (state != DIALOG_CANCELLING) /* a cancelled call goes on trying or ringing until the 487 */
        l->call->state = dialog_call_state(state);
    if (l->call->state == CALL_ENDED && before != CALL_ENDED)
        placing_active(c, l, false);
    else if (l->call->state != CALL_ENDED && before == CALL_ENDED)
        placing_active(c, l, true);
    switch (l->call->state) {
    case CALL_TRYING:
        table_set_class(c, l, LIVE_TRYING);
        break;
    case CALL_RINGING:
        table_set_class(c, l, LIVE_RINGING);
        break;
    case CALL_ANSWERED:
        table_set_class(c, l, LIVE_ANSWERED);
        break;
    case CALL_ENDED:
        table_set_class(c, l, LIVE_ENDING);
        break;
    }
}

void attempt_move(struct calls *c, struct live *l, enum dialog_state state)
{
    if (l->state == state)
        return;
    set_state(c, l, state);
    emit_call(c, l, EVENT_CALL_CHANGED);
}

/* ---- ends ---- */

static void stop_hold(struct live *l, int64_t now_ns)
{
    if (l->hold_since_ns && now_ns > l->hold_since_ns)
        l->call->held_ns += now_ns - l->hold_since_ns;
    l->hold_since_ns = 0;
}

/* Never ahead of what it is measured from: if the clock was set back in between, the steady one tells how long it was. */
static int64_t end_time(const struct live *l, int64_t ended_ns, int64_t steady_ns)
{
    int64_t from_ns = l->call->answered_ns ? l->call->answered_ns : l->call->started_ns;
    int64_t lasted_ns = steady_ns > l->began_ns ? steady_ns - l->began_ns : 0;
    return ended_ns >= from_ns ? ended_ns : from_ns + lasted_ns;
}

void attempt_end(struct calls *c, struct live *l, enum call_outcome outcome,
                 enum call_end_reason reason, enum call_party by, int64_t ended_ns)
{
    struct call *call = l->call;
    placing_settle(c, l);
    call->outcome = outcome;
    call->end_reason = reason;
    call->released_by = by;
    call->ended_ns = end_time(l, ended_ns, c->steady_ns);
    l->over_ns = c->steady_ns;
    stop_hold(l, call->ended_ns);
    if (live_is_bare(l)) {
        call->state = CALL_ENDED;
        l->state = DIALOG_OVER;
    } else if (!live_is_over(l)) {
        set_state(c, l, DIALOG_OVER);
    }
    flows_guard(c, l);
}

static void end_refused(struct calls *c, struct live *l, unsigned code, int64_t ended_ns)
{
    const struct call *call = l->call;
    enum call_outcome outcome =
        dialog_outcome(code, call->ringing_ns != 0, call->cancelled_ns != 0);
    attempt_end(c, l, outcome, dialog_end_reason(outcome), dialog_refused_by(outcome, code),
                ended_ns);
}

static void end_by_bye(struct calls *c, struct live *l, const struct sighting *s)
{
    int64_t now_ns = s->d->time_ns;
    if (s->m->request) {
        first_time(&l->call->bye_ns, now_ns);
    } else { /* the answer to it, which is all that was captured */
        l->bye_told = !l->call->partial;
        l->call->partial = true;
    }
    if (l->answered) {
        attempt_end(c, l, CALL_OUTCOME_ANSWERED, CALL_END_BYE, s->transaction_of, now_ns);
        return;
    }
    /* a BYE in an early dialog is another way to cancel */
    first_time(&l->call->cancelled_ns, now_ns);
    attempt_end(c, l, CALL_OUTCOME_CANCELLED, CALL_END_CANCEL, s->sender, now_ns);
}

/* The end did not count: another INVITE of the attempt, or a BYE that was challenged. */
static void reopen(struct calls *c, struct live *l)
{
    l->call->outcome = CALL_OUTCOME_NONE;
    l->call->end_reason = CALL_END_NONE;
    l->call->released_by = CALL_PARTY_UNKNOWN;
    l->call->ended_ns = 0;
    l->over_ns = 0;
    flows_unguard(c, l);
}

/* Last sign of life, in the time of the frames. */
static int64_t last_sign(const struct calls *c, const struct live *l)
{
    int64_t media_ns = flows_last_seen(c, l);
    int64_t last_ns = media_ns > l->last_sip_ns ? media_ns : l->last_sip_ns;
    return end_time(l, last_ns + (c->time_ns - c->steady_ns), last_ns);
}

void attempt_cut(struct calls *c, struct live *l, enum call_end_reason reason)
{
    struct call *call = l->call;
    if (live_is_over(l))
        return;
    int64_t last_ns = last_sign(c, l);
    if (live_is_bare(l)) {
        call->partial = reason != CALL_END_MEDIA_TIMEOUT;
        attempt_end(c, l, CALL_OUTCOME_NONE, reason, CALL_PARTY_UNKNOWN, last_ns);
        return;
    }
    if (l->state == DIALOG_CHALLENGED || (!l->answered && l->relay_code)) {
        call->sip_code = call->sip_code ? call->sip_code : l->relay_code;
        end_refused(c, l, call->sip_code, last_ns);
        return;
    }
    if (reason !=
        CALL_END_SIP_TIMEOUT) /* an attempt without an answer has no more of an end than this */
        call->partial = true;
    enum call_outcome outcome = l->answered ? CALL_OUTCOME_ANSWERED : CALL_OUTCOME_LOST;
    if (l->state == DIALOG_CANCELLING) { /* only the 487 is missing */
        attempt_end(c, l, CALL_OUTCOME_CANCELLED, CALL_END_CANCEL, CALL_CALLER, call->cancelled_ns);
        return;
    }
    attempt_end(c, l, outcome, reason, CALL_PARTY_UNKNOWN, last_ns);
}

/* ---- steps ---- */

static void take_contact(struct live *l, const struct sip_msg *m)
{
    struct slice item;
    struct sip_addr contact;
    struct addr at;
    if (sip_header_item(m, SIP_H_CONTACT, 0, &item) && sip_addr_parse(item, &contact) &&
        addr_parse(contact.host, &at))
        l->caller_contact = at;
}

static void start_attempt(struct live *l, const struct sighting *s)
{
    struct call *call = l->call;
    l->invite_cseq = s->m->cseq;
    l->relay_code = 0;
    hops_enter(l, s);
    call->processed_ns = s->d->time_ns;
    call->sip_code = 0;
    call->reason_phrase = slice_none();
    call->cancelled_ns = 0; /* of a try before this one */
    causes_forget(call);
    take_contact(l, s->m);
    if (l->challenged && call->auth_attempts < UINT8_MAX)
        call->auth_attempts++;
    l->challenged = false;
}

static void take_code(struct live *l, const struct sighting *s)
{
    l->call->sip_code = s->m->status;
    if (!slice_equal(l->call->reason_phrase, s->m->reason_phrase))
        l->call->reason_phrase = arena_copy(l->call->arena, s->m->reason_phrase);
}

/* A 2xx that was not captured is as good as its ACK, but for the time. */
static void answer_told(struct live *l, const struct sighting *s)
{
    bool told = s->m->request;
    struct call_leg *leg = legs_find(l, s->to_tag);
    if (told || l->answer_told) {
        l->call->partial = told;
        l->call->answered_ns = 0;
    }
    l->answer_told = told;
    if (!told)
        return;
    l->call->sip_code = 200;
    if (leg && leg->answered_ns == 0)
        leg->answered_ns = s->d->time_ns;
}

static void answer(const struct calls *c, struct live *l, const struct sighting *s)
{
    answer_told(l, s);
    if (l->call->answered_ns == 0)
        l->began_ns = c->steady_ns;
    first_time(&l->call->answered_ns, s->d->time_ns);
    causes_forget(l->call); /* of a target before, or of an announcement */
    l->answered = true;
    l->invite_cseq = s->m->cseq;
    l->callee_tag = s->to_tag;
    if (s->to_tag && legs_find(l, s->to_tag) == NULL)
        l->call->to.tag = arena_copy(l->call->arena, s->m->to.tag);
    legs_win(l, s->to_tag);
}

static void pick_up(struct live *l, const struct sighting *s)
{
    struct call *call = l->call;
    call->partial = true;
    l->answered = true;
    l->callee_tag = s->to_tag;
    if (!s->m->request) { /* the answer itself: only the INVITE was missed */
        call->answered_ns = s->d->time_ns;
        call->sip_code = s->m->status;
        call->reason_phrase = arena_copy(call->arena, s->m->reason_phrase);
        l->invite_cseq = s->m->cseq;
        legs_win(l, s->to_tag);
    } else {
        call->sip_code = 200; /* a dialog that is modified was answered */
    }
}

void attempt_apply(struct calls *c, struct live *l, const struct sighting *s,
                   struct dialog_step step)
{
    struct call *call = l->call;
    int64_t now_ns = s->d->time_ns; /* the message's own: agents tell of it later */
    uint8_t before = l->state;
    enum call_state shown = call->state;
    uint32_t todo = step.actions;

    if (todo & DO_REOPEN)
        reopen(c, l);
    if (todo & DO_RESUME) {
        reopen(c, l);
        call->bye_ns = 0;
    }
    if (todo & DO_ATTEMPT)
        start_attempt(l, s);
    if (todo & DO_TIME_100)
        first_time(&call->trying_ns, now_ns);
    if (todo & DO_TIME_18X)
        first_time(&call->progress_ns, now_ns);
    if (todo & DO_TIME_RINGING)
        first_time(&call->ringing_ns, now_ns);
    if (todo & DO_CODE)
        take_code(l, s);
    if (todo & DO_ANSWER)
        answer(c, l, s);
    if (todo & DO_PARTIAL)
        pick_up(l, s);
    if (todo & DO_CHALLENGE)
        l->challenged = true;
    if (todo & DO_TIME_ACK)
        first_time(&call->acked_ns, now_ns);
    if (todo & DO_TIME_CANCEL)
        first_time(&call->cancelled_ns, now_ns);
    if (todo & DO_TIME_BYE_OK && s->m->status < 300) /* refused: not disconnected by it (RFC 6076 4.4) */
        first_time(&call->bye_ok_ns, now_ns);

    if (step.next != before)
        set_state(c, l, step.next);
    if (todo & DO_END_REFUSED)
        end_refused(c, l, s->m->status, now_ns);
    if (todo & DO_END_BYE)
        end_by_bye(c, l, s);
    if (call->state != shown || (l->state == DIALOG_OVER && before != DIALOG_OVER))
        emit_call(c, l, EVENT_CALL_CHANGED);
}

/* ---- the counters of a call that leaves ---- */

/* `label`: 0, or what the call has of trunk and direction. */
static void observe(struct counters *counters, unsigned cell, unsigned label, int64_t from_ns, int64_t to_ns)
{
    if (from_ns && to_ns >= from_ns)
        counters_observe_of(counters, cell, label, (double)(to_ns - from_ns) / 1e9);
}

/* QUALITY of the network as the caller feels it: ringing, or early media, or else the answer
 * itself. */
static int64_t heard_something(const struct call *call)
{
    int64_t at = call->ringing_ns;
    if (call->early_media_ns && (at == 0 || call->early_media_ns < at))
        at = call->early_media_ns;
    return at ? at : call->answered_ns;
}

static void count_directions(struct counters *counters, const struct call *call, unsigned trunk)
{
    if (call->kind == CALL_H323) /* nothing announces its media: they are orphans */
        return;
    if (!call->media_seen[CALL_CALLER] && !call->media_seen[CALL_CALLEE])
        counters_add(counters, C_CALLS_NO_AUDIO + trunk, 1);
    else if (!call->media_seen[CALL_CALLER] || !call->media_seen[CALL_CALLEE])
        counters_add(counters, C_CALLS_ONE_WAY + trunk, 1);
}

static void count_answered(struct counters *counters, const struct call *call, unsigned label)
{
    count_directions(counters, call, label / LABEL_COUNT_DIRECTION);
    observe(counters, C_CALL_DURATION, label, call->answered_ns, call->ended_ns);
    observe(counters, C_DISCONNECT_DELAY, 0, call->bye_ns, call->bye_ok_ns);
    if (call->processed_ns) /* the INVITE was seen */
        observe(counters, C_CALL_SETUP, label, call->started_ns, call->answered_ns);
}

static void count_cause(struct counters *counters, unsigned cause)
{
    char text[8];
    snprintf(text, sizeof text, "%u", cause);
    if (cause)
        counters_add(counters, C_Q850_RELEASES + label_find(LABELS_Q850, slice_str(text)), 1);
}

void attempt_count(struct calls *c, const struct live *l)
{
    const struct call *call = l->call;
    struct counters *counters = c->counters;
    if (call->outcome == CALL_OUTCOME_NONE)
        return;
    unsigned trunk = l->label / LABEL_COUNT_DIRECTION;
    counters_add(counters, C_CALLS_ENDED + l->label * LABEL_COUNT_OUTCOME + call->outcome, 1);
    counters_add(counters, C_CALLS_RELEASED + trunk * LABEL_COUNT_PARTY + call->released_by, 1);
    count_cause(counters, call->q850_cause);
    unsigned code = call->sip_code;
    if (code == 408 || code == 500 || code == 503 || code == 504)
        counters_add(counters, C_CALLS_INEFFECTIVE + trunk, 1);
    if (l->answered)
        count_answered(counters, call, l->label);
    if (call->processed_ns && call->trying_ns)
        observe(counters, C_TRYING_DELAY, 0, call->started_ns, call->trying_ns);
    if (call->processed_ns && heard_something(call))
        observe(counters, C_POST_DIAL_DELAY, l->label, call->started_ns, heard_something(call));
}
