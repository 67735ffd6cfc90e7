/* Quality reports of endpoints (RFC 6035) in PUBLISH and NOTIFY. The call is the one whose dialog
 * the report names; where it names none that is known, the one that announced both ends of the
 * media (RFC 6035 4.6: the reporter may be a party that has another Call-ID, or none). A report
 * whose call is gone, or was never seen, is only counted. */
#include "capture/call/reports.h"

#include <math.h>
#include <stddef.h>

#include "base/clock.h"
#include "capture/body/vq_report.h"
#include "capture/call/table.h"
#include "capture/call/user_parts.h"

/* ---- figures ---- */

#define RATIO 0.01 /* percent in the report */

static const struct {
    uint8_t figure;
    double unit;
    size_t at;
} FIGURES[] = {
#define FIGURE(name, field, unit)                                                                  \
    {                                                                                              \
        CALL_REPORT_##name, unit, offsetof(struct vq_metrics, field)                               \
    }
    FIGURE(MOS_LQ, mos_lq, 1),
    FIGURE(MOS_CQ, mos_cq, 1),
    FIGURE(R_LQ, r_lq, 1),
    FIGURE(R_CQ, r_cq, 1),
    FIGURE(R_EXTERNAL_IN, ext_r_in, 1),
    FIGURE(R_EXTERNAL_OUT, ext_r_out, 1),
    FIGURE(LOSS_RATIO, loss_percent, RATIO),
    FIGURE(DISCARD_RATIO, discard_percent, RATIO),
    FIGURE(BURST_RATIO, burst_percent, RATIO),
    FIGURE(BURST_MS, burst_ms, 1),
    FIGURE(GAP_RATIO, gap_percent, RATIO),
    FIGURE(GAP_MS, gap_ms, 1),
    FIGURE(GAP_MIN, gap_min, 1),
    FIGURE(RTT_MS, round_trip_ms, 1),
    FIGURE(END_SYSTEM_MS, end_system_ms, 1),
    FIGURE(JITTER_MS, jitter_ms, 1),
    FIGURE(JITTER_MEAN_ABS_MS, jitter_max_ms, 1),
    FIGURE(BUFFER_NOMINAL_MS, jb_nominal_ms, 1),
    FIGURE(BUFFER_MAX_MS, jb_max_ms, 1),
    FIGURE(BUFFER_ABS_MAX_MS, jb_abs_max_ms, 1),
    FIGURE(SIGNAL_DBM0, signal_dbm0, 1),
    FIGURE(NOISE_DBM0, noise_dbm0, 1),
    FIGURE(ECHO_DB, rerl_db, 1),
#undef FIGURE
};

/* "2004-10-29T11:45:12Z", some leave the zone away and mean UTC; 0 when it is none. */
static int64_t time_of(struct slice text)
{
    char t[48];
    int64_t ns = 0;
    text = slice_trim(text);
    slice_copy_to(text, t, sizeof t - 1);
    if (clock_parse_rfc3339_ns(t, &ns) != 0 && clock_parse_rfc3339_ns(strcat(t, "Z"), &ns) != 0)
        return 0;
    return ns < 0 ? 0 : ns;
}

static void fill_side(struct call_report_side *o, const struct vq_metrics *v)
{
    o->present = v->given;
    o->codec = v->codec;
    o->estimator = v->algorithm;
    o->started_ns = time_of(v->start);
    o->stopped_ns = time_of(v->stop);
    o->buffer = v->jb_adaptive == 3   ? CALL_REPORT_BUFFER_ADAPTIVE
                : v->jb_adaptive == 2 ? CALL_REPORT_BUFFER_FIXED
                                      : CALL_REPORT_BUFFER_UNKNOWN;
    for (size_t i = 0; i < sizeof FIGURES / sizeof FIGURES[0]; i++)
        o->figure[FIGURES[i].figure] =
            *(const double *)((const char *)v + FIGURES[i].at) * FIGURES[i].unit;
    o->figure[CALL_REPORT_ONE_WAY_MS] =
        isnan(v->one_way_ms) ? v->symmetric_one_way_ms : v->one_way_ms;
}

static void fill_end(const struct vq_address *a, uint32_t space, struct call_report_end *ret)
{
    struct addr addr;
    if (addr_parse(a->ip, &addr))
        ret->at = (struct endpoint){.addr = addr, .port = a->port, .space = space};
    ret->ssrc_count = (uint8_t)vq_ssrc_values(a->ssrc, ret->ssrc);
}

/* Who made the call has the report's OrigID. */
static uint8_t party_of(const struct vq_report *v)
{
    char orig[USER_AOR_SIZE], local[USER_AOR_SIZE], remote[USER_AOR_SIZE];
    user_aor_of_uri(v->orig_id, orig, sizeof orig);
    user_aor_of_uri(v->local_id, local, sizeof local);
    user_aor_of_uri(v->remote_id, remote, sizeof remote);
    if (orig[0] == '\0' || strcmp(local, remote) == 0)
        return CALL_PARTY_UNKNOWN;
    return strcmp(orig, local) == 0    ? CALL_CALLER
           : strcmp(orig, remote) == 0 ? CALL_CALLEE
                                       : CALL_PARTY_UNKNOWN;
}

