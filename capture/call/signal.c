/* The way of a message: parse, find the call by Call-ID and tags (or begin one), see whether it is
 * a repetition, hand the raw text to the worker, say what it means for the state machine (state.h),
 * carry out what that answers (attempt.c), read its SDP (negotiate.c).
 *
 * The tap may see a message on several hops. Copies of a request on another hop have the same CSeq
 * but another Via branch: they announce media and nothing else. Final failures and CANCELs of such
 * hops (a forking proxy hunting) do not end the attempt; 2xx and ringing count from whichever hop
 * is seen first. */
#include "capture/call/signal.h"

#include "capture/call/attempt.h"
#include "capture/call/causes.h"
#include "capture/call/ahead.h"
#include "capture/call/emit.h"
#include "capture/call/expire.h"
#include "capture/call/hops.h"
#include "capture/call/identity.h"
#include "capture/call/legs.h"
#include "capture/call/negotiate.h"
#include "capture/call/siprec_note.h"
#include "capture/call/session.h"
#include "capture/call/stranger.h"
#include "capture/call/placing.h"
#include "capture/call/table.h"
#include "capture/call/users.h"

enum {
    LABEL_TRUNCATED = 0,
    LABEL_LENGTH = 2,
    LABEL_SYNTAX = 3,
    LABEL_LIMIT = 4,
    LABEL_UNSUPPORTED = 5
};

#define TEXT_KEPT_MAX 256 /* of a header value in the record */

/* ---- beginning a call ---- */

static struct slice keep(struct call *call, struct slice value)
{
    return arena_copy(call->arena, slice_sub(value, 0, TEXT_KEPT_MAX));
}

/* `part` of `whole`, as a part of its copy. */
static struct slice within(struct slice part, struct slice whole, struct slice copy)
{
    if (part.size == 0 || part.data < whole.data || part.data >= whole.data + whole.size)
        return slice_none();
    size_t at = (size_t)(part.data - whole.data);
    return slice_sub(copy, at, at + part.size);
}

static void keep_identity(struct call *call, const struct sip_addr *in, struct call_identity *out)
{
    out->display = keep(call, in->display);
    out->uri = keep(call, in->uri);
    out->user = within(in->user, in->uri, out->uri);
    out->host = within(in->host, in->uri, out->uri);
    if (out->tag.data == NULL)
        out->tag = keep(call, in->tag);
}

static struct slice software_of(const struct sip_msg *m)
{
    struct slice name = sip_header(m, SIP_H_USER_AGENT);
    return name.size || m->request ? name : sip_header(m, SIP_H_SERVER);
}

static void keep_facts(struct call *call, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    const struct datagram *d = s->d;
    keep_identity(call, &m->from, &call->from);
    keep_identity(call, &m->to, &call->to);
    call->request_uri = keep(call, m->request_uri);
    call->asserted_identity = keep(call, sip_header(m, SIP_H_P_ASSERTED_IDENTITY));
    call->src = m->request ? d->src : d->dst;
    call->dst = m->request ? d->dst : d->src;
    call->vlan = d->vlan_outer ? d->vlan_outer : d->vlan_inner;
    call->started_ns = d->time_ns;
    call->transport = d->transport;
    if (d->wrapping) {
        call->wrapping = d->wrapping;
        call->wrap_id = d->wrap_id;
        call->wrap_src = d->wrap_src;
        call->wrap_dst = d->wrap_dst;
    }
}

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
    struct live *l = table_new_call(c, s->m, s->d);
    if (l == NULL)
        return NULL;
    s->transaction_of = CALL_CALLER;
    s->sender = s->m->request ? CALL_CALLER : CALL_CALLEE;
    l->caller_tag = s->from_tag;
    keep_facts(l->call, s);
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
    uint64_t words[3] = {hash_slice(c, m->via.branch), hash_slice(c, m->via.host),
                         hash_slice(c, m->via.port)};
    return hash_words(&c->config.seed, words, 3);
}

