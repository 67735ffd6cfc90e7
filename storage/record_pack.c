/* One visit per struct (pack.h). New fields go to the end of their function, never between. */
#include "storage/record_pack.h"

static void party_pack(struct pack *p, struct record_party *v)
{
    pack_text(p, &v->display);
    pack_text(p, &v->user);
    pack_text(p, &v->host);
    pack_text(p, &v->uri);
    pack_text(p, &v->tag);
}

static void call_identity_pack(struct pack *p, struct call_record *r)
{
    pack_word(p, &r->kind);
    pack_word(p, &r->state);
    pack_word(p, &r->outcome);
    pack_word(p, &r->end_reason);
    pack_word(p, &r->released_by);
    pack_word(p, &r->direction);
    pack_bool(p, &r->partial);
    pack_bool(p, &r->capture_suspect);
    pack_text(p, &r->probe);
    pack_text(p, &r->call_id);
    party_pack(p, &r->from);
    party_pack(p, &r->to);
    pack_text(p, &r->request_uri);
    pack_text(p, &r->user_agent);
    pack_text(p, &r->server);
    pack_text(p, &r->asserted_identity);
    pack_endpoint(p, &r->src);
    pack_endpoint(p, &r->dst);
    pack_u16(p, &r->vlan);
    pack_int(p, &r->sip_code);
    pack_text(p, &r->reason_phrase);
    pack_int(p, &r->q850_cause);
}

static void call_counts_pack(struct pack *p, struct call_record *r)
{
    pack_int(p, &r->auth_attempts);
    pack_int(p, &r->reinvites);
    pack_int(p, &r->updates);
    pack_int(p, &r->branches);
    pack_int(p, &r->holds);
    pack_i64(p, &r->held_us);
    pack_u32(p, &r->messages);
    pack_u32(p, &r->messages_over_limit);
    pack_u32(p, &r->retransmissions);
}

static void call_times_pack(struct pack *p, struct call_record *r)
{
    pack_i64(p, &r->started_us);
    pack_i64(p, &r->ringing_us);
    pack_i64(p, &r->answered_us);
    pack_i64(p, &r->ended_us);
    pack_i64(p, &r->progress_us);
    pack_i64(p, &r->acked_us);
    pack_i64(p, &r->bye_us);
    pack_i64(p, &r->cancelled_us);
    pack_i64(p, &r->early_media_us);
    pack_i64(p, &r->duration_ms);
    pack_i64(p, &r->ring_ms);
    pack_double(p, &r->post_dial_delay_ms);
    pack_double(p, &r->setup_ms);
    pack_double(p, &r->disconnect_delay_ms);
}

static void call_quality_pack(struct pack *p, struct call_record *r)
{
    pack_double(p, &r->mos_min);
    pack_double(p, &r->mos_avg);
    pack_double(p, &r->r_min);
    pack_double(p, &r->r_fb_min);
    pack_word(p, &r->mos_scale);
    pack_word(p, &r->mos_basis);
    pack_word(p, &r->mos_playout);
    pack_double(p, &r->loss_ratio);
    pack_double(p, &r->jitter_ms_max);
    pack_double(p, &r->max_gap_ms);
    pack_double(p, &r->rtt_ms);
    pack_bool(p, &r->one_way);
    pack_bool(p, &r->no_rtp);
    pack_text(p, &r->codec);
}

static void tls_pack(struct pack *p, struct record_tls *t)
{
    pack_int(p, &t->version);
    pack_int(p, &t->suite);
    pack_bool(p, &t->wrong_key);
    pack_text(p, &t->server_name);
    pack_text(p, &t->certificate_name);
    pack_i64(p, &t->client_bytes);
    pack_i64(p, &t->server_bytes);
}

static void call_wire_pack(struct pack *p, struct call_record *r)
{
    pack_word(p, &r->transport);
    pack_word(p, &r->wrapping);
    pack_u32(p, &r->wrap_id);
    pack_endpoint(p, &r->wrap_src);
    pack_endpoint(p, &r->wrap_dst);
    tls_pack(p, &r->tls);
    pack_u8(p, &r->nat);
    pack_double(p, &r->trying_delay_ms);
    pack_bool(p, &r->limited);
}

