/* Where each hop of a call comes from, and what came back on it. */
#include "capture/call/hops.h"

#include "capture/call/ahead.h"
#include "capture/call/legs.h"

/* A brother that is tried this long after an unanswered one takes its place; forks are sent at once
 * (T1 of RFC 3261). */
#define SERIAL_NS INT64_C(500000000)

#define URI_KEPT_MAX 256

static bool same_ends(const struct call_hop *h, const struct sighting *s)
{
    bool request = s->m->request;
    return endpoint_equal(&h->src, request ? &s->d->src : &s->d->dst) &&
           endpoint_equal(&h->dst, request ? &s->d->dst : &s->d->src);
}

/* A response may take another way than its request and come to another port; one whose Via was
 * changed on the way is still the caller's between the caller's addresses. A CANCEL takes the way
 * of its INVITE (RFC 3261 9.1), so one from elsewhere is a stranger's. */
static bool may_belong(const struct call_hop *h, const struct sighting *s)
{
    const struct endpoint *asker = s->m->request ? &s->d->src : &s->d->dst;
    const struct endpoint *asked = s->m->request ? &s->d->dst : &s->d->src;
    bool from_asker = addr_equal(h->src.addr, asker->addr);
    if (h->via == s->via)
        return from_asker || !s->m->request;
    return h->from == NULL && from_asker && addr_equal(h->dst.addr, asked->addr);
}

struct call_hop *hops_find(const struct live *l, const struct sighting *s)
{
    struct call_hop *found = NULL;
    bool invite = s->m->request && s->m->method == SIP_INVITE;
    for (struct call_hop *h = l->call->hops; h; h = h->next) {
        if (h->cseq != s->m->cseq)
            continue;
        if (h->via == s->via && same_ends(h, s))
            return h;
        /* an INVITE at other addresses is another hop */
        if (!invite && (found == NULL || h->via == s->via) && may_belong(h, s))
            found = h;
    }
    return found;
}

bool hops_is_behind(const struct call_hop *far, const struct call_hop *near)
{
    for (const struct call_hop *h = far; h; h = h->from) {
        if (h->from == near)
            return true;
    }
    return false;
}

bool hops_goes_on(const struct call *call, const struct call_hop *h)
{
    for (const struct call_hop *o = call->hops; o; o = o->next) {
        if (o->from == h && o->via != h->via)
            return true;
    }
    return false;
}

static bool has_hop(const struct live *l, uint32_t cseq)
{
    for (const struct call_hop *h = l->call->hops; h; h = h->next) {
        if (h->cseq == cseq)
            return true;
    }
    return false;
}

bool hops_is_relay(const struct live *l, const struct call_hop *h, uint32_t cseq)
{
    if (h == NULL)
        return has_hop(l, cseq) || l->call->hops_over_limit > 0;
    /* the same transaction behind an address translation is the caller's own still */
    while (h->from && h->from->via == h->via)
        h = h->from;
    return h->from != NULL;
}

bool hops_brother_open(const struct live *l, const struct call_hop *h)
{
    for (const struct call_hop *o = l->call->hops; h && o; o = o->next) {
        if (o != h && o->from == h->from && o->cseq == h->cseq && o->via != h->via &&
            o->final_ns == 0 && o->cancelled_ns == 0 && !o->given_up)
            return true;
    }
    return false;
}

/* ---- where it comes from ---- */

static bool leads_to(const struct call_hop *h, const struct call_hop *next)
{
    if (endpoint_equal(&h->dst, &next->src))
        return true;
    return addr_equal(h->dst.addr, next->src.addr) && !addr_equal(h->src.addr, next->src.addr);
}

/* The newest hop of this CSeq that ... NULL: none. */
static struct call_hop *newest(const struct live *l, const struct call_hop *x,
                               bool (*fits)(const struct call_hop *h, const struct call_hop *x))
{
    struct call_hop *found = NULL;
    for (struct call_hop *h = l->call->hops; h; h = h->next) {
        if (h != x && h->cseq == x->cseq && fits(h, x))
            found = h;
    }
    return found;
}

static bool is_same_branch(const struct call_hop *h, const struct call_hop *x)
{
    return h->via == x->via;
}

static bool is_brother(const struct call_hop *h, const struct call_hop *x)
{
    return addr_equal(h->src.addr, x->src.addr);
}

static bool is_ahead(const struct call_hop *h, const struct call_hop *x)
{
    if (leads_to(x, h) && !leads_to(h, x))
        return false;
    if (h->via_count != x->via_count)
        return h->via_count < x->via_count && h->final_ns == 0;
    return h->max_forwards >= x->max_forwards && h->final_ns == 0;
}

static const struct call_hop *origin_of(const struct live *l, const struct call_hop *x)
{
    struct call_hop *h = newest(l, x, is_same_branch);
    if (h)
        return h;
    h = newest(l, x, leads_to);
    if (h)
        return h;
    h = newest(l, x, is_brother);
    return h ? h->from : newest(l, x, is_ahead);
}

/* First hops that come from where this one goes were only captured ahead of it. */
static void adopt(const struct live *l, struct call_hop *x)
{
    for (struct call_hop *h = l->call->hops; h; h = h->next) {
        if (h != x && h->cseq == x->cseq && h->from == x->from && leads_to(x, h) &&
            !is_brother(h, x) && h->invite_ns - x->invite_ns < SERIAL_NS)
            h->from = x;
    }
}

