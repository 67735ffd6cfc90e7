/* Quality reports of endpoints (RFC 6035) in PUBLISH and NOTIFY: each becomes an event with all its figures. The call is
 * the one whose Call-ID the report names; while it lives the event goes to its worker. */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "capture/body/vq_report.h"
#include "capture/call/emit.h"
#include "capture/call/table.h"
#include "capture/call/user_parts.h"

/* ---- figures ---- */

static int32_t whole(double v)
{
    return isnan(v) || v < -1e9 || v > 1e9 ? -1 : (int32_t)lround(v);
}

/* Levels are negative as a rule, so -1 may be one. */
static int32_t decibels(double v)
{
    return isnan(v) || v < -200 || v > 200 ? REPORT_NO_LEVEL : (int32_t)lround(v);
}

static double ratio(double percent)
{
    return percent / 100;
}

/* "2004-10-29T11:45:12Z"; 0 when it is none. */
static int64_t time_of(struct slice text)
{
    char t[40];
    struct tm tm = {0};
    slice_copy_to(slice_trim(text), t, sizeof t);
    if (sscanf(t, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec) != 6)
        return 0;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t seconds = timegm(&tm);
    return seconds < 0 || seconds > INT64_C(8000000000) ? 0 : (int64_t)seconds * USER_SECOND;
}

static void fill_side(struct user_report_side *o, const struct vq_metrics *v)
{
    uint32_t type;
    o->present = v->given;
    user_text(v->codec, o->codec, sizeof o->codec);
    user_text(v->fmtp, o->fmtp, sizeof o->fmtp);
    user_text(v->algorithm, o->estimator, sizeof o->estimator);
    o->payload_type = slice_to_u32(v->payload_type, &type) && type < 128 ? (int16_t)type : -1;
    o->sample_rate_hz = whole(v->sample_rate_hz);
    o->started_ns = time_of(v->start);
    o->stopped_ns = time_of(v->stop);
    o->loss_ratio = ratio(v->loss_percent);
    o->discard_ratio = ratio(v->discard_percent);
    o->burst_ratio = ratio(v->burst_percent);
    o->gap_ratio = ratio(v->gap_percent);
    o->burst_ms = whole(v->burst_ms);
    o->gap_ms = whole(v->gap_ms);
    o->gap_min = whole(v->gap_min);
    o->rtt_ms = whole(v->round_trip_ms);
    o->end_system_ms = whole(v->end_system_ms);
    o->one_way_ms = whole(isnan(v->one_way_ms) ? v->symmetric_one_way_ms : v->one_way_ms);
    o->jitter_ms = v->jitter_ms;
    o->mean_abs_jitter_ms = v->jitter_max_ms;
    o->jitter_buffer = whole(v->jb_adaptive);
    o->jitter_buffer_rate = whole(v->jb_rate);
    o->buffer_nominal_ms = whole(v->jb_nominal_ms);
    o->buffer_max_ms = whole(v->jb_max_ms);
    o->buffer_abs_max_ms = whole(v->jb_abs_max_ms);
    o->signal_db = decibels(v->signal_dbm0);
    o->noise_db = decibels(v->noise_dbm0);
    o->echo_db = whole(v->rerl_db);
    o->r_listening = v->r_lq;
    o->r_conversational = v->r_cq;
    o->mos_lq = v->mos_lq;
    o->mos_cq = v->mos_cq;
}

/* ---- whose ---- */

static void fill_end(const struct vq_address *a, uint32_t space, struct endpoint *ret_at,
                     uint32_t *ret_ssrc)
{
    uint32_t values[2] = {0};
    struct addr addr;
    if (addr_parse(a->ip, &addr))
        *ret_at = (struct endpoint){.addr = addr, .port = a->port, .space = space};
    *ret_ssrc = vq_ssrc_values(a->ssrc, values) ? values[0] : 0;
}

static struct live *find_call(struct users *u, const struct vq_report *v, uint32_t space)
{
    struct sip_msg *m = &u->scratch;
    uint8_t party;
    struct slice tags[2] = {v->from_tag, v->to_tag};
    for (unsigned i = 0; i < 2; i++) {
        m->call_id = v->call_id;
        m->from.tag = tags[i];
        m->to.tag = tags[1 - i];
        struct live *l = tags[i].size ? table_find(u->c, m, space, &party) : NULL;
        if (l)
            return l;
    }
    return NULL;
}

static void fill(struct user_report *r, const struct sighting *s, const struct vq_report *v)
{
    r->last = true;
    r->space = s->d->src.space;
    r->src = s->d->src;
    r->transport = s->d->transport;
    r->at_ns = s->d->time_ns;
    r->party = CALL_PARTY_UNKNOWN;
    r->kind = (uint8_t)v->kind;
    user_text(v->call_id, r->call_id, sizeof r->call_id);
    user_aor(&s->m->from, r->reporter, sizeof r->reporter);
    user_text(user_software(s->m), r->user_agent, sizeof r->user_agent);
    user_aor_of_uri(v->local_id, r->local_id, sizeof r->local_id);
    user_aor_of_uri(v->remote_id, r->remote_id, sizeof r->remote_id);
    user_aor_of_uri(v->orig_id, r->orig_id, sizeof r->orig_id);
    fill_end(&v->local, r->space, &r->local, &r->local_ssrc);
    fill_end(&v->remote, r->space, &r->remote, &r->remote_ssrc);
    fill_side(&r->side[0], &v->local_metrics);
    fill_side(&r->side[1], &v->remote_metrics);
}

/* Who made the call has the report's OrigID. */
static void fill_party(struct user_report *r)
{
    if (r->orig_id[0] == '\0' || strcmp(r->local_id, r->remote_id) == 0)
        return;
    if (strcmp(r->orig_id, r->local_id) == 0)
        r->party = CALL_CALLER;
    else if (strcmp(r->orig_id, r->remote_id) == 0)
        r->party = CALL_CALLEE;
}

void reports_see(struct users *u, const struct sighting *s)
{
    struct calls *c = u->c;
    struct vq_report v;
    struct user_report r = {0};
    if (!slice_is_nocase(user_content_type(s->m), "application/vq-rtcpxr") ||
        (s->m->flags & SIP_FLAG_BODY_ENCODED) || !vq_report_read(s->m->body, &v))
        return;
    fill(&r, s, &v);
    fill_party(&r);
    struct live *l = find_call(u, &v, r.space);
    if (l)
        memcpy(r.call_uid, l->call->uid, sizeof r.call_uid);
    if (!isnan(r.side[0].mos_lq))
        counters_observe(c->counters, C_VQ_MOS, r.side[0].mos_lq);
    struct event e = {.kind = EVENT_REPORT,
                      .call = l ? live_number(c, l) : NO_INDEX,
                      .flow = NO_INDEX,
                      .time_ns = c->time_ns,
                      .body = slice_of(&r, sizeof r)};
    if (!c->sink.push(c->sink.context, l ? l->worker : 0, &e))
        counters_add(c->counters, C_USER_EVENTS_DROPPED, 1);
}
