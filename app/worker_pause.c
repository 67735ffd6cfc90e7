/* Everything here is rare but worker_keep_less(), which a packet passes only while its flow
 * withholds something. */
#include "app/worker_pause_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/summarise.h"
#include "app/worker_live.h"
#include "app/worker_mask.h"

#define POINTS_MAX    64 /* told of a call; more pauses are obeyed and counted */
#define AUDITED_MAX   32 /* refusals of a call that are audited; more are counted */
#define LAG_MAX_NS    (INT64_C(2) * 1000000000)

unsigned worker_pause_side(unsigned party)
{
    return party == CALL_CALLER ? PAUSE_CALLER : party == CALL_CALLEE ? PAUSE_CALLEE : PAUSE_BOTH;
}

struct wpause *worker_pause_of(struct wcall *wc)
{
    if (wc->pause == NULL)
        wc->pause = calloc(1, sizeof *wc->pause);
    if (wc->pause)
        wc->pause->call = wc;
    return wc->pause;
}

/* ---- what is not told ---- */

void worker_pause_hide(struct wpause *p, unsigned sides, int64_t from_ns, int64_t to_ns)
{
    if (p->hidden_count < PAUSE_HIDDEN_MAX) {
        p->hidden[p->hidden_count++] = (struct pause_hidden){from_ns, to_ns, (uint8_t)sides};
        return;
    }
    struct pause_hidden *last = &p->hidden[PAUSE_HIDDEN_MAX - 1]; /* rather too much than too little */
    last->from_ns = from_ns < last->from_ns ? from_ns : last->from_ns;
    last->to_ns = to_ns > last->to_ns ? to_ns : last->to_ns;
    last->sides |= (uint8_t)sides;
}

static void unhide(struct wpause *p, unsigned sides, int64_t now_ns)
{
    unsigned count = p->hidden_count;
    for (unsigned i = 0; i < count; i++) {
        struct pause_hidden *h = &p->hidden[i];
        unsigned left = h->sides & ~sides;
        if (h->to_ns != INT64_MAX || !(h->sides & sides))
            continue;
        if (left && p->hidden_count == PAUSE_HIDDEN_MAX)
            continue;
        h->to_ns = now_ns;
        if (left)
            worker_pause_hide(p, left, now_ns, INT64_MAX);
    }
}

bool worker_pause_hides(const struct wcall *wc, unsigned party)
{
    return wc->pause && ((wc->pause->sides | wc->pause->lag_sides) & worker_pause_side(party));
}

/* ---- telling ---- */

static void tell(struct worker *w, const struct wcall *wc, const struct pause_point *at)
{
    unsigned kind = at->resumed ? WORKER_CALL_RESUMED : WORKER_CALL_PAUSED;
    worker_live_pause(w, wc, at->resumed, at->time_ns, at->detail);
    if (w->config.call_event == NULL || !(w->config.call_events >> kind & 1))
        return;
    struct call_record *r = summarise_head(wc, NULL, &w->config);
    struct record_event *e = r ? arena_alloc(r->arena, sizeof *e) : NULL;
    if (e) {
        *e = summarise_pause_point(r, at);
        r->events = e;
        r->event_count = 1;
        w->config.call_event(w->config.context, (enum worker_call_event)kind, r);
    } else {
        record_free(r);
    }
}

/* When the first of these sides goes on by itself; 0: none does. */
static int64_t resume_of(const struct wpause *p, unsigned sides)
{
    int64_t caller_ns = sides & PAUSE_CALLER ? p->side_resume_ns[0] : 0;
    int64_t callee_ns = sides & PAUSE_CALLEE ? p->side_resume_ns[1] : 0;
    return caller_ns == 0 || (callee_ns && callee_ns < caller_ns) ? callee_ns : caller_ns;
}

void worker_pause_point(struct wpause *p, const struct pause_point *point)
{
    struct pause_point *more = p->point_count < POINTS_MAX ? realloc(p->points, (p->point_count + 1) * sizeof *more) : NULL;
    if (more == NULL)
        return;
    p->points = more;
    p->points[p->point_count++] = *point;
}

