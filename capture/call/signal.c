/* The way of a message: parse, find the call by Call-ID and tags (or begin one), see whether it is
 * a repetition, hand the raw text to the worker, say what it means for the state machine
 * (meaning.h), carry out what that answers (attempt.c), read its SDP (negotiate.c). */
#include "capture/call/signal.h"

#include "capture/call/ahead.h"
#include "capture/call/attempt.h"
#include "capture/call/emit.h"
#include "capture/call/expire.h"
#include "capture/call/facts.h"
#include "capture/call/finding_note.h"
#include "capture/call/hops.h"
#include "capture/call/legs.h"
#include "capture/call/meaning.h"
#include "capture/call/negotiate.h"
#include "capture/call/outage.h"
#include "capture/call/placing.h"
#include "capture/call/relate.h"
#include "capture/call/table.h"
#include "capture/call/users.h"
#include "capture/finding/findings.h"

/* May this message begin a call that we do not know? */
static enum dialog_input beginning(const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    if (m->call_id.size == 0)
        return INPUT_NOTHING;
    if (m->request && m->method == SIP_INVITE)
        return s->to_tag ? INPUT_PICKUP : INPUT_INVITE;
    if (m->request && m->method == SIP_UPDATE && s->to_tag)
        return INPUT_PICKUP;
    bool answer = !m->request && m->method == SIP_INVITE && m->status >= 200 && m->status < 300;
    return answer && s->to_tag && s->sdp.size ? INPUT_PICKUP : INPUT_NOTHING;
}

static struct live *begin(struct calls *c, struct sighting *s, enum dialog_input input)
{
    struct live *l = table_new_call(c, s);
    if (l == NULL)
        return NULL;
    s->transaction_of = CALL_CALLER;
    s->sender = s->m->request ? CALL_CALLER : CALL_CALLEE;
    l->caller_tag = s->from_tag;
    facts_begin(l->call, s);
    l->attempt_due = input == INPUT_INVITE;
    placing_begin(c, l, s->d);
    emit_call(c, l, EVENT_CALL_STARTED);
    return l;
}

/* ---- repetitions ---- */

static uint64_t hash_slice(const struct calls *c, struct slice s)
{
    return hash_bytes(&c->config.seed, s.data, s.size);
}

/* RFC 3261 17.2.3: a transaction is its branch and its sender; the old RFC has the sender alone. */
static uint64_t via_hash(const struct calls *c, const struct sip_msg *m)
{
    struct slice sender = m->via.host; /* with its port, which stands behind it */
    if (m->via.port.size)
        sender.size = (size_t)(m->via.port.data + m->via.port.size - sender.data);
    uint64_t words[2] = {hash_slice(c, m->via.branch), hash_slice(c, sender)};
    return hash_words(&c->config.seed, words, 2);
}

static bool seen_before(struct calls *c, struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    /* 183, and then 183 with SDP: the second one is news */
    uint64_t status = m->request ? 0 : m->status | (s->sdp.size ? 0x8000u : 0);
    const struct endpoint *src = &s->d->src, *dst = &s->d->dst; /* of one space */
    uint64_t words[8] = {
        s->via,
        (uint64_t)m->cseq << 32 | (uint64_t)m->method << 16 | status,
        s->to_tag ^ (m->method == SIP_UNKNOWN ? hash_slice(c, m->cseq_method) : 0),
        (uint64_t)src->port << 16 | dst->port,
        src->addr.low,
        dst->addr.low,
        src->addr.high,
        dst->addr.high,
    };
    bool v4 = (src->addr.high | dst->addr.high) == 0;
    uint64_t digest = hash_words(&c->config.seed, words, v4 ? 6 : 8);
    for (unsigned i = 0; i < RECENT_MAX; i++) {
        if (l->recent[i] == digest)
            return true;
    }
    l->recent[l->recent_at] = digest;
    l->recent_at = (uint8_t)((l->recent_at + 1) % RECENT_MAX);
    return false;
}

/* Counts the message and sends its text on, within the call's limits. */
static void remember(struct calls *c, struct live *l, const struct sighting *s)
{
    struct call *call = l->call;
    size_t size = s->m->whole.size;
    bool over = call->messages >= c->config.call_messages_max ||
                l->text_bytes + size > c->config.call_text_max;
    call->messages++;
    if (s->retransmission) {
        call->retransmissions++;
        counters_add(c->counters, C_SIP_RETRANSMISSIONS + s->m->method, 1);
    }
    if (over) {
        call->messages_over_limit++;
        counters_add(c->counters, C_MESSAGES_OVER_LIMIT, 1);
    } else {
        l->text_bytes += (uint32_t)size;
    }
    emit_sip(c, l, s, over);
}

