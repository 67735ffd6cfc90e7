/* What of a call was shown is remembered also while nobody watches, so that who comes in the middle
 * is not told of beginnings. */
#include "app/worker_live.h"

#include <stdio.h>
#include <string.h>

#include "api/live_events.h"
#include "app/live_view.h"
#include "app/worker_internal.h"

static void put(struct worker *w, const struct wcall *wc, struct live_event *e, int64_t at_ns)
{
    live_view_copy(wc, &e->call);
    if (e->kind == LIVE_CALL_ENDED)
        e->call.state = call_state_text(CALL_ENDED);
    e->at_us = at_ns / 1000;
    (void)live_events_put(w->config.live, e); /* what finds no room is counted there */
}

static void note_end(struct live_event *e, const struct call_brief *b, const struct call *c)
{
    int64_t answered_ns = c ? c->answered_ns : b->answered_ns,
            ended_ns = c ? c->ended_ns : b->ended_ns;

    e->end.outcome = call_outcome_text(c ? c->outcome : (enum call_outcome)b->outcome);
    e->end.end_reason =
        call_end_reason_text(c ? c->end_reason : (enum call_end_reason)b->end_reason);
    e->end.released_by = call_party_text(c ? c->released_by : (enum call_party)b->released_by);
    e->end.ended_us = ended_ns / 1000;
    e->end.duration_ms = answered_ns == 0         ? -1
                         : ended_ns > answered_ns ? (ended_ns - answered_ns) / 1000000
                                                  : 0;
}

/* An end that may still be taken back is shown as a state, not as the end. */
void worker_live_call(struct worker *w, struct wcall *wc, const struct call *over, int64_t at_ns)
{
    static const enum live_event_kind STEPS[] = {LIVE_CALL_STARTED, LIVE_CALL_ANSWERED,
                                                 LIVE_CALL_ENDED};
    const struct call_brief *b = wc->brief;
    bool ended = over || (b->over && b->state == CALL_ENDED),
         was_over = wc->shown >> LIVE_CALL_ENDED & 1;
    unsigned now = 1u << LIVE_CALL_STARTED | (unsigned)(b->answered_ns != 0) << LIVE_CALL_ANSWERED |
                   (unsigned)ended << LIVE_CALL_ENDED;
    unsigned news = now & ~(unsigned)wc->shown;

    wc->shown |= (uint8_t)now;
    if (was_over || !live_events_wanted(w->config.live))
        return;
    struct live_event e = {.kind = LIVE_CALL_UPDATED};
    if (news == 0)
        put(w, wc, &e, at_ns);
    for (unsigned i = 0; i < sizeof STEPS / sizeof STEPS[0]; i++) {
        if (!(news >> STEPS[i] & 1))
            continue;
        memset(&e, 0, sizeof e);
        e.kind = STEPS[i];
        if (e.kind == LIVE_CALL_ENDED)
            note_end(&e, b, over);
        put(w, wc, &e, at_ns);
    }
}

static bool is_poor(const char *band)
{
    return band && (strcmp(band, "poor") == 0 || strcmp(band, "bad") == 0);
}

/* Once when it becomes poor, and again only after it was not. The first stream speaks for the
 * figures of the call. */
void worker_live_window(struct worker *w, struct wstream *s, double r, const char *scale,
                        const char *band)
{
    const struct wcall *wc = s->flow->call;
    bool poor = !__builtin_isnan(r) && is_poor(band), news = poor && !s->alerted;

    s->alerted = poor;
    if (!live_events_wanted(w->config.live) || (wc->shown >> LIVE_CALL_ENDED & 1))
        return;
    struct live_event e = {.kind = LIVE_CALL_UPDATED};
    if (s == wc->streams)
        put(w, wc, &e, s->last_ns);
    if (!news)
        return;
    memset(&e, 0, sizeof e);
    e.kind = LIVE_QUALITY_ALERT;
    e.alert.ssrc = s->ssrc;
    e.alert.party = call_party_text(s->flow->party);
    e.alert.scale = scale;
    e.alert.band = band;
    e.alert.mos = s->last_mos;
    put(w, wc, &e, s->last_ns);
}

void worker_live_pause(struct worker *w, const struct wcall *wc, bool resumed, int64_t at_ns,
                       const char *detail)
{
    if (!live_events_wanted(w->config.live) || (wc->shown >> LIVE_CALL_ENDED & 1))
        return;
    struct live_event e = {.kind = resumed ? LIVE_RECORDING_RESUMED : LIVE_RECORDING_PAUSED};
    snprintf(e.detail, sizeof e.detail, "%s", detail);
    put(w, wc, &e, at_ns);
}
