/* From call, flows and streams to the record. Every text is copied into the record's arena; every
 * number that is not known stays what record_new() made it. */
#include "app/summarise.h"
#include "app/bandwidth.h"
#include "app/summarise_diagnosis.h"
#include "app/summarise_dtmf.h"
#include "app/worker_mask.h"
#include "app/worker_pause.h"
#include "app/summarise_identity.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "app/summarise_isup.h"
#include "app/summarise_keys.h"
#include "app/summarise_lines.h"
#include "app/summarise_path.h"
#include "app/summarise_recording.h"
#include "app/summarise_related.h"
#include "app/summarise_reports.h"
#include "app/summarise_streams.h"
#include "capture/body/siprec.h"
#include "capture/net/datagram.h"
#include "capture/sip/sdp.h"

void uid_text(const uint8_t u[16], char ret_text[40])
{
    static const char hex[] = "0123456789abcdef";
    char *at = ret_text;
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = hex[u[i] >> 4];
        *at++ = hex[u[i] & 15];
    }
    *at = '\0';
}

static double ms_between(int64_t from_ns, int64_t to_ns)
{
    return from_ns && to_ns && to_ns >= from_ns ? (double)(to_ns - from_ns) / 1e6 : NAN;
}

/* ---- the call ---- */

static void fill_party(struct arena *a, const struct call_identity *in, struct record_party *out)
{
    out->display = arena_copy(a, in->display);
    out->uri = arena_copy(a, in->uri);
    out->user = arena_copy(a, in->user);
    out->host = arena_copy(a, in->host);
    out->tag = arena_copy(a, in->tag);
}

static void fill_times(struct call_record *r, const struct call *c)
{
    r->started_us = us(c->started_ns);
    r->ringing_us = us(c->ringing_ns);
    r->answered_us = us(c->answered_ns);
    r->ended_us = us(c->ended_ns);
    r->progress_us = us(c->progress_ns);
    r->acked_us = us(c->acked_ns);
    r->bye_us = us(c->bye_ns);
    r->cancelled_us = us(c->cancelled_ns);
    r->early_media_us = us(c->early_media_ns);
    r->processed_us = us(c->processed_ns);
    if (c->answered_ns)
        r->duration_ms =
            c->ended_ns > c->answered_ns ? (c->ended_ns - c->answered_ns) / 1000000 : 0;
    int64_t ring_end = c->answered_ns ? c->answered_ns : c->ended_ns;
    if (c->ringing_ns && ring_end >= c->ringing_ns)
        r->ring_ms = (ring_end - c->ringing_ns) / 1000000;
    int64_t heard = c->ringing_ns;
    if (c->early_media_ns && (heard == 0 || c->early_media_ns < heard))
        heard = c->early_media_ns;
    if (heard == 0)
        heard = c->answered_ns;
    r->post_dial_delay_ms = ms_between(c->started_ns, heard);
    r->setup_ms = ms_between(c->started_ns, c->answered_ns);
    r->trying_delay_ms = ms_between(c->started_ns, c->trying_ns);
    r->disconnect_delay_ms = ms_between(c->bye_ns, c->bye_ok_ns);
    if (c->partial && c->kind == CALL_SIP && c->processed_ns == 0) { /* the INVITE was not seen */
        r->post_dial_delay_ms = NAN;
        r->setup_ms = NAN;
        r->trying_delay_ms = NAN;
    }
}

static void fill_events(struct call_record *r, const struct call *c)
{
    r->events = arena_alloc(r->arena, (c->event_count + 1) * sizeof *r->events);
    for (const struct call_event *e = c->events; e && r->events && r->event_count < c->event_count;
         e = e->next)
        r->events[r->event_count++] = (struct record_event){
            .time_us = us(e->time_ns),
            .kind = slice_str(e->kind),
            .detail = arena_copy(r->arena, e->detail),
        };
}

static_assert(CALL_NAT_SDP_PRIVATE == 1 && CALL_NAT_MEDIA_SOURCE == 2 && CALL_NAT_VIA_RECEIVED == 4 &&
                  CALL_NAT_CONTACT_PRIVATE == 8,
              "the order of record_nat_text()");