static void note(struct worker *w, struct wpause *p, const struct pause_ask *ask, unsigned sides,
                 int64_t time_ns)
{
    struct pause_point point = {.time_ns = time_ns, .resumed = ask->resume};
    int n = snprintf(point.detail, sizeof point.detail, "%s, by %.64s", pause_sides_text(sides),
                     ask->actor);
    int64_t resume_ns = ask->resume ? 0 : resume_of(p, sides);
    if (resume_ns && n < (int)sizeof point.detail)
        n += snprintf(point.detail + n, sizeof point.detail - (size_t)n, ", for %lld s",
                      (long long)((resume_ns - time_ns) / 1000000000));
    if (ask->reason && ask->reason[0] && n < (int)sizeof point.detail)
        snprintf(point.detail + n, sizeof point.detail - (size_t)n, ": %s", ask->reason);
    tell(w, p->call, &point);
    worker_pause_point(p, &point);
}

bool worker_pause_audit(struct worker *w, struct wpause *p, bool resume, bool accepted, const char *actor, const char *why, int64_t time_ns)
{
    if (w->config.control == NULL || (!accepted && p->audited++ >= AUDITED_MAX))
        return true;
    struct worker_control c = {
        .time_ns = time_ns, .resume = resume, .accepted = accepted, .actor = actor, .detail = why};
    uid_text(p->call->brief->uid, c.uid);
    return w->config.control(w->config.context, &c);
}

/* ---- pausing ---- */

/* Number and time are left of a packet; what the header says beyond them, too, is somebody's. */
static int cut_packet(uint8_t *payload, uint16_t size)
{
    if (size < RTP_FIXED)
        return -1;
    payload[0] &= 0xc0;
    return RTP_FIXED;
}

static int cut_held(void *context, int64_t time_ns, enum spool_what what, uint8_t *payload, uint16_t size)
{
    uint64_t *withheld = context;
    (void)time_ns;
    if (what == SPOOL_RTCP)
        return size;
    if (what == SPOOL_FAX) {
        ++*withheld;
        return -1;
    }
    *withheld += size > RTP_FIXED;
    return cut_packet(payload, size);
}

void worker_withhold(struct worker *w, struct wflow *f)
{
    const struct wpause *p = f->call->pause;
    unsigned side = worker_pause_side(f->party);
    f->withhold = 0;
    if (p && ((p->sides | p->lag_sides) & side))
        f->withhold |= WITHHOLD_PAUSED;
    if (worker_masks(w, f->call))
        f->withhold |= WITHHOLD_MASKED;
    if (w->config.pause.dtmf_from & side)
        f->withhold |= WITHHOLD_KEYS;
    if (w->config.recovered)
        f->withhold |= WITHHOLD_REPLAYED;
}

static void take_back(struct worker *w, struct wpause *p, unsigned sides, int64_t since_ns)
{
    for (struct wflow *f = p->call->flows; f; f = f->next)
        if (f->spool && (worker_pause_side(f->party) & sides))
            spool_flow_held(w->spool, f->spool, since_ns, cut_held, &p->withheld);
}

static void leave_timers(struct worker *w, struct wpause *p)
{
    for (struct wpause **at = &w->pauses; p->timed && *at; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            break;
        }
    p->timed = false;
}

/* Of these sides alone: what others asked for the other one stays. 0: they do not go on by themselves. */
static void set_timer(struct worker *w, struct wpause *p, unsigned sides, int64_t resume_ns)
{
    for (unsigned side = 0; side < 2; side++)
        if (sides >> side & 1)
            p->side_resume_ns[side] = resume_ns;
    p->resume_ns = resume_of(p, PAUSE_BOTH);
    if (p->resume_ns == 0) {
        leave_timers(w, p);
    } else if (!p->timed) {
        p->timed = true;
        p->next = w->pauses;
        w->pauses = p;
    }
}

