/* Copies what a worker knows of its calls into the snapshot, in the worker's own thread: nothing is shared. */
#include "app/live_view.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/live_watch.h"
#include "app/summarise.h"
#include "app/worker_pause.h"

#define LOOK_MS 400

int live_view_check(const struct settings *s, struct why *why)
{
    if (s->watchers_max <= WATCHERS_MAX)
        return 0;
    why_set(why, "[limits] watchers is a number from 0 to %d", WATCHERS_MAX);
    return ERR_INVALID;
}

struct looking {
    pthread_mutex_t lock; /* guards the array: workers answer at the same time */
    const struct live_want *want;
    unsigned max;
    struct live_call *calls;
    unsigned count, room;
};

static struct live_call *add_call(struct looking *l)
{
    if (l->count >= l->max)
        return NULL;
    if (l->count == l->room) {
        unsigned room = l->room ? l->room * 2 : 16;
        struct live_call *more = realloc(l->calls, room * sizeof *more);
        if (more == NULL)
            return NULL;
        l->calls = more;
        l->room = room;
    }
    struct live_call *c = &l->calls[l->count++];
    memset(c, 0, sizeof *c);
    return c;
}

static void copy_rtcp(const struct wstream *s, struct live_stream *out)
{
    struct rtcp_round_trips trips;
    struct rtcp_remote remote;
    out->rtt_ms = out->remote_loss_ratio = NAN;
    if (s->rtcp == NULL)
        return;
    rtcp_tap_round_trips(s->rtcp->tap, &trips);
    rtcp_tap_remote(s->rtcp->tap, &remote);
    out->rtt_ms = trips.total.count ? trips.total.median : trips.chain.median;
    if (remote.reports)
        out->remote_loss_ratio = remote.loss_ratio;
}

static void copy_stream(const struct wstream *s, struct live_stream *out)
{
    struct rtp_stats t;
    rtp_stream_stats(s->rtp, &t);
    out->ssrc = s->ssrc;
    out->party = call_party_text(s->flow->party);
    out->src = s->flow->src;
    out->dst = s->flow->dst;
    memcpy(out->codec, s->codec.name, sizeof out->codec);
    out->packets = t.received;
    out->expected = t.expected;
    out->lost = t.lost;
    out->jitter_ms = t.jitter_ms_last;
    out->mos = s->last_mos;
    out->last_us = t.last_ns / 1000;
    copy_rtcp(s, out);
}

static void copy_pause(const struct wcall *wc, struct live_call *out)
{
    struct pause_state p;
    worker_pause_state(wc, &p);
    out->paused = p.sides ? pause_sides_text(p.sides) : NULL;
    out->paused_us = p.since_ns / 1000;
    out->resumes_us = p.resume_ns / 1000;
}

static void copy_text(const struct call_brief *b, enum call_brief_text which, char *out, size_t size)
{
    slice_copy_to(slice_str(call_brief_text(b, which)), out, size);
}

void live_view_copy(const struct wcall *wc, struct live_call *out)
{
    const struct call_brief *b = wc->brief;
    uid_text(b->uid, out->uid);
    out->kind = call_kind_text((enum call_kind)b->kind);
    out->state = call_state_text(b->state);
    out->direction = call_direction_text((enum call_direction)b->direction);
    out->tenant = b->place.tenant;
    out->trunk = b->place.trunk;
    out->site = b->place.site;
    out->from_site = b->place.sites[CALL_CALLER];
    out->to_site = b->place.sites[CALL_CALLEE];
    out->started_us = b->started_ns / 1000;
    out->ringing_us = b->ringing_ns / 1000;
    out->answered_us = b->answered_ns / 1000;
    copy_text(b, BRIEF_CALL_ID, out->call_id, sizeof out->call_id);
    copy_text(b, BRIEF_FROM_USER, out->from_user, sizeof out->from_user);
    copy_text(b, BRIEF_FROM_HOST, out->from_host, sizeof out->from_host);
    copy_text(b, BRIEF_FROM_DISPLAY, out->from_display, sizeof out->from_display);
    copy_text(b, BRIEF_TO_USER, out->to_user, sizeof out->to_user);
    copy_text(b, BRIEF_TO_HOST, out->to_host, sizeof out->to_host);
    copy_text(b, BRIEF_USER_AGENT, out->user_agent, sizeof out->user_agent);
    out->src = b->src;
    out->dst = b->dst;
    out->sip_code = b->sip_code;
    out->recording = wc->recording;
    copy_pause(wc, out);
    out->partial = b->partial;
    for (const struct wstream *s = wc->streams; s && out->stream_count < LIVE_STREAMS_MAX; s = s->next)
        copy_stream(s, &out->streams[out->stream_count++]);
}

