/* Packets of a worker: RTP into the statistics of its stream and into the spool, RTCP (worker_rtcp.c) beside it. The per-packet path: one array
 * access to the flow, the stream and codec of the packet before as first guess, no allocation but for a new stream. */
#include "app/worker_internal.h"

#include <stdlib.h>

#include "app/flow_codecs.h"
#include "app/stream_score.h"
#include "app/summarise_series.h"
#include "app/worker_keys.h"
#include "app/worker_live.h"
#include "app/worker_pause.h"
#include "capture/net/datagram.h"
#include "capture/rtp/red.h"
#include "capture/video/meter.h"

#define STRAY_PACKETS 50 /* of a stream that gives way when a call has its fill */
#define STRAY_NS      INT64_C(1000000000)

/* ---- RTP ---- */

static const struct rtp_codec unknown_codec = {.kind = CODEC_UNKNOWN, .counter = LABEL_COUNT_CODEC - 1};

static const struct rtp_codec *codec_of(struct wflow *f, uint8_t payload_type)
{
    if (f->recent_codec && f->recent_type == payload_type)
        return f->recent_codec;
    for (unsigned i = 0; i < f->codec_count; i++) {
        if (f->codecs[i].payload_type == payload_type) {
            f->recent_type = payload_type;
            f->recent_codec = &f->codecs[i];
            return f->recent_codec;
        }
    }
    return &unknown_codec;
}

/* A payload type that no SDP named: the static table may know it; then it joins the flow's codecs. */
static const struct rtp_codec *codec_learn(struct wflow *f, uint8_t payload_type)
{
    struct rtp_codec fixed;
    const struct rtp_codec *known = codec_of(f, payload_type);
    if (known != &unknown_codec || f->codec_count >= FLOW_CODECS_MAX)
        return known;
    if (!rtp_codec_static(payload_type, &fixed)) {
        memset(&fixed, 0, sizeof fixed);
        fixed.payload_type = payload_type;
        fixed.kind = CODEC_UNKNOWN;
        fixed.counter = LABEL_COUNT_CODEC - 1;
    }
    return flow_codecs_add(f, &fixed) ? codec_of(f, payload_type) : known;
}

static void set_codec(struct wstream *s, const struct rtp_codec *codec)
{
    s->codec = *codec;
    s->codec_type = codec->payload_type;
    s->codec_kind = codec->kind;
}

/* Sources that SDP did not name get half of the room: a spray at an announced port must not shut out who was named. */
static bool has_room(const struct worker *w, const struct wflow *f)
{
    const struct wcall *wc = f->call;
    unsigned learned = 0;
    if (wc->stream_count >= w->config.call_streams_max || !f->announced || f->confidence < FLOW_LEARNED)
        return wc->stream_count < w->config.call_streams_max;
    for (const struct wstream *s = wc->streams; s; s = s->next)
        learned += s->flow->confidence >= FLOW_LEARNED;
    return learned < (w->config.call_streams_max + 1) / 2;
}

/* What came and went: few packets, and silent since. Sources that SDP did not name take the place of their like alone. */
static struct wstream *stray(const struct wflow *f, int64_t now_ns)
{
    struct wstream *found = NULL;
    uint64_t least = STRAY_PACKETS;
    bool learned = f->announced && f->confidence >= FLOW_LEARNED;
    for (struct wstream *s = f->call->streams; s; s = s->next) {
        uint64_t packets = s->codec_packets[0] + s->codec_packets[1];
        if (packets >= least || now_ns - s->last_ns < STRAY_NS || (learned && s->flow->confidence < FLOW_LEARNED))
            continue;
        least = packets;
        found = s;
    }
    return found;
}

static bool make_room(struct worker *w, struct wflow *f, int64_t now_ns)
{
    struct wstream *s = has_room(w, f) ? NULL : stray(f, now_ns);
    if (s) {
        f->call->streams_refused++;
        counters_add(w->counters, C_STREAMS_OVER_LIMIT, 1);
        worker_forget_stream(w, s);
    }
    return has_room(w, f);
}