static void set_sides(struct worker *w, struct wpause *p, unsigned sides)
{
    p->sides = (uint8_t)sides;
    for (struct wflow *f = p->call->flows; f; f = f->next)
        worker_withhold(w, f);
}

static void pause_sides(struct worker *w, struct wpause *p, const struct pause_ask *ask,
                        int64_t now_ns)
{
    int64_t since_ns = ask->since_ns && ask->since_ns < now_ns ? ask->since_ns : now_ns;
    int64_t duration_ns = ask->duration_ns ? ask->duration_ns : w->config.pause.auto_resume_ns;
    unsigned fresh = ask->sides & ~p->sides;
    if (p->sides == 0)
        p->since_ns = since_ns;
    worker_pause_hide(p, fresh, since_ns, INT64_MAX);
    set_sides(w, p, p->sides | ask->sides);
    take_back(w, p, fresh, since_ns);
    p->key_sides = (uint8_t)(ask->keys ? p->key_sides | fresh : p->key_sides & ~ask->sides);
    set_timer(w, p, ask->sides, duration_ns ? now_ns + duration_ns : 0);
    counters_add(w->counters, C_RECORDING_PAUSES, 1);
    note(w, p, ask, ask->sides, since_ns);
}

/* When the last of these sides is open, as was said earlier; not before now. */
static int64_t open_of(const struct wpause *p, unsigned sides, int64_t now_ns)
{
    for (unsigned side = 0; p && side < 2; side++)
        if ((p->lag_sides & sides) >> side & 1 && p->lag_ns[side] > now_ns)
            now_ns = p->lag_ns[side];
    return now_ns;
}

/* Packets that were sent ahead of the order are under way; each side waits for its own. */
static void open_later(struct wpause *p, unsigned sides, int64_t open_ns)
{
    p->lag_sides |= (uint8_t)sides;
    for (unsigned side = 0; side < 2; side++)
        if (sides >> side & 1)
            p->lag_ns[side] = open_ns;
}

static void open_sides(struct worker *w, struct wpause *p, int64_t now_ns)
{
    for (unsigned side = 0; side < 2; side++)
        if (now_ns >= p->lag_ns[side])
            p->lag_sides &= (uint8_t)~(1u << side);
    set_sides(w, p, p->sides);
}

static void resume_sides(struct worker *w, struct wpause *p, const struct pause_ask *ask,
                         int64_t now_ns)
{
    unsigned sides = p->sides & ask->sides;
    int64_t open_ns = open_of(p, sides, now_ns), latest_ns = now_ns + LAG_MAX_NS;
    if (ask->since_ns > open_ns)
        open_ns = ask->since_ns < latest_ns ? ask->since_ns : latest_ns;
    if (open_ns > now_ns)
        open_later(p, sides, open_ns);
    unhide(p, sides, open_ns);
    set_sides(w, p, p->sides & ~sides);
    p->key_sides &= p->sides;
    set_timer(w, p, sides, 0);
    note(w, p, ask, sides, open_ns);
}

/* Packet time of the call now: that of the newest packet or tick. */
static int64_t now_of(const struct worker *w, const struct wcall *wc)
{
    int64_t now_ns = w->now_ns > wc->brief->started_ns ? w->now_ns : wc->brief->started_ns;
    for (const struct wstream *s = wc->streams; s; s = s->next)
        now_ns = s->last_ns > now_ns ? s->last_ns : now_ns;
    return now_ns;
}

int worker_pause_ask(struct worker *w, struct wcall *wc, const struct pause_ask *ask,
                     struct pause_state *ret_state)
{
    int64_t now_ns = now_of(w, wc);
    if (ask->resume && !(wc->pause && (wc->pause->sides & ask->sides)))
        return ERR_NOT_FOUND;
    if (w->spool == NULL || wc->decision->keep < RULE_KEEP_ALL)
        return ERR_UNSUPPORTED;
    struct wpause *p = worker_pause_of(wc);
    if (p == NULL)
        return ERR_NOMEM;
    if (ask->resume)
        resume_sides(w, p, ask, now_ns);
    else
        pause_sides(w, p, ask, open_of(p, ask->sides, now_ns)); /* told behind that resume */
    if (ret_state)
        worker_pause_state(wc, ret_state);
    return 0;
}