/* The SDP of a branch that lost the race says nothing about the call, unless it moves there. */
static bool of_winner(const struct live *l, const struct sighting *s)
{
    if (!l->answered || l->callee_tag == 0)
        return true;
    uint64_t remote = s->transaction_of == CALL_CALLER ? s->to_tag : s->from_tag;
    return remote == 0 || remote == l->callee_tag;
}

/* A final failure to a request that wanted to change the session. */
static bool refuses_change(const struct live *l, const struct sighting *s)
{
    bool may = s->m->method == SIP_INVITE || s->m->method == SIP_UPDATE;
    return may && l->negotiated && !s->m->request && s->m->status >= 300;
}

/* ---- the way through ---- */

static void step(struct calls *c, struct live *l, const struct sighting *s, enum dialog_input input)
{
    struct dialog_step todo = dialog_step(l->state, input);
    l->last_sip_ns = c->steady_ns;
    facts_note(c, l, s);
    relate_message(c, l, s);
    attempt_apply(c, l, s, todo);
    placing_message(c, l, s);
    relate_settled(c, l, s);
    if (live_is_over(l))
        return;
    if (!of_winner(l, s)) {
        negotiate_later(l, s);
        return;
    }
    if (refuses_change(l, s))
        negotiate_refused(c, l, s);
    else
        negotiate(c, l, s);
}

/* The transaction that a response names ahead of its INVITE. */
static uint64_t ahead_key(const struct calls *c, const struct sighting *s)
{
    uint64_t words[3] = {s->call_id, s->from_tag,
                         (uint64_t)s->d->src.space << 32 | s->m->cseq};
    return hash_words(&c->config.seed, words, 3) | 1;
}

static void without_call(struct calls *c, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    if (m->request && m->method == SIP_BYE)
        counters_add(c->counters, C_ALONE_BYES, 1);
    else if (!m->request && m->method == SIP_INVITE && m->call_id.size)
        ahead_keep(c->ahead, ahead_key(c, s), c->steady_ns, s->d);
}

/* True: it is the INVITE with which a call begins. */
static bool read_message(struct calls *c, struct sighting *s)
{
    enum dialog_input input = INPUT_NOTHING;
    bool completed = false;
    struct live *l = table_find(c, s, &s->transaction_of);
    if (l) {
        s->sender = s->m->request == (s->transaction_of == CALL_CALLER) ? CALL_CALLER : CALL_CALLEE;
        s->retransmission = seen_before(c, l, s);
        if (s->m->method == SIP_INVITE || s->m->method == SIP_CANCEL)
            s->hop = hops_find(l, s);
        completed = !s->retransmission && meaning_completes(l, s);
        input = s->retransmission ? INPUT_NOTHING : meaning_of(c, l, s);
        if (dialog_step(l->state, input).actions & DO_NEW_CALL) {
            table_close(c, l);
            l = NULL;
            s->hop = NULL;
        }
    }
    bool begins = l == NULL;
    if (l == NULL) {
        input = beginning(s);
        l = input == INPUT_NOTHING ? NULL : begin(c, s, input);
        if (l == NULL) {
            without_call(c, s);
            return false;
        }
        seen_before(c, l, s);
    }
    c->label = l->label;
    s->live = l;
    outage_sip(c, l, s->m->request ? s->transaction_of : (unsigned)CALL_CALLEE - s->transaction_of);
    remember(c, l, s);
    if (s->late)
        s->d = s->late;
    if (s->retransmission) {
        l->last_sip_ns = c->steady_ns;
        legs_repeated(c, l, s);
    } else {
        step(c, l, s, input);
    }
    expire_schedule(c, l);
    return completed || (begins && input == INPUT_INVITE);
}

/* A message that is read although something is wrong with it, once for each reason. Line ends
 * without CR are everyday. */