static struct wstream *new_stream(struct worker *w, struct wflow *f, uint32_t ssrc, const struct rtp_codec *codec, int64_t now_ns)
{
    struct wcall *wc = f->call;
    if (!make_room(w, f, now_ns)) {
        wc->streams_refused++;
        counters_add(w->counters, C_CALL_STREAMS_OVER_LIMIT, 1);
        return NULL;
    }
    struct wstream *s = worker_alloc(sizeof *s);
    struct rtp_stream_config config = {.announced = f->announced,
                                       .ptime_ms = f->ptime_ms,
                                       .playout = w->config.playout,
                                       .gap_min = w->config.burst_gap,
                                       .talkspurts = w->config.talkspurts};
    struct rtp_stream *rtp = s ? rtp_stream_new(&config) : NULL;
    if (rtp == NULL) {
        free(s);
        counters_add(w->counters, C_STREAMS_OVER_LIMIT, 1);
        return NULL;
    }
    s->rtp = rtp;
    s->flow = f;
    s->ssrc = ssrc;
    s->sid = ++wc->next_sid;
    set_codec(s, codec);
    s->early = f->early;
    s->last_mos = __builtin_nan("");
    s->quality = &w->config.quality;
    *wc->streams_end = s;
    wc->streams_end = &s->next;
    wc->stream_count++;
    if (f->recent)
        counters_add(w->counters, C_SSRC_CHANGES, 1);
    counters_add(w->counters, C_STREAMS_ACTIVE + codec->counter, 1);
    return s;
}

static struct wstream *find_stream(struct worker *w, struct wflow *f, uint32_t ssrc, const struct rtp_codec *codec, int64_t now_ns)
{
    if (f->recent && f->recent->ssrc == ssrc)
        return f->recent;
    struct wstream *s = f->call->streams;
    while (s && (s->flow != f || s->ssrc != ssrc))
        s = s->next;
    if (s == NULL)
        s = new_stream(w, f, ssrc, codec, now_ns);
    if (s) {
        f->recent = s;
        f->recent_rtp = s->rtp;
    }
    return s;
}

/* The stream's codec is the one that most of its audio packets have. */
static void note_codec(struct worker *w, struct wstream *s, const struct rtp_codec *codec)
{
    if (codec->kind == CODEC_EVENT || codec->kind == CODEC_NOISE) {
        if (s->codec_kind == codec->kind)
            s->codec_packets[0]++;
        return;
    }
    bool same = s->codec_type == codec->payload_type && s->codec_kind == codec->kind;
    s->codec_packets[same ? 0 : 1]++;
    bool stands_in = s->codec_kind == CODEC_EVENT || s->codec_kind == CODEC_NOISE;
    if (same || (!stands_in && s->codec_packets[1] <= s->codec_packets[0]))
        return;
    counters_sub(w->counters, C_STREAMS_ACTIVE + s->codec.counter, 1);
    counters_add(w->counters, C_STREAMS_ACTIVE + codec->counter, 1);
    if (!stands_in)
        counters_add(w->counters, C_CODEC_CHANGES, 1);
    set_codec(s, codec);
    s->codec_packets[0] = s->codec_packets[1];
    s->codec_packets[1] = 0;
}

/* DSCP, TTL and 802.1p, when one of them is another than that of the packet before. */
static void note_marks(struct wstream *s, const struct event_media *m, bool first)
{
    uint8_t dscp = m->tos >> 2, ttl = m->ttl, priority = m->priority;
    if (!first && dscp != s->dscp && s->dscp_changes < UINT8_MAX)
        s->dscp_changes++;
    if (first) {
        s->dscp_first = s->dscp_least = s->dscp_most = dscp;
        s->ttl_least = s->ttl_most = ttl;
        s->priority_least = s->priority_most = priority;
    }
    s->dscp = dscp;
    s->ttl = ttl;
    s->priority = priority;
    s->dscp_least = dscp < s->dscp_least ? dscp : s->dscp_least;
    s->dscp_most = dscp > s->dscp_most ? dscp : s->dscp_most;
    s->ttl_least = ttl < s->ttl_least ? ttl : s->ttl_least;
    s->ttl_most = ttl > s->ttl_most ? ttl : s->ttl_most;
    s->priority_least = priority < s->priority_least ? priority : s->priority_least;
    s->priority_most = priority > s->priority_most ? priority : s->priority_most;
}

