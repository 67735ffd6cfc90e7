/* Branches of a call, from their first response to their end. */
#include "capture/call/legs.h"

#include "capture/call/emit.h"
#include "capture/call/finding_note.h"
#include "capture/call/hops.h"

#define TARGET_KEPT_MAX 256
#define ACK_LATE_NS     INT64_C(2000000000) /* of a 2xx that comes again: this is no late ACK */

struct call_leg *legs_find(const struct live *l, uint64_t tag)
{
    for (struct call_leg *leg = l->call->legs; leg; leg = leg->next) {
        if (leg->key == tag)
            return leg;
    }
    return NULL;
}

/* ---- responses ---- */

/* Does this response speak of a branch? */
static bool is_of_branch(const struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    if (m->request || m->method != SIP_INVITE || s->transaction_of != CALL_CALLER ||
        m->status == 100 || s->to_tag == 0 || m->cseq < l->invite_cseq)
        return false;
    if (m->status == 401 || m->status == 407)
        return false;
    return !l->answered || m->cseq == l->invite_cseq;
}

static struct call_leg *add(struct live *l, const struct sighting *s)
{
    struct call *call = l->call;
    /* a failure that a proxy says itself is no branch */
    if (s->m->status >= 300 && s->hop && hops_goes_on(call, s->hop))
        return NULL;
    call->branches += call->branches < UINT16_MAX;
    struct call_leg *leg = NULL;
    if (call->leg_count < CALL_LEGS_MAX)
        leg = arena_alloc(call->arena, sizeof *leg);
    if (leg == NULL)
        return NULL;
    leg->key = s->to_tag;
    leg->tag = arena_copy(call->arena, slice_sub(s->m->to.tag, 0, TARGET_KEPT_MAX));
    leg->hop = s->hop;
    struct call_leg **end = &call->legs;
    while (*end)
        end = &(*end)->next;
    *end = leg;
    call->leg_count++;
    return leg;
}

/* Contact: where requests within the dialog go. */
static void take_target(const struct call *call, struct call_leg *leg, const struct sip_msg *m)
{
    struct slice item;
    struct sip_addr contact;
    if (leg->target.size || m->status >= 300 || !sip_header_item(m, SIP_H_CONTACT, 0, &item) ||
        !sip_addr_parse(item, &contact))
        return;
    leg->target = arena_copy(call->arena, slice_sub(contact.uri, 0, TARGET_KEPT_MAX));
}

static void end_leg(struct call_leg *leg, enum call_leg_end end, int64_t now_ns)
{
    if (leg->end != CALL_LEG_OPEN)
        return;
    leg->end = (uint8_t)end;
    leg->ended_ns = now_ns;
}

static enum call_leg_end end_of_code(unsigned status)
{
    if (status == 487)
        return CALL_LEG_CANCELLED;
    if (status == 408)
        return CALL_LEG_TIMEOUT;
    return status < 400 ? CALL_LEG_REDIRECTED : CALL_LEG_REJECTED;
}

static void take_final(const struct call *call, struct call_leg *leg, const struct sip_msg *m,
                       int64_t now_ns)
{
    if (leg->code)
        return;
    leg->code = m->status;
    leg->reason_phrase =
        slice_equal(call->reason_phrase, m->reason_phrase)
            ? call->reason_phrase
            : arena_copy(call->arena, slice_sub(m->reason_phrase, 0, TARGET_KEPT_MAX));
    if (m->status < 300)
        leg->answered_ns = now_ns;
    else
        end_leg(leg, end_of_code(m->status), now_ns);
}

void legs_response(struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    int64_t now_ns = s->d->time_ns;
    if (!is_of_branch(l, s))
        return;
    struct call_leg *leg = legs_find(l, s->to_tag);
    if (leg == NULL)
        leg = add(l, s);
    if (leg == NULL)
        return;
    if (s->hop && (leg->hop == NULL || hops_is_behind(s->hop, leg->hop)))
        leg->hop = s->hop; /* the nearest to who answers */
    take_target(l->call, leg, m);
    if (m->status >= 200) {
        take_final(l->call, leg, m, now_ns);
        return;
    }
    if (leg->progress_ns == 0)
        leg->progress_ns = now_ns;
    if (leg->ringing_ns == 0 && (m->status == 180 || (m->status == 183 && s->sdp.size)))
        leg->ringing_ns = now_ns;
}