/* An array of `*count` zeroed things when reading; the present one when writing. */
static void *array_begin(struct pack *p, void *present, uint32_t *count, size_t item_bytes)
{
    pack_count(p, count);
    if (p->out || p->failed || *count == 0)
        return p->failed ? NULL : present;
    void *items = arena_alloc(p->arena, *count * item_bytes);
    p->failed |= items == NULL;
    return items;
}

static void hop_pack(struct pack *p, struct record_hop *h)
{
    pack_u32(p, &h->from);
    pack_endpoint(p, &h->src);
    pack_endpoint(p, &h->dst);
    pack_word(p, &h->transport);
    pack_u16(p, &h->vlan);
    pack_u32(p, &h->cseq);
    pack_text(p, &h->request_uri);
    pack_i64(p, &h->invite_us);
    pack_i64(p, &h->response_us);
    pack_i64(p, &h->final_us);
    pack_i64(p, &h->cancelled_us);
    pack_int(p, &h->code);
}

static void leg_pack(struct pack *p, struct record_leg *g)
{
    pack_u32(p, &g->hop);
    pack_text(p, &g->tag);
    pack_text(p, &g->target);
    pack_text(p, &g->reason_phrase);
    pack_i64(p, &g->progress_us);
    pack_i64(p, &g->ringing_us);
    pack_i64(p, &g->answered_us);
    pack_i64(p, &g->ended_us);
    pack_int(p, &g->code);
    pack_word(p, &g->end);
    pack_u32(p, &g->repeats);
    pack_bool(p, &g->winner);
    pack_bool(p, &g->acked);
}

/* Elements of lists cannot grow: what lies behind them has no mark of its own. */
static void lists_pack(struct pack *p, struct record_path *v)
{
    v->hops = array_begin(p, v->hops, &v->hop_count, sizeof *v->hops);
    for (uint32_t i = 0; i < v->hop_count && !p->failed; i++)
        hop_pack(p, &v->hops[i]);
    v->legs = array_begin(p, v->legs, &v->leg_count, sizeof *v->legs);
    for (uint32_t i = 0; i < v->leg_count && !p->failed; i++)
        leg_pack(p, &v->legs[i]);
    v->attempts = array_begin(p, v->attempts, &v->attempt_count, sizeof *v->attempts);
    for (uint32_t i = 0; i < v->attempt_count && !p->failed; i++) {
        pack_u32(p, &v->attempts[i].hop);
        pack_i64(p, &v->attempts[i].ended_us);
        pack_word(p, &v->attempts[i].reason);
    }
    if (p->failed)
        v->hop_count = v->leg_count = v->attempt_count = 0;
}

static void path_pack(struct pack *p, struct record_path *v)
{
    lists_pack(p, v);
    pack_u32(p, &v->hops_over_limit);
    pack_int(p, &v->route_advances);
    pack_text(p, &v->q850_text);
    pack_int(p, &v->sip_cause);
    pack_text(p, &v->sip_cause_text);
    pack_bool(p, &v->ack_missing);
    pack_u32(p, &v->session_expires_s);
    pack_word(p, &v->session_refresher);
    pack_bool(p, &v->session_expired);
    pack_i64(p, &v->spoofed_bye_us);
    pack_endpoint(p, &v->spoofed_bye_src);
}

static void call_kpi_pack(struct pack *p, struct call_record *r)
{
    pack_i64(p, &r->processed_us);
    pack_bool(p, &r->final);
}

static void siprec_participant_pack(struct pack *p, struct record_siprec_participant *v)
{
    pack_text(p, &v->id);
    pack_text(p, &v->aor);
    pack_text(p, &v->name);
    pack_text(p, &v->joined_at);
    pack_text(p, &v->left_at);
}

