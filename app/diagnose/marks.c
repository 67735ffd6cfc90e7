/* DSCP: changed on the way or in time, or not what the settings ask for. */
#include "app/diagnose/parts.h"

static void remark(struct look *k, const struct record_stream *s, double before, double after)
{
    struct record_label *l = label_add_stream(k, DIAGNOSE_dscp_remark, s, life(s));
    evidence_number(l, "before", before);
    evidence_number(l, "after", after);
    if (l)
        l->side = "before_tap";
}

static void look_time(struct look *k, const struct record_stream *s)
{
    if (s->dscp_changes < k->config->threshold[DIAGNOSE_dscp_remark])
        return;
    remark(k, s, s->dscp_first, s->dscp_first == s->dscp_least ? s->dscp_most : s->dscp_least);
}

/* The same stream on a later hop: whoever passed it on has changed its mark. */
static void look_hops(struct look *k, const struct record_stream *s)
{
    for (uint32_t i = 0; i < k->r->stream_count; i++) {
        const struct record_stream *on = &k->r->streams[i];
        bool goes_on = on->sid > s->sid && on->ssrc == s->ssrc &&
                       strcmp(on->party, s->party) == 0 && !endpoint_equal(&on->dst, &s->dst);
        if (goes_on && on->has_marks && on->dscp_first != s->dscp_first) {
            remark(k, on, s->dscp_first, on->dscp_first);
            return;
        }
    }
}

static void look_policy(struct look *k, const struct record_stream *s)
{
    uint64_t allowed = k->config->dscp_rtp;
    bool least = allowed >> s->dscp_least & 1, most = allowed >> s->dscp_most & 1;
    if (allowed == 0 || (least && most) || !label_on(k, DIAGNOSE_dscp_mismatch) ||
        s->packets < (uint64_t)k->config->threshold[DIAGNOSE_dscp_mismatch])
        return;
    struct record_label *l = label_add_stream(k, DIAGNOSE_dscp_mismatch, s, life(s));
    evidence_number(l, "dscp", least ? s->dscp_most : s->dscp_least);
}

static void look_messages(struct look *k, enum way w)
{
    const struct record_dscp *q = &k->r->diagnosis.dscp[w];
    uint64_t allowed = k->config->dscp_sip;
    bool least = allowed >> q->least & 1, most = allowed >> q->most & 1;
    if (!q->seen || allowed == 0 || (least && most))
        return;
    struct record_label *l =
        label_add(k, DIAGNOSE_dscp_mismatch, w, (struct span){k->r->started_us, k->end_us});
    evidence_number(l, "sip_dscp", least ? q->most : q->least);
}

void look_marks(struct look *k)
{
    for (uint32_t i = 0; i < k->r->stream_count; i++) {
        const struct record_stream *s = &k->r->streams[i];
        if (!s->has_marks || record_stream_foreign(s))
            continue;
        if (label_on(k, DIAGNOSE_dscp_remark)) {
            look_time(k, s);
            look_hops(k, s);
        }
        look_policy(k, s);
    }
    look_messages(k, WAY_CALLER);
    look_messages(k, WAY_CALLEE);
}