static void fill(struct call_report *r, const struct sighting *s, const struct vq_report *v)
{
    r->time_ns = s->d->time_ns;
    r->source = CALL_REPORT_VQ;
    r->kind = (uint8_t)v->kind;
    r->party = party_of(v);
    r->user_agent = user_software(s->m);
    r->alert = v->alert;
    fill_end(&v->local, s->d->src.space, &r->end[CALL_REPORT_LOCAL]);
    fill_end(&v->remote, s->d->src.space, &r->end[CALL_REPORT_REMOTE]);
    fill_side(&r->side[CALL_REPORT_LOCAL], &v->local_metrics);
    fill_side(&r->side[CALL_REPORT_REMOTE], &v->remote_metrics);
}

/* ---- whose ---- */

static struct live *by_dialog(struct calls *c, struct sip_msg *m, const struct vq_report *v,
                              const struct datagram *d)
{
    uint8_t party;
    struct slice tags[2] = {v->from_tag, v->to_tag}, ids[2] = {v->dialog_id, v->call_id};
    for (unsigned i = 0; i < 4; i++) {
        m->call_id = ids[i / 2];
        m->from.tag = tags[i % 2];
        m->to.tag = tags[1 - i % 2];
        struct sighting named = {.d = d, .m = m};
        table_hash_names(c, &named);
        struct live *l = m->call_id.size && m->from.tag.size ? table_find(c, &named, &party) : NULL;
        if (l)
            return l;
    }
    return NULL;
}

static bool announced(const struct calls *c, const struct live *l, const struct endpoint *at)
{
    for (uint32_t i = l->points; i != NO_INDEX; i = c->points[i].next)
        if (endpoint_equal(&c->points[i].at, at))
            return true;
    return false;
}

/* The newest call that announced this end, and the other one or the Call-ID of the report too. */
static struct live *by_end(struct calls *c, const struct endpoint *at, const struct endpoint *other,
                           struct slice call_id)
{
    struct live *found = NULL;
    uint32_t serial = 0;
    struct map_probe probe = map_probe(&c->by_endpoint, endpoint_hash(&c->config.seed, at));
    for (uint32_t i; at->port && (i = map_next(&c->by_endpoint, &probe)) != MAP_NONE;) {
        const struct point *p = &c->points[i];
        struct live *l = &c->live[p->live];
        if (!endpoint_equal(&p->at, at) || (found && p->serial < serial) ||
            !(announced(c, l, other) || (call_id.size && slice_equal(l->call->call_id, call_id))))
            continue;
        found = l;
        serial = p->serial;
    }
    return found;
}

static struct live *find_call(struct calls *c, struct sip_msg *scratch, const struct vq_report *v,
                              const struct call_report *r, const struct datagram *d)
{
    const struct endpoint *local = &r->end[CALL_REPORT_LOCAL].at,
                          *remote = &r->end[CALL_REPORT_REMOTE].at;
    struct live *l = by_dialog(c, scratch, v, d);
    if (l == NULL && c->by_endpoint.count)
        l = by_end(c, local, remote, v->call_id);
    if (l == NULL && c->by_endpoint.count)
        l = by_end(c, remote, local, v->call_id);
    return l;
}

/* ---- in ---- */

static void count_unreadable(struct calls *c)
{
    counters_add(c->counters,
                 C_PARSE_ERRORS + LABEL_PROTO_VQ * LABEL_COUNT_PARSE_REASON + LABEL_PARSE_SYNTAX, 1);
}

void reports_see(struct calls *c, struct sip_msg *scratch, const struct sighting *s)
{
    struct vq_report v;
    struct call_report r;
    char reporter[USER_AOR_SIZE];
    if (!slice_is_nocase(user_content_type(s->m), "application/vq-rtcpxr"))
        return;
    if ((s->m->flags & SIP_FLAG_BODY_ENCODED) || !vq_report_read(s->m->body, &v)) {
        count_unreadable(c);
        return;
    }
    call_report_init(&r);
    fill(&r, s, &v);
    user_aor(&s->m->from, reporter, sizeof reporter);
    r.reporter = slice_str(reporter);
    if (!isnan(r.side[CALL_REPORT_LOCAL].figure[CALL_REPORT_MOS_LQ]))
        counters_observe(c->counters, C_VQ_MOS,
                         r.side[CALL_REPORT_LOCAL].figure[CALL_REPORT_MOS_LQ]);
    struct live *l = find_call(c, scratch, &v, &r, s->d);
    if (l)
        report_keep(c, l->call, &r);
    else
        report_counted(c, CALL_REPORT_VQ, REPORT_NO_CALL);
}
