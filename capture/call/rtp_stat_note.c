/* X-RTP-Stat and its kin in BYE, its answer, CANCEL and whatever else telephones put them in: what
 * the sender of the message counted of what it received and of what it sent. The headers that begin
 * and answer a call are not looked at: there is no media yet. */
#include <math.h>

#include "capture/body/rtp_stat.h"
#include "capture/call/reports.h"
#include "capture/call/user_parts.h"

static double count(int64_t v)
{
    return v < 0 ? NAN : (double)v;
}

static bool any_known(const struct call_report_side *side)
{
    for (unsigned i = 0; i < CALL_REPORT_FIGURE_COUNT; i++)
        if (!isnan(side->figure[i]))
            return true;
    return false;
}

static void fill_received(struct call_report_side *o, const struct rtp_stat *v)
{
    o->figure[CALL_REPORT_PACKETS_RECEIVED] = count(v->packets_received);
    o->figure[CALL_REPORT_OCTETS_RECEIVED] = count(v->octets_received);
    o->figure[CALL_REPORT_LOST] = count(v->lost_received);
    o->figure[CALL_REPORT_DISCARDED] = count(v->discarded);
    o->figure[CALL_REPORT_JITTER_MS] = v->jitter_received_ms;
    o->figure[CALL_REPORT_LATENCY_MS] = v->latency_ms;
    o->figure[CALL_REPORT_MOS_LQ] = v->mos_lq;
    o->codec = v->decoder;
    o->present = any_known(o);
}

static void fill_sent(struct call_report_side *o, const struct rtp_stat *v)
{
    o->figure[CALL_REPORT_PACKETS_SENT] = count(v->packets_sent);
    o->figure[CALL_REPORT_OCTETS_SENT] = count(v->octets_sent);
    o->figure[CALL_REPORT_LOST] = count(v->lost_sent);
    o->figure[CALL_REPORT_JITTER_MS] = v->jitter_sent_ms;
    o->codec = v->encoder;
    o->present = any_known(o);
}

/* "10.1.0.33:16384", "[2001:db8::1]:16384" */
static void fill_end(struct slice text, uint32_t space, struct call_report_end *ret)
{
    size_t colon = text.size;
    uint16_t port;
    while (colon && text.data[colon - 1] != ':')
        colon--;
    if (colon == 0 || !slice_to_u16(slice_from(text, colon), &port) ||
        !addr_parse(slice_sub(text, 0, colon - 1), &ret->at.addr))
        return;
    ret->at.port = port;
    ret->at.space = space;
}

static bool read_headers(const struct sip_msg *m, struct rtp_stat *ret)
{
    bool known = false;
    rtp_stat_init(ret);
    for (unsigned i = 0; i < m->header_count; i++)
        if (m->headers[i].id == SIP_H_OTHER && rtp_stat_header(m->headers[i].name))
            known |= rtp_stat_read(m->headers[i].name, m->headers[i].value, ret);
    return known;
}

static bool may_carry(enum sip_method method)
{
    return method != SIP_INVITE && method != SIP_ACK && method != SIP_PRACK;
}

void rtp_stat_note(struct calls *c, struct live *l, const struct sighting *s)
{
    const struct sip_msg *m = s->m;
    struct call_report r;
    struct rtp_stat v;
    char reporter[USER_AOR_SIZE];
    if (!may_carry(m->method) || !read_headers(m, &v))
        return;
    call_report_init(&r);
    r.time_ns = s->d->time_ns;
    r.source = CALL_REPORT_RTP_STAT;
    r.party = s->sender;
    user_aor(m->request ? &m->from : &m->to, reporter, sizeof reporter);
    r.reporter = slice_str(reporter);
    r.user_agent = user_software(m);
    fill_end(v.local, s->d->src.space, &r.end[CALL_REPORT_LOCAL]);
    fill_end(v.remote, s->d->src.space, &r.end[CALL_REPORT_REMOTE]);
    fill_received(&r.side[CALL_REPORT_LOCAL], &v);
    fill_sent(&r.side[CALL_REPORT_REMOTE], &v);
    for (unsigned i = 0; i < 2; i++)
        if (r.side[i].present && v.duration_s >= 0)
            r.side[i].figure[CALL_REPORT_DURATION_MS] = (double)v.duration_s * 1000;
    report_keep(c, l->call, &r);
}
