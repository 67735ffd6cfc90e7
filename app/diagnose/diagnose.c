/* The call is laid out on its time line once, then each family looks at it. */
#include "app/diagnose/parts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "base/counters.h"
#include "decode/score.h"

#define NOTHING_FALL 3.5 /* from the best MOS of narrowband to 1 */
#define WHOLE_CALL   90  /* weights from here on: somebody heard nothing, however the rest was */

struct label_info {
    const char *name;
    int weight;
};

static const struct label_info labels[DIAGNOSE_LABELS] = {
#define LABEL(name, threshold, unit, weight, help) {#name, weight},
#include "app/diagnose/labels.def"
#undef LABEL
};

static_assert(DIAGNOSE_LABELS == (int)LABEL_COUNT_DIAGNOSIS, "labels.def of base names the same");
static_assert(DIAGNOSE_LABELS <= 32, "bits of diagnose_labels()");

/* ---- the time line ---- */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t last_sign_us(const struct call_record *r)
{
    int64_t last = r->ended_us;
    for (uint32_t i = 0; i < r->stream_count && r->ended_us == 0; i++)
        last = r->streams[i].last_us > last ? r->streams[i].last_us : last;
    return last;
}

static void lay_holds(struct look *k)
{
    const struct call_record *r = k->r;
    bool open = false;
    for (uint32_t i = 0; i < r->event_count; i++) {
        const struct record_event *e = &r->events[i];
        if (slice_is(e->kind, "hold") && !open && k->hold_count < HOLDS_MAX) {
            k->held_by[k->hold_count] = slice_is(e->detail, "callee") ? "callee" : "caller";
            k->hold[k->hold_count++] = (struct span){e->time_us, k->end_us};
            open = true;
        } else if (slice_is(e->kind, "resume") && open) {
            k->hold[k->hold_count - 1].to_us = e->time_us;
            open = false;
        }
    }
}

static void lay_out(struct look *k)
{
    const struct call_record *r = k->r;
    bool mgcp = strcmp(r->kind, "mgcp") == 0;
    k->answered = r->answered_us != 0 && (mgcp || strcmp(r->kind, "call") == 0);
    k->whole = mgcp ? !r->partial : r->processed_us != 0;
    k->begin_us = r->answered_us ? r->answered_us : r->started_us;
    k->end_us = last_sign_us(r);
    lay_holds(k);
}

int64_t talk_us(const struct look *k)
{
    int64_t talk = k->end_us - k->begin_us;
    for (unsigned i = 0; i < k->hold_count; i++)
        talk -= k->hold[i].to_us - k->hold[i].from_us;
    return talk;
}

bool held_during(const struct look *k, struct span at)
{
    for (unsigned i = 0; i < k->hold_count; i++)
        if (at.from_us < k->hold[i].to_us + HOLD_SLACK_US &&
            at.to_us > k->hold[i].from_us - HOLD_SLACK_US)
            return true;
    return false;
}

/* ---- directions ---- */

const char *way_party(enum way w)
{
    return w == WAY_CALLER ? "caller" : "callee";
}

enum way way_of(const struct record_stream *s)
{
    if (strcmp(s->party, "caller") == 0)
        return WAY_CALLER;
    return strcmp(s->party, "callee") == 0 ? WAY_CALLEE : WAYS;
}

bool is_sound_stream(const struct record_stream *s)
{
    return !record_stream_foreign(s) && strcmp(s->media_type, "audio") == 0 && !s->orphan;
}

const struct record_stream *way_stream(const struct look *k, enum way w)
{
    const struct record_stream *best = NULL;
    for (uint32_t i = 0; i < k->r->stream_count; i++) {
        const struct record_stream *s = &k->r->streams[i];
        if (is_sound_stream(s) && way_of(s) == w && (best == NULL || s->packets > best->packets))
            best = s;
    }
    return best;
}

uint64_t sound_after_answer(const struct look *k, const struct record_stream *s)
{
    const struct record_series *t = &s->series;
    uint64_t packets = 0, other = s->noise_packets + s->event_packets;
    if (s->first_us >= k->begin_us)
        packets = s->packets;
    else
        for (uint32_t i = 0; i < t->step_count; i++)
            if (t->start_us + (int64_t)i * t->step_ms * 1000 >= k->begin_us)
                packets += t->packets[i];
    return packets > other ? packets - other : 0;
}

bool type_is_announced(const struct look *k, const struct record_stream *s)
{
    uint64_t types[2] = {0, 0};
    enum way w = way_of(s);
    for (uint32_t i = 0; w < WAYS && i < k->r->diagnosis.announced_count; i++) {
        const struct record_announced *a = &k->r->diagnosis.announced[i];
        if (strcmp(a->party, way_party(way_back(w))) != 0)
            continue;
        types[0] |= a->types[0];
        types[1] |= a->types[1];
    }
    return (types[0] | types[1]) == 0 ||
           (types[s->payload_type / 64 & 1] >> s->payload_type % 64 & 1);
}

