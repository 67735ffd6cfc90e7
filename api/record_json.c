/* One writer of a record as JSON, for the API and for `earshot read --json`: field order is fixed,
 * units are in the names, and what is not known is null, never 0. Enumerations are copied as the
 * record holds them. Text from the wire passes through json_text alone, which escapes it and
 * replaces what is no UTF-8. */
#include "api/record_json.h"

#include <ctype.h>
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "api/json_fields.h"
#include "api/record_diagnosis_json.h"
#include "api/record_dtmf_json.h"
#include "api/record_files_json.h"
#include "api/record_isup_json.h"
#include "api/record_json_identity.h"
#include "api/record_path_json.h"
#include "api/record_playout_json.h"
#include "api/record_related_json.h"
#include "api/record_reports_json.h"
#include "api/record_rtcp_json.h"
#include "api/record_sound_json.h"
#include "api/record_tones_json.h"
#include "base/crypto.h"

#define SCORE_DECIMALS 3
#define RATIO_DECIMALS 6

static void kv_party(struct json *j, const char *key, const struct record_party *p)
{
    json_key(j, key);
    json_object(j);
    kv_known(j, "user", p->user);
    kv_known(j, "display", p->display);
    kv_known(j, "host", p->host);
    kv_known(j, "uri", p->uri);
    kv_known(j, "tag", p->tag);
    json_end(j);
}

static double ratio_of(uint64_t part, uint64_t whole)
{
    return whole == 0 ? NAN : (double)part / (double)whole;
}

static void stream_media(struct json *j, const struct record_stream *s)
{
    char ssrc[16];

    snprintf(ssrc, sizeof ssrc, "0x%08x", s->ssrc);
    kv_uint(j, "sid", s->sid);
    json_kv_str(j, "party", s->party);
    json_kv_str(j, "media_type", s->media_type);
    json_kv_str(j, "ssrc", ssrc);
    kv_endpoint(j, "src", &s->src);
    kv_endpoint(j, "dst", &s->dst);
    kv_positive(j, "vlan", s->vlan);
    kv_known(j, "codec", s->codec);
    kv_known(j, "negotiated", s->negotiated);
    if (s->redundancy)
        json_kv_str(j, "redundancy", s->redundancy);
    kv_uint(j, "payload_type", s->payload_type);
    kv_positive(j, "clock_hz", s->clock_hz);
    json_kv_double(j, "ptime_ms", s->ptime_ms, MS_DECIMALS);
    json_kv_time(j, "first_at", s->first_us);
    json_kv_time(j, "last_at", s->last_us);
}

static void stream_counts(struct json *j, const struct record_stream *s)
{
    kv_uint(j, "packets", s->packets);
    kv_uint(j, "bytes", s->bytes);
    kv_uint(j, "expected", s->expected);
    kv_uint(j, "lost", s->lost);
    json_kv_double(j, "loss_ratio", ratio_of(s->lost, s->expected), RATIO_DECIMALS);
    kv_uint(j, "media_expected", s->media_expected);
    kv_uint(j, "media_lost", s->media_lost);
    kv_uint(j, "discarded", s->discarded);
    kv_uint(j, "reordered", s->reordered);
    kv_uint(j, "duplicates", s->duplicates);
    kv_uint(j, "restarts", s->restarts);
    kv_uint(j, "conflicts", s->conflicts);
    kv_uint(j, "payload_changes", s->payload_changes);
    kv_uint(j, "timestamp_jumps", s->timestamp_jumps);
    kv_uint(j, "event_packets", s->event_packets);
    kv_uint(j, "noise_packets", s->noise_packets);
    kv_uint(j, "marker_packets", s->marker_packets);
    kv_uint(j, "padded_packets", s->padded_packets);
    kv_uint(j, "extension_packets", s->extended_packets);
    kv_uint(j, "csrc_packets", s->mixed_packets);
    kv_uint(j, "csrc_max", s->sources_most);
    kv_uint(j, "loss_runs", s->runs);
    kv_uint(j, "longest_loss_run", s->longest_run);
    kv_uint(j, "capture_refused", s->capture_refused);
}