static void siprec_pack(struct pack *p, struct record_siprec *v)
{
    pack_bool(p, &v->given);
    if (!v->given)
        return;
    pack_bool(p, &v->complete);
    pack_bool(p, &v->limited);
    pack_int(p, &v->sessions);
    pack_text(p, &v->session_id);
    pack_text(p, &v->sip_session_id);
    v->participants =
        array_begin(p, v->participants, &v->participant_count, sizeof *v->participants);
    for (uint32_t i = 0; i < v->participant_count && !p->failed; i++)
        siprec_participant_pack(p, &v->participants[i]);
    v->streams = array_begin(p, v->streams, &v->stream_count, sizeof *v->streams);
    for (uint32_t i = 0; i < v->stream_count && !p->failed; i++) {
        pack_text(p, &v->streams[i].id);
        pack_text(p, &v->streams[i].label);
        pack_int(p, &v->streams[i].participant);
    }
    if (p->failed)
        v->participant_count = v->stream_count = 0;
}

static void call_place_pack(struct pack *p, struct call_record *r)
{
    pack_text(p, &r->tenant);
    pack_text(p, &r->trunk);
    pack_text(p, &r->site);
    pack_text(p, &r->from_site);
    pack_text(p, &r->to_site);
}

static void line_pack(struct pack *p, struct record_line *v)
{
    pack_u32(p, &v->index);
    pack_text(p, &v->type);
    pack_text(p, &v->proto);
    pack_word(p, &v->state);
    pack_word(p, &v->direction);
    pack_word(p, &v->offered_by);
    pack_text(p, &v->offered);
    pack_text(p, &v->agreed);
    pack_text(p, &v->label);
    pack_u32(p, &v->ptime_ms);
    pack_i64(p, &v->added_us);
    pack_i64(p, &v->removed_us);
}

static void lines_of_sdp_pack(struct pack *p, struct call_record *r)
{
    r->lines = array_begin(p, r->lines, &r->line_count, sizeof *r->lines);
    for (uint32_t i = 0; i < r->line_count && !p->failed; i++)
        line_pack(p, &r->lines[i]);
    if (p->failed)
        r->line_count = 0;
}

static void keys_pack(struct pack *p, struct call_record *r)
{
    pack_u8(p, &r->call_id_chars);
    r->keys = array_begin(p, r->keys, &r->key_count, sizeof *r->keys);
    for (uint32_t i = 0; i < r->key_count && !p->failed; i++) {
        pack_word(p, &r->keys[i].kind);
        pack_text(p, &r->keys[i].name);
        pack_text(p, &r->keys[i].value);
    }
    if (p->failed)
        r->key_count = 0;
}

/* A byte where there is nothing to say. */
static void import_pack(struct pack *p, struct record_import *i)
{
    struct slice id = slice_str(i->id);
    pack_text(p, &id);
    if (p->out == NULL)
        slice_copy_to(id, i->id, sizeof i->id);
    if (id.size)
        pack_i64(p, &i->at_us);
}

void record_pack_call(struct pack *p, struct call_record *r)
{
    call_identity_pack(p, r);
    call_counts_pack(p, r);
    call_times_pack(p, r);
    call_quality_pack(p, r);
    call_wire_pack(p, r);
    path_pack(p, &r->path);
    call_kpi_pack(p, r);
    record_pack_identity(p, &r->identity);
    siprec_pack(p, &r->siprec);
    call_place_pack(p, r);
    lines_of_sdp_pack(p, r);
    record_pack_related(p, &r->related);
    keys_pack(p, r);
    record_pack_dtmf(p, &r->dtmf);
    record_pack_reports(p, &r->reports);
    pack_double(p, &r->bits_per_s);
    pack_double(p, &r->bits_per_s_peak);
    record_pack_isup(p, &r->isup);
    record_pack_diagnosis(p, &r->diagnosis);
    record_pack_dtmf_wire(p, &r->dtmf);
    record_pack_diagnosis_time(p, &r->diagnosis);
    record_pack_unreachable(p, &r->diagnosis);
    pack_u8(p, &r->keys_told);
    import_pack(p, &r->import); /* what comes later goes behind this */
}

