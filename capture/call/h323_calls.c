/* A call is named by its connection and the reference that the caller's side chose:
 *
 *   SETUP --> trying --ALERTING--> ringing --CONNECT--> answered --RELEASE COMPLETE--> over
 *
 * Who sent SETUP is the caller; of its messages the flag of the reference is clear. A gatekeeper
 * between the two makes two connections and so two calls. Media addresses (fastStart, H.245) are
 * not read: what runs there comes as orphans. */
#include "capture/call/h323_calls.h"

#include <stdio.h>

#include "capture/call/attempt.h"
#include "capture/call/emit.h"
#include "capture/call/expire.h"
#include "capture/call/table.h"

#define NAME_MAX_BYTES 128

/* Q.850 */
enum {
    CAUSE_NORMAL = 16,
    CAUSE_BUSY = 17,
    CAUSE_NO_USER = 18,
    CAUSE_NO_ANSWER = 19,
    CAUSE_ABSENT = 20,
    CAUSE_REJECTED = 21,
    CAUSE_NUMBER_CHANGED = 22,
    CAUSE_UNSPECIFIED = 31,
};

struct sides {
    const struct endpoint *caller;
    const struct endpoint *callee;
    uint8_t sender; /* enum call_party */
};

static struct sides sides_of(const struct datagram *d, const struct h225_msg *m)
{
    if (m->from_destination)
        return (struct sides){&d->dst, &d->src, CALL_CALLEE};
    return (struct sides){&d->src, &d->dst, CALL_CALLER};
}

static uint64_t key_of(const struct calls *c, const struct sides *s, uint16_t reference)
{
    const struct hash_seed *seed = &c->config.seed;
    uint64_t words[4] = {endpoint_hash(seed, s->caller), endpoint_hash(seed, s->callee), reference,
                         CALL_H323};
    return hash_words(seed, words, 4);
}

/* "10.0.0.1:3001/17": what an operator finds in a trace. */
static struct slice name_of(const struct sides *s, uint16_t reference, char out[NAME_MAX_BYTES])
{
    char caller[ENDPOINT_TEXT_SIZE];
    int n = snprintf(out, NAME_MAX_BYTES, "%s/%u", endpoint_text(s->caller, caller), reference);
    return slice_of(out, (size_t)n);
}

static void keep_number(struct call *call, struct call_identity *who, struct slice number,
                        const struct endpoint *at)
{
    char host[ADDR_TEXT_SIZE];
    who->user = who->uri = arena_copy(call->arena, number);
    who->host = arena_copy(call->arena, slice_str(addr_text(at->addr, host)));
}

static struct live *begin(struct calls *c, const struct datagram *d, const struct h225_msg *m,
                          const struct sides *s, uint64_t key, struct slice name)
{
    struct live *l = table_new_foreign(c, CALL_H323, key, name, d);
    if (l == NULL)
        return NULL;
    struct call *call = l->call;
    call->processed_ns = d->time_ns;
    keep_number(call, &call->from, m->calling, s->caller);
    keep_number(call, &call->to, m->called, s->callee);
    call->from.display = arena_copy(call->arena, m->display);
    emit_call(c, l, EVENT_CALL_STARTED);
    return l;
}

/* ---- steps ---- */

static void first_time(int64_t *at, int64_t now_ns)
{
    if (*at == 0)
        *at = now_ns;
}

static void connect(struct calls *c, struct live *l, const struct datagram *d)
{
    if (l->answered)
        return;
    first_time(&l->call->answered_ns, d->time_ns);
    l->answered = true;
    attempt_move(c, l, DIALOG_ANSWERED);
}

/* Why an attempt that nobody answered ended. */
static enum call_outcome outcome_of(uint8_t cause, uint8_t sender, bool rang)
{
    switch (cause) {
    case CAUSE_BUSY:
        return CALL_OUTCOME_BUSY;
    case CAUSE_NO_USER:
    case CAUSE_NO_ANSWER:
        return CALL_OUTCOME_NO_ANSWER;
    case CAUSE_ABSENT:
        return rang ? CALL_OUTCOME_NO_ANSWER : CALL_OUTCOME_REJECTED;
    case CAUSE_REJECTED:
        return CALL_OUTCOME_REJECTED;
    case CAUSE_NUMBER_CHANGED:
        return CALL_OUTCOME_REDIRECTED;
    case 0:
    case CAUSE_NORMAL:
    case CAUSE_UNSPECIFIED:
        return sender == CALL_CALLER ? CALL_OUTCOME_CANCELLED : CALL_OUTCOME_REJECTED;
    default:
        return CALL_OUTCOME_FAILED;
    }
}

static void release(struct calls *c, struct live *l, const struct datagram *d,
                    const struct h225_msg *m, uint8_t sender)
{
    struct call *call = l->call;
    call->q850_cause = m->cause;
    if (l->answered) {
        first_time(&call->bye_ns, d->time_ns);
        attempt_end(c, l, CALL_OUTCOME_ANSWERED, CALL_END_BYE, sender, d->time_ns);
    } else {
        enum call_outcome outcome = outcome_of(m->cause, sender, call->ringing_ns != 0);
        if (outcome == CALL_OUTCOME_CANCELLED)
            first_time(&call->cancelled_ns, d->time_ns);
        attempt_end(c, l, outcome, dialog_end_reason(outcome),
                    outcome == CALL_OUTCOME_FAILED ? CALL_NETWORK : sender, d->time_ns);
    }
    emit_call(c, l, EVENT_CALL_CHANGED);
}

static void step(struct calls *c, struct live *l, const struct datagram *d,
                 const struct h225_msg *m, uint8_t sender)
{
    struct call *call = l->call;
    if (live_is_over(l))
        return;
    switch ((enum h225_type)m->type) {
    case H225_SETUP_ACK:
    case H225_CALL_PROCEEDING:
        first_time(&call->trying_ns, d->time_ns);
        break;
    case H225_PROGRESS:
        first_time(&call->progress_ns, d->time_ns);
        break;
    case H225_ALERTING:
        first_time(&call->progress_ns, d->time_ns);
        first_time(&call->ringing_ns, d->time_ns);
        if (!l->answered)
            attempt_move(c, l, DIALOG_RINGING);
        break;
    case H225_CONNECT:
        connect(c, l, d);
        break;
    case H225_RELEASE_COMPLETE:
        release(c, l, d, m, sender);
        break;
    default:
        break;
    }
}

bool h323_calls_message(struct calls *c, const struct datagram *d, const struct h225_msg *m)
{
    char text[NAME_MAX_BYTES];
    struct sides s = sides_of(d, m);
    uint64_t key = key_of(c, &s, m->reference);
    struct slice name = name_of(&s, m->reference, text);
    struct live *l = table_find_foreign(c, CALL_H323, key, name);
    bool begins = m->type == H225_SETUP && !m->from_destination;
    if (l && begins && live_is_over(l)) { /* the reference is used again */
        table_close(c, l);
        l = NULL;
    }
    if (l == NULL)
        l = begins ? begin(c, d, m, &s, key, name) : NULL;
    if (l == NULL) /* of the whole connection, not of a call */
        return m->reference == 0;
    l->call->messages++;
    l->last_sip_ns = c->steady_ns;
    step(c, l, d, m, s.sender);
    expire_schedule(c, l);
    return true;
}
