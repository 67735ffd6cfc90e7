/* From call, flows and streams to the record. Every text is copied into the record's arena; every
 * number that is not known stays what record_new() made it. */
#include "app/summarise.h"
#include "app/bandwidth.h"
#include "app/summarise_diagnosis.h"
#include "app/summarise_dtmf.h"
#include "app/summarise_identity.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "app/stream_score.h"
#include "app/summarise_isup.h"
#include "app/summarise_delay.h"
#include "app/summarise_keys.h"
#include "app/summarise_lines.h"
#include "app/summarise_path.h"
#include "app/summarise_playout.h"
#include "app/summarise_related.h"
#include "app/summarise_reports.h"
#include "app/summarise_rtcp.h"
#include "app/summarise_series.h"
#include "base/burst_ratio.h"
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

bool uid_parse(const char *text, uint8_t ret_uid[16])
{
    uint8_t uid[16];
    unsigned n = 0;
    for (const char *c = text; *c; c++) {
        unsigned digit;
        if (*c == '-')
            continue;
        if (*c >= '0' && *c <= '9')
            digit = (unsigned)(*c - '0');
        else if ((*c | 32) >= 'a' && (*c | 32) <= 'f')
            digit = (unsigned)((*c | 32) - 'a') + 10;
        else
            return false;
        if (n >= 32)
            return false;
        uid[n / 2] = (uint8_t)(n % 2 ? uid[n / 2] << 4 | digit : digit);
        n++;
    }
    if (n != 32)
        return false;
    memcpy(ret_uid, uid, 16);
    return true;
}

const char *confidence_text(unsigned confidence)
{
    static const char *const texts[] = {"sdp", "sdp_source", "learned", "guessed"};
    return confidence < 4 ? texts[confidence] : "guessed";
}

const char *media_type_text(unsigned type)
{
    static const char *const texts[] = {"audio",       "video",   "image", "text",
                                        "application", "message", "other"};
    return type < 7 ? texts[type] : "other";
}

static int64_t us(int64_t ns)
{
    return ns / 1000;
}

static double ms_between(int64_t from_ns, int64_t to_ns)
{
    return from_ns && to_ns && to_ns >= from_ns ? (double)(to_ns - from_ns) / 1e6 : NAN;
}

/* ---- streams ---- */

/* Of what is not suspect: our own faults give no score. */
static void fill_quality(const struct wstream *s, const struct rtp_stats *stats, bool suspect,
                         struct record_quality *out)
{
    struct rtp_stats clean = *stats;
    const struct rtp_stats *t = &clean;
    suspect_take_off(stream_suspect(s), s->rtp, &clean);
    struct stream_heard heard = stream_heard(s, t);
    struct score score = stream_score(s, heard.expected, heard.bad, heard.runs, NAN);
    out->r = score.r;
    out->mos_lq = score.mos_lq;
    out->r_fb = score.r_fb;
    out->ie = score.ie;
    out->bpl = score.bpl;
    out->scale = score.scale;
    out->basis = score.basis;
    out->playout = heard.playout;
    out->delay_basis = "none";
    out->loss_basis = suspect ? "capture_suspect" : "tap";
    out->burst_r = burst_ratio(heard.expected, heard.bad, heard.runs);
    if (heard.expected)
        out->ppl = 100.0 * (double)heard.bad / (double)heard.expected;
}

/* What offer and answer have in common; without an answer what was offered. */
static struct slice negotiated(struct arena *a, const struct wflow *f)
{
    unsigned count = f->negotiated_count ? f->negotiated_count : f->codec_count;
    char text[FLOW_CODECS_MAX * (CODEC_NAME_SIZE + 1)];
    size_t at = 0;
    text[0] = '\0';
    for (unsigned i = 0; f->announced && i < count; i++)
        if (f->codecs[i].name[0])
            at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", at ? "," : "",
                                   f->codecs[i].name);
    return arena_copy(a, slice_str(text));
}

