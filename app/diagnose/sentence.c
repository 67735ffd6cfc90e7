/* The worst label in plain words. A is the caller, B the callee; times are minutes and seconds
 * since the answer. */
#include "app/diagnose/parts.h"

#include <math.h>
#include <stdio.h>

#include "base/buf.h"

#define SENTENCE_MAX 400

struct words {
    const char *speaker, *listener; /* "A", "B" */
    char from[16], to[16];
};

static char *put_two(char *out, int v)
{
    out[0] = (char)('0' + v / 10);
    out[1] = (char)('0' + v % 10);
    return out + 2;
}

/* "1:02:03" or "02:03": every call has two, so without printf. */
static void clock_text(int64_t ms, char out[16])
{
    int64_t s = ms < 0 ? 0 : (ms + 500) / 1000;
    if (s >= 3600)
        out += snprintf(out, 8, "%d:", (int)(s / 3600 % 1000));
    out = put_two(out, (int)(s / 60 % 60));
    *out++ = ':';
    out = put_two(out, (int)(s % 60));
    *out = '\0';
}

static const struct record_evidence *evidence(const struct record_label *l, const char *name)
{
    for (uint32_t i = 0; i < l->evidence_count; i++)
        if (strcmp(l->evidence[i].name, name) == 0)
            return &l->evidence[i];
    return NULL;
}

static double number(const struct record_label *l, const char *name)
{
    const struct record_evidence *e = evidence(l, name);
    return e ? e->value : NAN;
}

/* ---- why nobody was heard ---- */

static void put_cause(struct buf *out, const struct record_label *l, const struct words *w)
{
    const struct record_evidence *announced = evidence(l, "announced");
    const struct record_evidence *direction = evidence(l, "sdp_direction");
    const char *cause = l->cause ? l->cause : "";
    if (strcmp(cause, "private_address") == 0 && announced)
        buf_printf(out,
                   ": SDP names the private address %.*s, which cannot be reached from outside",
                   SLICE_ARGS(announced->text));
    else if (strcmp(cause, "muted") == 0 && direction)
        buf_printf(out, ": muted, SDP says %.*s", SLICE_ARGS(direction->text));
    else if (strcmp(cause, "muted") == 0 && !isnan(number(l, "silent_percent")))
        buf_printf(out, ": muted, there is no sound in the packets of %s", w->speaker);
    else if (strcmp(cause, "muted") == 0 && l->direction == NULL)
        buf_str(out, ": muted, both sent nothing but comfort noise");
    else if (strcmp(cause, "muted") == 0)
        buf_printf(out, ": muted, %s sent nothing but comfort noise", w->speaker);
    else if (strcmp(cause, "codec") == 0 && !isnan(number(l, "payload_type")))
        buf_printf(out, ": %s sent payload type %.0f, which %s had not announced", w->speaker,
                   number(l, "payload_type"), w->listener);
    else if (strcmp(cause, "codec") == 0)
        buf_str(out, ": no codec was agreed on");
    else if (strcmp(cause, "refused") == 0 && evidence(l, "refused_at"))
        buf_printf(out, ": what was sent to %.*s did not arrive, ICMP says %.*s unreachable",
                   SLICE_ARGS(evidence(l, "refused_at")->text),
                   SLICE_ARGS(evidence(l, "unreachable")->text));
    else if (strcmp(cause, "firewall") == 0)
        buf_str(out, ": nothing came as far as the tap, most likely a firewall or NAT stops it");
}

/* ---- what was heard badly ---- */

static void put_side(struct buf *out, const struct record_label *l)
{
    if (strcmp(l->side, "before_tap") == 0)
        buf_str(out, ", before the tap");
    else if (strcmp(l->side, "after_tap") == 0)
        buf_str(out, ", behind the tap");
    else if (strcmp(l->side, "at_tap") == 0)
        buf_str(out, ", perhaps at the tap alone");
}

static void put_mos(struct buf *out, const struct record_label *l)
{
    if (!isnan(l->mos_with) && !isnan(l->mos_without))
        buf_printf(out, "; MOS-LQ %.1f instead of %.1f", l->mos_with, l->mos_without);
}

static void put_loss(struct buf *out, const struct record_label *l)
{
    double percent = number(l, "loss_percent"), run = number(l, "run");
    buf_printf(out, percent < 10 ? "%.1f %% loss" : "%.0f %% loss", percent);
    if (run >= 1.5)
        buf_printf(out, " in bursts of %.0f", run);
}