static bool seen_before(struct calls *c, struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    /* 183, and then 183 with SDP: the second one is news */
    uint64_t status = m->request ? 0 : m->status | (s->sdp.size ? 0x8000u : 0);
    uint64_t words[6] = {
        s->via,
        (uint64_t)m->cseq << 32 | (uint64_t)m->method << 16 | status,
        m->method == SIP_UNKNOWN ? hash_slice(c, m->cseq_method) : 0,
        endpoint_hash(&c->config.seed, &s->d->src),
        endpoint_hash(&c->config.seed, &s->d->dst),
        s->to_tag,
    };
    uint64_t digest = hash_words(&c->config.seed, words, 6);
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

/* ---- meaning ---- */

/* The INVITE of an answer that was captured ahead of it: nothing was missed after all. */
static bool completes(const struct live *l, const struct sighting *s)
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
    call->partial = false;
    call->processed_ns = call->started_ns;
    call->request_uri = keep(call, s->m->request_uri);
    call->asserted_identity = keep(call, sip_header(s->m, SIP_H_P_ASSERTED_IDENTITY));
    counters_add(c->counters, C_CALL_ATTEMPTS, 1);
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
    if (completes(l, s)) {
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
    return failed && !hops_is_relay(l, h) ? INPUT_INVITE : INPUT_NOTHING;
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
    return l->callee_tag ? remote == l->callee_tag : l->call->legs == NULL;
}

static enum dialog_input meaning_of_bye(struct calls *c, struct live *l, const struct sighting *s)
{
    if (!in_dialog(l, s)) {
        counters_add(c->counters, C_ALONE_BYES, 1);
        return INPUT_NOTHING;
    }
    if (live_is_over(l) || stranger_bye(c, l, s))
        return INPUT_NOTHING;
    return legs_bye(l, remote_tag(s), s->d->time_ns) == LEG_BYE_CALL ? INPUT_BYE : INPUT_NOTHING;
}

/* Of one hop among several it tells of that hop alone. */
static enum dialog_input meaning_of_cancel(struct live *l, const struct sighting *s)
{
    if (s->hop && s->hop->cancelled_ns == 0)
        s->hop->cancelled_ns = s->d->time_ns;
    return hops_is_relay(l, s->hop) || hops_brother_open(l, s->hop) ? INPUT_NOTHING : INPUT_CANCEL;
}

static enum dialog_input meaning_of_request(struct calls *c, struct live *l,
                                            const struct sighting *s)
{
    bool of_attempt = s->transaction_of == CALL_CALLER && s->m->cseq == l->invite_cseq;
    switch (s->m->method) {
    case SIP_INVITE:
        return meaning_of_invite(c, l, s);
    case SIP_ACK:
        legs_ack(l, s);
        return of_attempt && remote_tag(s) == l->callee_tag ? INPUT_ACK : INPUT_NOTHING;
    case SIP_CANCEL:
        return of_attempt ? meaning_of_cancel(l, s) : INPUT_NOTHING;
    case SIP_BYE:
        return meaning_of_bye(c, l, s);
    default:
        return INPUT_NOTHING;
    }
}

static enum dialog_input meaning_of_failure(struct live *l, const struct sighting *s)
{
    unsigned status = s->m->status;
    if (hops_is_relay(l, s->hop) || hops_brother_open(l, s->hop)) {
        l->relay_code = (uint16_t)status;
        return INPUT_NOTHING;
    }
    return status == 401 || status == 407 ? INPUT_CHALLENGE : INPUT_REFUSAL;
}

static enum dialog_input meaning_of_response(struct live *l, const struct sighting *s)
{
    unsigned status = s->m->status;
    if (s->m->method == SIP_BYE && status >= 200) {
        bool challenge = (status == 401 || status == 407) && l->answered;
        return challenge ? INPUT_BYE_CHALLENGE : INPUT_BYE_DONE;
    }
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
    return status < 300 ? INPUT_ANSWER : meaning_of_failure(l, s);
}

/* ---- facts beside the state ---- */

static void note_modification(struct calls *c, struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    struct call *call = l->call;
    if (!m->request || !s->to_tag)
        return;
    if (m->method == SIP_INVITE && m->cseq > l->reinvite_cseq[s->sender]) {
        l->reinvite_cseq[s->sender] = m->cseq;
        call->reinvites += call->reinvites < UINT16_MAX;
        emit_note(c, l, "reinvite", call_party_text(s->sender));
    } else if (m->method == SIP_UPDATE && m->cseq > l->update_cseq[s->sender]) {
        l->update_cseq[s->sender] = m->cseq;
        call->updates += call->updates < UINT16_MAX;
        emit_note(c, l, "update", call_party_text(s->sender));
    }
}

static void note_facts(struct calls *c, struct live *l, const struct sighting *s)
{
    struct call *call = l->call;
    if (s->hop && !s->m->request && s->m->method == SIP_INVITE)
        hops_response(s->hop, s);
    legs_response(l, s);
    note_modification(c, l, s);
    struct slice *software = s->sender == CALL_CALLER ? &call->user_agent : &call->server;
    if (software->size == 0 && !(s->sender == CALL_CALLEE && !s->m->request && s->m->status == 100))
        *software = keep(call, software_of(s->m));
    if (s->m->method != SIP_CANCEL ||
        !hops_is_relay(l, s->hop)) /* a branch that lost is not the call */
        causes_take(call, s->m);
    session_take(c, l, s);
    identity_note(&c->config, call, s);
    siprec_note(c, l, s->m);
}

/* The SDP of a branch that lost the race says nothing about the call. */
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
    note_facts(c, l, s);
    attempt_apply(c, l, s, todo);
    placing_message(c, l, s);
    if (live_is_over(l) || !of_winner(l, s))
        return;
    if (refuses_change(l, s))
        negotiate_refused(c, l, s);
    else
        negotiate(c, l, s);
}

