/* What was measured of a call's streams: counts and scores (over time: summarise_series.c); and what that makes of the call as
 * a whole, which is judged by its worse direction. */
#include "app/summarise_streams.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/stream_score.h"
#include "app/summarise.h"
#include "app/summarise_delay.h"
#include "app/summarise_playout.h"
#include "app/summarise_rtcp.h"
#include "app/summarise_series.h"
#include "app/suspect.h"
#include "base/burst_ratio.h"
#include "capture/sip/sdp.h"
#include "capture/video/meter.h"

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

/* Of what is not suspect: our own faults give no score. */
static void fill_quality(const struct wstream *s, const struct rtp_stats *t, bool suspect,
                         struct record_quality *out)
{
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

static void fill_video(const struct wstream *s, struct record_video *out)
{
    struct video_stats v;
    if (s->video == NULL)
        return;
    video_meter_stats(s->video, &v);
    *out = (struct record_video){.given = true,
                                 .width = v.width,
                                 .height = v.height,
                                 .size_changes = v.size_changes,
                                 .frames = v.pictures,
                                 .key_frames = v.key_pictures,
                                 .fps = v.per_second,
                                 .bitrate_kbps = v.kbit_per_s,
                                 .freezes = v.freezes,
                                 .frozen_ms = v.frozen_ms,
                                 .longest_freeze_ms = v.longest_freeze_ms};
}

static void fill_stream(struct arena *a, const struct stream_stats *m, bool suspect,
                        struct record_stream *out)
{
    const struct wstream *s = m->stream;
    const struct rtp_stats *t = &m->all;
    const struct wflow *f = s->flow;
    record_stream_init(out);
    fill_counts(t, out);
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
    out->clock_hz = s->codec.clock_hz ? s->codec.clock_hz : (uint32_t)t->clock_hz;
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
    out->orphan = call_kind_is_orphan(f->call->brief->kind);
    out->confidence = confidence_text(f->confidence);
    fill_quality(s, &m->network, suspect, &out->quality);
    fill_video(s, &out->video);
    summarise_playout(a, s, &out->playout);
    summarise_rtcp(a, m, out);
    summarise_series(a, s, t->first_ns, &out->series);
}

bool summarise_streams(struct call_record *r, const struct wcall *wc)
{
    bool suspect = r->capture_suspect;
    struct stream_stats *stats = calloc(wc->stream_count + 1, sizeof *stats);
    r->streams = arena_alloc(r->arena, (wc->stream_count + 1) * sizeof *r->streams);
    bool room = r->streams && stats;
    for (const struct wstream *s = wc->streams; s && room; s = s->next) {
        struct stream_stats *m = &stats[r->stream_count];
        stream_stats(s, m);
        if (m->all.received == 0)
            continue;
        bool own = s->rtcp && s->rtcp->suspect.count;
        fill_stream(r->arena, m, suspect || own, &r->streams[r->stream_count++]);
        r->capture_suspect |= own;
    }
    summarise_round_trips(r, wc);
    summarise_delay(r, wc, stats);
    free(stats);
    return room;
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

void summarise_over_streams(struct call_record *r)
{
    fill_call_quality(r);
    fill_codec(r);
}
