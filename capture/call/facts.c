/* Strings are cut where a stranger could make them long; most headers are kept by identity.c. */
#include "capture/call/facts.h"

#include "capture/call/causes.h"
#include "capture/call/control.h"
#include "capture/call/emit.h"
#include "capture/call/hops.h"
#include "capture/call/identity.h"
#include "capture/call/info.h"
#include "capture/call/keys.h"
#include "capture/call/legs.h"
#include "capture/call/session.h"
#include "capture/call/isup_note.h"
#include "capture/call/reports.h"
#include "capture/call/siprec_note.h"

#define TEXT_KEPT_MAX 256 /* of a header value in the record */

/* ---- of the first message ---- */

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

void facts_begin(struct call *call, const struct sighting *s)
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

void facts_complete(struct call *call, const struct sip_msg *invite)
{
    call->partial = false;
    call->processed_ns = call->started_ns;
    call->request_uri = keep(call, invite->request_uri);
    call->asserted_identity = keep(call, sip_header(invite, SIP_H_P_ASSERTED_IDENTITY));
}

/* ---- of every message ---- */

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

static void note_dscp(struct call_dscp *q, uint8_t tos, uint8_t priority)
{
    uint8_t dscp = tos >> 2;
    if (!q->seen) {
        q->first = dscp & 0x3f;
        q->least = q->most = dscp;
        q->priority_least = q->priority_most = priority & 0xf;
        q->seen = true;
    }
    q->least = dscp < q->least ? dscp : q->least;
    q->most = dscp > q->most ? dscp : q->most;
    if (priority < q->priority_least)
        q->priority_least = priority & 0xf;
    if (priority > q->priority_most)
        q->priority_most = priority & 0xf;
}

void facts_note(struct calls *c, struct live *l, const struct sighting *s)
{
    struct call *call = l->call;
    note_dscp(&call->dscp[s->sender == CALL_CALLEE], s->d->tos, s->d->priority);
    bool response = !s->m->request && s->m->method == SIP_INVITE;
    if (response && s->hop)
        hops_response(s->hop, s);
    else if (response && s->transaction_of == CALL_CALLER)
        hops_response_ahead(l, s);
    legs_response(l, s);
    note_modification(c, l, s);
    struct slice *software = s->sender == CALL_CALLER ? &call->user_agent : &call->server;
    if (software->size == 0 && !(s->sender == CALL_CALLEE && !s->m->request && s->m->status == 100))
        *software = keep(call, software_of(s->m));
    if (s->m->method != SIP_CANCEL ||
        !hops_is_relay(l, s->hop, s->m->cseq)) /* a branch that lost is not the call */
        causes_take(call, s->m);
    session_take(c, l, s);
    identity_note(&c->config, call, s);
    keys_note(&c->config, call, s);
    siprec_note(c, l, s->m);
    control_note(c, l, s);
    info_note(c, l, s);
    rtp_stat_note(c, l, s);
    isup_note(c, l, s);
}