static void stream_video(struct json *j, const struct record_video *v)
{
    if (!v->given)
        return;
    json_key(j, "video");
    json_object(j);
    kv_positive(j, "width", v->width);
    kv_positive(j, "height", v->height);
    kv_uint(j, "size_changes", v->size_changes);
    kv_uint(j, "frames", v->frames);
    kv_natural(j, "key_frames", v->key_frames);
    json_kv_double(j, "fps", v->fps, 2);
    json_kv_double(j, "bitrate_kbps", v->bitrate_kbps, 1);
    kv_uint(j, "freezes", v->freezes);
    json_kv_double(j, "frozen_ms", v->frozen_ms, MS_DECIMALS);
    json_kv_double(j, "longest_freeze_ms", v->longest_freeze_ms, MS_DECIMALS);
    json_end(j);
}

static void stream_jitter(struct json *j, const struct record_stream *s)
{
    json_key(j, "jitter_ms");
    json_object(j);
    json_kv_double(j, "last", s->jitter_ms_last, MS_DECIMALS);
    json_kv_double(j, "avg", s->jitter_ms_mean, MS_DECIMALS);
    json_kv_double(j, "max", s->jitter_ms_max, MS_DECIMALS);
    json_kv_double(j, "p95", s->jitter_ms_p95, MS_DECIMALS);
    json_end(j);
    json_kv_double(j, "max_gap_ms", s->max_gap_ms, MS_DECIMALS);
    json_kv_double(j, "min_gap_ms", s->min_gap_ms, MS_DECIMALS);

    /* Lost is negative with duplicates (RFC 3550 A.3), so "expected" alone says whether it is
     * known. */
    json_key(j, "rfc3550");
    json_object(j);
    kv_natural(j, "expected", s->rfc_expected);
    if (s->rfc_expected < 0)
        json_kv_null(j, "lost");
    else
        json_kv_int(j, "lost", s->rfc_lost);
    kv_natural(j, "jitter_ticks", s->rfc_jitter_ticks);
    json_end(j);
}

static void stream_score(struct json *j, const struct record_quality *q)
{
    json_key(j, "mos");
    json_object(j);
    json_kv_double(j, "lq", q->mos_lq, SCORE_DECIMALS);
    json_kv_double(j, "cq", q->mos_cq, SCORE_DECIMALS);
    json_kv_double(j, "lq_total", q->mos_lq_total, SCORE_DECIMALS);
    json_kv_str(j, "scale", q->scale);
    json_kv_str(j, "basis", q->basis);
    json_kv_str(j, "playout", q->playout);
    json_kv_str(j, "delay_basis", q->delay_basis);
    json_kv_double(j, "delay_ms", q->delay_ms, 1);
    json_kv_str(j, "loss_basis", q->loss_basis);
    json_end(j);
    json_kv_double(j, "r", q->r, SCORE_DECIMALS);
    json_kv_double(j, "r_fb", q->r_fb, SCORE_DECIMALS);
    json_kv_str(j, "band", record_quality_band(q->r, q->scale));
    json_kv_double(j, "ppl", q->ppl, SCORE_DECIMALS);
    json_kv_double(j, "burst_r", q->burst_r, SCORE_DECIMALS);
}

static void kv_mark(struct json *j, const char *key, bool known, uint8_t value)
{
    if (known)
        kv_uint(j, key, value);
    else
        json_kv_null(j, key);
}

static void stream_marks(struct json *j, const struct record_stream *s)
{
    kv_mark(j, "dscp_first", s->has_marks, s->dscp_first);
    kv_mark(j, "dscp_min", s->has_marks, s->dscp_least);
    kv_mark(j, "dscp_max", s->has_marks, s->dscp_most);
    kv_mark(j, "ttl_min", s->has_marks, s->ttl_least);
    kv_mark(j, "ttl_max", s->has_marks, s->ttl_most);
    record_json_priority(j, "pcp_min", s->priority_least);
    record_json_priority(j, "pcp_max", s->priority_most);
}

