/* A listener between an agent and its gateways. The agent names a call (C:) and makes a connection
 * in a gateway for each side of it:
 *
 *   CRCX --> trying --ring or ringback is asked for--> ringing
 *     |         all connections sendrecv, and somewhere to send to
 *     +------------------------------------------------------------> answered
 *   last DLCX, from anywhere --> over
 *
 * The side that gets its connection first is the caller. MGCP does not say that somebody answered:
 * the moment from which both can be heard stands for it. Who hung up is told by the event (NTFY).
 * Media comes from the SDP: a gateway's answer says where it receives, a command where the other
 * side does.
 *
 * Calls live in the table of all calls, under (C:, address of the agent). Two bounded memories
 * beside it find what carries no C:, answers by their transaction, events by their endpoint; what
 * has been forgotten there is passed over. */
#include "capture/call/mgcp_calls.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/call/attempt.h"
#include "capture/call/emit.h"
#include "capture/call/expire.h"
#include "capture/call/mgcp_media.h"
#include "capture/call/table.h"
#include "capture/foreign/mgcp.h"
#include "capture/foreign/seen.h"

#define NAME_KEPT_MAX 256
#define OFF_HOOK      401 /* RFC 3435 2.4: the phone is busy */

struct mgcp_calls {
    struct calls *calls;
    struct seen *transactions; /* struct mention, packed */
    struct seen *lines;
};

struct connection {
    struct addr gateway;
    uint64_t line; /* hash of gateway and endpoint */
    uint64_t id;   /* hash of I:; 0: not known */
    uint8_t party;
    bool open;
    bool both_ways;
    bool remote; /* knows where to send */
};

/* live.own */
struct mgcp_call {
    struct connection connection[MGCP_CONNECTIONS_MAX];
    uint8_t count;
    uint8_t hung_up;  /* enum call_party */
    uint16_t refusal; /* code of a CRCX that failed */
};

/* What a memory says about a call: where it was, and which it was. */
struct mention {
    struct live *live;
    uint8_t connection;
    uint8_t verb;
    bool answered;
};

struct mgcp_calls *mgcp_calls_new(struct calls *c)
{
    struct mgcp_calls *g = calloc(1, sizeof *g);
    if (g == NULL)
        return NULL;
    g->calls = c;
    g->transactions = seen_new(MGCP_TRANSACTIONS_MAX, MGCP_TRANSACTION_NS);
    g->lines = seen_new(MGCP_LINES_MAX, MGCP_LINE_NS);
    if (g->transactions == NULL || g->lines == NULL) {
        mgcp_calls_free(g);
        return NULL;
    }
    return g;
}

void mgcp_calls_free(struct mgcp_calls *g)
{
    if (g == NULL)
        return;
    seen_free(g->transactions);
    seen_free(g->lines);
    free(g);
}

static struct mgcp_call *own(struct live *l)
{
    return l->own;
}

/* ---- keys ---- */

static uint64_t lower_hash(const struct calls *c, struct slice name)
{
    uint8_t lower[NAME_KEPT_MAX];
    name = slice_sub(name, 0, sizeof lower);
    for (size_t i = 0; i < name.size; i++)
        lower[i] = (uint8_t)tolower(name.data[i]);
    return hash_bytes(&c->config.seed, lower, name.size);
}

static uint64_t call_key(const struct calls *c, struct slice call_id, const struct endpoint *agent)
{
    uint64_t words[5] = {hash_bytes(&c->config.seed, call_id.data, call_id.size), agent->addr.high,
                         agent->addr.low, agent->space, CALL_MGCP};
    return hash_words(&c->config.seed, words, 5);
}

static uint64_t line_key(const struct calls *c, struct slice local, const struct endpoint *gateway)
{
    uint64_t words[4] = {lower_hash(c, local), gateway->addr.high, gateway->addr.low,
                         gateway->space};
    return hash_words(&c->config.seed, words, 4);
}

/* Of a command on its way; its answer comes the other way. */
static uint64_t transaction_key(const struct calls *c, const struct endpoint *from,
                                const struct endpoint *to, uint32_t transaction)
{
    uint64_t words[6] = {from->addr.high, from->addr.low, to->addr.high,
                         to->addr.low,    from->space,    transaction};
    return hash_words(&c->config.seed, words, 6);
}

static uint64_t id_hash(const struct calls *c, struct slice id)
{
    return id.size ? lower_hash(c, id) | 1 : 0;
}

/* ---- memories ---- */

