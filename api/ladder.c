/* Gathers the events of a call, orders them, finds the hosts between them, and writes JSON. */
#include "api/ladder.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/json_fields.h"
#include "storage/spool.h"

#define GAP_MS 1000 /* between two packets of a stream: an event */

void ladder_fini(struct ladder *l)
{
    free(l->events);
    *l = (struct ladder){0};
}

static bool grow(struct ladder *l)
{
    if (l->count < l->room)
        return true;
    if (l->count >= LADDER_EVENTS_MAX) {
        l->truncated = true;
        return false;
    }
    uint32_t room = l->room ? l->room * 2 : 64;
    struct ladder_event *p = realloc(l->events, room * sizeof *p);
    if (p == NULL) {
        l->failed = true;
        return false;
    }
    l->events = p;
    l->room = room;
    return true;
}

static struct ladder_event *add_event(struct ladder *l, int64_t time_us, const char *kind)
{
    if (!grow(l))
        return NULL;
    struct ladder_event *e = &l->events[l->count];
    *e = (struct ladder_event){
        .time_us = time_us, .kind = kind, .order = l->count++, .leg = (uint8_t)(l->leg_count - 1)};
    return e;
}

void ladder_leg(struct ladder *l, const struct call_record *r)
{
    assert(l->leg_count < LADDER_LEGS_MAX);
    l->legs[l->leg_count++] = r;
}

void ladder_message(void *context, const struct record_message *m)
{
    struct ladder *l = context;
    struct ladder_event *e = add_event(l, m->time_us, "sip");

    if (e == NULL)
        return;
    e->src = m->src;
    e->dst = m->dst;
    e->code = m->status;
    e->retransmit = m->retransmission;
    e->ref = m->n;
    slice_copy_to(m->method, e->method, sizeof e->method);
    if (m->status == 0) {
        slice_copy_to(m->method, e->label, sizeof e->label);
    } else {
        int n = snprintf(e->label, sizeof e->label, "%u ", m->status);
        slice_copy_to(m->reason_phrase, e->label + n, sizeof e->label - (size_t)n);
    }
    e->has_sdp = m->has_sdp;
    if (addr_equal(m->src.addr, m->dst.addr))
        l->by_port = true;
}

/* ---- media ---- */

static struct ladder_event *add_stream_event(struct ladder *l, const struct record_stream *s,
                                             int64_t time_us, const char *kind)
{
    struct ladder_event *e = time_us ? add_event(l, time_us, kind) : NULL;

    if (e == NULL)
        return NULL;
    e->src = s->src;
    e->dst = s->dst;
    e->ref = s->sid;
    slice_copy_to(s->codec.size ? s->codec : slice_str("RTP"), e->label, sizeof e->label);
    return e;
}

/* A gap stands in the step of the packet that ended it. */
static void add_gaps(struct ladder *l, const struct record_stream *s)
{
    const struct record_series *v = &s->series;
    for (uint32_t i = 0; i < v->step_count; i++) {
        if (!(v->max_gap_ms[i] >= GAP_MS))
            continue;
        struct ladder_event *e =
            add_stream_event(l, s, v->start_us + (int64_t)i * v->step_ms * 1000, "rtp_gap");
        if (e)
            snprintf(e->label, sizeof e->label, "no RTP for %.1f s", v->max_gap_ms[i] / 1000);
    }
}

void ladder_streams(struct ladder *l, const struct call_record *r)
{
    for (uint32_t i = 0; i < r->stream_count; i++) {
        const struct record_stream *s = &r->streams[i];
        add_stream_event(l, s, s->first_us, "rtp_start");
        add_gaps(l, s);
        add_stream_event(l, s, s->last_us, "rtp_stop");
    }
}

/* ---- keys ---- */

