/* The stage: frames are raw IPv4; the sink keeps a small book per call. */
#include "tests/unit/call/scene.h"

#include <assert.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what the front says ---- */

static void take_brief(struct seen_call *c, struct slice body)
{
    cr_assert_leq(body.size, sizeof c->brief + sizeof c->texts);
    memcpy(&c->brief, body.data, sizeof c->brief);
    memcpy(c->texts, body.data + sizeof c->brief, body.size - sizeof c->brief);
}

static struct seen_call *seen(struct scene *s, const struct event *e)
{
    unsigned at = s->open[e->call & 0xffff];
    return at ? &s->call[at - 1] : NULL;
}

static struct seen_flow *seen_flow_of(struct seen_call *c, uint32_t number)
{
    for (unsigned i = c->flow_count; i-- > 0;) {
        if (c->flow[i].number == number && !c->flow[i].gone)
            return &c->flow[i];
    }
    return NULL;
}

static void note_state(struct seen_call *c)
{
    size_t n = strlen(c->states);
    char now = "TRAE"[c->brief.state];
    if (n + 1 < sizeof c->states && (n == 0 || c->states[n - 1] != now))
        c->states[n] = now;
}

static void on_started(struct scene *s, const struct event *e)
{
    cr_assert_eq(s->open[e->call & 0xffff], 0, "call number reused while it lives");
    if (s->call_count == SCENE_CALLS)
        return;
    struct seen_call *c = &s->call[s->call_count++];
    c->number = e->call;
    take_brief(c, e->body);
    note_state(c);
    s->open[e->call & 0xffff] = s->call_count;
}

static void on_bound(struct seen_call *c, const struct event *e)
{
    struct seen_flow *f = seen_flow_of(c, e->flow);
    if (f == NULL && c->flow_count < SCENE_FLOWS) {
        f = &c->flow[c->flow_count++];
        *f = (struct seen_flow){.number = e->flow, .ends = e->bound};
    }
    if (f == NULL)
        return;
    cr_assert_eq(e->body.size, sizeof f->media);
    memcpy(&f->media, e->body.data, sizeof f->media);
    f->bound++;
}

static void on_media(struct seen_call *c, const struct event *e)
{
    struct seen_flow *f = seen_flow_of(c, e->flow);
    cr_assert(f != NULL, "media of a flow that is not bound");
    if (e->media.rtcp) {
        f->rtcp++;
        return;
    }
    if (e->media.fax) {
        f->fax++;
        return;
    }
    uint32_t ssrc = (uint32_t)e->body.data[8] << 24 | (uint32_t)e->body.data[9] << 16 |
                    (uint32_t)e->body.data[10] << 8 | e->body.data[11];
    f->rtp++;
    f->held += e->media.held;
    for (unsigned i = 0; i < f->ssrc_count; i++) {
        if (f->ssrc[i] == ssrc)
            return;
    }
    if (f->ssrc_count < 8)
        f->ssrc[f->ssrc_count++] = ssrc;
}

static unsigned hop_number(const struct call *call, const struct call_hop *hop)
{
    unsigned n = 1;
    for (const struct call_hop *h = call->hops; h; h = h->next, n++) {
        if (h == hop)
            return n;
    }
    return 0;
}

/* The texts of scene.h. */
static void write_hops(struct buf *b, const struct call *call)
{
    for (const struct call_hop *h = call->hops; h; h = h->next)
        buf_printf(b, "%s%u<%u=%u%s", b->size ? " " : "", hop_number(call, h),
                   hop_number(call, h->from), h->code, h->cancelled_ns ? "x" : "");
}

static void write_legs(struct buf *b, const struct call *call)
{
    for (const struct call_leg *leg = call->legs; leg; leg = leg->next) {
        const char *end = call_leg_end_text((enum call_leg_end)leg->end);
        buf_printf(b, "%s%.*s@%u%s=%u/%s%s", b->size ? " " : "", SLICE_ARGS(leg->tag),
                   hop_number(call, leg->hop), leg->winner ? "*" : "", leg->code,
                   end ? end : "open", leg->acked ? "+" : "");
    }
}