/* Ring-back tones, announcements: what came ahead of the answer. */
static bool is_early(const struct call_brief *b, int64_t time_ns)
{
    return b->answered_ns ? time_ns < b->answered_ns : b->state < CALL_ANSWERED;
}

static bool may_keep(const struct worker *w, const struct wflow *f, int64_t time_ns)
{
    return f->kept >= RULE_KEEP_HEADERS && f->keep &&
           !(w->config.leave_early_media && f->announced && is_early(f->call->brief, time_ns));
}

/* The packet, or its RTP headers alone. */
struct slice worker_kept_part(const struct wflow *f, const struct rtp_packet *p, struct slice packet)
{
    return f->kept == RULE_KEEP_ALL ? packet : slice_sub(packet, 0, (size_t)(p->payload.data - packet.data));
}

void worker_keep_packet(struct worker *w, struct wflow *f, const struct event *event, struct slice payload, bool whole)
{
    struct spool_flow *spool = worker_flow_spool(w, f, event->time_ns);
    const struct event_media *m = &event->media;
    if (spool == NULL) {
        f->call->spool_refused += w->spool != NULL;
        return;
    }
    struct spool_packet p = {
        .time_ns = event->time_ns,
        .wire_bytes = m->wire_bytes,
        .ip_id = m->ip_id,
        .vlan_outer = m->vlan_outer,
        .vlan_inner = m->vlan_inner,
        .ttl = m->ttl,
        .tos = m->tos,
        .transport = PROTO_UDP,
        .rtcp = m->rtcp,
        .fax = m->fax,
        .payload = payload,
    };
    if (spool_flow_packet(w->spool, spool, &p))
        f->spooled++;
    else
        f->call->spool_refused++;
    bool sound = whole && f->kept == RULE_KEEP_ALL;
    f->call->spooled_sound |= sound;
    if (!f->call->recording && sound) {
        f->call->recording = true;
        counters_add(w->counters, C_RECORDINGS_ACTIVE, 1);
    }
}

/* ---- what our own capture missed ---- */

static void missed(struct wcall *wc, const struct event *event, int64_t since_ns)
{
    if (wc->suspect == NULL)
        wc->suspect = calloc(1, sizeof *wc->suspect);
    if (wc->suspect)
        suspect_add(wc->suspect, since_ns, event->missed.until_ns ? event->missed.until_ns : event->time_ns,
                    event->missed.frames);
}

static void missed_of_flow(struct wflow *f, const struct event *event)
{
    struct wstream *s = f->recent;
    missed(f->call, event, s ? s->last_ns : event->time_ns);
    if (s == NULL)
        return;
    s->refused += event->missed.frames;
    worker_rtcp_capture_lost(s, event->missed.frames);
}

void worker_capture_lost(struct worker *w, const struct event *event)
{
    struct wflow *f = event->flow < w->flows_room ? w->flows[event->flow] : NULL;
    uint32_t at = 0;
    if (event->flow != UINT32_MAX) {
        if (f)
            missed_of_flow(f, event);
        return;
    }
    for (struct wcall *wc; (wc = worker_call_next(w, &at)) != NULL;) {
        missed(wc, event, event->missed.since_ns);
        for (struct wstream *s = wc->streams; s; s = s->next)
            worker_rtcp_capture_lost(s, event->missed.frames);
    }
}

/* ---- streams in the counters ---- */

