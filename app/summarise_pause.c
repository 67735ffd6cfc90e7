/* Pauses in the record: they and their ends as events; keys out that came meanwhile. */
#include "app/worker_pause_internal.h"

#include <string.h>

#include "app/worker_mask.h"

static bool is_hidden(const struct wpause *p, unsigned sides, int64_t time_ns)
{
    for (unsigned i = 0; p && i < p->hidden_count; i++) {
        const struct pause_hidden *h = &p->hidden[i];
        if ((h->sides & sides) && time_ns >= h->from_ns && time_ns <= h->to_ns)
            return true;
    }
    return false;
}

static unsigned side_named(const char *party)
{
    return party && strcmp(party, "caller") == 0   ? PAUSE_CALLER
           : party && strcmp(party, "callee") == 0 ? PAUSE_CALLEE
                                                   : PAUSE_BOTH;
}

/* "5, 160 ms, info, caller": an event of the time line that tells a key. */
static unsigned side_of_event(const struct record_event *e)
{
    static const char CALLEE[] = "callee";
    size_t n = sizeof CALLEE - 1;
    bool callee = e->detail.size > n && memcmp(e->detail.data + e->detail.size - n, CALLEE, n) == 0;
    return callee ? PAUSE_CALLEE : PAUSE_CALLER;
}

static void hide_keys(struct call_record *r, const struct wpause *p, enum rule_mask mask)
{
    uint32_t count = 0, events = 0;
    for (uint32_t i = 0; i < r->dtmf.count; i++) {
        struct record_digit *d = &r->dtmf.digits[i];
        if (mask == RULE_MASK_DROP || is_hidden(p, side_named(d->party), d->time_us * 1000 + 999))
            continue;
        if (mask == RULE_MASK_COUNT)
            d->digit = slice_str("*");
        r->dtmf.digits[count++] = *d;
    }
    r->dtmf.count = count;
    for (uint32_t i = 0; i < r->event_count; i++) {
        struct record_event *e = &r->events[i];
        bool key = slice_is(e->kind, "dtmf");
        if (key &&
            (mask == RULE_MASK_DROP || is_hidden(p, side_of_event(e), e->time_us * 1000 + 999)))
            continue;
        if (key && mask == RULE_MASK_COUNT && e->detail.size) {
            struct slice star = arena_copy(r->arena, e->detail);
            if (star.size)
                ((uint8_t *)(uintptr_t)star.data)[0] = '*';
            e->detail = star.size ? star : slice_str("*");
        }
        r->events[events++] = *e;
    }
    r->event_count = events;
}

struct record_event summarise_pause_point(struct call_record *r, const struct pause_point *at)
{
    return (struct record_event){.time_us = at->time_ns / 1000,
                                 .kind = slice_str(at->resumed ? "recording_resumed" : "recording_paused"),
                                 .detail = arena_copy(r->arena, slice_str(at->detail))};
}

/* Both lists are in order of time, or nearly. */
static void add_points(struct call_record *r, const struct wpause *p)
{
    struct record_event *all =
        arena_alloc(r->arena, (r->event_count + p->point_count + 1) * sizeof *all);
    if (all == NULL)
        return;
    if (r->event_count)
        memcpy(all, r->events, r->event_count * sizeof *all);
    r->events = all;
    for (unsigned i = 0; i < p->point_count; i++) {
        struct record_event e = summarise_pause_point(r, &p->points[i]);
        uint32_t k = r->event_count++;
        for (; k && all[k - 1].time_us > e.time_us; k--)
            all[k] = all[k - 1];
        all[k] = e;
    }
}

void summarise_pause(struct call_record *r, const struct wcall *wc,
                     const struct worker_config *config)
{
    enum rule_mask mask = mask_of(wc, config);
    if (wc->pause == NULL && mask == RULE_MASK_KEEP)
        return;
    hide_keys(r, wc->pause, mask);
    if (wc->pause)
        add_points(r, wc->pause);
}
