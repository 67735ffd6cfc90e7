/* Reports into a call: each once, within bounds, texts copied into its arena. */
#include "capture/call/call_report.h"

#include <math.h>

#include "capture/call/reports.h"

#define REPORT_TEXT_MAX 128

void call_report_init(struct call_report *r)
{
    *r = (struct call_report){0};
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 0; k < CALL_REPORT_FIGURE_COUNT; k++)
            r->side[i].figure[k] = NAN;
}

/* ---- the same ---- */

static bool same_side(const struct call_report_side *a, const struct call_report_side *b)
{
    return a->present == b->present && a->started_ns == b->started_ns &&
           a->stopped_ns == b->stopped_ns && memcmp(a->figure, b->figure, sizeof a->figure) == 0;
}

/* A server sends on what it was told, with other addresses around it. */
static bool same(const struct call_report *a, const struct call_report *b)
{
    return a->source == b->source && a->kind == b->kind && a->party == b->party &&
           slice_equal(a->reporter, slice_sub(b->reporter, 0, REPORT_TEXT_MAX)) &&
           slice_equal(a->alert, slice_sub(b->alert, 0, REPORT_TEXT_MAX)) &&
           same_side(&a->side[0], &b->side[0]) && same_side(&a->side[1], &b->side[1]);
}

static bool said_before(const struct call_reports *v, const struct call_report *r)
{
    for (const struct call_report *said = v->first; said; said = said->next)
        if (same(said, r))
            return true;
    return false;
}

/* ---- in ---- */

void report_counted(struct calls *c, unsigned source, enum report_result result)
{
    counters_add(c->counters, C_QUALITY_REPORTS + source * LABEL_COUNT_REPORT_RESULT + result, 1);
}

static struct slice keep(struct arena *a, struct slice text)
{
    return arena_copy(a, slice_sub(text, 0, REPORT_TEXT_MAX));
}

static void copy(struct arena *a, const struct call_report *r, struct call_report *out)
{
    *out = *r;
    out->next = NULL;
    out->reporter = keep(a, r->reporter);
    out->user_agent = keep(a, r->user_agent);
    out->alert = keep(a, r->alert);
    for (unsigned i = 0; i < 2; i++) {
        out->side[i].codec = keep(a, r->side[i].codec);
        out->side[i].estimator = keep(a, r->side[i].estimator);
    }
}

static enum report_result add(struct call *call, const struct call_report *r)
{
    struct call_reports *v = call->reports;
    if (v == NULL)
        v = call->reports = arena_alloc(call->arena, sizeof *v);
    if (v == NULL)
        return REPORT_OVER_LIMIT;
    if (said_before(v, r))
        return REPORT_REPEATED;
    struct call_report *kept =
        v->count < CALL_REPORTS_MAX ? arena_alloc(call->arena, sizeof *kept) : NULL;
    if (kept == NULL) {
        v->over_limit += v->over_limit < UINT32_MAX;
        return REPORT_OVER_LIMIT;
    }
    copy(call->arena, r, kept);
    *(v->last ? &v->last->next : &v->first) = kept;
    v->last = kept;
    v->count++;
    return REPORT_KEPT;
}

void report_keep(struct calls *c, struct call *call, const struct call_report *r)
{
    report_counted(c, r->source, add(call, r));
}

/* ---- texts ---- */

const char *call_report_source_text(unsigned source)
{
    static const char *const texts[] = {"vq_rtcpxr", "rtp_stat"};
    return texts[source];
}

const char *call_report_kind_text(unsigned kind)
{
    static const char *const texts[] = {"session", "interval", "alert"};
    return texts[kind];
}

const char *call_report_buffer_text(unsigned buffer)
{
    static const char *const texts[] = {NULL, "fixed", "adaptive"};
    return texts[buffer];
}