static void write_tries(struct buf *b, const struct call *call)
{
    for (unsigned i = 0; i < call->attempt_count; i++) {
        const struct call_attempt *a = &call->attempts[i];
        const char *why = call_attempt_reason_text((enum call_attempt_reason)a->reason);
        buf_printf(b, "%s%u=%s", b->size ? " " : "", hop_number(call, a->hop), why ? why : "open");
    }
}

static void write_causes(struct buf *b, const struct call *call)
{
    static const char *const names[] = {"Q.850", "SIP"};
    for (unsigned i = 0; call->causes && i < 2; i++) {
        if (call->causes[i].cause)
            buf_printf(b, "%s%s %u %.*s", b->size ? ", " : "", names[i], call->causes[i].cause,
                       SLICE_ARGS(call->causes[i].text));
    }
}

static void write_reports(struct buf *b, const struct call *call)
{
    for (const struct call_report *r = call->reports ? call->reports->first : NULL; r; r = r->next) {
        buf_printf(b, "%s%s/%s/%s 0x%x<-0x%x", b->size ? ", " : "",
                   call_report_source_text(r->source), call_report_kind_text(r->kind),
                   call_party_text((enum call_party)r->party), r->end[0].ssrc[0],
                   r->end[1].ssrc[0]);
        for (unsigned i = 0; i < 2; i++)
            if (r->side[i].present)
                buf_printf(b, " %s %.2f %.2f", i ? "far" : "near", r->side[i].figure[CALL_REPORT_MOS_LQ],
                           r->side[i].figure[CALL_REPORT_LOST]);
    }
}

static void copy_text(const struct call *call, void (*write)(struct buf *, const struct call *),
                      char *out, size_t size)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    write(&b, call);
    slice_copy_to(buf_view(&b), out, size);
    buf_fini(&b);
}

static void copy_call(struct seen_call *c, const struct call *call)
{
    copy_text(call, write_hops, c->hops, sizeof c->hops);
    copy_text(call, write_legs, c->legs, sizeof c->legs);
    copy_text(call, write_tries, c->tries, sizeof c->tries);
    copy_text(call, write_causes, c->causes, sizeof c->causes);
    copy_text(call, write_reports, c->reports, sizeof c->reports);
    c->reports_over_limit = call->reports ? call->reports->over_limit : 0;
    if (call->reports && call->reports->first)
        c->report_started_ns = call->reports->first->side[CALL_REPORT_LOCAL].started_ns;
    c->call = *call;
    slice_copy_to(call->from.user, c->from_user, sizeof c->from_user);
    slice_copy_to(call->to.user, c->to_user, sizeof c->to_user);
    slice_copy_to(call->from.tag, c->from_tag, sizeof c->from_tag);
    slice_copy_to(call->to.tag, c->to_tag, sizeof c->to_tag);
    slice_copy_to(call->user_agent, c->user_agent, sizeof c->user_agent);
    slice_copy_to(call->server, c->server, sizeof c->server);
    slice_copy_to(call->reason_phrase, c->reason, sizeof c->reason);
    size_t used = 0;
    for (const struct call_event *e = call->events; e && used < sizeof c->notes; e = e->next)
        used += (size_t)snprintf(c->notes + used, sizeof c->notes - used, "%s%s(%.*s)",
                                 used ? " " : "", e->kind, SLICE_ARGS(e->detail));
}

static void on_ended(struct scene *s, const struct event *e)
{
    struct seen_call *c = seen(s, e);
    s->ended_count++;
    if (c) {
        cr_assert(!c->ended);
        for (unsigned i = 0; i < c->flow_count; i++)
            cr_assert(c->flow[i].gone, "CALL_ENDED before FLOW_GONE");
        copy_call(c, e->ended.call);
        c->ended = true;
        s->open[e->call & 0xffff] = 0;
    }
    call_free(e->ended.call);
}