static bool wanted(const struct live_want *want, const struct wcall *wc)
{
    char uid[40];
    if (wc->brief->state == CALL_ENDED)
        return false;
    if (want->uid == NULL)
        return true;
    uid_text(wc->brief->uid, uid);
    return strcmp(uid, want->uid) == 0;
}

struct wcall *live_view_find(struct worker *w, const struct live_want *want)
{
    struct live_call seen;
    uint32_t at = 0;
    for (struct wcall *wc; (wc = worker_call_next(w, &at)) != NULL;) {
        if (!wanted(want, wc))
            continue;
        memset(&seen, 0, sizeof seen);
        live_view_copy(wc, &seen);
        return want->may_see == NULL || want->may_see(want->asker, &seen) ? wc : NULL;
    }
    return NULL;
}

static void look(void *context, struct worker *w)
{
    struct looking *l = context;
    uint32_t at = 0;
    pthread_mutex_lock(&l->lock);
    for (struct wcall *wc; (wc = worker_call_next(w, &at)) != NULL;) {
        struct live_call *c = wanted(l->want, wc) ? add_call(l) : NULL;
        if (c == NULL)
            continue;
        live_view_copy(wc, c);
        if (l->want->may_see && !l->want->may_see(l->want->asker, c))
            l->count--;
    }
    pthread_mutex_unlock(&l->lock);
}

int live_view_snapshot(void *pipeline, const struct live_want *want, unsigned max, struct live_call **ret_calls,
                       unsigned *ret_count)
{
    struct looking l = {.lock = PTHREAD_MUTEX_INITIALIZER, .want = want, .max = max};
    pipeline_look(pipeline, look, &l, LOOK_MS);
    pthread_mutex_destroy(&l.lock);
    *ret_calls = l.calls;
    *ret_count = l.count;
    return 0;
}

/* ---- pausing ---- */

struct pausing {
    const struct live_want *want;
    struct pause_ask ask;
    bool found; /* in one worker only: the others do not write */
    int err;
    struct live_call *out;
};

static void look_and_pause(void *context, struct worker *w)
{
    struct pausing *p = context;
    struct wcall *wc = live_view_find(w, p->want);
    if (wc == NULL)
        return;
    p->found = true;
    p->err = worker_pause_ask(w, wc, &p->ask, NULL);
    memset(p->out, 0, sizeof *p->out);
    live_view_copy(wc, p->out);
}

int live_view_pause(void *pipeline, const struct live_want *want, const struct live_pause *ask, struct live_call *ret_call)
{
    char actor[80];
    struct pausing p = {.want = want,
                        .ask = {.resume = ask->resume,
                                .since_ns = ask->resume ? ask->not_before_us * 1000 : 0,
                                .duration_ns = ask->duration_us * 1000,
                                .actor = actor,
                                .reason = ask->reason},
                        .out = ret_call};
    snprintf(actor, sizeof actor, "%s%.70s", strncmp(ask->actor, "user:", 5) == 0 || strcmp(ask->actor, "local") == 0 ? "" : "token:", ask->actor);
    if (!pause_sides_read(slice_str(ask->sides), &p.ask.sides))
        return ERR_INVALID;
    if (!pipeline_look(pipeline, look_and_pause, &p, LOOK_MS) && !p.found)
        return ERR_BUSY;
    if (!p.found)
        return ERR_NOT_FOUND;
    return p.err == ERR_NOT_FOUND ? ERR_INVALID : p.err;
}
