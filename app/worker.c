/* Calls and flows of a worker. The way of a record out of it: worker_records.c. */
#include "app/worker_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "app/descriptor.h"
#include "app/flow_codecs.h"
#include "app/media_drop.h"
#include "app/summarise.h"
#include "app/summarise_recording.h"
#include "app/worker_live.h"
#include "app/worker_pause.h"
#include "app/worker_rules.h"
#include "base/crypto.h"
#include "capture/sip/sdp.h"

static int open_spools(struct worker *w, const struct spool_config *config, struct why *why)
{
    struct spool_config signalling = *config;
    signalling.writer += SPOOL_SIGNALLING_WRITER;
    signalling.daily = !config->copy; /* what is copied is of any day, and goes by the one on which it was written */
    int err = spool_open(config, w->counters, &w->spool, why);
    if (!err)
        err = spool_open(&signalling, w->counters, &w->sip_spool, why);
    if (err)
        spool_close(w->spool);
    return err;
}

int worker_new(const struct worker_config *config, struct counters *counters,
               struct worker **ret_worker, struct why *why)
{
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_NOMEM;
    w->config = *config;
    if (w->config.call_streams_max == 0)
        w->config.call_streams_max = 16;
    w->counters = counters;
    w->pending_end = &w->pending;
    bandwidth_init(&w->bandwidth, config->index == 0 ? config->counters : NULL, counters);
    int err = config->spool ? open_spools(w, config->spool, why) : 0;
    if (err) {
        free(w);
        return err;
    }
    w->config.spool = NULL; /* borrowed for the opening alone */
    *ret_worker = w;
    return 0;
}

/* ---- tables ---- */