static void on_call_event(struct scene *s, const struct event *e)
{
    struct seen_call *c = seen(s, e);
    if (c == NULL) {
        cr_assert(s->call_count == SCENE_CALLS, "event of a call that is not open");
        return;
    }
    struct seen_flow *f;
    switch ((enum event_kind)e->kind) {
    case EVENT_CALL_CHANGED:
        take_brief(c, e->body);
        c->changed++;
        note_state(c);
        break;
    case EVENT_SIP:
        c->sip++;
        c->retransmissions += e->sip.retransmission;
        c->over_limit += e->sip.over_limit;
        cr_assert(e->sip.over_limit == (e->body.size == 0));
        break;
    case EVENT_FLOW_BOUND:
        on_bound(c, e);
        break;
    case EVENT_FLOW_GONE:
        f = seen_flow_of(c, e->flow);
        cr_assert(f != NULL || c->flow_count == SCENE_FLOWS);
        if (f) {
            f->gone = true;
            f->missed = e->missed.frames;
        }
        break;
    default:
        on_media(c, e);
        break;
    }
}

static bool take(void *context, unsigned worker, const struct event *e)
{
    struct scene *s = context;
    bool of_flow = e->kind == EVENT_CAPTURE_LOST && e->flow != UINT32_MAX;
    if ((e->kind == EVENT_MEDIA || of_flow) && s->refuse_media)
        return false;
    if (e->kind == EVENT_CAPTURE_LOST) {
        s->missed += e->missed.frames;
        return true;
    }
    if (event_is_user(e->kind)) {
        if (s->user)
            s->user(s->user_context, e);
        return true;
    }
    if (e->kind != EVENT_TICK)
        buf_printf(&s->log, "%d %u %u %u %lld %zu\n", e->kind, worker, e->call, e->flow,
                   (long long)e->time_ns, e->body.size);
    if (e->kind == EVENT_TICK)
        s->ticks++;
    else if (e->kind == EVENT_CALL_STARTED)
        on_started(s, e);
    else if (e->kind == EVENT_CALL_ENDED)
        on_ended(s, e);
    else
        on_call_event(s, e);
    return true;
}

/* ---- the stage ---- */

void scene_config(struct front_config *config)
{
    front_config_defaults(config);
    config->probe = "test";
    config->seed = (struct hash_seed){1, 2};
    memset(config->id_secret, 7, sizeof config->id_secret);
}

struct scene *scene_new(const struct front_config *config)
{
    struct front_config own;
    scene_config(&own);
    struct scene *s = calloc(1, sizeof *s);
    assert(s);
    s->call = calloc(SCENE_CALLS, sizeof *s->call);
    s->set = counters_set_new();
    s->counters = counters_block(s->set);
    buf_init(&s->log, 64 << 20);
    struct event_sink sink = {.context = s, .workers = 4, .push = take};
    int err = front_new(config ? config : &own, &sink, s->counters, &s->front);
    cr_assert_eq(err, 0);
    return s;
}

void scene_end(struct scene *s)
{
    front_finish(s->front, CALL_END_CUT);
    front_free(s->front);
    counters_set_free(s->set);
    buf_fini(&s->log);
    free(s->call);
    free(s);
}

struct endpoint scene_endpoint(const char *text)
{
    struct endpoint e = {0};
    const char *colon = strrchr(text, ':');
    bool ok = addr_parse(slice_of(text, (size_t)(colon - text)), &e.addr);
    cr_assert(ok, "%s", text);
    e.port = (uint16_t)atoi(colon + 1);
    return e;
}

static int64_t time_of(double at_ms)
{
    return SCENE_START_NS + (int64_t)(at_ms * 1e6);
}

