/* Hops are numbered from 1 in order of their INVITEs; branches and tries name theirs by number. */
#include "api/record_path_json.h"

#include <math.h>

#include "api/json_fields.h"

static double ms_between(int64_t from_us, int64_t to_us)
{
    return from_us && to_us && to_us >= from_us ? (double)(to_us - from_us) / 1000 : NAN;
}

static void kv_us(struct json *j, const char *key, int64_t from_us, int64_t to_us)
{
    json_kv_double(j, key, ms_between(from_us, to_us), MS_DECIMALS);
}

static const struct record_hop *hop_of(const struct record_path *p, uint32_t number)
{
    return number && number <= p->hop_count ? &p->hops[number - 1] : NULL;
}

static void hop_json(struct json *j, const struct record_path *p, uint32_t number)
{
    const struct record_hop *h = &p->hops[number - 1];
    const struct record_hop *from = hop_of(p, h->from);

    json_object(j);
    kv_uint(j, "hop", number);
    kv_positive(j, "from_hop", h->from);
    kv_endpoint(j, "src", &h->src);
    kv_endpoint(j, "dst", &h->dst);
    json_kv_str(j, "transport", h->transport);
    kv_positive(j, "vlan", h->vlan);
    kv_uint(j, "cseq", h->cseq);
    kv_known(j, "request_uri", h->request_uri);
    json_kv_time(j, "invite_at", h->invite_us);
    kv_us(j, "latency_ms", from ? from->invite_us : 0, h->invite_us);
    json_kv_time(j, "final_at", h->final_us);
    kv_us(j, "response_ms", h->invite_us, h->response_us);
    kv_us(j, "final_ms", h->invite_us, h->final_us);
    json_kv_time(j, "cancelled_at", h->cancelled_us);
    kv_positive(j, "code", h->code);
    json_end(j);
}

static void leg_json(struct json *j, const struct record_path *p, const struct record_leg *g)
{
    const struct record_hop *h = hop_of(p, g->hop);
    static const struct endpoint NOWHERE;

    json_object(j);
    kv_known(j, "to_tag", g->tag);
    kv_known(j, "target", g->target);
    kv_known(j, "request_uri", h ? h->request_uri : slice_none());
    kv_positive(j, "hop", g->hop);
    kv_endpoint(j, "src", h ? &h->src : &NOWHERE);
    kv_endpoint(j, "dst", h ? &h->dst : &NOWHERE);
    json_kv_time(j, "progress_at", g->progress_us);
    json_kv_time(j, "ringing_at", g->ringing_us);
    json_kv_time(j, "answered_at", g->answered_us);
    json_kv_time(j, "ended_at", g->ended_us);
    kv_positive(j, "code", g->code);
    kv_known(j, "reason_phrase", g->reason_phrase);
    json_kv_str(j, "end", g->end);
    json_kv_bool(j, "winner", g->winner);
    json_kv_bool(j, "acked", g->acked);
    kv_uint(j, "answer_repeats", g->repeats);
    json_end(j);
}

static void attempt_json(struct json *j, const struct record_path *p,
                         const struct record_attempt *a)
{
    const struct record_hop *h = hop_of(p, a->hop);
    static const struct endpoint NOWHERE;

    json_object(j);
    kv_positive(j, "hop", a->hop);
    kv_endpoint(j, "dst", h ? &h->dst : &NOWHERE);
    kv_known(j, "request_uri", h ? h->request_uri : slice_none());
    json_kv_time(j, "started_at", h ? h->invite_us : 0);
    json_kv_time(j, "ended_at", a->ended_us);
    kv_positive(j, "code", h ? h->code : 0);
    json_kv_str(j, "reason", a->reason);
    json_end(j);
}

static void reason_json(struct json *j, const char *protocol, int cause, struct slice text)
{
    if (cause == 0)
        return;
    json_object(j);
    json_kv_str(j, "protocol", protocol);
    json_kv_int(j, "cause", cause);
    kv_known(j, "text", text);
    json_end(j);
}

static void session_json(struct json *j, const struct record_path *p)
{
    json_key(j, "session_timer");
    if (p->session_expires_s == 0) {
        json_null(j);
        return;
    }
    json_object(j);
    kv_uint(j, "expires_s", p->session_expires_s);
    json_kv_str(j, "refresher", p->session_refresher);
    json_kv_bool(j, "expired", p->session_expired);
    json_end(j);
}

static void spoofed_bye_json(struct json *j, const struct record_path *p)
{
    json_key(j, "spoofed_bye");
    if (p->spoofed_bye_us == 0) {
        json_null(j);
        return;
    }
    json_object(j);
    json_kv_time(j, "at", p->spoofed_bye_us);
    kv_endpoint(j, "src", &p->spoofed_bye_src);
    json_end(j);
}

static void line_json(struct json *j, const struct record_line *v)
{
    json_object(j);
    kv_uint(j, "index", v->index);
    kv_known(j, "type", v->type);
    kv_known(j, "proto", v->proto);
    json_kv_str(j, "state", v->state);
    json_kv_str(j, "direction", v->direction);
    json_kv_str(j, "offered_by", v->offered_by);
    kv_known(j, "offered", v->offered);
    kv_known(j, "agreed", v->agreed);
    kv_known(j, "label", v->label);
    kv_positive(j, "ptime_ms", v->ptime_ms);
    json_kv_time(j, "added_at", v->added_us);
    json_kv_time(j, "removed_at", v->removed_us);
    json_end(j);
}

void record_lines_json(struct json *j, const struct call_record *r)
{
    json_key(j, "media");
    json_array(j);
    for (uint32_t i = 0; i < r->line_count; i++)
        line_json(j, &r->lines[i]);
    json_end(j);
}

void record_path_json(struct json *j, const struct call_record *r)
{
    const struct record_path *p = &r->path;

    json_key(j, "hops");
    json_array(j);
    for (uint32_t n = 1; n <= p->hop_count; n++)
        hop_json(j, p, n);
    json_end(j);
    kv_uint(j, "hops_over_limit", p->hops_over_limit);
    json_key(j, "legs");
    json_array(j);
    for (uint32_t i = 0; i < p->leg_count; i++)
        leg_json(j, p, &p->legs[i]);
    json_end(j);
    json_key(j, "attempts");
    json_array(j);
    for (uint32_t i = 0; i < p->attempt_count; i++)
        attempt_json(j, p, &p->attempts[i]);
    json_end(j);
    json_kv_int(j, "route_advances", p->route_advances);
    json_key(j, "reasons");
    json_array(j);
    reason_json(j, "Q.850", r->q850_cause, p->q850_text);
    reason_json(j, "SIP", p->sip_cause, p->sip_cause_text);
    json_end(j);
    json_kv_bool(j, "ack_missing", p->ack_missing);
    session_json(j, p);
    spoofed_bye_json(j, p);
}