/* Counters do not go back: what turns out not to be loss of the network, when a report comes later, is set off against the next. */
static void count_up(struct worker *w, unsigned cell, uint64_t now, uint64_t *counted)
{
    if (now <= *counted)
        return;
    counters_add(w->counters, cell, now - *counted);
    *counted = now;
}

static void count_stream(struct worker *w, struct wstream *s, const struct rtp_stats *t)
{
    unsigned of = s->codec.counter * LABELS_OF_CALL + s->flow->label;
    count_up(w, C_RTP_PACKETS + of, t->received, &s->counted_received);
    count_up(w, C_RTP_EXPECTED + of, t->expected, &s->counted_expected);
    count_up(w, C_RTP_LOST + of, t->lost, &s->counted_lost);
    count_up(w, C_RTP_DISCARDED + of, t->discarded, &s->counted_discarded);
}

/* Without what is lost in a suspect window: it may be ours. */
static void network_stats(const struct wstream *s, struct rtp_stats *ret_stats)
{
    rtp_stream_stats(s->rtp, ret_stats);
    suspect_take_off(stream_suspect(s), s->rtp, ret_stats);
}

/* A scoring window has ended: degraded minutes count now, not at hang-up. */
static void end_window(struct worker *w, struct wstream *s)
{
    double r;
    const char *scale;
    s->last_mos = stream_window_score(s, &r, &scale); /* none when it is suspect */
    const char *band = record_quality_band(r, scale);
    const struct rtp_series *series = rtp_stream_series(s->rtp);
    /* After a pause one packet ends several windows; when the series widens their number shrinks. */
    uint32_t ended = series->window_count > s->windows_counted ? series->window_count - s->windows_counted : 1;
    s->windows_counted = series->window_count;
    counters_add(w->counters, C_STREAM_SECONDS + label_find(LABELS_QUALITY, slice_str(band)) * LABELS_OF_CALL + s->flow->label,
                 (uint64_t)ended * (series->window_ms / 1000));
    struct rtp_stats t;
    network_stats(s, &t);
    count_stream(w, s, &t);
    worker_live_window(w, s, r, scale, band);
}

void worker_end_stream(struct worker *w, struct wstream *s)
{
    struct rtp_stats t;
    rtp_stream_finish(s->rtp);
    network_stats(s, &t);
    count_stream(w, s, &t);
    counters_sub(w->counters, C_STREAMS_ACTIVE + s->codec.counter, 1);
    counters_add(w->counters, C_RTP_REORDERED, t.reordered);
    counters_add(w->counters, C_RTP_DUPLICATES, t.duplicates);
    if (t.expected)
        counters_observe_of(w->counters, C_STREAM_LOSS, s->flow->label, (double)t.lost / (double)t.expected);
    if (!__builtin_isnan(t.jitter_ms_mean))
        counters_observe_of(w->counters, C_STREAM_JITTER, s->flow->label, t.jitter_ms_mean / 1000);
    counters_observe_of(w->counters, C_STREAM_MAX_GAP, s->flow->label, t.max_gap_ms / 1000);
    struct stream_heard heard = stream_heard(s, &t);
    struct score score = stream_score(s, heard.expected, heard.bad, heard.runs, __builtin_nan(""));
    if (score.scale)
        counters_observe_of(w->counters, C_STREAM_MOS, label_find(LABELS_SCALE, slice_str(score.scale)) * LABELS_OF_CALL + s->flow->label, score.mos_lq);
    worker_end_rtcp(w, s);
}

/* What a header may have beside its fixed part; copies of a packet count as well. */
static void note_header(struct wstream *s, const struct rtp_packet *p)
{
    s->padded += p->padding;
    s->extended += p->extension.size != 0;
    s->mixed += p->csrc_count != 0;
    if (p->csrc_count > s->sources_most)
        s->sources_most = p->csrc_count;
}