void scene_udp(struct scene *s, double at_ms, const char *src, const char *dst, const void *data,
               size_t size)
{
    struct endpoint a = scene_endpoint(src), b = scene_endpoint(dst);
    struct buf frame;
    buf_init(&frame, 1 << 17);
    if (s->vlan) {
        buf_add(&frame, "\2\0\0\0\0\1\2\0\0\0\0\2\x81\0", 14);
        buf_u16(&frame, s->vlan);
        buf_u16(&frame, 0x0800);
    }
    buf_u16(&frame, 0x4500);
    buf_u16(&frame, (uint16_t)(size + 28));
    buf_u32(&frame, 0x12340000);
    buf_u16(&frame, 64 << 8 | PROTO_UDP);
    buf_u16(&frame, 0);
    buf_u32(&frame, (uint32_t)a.addr.low);
    buf_u32(&frame, (uint32_t)b.addr.low);
    buf_u16(&frame, a.port);
    buf_u16(&frame, b.port);
    buf_u16(&frame, (uint16_t)(size + 8));
    buf_u16(&frame, 0);
    buf_add(&frame, data, size);
    struct frame f = {.bytes = buf_view(&frame),
                      .wire_bytes = (uint32_t)frame.size,
                      .link_type = s->vlan ? LINK_ETHERNET : LINK_RAW,
                      .time_ns = time_of(at_ms)};
    front_frame(s->front, &f);
    buf_fini(&frame);
}

static const char *or_else(const char *text, const char *fallback)
{
    return text ? text : fallback;
}

static void add_tag(struct buf *b, const char *tag)
{
    if (tag && strcmp(tag, "-") != 0)
        buf_printf(b, ";tag=%s", tag);
    buf_str(b, "\r\n");
}

void scene_sip(struct scene *s, double at_ms, struct sip_line l)
{
    struct buf b;
    buf_init(&b, 1 << 16);
    const char *to = or_else(l.to, "bob"), *from = or_else(l.from, "alice");
    if (l.method)
        buf_printf(&b, "%s sip:%s@example.com SIP/2.0\r\n", l.method, to);
    else
        buf_printf(&b, "SIP/2.0 %d Some Reason\r\n", l.status);
    buf_printf(&b, "Via: SIP/2.0/UDP 10.9.9.9:5060;branch=%s\r\n", or_else(l.branch, "z9hG4bK1"));
    buf_printf(&b, "From: \"A. Caller\" <sip:%s@example.com>", from);
    add_tag(&b, or_else(l.from_tag, "a"));
    buf_printf(&b, "To: <sip:%s@example.com>", to);
    add_tag(&b, l.to_tag);
    buf_printf(&b, "Call-ID: %s\r\nCSeq: %d %s\r\n", or_else(l.call, "call-1"), l.cseq ? l.cseq : 1,
               l.method ? l.method : or_else(l.of, "INVITE"));
    buf_str(&b, or_else(l.headers, ""));
    if (l.sdp)
        buf_printf(&b, "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n%s",
                   or_else(l.type, "application/sdp"), strlen(l.sdp), l.sdp);
    else
        buf_str(&b, "Content-Length: 0\r\n\r\n");
    scene_udp(s, at_ms, l.src, l.dst, b.data, b.size);
    buf_fini(&b);
}

double scene_rtp(struct scene *s, double at_ms, struct rtp_run run)
{
    double step_ms = run.step_ms > 0 ? run.step_ms : 20;
    unsigned sequence_step = run.sequence_step ? run.sequence_step : 1;
    for (unsigned i = 0; i < run.count; i++) {
        uint8_t packet[172] = {0x80, run.payload_type};
        uint16_t sequence = (uint16_t)(run.sequence + i * sequence_step);
        uint32_t timestamp = run.timestamp + i * sequence_step * 160;
        for (unsigned k = 0; k < 4; k++) {
            if (k < 2)
                packet[2 + k] = (uint8_t)(sequence >> (8 - 8 * k));
            packet[4 + k] = (uint8_t)(timestamp >> (24 - 8 * k));
            packet[8 + k] = (uint8_t)(run.ssrc >> (24 - 8 * k));
        }
        scene_udp(s, at_ms + i * step_ms, run.src, run.dst, packet, sizeof packet);
    }
    return at_ms + run.count * step_ms;
}