void worker_pause_state(const struct wcall *wc, struct pause_state *ret_state)
{
    const struct wpause *p = wc->pause;
    *ret_state = (struct pause_state){0};
    if (p && p->sides)
        *ret_state = (struct pause_state){
            .sides = p->sides, .since_ns = p->since_ns, .resume_ns = p->resume_ns};
}

/* ---- time ---- */

/* Of the sides whose time it is, each at its own. */
static void time_is_up(struct worker *w, struct wpause *p, int64_t now_ns)
{
    while (p->resume_ns && now_ns >= p->resume_ns) {
        int64_t at_ns = p->resume_ns;
        unsigned sides = (p->side_resume_ns[0] == at_ns ? PAUSE_CALLER : 0u) |
                         (p->side_resume_ns[1] == at_ns ? PAUSE_CALLEE : 0u);
        const struct pause_ask ask = {.resume = true, .sides = (uint8_t)sides, .actor = "timer"};
        if (!worker_pause_audit(w, p, true, true, ask.actor, "", now_ns))
            return; /* it stays paused; the next tick asks again */
        resume_sides(w, p, &ask, at_ns);
    }
}

void worker_pause_tick(struct worker *w, int64_t now_ns)
{
    for (struct wpause *p = w->pauses, *next; p; p = next) {
        next = p->next;
        time_is_up(w, p, now_ns);
    }
}

/* ---- packets ---- */

static void keep_header(struct worker *w, struct wflow *f, const struct event *event)
{
    uint8_t head[RTP_FIXED];
    struct event cut = *event;
    memcpy(head, event->body.data, sizeof head);
    cut.body = slice_of(head, (size_t)cut_packet(head, sizeof head));
    worker_keep_packet(w, f, &cut, cut.body, false);
}

/* Its header says that a key was pressed, which is told as well; where it is not, the packet is left out. */
static void keep_event(struct worker *w, struct wflow *f, const struct event *event)
{
    counters_add(w->counters, C_DTMF_MASKED, 1);
    if (mask_of(f->call, &w->config) != RULE_MASK_DROP)
        keep_header(w, f, event);
}

static void keep_paused(struct worker *w, struct wflow *f, const struct event *event)
{
    keep_header(w, f, event);
    f->call->pause->withheld++;
    counters_add(w->counters, C_RECORDING_WITHHELD, 1);
}

void worker_pause_arrive(struct worker *w, const struct wflow *f, int64_t time_ns)
{
    struct wpause *pause = f->call->pause;
    if (pause && pause->resume_ns && time_ns >= pause->resume_ns)
        time_is_up(w, pause, time_ns);
    if (pause && pause->lag_sides)
        open_sides(w, pause, time_ns);
}

void worker_keep_less(struct worker *w, struct wflow *f, const struct event *event,
                      const struct rtp_codec *outer, const struct rtp_packet *p)
{
    worker_pause_arrive(w, f, event->time_ns);
    if (f->withhold & WITHHOLD_PAUSED)
        keep_paused(w, f, event);
    else if ((f->withhold & WITHHOLD_REPLAYED) && worker_pause_replay(w, f, event, outer, p))
        return;
    else if (worker_mask_event(w, f, outer, p))
        keep_event(w, f, event);
    else if (f->withhold & WITHHOLD_MASKED)
        worker_mask_sound(w, f, p, event);
    else
        worker_keep_packet(w, f, event, worker_kept_part(f, p, event->body), true);
}

/* ---- the end of the call ---- */

void worker_pause_free(struct worker *w, struct wcall *wc)
{
    if (wc->pause == NULL)
        return;
    leave_timers(w, wc->pause);
    free(wc->pause->points);
    free(wc->pause);
    wc->pause = NULL;
}

bool worker_pause_took_all(const struct wcall *wc)
{
    return wc->pause && wc->pause->withheld && !wc->spooled_sound;
}