static void stream_json(struct json *j, const struct call_record *r, const struct record_stream *s, bool links)
{
    char url[128];

    json_object(j);
    stream_media(j, s);
    stream_counts(j, s);
    stream_video(j, &s->video);
    stream_jitter(j, s);
    stream_score(j, &s->quality);
    record_playout_json(j, &s->playout);
    record_json_reported(j, &r->reports, s->sid);
    kv_uint(j, "dscp", s->dscp);
    kv_uint(j, "dscp_changes", s->dscp_changes);
    stream_marks(j, s);
    json_kv_bool(j, "srtp", s->srtp);
    json_kv_bool(j, "early", s->early);
    json_kv_bool(j, "announced", s->announced);
    json_kv_bool(j, "orphan", s->orphan);
    json_kv_str(j, "confidence", s->confidence);
    record_json_rtcp(j, s);
    record_json_split(j, &s->split);
    if (links) {
        snprintf(url, sizeof url, "/api/v1/calls/%s/streams/%u/series", r->uid, s->sid);
        json_kv_str(j, "series_url", url);
    }
    json_end(j);
}

static void call_times(struct json *j, const struct call_record *r)
{
    json_kv_time(j, "started_at", r->started_us);
    json_kv_time(j, "progress_at", r->progress_us);
    json_kv_time(j, "ringing_at", r->ringing_us);
    json_kv_time(j, "early_media_at", r->early_media_us);
    json_kv_time(j, "answered_at", r->answered_us);
    json_kv_time(j, "acked_at", r->acked_us);
    json_kv_time(j, "cancelled_at", r->cancelled_us);
    json_kv_time(j, "bye_at", r->bye_us);
    json_kv_time(j, "ended_at", r->ended_us);
}

static void kv_tunnel(struct json *j, const struct call_record *r)
{
    char text[ADDR_TEXT_SIZE];

    if (r->wrapping == NULL)
        return;
    json_key(j, "tunnel");
    json_object(j);
    json_kv_str(j, "kind", r->wrapping);
    kv_positive(j, "id", r->wrap_id);
    json_kv_str(j, "src", addr_text(r->wrap_src.addr, text));
    json_kv_str(j, "dst", addr_text(r->wrap_dst.addr, text));
    json_end(j);
}

static const char *tls_version_text(int version)
{
    return version == 0x0304 ? "1.3" : version == 0x0303 ? "1.2" : version ? "older" : NULL;
}

static void kv_tls(struct json *j, const struct record_tls *t)
{
    json_key(j, "tls");
    json_object(j);
    json_kv_str(j, "version", tls_version_text(t->version));
    kv_positive(j, "suite", t->suite);
    kv_known(j, "server_name", t->server_name);
    kv_known(j, "certificate_name", t->certificate_name);
    json_kv_bool(j, "wrong_key", t->wrong_key);
    kv_natural(j, "client_bytes", t->client_bytes);
    kv_natural(j, "server_bytes", t->server_bytes);
    json_end(j);
}

static void kv_nat(struct json *j, unsigned nat)
{
    if (nat == 0)
        return;
    json_key(j, "nat");
    json_array(j);
    for (unsigned i = 0; i < RECORD_NAT_SIGNS; i++)
        if (nat >> i & 1)
            json_str(j, record_nat_text(i));
    json_end(j);
}

static void call_wire(struct json *j, const struct call_record *r)
{
    json_kv_str(j, "transport", r->transport);
    kv_positive(j, "vlan", r->vlan);
    kv_tunnel(j, r);
    kv_nat(j, r->nat);
    if (r->limited)
        json_kv_bool(j, "limited", true);
    if (strcmp(r->kind, "encrypted") == 0)
        kv_tls(j, &r->tls);
}

static void call_place(struct json *j, const struct call_record *r)
{
    kv_known(j, "trunk", r->trunk);
    kv_known(j, "site", r->site);
    kv_known(j, "from_site", r->from_site);
    kv_known(j, "to_site", r->to_site);
    kv_known(j, "tenant", r->tenant);
}

