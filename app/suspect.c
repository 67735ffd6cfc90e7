/* See suspect.h. */
#include "app/suspect.h"

#define NS_PER_MS INT64_C(1000000)
#define APART_NS  (1000 * NS_PER_MS) /* spans nearer than this are one */

static void stretch(struct suspect_span *v, int64_t from_ns, int64_t to_ns, uint64_t frames)
{
    v->from_ns = from_ns < v->from_ns ? from_ns : v->from_ns;
    v->to_ns = to_ns > v->to_ns ? to_ns : v->to_ns;
    v->frames = frames && v->frames ? v->frames + frames : 0;
}

void suspect_add(struct suspect *s, int64_t from_ns, int64_t to_ns, uint64_t frames)
{
    struct suspect_span *last = s->count ? &s->spans[s->count - 1] : NULL;
    if (from_ns > to_ns)
        from_ns = to_ns;
    if (last && (from_ns <= last->to_ns + APART_NS || s->count == SUSPECT_SPANS_MAX))
        stretch(last, from_ns, to_ns, frames);
    else
        s->spans[s->count++] = (struct suspect_span){from_ns, to_ns, frames};
}

bool suspect_overlaps(const struct suspect *s, int64_t from_ns, int64_t to_ns)
{
    for (; s; s = s->also)
        for (unsigned i = 0; i < s->count; i++)
            if (s->spans[i].from_ns < to_ns && from_ns <= s->spans[i].to_ns)
                return true;
    return false;
}

static bool overlaps_piece(const struct suspect *s, int64_t begin_ns, uint32_t piece,
                           uint32_t length_ms)
{
    int64_t from_ns = begin_ns + (int64_t)piece * length_ms * NS_PER_MS;
    return suspect_overlaps(s, from_ns, from_ns + length_ms * NS_PER_MS);
}

bool suspect_window(const struct suspect *s, const struct rtp_stream *stream, uint32_t window)
{
    return s && overlaps_piece(s, rtp_stream_first_ns(stream), window, rtp_stream_series(stream)->window_ms);
}

/* Frames that the spans admit to; UINT64_MAX when one does not say. */
static uint64_t admitted(const struct suspect *s)
{
    uint64_t sum = 0;
    for (; s; s = s->also) {
        for (unsigned i = 0; i < s->count; i++) {
            if (s->spans[i].frames == 0)
                return UINT64_MAX;
            sum += s->spans[i].frames;
        }
    }
    return sum;
}

struct suspect_sums suspect_sums(const struct suspect *s, const struct rtp_stream *stream)
{
    struct suspect_sums sums = {.windows = 0};
    if (s == NULL)
        return sums;
    const struct rtp_series *t = rtp_stream_series(stream);
    int64_t begin_ns = rtp_stream_first_ns(stream);
    for (uint32_t i = 0; i < t->window_count; i++) {
        const struct rtp_window *v = &t->windows[i];
        if (!overlaps_piece(s, begin_ns, i, t->window_ms))
            continue;
        sums.windows++;
        sums.expected += v->expected;
        sums.lost += v->lost;
        sums.runs += v->runs;
        sums.bad += (uint64_t)v->lost + v->discarded;
        sums.bad_runs += v->bad_runs;
    }
    for (uint32_t i = 0; i < t->step_count; i++)
        if (overlaps_piece(s, begin_ns, i, t->step_ms))
            sums.missing += t->steps[i].lost;
    uint64_t most = admitted(s);
    sums.most = sums.missing < most ? sums.missing : most;
    return sums;
}

static uint64_t less(uint64_t whole, uint64_t part)
{
    return whole > part ? whole - part : 0;
}

void suspect_take_off(const struct suspect *s, const struct rtp_stream *stream,
                      struct rtp_stats *stats)
{
    struct suspect_sums sums = suspect_sums(s, stream);
    if (sums.windows == 0)
        return;
    stats->media_expected = less(stats->media_expected, sums.expected);
    stats->media_lost = less(stats->media_lost, sums.lost);
    stats->runs = less(stats->runs, sums.runs);
    stats->bad = less(stats->bad, sums.bad);
    stats->bad_runs = less(stats->bad_runs, sums.bad_runs);
    stats->expected = less(stats->expected, sums.most);
    stats->lost = less(stats->lost, sums.most);
}