static uint64_t uid_word(const struct live *l)
{
    uint64_t word;
    memcpy(&word, l->call->uid, sizeof word);
    return word;
}

static void remember(struct mgcp_calls *g, struct seen *where, uint64_t key, struct mention m)
{
    struct calls *c = g->calls;
    bool pushed;
    struct seen_item *item = seen_put(where, key, c->steady_ns, &pushed);
    if (pushed)
        counters_add(c->counters, C_FOREIGN_FORGOTTEN, 1);
    item->value[0] = live_number(c, m.live) | (uint64_t)m.connection << 32 |
                     (uint64_t)m.verb << 40 | (uint64_t)m.answered << 48;
    item->value[1] = uid_word(m.live);
}

/* False: nothing is known, or the call has gone and its slot may be another's. */
static bool recall(struct mgcp_calls *g, struct seen *where, uint64_t key, struct mention *ret)
{
    struct calls *c = g->calls;
    struct seen_item *item = seen_find(where, key, c->steady_ns);
    if (item == NULL)
        return false;
    uint32_t number = (uint32_t)item->value[0];
    struct live *l = number < c->live_used ? &c->live[number] : NULL;
    if (l == NULL || l->call == NULL || l->call->kind != CALL_MGCP || uid_word(l) != item->value[1])
        return false;
    *ret = (struct mention){.live = l,
                            .connection = (uint8_t)(item->value[0] >> 32),
                            .verb = (uint8_t)(item->value[0] >> 40),
                            .answered = (uint8_t)(item->value[0] >> 48)};
    return true;
}

/* ---- connections ---- */

static unsigned open_connections(const struct mgcp_call *m)
{
    unsigned open = 0;
    for (unsigned i = 0; i < m->count; i++)
        open += m->connection[i].open;
    return open;
}

/* By its identifier, else the newest open one of the endpoint. */
static struct connection *find_connection(struct mgcp_call *call, uint64_t id, uint64_t line)
{
    struct connection *of_line = NULL;
    for (unsigned i = 0; i < call->count; i++) {
        struct connection *n = &call->connection[i];
        if (id && n->id == id)
            return n;
        if (n->line == line && n->open)
            of_line = n;
    }
    return of_line && (id == 0 || of_line->id == 0) ? of_line : NULL;
}

static uint8_t party_of(const struct mgcp_call *call, uint64_t line)
{
    if (call->count == 0)
        return CALL_CALLER;
    for (unsigned i = 0; i < call->count; i++) {
        if (call->connection[i].line == line)
            return call->connection[i].party;
    }
    return CALL_CALLEE;
}

static uint8_t other_party(uint8_t party)
{
    return party == CALL_CALLER ? CALL_CALLEE : CALL_CALLER;
}

static bool is_wildcard(struct slice local)
{
    return slice_index(local, '*') < local.size || slice_index(local, '$') < local.size;
}

static void keep_identity(struct call *call, struct call_identity *who, struct slice endpoint)
{
    struct slice kept = arena_copy(call->arena, slice_sub(endpoint, 0, NAME_KEPT_MAX));
    who->uri = who->host = kept;
    who->user = slice_cut(&who->host, '@');
}

static void keep_endpoint(struct calls *c, struct live *l, uint8_t party, struct slice endpoint)
{
    keep_identity(l->call, party == CALL_CALLER ? &l->call->from : &l->call->to, endpoint);
    emit_call(c, l, EVENT_CALL_CHANGED);
}

static bool is_both_ways(struct slice mode)
{
    return slice_is_nocase(mode, "sendrecv") || slice_is_nocase(mode, "confrnce");
}

/* ---- what messages say about a connection ---- */

/* Of the two descriptions of a connection. */
static uint32_t hop_of(const struct live *l, const struct connection *n, bool remote)
{
    unsigned index = (unsigned)(n - ((struct mgcp_call *)l->own)->connection);
    return (uint32_t)n->line ^ (index << 1 | remote);
}

static void take_sdp(struct calls *c, struct live *l, struct connection *n, struct slice sdp,
                     bool remote, const struct endpoint *host)
{
    uint8_t party = remote ? other_party(n->party) : n->party;
    if (sdp.size && mgcp_media_announce(c, l, sdp, party, hop_of(l, n, remote), host))
        n->remote |= remote;
}

static void ring(struct calls *c, struct live *l)
{
    if (l->state != DIALOG_TRYING)
        return;
    l->call->ringing_ns = l->call->progress_ns = c->time_ns;
    attempt_move(c, l, DIALOG_RINGING);
}