static void call_identity(struct json *j, const struct call_record *r)
{
    json_kv_str(j, "state", r->state);
    json_kv_str(j, "outcome", r->outcome);
    json_kv_str(j, "end_reason", r->end_reason);
    json_kv_str(j, "released_by", r->released_by);
    json_kv_bool(j, "partial", r->partial);
    json_kv_bool(j, "capture_suspect", r->capture_suspect);
    kv_known(j, "call_id", r->call_id);
    kv_party(j, "from", &r->from);
    kv_party(j, "to", &r->to);
    kv_known(j, "request_uri", r->request_uri);
    kv_known(j, "asserted_identity", r->asserted_identity);
    kv_known(j, "user_agent", r->user_agent);
    kv_known(j, "server", r->server);
    kv_endpoint(j, "src", &r->src);
    kv_endpoint(j, "dst", &r->dst);
    call_wire(j, r);
    json_kv_str(j, "direction", r->direction);
    call_place(j, r);
    kv_known(j, "probe", r->probe);
}

static void call_figures(struct json *j, const struct call_record *r)
{
    kv_positive(j, "sip_code", r->sip_code);
    kv_known(j, "reason_phrase", r->reason_phrase);
    kv_positive(j, "q850_cause", r->q850_cause);
    kv_natural(j, "duration_ms", r->duration_ms);
    kv_natural(j, "ring_ms", r->ring_ms);
    json_kv_double(j, "trying_delay_ms", r->trying_delay_ms, MS_DECIMALS);
    json_kv_double(j, "post_dial_delay_ms", r->post_dial_delay_ms, MS_DECIMALS);
    json_kv_double(j, "setup_ms", r->setup_ms, MS_DECIMALS);
    json_kv_double(j, "disconnect_delay_ms", r->disconnect_delay_ms, MS_DECIMALS);
    kv_natural(j, "auth_attempts", r->auth_attempts);
    kv_natural(j, "reinvites", r->reinvites);
    kv_natural(j, "updates", r->updates);
    kv_natural(j, "branches", r->branches);
    kv_natural(j, "holds", r->holds);
    json_kv_double(j, "held_ms", (double)r->held_us / 1000, MS_DECIMALS);
    kv_uint(j, "messages", r->messages);
    kv_uint(j, "messages_over_limit", r->messages_over_limit);
    kv_uint(j, "retransmissions", r->retransmissions);
}

static void call_quality(struct json *j, const struct call_record *r)
{
    json_key(j, "quality");
    json_object(j);
    json_kv_double(j, "mos_min", r->mos_min, SCORE_DECIMALS);
    json_kv_double(j, "mos_avg", r->mos_avg, SCORE_DECIMALS);
    json_kv_double(j, "r_min", r->r_min, SCORE_DECIMALS);
    json_kv_double(j, "r_fb_min", r->r_fb_min, SCORE_DECIMALS);
    json_kv_str(j, "band", record_quality_band(r->r_min, r->mos_scale));
    json_kv_double(j, "loss_ratio", r->loss_ratio, RATIO_DECIMALS);
    json_kv_double(j, "jitter_ms_max", r->jitter_ms_max, MS_DECIMALS);
    json_kv_double(j, "max_gap_ms", r->max_gap_ms, MS_DECIMALS);
    json_kv_bool(j, "one_way", r->one_way);
    json_kv_bool(j, "no_rtp", r->no_rtp);
    json_kv_double(j, "rtt_ms", r->rtt_ms, MS_DECIMALS);
    json_kv_str(j, "scale", r->mos_scale);
    json_kv_str(j, "basis", r->mos_basis);
    json_kv_str(j, "playout", r->mos_playout);
    json_end(j);
}

static void call_events(struct json *j, const struct call_record *r)
{
    json_key(j, "events");
    json_array(j);
    for (uint32_t i = 0; i < r->event_count; i++) {
        json_object(j);
        json_kv_time(j, "at", r->events[i].time_us);
        kv_known(j, "kind", r->events[i].kind);
        kv_known(j, "detail", r->events[i].detail);
        json_end(j);
    }
    json_end(j);
}

static void siprec_participant(struct json *j, const struct record_siprec_participant *p)
{
    json_object(j);
    kv_known(j, "id", p->id);
    kv_known(j, "aor", p->aor);
    kv_known(j, "name", p->name);
    kv_known(j, "joined_at", p->joined_at);
    kv_known(j, "left_at", p->left_at);
    json_end(j);
}