void ladder_dtmf(struct ladder *l, const struct call_record *r)
{
    const struct record_dtmf all = record_dtmf_of(&r->dtmf, &r->recording.inband, r->arena);
    for (uint32_t i = 0; i < all.count; i++) {
        const struct record_digit *d = &all.digits[i];
        if (d->copy)
            continue;
        struct ladder_event *e = add_event(l, d->time_us, "dtmf");
        if (e == NULL)
            return;
        bool back = d->party && strcmp(d->party, "callee") == 0;
        e->src = back ? r->dst : r->src;
        e->dst = back ? r->src : r->dst;
        int n = snprintf(e->label, sizeof e->label, "DTMF %.*s", (int)d->digit.size,
                         (const char *)d->digit.data);
        if (d->duration_ms)
            snprintf(e->label + n, sizeof e->label - (size_t)n, ", %u ms", d->duration_ms);
    }
}

/* "recording paused: both, by dtmf:caller" */
void ladder_pauses(struct ladder *l, const struct call_record *r)
{
    for (uint32_t i = 0; i < r->event_count; i++) {
        const struct record_event *in = &r->events[i];
        bool paused = slice_is(in->kind, "recording_paused");
        if (!paused && !slice_is(in->kind, "recording_resumed"))
            continue;
        struct ladder_event *e = add_event(l, in->time_us, "recording");
        if (e == NULL)
            return;
        e->src = r->src;
        e->dst = r->dst;
        int n = snprintf(e->label, sizeof e->label, "recording %s: ", paused ? "paused" : "resumed");
        slice_copy_to(in->detail, e->label + n, sizeof e->label - (size_t)n);
    }
}

/* ---- RTCP (RFC 3550 6.1) ---- */

#define RTCP_SR     200
#define RTCP_RR     201
#define RTCP_HEADER 4
#define RTCP_REPORT 24
#define RTCP_SENDER 20 /* what an SR has before its reports, behind the SSRC */
#define FRACTION_AT 4  /* of a report block */

static const char *packet_name(uint8_t type)
{
    static const char *const names[] = {"SR", "RR", "SDES", "BYE", "APP", "RTPFB", "PSFB", "XR"};
    return type >= RTCP_SR && type < RTCP_SR + 8 ? names[type - RTCP_SR] : "?";
}

/* Loss that the first report of an SR or RR tells of, in percent; -1: none. */
static double reported_loss(struct slice packet)
{
    size_t at = RTCP_HEADER + 4 + (packet.data[1] == RTCP_SR ? RTCP_SENDER : 0);
    if (packet.data[1] > RTCP_RR || (packet.data[0] & 31) == 0 || packet.size < at + RTCP_REPORT)
        return -1;
    return packet.data[at + FRACTION_AT] * 100.0 / 256;
}

static void describe_rtcp(struct slice bytes, char label[LADDER_LABEL_SIZE])
{
    size_t n = 0;
    double loss = -1;
    while (bytes.size >= RTCP_HEADER && bytes.data[0] >> 6 == 2 && n < LADDER_LABEL_SIZE / 2) {
        size_t size = ((size_t)bytes.data[2] << 8 | bytes.data[3]) * 4 + RTCP_HEADER;
        struct slice packet = slice_sub(bytes, 0, size);
        n += (size_t)snprintf(label + n, LADDER_LABEL_SIZE - n, "%s%s", n ? " " : "",
                              packet_name(packet.data[1]));
        if (loss < 0)
            loss = reported_loss(packet);
        bytes = slice_from(bytes, size);
    }
    if (n == 0)
        n = (size_t)snprintf(label, LADDER_LABEL_SIZE, "RTCP");
    if (loss >= 0)
        snprintf(label + n, LADDER_LABEL_SIZE - n, ", %.1f %% lost", loss);
}

static void add_rtcp_chain(struct ladder *l, const char *data_dir, const struct record_chain *chain)
{
    struct spool_reader *reader;
    struct spool_packet p;
    bool truncated;
    if (spool_reader_open(data_dir, chain->tail, &reader, &truncated) != 0)
        return;
    for (int got; (got = spool_reader_next(reader, &p)) != 0;) {
        struct ladder_event *e = got > 0 && p.rtcp ? add_event(l, p.time_ns / 1000, "rtcp") : NULL;
        if (e == NULL)
            continue;
        e->src = chain->src;
        e->dst = chain->dst;
        describe_rtcp(p.payload, e->label);
    }
    spool_reader_close(reader);
}