static void take_signals(struct calls *c, struct live *l, const struct mgcp_msg *m)
{
    if (mgcp_has_event(m->signals, "rg") || mgcp_has_event(m->signals, "rt"))
        ring(c, l);
}

static void take_mode(struct live *l, struct connection *n, struct slice mode)
{
    if (mode.size == 0)
        return;
    n->both_ways = is_both_ways(mode);
    l->holding[n->party] = l->answered && !n->both_ways; /* then silence is no end */
}

static void look_for_answer(struct calls *c, struct live *l)
{
    const struct mgcp_call *call = own(l);
    unsigned open = open_connections(call), remote = 0;
    if (l->answered || open == 0)
        return;
    for (unsigned i = 0; i < call->count; i++) {
        if (call->connection[i].open && !call->connection[i].both_ways)
            return;
        remote += call->connection[i].open && call->connection[i].remote;
    }
    if (remote == 0)
        return;
    l->call->answered_ns = c->time_ns;
    l->began_ns = c->steady_ns;
    l->answered = true;
    attempt_move(c, l, DIALOG_ANSWERED);
}

/* ---- ends ---- */

static enum call_outcome outcome_of(const struct live *l, const struct mgcp_call *call)
{
    if (call->refusal)
        return call->refusal == OFF_HOOK ? CALL_OUTCOME_BUSY : CALL_OUTCOME_FAILED;
    if (call->hung_up == CALL_CALLER || l->call->ringing_ns == 0)
        return CALL_OUTCOME_CANCELLED;
    return CALL_OUTCOME_NO_ANSWER;
}

static void end_if_last(struct calls *c, struct live *l)
{
    struct mgcp_call *call = own(l);
    if (live_is_over(l) || open_connections(call) > 0)
        return;
    if (l->answered) {
        attempt_end(c, l, CALL_OUTCOME_ANSWERED, CALL_END_BYE, (enum call_party)call->hung_up,
                    c->time_ns);
    } else {
        enum call_outcome outcome = outcome_of(l, call);
        enum call_party by = (enum call_party)call->hung_up;
        if (outcome == CALL_OUTCOME_CANCELLED)
            l->call->cancelled_ns = c->time_ns;
        attempt_end(c, l, outcome, dialog_end_reason(outcome),
                    outcome == CALL_OUTCOME_FAILED ? CALL_NETWORK : by, c->time_ns);
    }
    emit_call(c, l, EVENT_CALL_CHANGED);
}

static void close_connection(struct connection *n)
{
    n->open = n->both_ways = false;
}

/* ---- commands ---- */

/* One command with what it is about. */
struct order {
    const struct datagram *d;
    const struct mgcp_msg *m;
    struct live *live;
    uint64_t line; /* of its endpoint, which is where the command goes, but for NTFY and RSIP */
    uint8_t connection; /* index; MGCP_CONNECTIONS_MAX: none */
};

static struct live *find_call(struct mgcp_calls *g, const struct mgcp_msg *m,
                              const struct endpoint *agent)
{
    struct calls *c = g->calls;
    return table_find_foreign(c, CALL_MGCP, call_key(c, m->call_id, agent), m->call_id);
}

static struct live *begin(struct mgcp_calls *g, const struct order *o)
{
    struct calls *c = g->calls;
    const struct mgcp_msg *m = o->m;
    uint64_t key = call_key(c, m->call_id, &o->d->src);
    struct live *l = table_new_foreign(c, CALL_MGCP, key, m->call_id, o->d);
    if (l == NULL)
        return NULL;
    struct mgcp_call *call = arena_alloc(l->call->arena, sizeof *call);
    l->own = call;
    if (call) /* the arena is new: it has room */
        call->hung_up = CALL_PARTY_UNKNOWN;
    keep_identity(l->call, &l->call->from, m->endpoint);
    emit_call(c, l, EVENT_CALL_STARTED);
    if (call)
        return l;
    attempt_cut(c, l, CALL_END_CUT);
    table_close(c, l);
    return NULL;
}