static void siprec_stream(struct json *j, const struct record_siprec *s, uint32_t n)
{
    int sender = s->streams[n].participant;
    bool known = sender >= 0 && (uint32_t)sender < s->participant_count;
    json_object(j);
    kv_known(j, "id", s->streams[n].id);
    kv_known(j, "label", s->streams[n].label);
    kv_known(j, "participant_id", known ? s->participants[sender].id : slice_none());
    json_end(j);
}

static void call_siprec(struct json *j, const struct record_siprec *s)
{
    if (!s->given)
        return;
    json_key(j, "siprec");
    json_object(j);
    kv_known(j, "session_id", s->session_id);
    kv_known(j, "sip_session_id", s->sip_session_id);
    kv_natural(j, "sessions", s->sessions);
    json_kv_bool(j, "complete", s->complete);
    json_kv_bool(j, "limited", s->limited);
    json_key(j, "participants");
    json_array(j);
    for (uint32_t i = 0; i < s->participant_count; i++)
        siprec_participant(j, &s->participants[i]);
    json_end(j);
    json_key(j, "streams");
    json_array(j);
    for (uint32_t i = 0; i < s->stream_count; i++)
        siprec_stream(j, s, i);
    json_end(j);
    json_end(j);
}

static void kv_link(struct json *j, const char *key, const char *uid, const char *tail)
{
    char url[128];

    char *end = stpcpy(stpcpy(url, "/api/v1/calls/"), uid);
    assert((size_t)(end - url) + strlen(tail) < sizeof url);
    memcpy(end, tail, strlen(tail) + 1);
    json_kv_str(j, key, url);
}

static void call_links(struct json *j, const struct call_record *r)
{
    json_key(j, "links");
    json_object(j);
    kv_link(j, "self", r->uid, "");
    kv_link(j, "messages", r->uid, "/messages");
    kv_link(j, "ladder", r->uid, "/ladder");
    kv_link(j, "legs", r->uid, "/legs");
    kv_link(j, "pcap", r->uid, "/pcap");
    kv_link(j, "recording", r->uid, "/recording");
    kv_link(j, "recordings", r->uid, "/recordings");
    json_end(j);
}

/* A header's kind is its name. */
static void call_keys(struct json *j, const struct call_record *r)
{
    json_key(j, "keys");
    json_array(j);
    for (uint32_t i = 0; i < r->key_count; i++) {
        const struct record_key *k = &r->keys[i];
        char name[64];
        json_object(j);
        slice_copy_to(k->name, name, sizeof name);
        for (char *c = name; *c; c++)
            *c = (char)tolower((unsigned char)*c);
        json_kv_str(j, "kind", name[0] ? name : k->kind);
        json_kv_text(j, "value", k->value);
        json_end(j);
    }
    json_end(j);
}

void record_json(struct json *j, const struct call_record *r, enum record_json_detail detail,
                 bool links)
{
    json_object(j);
    json_kv_str(j, "uid", r->uid);
    json_kv_str(j, "kind", r->kind);
    call_times(j, r);
    call_identity(j, r);
    record_json_identity(j, &r->identity);
    record_json_group(j, &r->related);
    call_figures(j, r);
    call_quality(j, r);
    json_kv_double(j, "bits_per_s", r->bits_per_s, 0);
    json_kv_double(j, "bits_per_s_peak", r->bits_per_s_peak, 0);
    record_json_diagnosis(j, &r->diagnosis);
    kv_known(j, "codec", r->codec);
    json_key(j, "streams");
    json_array(j);
    for (uint32_t i = 0; i < r->stream_count; i++)
        stream_json(j, r, &r->streams[i], links);
    json_end(j);
    if (detail == RECORD_JSON_FULL) {
        record_lines_json(j, r);
        record_json_announced(j, &r->diagnosis);
        record_path_json(j, r);
        call_siprec(j, &r->siprec);
        record_json_related(j, &r->related);
        call_keys(j, r);
        record_json_dtmf(j, r);
        record_json_tones(j, r);
        record_json_reports(j, &r->reports);
        record_json_isup(j, &r->isup);
        call_events(j, r);
    }
    json_kv_str(j, "source", record_is_imported(r) ? "import" : "capture");
    json_kv_str(j, "import_id", record_is_imported(r) ? r->import.id : NULL);
    json_key(j, "recording");
    record_json_recording(j, r, detail == RECORD_JSON_FULL, links);
    if (links) { /* only the store knows what is attached to a call */
        json_key(j, "tags");
        record_json_tags(j, r->tags);
        json_kv_int(j, "annotation_count", r->annotation_count);
        json_kv_bool(j, "has_transcript", r->has_transcript);
        call_links(j, r);
    }
    json_end(j);
}

