/* How far back a recovery would have to read. What a call has in the spool stands in the segment that was written when it began, or in
 * later ones; so the oldest of the calls that go on and of the records that wait say it, and without any the segment of now. It is
 * told behind the records (they go the same way), so that whoever keeps it knows that those are safe first. No clock is in it: a
 * number that is lower than need be costs reading, nothing else. */
#include "app/worker_internal.h"

#include "storage/spool.h"

#define MARK_NS (INT64_C(5) * 1000000000)

struct wplace worker_place(const struct worker *w)
{
    if (w->spool == NULL)
        return (struct wplace){0};
    return (struct wplace){.media = spool_segment_now(w->spool), .sip = spool_segment_now(w->sip_spool)};
}

void worker_place_lower(struct wplace *least, const struct wplace *other)
{
    least->media = other->media < least->media ? other->media : least->media;
    least->sip = other->sip < least->sip ? other->sip : least->sip;
}

static void tell(struct worker *w, struct wplace now)
{
    uint32_t at = 0;
    for (const struct wcall *wc; (wc = worker_call_next(w, &at)) != NULL;)
        worker_place_lower(&now, &wc->begun);
    worker_pending_place(w, &now);
    if (now.media != w->marked.media)
        w->config.spool_mark(w->config.context, now.media);
    if (now.sip != w->marked.sip)
        w->config.spool_mark(w->config.context, now.sip);
    w->marked = now;
}

static bool marks(const struct worker *w)
{
    return w->config.spool_mark && w->spool && !w->lost_record;
}

void worker_mark(struct worker *w)
{
    int64_t since_ns = w->now_ns - w->marked_ns;
    if (!marks(w) || (since_ns >= 0 && since_ns < MARK_NS))
        return;
    w->marked_ns = w->now_ns;
    tell(w, worker_place(w));
}

void worker_mark_end(struct worker *w)
{
    struct wplace next = worker_place(w);
    next.media += SPOOL_WRITERS;
    next.sip += SPOOL_WRITERS;
    if (marks(w))
        tell(w, next);
}