static void fill_wire(struct call_record *r, const struct call *c)
{
    r->nat = c->nat;
    r->keys_told = c->keys_told;
    r->limited = c->limited;
    if (c->transport)
        r->transport = transport_text(c->transport);
    if (c->wrapping) {
        r->wrapping = wrapping_text(c->wrapping);
        r->wrap_id = c->wrap_id;
        r->wrap_src.addr = c->wrap_src;
        r->wrap_dst.addr = c->wrap_dst;
    }
    if (c->tls)
        r->tls = (struct record_tls){
            .version = c->tls->version,
            .suite = c->tls->suite,
            .wrong_key = c->tls->wrong_key,
            .server_name = arena_copy(r->arena, c->tls->server_name),
            .certificate_name = arena_copy(r->arena, c->tls->certificate_name),
            .client_bytes = (int64_t)c->tls->bytes[0],
            .server_bytes = (int64_t)c->tls->bytes[1],
        };
}

static void fill_siprec(struct arena *a, const struct siprec *in, struct record_siprec *out)
{
    out->participants = arena_alloc(a, (in->participant_count + 1) * sizeof *out->participants);
    out->streams = arena_alloc(a, (in->stream_count + 1) * sizeof *out->streams);
    if (!out->participants || !out->streams)
        return;
    out->given = true;
    out->complete = in->complete;
    out->limited = in->limited;
    out->sessions = (int)in->session_count;
    out->session_id = arena_copy(a, in->sessions[0].id);
    out->sip_session_id = arena_copy(a, in->sessions[0].sip_session_id);
    for (unsigned i = 0; i < in->participant_count; i++) {
        const struct siprec_participant *p = &in->participants[i];
        out->participants[out->participant_count++] = (struct record_siprec_participant){
            .id = arena_copy(a, p->id),
            .aor = arena_copy(a, p->aor),
            .name = arena_copy(a, p->name),
            .joined_at = arena_copy(a, p->joined_at),
            .left_at = arena_copy(a, p->left_at),
        };
    }
    for (unsigned i = 0; i < in->stream_count; i++)
        out->streams[out->stream_count++] = (struct record_siprec_stream){
            .id = arena_copy(a, in->streams[i].id),
            .label = arena_copy(a, in->streams[i].label),
            .participant = in->streams[i].participant,
        };
}

static void fill_place(struct call_record *r, const struct call_place *p)
{
    struct arena *a = r->arena;
    r->tenant = arena_copy(a, slice_str(p->tenant ? p->tenant : ""));
    r->trunk = arena_copy(a, slice_str(p->trunk ? p->trunk : ""));
    r->site = arena_copy(a, slice_str(p->site ? p->site : ""));
    r->from_site = arena_copy(a, slice_str(p->sites[CALL_CALLER] ? p->sites[CALL_CALLER] : ""));
    r->to_site = arena_copy(a, slice_str(p->sites[CALL_CALLEE] ? p->sites[CALL_CALLEE] : ""));
}

static void fill_call(struct call_record *r, const struct call *c)
{
    struct arena *a = r->arena;
    r->final = true;
    r->kind = call_kind_text(c->kind);
    r->state = call_state_text(c->state);
    r->outcome = call_outcome_text(c->outcome);
    r->end_reason = call_end_reason_text(c->end_reason);
    r->released_by = call_party_text(c->released_by);
    r->direction = call_direction_text(c->direction);
    r->partial = c->partial;
    r->capture_suspect |= c->capture_suspect;
    r->call_id = arena_copy(a, c->call_id);
    fill_party(a, &c->from, &r->from);
    fill_party(a, &c->to, &r->to);
    r->request_uri = arena_copy(a, c->request_uri);
    r->user_agent = arena_copy(a, c->user_agent);
    r->server = arena_copy(a, c->server);
    r->asserted_identity = arena_copy(a, c->asserted_identity);
    r->src = c->src;
    r->dst = c->dst;
    r->vlan = c->vlan;
    r->sip_code = c->sip_code;
    r->reason_phrase = arena_copy(a, c->reason_phrase);
    r->q850_cause = c->q850_cause;
    r->auth_attempts = c->auth_attempts;
    r->reinvites = c->reinvites;
    r->updates = c->updates;
    r->branches = c->branches;
    r->holds = c->holds;
    r->held_us = us(c->held_ns);
    r->messages = c->messages;
    r->messages_over_limit = c->messages_over_limit;
    r->retransmissions = c->retransmissions;
    fill_wire(r, c);
    fill_place(r, &c->place);
    fill_times(r, c);
    if (c->siprec)
        fill_siprec(r->arena, c->siprec, &r->siprec);
    fill_events(r, c);
    summarise_path(r, c);
    summarise_lines(r, c);
}