void record_json_tags(struct json *j, const struct record_tags *tags)
{
    json_object(j);
    for (unsigned i = 0; tags && i < tags->count; i++)
        json_kv_text(j, tags->tag[i].key, slice_str(tags->tag[i].value));
    json_end(j);
}

static void column_u32(struct json *j, const char *key, const uint32_t *v, uint32_t count)
{
    json_key(j, key);
    json_array(j);
    for (uint32_t i = 0; v && i < count; i++)
        json_uint(j, v[i]);
    json_end(j);
}

static void column_float(struct json *j, const char *key, const float *v, uint32_t count,
                         int decimals)
{
    json_key(j, key);
    json_array(j);
    for (uint32_t i = 0; v && i < count; i++)
        json_double(j, (double)v[i], decimals);
    json_end(j);
}

static void column_known(struct json *j, const char *key, const uint32_t *v, uint32_t count)
{
    json_key(j, key);
    json_array(j);
    for (uint32_t i = 0; v && i < count; i++) {
        if (v[i] == SERIES_UNKNOWN)
            json_null(j);
        else
            json_uint(j, v[i]);
    }
    json_end(j);
}

void record_json_series(struct json *j, const struct record_stream *s)
{
    const struct record_series *t = &s->series;

    json_object(j);
    json_kv_time(j, "t0", t->start_us);
    kv_uint(j, "step_ms", t->step_ms);
    column_u32(j, "packets", t->packets, t->step_count);
    column_u32(j, "lost", t->lost, t->step_count);
    column_u32(j, "discarded", t->discarded, t->step_count);
    column_float(j, "jitter_ms", t->jitter_ms, t->step_count, MS_DECIMALS);
    column_float(j, "max_gap_ms", t->max_gap_ms, t->step_count, MS_DECIMALS);
    kv_uint(j, "window_ms", t->window_ms);
    column_float(j, "mos", t->mos, t->window_count, SCORE_DECIMALS);
    column_float(j, "r", t->r, t->window_count, SCORE_DECIMALS);
    column_float(j, "mos_f50", t->mos_f50, t->window_count, SCORE_DECIMALS);
    column_float(j, "mos_f200", t->mos_f200, t->window_count, SCORE_DECIMALS);
    column_float(j, "ppl", t->ppl, t->window_count, SCORE_DECIMALS);
    column_float(j, "burst_r", t->burst_r, t->window_count, SCORE_DECIMALS);
    column_float(j, "pdv_p95_ms", t->pdv_p95_ms, t->window_count, 1);
    column_known(j, "lost_before_tap", t->lost_before, t->window_count);
    column_known(j, "lost_after_tap", t->lost_after, t->window_count);
    column_known(j, "lost_capture", t->lost_capture, t->window_count);
    json_kv_str(j, "scale", s->quality.scale);
    json_end(j);
}

/* What stands in a finished file; null ahead of that. */
static void recording_file(struct json *j, const struct call_record *r, bool ready)
{
    const struct record_recording *g = &r->recording;
    char hex[65];

    kv_known(j, "format", g->format);
    if (ready && g->files.count)
        json_kv_str(j, "codec", record_file_codec(&g->files.items[0]));
    record_json_channels(j, r, g->files.count && g->files.items[0].side ? 2 : g->channels);
    kv_positive(j, "sample_rate_hz", g->sample_rate_hz);
    json_kv_time(j, "started_at", g->started_us);
    if (ready) {
        kv_natural(j, "duration_ms", g->duration_ms);
        kv_natural(j, "size_bytes", g->size_bytes);
        json_kv_str(j, "sha256", crypto_hex(slice_of(g->sha256, sizeof g->sha256), hex));
    } else {
        json_kv_null(j, "duration_ms");
        json_kv_null(j, "size_bytes");
        json_kv_null(j, "sha256");
    }
}