/* Ports open a little late and close a little early: a few such reports at the edges are everyday.
 * Hosts send about one a second, whatever comes. */
#define UNREACHED_LEAST 3

const struct record_unreachable *unreached(const struct look *k, const struct record_stream *s)
{
    for (uint32_t i = 0; i < k->r->diagnosis.unreachable_count; i++) {
        const struct record_unreachable *u = &k->r->diagnosis.unreachable[i];
        if (strcmp(u->what, "media") != 0 || !endpoint_equal(&u->src, &s->src) ||
            !endpoint_equal(&u->dst, &s->dst) || u->count < UNREACHED_LEAST)
            continue;
        int64_t heard_us = most(0, least(s->last_us, k->end_us) - most(s->first_us, k->begin_us));
        int64_t refused_us = least(u->last_us, k->end_us) - most(u->first_us, k->begin_us);
        if (refused_us > 0 && 2 * refused_us >= heard_us)
            return u;
    }
    return NULL;
}

const struct record_announced *announced_last(const struct look *k, enum way party)
{
    const struct record_announced *last = NULL;
    for (uint32_t i = 0; i < k->r->diagnosis.announced_count; i++) {
        const struct record_announced *a = &k->r->diagnosis.announced[i];
        if (strcmp(a->party, way_party(party)) == 0 && a->at.port)
            last = a;
    }
    return last;
}

/* ---- which side of the tap ---- */

static int64_t suspect_us(const struct record_diagnosis *d, struct span at)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < d->suspect_count; i++)
        sum +=
            most(0, least(at.to_us, d->suspect[i].to_us) - most(at.from_us, d->suspect[i].from_us));
    return sum;
}

static bool is_suspect(const struct record_diagnosis *d, struct span at)
{
    for (uint32_t i = 0; i < d->suspect_count; i++)
        if (d->suspect[i].from_us < at.to_us && at.from_us <= d->suspect[i].to_us)
            return true;
    return false;
}

const char *side_of_loss(const struct look *k, const struct record_stream *s, struct span at)
{
    const struct record_diagnosis *d = &k->r->diagnosis;
    const struct record_series *t = &s->series;
    int64_t step_us = (int64_t)t->step_ms * 1000;
    uint64_t ours = 0, lost = 0;
    if (d->suspect_count == 0) /* when it was is not known */
        return k->r->capture_suspect || s->capture_refused ? "at_tap" : "before_tap";
    for (uint32_t i = 0; i < t->step_count; i++) {
        struct span step = {t->start_us + i * step_us, t->start_us + (i + 1) * step_us};
        if (step.from_us >= at.to_us || step.to_us <= at.from_us)
            continue;
        lost += t->lost[i];
        ours += is_suspect(d, step) ? t->lost[i] : 0;
    }
    bool at_tap = lost ? 2 * ours >= lost : 2 * suspect_us(d, at) >= at.to_us - at.from_us;
    return at_tap ? "at_tap" : "before_tap";
}

/* ---- labels ---- */

static int64_t offset_ms(const struct look *k, int64_t time_us)
{
    return k->begin_us ? (time_us - k->begin_us) / 1000 : 0;
}

struct record_label *label_add(struct look *k, enum diagnose_label label, enum way w,
                               struct span at)
{
    struct record_diagnosis *d = &k->r->diagnosis;
    if (!label_on(k, label) || d->label_count >= RECORD_LABELS_MAX || d->labels == NULL)
        return NULL;
    struct record_label *l = &d->labels[d->label_count++];
    *l = (struct record_label){
        .name = labels[label].name,
        .direction = w == WAY_CALLER   ? "caller_to_callee"
                     : w == WAY_CALLEE ? "callee_to_caller"
                                       : NULL,
        .side = "unknown",
        .from_ms = offset_ms(k, at.from_us),
        .to_ms = offset_ms(k, at.to_us),
        .mos_with = NAN,
        .mos_without = NAN,
    };
    return l;
}

struct record_label *label_add_stream(struct look *k, enum diagnose_label label,
                                      const struct record_stream *s, struct span at)
{
    struct record_label *l = label_add(k, label, way_of(s), at);
    if (l)
        l->sid = s->sid;
    return l;
}

void evidence_number(struct record_label *l, const char *name, double value)
{
    if (l && l->evidence_count < RECORD_EVIDENCE_MAX)
        l->evidence[l->evidence_count++] = (struct record_evidence){.name = name, .value = value};
}