void legs_win(struct live *l, uint64_t tag)
{
    for (struct call_leg *leg = l->call->legs; leg; leg = leg->next) {
        leg->winner = leg->key == tag;
        if (leg->winner)
            l->call->to.tag = leg->tag;
    }
}

/* ---- within the dialogs ---- */

static void miss_ack(struct calls *c, struct live *l)
{
    if (l->call->ack_missing)
        return;
    l->call->ack_missing = true;
    finding_note_ack_missing(c, l->call);
    emit_note(c, l, "ack_missing", NULL);
}

void legs_repeated(struct calls *c, struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    if (m->request || m->method != SIP_INVITE || m->cseq != l->invite_cseq || m->status < 200 ||
        m->status >= 300)
        return;
    struct call_leg *leg = legs_find(l, s->to_tag);
    if (leg == NULL || leg->acked)
        return;
    leg->repeats += leg->repeats < UINT8_MAX;
    if (leg->winner && s->d->time_ns - leg->answered_ns >= ACK_LATE_NS)
        miss_ack(c, l);
}

void legs_ack(struct live *l, const struct sighting *s)
{
    struct call_leg *leg = legs_find(l, s->to_tag);
    if (leg == NULL || s->m->cseq != l->invite_cseq)
        return;
    leg->acked = true;
    if (leg->winner)
        l->call->ack_missing = false; /* late, but there */
}

/* Another leg than `but` that the call may go on with. */
static const struct call_leg *another(const struct live *l, const struct call_leg *but)
{
    for (const struct call_leg *leg = l->call->legs; leg; leg = leg->next) {
        if (leg != but && leg->end == CALL_LEG_OPEN && (leg->answered_ns || !l->answered))
            return leg;
    }
    return NULL;
}

enum leg_bye legs_bye(struct live *l, uint64_t tag, int64_t now_ns)
{
    struct call_leg *leg = legs_find(l, tag);
    if (leg == NULL)
        return LEG_BYE_CALL;
    const struct call_leg *other = another(l, leg);
    bool current = !l->answered || tag == l->callee_tag;
    if (current && other == NULL)
        return LEG_BYE_CALL;
    end_leg(leg, CALL_LEG_BYE, now_ns);
    if (current && l->answered) {
        l->callee_tag = other->key;
        legs_win(l, other->key);
    }
    return LEG_BYE_LEG;
}

/* ---- the end ---- */

static enum call_leg_end end_of_answered(const struct call *call, const struct call_leg *leg)
{
    if (call->end_reason == CALL_END_CUT || call->end_reason == CALL_END_RESTART)
        return CALL_LEG_CUT;
    return leg->winner && call->end_reason == CALL_END_BYE ? CALL_LEG_BYE : CALL_LEG_TIMEOUT;
}

/* Somebody else answered, or the caller gave up: a proxy cancels the others (RFC 3261 16.7). */
static enum call_leg_end end_of_unanswered(const struct live *l, const struct call_leg *leg)
{
    const struct call *call = l->call;
    if (l->answered || call->outcome == CALL_OUTCOME_CANCELLED ||
        (leg->hop && leg->hop->cancelled_ns))
        return CALL_LEG_CANCELLED;
    return call->end_reason == CALL_END_CUT ? CALL_LEG_CUT : CALL_LEG_TIMEOUT;
}

void legs_close(struct calls *c, struct live *l)
{
    struct call *call = l->call;
    for (struct call_leg *leg = call->legs; leg; leg = leg->next) {
        if (leg->winner && leg->repeats && !leg->acked)
            miss_ack(c, l);
        if (leg->end != CALL_LEG_OPEN)
            continue;
        if (leg->answered_ns)
            end_leg(leg, end_of_answered(call, leg), leg->winner ? call->ended_ns : 0);
        else
            end_leg(leg, end_of_unanswered(l, leg), leg->hop ? leg->hop->cancelled_ns : 0);
    }
}