static void long_gaps(struct json *j, const struct record_recording *g)
{
    json_key(j, "long_gaps");
    json_array(j);
    for (uint32_t i = 0; i < g->gap_count; i++) {
        json_object(j);
        json_kv_int(j, "at_ms", g->gaps[i].at_ms);
        json_kv_int(j, "length_ms", g->gaps[i].length_ms);
        json_kv_int(j, "cut_ms", g->gaps[i].cut_ms);
        json_end(j);
    }
    json_end(j);
}

/* What decided, where it was not simply the default. */
static void recording_rule(struct json *j, const struct record_recording *g)
{
    kv_known(j, "rule", g->rule);
    json_kv_str(j, "action", g->action);
    if (g->reason)
        json_kv_str(j, "reason", g->reason);
    if (g->mask)
        json_kv_str(j, "mask", g->mask);
    if (g->retain_days)
        json_kv_int(j, "retain_days", g->retain_days);
    if (g->tags.size)
        json_kv_text(j, "tags", g->tags);
    if (g->requested_us)
        json_kv_time(j, "requested_at", g->requested_us);
}

static void film_json(struct json *j, const struct call_record *r, const struct record_film *f, bool links)
{
    char hex[65], id[RECORD_FILE_ID_SIZE], url[RECORD_FILE_ID_SIZE + 40];
    record_film_id(r, f, id);
    snprintf(url, sizeof url, "/api/v1/recordings/%s/video", id);
    json_object(j);
    json_kv_str(j, "id", id);
    kv_uint(j, "number", f->number);
    json_kv_str(j, "party", f->side);
    json_kv_str(j, "format", "mkv");
    kv_known(j, "codec", f->codec);
    kv_positive(j, "width", f->width);
    kv_positive(j, "height", f->height);
    kv_uint(j, "frames", f->frames);
    kv_uint(j, "dropped", f->dropped);
    json_kv_time(j, "started_at", f->started_us);
    json_kv_int(j, "duration_ms", f->duration_ms);
    json_kv_int(j, "size_bytes", f->size_bytes);
    json_kv_str(j, "sha256", crypto_hex(slice_of(f->sha256, sizeof f->sha256), hex));
    if (links)
        json_kv_str(j, "url", url);
    json_end(j);
}

static void films_json(struct json *j, const struct call_record *r, bool links)
{
    const struct record_recording *g = &r->recording;
    if (g->film_count == 0)
        return;
    json_key(j, "films");
    json_array(j);
    for (uint32_t i = 0; i < g->film_count; i++)
        film_json(j, r, &g->films[i], links);
    json_end(j);
}

static void fax_page_json(struct json *j, const struct record_fax_page *g)
{
    json_object(j);
    kv_uint(j, "number", g->number);
    kv_positive(j, "picture", g->picture);
    json_kv_str(j, "party", g->side);
    json_kv_time(j, "started_at", g->started_us);
    json_kv_int(j, "duration_ms", g->duration_ms);
    json_kv_str(j, "coding", g->coding);
    json_kv_bool(j, "error_correction", g->ecm);
    kv_positive(j, "width", g->width);
    kv_uint(j, "rows", g->rows);
    kv_positive(j, "x_dpi", g->x_dpi);
    kv_positive(j, "y_dpi", g->y_dpi);
    json_kv_bool(j, "whole", g->whole);
    kv_uint(j, "missing", g->missing);
    kv_uint(j, "bad_rows", g->bad_rows);
    json_kv_str(j, "answer", g->answer);
    json_end(j);
}

static void fax_file_json(struct json *j, const struct call_record *r, const struct record_fax *f, bool links)
{
    char hex[65], id[RECORD_FILE_ID_SIZE], url[RECORD_FILE_ID_SIZE + 40];
    record_fax_id(r, id, sizeof id);
    snprintf(url, sizeof url, "/api/v1/recordings/%s/fax", id);
    json_kv_str(j, "id", id);
    json_kv_str(j, "format", "tiff");
    json_kv_int(j, "size_bytes", f->size_bytes);
    json_kv_str(j, "sha256", crypto_hex(slice_of(f->sha256, sizeof f->sha256), hex));
    if (links)
        json_kv_str(j, "url", url);
}