/* Redundant audio is counted as what it carries: *ret_media is its last block, if it is of that form. */
static const struct rtp_codec *inside_red(struct wflow *f, const struct rtp_codec *red, const struct rtp_packet *p,
                                          struct rtp_packet *ret_media, size_t *payload_wire)
{
    *ret_media = *p;
    struct red_block blocks[RED_BLOCKS_MAX];
    unsigned count = f->secure || red->clock_hz < 8000 ? 0 : red_blocks(p->payload, blocks);
    if (count == 0)
        return red;
    const struct red_block *last = &blocks[count - 1];
    const struct rtp_codec *codec = codec_of(f, last->payload_type);
    if (codec->kind != CODEC_AUDIO && codec->kind != CODEC_NOISE)
        return red;
    size_t ahead = p->payload.size - last->payload.size;
    *payload_wire -= *payload_wire > ahead ? ahead : 0;
    ret_media->payload = last->payload;
    return codec;
}

/* What the pictures of a stream of video are like; a packet that may be a restart is none of it yet. */
static void note_picture(struct wstream *s, const struct rtp_codec *codec, const struct rtp_packet *p, size_t payload_wire,
                         unsigned verdict, int64_t now_ns)
{
    if (s->video == NULL) {
        s->video = malloc(sizeof *s->video);
        if (s->video == NULL)
            return;
        video_meter_init(s->video, !s->flow->secure);
    }
    if (!(verdict & RTP_PENDING))
        video_meter_packet(s->video, p, codec, payload_wire, verdict & RTP_LATE, verdict & RTP_RESTART, now_ns);
}

static inline void keep(struct worker *w, struct wflow *f, const struct event *event, const struct rtp_codec *outer,
                        const struct rtp_packet *p)
{
    if (!may_keep(w, f, event->time_ns))
        return;
    if (__builtin_expect(f->withhold, 0))
        worker_keep_less(w, f, event, outer, p);
    else
        worker_keep_packet(w, f, event, worker_kept_part(f, p, event->body), true);
}

static inline void tap(struct worker *w, const struct wflow *f, const struct event *event, const struct rtp_codec *codec)
{
    if (__builtin_expect(f->tapped && f->keep && !(f->withhold & WITHHOLD_PAUSED), 0))
        worker_tap_packet(w, f, codec, event);
}

static void rtp(struct worker *w, struct wflow *f, const struct event *event)
{
    struct rtp_packet p;
    const struct event_media *m = &event->media;
    if (__builtin_expect(!rtp_parse(event->body, m->wire_bytes, &p), 0)) {
        counters_add(w->counters, C_PARSE_ERRORS + LABEL_PROTO_RTP * LABEL_COUNT_PARSE_REASON + LABEL_PARSE_VERSION, 1);
        return;
    }
    const struct rtp_codec *codec = codec_of(f, p.payload_type);
    if (__builtin_expect(codec->kind == CODEC_UNKNOWN, 0))
        codec = codec_learn(f, p.payload_type);
    size_t payload_wire = rtp_payload_wire(&p, event->body, m->wire_bytes);
    struct rtp_packet last;
    const struct rtp_packet *media = &p;
    const struct rtp_codec *outer = codec;
    if (__builtin_expect(codec->kind == CODEC_REDUNDANCY, 0)) {
        codec = inside_red(f, codec, &p, &last, &payload_wire);
        media = &last;
    }
    struct wstream *s = find_stream(w, f, p.ssrc, codec, event->time_ns);
    counters_add(w->counters, C_RTP_BYTES + f->label, m->wire_bytes + f->header_bytes);
    if (s == NULL)
        return;
    bool first = s->last_ns == 0;
    if (__builtin_expect(first || m->tos >> 2 != s->dscp || m->ttl != s->ttl || m->priority != s->priority, 0))
        note_marks(s, m, first);
    if (__builtin_expect(p.padding | (p.csrc_count != 0) | (p.extension.size != 0), 0))
        note_header(s, &p);
    unsigned verdict = rtp_stream_packet(s->rtp, media, codec, m->wire_bytes, payload_wire, event->time_ns);
    s->last_ns = event->time_ns;
    f->rtp_seen = true;
    if (__builtin_expect(!(verdict & RTP_DUPLICATE), 1)) {
        note_codec(w, s, codec);
        s->red |= outer->kind == CODEC_REDUNDANCY;
        if (__builtin_expect(rtp_codec_has_modes(codec), 0) && !f->secure)
            stream_note_modes(s, codec, media->payload, payload_wire);
        if (__builtin_expect(outer->kind == CODEC_EVENT || outer->kind == CODEC_REDUNDANCY, 0))
            worker_key_packet(w, f, s, outer, &p, verdict & RTP_LATE, event->time_ns);
        if (__builtin_expect(outer->kind == CODEC_VIDEO, 0))
            note_picture(s, codec, &p, payload_wire, verdict, event->time_ns);
        keep(w, f, event, outer, &p);
        tap(w, f, event, codec);
    } else if (f->secure) {
        keep(w, f, event, outer, &p); /* which of two with one number is genuine, only the key can tell */
        tap(w, f, event, codec);
    }
    if (__builtin_expect(verdict & RTP_WINDOW, 0))
        end_window(w, s);
}