void ladder_rtcp(struct ladder *l, const char *data_dir, const struct call_record *r)
{
    for (uint32_t i = 0; i < r->chain_count && !l->truncated; i++)
        if (r->chains[i].party)
            add_rtcp_chain(l, data_dir, &r->chains[i]);
}

/* ---- order ---- */

static int by_time(const void *a, const void *b)
{
    const struct ladder_event *x = a, *y = b;

    if (x->time_us != y->time_us)
        return x->time_us < y->time_us ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Column of an endpoint; the last column takes what no longer fits. */
static unsigned host_of(const struct ladder *l, const struct endpoint *e)
{
    for (unsigned i = 0; i < l->host_count; i++)
        if (addr_equal(l->hosts[i].addr, e->addr) && (!l->by_port || l->hosts[i].port == e->port))
            return i;
    return l->host_count < LADDER_HOSTS_MAX ? l->host_count : LADDER_HOSTS_MAX - 1;
}

static void note_host(struct ladder *l, const struct endpoint *e)
{
    if (host_of(l, e) == l->host_count)
        l->hosts[l->host_count++] = *e;
}

void ladder_arrange(struct ladder *l)
{
    if (l->count)
        qsort(l->events, l->count, sizeof *l->events, by_time);
    for (uint32_t i = 0; i < l->count; i++) {
        note_host(l, &l->events[i].src);
        note_host(l, &l->events[i].dst);
    }
}

/* ---- JSON ---- */

static void hosts_json(struct json *j, const struct ladder *l, const struct api_named_source *names)
{
    char text[ENDPOINT_TEXT_SIZE];

    json_key(j, "hosts");
    json_array(j);
    for (unsigned i = 0; i < l->host_count; i++) {
        json_object(j);
        json_kv_int(j, "id", i);
        json_kv_str(j, "addr",
                    l->by_port ? endpoint_text(&l->hosts[i], text)
                               : addr_text(l->hosts[i].addr, text));
        named_alias_json(j, names, l->hosts[i].addr);
        json_end(j);
    }
    json_end(j);
}

static void event_json(struct json *j, const struct ladder *l, const struct ladder_event *e,
                       int64_t start_us)
{
    json_object(j);
    json_kv_int(j, "t_us", e->time_us - start_us);
    json_kv_int(j, "src", host_of(l, &e->src));
    json_kv_int(j, "dst", host_of(l, &e->dst));
    json_kv_str(j, "kind", e->kind);
    json_kv_str(j, "label", e->label);
    if (e->code)
        json_kv_int(j, "code", e->code);
    else
        json_kv_null(j, "code");
    json_kv_str(j, "method", e->method[0] ? e->method : NULL);
    json_kv_bool(j, "retransmit", e->retransmit);
    json_kv_bool(j, "sdp", e->has_sdp);
    json_kv_int(j, "ref", e->ref);
    json_kv_int(j, "leg", e->leg);
    json_end(j);
}

static void legs_json(struct json *j, const struct ladder *l)
{
    json_key(j, "legs");
    json_array(j);
    for (unsigned i = 0; i < l->leg_count; i++) {
        json_object(j);
        json_kv_int(j, "leg", i);
        json_kv_str(j, "uid", l->legs[i]->uid);
        kv_known(j, "call_id", l->legs[i]->call_id);
        json_end(j);
    }
    json_end(j);
}

void ladder_json(struct json *j, const struct ladder *l, const char *call_uid, const struct api_named_source *names)
{
    int64_t start_us = l->legs[0]->started_us;
    json_object(j);
    json_kv_str(j, "call_uid", call_uid);
    json_kv_time(j, "t0", start_us);
    legs_json(j, l);
    hosts_json(j, l, names);
    json_key(j, "events");
    json_array(j);
    for (uint32_t i = 0; i < l->count; i++)
        event_json(j, l, &l->events[i], start_us);
    json_end(j);
    json_kv_bool(j, "truncated", l->truncated);
    json_end(j);
}