static void count_oddities(struct calls *c, uint32_t flags)
{
    static const struct {
        uint32_t flags;
        unsigned reason;
    } reasons[] = {
        {SIP_FLAG_TRUNCATED, LABEL_PARSE_TRUNCATED},
        {SIP_FLAG_BAD_CONTENT_LENGTH, LABEL_PARSE_LENGTH},
        {SIP_FLAG_HEADER_LIMIT | SIP_FLAG_OVERSIZE, LABEL_PARSE_LIMIT},
        {SIP_FLAG_BODY_ENCODED, LABEL_PARSE_UNSUPPORTED},
        {SIP_FLAG_NO_CALL_ID | SIP_FLAG_NO_CSEQ | SIP_FLAG_NO_FROM | SIP_FLAG_NO_TO |
             SIP_FLAG_NO_VIA | SIP_FLAG_MALFORMED_LINE | SIP_FLAG_DUPLICATE |
             SIP_FLAG_CSEQ_MISMATCH | SIP_FLAG_SYNTAX,
         LABEL_PARSE_SYNTAX},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (flags & reasons[i].flags)
            counters_add(
                c->counters,
                C_PARSE_ERRORS + LABEL_PROTO_SIP * LABEL_COUNT_PARSE_REASON + reasons[i].reason, 1);
    }
}

static void count_message(struct calls *c, const struct sip_msg *m)
{
    if (m->request)
        counters_add(c->counters, C_SIP_REQUESTS + m->method, 1);
    else if (m->method != SIP_INVITE)
        counters_add(c->counters,
                     C_SIP_RESPONSES + m->method * LABEL_COUNT_CODE + label_code(m->status), 1);
    if (m->flags & ~(unsigned)SIP_FLAG_BARE_LF)
        count_oddities(c, m->flags);
}

static struct sighting sighting_of(const struct calls *c, const struct datagram *d)
{
    const struct sip_msg *m = &c->msg;
    struct sighting s = {.d = d, .m = m};
    table_hash_names(c, &s);
    s.via = via_hash(c, m);
    s.sdp = negotiate_sdp(m);
    return s;
}

/* Responses that were captured ahead of the INVITE which has just begun a call. For the call they
 * came with it; their messages keep their own time. */
static void replay_ahead(struct calls *c, uint64_t key, const struct datagram *invite)
{
    struct datagram d;
    while (ahead_take(c->ahead, key, c->steady_ns, &d)) {
        struct datagram late = d;
        if (late.time_ns < invite->time_ns)
            late.time_ns = invite->time_ns;
        if (sip_parse(d.payload, &c->msg) != SIP_OK)
            continue;
        struct sighting s = sighting_of(c, &d);
        s.late = &late;
        read_message(c, &s);
    }
}

/* Where its call belongs is known once it has been read. */
static void count_invite_response(struct calls *c, const struct sip_msg *m)
{
    if (m->request || m->method != SIP_INVITE)
        return;
    unsigned code = label_code(m->status) * LABEL_COUNT_TRUNK * LABEL_COUNT_DIRECTION;
    counters_add(c->counters, C_SIP_INVITE_RESPONSES + code + c->label, 1);
}

struct live *signal_find(struct calls *c, const struct datagram *d)
{
    if (sip_parse(d->payload, &c->msg) != SIP_OK || c->msg.call_id.size == 0)
        return NULL;
    struct sighting s = sighting_of(c, d);
    return table_find(c, &s, &s.transaction_of);
}

void signal_datagram(struct calls *c, const struct datagram *d)
{
    counters_add(c->counters, C_DECODED + LABEL_PROTO_SIP, 1);
    if (c->findings)
        findings_expect(c->findings, d);
    switch (sip_parse(d->payload, &c->msg)) {
    case SIP_OK:
        break;
    case SIP_KEEPALIVE:
        return;
    default:
        counters_add(c->counters,
                     C_PARSE_ERRORS + LABEL_PROTO_SIP * LABEL_COUNT_PARSE_REASON + LABEL_PARSE_SYNTAX, 1);
        finding_note_unreadable(c, d);
        return;
    }
    if (c->findings)
        findings_fetch(c->findings);
    count_message(c, &c->msg);
    struct sighting s = sighting_of(c, d);
    c->label = 0;
    bool opens = read_message(c, &s);
    count_invite_response(c, &c->msg);
    users_message(c, &s);
    relate_notify(c, &s);
    finding_note_message(c, &s);
    if (opens)
        replay_ahead(c, ahead_key(c, &s), d);
}