void *worker_alloc(size_t size)
{
    size_t room = (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
    void *p = aligned_alloc(CACHE_LINE, room);
    return p ? memset(p, 0, room) : NULL;
}

/* Room for index `number` in a table of pointers. */
static bool table_fit(void ***table, uint32_t *room, uint32_t number)
{
    if (number < *room)
        return true;
    uint32_t more = *room ? *room : 64;
    while (more <= number)
        more *= 2;
    void **bigger = realloc(*table, more * sizeof *bigger);
    if (bigger == NULL)
        return false;
    memset(bigger + *room, 0, (more - *room) * sizeof *bigger);
    *table = bigger;
    *room = more;
    return true;
}

struct wcall *worker_find_call(struct worker *w, uint32_t number)
{
    return number < w->calls_room ? w->calls[number] : NULL;
}

struct wcall *worker_call_next(struct worker *w, uint32_t *at)
{
    while (*at < w->calls_room) {
        struct wcall *wc = w->calls[(*at)++];
        if (wc)
            return wc;
    }
    return NULL;
}

/* A stream was counted on it, or it stands in the spool. */
static bool is_remembered(const struct wflow *f)
{
    const struct wstream *s = f->call->streams;
    while (s && s->flow != f)
        s = s->next;
    return s || f->spool || f->tail.segment;
}

static void unlink_flow(struct wflow *f)
{
    struct wflow **at = &f->call->flows;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    if (f->next == NULL)
        f->call->flows_end = at;
}

static void free_flow(struct wflow *f)
{
    free(f->mask);
    free(f);
}

static void free_stream(struct wstream *s)
{
    rtp_stream_free(s->rtp);
    free(s->modes);
    free(s->video);
    worker_free_rtcp(s);
    free(s);
}

/* Of a flow that is gone. */
static void forget_flow(struct wflow *f)
{
    unlink_flow(f);
    flow_codecs_drop(f);
    free_flow(f);
}

void worker_forget_stream(struct worker *w, struct wstream *s)
{
    struct wflow *f = s->flow;
    struct wstream **at = &f->call->streams;
    while (*at != s)
        at = &(*at)->next;
    *at = s->next;
    if (s->next == NULL)
        f->call->streams_end = at;
    f->call->stream_count--;
    if (f->recent == s) {
        f->recent = NULL;
        f->recent_rtp = NULL;
    }
    worker_end_stream(w, s);
    free_stream(s);
    if (f->gone && !is_remembered(f))
        forget_flow(f);
}

static void free_secrets(struct wsecrets *keys)
{
    crypto_wipe(keys->items, keys->count * sizeof *keys->items);
    free(keys->items);
}

static void free_call(struct worker *w, struct wcall *wc)
{
    worker_taps_end(w, wc);
    worker_pause_free(w, wc);
    for (struct wstream *s = wc->streams, *next; s; s = next) {
        next = s->next;
        free_stream(s);
    }
    for (struct wflow *f = wc->flows; f; f = f->next)
        flow_codecs_drop(f);
    for (struct wflow *f = wc->flows, *next; f; f = next) {
        next = f->next;
        free_flow(f);
    }
    free_secrets(&wc->secrets);
    worker_rules_free(wc);
    free(wc->suspect);
    free(wc->keys);
    free(wc->brief);
    free(wc);
}

/* ---- calls ---- */

/* False when there is no memory: what was known before stays. */
static bool read_brief(struct wcall *wc, const struct event *event)
{
    size_t size = event->body.size;
    assert(size >= sizeof *wc->brief);
    bool fits = wc->brief && wc->brief->size == size;
    struct call_brief *b = fits ? wc->brief : realloc(wc->brief, size);
    if (b == NULL)
        return false;
    wc->brief = memcpy(b, event->body.data, size);
    for (struct wflow *f = wc->flows; f; f = f->next)
        f->label = b->label;
    return true;
}

/* `call` once it is handed over: its record says more than the brief. An end that may still be taken back is not told. */
static void tell(struct worker *w, struct wcall *wc, const struct call *call)
{
    const struct call_brief *b = wc->brief;
    if (w->config.call_event == NULL || b->kind != CALL_SIP)
        return;
    bool over = call != NULL || b->over;
    unsigned now = 1u << WORKER_CALL_STARTED | (unsigned)(b->ringing_ns != 0) << WORKER_CALL_RINGING |
                   (unsigned)(b->answered_ns != 0) << WORKER_CALL_ANSWERED | (unsigned)over << WORKER_CALL_ENDED;
    unsigned news = now & ~(unsigned)wc->told & w->config.call_events;
    wc->told |= (uint8_t)now;
    for (unsigned e = WORKER_CALL_STARTED; e <= WORKER_CALL_ENDED; e++) {
        struct call_record *r = news >> e & 1 ? summarise_head(wc, call, &w->config) : NULL;
        if (r)
            w->config.call_event(w->config.context, (enum worker_call_event)e, r);
    }
}

static void start_call(struct worker *w, const struct event *event)
{
    struct wcall *wc = calloc(1, sizeof *wc);
    if (wc == NULL || !read_brief(wc, event) || !table_fit((void ***)&w->calls, &w->calls_room, event->call)) {
        free(wc ? wc->brief : NULL);
        free(wc);
        counters_add(w->counters, C_DB_LOST, 1);
        return;
    }
    assert(w->calls[event->call] == NULL);
    wc->number = event->call;
    wc->begun = worker_place(w);
    wc->flows_end = &wc->flows;
    wc->streams_end = &wc->streams;
    w->calls[event->call] = wc;
    worker_rules_begin(w, wc, event->time_ns);
    tell(w, wc, NULL);
    worker_live_call(w, wc, NULL, event->time_ns);
}

/* Keys that the newest early row lacks: the answer tells its own behind the change of state, DTLS and new offers whenever they like. A crash
 * may come, and what is recorded from now on is opened with them. Each key is told once, so these records are no more than keys. */
static void tell_keys(struct worker *w, struct wcall *wc)
{
    if (wc->secrets.count <= wc->row_keys || wc->row_state == CALL_TRYING || !summarise_keeps_secrets(wc))
        return;
    struct call_record *r = summarise_head(wc, NULL, &w->config);
    if (r == NULL)
        return;
    wc->row_keys = wc->secrets.count;
    summarise_secrets(r, wc);
    r->secrets.alone = true;
    worker_emit(w, r);
}

static void change_call(struct worker *w, const struct event *event)
{
    struct wcall *wc = worker_find_call(w, event->call);
    if (wc == NULL || !read_brief(wc, event))
        return;
    worker_rules_changed(w, wc, event->time_ns);
    tell(w, wc, NULL);
    worker_live_call(w, wc, NULL, event->time_ns);
    bool telling = wc->brief->state == CALL_ANSWERED || wc->brief->state == CALL_ENDED;
    unsigned keys = summarise_keeps_secrets(wc) ? wc->secrets.count : 0;
    bool told = wc->row_state == wc->brief->state && wc->row_grouped == wc->brief->grouped && keys <= wc->row_keys;
    if (!w->config.early_rows || !telling || told)
        return;
    /* A call that is over lingers for late packets; its row does not wait for them. */
    wc->row_state = wc->brief->state;
    wc->row_grouped = wc->brief->grouped;
    wc->row_keys = keys;
    worker_emit(w, summarise(wc, NULL, &w->config));
}

static void close_spool_flow(struct worker *w, struct wflow *f)
{
    if (f->spool == NULL)
        return;
    (void)spool_flow_tail(w->spool, f->spool); /* what it gathered may be lost as well */
    f->call->spool_refused += spool_flow_lost(f->spool);
    f->tail = spool_flow_close(w->spool, f->spool);
    f->spool = NULL;
}

/* Each label once a call, however often it is there. */
static void count_labels(struct worker *w, const struct call_record *r, unsigned label)
{
    uint32_t labels = r ? diagnose_labels(r) : 0;
    counters_add(w->counters, C_CALLS_LATE_MEDIA + label / LABEL_COUNT_DIRECTION, labels >> DIAGNOSE_late_media & 1);
    for (unsigned i = 0; i < DIAGNOSE_LABELS; i++)
        counters_add(w->counters, C_CALL_DIAGNOSES + i, labels >> i & 1);
    for (uint32_t i = 0; r && i < r->diagnosis.label_count; i++) {
        const struct record_label *l = &r->diagnosis.labels[i];
        if (strcmp(l->name, "dscp_mismatch") == 0 && l->sid)
            counters_add(w->counters, C_DSCP_MISMATCH, 1);
    }
}

static void end_call(struct worker *w, const struct event *event)
{
    struct call *call = event->ended.call;
    struct wcall *wc = worker_find_call(w, event->call);
    if (wc) {
        w->calls[event->call] = NULL;
        for (struct wstream *s = wc->streams; s; s = s->next)
            worker_end_stream(w, s);
        for (struct wflow *f = wc->flows; f; f = f->next) {
            close_spool_flow(w, f);
            if (!f->gone)
                w->flows[f->number] = NULL;
        }
        if (wc->signalling)
            wc->signalling_tail = spool_flow_close(w->sip_spool, wc->signalling);
        if (wc->recording)
            counters_sub(w->counters, C_RECORDINGS_ACTIVE, 1);
        tell(w, wc, call);
        worker_live_call(w, wc, call, event->time_ns);
        struct call_record *record = summarise(wc, call, &w->config);
        count_labels(w, record, wc->brief->label);
        if (record && record->recording.state == NULL)
            coverage_count(w->counters, record);
        worker_queue_record(w, record, &wc->begun);
        free_call(w, wc);
    }
    call_free(call);
}

/* ---- signalling ---- */

static bool open_signalling(struct worker *w, struct wcall *wc, int64_t now_ns)
{
    if (wc->signalling || w->sip_spool == NULL)
        return wc->signalling != NULL;
    struct spool_flow_info info = {
        .flow = 0,
        .kind = SPOOL_SIGNALLING,
        .descriptor = slice_str("sip\n"),
    };
    memcpy(info.uid, wc->brief->uid, sizeof info.uid);
    wc->signalling = spool_flow_open(w->sip_spool, &info, now_ns);
    return wc->signalling != NULL;
}

static void keep_message(struct worker *w, const struct event *event)
{
    struct wcall *wc = worker_find_call(w, event->call);
    if (wc && wc->rules) {
        worker_rules_message(w, wc, event->body, event->sip.vlan_outer, event->time_ns);
        tell_keys(w, wc); /* it may be recorded now */
    }
    if (wc == NULL || w->sip_spool == NULL || event->sip.over_limit || !open_signalling(w, wc, event->time_ns))
        return;
    const struct event_sip *sip = &event->sip;
    struct spool_packet p = {
        .time_ns = event->time_ns,
        .src = sip->src,
        .dst = sip->dst,
        .wire_bytes = sip->wire_bytes,
        .ip_id = sip->ip_id,
        .vlan_outer = sip->vlan_outer,
        .vlan_inner = sip->vlan_inner,
        .ttl = sip->ttl,
        .tos = sip->tos,
        .transport = sip->transport,
        .retransmission = sip->retransmission,
        .payload = worker_redacted(w, wc, event->body),
    };
    if (spool_flow_packet(w->sip_spool, wc->signalling, &p))
        wc->signalling_messages++;
}

/* ---- keys ---- */

/* Secrets are moved by hand: realloc would leave a copy behind. */
static bool secrets_grow(struct wsecrets *keys)
{
    unsigned room = keys->room ? 2 * keys->room : 4;
    struct media_key *items = malloc(room * sizeof *items);
    if (items == NULL)
        return false;
    if (keys->count)
        memcpy(items, keys->items, keys->count * sizeof *items);
    free_secrets(keys);
    keys->items = items;
    keys->room = room;
    return true;
}

/* Only what is recorded or heard live will be opened. In a recovery the store has the keys: what its SIP tells was covered. */
static void take_key(struct worker *w, const struct event *event)
{
    struct wcall *wc = worker_find_call(w, event->call);
    struct media_key key;
    if (wc == NULL || w->config.recovered || !(w->config.hold_keys || (w->spool && (wc->rules || wc->decision->keep == RULE_KEEP_ALL))))
        return;
    assert(event->body.size == sizeof key);
    memcpy(&key, event->body.data, sizeof key);
    struct wsecrets *keys = &wc->secrets;
    bool known = false;
    for (unsigned i = 0; i < keys->count && !known; i++)
        known = media_key_equal(&keys->items[i], &key);
    if (!known && keys->count == MEDIA_KEYS_MAX)
        counters_add(w->counters, C_MEDIA_KEYS_DROPPED, 1);
    else if (!known && (keys->count < keys->room || secrets_grow(keys)))
        keys->items[keys->count++] = key;
    crypto_wipe(&key, sizeof key);
    tell_keys(w, wc);
}

/* ---- flows ---- */

static void take_media(struct wflow *f, const struct flow_media *m)
{
    f->party = m->party;
    if (m->media_type != SDP_IMAGE || !f->rtp_seen) /* what was said ahead of a fax stays speech */
        f->media_type = m->media_type;
    f->confidence = m->confidence;
    f->secure = m->secure;
    f->early = m->early;
    f->announced = m->announced;
    f->keep = m->keep;
    f->ptime_ms = m->ptime_ms;
    f->media_index = m->media_index;
}

static void describe_again(struct worker *w, struct wflow *f, int64_t now_ns)
{
    struct buf text;
    buf_init(&text, 8192);
    descriptor_write(&text, f);
    if (!text.failed)
        spool_flow_describe(w->spool, f->spool, buf_view(&text), now_ns);
    buf_fini(&text);
}

static struct wflow *new_flow(struct worker *w, struct wcall *wc, const struct event *event)
{
    struct wflow *f = worker_alloc(sizeof *f);
    if (f == NULL || !table_fit((void ***)&w->flows, &w->flows_room, event->flow)) {
        free(f);
        return NULL;
    }
    f->call = wc;
    f->number = event->flow;
    f->src = event->bound.src;
    f->dst = event->bound.dst;
    f->tapped = wc->tapped;
    f->label = wc->brief->label;
    f->header_bytes = addr_is_v4(f->dst.addr) ? IPV4_UDP_BYTES : IPV6_UDP_BYTES;
    *wc->flows_end = f;
    wc->flows_end = &f->next;
    w->flows[event->flow] = f;
    return f;
}

static void bind_flow(struct worker *w, const struct event *event)
{
    struct wcall *wc = worker_find_call(w, event->call);
    struct flow_media m;
    if (wc == NULL)
        return;
    memset(&m, 0, sizeof m);
    memcpy(&m, event->body.data, event->body.size < sizeof m ? event->body.size : sizeof m);
    assert(m.codec_count <= FLOW_CODECS_MAX);
    struct wflow *f = event->flow < w->flows_room ? w->flows[event->flow] : NULL;
    if (f == NULL)
        f = new_flow(w, wc, event);
    if (f == NULL || !flow_codecs_set(f, m.codecs, m.codec_count))
        return;
    f->negotiated_count = m.negotiated_count;
    take_media(f, &m);
    worker_rules_flow(f);
    worker_withhold(w, f);
    if (f->spool)
        describe_again(w, f, event->time_ns);
}

bool worker_flow_may_keep(const struct wflow *f)
{
    return f->spool || f->call->next_flow < (f->confidence == FLOW_SDP ? KEPT_FLOWS_MAX : KEPT_LEARNED_MAX);
}

struct spool_flow *worker_flow_spool(struct worker *w, struct wflow *f, int64_t now_ns)
{
    if (f->spool || w->spool == NULL || f->gone || !worker_flow_may_keep(f))
        return f->spool;
    struct buf text;
    buf_init(&text, 8192);
    descriptor_write(&text, f);
    struct spool_flow_info info = {
        .flow = ++f->call->next_flow,
        .kind = SPOOL_MEDIA,
        .src = f->src,
        .dst = f->dst,
        .descriptor = buf_view(&text),
    };
    memcpy(info.uid, f->call->brief->uid, sizeof info.uid);
    f->spool = spool_flow_open(w->spool, &info, now_ns);
    buf_fini(&text);
    return f->spool;
}

static void drop_flow(struct worker *w, const struct event *event)
{
    struct wflow *f = event->flow < w->flows_room ? w->flows[event->flow] : NULL;
    if (f == NULL)
        return;
    if (event->missed.frames)
        worker_capture_lost(w, event);
    close_spool_flow(w, f);
    f->gone = true;
    w->flows[event->flow] = NULL;
    if (!is_remembered(f)) /* a spray from ever new sources must not fill the call */
        forget_flow(f);
}

/* ---- the entrance ---- */

void worker_tick(struct worker *w, int64_t now_ns)
{
    w->now_ns = now_ns;
    worker_pause_tick(w, now_ns);
    if (w->spool) {
        spool_tick(w->spool, now_ns);
        spool_tick(w->sip_spool, now_ns);
        worker_watch_disk(w);
    }
    worker_emit_written(w);
    worker_mark(w);
}

void worker_event(struct worker *w, const struct event *event)
{
    switch ((enum event_kind)event->kind) {
    case EVENT_MEDIA:
        worker_media(w, event);
        break;
    case EVENT_SIP:
        keep_message(w, event);
        break;
    case EVENT_CALL_STARTED:
        start_call(w, event);
        break;
    case EVENT_CALL_CHANGED:
        change_call(w, event);
        break;
    case EVENT_CALL_ENDED:
        end_call(w, event);
        break;
    case EVENT_FLOW_BOUND:
        bind_flow(w, event);
        break;
    case EVENT_MEDIA_KEY:
        take_key(w, event);
        break;
    case EVENT_FLOW_GONE:
        drop_flow(w, event);
        break;
    case EVENT_CONTROL:
        worker_pause_control(w, event);
        break;
    case EVENT_CAPTURE_LOST:
        worker_capture_lost(w, event);
        break;
    case EVENT_TICK:
        bandwidth_tick(&w->bandwidth, event->time_ns);
        worker_tick(w, event->time_ns);
        break;
    case EVENT_REGISTRATION:
    case EVENT_REGISTER_DONE:
    case EVENT_SUBSCRIPTION:
    case EVENT_MESSAGE_SEEN:
    case EVENT_PEER:
    case EVENT_PRESENCE:
    case EVENT_AGENT:
    case EVENT_FINDING:
        if (w->config.user_event)
            w->config.user_event(w->config.context, event);
        break;
    }
}

void worker_flush(struct worker *w)
{
    if (w->spool) {
        spool_flush(w->spool);
        spool_flush(w->sip_spool);
    }
    worker_emit_written(w);
}

void worker_free(struct worker *w)
{
    if (w == NULL)
        return;
    worker_flush(w);
    worker_emit_rest(w);
    worker_mark_end(w);
    uint32_t at = 0;
    for (struct wcall *wc; (wc = worker_call_next(w, &at)) != NULL;)
        free_call(w, wc);
    spool_close(w->spool);
    spool_close(w->sip_spool);
    free(w->redacted);
    free(w->key_bank);
    free(w->calls);
    free(w->flows);
    free(w);
}