void evidence_text(struct look *k, struct record_label *l, const char *name, const char *text)
{
    if (l && l->evidence_count < RECORD_EVIDENCE_MAX)
        l->evidence[l->evidence_count++] = (struct record_evidence){
            .name = name, .value = NAN, .text = arena_copy(k->r->arena, slice_str(text))};
}

double mos_at(const struct record_stream *s, double expected, double lost, double runs)
{
    if (!(expected >= 1))
        return NAN;
    const struct record_quality *q = &s->quality;
    unsigned long long due = (unsigned long long)llround(expected),
                       missing = (unsigned long long)llround(lost),
                       in_runs = (unsigned long long)llround(runs);
    if (!isnan(q->ie)) /* modes and the operator's values are in it */
        return score_mos_as(q->scale, q->ie, q->bpl, due, missing, in_runs);
    return score_loss(s->codec, s->fmtp, due, missing, in_runs).mos_lq;
}

/* ---- the worst first ---- */

int label_weight(const struct record_label *l)
{
    for (unsigned i = 0; i < DIAGNOSE_LABELS; i++)
        if (strcmp(labels[i].name, l->name) == 0)
            return labels[i].weight;
    return 0;
}

/* Nothing was heard of what was said then: no score says less. */
static bool is_nothing(const struct record_label *l)
{
    static const enum diagnose_label NOTHING[] = {DIAGNOSE_silence, DIAGNOSE_frozen_audio, DIAGNOSE_long_gap, DIAGNOSE_late_media};
    for (size_t i = 0; i < sizeof NOTHING / sizeof *NOTHING; i++)
        if (strcmp(labels[NOTHING[i]].name, l->name) == 0)
            return true;
    return false;
}

/* What it took from the call: the fall of MOS, squared, times seconds (half as deep must last four times as long to be as bad); 0: not
 * known. */
static double cost(const struct record_label *l)
{
    bool scored = !isnan(l->mos_with) && !isnan(l->mos_without);
    double fall = is_nothing(l) ? NOTHING_FALL : scored ? l->mos_without - l->mos_with : 0;
    return l->to_ms > l->from_ms && fall > 0 ? fall * fall * (double)(l->to_ms - l->from_ms) / 1000 : 0;
}

/* What left somebody without sound for the whole call; what is heard; what nobody hears. */
static int rank(int weight)
{
    return weight >= WHOLE_CALL ? 2 : weight > 0;
}

/* 0 below a second of one point of MOS, then one more for each four times as much: spans and scores of two labels about the same
 * trouble differ a little, and then the weight is to say which tells more. */
static int magnitude(double cost)
{
    return cost < 1 ? 0 : 1 + (int)(log2(cost) / 2);
}

/* By rank, by what it took, by weight, in order of time. */
static bool comes_before(const struct record_label *a, const struct record_label *b)
{
    int wa = label_weight(a), wb = label_weight(b);
    double ca = cost(a), cb = cost(b);
    if (rank(wa) != rank(wb))
        return rank(wa) > rank(wb);
    if (rank(wa) == 1 && magnitude(ca) != magnitude(cb))
        return magnitude(ca) > magnitude(cb);
    if (wa != wb)
        return wa > wb;
    return ca != cb ? ca > cb : a->from_ms < b->from_ms;
}

static void sort_labels(struct record_diagnosis *d)
{
    for (uint32_t i = 1; i < d->label_count; i++) {
        struct record_label l = d->labels[i];
        uint32_t at = i;
        for (; at > 0 && comes_before(&l, &d->labels[at - 1]); at--)
            d->labels[at] = d->labels[at - 1];
        d->labels[at] = l;
    }
}

static void keep_labels(struct record_diagnosis *d, struct arena *a, const struct record_label *all)
{
    d->labels = d->label_count ? arena_alloc(a, d->label_count * sizeof *d->labels) : NULL;
    if (d->labels == NULL)
        d->label_count = 0;
    else
        memcpy(d->labels, all, d->label_count * sizeof *d->labels);
}

void diagnose(struct call_record *r, const struct diagnose_config *config)
{
    struct look k = {.r = r, .config = config};
    struct record_label all[RECORD_LABELS_MAX];
    struct record_diagnosis *d = &r->diagnosis;
    d->labels = all;
    d->label_count = 0;
    lay_out(&k);
    look_silent(&k);
    look_format(&k);
    look_loss(&k);
    look_pace(&k);
    look_sound(&k);
    look_ends(&k);
    look_address(&k);
    look_marks(&k);
    sort_labels(d);
    keep_labels(d, r->arena, all);
    d->summary = sentence(r);
}

uint32_t diagnose_labels(const struct call_record *r)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < r->diagnosis.label_count; i++)
        for (unsigned n = 0; n < DIAGNOSE_LABELS; n++)
            if (strcmp(labels[n].name, r->diagnosis.labels[i].name) == 0)
                bits |= UINT32_C(1) << n;
    return bits;
}