/* ---- RTCP ---- */

static void rtcp(struct worker *w, struct wflow *f, const struct event *event)
{
    worker_rtcp(w, f, event);
    f->rtcp_seen = true;
    if (w->spool == NULL || f->kept < RULE_KEEP_RTCP)
        return;
    if (worker_flow_may_keep(f))
        worker_keep_packet(w, f, event, event->body, false);
    else
        counters_add(w->counters, C_STREAMS_OVER_LIMIT, 1);
}

/* ---- T.38 ---- */

/* Its pages are made of the packets, so they are kept whole or not at all. */
static void fax(struct worker *w, struct wflow *f, const struct event *event)
{
    if (!may_keep(w, f, event->time_ns) || f->kept != RULE_KEEP_ALL)
        return;
    if (f->withhold)
        worker_pause_arrive(w, f, event->time_ns);
    if (f->withhold & WITHHOLD_PAUSED) {
        counters_add(w->counters, C_RECORDING_WITHHELD, 1);
        return;
    }
    worker_keep_packet(w, f, event, event->body, true);
    f->call->fax_packets++;
    f->rtp_seen = true; /* its chain is one of media */
}

/* With thousands of streams a packet's state is seldom in the cache: fetch what it will need all at once, not one after
 * the other. */
static inline void ahead(const struct wflow *f)
{
    const char *rtp = (const char *)f->recent_rtp;
    __builtin_prefetch(f->recent, 1);
    __builtin_prefetch(f->recent_codec);
    __builtin_prefetch(rtp, 1);
    __builtin_prefetch(rtp + CACHE_LINE, 1);
    __builtin_prefetch(rtp + 2 * CACHE_LINE, 1);
}

void worker_prepare(const struct worker *w, uint32_t flow)
{
    if (flow < w->flows_room)
        __builtin_prefetch(w->flows[flow], 1);
}

void worker_fetch(const struct worker *w, uint32_t flow)
{
    const struct wflow *f = flow < w->flows_room ? w->flows[flow] : NULL;
    if (f && f->recent_rtp) {
        ahead(f);
        rtp_stream_fetch(f->recent_rtp);
    }
}

void worker_media(struct worker *w, const struct event *event)
{
    struct wflow *f = event->flow < w->flows_room ? w->flows[event->flow] : NULL;
    if (__builtin_expect(f == NULL, 0)) {
        counters_add(w->counters, C_STREAMS_OVER_LIMIT, 1);
        return;
    }
    ahead(f);
    f->vlan = event->media.vlan_outer;
    if (__builtin_expect(event->media.rtcp, 0))
        rtcp(w, f, event);
    else if (__builtin_expect(event->media.fax, 0))
        fax(w, f, event);
    else
        rtp(w, f, event);
}