static void stream_identity_pack(struct pack *p, struct record_stream *s)
{
    pack_u32(p, &s->sid);
    pack_word(p, &s->party);
    pack_word(p, &s->media_type);
    pack_u32(p, &s->ssrc);
    pack_endpoint(p, &s->src);
    pack_endpoint(p, &s->dst);
    pack_u16(p, &s->vlan);
    pack_text(p, &s->codec);
    pack_u32(p, &s->clock_hz);
    pack_u8(p, &s->payload_type);
    pack_text(p, &s->negotiated);
    pack_double(p, &s->ptime_ms);
    pack_u8(p, &s->dscp);
    pack_u8(p, &s->dscp_changes);
    pack_i64(p, &s->first_us);
    pack_i64(p, &s->last_us);
    pack_bool(p, &s->srtp);
    pack_bool(p, &s->early);
    pack_bool(p, &s->announced);
    pack_bool(p, &s->orphan);
    pack_word(p, &s->confidence);
    pack_u32(p, &s->flow_chain);
}

static void stream_counts_pack(struct pack *p, struct record_stream *s)
{
    pack_u64(p, &s->packets);
    pack_u64(p, &s->expected);
    pack_u64(p, &s->lost);
    pack_u64(p, &s->media_expected);
    pack_u64(p, &s->media_lost);
    pack_u64(p, &s->discarded);
    pack_u64(p, &s->duplicates);
    pack_u64(p, &s->reordered);
    pack_u32(p, &s->restarts);
    pack_u32(p, &s->conflicts);
    pack_u32(p, &s->payload_changes);
    pack_u32(p, &s->timestamp_jumps);
    pack_u64(p, &s->event_packets);
    pack_u64(p, &s->noise_packets);
    pack_u64(p, &s->bytes);
    pack_u64(p, &s->runs);
    pack_u32(p, &s->longest_run);
    pack_u64(p, &s->capture_refused);
    pack_double(p, &s->jitter_ms_last);
    pack_double(p, &s->jitter_ms_mean);
    pack_double(p, &s->jitter_ms_max);
    pack_double(p, &s->jitter_ms_p95);
    pack_double(p, &s->max_gap_ms);
    pack_i64(p, &s->rfc_expected);
    pack_i64(p, &s->rfc_lost);
    pack_i64(p, &s->rfc_jitter_ticks);
}

static void quality_pack(struct pack *p, struct record_quality *q)
{
    pack_double(p, &q->r);
    pack_double(p, &q->mos_lq);
    pack_double(p, &q->mos_cq);
    pack_double(p, &q->r_fb);
    pack_double(p, &q->ppl);
    pack_double(p, &q->burst_r);
    pack_word(p, &q->scale);
    pack_word(p, &q->basis);
    pack_word(p, &q->playout);
    pack_word(p, &q->delay_basis);
    pack_word(p, &q->loss_basis);
}

static void rtcp_pack(struct pack *p, struct record_rtcp *c)
{
    pack_u32(p, &c->sender_reports);
    pack_u32(p, &c->receiver_reports);
    pack_double(p, &c->rtt_ms);
    pack_double(p, &c->loss_ratio);
    pack_i64(p, &c->cumulative_lost);
    pack_bool(p, &c->has_cumulative_lost);
    pack_double(p, &c->jitter_ms);
    pack_text(p, &c->cname);
}

static void stream_marks_pack(struct pack *p, struct record_stream *s)
{
    pack_text(p, &s->fmtp);
    pack_bool(p, &s->has_marks);
    pack_u8(p, &s->dscp_first);
    pack_u8(p, &s->dscp_least);
    pack_u8(p, &s->dscp_most);
    pack_u8(p, &s->ttl_least);
    pack_u8(p, &s->ttl_most);
}