static void fill_counts(const struct rtp_stats *t, struct record_stream *out)
{
    out->ptime_ms = t->ptime_ms > 0 ? t->ptime_ms : NAN;
    out->first_us = us(t->first_ns);
    out->last_us = us(t->last_ns);
    out->packets = t->received;
    out->expected = t->expected;
    out->lost = t->lost;
    out->media_expected = t->media_expected;
    out->media_lost = t->media_lost;
    out->discarded = t->discarded;
    out->duplicates = t->duplicates;
    out->reordered = t->reordered;
    out->restarts = t->restarts;
    out->conflicts = t->conflicts;
    out->payload_changes = t->payload_changes;
    out->timestamp_jumps = t->timestamp_jumps;
    out->event_packets = t->event_packets;
    out->noise_packets = t->noise_packets;
    out->bytes = t->bytes;
    out->runs = t->runs;
    out->longest_run = t->longest_run;
    out->jitter_ms_last = t->jitter_ms_last;
    out->jitter_ms_mean = t->jitter_ms_mean;
    out->jitter_ms_max = t->jitter_ms_max;
    out->jitter_ms_p95 = t->jitter_ms_p95;
    out->max_gap_ms = t->max_gap_ms;
    out->min_gap_ms = t->min_gap_ms;
    out->marker_packets = t->marker_count;
    out->rfc_expected = t->rfc_expected;
    out->rfc_lost = t->rfc_lost;
    out->rfc_jitter_ticks = t->rfc_jitter_ticks;
}

static const char *redundancy(const struct wstream *s)
{
    if (s->red)
        return "red";
    struct slice agreed = slice_parameter(slice_str(s->codec.fmtp), "useinbandfec");
    return slice_is_nocase(slice_str(s->codec.name), "opus") && slice_is(agreed, "1") ? "inband" : NULL;
}

static void fill_stream(struct arena *a, const struct wstream *s, bool suspect,
                        struct record_stream *out)
{
    const struct wflow *f = s->flow;
    struct rtp_stats t;
    rtp_stream_stats(s->rtp, &t);
    record_stream_init(out);
    fill_counts(&t, out);
    out->sid = s->sid;
    out->party = call_party_text(f->party);
    out->media_type = s->codec.kind == CODEC_REPAIR
                          ? "repair"
                          : media_type_text(s->codec.kind == CODEC_VIDEO ? SDP_VIDEO : f->media_type);
    out->ssrc = s->ssrc;
    out->src = f->src;
    out->dst = f->dst;
    out->vlan = f->vlan;
    out->codec = arena_copy(a, slice_str(s->codec.name));
    out->clock_hz = s->codec.clock_hz ? s->codec.clock_hz : (uint32_t)t.clock_hz;
    out->payload_type = s->codec.payload_type;
    out->negotiated = negotiated(a, f);
    out->dscp = s->dscp;
    out->dscp_changes = s->dscp_changes;
    out->has_marks = true;
    out->dscp_first = s->dscp_first;
    out->dscp_least = s->dscp_least;
    out->dscp_most = s->dscp_most;
    out->ttl_least = s->ttl_least;
    out->ttl_most = s->ttl_most;
    out->priority_least = s->priority_least;
    out->priority_most = s->priority_most;
    out->fmtp = arena_copy(a, slice_str(s->codec.fmtp));
    out->redundancy = redundancy(s);
    out->capture_refused = s->refused;
    out->padded_packets = s->padded;
    out->extended_packets = s->extended;
    out->mixed_packets = s->mixed;
    out->sources_most = s->sources_most;
    out->srtp = f->secure;
    out->early = s->early;
    out->announced = f->announced;
    out->orphan = call_kind_is_orphan(f->call->brief.kind);
    out->confidence = confidence_text(f->confidence);
    fill_quality(s, &t, suspect, &out->quality);
    summarise_playout(a, s, &out->playout);
    summarise_rtcp(a, s, &t, out);
    summarise_series(a, s, t.first_ns, &out->series);
}

static bool fill_streams(struct call_record *r, const struct wcall *wc)
{
    bool suspect = r->capture_suspect;
    r->streams = arena_alloc(r->arena, (wc->stream_count + 1) * sizeof *r->streams);
    if (r->streams == NULL)
        return false;
    for (const struct wstream *s = wc->streams; s; s = s->next) {
        struct rtp_stats t;
        rtp_stream_stats(s->rtp, &t);
        if (t.received == 0)
            continue;
        bool own = s->rtcp && s->rtcp->suspect.count;
        fill_stream(r->arena, s, suspect || own, &r->streams[r->stream_count++]);
        r->capture_suspect |= own;
    }
    summarise_round_trips(r, wc);
    summarise_delay(r, wc);
    return true;
}

