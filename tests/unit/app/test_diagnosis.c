/* The diagnosis against a generator that knows the truth: calls with one thing wrong, of which the
 * label must tell where, when and what it cost, and many calls with nothing wrong, which must get
 * none. */
#include <criterion/criterion.h>

#include <math.h>

#include "app/settings.h"
#include "app/setup.h"
#include "app/worker.h"
#include "base/error.h"
#include "capture/net/datagram.h"
#include "capture/sip/sdp.h"
#include "decode/score.h"
#include "storage/record_pack.h"

TestSuite(diagnosis, .timeout = 60);

#define SECOND     INT64_C(1000000000)
#define MS         INT64_C(1000000)
#define BEGIN      (1000 * SECOND)
#define ANSWER     (BEGIN + 3 * SECOND)
#define SSRC(side) (0x1000u + (uint32_t)(side))

/* ---- the plan of a call ---- */

enum wrong {
    NOTHING,
    LOSS,
    BURSTS,
    GAP,
    LATE,
    ONE_WAY,
    NO_RTP,
    PAYLOAD,
    CODECS,
    PTIMES,
    DSCP_CHANGE,
    DSCP_POLICY,
    NAT,
    AFTER_BYE,
    NO_BYE,
    HOLD,
    MOVED,
    JITTER,
    TAP,
    DRIFT,
    REFUSED,
    SILENT,
    CLIPPED,
    FROZEN,
    ECHO,
    WRONGS
};

struct plan {
    enum wrong wrong;
    unsigned side;       /* who speaks: 0 caller, 1 callee */
    unsigned seconds;    /* from answer to end */
    double from_s, to_s; /* of what is wrong, since the answer */
    unsigned every, run; /* of loss: so many frames in a row of so many */
    uint32_t seed;
};

#define BURSTS_MAX 32
struct truth {
    uint64_t due, lost, runs;
    int64_t burst_ns[BURSTS_MAX]; /* when the first frame of each run was due */
};