static void create_connection(struct mgcp_calls *g, struct order *o)
{
    struct calls *c = g->calls;
    const struct mgcp_msg *m = o->m;
    o->live = m->call_id.size ? find_call(g, m, &o->d->src) : NULL;
    if (o->live && live_is_over(o->live)) { /* the name is used again */
        table_close(c, o->live);
        o->live = NULL;
    }
    if (o->live == NULL && m->call_id.size)
        o->live = begin(g, o);
    if (o->live == NULL)
        return;
    struct mgcp_call *call = own(o->live);
    if (call->count == MGCP_CONNECTIONS_MAX) {
        counters_add(c->counters, C_STREAMS_OVER_LIMIT, 1);
        return;
    }
    o->connection = call->count;
    struct connection *n = &call->connection[call->count];
    *n = (struct connection){.gateway = o->d->dst.addr, .line = o->line, .open = true};
    n->party = party_of(call, o->line);
    if (call->count++ > 0 && n->party == CALL_CALLEE && o->live->call->to.user.size == 0)
        keep_endpoint(c, o->live, n->party, m->endpoint);
    remember(g, g->lines, o->line, (struct mention){.live = o->live});
    take_mode(o->live, n, m->mode);
    take_sdp(c, o->live, n, m->sdp, true, &o->d->dst);
    take_signals(c, o->live, m);
}

/* A call by its name, from either end; else by the endpoint. */
static struct live *find_for(struct mgcp_calls *g, const struct order *o)
{
    struct live *l = NULL;
    struct mention by_line;
    if (o->m->call_id.size) {
        l = find_call(g, o->m, &o->d->src);
        return l ? l : find_call(g, o->m, &o->d->dst);
    }
    return recall(g, g->lines, o->line, &by_line) ? by_line.live : NULL;
}

static void modify_connection(struct mgcp_calls *g, struct order *o)
{
    struct calls *c = g->calls;
    struct live *l = o->live;
    struct connection *n = find_connection(own(l), id_hash(c, o->m->connection), o->line);
    if (n == NULL || live_is_over(l))
        return;
    o->connection = (uint8_t)(n - own(l)->connection);
    l->call->updates += l->call->updates < UINT16_MAX;
    emit_note(c, l, "update", call_party_text(n->party));
    take_mode(l, n, o->m->mode);
    take_sdp(c, l, n, o->m->sdp, true, &o->d->dst);
    take_signals(c, l, o->m);
}

/* One connection, all of an endpoint, or (a wildcard) all of a gateway. */
static void remove_connections(struct mgcp_calls *g, struct order *o)
{
    struct calls *c = g->calls;
    struct mgcp_call *call = own(o->live);
    uint64_t id = id_hash(c, o->m->connection);
    struct connection *named = id ? find_connection(call, id, o->line) : NULL;
    for (unsigned i = 0; i < call->count; i++) {
        struct connection *n = &call->connection[i];
        bool of_gateway = is_wildcard(o->m->local) && (addr_equal(n->gateway, o->d->dst.addr) ||
                                                       addr_equal(n->gateway, o->d->src.addr));
        if (n != named && (id || (n->line != o->line && !of_gateway)))
            continue;
        o->connection = (uint8_t)i;
        close_connection(n);
    }
    if (o->live->call->bye_ns == 0 && o->connection < call->count)
        o->live->call->bye_ns = c->time_ns;
    end_if_last(c, o->live);
}

static void notify(struct mgcp_calls *g, struct order *o)
{
    struct mgcp_call *call = own(o->live);
    const struct connection *n = find_connection(call, 0, o->line);
    (void)g;
    if (n && mgcp_has_event(o->m->observed, "hu"))
        call->hung_up = n->party;
}

static void obey(struct mgcp_calls *g, struct order *o)
{
    if (o->m->verb == MGCP_CRCX) {
        create_connection(g, o);
        return;
    }
    o->live = find_for(g, o);
    if (o->live == NULL)
        return;
    switch (o->m->verb) {
    case MGCP_MDCX:
        modify_connection(g, o);
        break;
    case MGCP_DLCX:
        remove_connections(g, o);
        break;
    case MGCP_NTFY:
        notify(g, o);
        break;
    case MGCP_RQNT:
        take_signals(g->calls, o->live, o->m);
        break;
    default:
        break;
    }
}

/* DLCX goes either way, events only to the agent; the gateway is the end that is not the agent. */
static const struct endpoint *gateway_of(struct mgcp_calls *g, const struct datagram *d,
                                         const struct mgcp_msg *m)
{
    if (m->verb == MGCP_NTFY || m->verb == MGCP_RSIP)
        return &d->src;
    bool by_gateway = m->verb == MGCP_DLCX && m->call_id.size && find_call(g, m, &d->dst);
    return by_gateway ? &d->src : &d->dst;
}