/* ---- chains: where the packets stand in the spool ---- */

static bool same_flow(const struct record_stream *s, const struct record_chain *c)
{
    return endpoint_equal(&s->src, &c->src) && endpoint_equal(&s->dst, &c->dst);
}

static void link_streams(struct call_record *r)
{
    for (uint32_t i = 0; i < r->stream_count; i++)
        for (uint32_t k = 0; k < r->chain_count; k++)
            if (r->chains[k].party && same_flow(&r->streams[i], &r->chains[k]))
                r->streams[i].flow_chain = k + 1;
}

static bool fill_chains(struct call_record *r, const struct wcall *wc)
{
    unsigned count = wc->signalling_tail.segment != 0;
    for (const struct wflow *f = wc->flows; f; f = f->next)
        count += f->tail.segment != 0;
    r->chains = arena_alloc(r->arena, (count + 1) * sizeof *r->chains);
    if (r->chains == NULL)
        return false;
    if (wc->signalling_tail.segment)
        r->chains[r->chain_count++] =
            (struct record_chain){.tail = wc->signalling_tail, .packets = wc->signalling_messages};
    for (const struct wflow *f = wc->flows; f; f = f->next) {
        if (f->tail.segment == 0)
            continue;
        r->chains[r->chain_count++] = (struct record_chain){
            .tail = f->tail,
            .src = f->src,
            .dst = f->dst,
            .party = call_party_text(f->party),
            .rtcp = f->rtcp_seen && !f->rtp_seen,
            .packets = f->spooled,
        };
    }
    link_streams(r);
    return true;
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
    r->call_id = arena_copy(a, slice_str(b->call_id));
    r->from.user = arena_copy(a, slice_str(b->from_user));
    r->from.host = arena_copy(a, slice_str(b->from_host));
    r->from.display = arena_copy(a, slice_str(b->from_display));
    r->to.user = arena_copy(a, slice_str(b->to_user));
    r->to.host = arena_copy(a, slice_str(b->to_host));
    r->user_agent = arena_copy(a, slice_str(b->user_agent));
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

/* ---- over all streams ---- */

/* What is sent again, or to mend another stream, says nothing of its own. */
static bool is_repair(const struct record_stream *s)
{
    return strcmp(s->media_type, "repair") == 0;
}

/* The worse direction; a mean or a minimum never mixes scales: the scale of the first scored stream
 * rules. */
static void fill_call_quality(struct call_record *r)
{
    double sum = 0, weight = 0;
    for (uint32_t i = 0; i < r->stream_count; i++) {
        const struct record_stream *s = &r->streams[i];
        if (is_repair(s) || record_stream_foreign(s))
            continue;
        /* What our own capture may have missed is not called loss of the network. */
        uint64_t ours = s->split.given ? (uint64_t)s->split.upper.capture : 0;
        if (s->expected)
            r->loss_ratio = fmax(isnan(r->loss_ratio) ? 0 : r->loss_ratio,
                                 s->lost > ours ? (double)(s->lost - ours) / (double)s->expected : 0);
        r->jitter_ms_max = fmax(r->jitter_ms_max, s->jitter_ms_max);
        r->max_gap_ms = fmax(r->max_gap_ms, s->max_gap_ms);
        r->rtt_ms = fmax(r->rtt_ms, s->rtcp.rtt_ms);
        if (isnan(s->quality.mos_lq))
            continue;
        if (r->mos_scale == NULL) {
            r->mos_scale = s->quality.scale;
            r->mos_basis = s->quality.basis;
            r->mos_playout = s->quality.playout;
        }
        r->r_fb_min = fmin(r->r_fb_min, s->quality.r_fb);
        if (strcmp(r->mos_scale, s->quality.scale) != 0)
            continue;
        if (strcmp(s->quality.basis, "standard") != 0)
            r->mos_basis = s->quality.basis;
        r->mos_min = fmin(r->mos_min, s->quality.mos_lq);
        r->r_min = fmin(r->r_min, s->quality.r);
        sum += s->quality.mos_lq * (double)s->expected;
        weight += (double)s->expected;
    }
    if (weight > 0)
        r->mos_avg = sum / weight;
}

static bool is_sound(const struct record_stream *s)
{
    return strcmp(s->media_type, "audio") == 0 && !record_stream_foreign(s);
}

static void fill_codec(struct call_record *r)
{
    for (uint32_t i = 0; i < r->stream_count && r->codec.size == 0; i++)
        if (is_sound(&r->streams[i]))
            r->codec = r->streams[i].codec;
}

/* ---- recording ---- */

/* Of a call that was answered. The media of H.323 is announced nowhere that we read: it comes as orphans. */
static bool came_without_sound(const struct call_record *r)
{
    if (r->answered_us == 0 || (strcmp(r->kind, "call") != 0 && strcmp(r->kind, "mgcp") != 0))
        return false;
    for (uint32_t i = 0; i < r->stream_count; i++)
        if (is_sound(&r->streams[i]) && r->streams[i].last_us >= r->answered_us)
            return false;
    return true;
}

static bool all_encrypted(const struct call_record *r)
{
    bool sound = false;
    for (uint32_t i = 0; i < r->stream_count; i++) {
        if (!is_sound(&r->streams[i]))
            continue;
        sound = true;
        if (!r->streams[i].srtp)
            return false;
    }
    return sound;
}

static void fill_secrets(struct call_record *r, const struct wsecrets *keys)
{
    size_t size = keys->count * sizeof *keys->items;
    r->secrets.items = size ? arena_alloc(r->arena, size) : NULL;
    if (r->secrets.items == NULL)
        return;
    memcpy(r->secrets.items, keys->items, size);
    r->secrets.count = keys->count;
}

static bool media_kept(const struct call_record *r)
{
    for (uint32_t k = 0; k < r->chain_count; k++)
        if (r->chains[k].party && !r->chains[k].rtcp)
            return true;
    return false;
}

/* Each answered call ends with a recording or with the reason why there is none. */
static void fill_recording(struct call_record *r, const struct worker_config *config)
{
    struct record_recording *g = &r->recording;
    bool answered = r->answered_us != 0;
    bool orphan = strcmp(r->kind, "orphan") == 0 || strcmp(r->kind, "page") == 0;
    if (!answered && !orphan)
        return;
    g->partial = r->partial;
    g->one_way = r->one_way;
    g->recovered = config->recovered;
    if (!config->record_media)
        g->result = "rule";
    else if (r->stream_count == 0 || came_without_sound(r))
        g->result = "no_rtp";
    else if (all_encrypted(r) && r->secrets.count == 0 && !config->recovered) /* recovered: the store may know the keys */
        g->result = "encrypted";
    else if (!media_kept(r))
        g->result = "disk";
    else {
        g->result = "recorded";
        g->state = "spooling";
        snprintf(g->id, sizeof g->id, "%s", r->uid);
        g->format = slice_str("wav");
    }
}

struct call_record *summarise_head(const struct wcall *wc, const struct call *call,
                                   const struct worker_config *config)
{
    struct call_record *r = record_new();
    if (r == NULL)
        return NULL;
    uid_text(wc->brief.uid, r->uid);
    r->probe = arena_copy(r->arena, slice_str(config->probe));
    if (call)
        fill_call(r, call);
    else
        fill_brief(r, &wc->brief);
    identity_fill(r, call, &config->identity);
    return r;
}

struct call_record *summarise(const struct wcall *wc, const struct call *call,
                              const struct worker_config *config)
{
    struct call_record *r = summarise_head(wc, call, config);
    if (r == NULL)
        return NULL;
    related_fill(r, call, &wc->brief);
    centre_fill(r, call, &config->centre);
    keys_fill(r, call, &config->identity);
    r->capture_suspect |= wc->suspect != NULL;
    if (!fill_streams(r, wc) || !fill_chains(r, wc)) {
        record_free(r);
        return NULL;
    }
    fill_secrets(r, &wc->secrets);
    summarise_reports(r, call);
    summarise_isup(r, call);
    fill_call_quality(r);
    fill_codec(r);
    bandwidth_of_call(r);
    if (call) {
        summarise_dtmf(r, call, wc, config->identity.mask_dtmf);
        summarise_announced(r, call, wc);
        diagnose(r, &config->diagnosis);
        fill_recording(r, config);
    }
    return r;
}