static void video_pack(struct pack *p, struct record_video *v)
{
    pack_bool(p, &v->given);
    if (!v->given)
        return;
    pack_u16(p, &v->width);
    pack_u16(p, &v->height);
    pack_u32(p, &v->size_changes);
    pack_u64(p, &v->frames);
    pack_i64(p, &v->key_frames);
    pack_double(p, &v->fps);
    pack_double(p, &v->bitrate_kbps);
    pack_u64(p, &v->freezes);
    pack_double(p, &v->frozen_ms);
    pack_double(p, &v->longest_freeze_ms);
}

void record_pack_stream(struct pack *p, struct record_stream *s)
{
    stream_identity_pack(p, s);
    stream_counts_pack(p, s);
    quality_pack(p, &s->quality);
    rtcp_pack(p, &s->rtcp);
    record_pack_rtcp(p, s);
    stream_marks_pack(p, s);
    record_pack_playout(p, &s->playout);
    pack_double(p, &s->quality.delay_ms);
    pack_u8(p, &s->priority_least);
    pack_u8(p, &s->priority_most);
    record_pack_rtcp_said(p, &s->rtcp);
    pack_double(p, &s->quality.ie);
    pack_double(p, &s->quality.bpl);
    pack_double(p, &s->min_gap_ms);
    pack_u64(p, &s->marker_packets);
    pack_u64(p, &s->padded_packets);
    pack_u64(p, &s->extended_packets);
    pack_u64(p, &s->mixed_packets);
    pack_u8(p, &s->sources_most);
    pack_word(p, &s->redundancy);
    video_pack(p, &s->video); /* what comes later goes behind this */
}

static void chain_pack(struct pack *p, struct record_chain *c)
{
    pack_u32(p, &c->tail.segment);
    pack_u64(p, &c->tail.offset);
    pack_endpoint(p, &c->src);
    pack_endpoint(p, &c->dst);
    pack_word(p, &c->party);
    pack_bool(p, &c->rtcp);
    pack_u64(p, &c->packets);
}

void record_pack_chains(struct pack *p, struct record_chain **chains, uint32_t *count)
{
    *chains = array_begin(p, *chains, count, sizeof **chains);
    for (uint32_t i = 0; i < *count && !p->failed; i++)
        chain_pack(p, &(*chains)[i]);
    if (p->failed)
        *count = 0;
}

void record_pack_events(struct pack *p, struct record_event **events, uint32_t *count)
{
    *events = array_begin(p, *events, count, sizeof **events);
    for (uint32_t i = 0; i < *count && !p->failed; i++) {
        struct record_event *e = &(*events)[i];
        pack_i64(p, &e->time_us);
        pack_text(p, &e->kind);
        pack_text(p, &e->detail);
    }
    if (p->failed)
        *count = 0;
}

/* Elements of lists cannot grow. */
static void file_pack(struct pack *p, void *item)
{
    struct record_file *f = item;
    struct slice uid = slice_str(f->uid);
    pack_word(p, &f->kind);
    pack_word(p, &f->result);
    pack_u32(p, &f->number);
    pack_text(p, &f->path);
    pack_text(p, &f->user);
    pack_text(p, &f->uri);
    pack_text(p, &uid);
    if (p->out == NULL)
        slice_copy_to(uid, f->uid, sizeof f->uid);
    pack_int(p, &f->sample_rate_hz);
    pack_int(p, &f->channels);
    pack_i64(p, &f->started_us);
    pack_i64(p, &f->first_sample);
    pack_i64(p, &f->samples);
    pack_i64(p, &f->size_bytes);
    pack_bytes(p, f->sha256, sizeof f->sha256);
}

void record_pack_files(struct pack *p, struct record_files *files)
{
    files->items = pack_items(p, files->items, &files->count, sizeof *files->items, file_pack);
}

void record_pack_file_notes(struct pack *p, struct record_files *files)
{
    for (uint32_t i = 0; i < files->count; i++) {
        pack_word(p, &files->items[i].codec);
        pack_word(p, &files->items[i].side);
    }
}

