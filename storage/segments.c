/* Every call becomes stretches of talk; the moments at which one begins or ends cut time into
 * pieces; in each piece the calls that talk are put together by what joins them. */
#include "storage/segments.h"

#include <stdlib.h>

#define STRETCHES_MAX 512
#define FOREVER       INT64_MAX

struct stretch {
    int64_t from_us, to_us;
    unsigned call;
};

struct work {
    const struct call_record *const *calls;
    unsigned call_count;
    unsigned stretch_count;
    struct stretch stretches[STRETCHES_MAX];
    int64_t cuts[2 * STRETCHES_MAX];
    bool joined[SEGMENTS_CALLS_MAX][SEGMENTS_CALLS_MAX];
};

/* ---- stretches ---- */

static void add_stretch(struct work *w, struct segments *out, unsigned call, int64_t from_us,
                        int64_t to_us)
{
    if (to_us <= from_us)
        return;
    if (w->stretch_count == STRETCHES_MAX) {
        out->truncated = true;
        return;
    }
    w->stretches[w->stretch_count++] = (struct stretch){from_us, to_us, call};
}

static void cut_by_holds(struct work *w, struct segments *out, unsigned n)
{
    const struct call_record *r = w->calls[n];
    int64_t end = r->ended_us ? r->ended_us : FOREVER, from = r->answered_us;
    bool held = false;
    if (from == 0)
        return;
    for (uint32_t i = 0; i < r->event_count; i++) {
        const struct record_event *e = &r->events[i];
        int64_t at = e->time_us < end ? e->time_us : end;
        if (!held && slice_is(e->kind, "hold")) {
            add_stretch(w, out, n, from, at);
            held = true;
        } else if (held && slice_is(e->kind, "resume")) {
            from = at > r->answered_us ? at : r->answered_us;
            held = false;
        }
    }
    if (!held)
        add_stretch(w, out, n, from, end);
}

/* ---- what talks together ---- */

static bool links_to(const struct call_record *a, const struct call_record *b)
{
    for (uint32_t i = 0; i < a->related.link_count; i++) {
        const struct record_link *l = &a->related.links[i];
        bool together =
            l->kind && (strcmp(l->kind, "conference") == 0 || strcmp(l->kind, "join") == 0);
        if (together && strcmp(l->uid, b->uid) == 0)
            return true;
    }
    return false;
}

static bool same_focus(const struct call_record *a, const struct call_record *b)
{
    struct slice one = a->related.conference.focus_uri, other = b->related.conference.focus_uri;
    return one.size && slice_equal(one, other);
}

static void find_joined(struct work *w)
{
    for (unsigned i = 0; i < w->call_count; i++)
        for (unsigned k = 0; k < i; k++) {
            const struct call_record *a = w->calls[i], *b = w->calls[k];
            w->joined[i][k] = w->joined[k][i] =
                links_to(a, b) || links_to(b, a) || same_focus(a, b);
        }
}

/* ---- people ---- */

static void add_user(struct segment *s, struct slice user)
{
    if (user.size == 0 || s->user_count == sizeof s->users / sizeof *s->users)
        return;
    for (unsigned i = 0; i < s->user_count; i++)
        if (slice_equal_nocase(s->users[i], user))
            return;
    s->users[s->user_count++] = user;
}

/* The focus of a conference is nobody. */
static bool is_focus(const struct call_record *r, const struct record_party *p)
{
    struct slice uri = r->related.conference.focus_uri;
    struct slice user = slice_from(uri, slice_index(uri, ':') + 1);
    return uri.size && slice_equal(p->user, slice_sub(user, 0, slice_index(user, '@')));
}

static void add_people(struct segment *s, const struct call_record *r)
{
    if (!is_focus(r, &r->from))
        add_user(s, r->from.user.size ? r->from.user : r->from.host);
    if (!is_focus(r, &r->to))
        add_user(s, r->to.user.size ? r->to.user : r->to.host);
}

static int64_t audio_ms(const struct call_record *r, int64_t at_us)
{
    const struct record_recording *g = &r->recording;
    if (g->id[0] == '\0' || g->started_us == 0)
        return -1;
    int64_t ms = at_us > g->started_us ? (at_us - g->started_us) / 1000 : 0;
    return g->duration_ms >= 0 && ms > g->duration_ms ? -1 : ms;
}