static void fax_json(struct json *j, const struct call_record *r, bool links)
{
    const struct record_fax *f = &r->recording.fax;
    if (f->page_count == 0)
        return;
    json_key(j, "fax");
    json_object(j);
    if (f->path.size)
        fax_file_json(j, r, f, links);
    kv_uint(j, "packets", f->packets);
    kv_uint(j, "packets_repaired", f->repaired);
    kv_uint(j, "packets_lost", f->lost);
    kv_uint(j, "pages_over_limit", f->over_limit);
    json_key(j, "pages");
    json_array(j);
    for (uint32_t i = 0; i < f->page_count; i++)
        fax_page_json(j, &f->pages[i]);
    json_end(j);
    json_end(j);
}

void record_json_recording(struct json *j, const struct call_record *r, bool full, bool links)
{
    const struct record_recording *g = &r->recording;
    bool sound = g->path.size || g->files.count; /* else films alone */
    bool ready = sound && g->state && (strcmp(g->state, "ready") == 0 || strcmp(g->state, "damaged") == 0);
    char url[96];

    if (g->id[0] == '\0' && g->result == NULL && g->state == NULL) {
        json_null(j);
        return;
    }
    json_object(j);
    json_kv_str(j, "id", g->id[0] ? g->id : NULL);
    json_kv_str(j, "call_uid", r->uid);
    json_kv_str(j, "result", g->result);
    json_kv_str(j, "state", g->state);
    recording_rule(j, g);
    if (g->deleted_us) {
        json_kv_time(j, "deleted_at", g->deleted_us);
        json_kv_str(j, "deleted_why", g->deleted_why);
    }
    recording_file(j, r, ready);
    kv_known(j, "undecodable", g->undecodable);
    if (g->packing.size)
        kv_known(j, "packing", g->packing);
    if (g->repaired)
        kv_uint(j, "repaired_frames", g->repaired);
    if (g->damaged_pieces)
        kv_uint(j, "damaged_pieces", g->damaged_pieces);
    json_kv_bool(j, "one_way", g->one_way);
    json_kv_bool(j, "partial", g->partial);
    json_kv_bool(j, "truncated", g->truncated);
    json_kv_bool(j, "recovered", g->recovered);
    if (links) {
        snprintf(url, sizeof url, "/api/v1/recordings/%s/audio", g->id);
        json_kv_str(j, "url", ready && g->id[0] ? url : NULL);
        json_kv_str(j, "storage", ready ? "local" : NULL);
    }
    if (full && ready) {
        record_json_parts(j, r, links);
        long_gaps(j, g);
        json_key(j, "sound");
        record_sound_json(j, &g->sound, links);
    }
    if (full && (g->state == NULL || strcmp(g->state, "deleted") != 0)) {
        films_json(j, r, links);
        fax_json(j, r, links);
    }
    json_end(j);
}

void record_json_message(struct json *j, const struct record_message *m, bool raw)
{
    json_object(j);
    kv_uint(j, "n", m->n);
    json_kv_time(j, "at", m->time_us);
    kv_endpoint(j, "src", &m->src);
    kv_endpoint(j, "dst", &m->dst);
    json_kv_str(j, "direction", m->party);
    json_kv_str(j, "transport", m->transport);
    kv_positive(j, "vlan", m->vlan_outer);
    kv_positive(j, "vlan_inner", m->vlan_inner);
    kv_known(j, "method", m->method);
    kv_positive(j, "status", m->status);
    kv_known(j, "reason_phrase", m->reason_phrase);
    kv_uint(j, "cseq", m->cseq);
    json_kv_bool(j, "retransmission", m->retransmission);
    json_kv_bool(j, "has_sdp", m->has_sdp);
    kv_uint(j, "size_bytes", m->raw.size);
    if (raw)
        json_kv_text(j, "raw", m->raw);
    json_end(j);
}
