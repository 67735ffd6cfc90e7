/* Nobody was heard, one side was not, or it was heard late. Only of calls whose beginning was seen:
 * of others nobody knows what was announced. */
#include "app/diagnose/parts.h"

#define SECOND_US INT64_C(1000000)

struct heard {
    uint64_t packets[WAYS]; /* of sound that its receiver can play */
    bool unknown;           /* sound of nobody knows whom */
    int64_t first_us[WAYS]; /* 0: none */
};

static void listen(const struct look *k, struct heard *h)
{
    *h = (struct heard){0};
    for (uint32_t i = 0; i < k->r->stream_count; i++) {
        const struct record_stream *s = &k->r->streams[i];
        enum way w = way_of(s);
        if (strcmp(s->media_type, "audio") != 0 || record_stream_foreign(s))
            continue;
        if (w == WAYS || s->orphan) {
            h->unknown = true;
            continue;
        }
        uint64_t packets = sound_after_answer(k, s);
        if (packets == 0 || !type_is_announced(k, s) || unreached(k, s))
            continue;
        h->packets[w] += packets;
        if (h->first_us[w] == 0 || s->first_us < h->first_us[w])
            h->first_us[w] = s->first_us;
    }
}

/* Sound was to be expected: the call has a line for it, or nobody knows its lines. */
static bool sound_is_due(const struct call_record *r)
{
    bool other = false;
    for (uint32_t i = 0; i < r->line_count; i++) {
        const struct record_line *line = &r->lines[i];
        if (slice_is(line->type, "audio") && strcmp(line->state, "removed") != 0)
            return true;
        other = true;
    }
    return !other;
}

static bool lasted(const struct look *k, enum diagnose_label label)
{
    return label_on(k, label) && talk_us(k) >= k->config->threshold[label] * SECOND_US;
}

static struct span whole_call(const struct look *k)
{
    return (struct span){k->begin_us, k->end_us};
}

/* `silent` WAYS: both. */
static void explain(struct look *k, struct record_label *l, enum way silent)
{
    if (l == NULL)
        return;
    l->cause = cause_of_silence(k, silent, l);
    if (strcmp(l->cause, "firewall") == 0)
        l->side = "before_tap";
}

/* The missing side is one that we do not see. What its receiver says in RTCP decides; else how its
 * host looks in other calls. */
static bool is_beyond_tap(const struct look *k, enum way silent)
{
    const struct record_diagnosis *d = &k->r->diagnosis;
    const struct record_unseen *u = &d->unseen[way_back(silent)];
    if (u->blocks && label_on(k, DIAGNOSE_capture_one_sided))
        return true;
    return label_on(k, DIAGNOSE_capture_one_sided) && u->empty == 0 &&
           d->one_sided_calls >= k->config->threshold[DIAGNOSE_capture_one_sided];
}

static void one_way(struct look *k, enum way silent, const struct heard *h)
{
    struct record_label *l;
    double packets = (double)h->packets[way_back(silent)];
    if (is_beyond_tap(k, silent)) {
        l = label_add(k, DIAGNOSE_capture_one_sided, silent, whole_call(k));
        if (l)
            l->side = "at_tap";
        evidence_number(l, "rtcp_blocks", k->r->diagnosis.unseen[way_back(silent)].blocks);
    } else {
        k->r->one_way = true;
        l = label_add(k, DIAGNOSE_one_way, silent, whole_call(k));
        explain(k, l, silent);
    }
    evidence_number(l, "packets_other_way", packets);
}

static void late(struct look *k, enum way w, int64_t first_us)
{
    struct span at = {k->begin_us, first_us};
    int64_t threshold_us = k->config->threshold[DIAGNOSE_late_media] * 1000;
    if (!label_on(k, DIAGNOSE_late_media) || first_us - k->begin_us < threshold_us ||
        held_during(k, at))
        return;
    struct record_label *l = label_add(k, DIAGNOSE_late_media, w, at);
    evidence_number(l, "delay_ms", (double)(first_us - k->begin_us) / 1000);
}

void look_silent(struct look *k)
{
    struct heard h;
    k->r->no_rtp = k->r->one_way = false;
    if (!k->answered || !k->whole || !sound_is_due(k->r))
        return;
    listen(k, &h);
    if (h.unknown)
        return;
    bool caller = h.packets[WAY_CALLER] > 0, callee = h.packets[WAY_CALLEE] > 0;
    if (!caller && !callee && lasted(k, DIAGNOSE_no_rtp)) {
        k->r->no_rtp = true;
        explain(k, label_add(k, DIAGNOSE_no_rtp, WAYS, whole_call(k)), WAYS);
    } else if (caller != callee && lasted(k, DIAGNOSE_one_way)) {
        one_way(k, caller ? WAY_CALLEE : WAY_CALLER, &h);
    }
    if (caller)
        late(k, WAY_CALLER, h.first_us[WAY_CALLER]);
    if (callee)
        late(k, WAY_CALLEE, h.first_us[WAY_CALLEE]);
}