static struct live *take_command(struct mgcp_calls *g, const struct datagram *d,
                                 const struct mgcp_msg *m)
{
    struct calls *c = g->calls;
    uint64_t key = transaction_key(c, &d->src, &d->dst, m->transaction);
    struct mention before;
    if (recall(g, g->transactions, key, &before) && before.verb == m->verb) {
        before.live->call->retransmissions++;
        return before.live;
    }
    struct order o = {.d = d,
                      .m = m,
                      .line = line_key(c, m->local, gateway_of(g, d, m)),
                      .connection = MGCP_CONNECTIONS_MAX};
    obey(g, &o);
    if (o.live)
        remember(g, g->transactions, key,
                 (struct mention){.live = o.live, .connection = o.connection, .verb = m->verb});
    return o.live;
}

/* ---- answers ---- */

static void created(struct mgcp_calls *g, struct live *l, struct connection *n,
                    const struct datagram *d, const struct mgcp_msg *m)
{
    struct calls *c = g->calls;
    if (m->connection.size)
        n->id = id_hash(c, m->connection);
    if (m->specific.size) { /* a wildcard has become an endpoint */
        struct slice local = m->specific;
        local = slice_cut(&local, '@');
        n->line = line_key(c, local, &d->src);
        remember(g, g->lines, n->line, (struct mention){.live = l});
        keep_endpoint(c, l, n->party, m->specific);
    }
}

static void accepted(struct mgcp_calls *g, const struct mention *t, const struct datagram *d,
                     const struct mgcp_msg *m)
{
    struct calls *c = g->calls;
    struct live *l = t->live;
    struct connection *n = &own(l)->connection[t->connection];
    if (t->verb == MGCP_DLCX) {
        char text[160];
        l->call->bye_ok_ns = live_is_over(l) ? c->time_ns : 0;
        slice_copy_to(m->statistics, text, sizeof text);
        if (m->statistics.size)
            emit_note(c, l, "connection_statistics", text);
        return;
    }
    if (live_is_over(l) || !n->open || (t->verb != MGCP_CRCX && t->verb != MGCP_MDCX))
        return;
    if (t->verb == MGCP_CRCX)
        created(g, l, n, d, m);
    take_sdp(c, l, n, m->sdp, false, &d->src);
    look_for_answer(c, l);
}

static void refused(struct calls *c, const struct mention *t, const struct mgcp_msg *m)
{
    struct live *l = t->live;
    char text[NAME_KEPT_MAX];
    if (t->verb != MGCP_CRCX || live_is_over(l))
        return;
    int n = snprintf(text, sizeof text, "%u %.*s", m->code,
                     SLICE_ARGS(slice_sub(m->comment, 0, NAME_KEPT_MAX / 2)));
    l->call->reason_phrase = arena_copy(l->call->arena, slice_of(text, (size_t)n));
    own(l)->refusal = m->code;
    close_connection(&own(l)->connection[t->connection]);
    end_if_last(c, l);
}

static struct live *take_answer(struct mgcp_calls *g, const struct datagram *d,
                                const struct mgcp_msg *m)
{
    struct calls *c = g->calls;
    uint64_t key = transaction_key(c, &d->dst, &d->src, m->transaction);
    struct mention t;
    if (!recall(g, g->transactions, key, &t))
        return NULL;
    if (m->code < 200) /* it takes its time, or acknowledges an answer */
        return t.live;
    if (t.answered) {
        t.live->call->retransmissions++;
        return t.live;
    }
    t.answered = true;
    remember(g, g->transactions, key, t);
    if (t.connection >= own(t.live)->count)
        return t.live;
    if (m->code < 300)
        accepted(g, &t, d, m);
    else if (m->code >= 400)
        refused(c, &t, m);
    return t.live;
}

/* ---- the way through ---- */

bool mgcp_calls_datagram(struct mgcp_calls *g, const struct datagram *d)
{
    struct calls *c = g->calls;
    struct slice rest = d->payload;
    struct mgcp_msg m;
    bool followed = false;
    for (unsigned i = 0; i < MGCP_MESSAGES_MAX && mgcp_next(&rest, &m); i++) {
        struct live *l = m.command ? take_command(g, d, &m) : take_answer(g, d, &m);
        if (l == NULL)
            continue;
        followed = true;
        l->call->messages++;
        l->last_sip_ns = c->steady_ns;
        expire_schedule(c, l);
    }
    return followed;
}