static enum dialog_input meaning(struct calls *c, struct live *l, const struct sighting *s)
{
    return s->m->request ? meaning_of_request(c, l, s) : meaning_of_response(l, s);
}

/* The transaction that a response names ahead of its INVITE. */
static uint64_t ahead_key(const struct calls *c, const struct sighting *s)
{
    uint64_t words[3] = {hash_slice(c, s->m->call_id), s->from_tag,
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
    struct live *l = table_find(c, s->m, s->d->src.space, &s->transaction_of);
    if (l) {
        s->sender = s->m->request == (s->transaction_of == CALL_CALLER) ? CALL_CALLER : CALL_CALLEE;
        s->retransmission = seen_before(c, l, s);
        if (s->m->method == SIP_INVITE || s->m->method == SIP_CANCEL)
            s->hop = hops_find(l, s);
        completed = !s->retransmission && completes(l, s);
        input = s->retransmission ? INPUT_NOTHING : meaning(c, l, s);
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
        {SIP_FLAG_TRUNCATED, LABEL_TRUNCATED},
        {SIP_FLAG_BAD_CONTENT_LENGTH, LABEL_LENGTH},
        {SIP_FLAG_HEADER_LIMIT | SIP_FLAG_OVERSIZE, LABEL_LIMIT},
        {SIP_FLAG_BODY_ENCODED, LABEL_UNSUPPORTED},
        {SIP_FLAG_NO_CALL_ID | SIP_FLAG_NO_CSEQ | SIP_FLAG_NO_FROM | SIP_FLAG_NO_TO |
             SIP_FLAG_NO_VIA | SIP_FLAG_MALFORMED_LINE | SIP_FLAG_DUPLICATE |
             SIP_FLAG_CSEQ_MISMATCH | SIP_FLAG_SYNTAX,
         LABEL_SYNTAX},
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
    return (struct sighting){
        .d = d,
        .m = m,
        .from_tag = table_tag(c, m->from.tag),
        .to_tag = table_tag(c, m->to.tag),
        .via = via_hash(c, m),
        .sdp = negotiate_sdp(m),
    };
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
    unsigned code = label_code(m->status) * LABEL_COUNT_TRUNK * LABEL_COUNT_DIRECTION;
    if (!m->request && m->method == SIP_INVITE)
        counters_add(c->counters, C_SIP_INVITE_RESPONSES + code + c->label, 1);
}

void signal_datagram(struct calls *c, const struct datagram *d)
{
    counters_add(c->counters, C_DECODED + LABEL_PROTO_SIP, 1);
    switch (sip_parse(d->payload, &c->msg)) {
    case SIP_OK:
        break;
    case SIP_KEEPALIVE:
        return;
    default:
        counters_add(c->counters,
                     C_PARSE_ERRORS + LABEL_PROTO_SIP * LABEL_COUNT_PARSE_REASON + LABEL_SYNTAX, 1);
        return;
    }
    count_message(c, &c->msg);
    struct sighting s = sighting_of(c, d);
    c->label = 0;
    bool opens = read_message(c, &s);
    count_invite_response(c, &c->msg);
    users_message(c, &s);
    if (opens)
        replay_ahead(c, ahead_key(c, &s), d);
}