static uint32_t roll(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

/* ---- events of a call ---- */

struct maker {
    struct worker *w;
    struct call_record *record;
    struct counters_set *counters;
    struct settings settings;
};

static const struct addr hosts[2] = {{0, 0xffff0a000001}, {0, 0xffff0a000002}};

static void keep(void *context, struct call_record *record)
{
    struct maker *m = context;
    m->record = record;
}

static void maker_open(struct maker *m, const char *dscp)
{
    struct pipeline_config config;
    struct why why = {0};
    *m = (struct maker){.counters = counters_set_new()};
    settings_defaults(&m->settings);
    cr_assert_eq(settings_set(&m->settings, "diagnosis", "dscp_rtp", dscp, &why), 0);
    cr_assert_eq(settings_set(&m->settings, "diagnosis", "hold_long", "10", &why), 0);
    setup_pipeline(&m->settings, NULL, &config);
    config.worker.context = m;
    config.worker.emit = keep;
    cr_assert_eq(worker_new(&config.worker, counters_block(m->counters), &m->w, &why), 0);
}

static void maker_close(struct maker *m)
{
    worker_free(m->w);
    counters_set_free(m->counters);
    settings_free(&m->settings);
}

static struct endpoint media_of(unsigned side)
{
    return (struct endpoint){.addr = hosts[side], .port = (uint16_t)(4000 + 2 * side)};
}

static void bind(struct maker *m, const struct plan *p, unsigned side)
{
    struct flow_media media = {.party = side ? CALL_CALLEE : CALL_CALLER,
                               .media_type = SDP_AUDIO,
                               .announced = true,
                               .ptime_ms = 20,
                               .codec_count = 2,
                               .negotiated_count = 2};
    struct endpoint src = media_of(side), dst = media_of(!side);
    bool odd = p->side == side;
    cr_assert(rtp_codec_static(0, &media.codecs[0]));
    cr_assert(rtp_codec_static(8, &media.codecs[1]));
    if (odd && p->wrong == NAT) {
        src.addr.low += 0x100;
        media.confidence = FLOW_LEARNED;
    }
    struct event e = {.kind = EVENT_FLOW_BOUND,
                      .flow = side,
                      .time_ns = BEGIN,
                      .body = slice_of(&media, sizeof media),
                      .bound = {.src = src, .dst = dst}};
    worker_event(m->w, &e);
}

static bool within(const struct plan *p, int64_t at)
{
    return at >= ANSWER + (int64_t)(p->from_s * 1e9) && at < ANSWER + (int64_t)(p->to_s * 1e9);
}

static bool is_lost(const struct plan *p, int64_t at, uint32_t n, struct truth *t)
{
    if ((p->wrong != LOSS && p->wrong != BURSTS) || !within(p, at))
        return false;
    bool lost = n % p->every < p->run;
    t->due++;
    t->lost += lost;
    if (lost && n % p->every == 0 && t->runs < BURSTS_MAX)
        t->burst_ns[t->runs] = at;
    t->runs += lost && n % p->every == 0;
    return lost;
}

/* Delay of the network: up to 20 ms, never out of order. */
static int64_t delay_of(const struct plan *p, bool odd, int64_t at, uint32_t n, uint32_t *seed)
{
    int64_t delay = roll(seed) % 20000 * 1000;
    if (odd && p->wrong == JITTER && within(p, at))
        return (15 - n % 16) * 20 * MS; /* sixteen at once */
    return delay;
}

static void packet(struct maker *m, const struct plan *p, unsigned side, uint32_t n,
                   int64_t arrives)
{
    bool odd = p->side == side;
    unsigned ptime = odd && p->wrong == PTIMES ? 30 : 20;
    uint8_t bytes[12 + 240] = {0x80};
    uint32_t stamp = n * ptime * 8;
    bytes[1] = odd && p->wrong == PAYLOAD ? 97 : odd && p->wrong == CODECS ? 8 : 0;
    for (unsigned i = 0; i < 4; i++) {
        bytes[4 + i] = (uint8_t)(stamp >> (24 - 8 * i));
        bytes[8 + i] = (uint8_t)(SSRC(side) >> (24 - 8 * i));
    }
    bytes[2] = (uint8_t)(n >> 8);
    bytes[3] = (uint8_t)n;
    uint8_t dscp = 46;
    if (odd && (p->wrong == DSCP_POLICY || (p->wrong == DSCP_CHANGE && n > 200)))
        dscp = 0;
    struct event e = {
        .kind = EVENT_MEDIA,
        .flow = side,
        .time_ns = arrives,
        .body = slice_of(bytes, 12 + 8 * ptime),
        .media = {.wire_bytes = 12 + 8 * ptime, .ttl = 60, .tos = (uint8_t)(dscp << 2)}};
    worker_event(m->w, &e);
}

struct speaker {
    uint32_t n, seed;
    int64_t next_ns, last_ns, end_ns;
};

/* The next packet of a side at its time; what is wrong decides whether it is sent. */
static void speak(struct maker *m, const struct plan *p, unsigned side, struct speaker *s,
                  struct truth *t)
{
    bool odd = p->side == side;
    unsigned ptime = odd && p->wrong == PTIMES ? 30 : 20;
    int64_t at = s->next_ns;
    uint32_t n = s->n++;
    s->next_ns += ptime * MS - (odd && p->wrong == DRIFT ? 10000 : 0); /* 500 ppm fast */
    bool silent =
        odd && (p->wrong == ONE_WAY || p->wrong == TAP || (p->wrong == LATE && within(p, at)));
    if (odd && p->wrong == GAP &&
        within(p, at)) { /* the sender stands still and goes on where it was */
        s->n--;
        return;
    }
    if (p->wrong == HOLD && within(p, at))
        return;
    if (silent || p->wrong == NO_RTP || (odd && is_lost(p, at, n, t)))
        return;
    int64_t arrives = at + delay_of(p, odd, at, n, &s->seed);
    s->last_ns = arrives > s->last_ns ? arrives : s->last_ns + 1;
    packet(m, p, side, n, s->last_ns);
}

static void sound(struct maker *m, const struct plan *p, struct truth *t)
{
    struct speaker s[2];
    for (unsigned side = 0; side < 2; side++) {
        int64_t more = p->wrong == AFTER_BYE && side == p->side ? 4 * SECOND : 0;
        s[side] = (struct speaker){.seed = p->seed + side + 1,
                                   .next_ns = ANSWER + 30 * MS,
                                   .end_ns = ANSWER + p->seconds * SECOND + more};
    }
    for (;;) {
        unsigned side = s[1].next_ns < s[0].next_ns;
        if (s[side].next_ns >= s[side].end_ns)
            side = !side;
        if (s[side].next_ns >= s[side].end_ns)
            break;
        speak(m, p, side, &s[side], t);
    }
}

static void note(struct call *c, const char *kind, const char *detail, double at_s)
{
    struct call_event *e = arena_alloc(c->arena, sizeof *e);
    struct call_event **end = &c->events;
    e->time_ns = ANSWER + (int64_t)(at_s * 1e9);
    e->kind = kind;
    e->detail = slice_str(detail);
    while (*end)
        end = &(*end)->next;
    *end = e;
    c->event_count++;
}

static void announce(struct call *c, unsigned side)
{
    struct call_announced *a = arena_alloc(c->arena, sizeof *a);
    *a = (struct call_announced){.time_ns = BEGIN,
                                 .addr = hosts[side],
                                 .port = media_of(side).port,
                                 .types = {1 | 1 << 8},
                                 .party = side ? CALL_CALLEE : CALL_CALLER};
    a->next = c->announced;
    c->announced = a;
    c->announced_count++;
}

/* ICMP about what this side sends, once a second. */
static void refuse(struct call *c, const struct plan *p)
{
    c->unreachable = arena_alloc(c->arena, sizeof *c->unreachable);
    *c->unreachable = (struct call_unreachable){.src = media_of(p->side),
                                                .dst = media_of(!p->side),
                                                .by = hosts[!p->side],
                                                .media = true,
                                                .count = p->seconds,
                                                .first_ns = ANSWER + SECOND / 10,
                                                .last_ns = c->ended_ns - SECOND / 2};
}

/* What would be measured once the call is rendered. */
static void listen(struct maker *m, const struct plan *p, struct call_record *r)
{
    static const char *const kinds[WRONGS] = {
        [SILENT] = "silence", [CLIPPED] = "clipping", [FROZEN] = "frozen_audio"};
    static struct record_sound_channel channels[2];
    static struct record_sound_stretch stretch;
    static struct record_echo echo;
    int64_t before_ms = 1000; /* it begins ahead of the answer */
    int64_t at_ms = (int64_t)(1000 * p->from_s) + before_ms,
            length_ms = (int64_t)(1000 * (p->to_s - p->from_s));
    struct diagnose_config config;
    r->recording.started_us = r->answered_us - before_ms * 1000;
    r->recording.sound = (struct record_sound){.channel_count = 2, .channels = channels};
    channels[0] = channels[1] =
        (struct record_sound_channel){.heard_ms = 20000, .digital_silence_ratio = 0.4, .spurts = 9};
    if (p->wrong == ECHO) {
        echo = (struct record_echo){!p->side, 240, 20, 8, 7, at_ms, length_ms};
        r->recording.sound.echo = &echo;
        r->recording.sound.echo_count = 1;
    } else if (kinds[p->wrong]) {
        stretch = (struct record_sound_stretch){p->side, kinds[p->wrong], at_ms, length_ms, 0.2};
        r->recording.sound.stretches = &stretch;
        r->recording.sound.stretch_count = 1;
    }
    cr_assert_eq(diagnose_configure(&m->settings, &config, NULL), 0);
    diagnose(r, &config);
}

static void end(struct maker *m, const struct plan *p)
{
    struct arena *arena = arena_new(4096, 1 << 20);
    struct call *c = arena_alloc(arena, sizeof *c);
    *c = (struct call){.arena = arena,
                       .state = CALL_ENDED,
                       .outcome = CALL_OUTCOME_ANSWERED,
                       .end_reason = p->wrong == NO_BYE ? CALL_END_MEDIA_TIMEOUT : CALL_END_BYE,
                       .started_ns = BEGIN,
                       .processed_ns = BEGIN,
                       .answered_ns = ANSWER,
                       .ended_ns = ANSWER + p->seconds * SECOND,
                       .one_sided_calls = p->wrong == TAP ? 4 : 0};
    if (p->wrong != NO_BYE)
        c->bye_ns = c->ended_ns;
    announce(c, 0);
    announce(c, 1);
    if (p->wrong == REFUSED)
        refuse(c, p);
    if (p->wrong == HOLD) {
        note(c, "hold", p->side ? "callee" : "caller", p->from_s);
        note(c, "resume", p->side ? "callee" : "caller", p->to_s);
    }
    if (p->wrong == MOVED)
        note(c, "media_moved", "10.0.0.1:4010", p->from_s);
    struct event e = {.kind = EVENT_CALL_ENDED, .time_ns = c->ended_ns, .ended = {.call = c}};
    worker_event(m->w, &e);
}

/* The record is the caller's. */
static struct call_record *make(struct maker *m, const struct plan *p, struct truth *t)
{
    struct call_brief brief = {.kind = CALL_SIP, .started_ns = BEGIN};
    struct event start = {
        .kind = EVENT_CALL_STARTED, .time_ns = BEGIN, .body = slice_of(&brief, sizeof brief)};
    *t = (struct truth){0};
    m->record = NULL;
    worker_event(m->w, &start);
    bind(m, p, 0);
    bind(m, p, 1);
    sound(m, p, t);
    end(m, p);
    worker_flush(m->w);
    cr_assert_not_null(m->record);
    if (p->wrong >= SILENT)
        listen(m, p, m->record);
    return m->record;
}

/* ---- what is expected ---- */

struct expected {
    const char *label;
    bool both;  /* no direction */
    bool timed; /* from and to are those of the plan */
    const char *side;
    const char *cause;
};

static const struct expected expected[WRONGS] = {
    [LOSS] = {"loss", false, true, "before_tap"},
    [BURSTS] = {"burst_loss", false, false, "before_tap"},
    [GAP] = {"long_gap", false, true, "before_tap"},
    [LATE] = {"late_media", false, true, "unknown"},
    [ONE_WAY] = {"one_way", false, true, "before_tap", "firewall"},
    [NO_RTP] = {"no_rtp", true, true, "before_tap", "firewall"},
    [PAYLOAD] = {"payload_mismatch", false, true, "unknown"},
    [CODECS] = {"codec_asymmetry", true, true, "unknown"},
    [PTIMES] = {"ptime_asymmetry", true, true, "unknown"},
    [DSCP_CHANGE] = {"dscp_remark", false, true, "before_tap"},
    [DSCP_POLICY] = {"dscp_mismatch", false, true, "unknown"},
    [NAT] = {"nat_mismatch", false, true, "unknown"},
    [AFTER_BYE] = {"rtp_after_bye", false, true, "unknown"},
    [NO_BYE] = {"bye_missing", true, true, "unknown"},
    [HOLD] = {"hold_long", true, true, "unknown"},
    [MOVED] = {"media_moved", true, true, "unknown"},
    [JITTER] = {"jitter", false, true, "before_tap"},
    [DRIFT] = {"clock_drift", false, true, "before_tap"},
    [TAP] = {"capture_one_sided", false, true, "at_tap"},
    [REFUSED] = {"one_way", false, true, "unknown", "refused"},
    [SILENT] = {"silence", false, true, "before_tap"},
    [CLIPPED] = {"clipping", false, true, "before_tap"},
    [FROZEN] = {"frozen_audio", false, true, "before_tap"},
    [ECHO] = {"echo", false, true, "before_tap"},
};

static const struct record_label *find(const struct call_record *r, const char *name)
{
    for (uint32_t i = 0; i < r->diagnosis.label_count; i++)
        if (strcmp(r->diagnosis.labels[i].name, name) == 0)
            return &r->diagnosis.labels[i];
    return NULL;
}

static void check_mos(const struct record_label *l, const struct truth *t, const char *what)
{
    struct score with = score_loss(slice_str("PCMU"), slice_none(), t->due, t->lost, t->runs);
    struct score without = score_loss(slice_str("PCMU"), slice_none(), t->due, 0, 0);
    cr_expect_float_eq(l->mos_with, with.mos_lq, 0.05,
                       "%s: MOS with %g, not %g (%g %% in runs of %g, not %g %% in runs of %g)",
                       what, l->mos_with, with.mos_lq, l->evidence[0].value, l->evidence[2].value,
                       100 * (double)t->lost / (double)t->due, (double)t->lost / (double)t->runs);
    cr_expect_float_eq(l->mos_without, without.mos_lq, 0.05, "%s: MOS without %g", what,
                       l->mos_without);
}

/* The label names one of the bursts, and the second in which it was. */
static void check_burst(const struct record_label *l, const struct plan *p, const struct truth *t,
                        const char *what)
{
    int64_t from_ns = ANSWER + l->from_ms * MS, to_ns = ANSWER + l->to_ms * MS;
    bool there = false;
    for (uint64_t i = 0; i < t->runs && i < BURSTS_MAX; i++)
        there |= llabs(from_ns - t->burst_ns[i]) <= SECOND &&
                 llabs(to_ns - (t->burst_ns[i] + p->run * 20 * MS)) <= SECOND;
    cr_expect(there, "%s: no burst from %lld to %lld", what, (long long)l->from_ms,
              (long long)l->to_ms);
    check_mos(l, &(struct truth){.due = 50, .lost = p->run, .runs = 1}, what);
}

/* What the buffer made of it is proven elsewhere; here, that it is this stretch's, and what it
 * cost. */
static void check_jitter(const struct record_label *l, const char *what)
{
    double discarded = NAN;
    for (uint32_t i = 0; i < l->evidence_count; i++)
        if (strcmp(l->evidence[i].name, "discarded") == 0)
            discarded = l->evidence[i].value;
    cr_expect_gt(discarded, 0, "%s", what);
    uint64_t late = (uint64_t)discarded, due = (uint64_t)(l->to_ms - l->from_ms) / 20;
    struct score with = score_loss(slice_str("PCMU"), slice_none(), due, late, late);
    struct score without = score_loss(slice_str("PCMU"), slice_none(), due, 0, 0);
    cr_expect_float_eq(l->mos_with, with.mos_lq, 0.05, "%s: MOS with %g, not %g", what, l->mos_with,
                       with.mos_lq);
    cr_expect_float_eq(l->mos_without, without.mos_lq, 0.05, "%s: MOS without %g", what,
                       l->mos_without);
}

static void check(const struct call_record *r, const struct plan *p, const struct truth *t)
{
    const struct expected *x = &expected[p->wrong];
    char what[96];
    snprintf(what, sizeof what, "%s of side %u from %.1f to %.1f (seed %u)", x->label, p->side,
             p->from_s, p->to_s, p->seed);
    const struct record_label *l = find(r, x->label);
    cr_assert_not_null(l, "%s: no such label", what);
    if (x->both)
        cr_expect_null(l->direction, "%s", what);
    else
        cr_expect_str_eq(l->direction, p->side ? "callee_to_caller" : "caller_to_callee", "%s",
                         what);
    cr_expect_str_eq(l->side, x->side, "%s", what);
    if (x->cause)
        cr_expect_str_eq(l->cause, x->cause, "%s", what);
    if (x->timed) {
        cr_expect_leq(llabs(l->from_ms - (int64_t)(1000 * p->from_s)), 1000, "%s: from %lld", what,
                      (long long)l->from_ms);
        cr_expect_leq(llabs(l->to_ms - (int64_t)(1000 * p->to_s)), 1000, "%s: to %lld", what,
                      (long long)l->to_ms);
    }
    if (p->wrong == LOSS)
        check_mos(l, t, what);
    else if (p->wrong == BURSTS)
        check_burst(l, p, t, what);
    else if (p->wrong == JITTER)
        check_jitter(l, what);
    else /* of nothing else is it known what it costs */
        cr_expect(isnan(l->mos_with) && isnan(l->mos_without), "%s: MOS %g", what, l->mos_with);
}

/* When what is wrong begins and ends, by what it is. */
static struct plan plan_of(enum wrong wrong, uint32_t seed)
{
    uint32_t dice = seed * 2654435761u + wrong;
    double from = 4 + roll(&dice) % 4000 / 1000.0, lasts = 12 + roll(&dice) % 5000 / 1000.0;
    struct plan p = {.wrong = wrong,
                     .side = seed % 2,
                     .seconds = 30,
                     .from_s = from,
                     .to_s = from + lasts,
                     .seed = seed * 97 + 5};
    switch (wrong) {
    case LOSS:
        p.seconds = 45;
        p.to_s += 10;
        p.run = 1 + seed % 3;
        p.every = p.run * (8 + 4 * (seed % 3));
        break;
    case BURSTS:
        p.run = 6 + seed;
        p.every = 400;
        break;
    case GAP:
        p.to_s = from + 1.5 + seed % 3;
        break;
    case LATE:
        p.from_s = 0;
        p.to_s = 2.5 + seed % 4;
        break;
    case AFTER_BYE:
        p.from_s = p.seconds;
        p.to_s = p.seconds + 4;
        break;
    case NO_BYE:
        p.from_s = p.to_s = p.seconds;
        break;
    case MOVED:
        p.to_s = from;
        break;
    case JITTER: /* a part of a step more or less: how it swings in decides */
        p.from_s = 5;
        break;
    case HOLD:
    case SILENT:
    case CLIPPED:
    case FROZEN:
    case ECHO:
        break;
    case DRIFT:
        p.seconds = 60;
        p.from_s = 0;
        p.to_s = 60;
        break;
    default:
        p.from_s = 0;
        p.to_s = p.seconds;
        break;
    }
    return p;
}

/* ---- and once more from what is stored ---- */

static struct call_record *stored(const struct call_record *r)
{
    struct call_record *out = record_new(), copy = *r;
    struct buf bytes;
    buf_init(&bytes, 1 << 20);
    for (int reading = 0; reading < 2; reading++) {
        struct pack p = reading ? pack_reader(buf_view(&bytes), out->arena) : pack_writer(&bytes);
        struct call_record *v = reading ? out : &copy;
        record_pack_events(&p, &v->events, &v->event_count);
        pack_u32(&p, &v->stream_count);
        if (reading)
            v->streams = arena_alloc(v->arena, v->stream_count * sizeof *v->streams);
        for (uint32_t i = 0; i < v->stream_count; i++) {
            struct record_stream *s = &v->streams[i];
            struct slice detail, series;
            struct buf b[2];
            for (int k = 0; k < 2; k++)
                buf_init(&b[k], 1 << 20);
            if (!reading) { /* a row each, as the store has them */
                struct pack w = pack_writer(&b[0]), x = pack_writer(&b[1]);
                record_pack_stream(&w, s);
                series_pack(&x, &s->series);
                detail = buf_view(&b[0]);
                series = buf_view(&b[1]);
            }
            pack_text(&p, &detail);
            pack_text(&p, &series);
            if (reading) {
                struct pack w = pack_reader(detail, v->arena), x = pack_reader(series, v->arena);
                record_stream_init(s);
                record_pack_stream(&w, s);
                series_pack(&x, &s->series);
                cr_assert(!w.failed && !x.failed);
            }
            for (int k = 0; k < 2; k++)
                buf_fini(&b[k]);
        }
        struct buf one;
        struct slice text = {0};
        buf_init(&one, 1 << 20);
        if (!reading) {
            struct pack w = pack_writer(&one);
            record_pack_call(&w, v);
            text = buf_view(&one);
        }
        pack_text(&p, &text);
        if (reading) {
            struct pack w = pack_reader(text, v->arena);
            record_pack_call(&w, v);
            cr_assert(!w.failed);
        }
        buf_fini(&one);
        cr_assert(!p.failed);
    }
    buf_fini(&bytes);
    out->recording = r->recording;
    return out;
}

static void check_stored(struct maker *m, const struct call_record *r, const char *what)
{
    struct call_record *again = stored(r);
    struct diagnose_config config;
    cr_assert_eq(diagnose_configure(&m->settings, &config, NULL), 0);
    diagnose(again, &config);
    cr_assert_eq(again->diagnosis.label_count, r->diagnosis.label_count, "%s", what);
    for (uint32_t i = 0; i < r->diagnosis.label_count; i++) {
        const struct record_label *a = &r->diagnosis.labels[i], *b = &again->diagnosis.labels[i];
        cr_expect_str_eq(a->name, b->name, "%s", what);
        cr_expect_str_eq(a->side, b->side, "%s", what);
        cr_expect(a->from_ms == b->from_ms && a->to_ms == b->to_ms, "%s", what);
        cr_expect(isnan(a->mos_with) ? isnan(b->mos_with) : a->mos_with == b->mos_with, "%s", what);
    }
    cr_expect(slice_equal(again->diagnosis.summary, r->diagnosis.summary), "%s", what);
    cr_expect(again->one_way == r->one_way && again->no_rtp == r->no_rtp, "%s", what);
    record_free(again);
}

Test(diagnosis, the_generator_knows_every_label)
{
    static const char *const all[] = {
#define LABEL(name, threshold, unit, weight, help) #name,
#include "app/diagnose/labels.def"
#undef LABEL
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool known = false;
        for (enum wrong wrong = LOSS; wrong < WRONGS; wrong++)
            known |= strcmp(expected[wrong].label, all[i]) == 0;
        cr_expect(known, "%s", all[i]);
    }
}

Test(diagnosis, each_thing_that_is_wrong_gets_its_label_where_and_when_it_was)
{
    struct maker m;
    struct truth t;
    unsigned calls = 0;
    maker_open(&m, "46");
    for (enum wrong wrong = LOSS; wrong < WRONGS; wrong++) {
        for (uint32_t seed = 1; seed <= (wrong == LOSS ? 12 : 3); seed++) {
            struct plan p = plan_of(wrong, seed);
            struct call_record *r = make(&m, &p, &t);
            check(r, &p, &t);
            check_stored(&m, r, expected[wrong].label);
            bool heard =
                r->diagnosis.labels && find(r, expected[wrong].label) == r->diagnosis.labels;
            if (heard && (wrong <= NO_RTP || wrong >= REFUSED))
                cr_expect_gt(r->diagnosis.summary.size, 20, "%s", expected[wrong].label);
            record_free(r);
            calls++;
        }
    }
    maker_close(&m);
    cr_assert_geq(calls, 60);
}

Test(diagnosis, a_thousand_clean_calls_get_no_label)
{
    struct maker m;
    struct truth t;
    maker_open(&m, "46");
    for (uint32_t n = 0; n < 1000; n++) {
        struct plan p = {.wrong = NOTHING, .seconds = 12, .seed = 1 + n * 7};
        struct call_record *r = make(&m, &p, &t);
        cr_expect_eq(r->diagnosis.label_count, 0, "call %u: %s", n,
                     r->diagnosis.label_count ? r->diagnosis.labels[0].name : "");
        cr_expect_eq(r->diagnosis.summary.size, 0);
        record_free(r);
    }
    maker_close(&m);
}

Test(diagnosis, a_bad_call_is_one_sentence)
{
    struct maker m;
    struct truth t;
    struct plan p = {.wrong = LOSS,
                     .side = 0,
                     .seconds = 50,
                     .from_s = 12,
                     .to_s = 41,
                     .every = 64,
                     .run = 4,
                     .seed = 9};
    maker_open(&m, "");
    struct call_record *r = make(&m, &p, &t);
    char text[400];
    slice_copy_to(r->diagnosis.summary, text, sizeof text);
    cr_expect_str_eq(text, "from 00:12 to 00:40 B heard A badly: 6.2 % loss in bursts of 4, before "
                           "the tap; MOS-LQ 3.7 instead of 4.4");
    record_free(r);
    maker_close(&m);
}

Test(diagnosis, a_threshold_of_0_turns_a_label_off)
{
    struct maker m;
    struct truth t;
    struct plan p = plan_of(LATE, 1);
    struct diagnose_config off = {0};
    maker_open(&m, "");
    struct call_record *r = make(&m, &p, &t);
    cr_expect_not_null(find(r, "late_media"));
    diagnose(r, &off);
    cr_expect_eq(r->diagnosis.label_count, 0);
    record_free(r);
    maker_close(&m);
}