void scene_rtcp(struct scene *s, double at_ms, const char *src, const char *dst, uint32_t ssrc)
{
    uint8_t packet[28] = {0x80, 200, 0, 6};
    for (unsigned k = 0; k < 4; k++)
        packet[4 + k] = (uint8_t)(ssrc >> (24 - 8 * k));
    scene_udp(s, at_ms, src, dst, packet, sizeof packet);
}

void scene_wait(struct scene *s, double until_ms)
{
    front_tick(s->front, time_of(until_ms));
}

void scene_finish(struct scene *s)
{
    front_finish(s->front, CALL_END_CUT);
}

const char *sdp_audio(const char *address, unsigned port, const char *more)
{
    static char ring[8][2048];
    static unsigned at;
    char *out = ring[at++ % 8];
    snprintf(
        out, sizeof ring[0],
        "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %u RTP/AVP 8 101\r\n"
        "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n%s",
        address, address, port, more ? more : "");
    return out;
}

void scene_setup(struct scene *s, double at_ms, const char *call)
{
    const char *a = sdp_audio("10.0.0.1", 4000, NULL), *b = sdp_audio("10.0.0.2", 5000, NULL);
    scene_sip(s, at_ms, (struct sip_line){UA, UB, "INVITE", .call = call, .sdp = a});
    scene_sip(s, at_ms + 50, (struct sip_line){UB, UA, .status = 100, .call = call});
    scene_sip(s, at_ms + 200,
              (struct sip_line){UB, UA, .status = 180, .call = call, .to_tag = "b"});
    scene_sip(s, at_ms + 1000,
              (struct sip_line){UB, UA, .status = 200, .call = call, .to_tag = "b", .sdp = b});
    scene_sip(
        s, at_ms + 1010,
        (struct sip_line){UA, UB, "ACK", .call = call, .to_tag = "b", .branch = "z9hG4bKack"});
}

void scene_bye(struct scene *s, double at_ms, const char *call)
{
    scene_sip(s, at_ms,
              (struct sip_line){UA, UB, "BYE", .call = call, .cseq = 2, .to_tag = "b",
                                .branch = "z9hG4bKbye"});
    scene_sip(s, at_ms + 20,
              (struct sip_line){UB, UA, .status = 200, .of = "BYE", .call = call, .cseq = 2,
                                .to_tag = "b", .branch = "z9hG4bKbye"});
}

double scene_talk(struct scene *s, double at_ms, unsigned packets)
{
    for (unsigned i = 0; i < packets; i++) {
        struct rtp_run run = {MA, MB, 1, 0xaaaa, (uint16_t)i, i * 160, 8};
        scene_rtp(s, at_ms + i * 20, run);
        run = (struct rtp_run){MB, MA, 1, 0xbbbb, (uint16_t)i, i * 160, 8};
        scene_rtp(s, at_ms + i * 20 + 5, run);
    }
    return at_ms + packets * 20;
}

unsigned scene_rtp_of(const struct scene *s, unsigned index, enum call_party party)
{
    unsigned n = 0;
    for (unsigned i = 0; i < s->call[index].flow_count; i++) {
        const struct seen_flow *f = &s->call[index].flow[i];
        n += f->media.party == party ? f->rtp : 0;
    }
    return n;
}

const struct seen_flow *scene_flow(const struct scene *s, unsigned index, const char *src,
                                   const char *dst)
{
    struct endpoint a = scene_endpoint(src), b = scene_endpoint(dst);
    for (unsigned i = 0; i < s->call[index].flow_count; i++) {
        const struct seen_flow *f = &s->call[index].flow[i];
        if (endpoint_equal(&f->ends.src, &a) && endpoint_equal(&f->ends.dst, &b))
            return f;
    }
    return NULL;
}

uint64_t scene_count(const struct scene *s, unsigned cell)
{
    return counters_sum(s->set, cell);
}