/* The early row of a call, answered or just over: what the brief knows. */
static void fill_brief(struct call_record *r, const struct call_brief *b)
{
    struct arena *a = r->arena;
    r->kind = call_kind_text((enum call_kind)b->kind);
    r->state = call_state_text(b->state);
    r->direction = call_direction_text((enum call_direction)b->direction);
    fill_place(r, &b->place);
    r->partial = b->partial;
    r->call_id = arena_copy(a, slice_str(call_brief_text(b, BRIEF_CALL_ID)));
    r->from.user = arena_copy(a, slice_str(call_brief_text(b, BRIEF_FROM_USER)));
    r->from.host = arena_copy(a, slice_str(call_brief_text(b, BRIEF_FROM_HOST)));
    r->from.display = arena_copy(a, slice_str(call_brief_text(b, BRIEF_FROM_DISPLAY)));
    r->to.user = arena_copy(a, slice_str(call_brief_text(b, BRIEF_TO_USER)));
    r->to.host = arena_copy(a, slice_str(call_brief_text(b, BRIEF_TO_HOST)));
    r->user_agent = arena_copy(a, slice_str(call_brief_text(b, BRIEF_USER_AGENT)));
    r->src = b->src;
    r->dst = b->dst;
    if (b->transport)
        r->transport = transport_text(b->transport);
    r->sip_code = b->sip_code;
    r->started_us = us(b->started_ns);
    r->processed_us = us(b->processed_ns);
    r->ringing_us = us(b->ringing_ns);
    r->answered_us = us(b->answered_ns);
    r->setup_ms = ms_between(b->started_ns, b->answered_ns);
    if (b->state != CALL_ENDED)
        return;
    r->outcome = call_outcome_text((enum call_outcome)b->outcome);
    r->end_reason = call_end_reason_text((enum call_end_reason)b->end_reason);
    r->released_by = call_party_text((enum call_party)b->released_by);
    r->q850_cause = b->q850_cause;
    r->ended_us = us(b->ended_ns);
    if (b->answered_ns)
        r->duration_ms =
            b->ended_ns > b->answered_ns ? (b->ended_ns - b->answered_ns) / 1000000 : 0;
}

struct call_record *summarise_head(const struct wcall *wc, const struct call *call,
                                   const struct worker_config *config)
{
    struct call_record *r = record_new();
    if (r == NULL)
        return NULL;
    uid_text(wc->brief->uid, r->uid);
    r->probe = arena_copy(r->arena, slice_str(config->probe));
    if (call)
        fill_call(r, call);
    else
        fill_brief(r, wc->brief);
    identity_fill(r, call, &config->identity);
    return r;
}

struct call_record *summarise(const struct wcall *wc, const struct call *call,
                              const struct worker_config *config)
{
    struct call_record *r = summarise_head(wc, call, config);
    if (r == NULL)
        return NULL;
    related_fill(r, call, wc->brief);
    centre_fill(r, call, &config->centre);
    keys_fill(r, call, &config->identity);
    r->capture_suspect |= wc->suspect != NULL;
    if (!summarise_streams(r, wc) || !summarise_chains(r, wc)) {
        record_free(r);
        return NULL;
    }
    summarise_secrets(r, wc);
    summarise_reports(r, call);
    summarise_isup(r, call);
    summarise_over_streams(r);
    bandwidth_of_call(r);
    if (call) {
        summarise_dtmf(r, call, wc, config->identity.mask_dtmf);
        summarise_pause(r, wc, config);
        summarise_announced(r, call, wc);
        diagnose(r, &config->diagnosis);
        summarise_recording(r, wc, call, config);
    }
    return r;
}