static void gap_pack(struct pack *p, void *item)
{
    struct record_gap *g = item;
    pack_i64(p, &g->at_ms);
    pack_i64(p, &g->length_ms);
    pack_i64(p, &g->cut_ms);
}

static void film_pack(struct pack *p, void *item)
{
    struct record_film *f = item;
    pack_u32(p, &f->number);
    pack_word(p, &f->side);
    pack_text(p, &f->codec);
    pack_u16(p, &f->width);
    pack_u16(p, &f->height);
    pack_u64(p, &f->frames);
    pack_u64(p, &f->dropped);
    pack_i64(p, &f->started_us);
    pack_i64(p, &f->duration_ms);
    pack_text(p, &f->path);
    pack_i64(p, &f->size_bytes);
    pack_bytes(p, f->sha256, sizeof f->sha256);
}

void record_pack_films(struct pack *p, struct record_recording *g)
{
    g->films = pack_items(p, g->films, &g->film_count, sizeof *g->films, film_pack);
}

void record_pack_recording(struct pack *p, struct record_recording *g)
{
    struct slice id = slice_str(g->id);
    pack_text(p, &id);
    if (p->out == NULL)
        slice_copy_to(id, g->id, sizeof g->id);
    pack_word(p, &g->result);
    pack_word(p, &g->state);
    pack_text(p, &g->format);
    pack_text(p, &g->path);
    pack_text(p, &g->undecodable);
    pack_int(p, &g->sample_rate_hz);
    pack_int(p, &g->channels);
    pack_i64(p, &g->started_us);
    pack_i64(p, &g->duration_ms);
    pack_i64(p, &g->size_bytes);
    pack_bytes(p, g->sha256, sizeof g->sha256);
    pack_bool(p, &g->one_way);
    pack_bool(p, &g->partial);
    pack_bool(p, &g->truncated);
    pack_bool(p, &g->recovered);
    record_pack_files(p, &g->files);
    record_pack_sound(p, &g->sound);
    record_pack_dtmf(p, &g->inband);
    record_pack_dtmf_wire(p, &g->inband);
    record_pack_tones(p, &g->sound);
    pack_u64(p, &g->repaired);
    g->gaps = pack_items(p, g->gaps, &g->gap_count, sizeof *g->gaps, gap_pack);
    record_pack_stretches(p, &g->sound);
    pack_text(p, &g->rule);
    pack_word(p, &g->action);
    pack_word(p, &g->mask);
    pack_u32(p, &g->retain_days);
    pack_text(p, &g->tags);
    pack_i64(p, &g->split_ms);
    pack_i64(p, &g->requested_us);
    pack_word(p, &g->reason);
    pack_i64(p, &g->look_back_ms);
    pack_i64(p, &g->from_us);
    pack_u32(p, &g->damaged_pieces);
    pack_i64(p, &g->deleted_us);
    pack_word(p, &g->deleted_why);
    record_pack_file_notes(p, &g->files);
    record_pack_films(p, g);
    record_pack_speech(p, &g->sound);
    pack_text(p, &g->packing);
    record_pack_fax(p, &g->fax); /* what comes later goes behind this */
}

void record_pack_message(struct pack *p, struct record_message *m, int format)
{
    pack_u32(p, &m->n);
    pack_i64(p, &m->time_us);
    pack_endpoint(p, &m->src);
    pack_endpoint(p, &m->dst);
    pack_word(p, &m->transport);
    pack_text(p, &m->method);
    pack_u16(p, &m->status);
    pack_text(p, &m->reason_phrase);
    pack_u32(p, &m->cseq);
    pack_bool(p, &m->retransmission);
    pack_bool(p, &m->has_sdp);
    pack_text(p, &m->raw);
    if (format < 2)
        return;
    pack_word(p, &m->party);
    pack_u16(p, &m->vlan_outer);
    pack_u16(p, &m->vlan_inner);
}