/* What was tried before it at the same place and stayed without an answer. */
static void supersede(const struct live *l, const struct call_hop *x)
{
    for (struct call_hop *h = l->call->hops; h; h = h->next) {
        if (h == x || h->from != x->from || h->via == x->via || h->final_ns)
            continue;
        bool older = h->cseq < x->cseq;
        bool silent = h->cseq == x->cseq && !h->proceeds;
        if (older || (silent && x->invite_ns - h->invite_ns >= SERIAL_NS))
            h->given_up = true;
    }
}

/* ---- responses ahead of their INVITE ---- */

struct hop_ahead {
    uint64_t via, tag;
    int64_t time_ns;
    uint32_t cseq;
    uint16_t code;
};

void hops_response_ahead(struct live *l, const struct sighting *s)
{
    if (!has_hop(l, s->m->cseq))
        return;
    if (l->hop_ahead == NULL)
        l->hop_ahead = arena_alloc(l->call->arena, sizeof *l->hop_ahead);
    if (l->hop_ahead == NULL)
        return;
    *l->hop_ahead = (struct hop_ahead){
        .via = s->via,
        .tag = s->to_tag,
        .time_ns = s->d->time_ns,
        .cseq = s->m->cseq,
        .code = s->m->status,
    };
}

/* For the hop it came with its INVITE. */
static void take_ahead(const struct live *l, struct call_hop *x)
{
    const struct hop_ahead *a = l->hop_ahead;
    if (a == NULL || a->via != x->via || a->cseq != x->cseq ||
        x->invite_ns - a->time_ns > AHEAD_WINDOW_NS)
        return;
    x->response_ns = x->invite_ns;
    x->proceeds = a->code > 100;
    struct call_leg *leg = legs_find(l, a->tag);
    if (leg && leg->hop == NULL)
        leg->hop = x;
    if (a->code < 200)
        return;
    x->final_ns = x->invite_ns;
    x->code = a->code;
}

/* ---- entering ---- */

static unsigned count_vias(const struct sip_msg *m)
{
    struct slice item;
    unsigned n = 0;
    while (n < UINT8_MAX && sip_header_item(m, SIP_H_VIA, n, &item))
        n++;
    return n;
}

static uint8_t max_forwards(const struct sip_msg *m)
{
    struct slice text = sip_header(m, SIP_H_MAX_FORWARDS);
    unsigned value = 0;
    for (size_t i = 0; i < text.size && i < 3; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            break;
        value = value * 10 + (unsigned)(text.data[i] - '0');
    }
    return value < UINT8_MAX ? (uint8_t)value : UINT8_MAX;
}

/* Most hops carry the Request-URI of another one. */
static struct slice request_uri(const struct call *call, struct slice uri)
{
    struct slice kept = slice_sub(uri, 0, URI_KEPT_MAX);
    if (slice_equal(call->request_uri, kept))
        return call->request_uri;
    for (const struct call_hop *h = call->hops; h; h = h->next) {
        if (slice_equal(h->request_uri, kept))
            return h->request_uri;
    }
    return arena_copy(call->arena, kept);
}

/* By time of the INVITE; Via lines where times are equal. */
static void insert(struct call *call, struct call_hop *x)
{
    struct call_hop **at = &call->hops;
    while (*at && ((*at)->invite_ns < x->invite_ns ||
                   ((*at)->invite_ns == x->invite_ns && (*at)->via_count <= x->via_count)))
        at = &(*at)->next;
    x->next = *at;
    *at = x;
}

static void place(struct live *l, struct call_hop *x)
{
    insert(l->call, x);
    x->from = origin_of(l, x);
    adopt(l, x);
    supersede(l, x);
}

struct call_hop *hops_enter(struct live *l, const struct sighting *s)
{
    struct call *call = l->call;
    struct call_hop *x = hops_find(l, s);
    if (x)
        return x;
    if (call->hop_count < CALL_HOPS_MAX)
        x = arena_alloc(call->arena, sizeof *x);
    if (x == NULL) {
        call->hops_over_limit += call->hops_over_limit < UINT16_MAX;
        return NULL;
    }
    x->via = s->via;
    x->src = s->d->src;
    x->dst = s->d->dst;
    x->request_uri = request_uri(call, s->m->request_uri);
    x->invite_ns = s->d->time_ns;
    x->cseq = s->m->cseq;
    x->vlan = s->d->vlan_outer ? s->d->vlan_outer : s->d->vlan_inner;
    x->transport = s->d->transport;
    x->via_count = (uint8_t)count_vias(s->m);
    x->max_forwards = max_forwards(s->m);
    call->hop_count++;
    place(l, x);
    take_ahead(l, x);
    return x;
}

void hops_response(struct call_hop *h, const struct sighting *s)
{
    unsigned status = s->m->status;
    int64_t now_ns = s->d->time_ns;
    if (h->response_ns == 0)
        h->response_ns = now_ns;
    h->proceeds |= status > 100;
    if (status < 200 || (h->final_ns && h->code < 300))
        return;
    if (h->final_ns == 0 ||
        status < 300) /* of several answers the first, of a failure and an answer this */
        h->final_ns = now_ns;
    h->code = (uint16_t)status;
}