/* ---- segments ---- */

static bool same_calls(const struct segment *s, const struct call_record *const *calls,
                       unsigned count)
{
    if (s->call_count != count)
        return false;
    for (unsigned i = 0; i < count; i++)
        if (s->calls[i].call != calls[i])
            return false;
    return true;
}

/* These calls talk together from `from_us` to `to_us`. */
static void put(struct segments *out, const struct call_record *const *calls, unsigned count,
                int64_t from_us, int64_t to_us)
{
    for (unsigned i = out->count; i-- > 0;) {
        struct segment *s = &out->segment[i];
        if (s->to_us == from_us && same_calls(s, calls, count)) {
            s->to_us = to_us;
            return;
        }
    }
    if (out->count == SEGMENTS_MAX) {
        out->truncated = true;
        return;
    }
    struct segment *s = &out->segment[out->count++];
    *s = (struct segment){.from_us = from_us, .to_us = to_us, .call_count = count};
    for (unsigned i = 0; i < count; i++) {
        s->calls[i] = (struct segment_call){calls[i], audio_ms(calls[i], from_us)};
        add_people(s, calls[i]);
    }
}

static bool talks(const struct work *w, unsigned call, int64_t from_us)
{
    for (unsigned i = 0; i < w->stretch_count; i++) {
        const struct stretch *t = &w->stretches[i];
        if (t->call == call && t->from_us <= from_us && from_us < t->to_us)
            return true;
    }
    return false;
}

/* Takes `call` and all that it is joined to, one after the other, out of `waiting`. */
static unsigned gather(const struct work *w, bool *waiting, unsigned call, unsigned *members,
                       struct segments *out)
{
    unsigned count = 0;
    members[count++] = call;
    waiting[call] = false;
    for (unsigned i = 0; i < count; i++)
        for (unsigned k = 0; k < w->call_count; k++) {
            if (!waiting[k] || !w->joined[members[i]][k])
                continue;
            if (count == SEGMENT_CALLS_MAX) {
                out->truncated = true;
                return count;
            }
            waiting[k] = false;
            members[count++] = k;
        }
    return count;
}

static int by_number(const void *a, const void *b)
{
    const unsigned *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void piece(const struct work *w, struct segments *out, int64_t from_us, int64_t to_us)
{
    bool waiting[SEGMENTS_CALLS_MAX];
    unsigned members[SEGMENT_CALLS_MAX];
    const struct call_record *together[SEGMENT_CALLS_MAX];
    for (unsigned i = 0; i < w->call_count; i++)
        waiting[i] = talks(w, i, from_us);
    for (unsigned i = 0; i < w->call_count; i++) {
        if (!waiting[i])
            continue;
        unsigned count = gather(w, waiting, i, members, out);
        qsort(members, count, sizeof *members, by_number);
        for (unsigned k = 0; k < count; k++)
            together[k] = w->calls[members[k]];
        put(out, together, count, from_us, to_us);
    }
}

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void cut(struct work *w, struct segments *out)
{
    unsigned count = 0;
    for (unsigned i = 0; i < w->stretch_count; i++) {
        w->cuts[count++] = w->stretches[i].from_us;
        w->cuts[count++] = w->stretches[i].to_us;
    }
    qsort(w->cuts, count, sizeof *w->cuts, by_time);
    for (unsigned i = 0; i + 1 < count; i++)
        if (w->cuts[i] != w->cuts[i + 1])
            piece(w, out, w->cuts[i], w->cuts[i + 1]);
    for (unsigned i = 0; i < out->count; i++)
        if (out->segment[i].to_us == FOREVER)
            out->segment[i].to_us = 0;
}

struct segments *segments_of(const struct call_record *const *calls, unsigned count)
{
    struct segments *out = calloc(1, sizeof *out);
    struct work *w = calloc(1, sizeof *w);
    if (out == NULL || w == NULL) {
        free(out);
        free(w);
        return NULL;
    }
    out->truncated = count > SEGMENTS_CALLS_MAX;
    w->calls = calls;
    w->call_count = count < SEGMENTS_CALLS_MAX ? count : SEGMENTS_CALLS_MAX;
    for (unsigned i = 0; i < w->call_count; i++)
        cut_by_holds(w, out, i);
    find_joined(w);
    cut(w, out);
    free(w);
    return out;
}