struct phrase {
    const char *label;
    const char *evidence;
    double scale;
    int decimals;
    const char *before, *after; /* of the evidence */
};

static const struct phrase phrases[] = {
    {"burst_loss", "longest_run", 1, 0, "", " frames missing in a row"},
    {"jitter", "jitter_ms", 1, 0, "jitter of ", " ms"},
    {"long_gap", "gap_ms", 0.001, 1, "nothing came for ", " s"},
    {"silence", "silent_ms", 0.001, 0, "packets without sound for ", " s"},
    {"clipping", "clipped_percent", 1, 1, "overdriven, ", " % of the samples at full scale"},
    {"frozen_audio", "frozen_ms", 0.001, 1, "the same sound again and again for ", " s"},
    {"echo", "delay_ms", 1, 0, "the own voice comes back ", " ms later"},
    {"clock_drift", "skew_ppm", 1, 0, "the clock of the sender is off by ", " ppm"},
};

static bool put_other_clock(struct buf *out, const struct record_label *l)
{
    double skew = strcmp(l->name, "clock_drift") == 0 ? number(l, "skew_ppm") : 0;
    if (fabs(skew) < DIAGNOSE_OTHER_CLOCK_PPM)
        return false;
    buf_printf(out, "time stamps run %.2f times as fast as SDP says", 1 - skew * 1e-6);
    return true;
}

static void put_phrase(struct buf *out, const struct record_label *l)
{
    if (put_other_clock(out, l))
        return;
    if (strcmp(l->name, "loss") == 0)
        put_loss(out, l);
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        const struct phrase *p = &phrases[i];
        if (strcmp(p->label, l->name) == 0)
            buf_printf(out, "%s%.*f%s", p->before, p->decimals, number(l, p->evidence) * p->scale,
                       p->after);
    }
}

/* Of a label about both directions the evidence may say whose sound it is. */
static struct words words_of(const struct record_label *l)
{
    const struct record_evidence *speaker = evidence(l, "speaker");
    bool back = l->direction ? strcmp(l->direction, "callee_to_caller") == 0
                             : speaker && slice_is(speaker->text, "callee");
    struct words w = {.speaker = back ? "B" : "A", .listener = back ? "A" : "B"};
    clock_text(l->from_ms, w.from);
    clock_text(l->to_ms, w.to);
    return w;
}

static void put_label(struct buf *out, const struct record_label *l, const struct words *w)
{
    if (strcmp(l->name, "no_rtp") == 0) {
        buf_str(out, "nobody heard anybody");
        put_cause(out, l, w);
    } else if (strcmp(l->name, "one_way") == 0) {
        buf_printf(out, "%s did not hear %s", w->listener, w->speaker);
        put_cause(out, l, w);
    } else if (strcmp(l->name, "capture_one_sided") == 0) {
        buf_printf(out, "sound of %s does not pass the tap: nothing can be said about it",
                   w->speaker);
    } else if (strcmp(l->name, "payload_mismatch") == 0) {
        buf_printf(out, "%s could not play what came", w->listener);
        put_cause(out, l, w);
    } else if (strcmp(l->name, "late_media") == 0) {
        buf_printf(out, "%s heard %s only %.1f s after the answer", w->listener, w->speaker,
                   number(l, "delay_ms") / 1000);
    } else if (strcmp(l->name, "hold_long") == 0) {
        buf_printf(out, "from %s to %s the call was on hold", w->from, w->to);
    } else {
        buf_printf(out, "from %s to %s ", w->from, w->to);
        if (l->direction)
            buf_printf(out, "%s heard %s badly: ", w->listener, w->speaker);
        else
            buf_str(out, "somebody was heard badly: ");
        put_phrase(out, l);
        put_side(out, l);
        put_mos(out, l);
    }
}

struct slice sentence(const struct call_record *r)
{
    const struct record_diagnosis *d = &r->diagnosis;
    struct slice out = slice_none();
    struct buf text;
    if (d->label_count == 0 || label_weight(&d->labels[0]) == 0)
        return out;
    buf_init(&text, SENTENCE_MAX);
    struct words w = words_of(&d->labels[0]);
    put_label(&text, &d->labels[0], &w);
    if (!text.failed)
        out = arena_copy(r->arena, buf_view(&text));
    buf_fini(&text);
    return out;
}
