/* Where packets were lost. For the numbers between two reports of the receiver three things are
 * known: B, how many it misses; M, how many were not seen here; K, how many frames our capture
 * admits to have dropped. With U lost before the tap, D behind it and C by ourselves
 *
 *      M = U + C      B = U + D      0 <= C <= K where K is known
 *
 * Without C that is solved: U = M, D = B - M. M > B means that packets came to the receiver which
 * we did not see, and so that C > 0: then, and where K > 0, there are bounds for all three and a
 * best guess.
 *
 * Cumulative counts of two ends are never subtracted from each other, only each one's own
 * differences. A receiver takes duplicates off its loss; those that we saw as well are put back
 * where they explain why it misses less than we do. */
#include "capture/rtp/rtcp_tap_internal.h"

enum {
    EDGE = 2,            /* packets under way when a report is made: no sign of anything */
    INTERVAL_MAX = 4096, /* numbers; what the bitmap of a stream holds */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

void split_begin(struct split *s, const struct rtp_stream *stream, const struct rtcp_block *b,
                 int64_t ns)
{
    s->before_ns = s->ns;
    s->ns = ns;
    s->highest = b->highest_sequence;
    s->lost = b->cumulative_lost;
    s->duplicates = stream ? rtp_stream_duplicates(stream) : 0;
    s->drops = 0;
    s->suspect = false;
}

static void places_add(struct rtcp_places *sum, int64_t before, int64_t after, int64_t capture)
{
    sum->before_tap += before;
    sum->after_tap += after;
    sum->capture += capture;
}

/* Nothing speaks against our capture. A packet that was under way at the edge of the interval is
 * taken back from the one before. */
static void add_clean(struct split *s, int64_t ns, int64_t missed, int64_t reported)
{
    int64_t behind = most(reported - missed, -s->best.after_tap);
    struct rtcp_places here = {missed, behind, 0};
    places_add(&s->best, missed, behind, 0);
    places_add(&s->lower, missed, most(behind, -s->lower.after_tap), 0);
    places_add(&s->upper, missed, most(behind, -s->upper.after_tap), 0);
    places_series_add(&s->series, ns, &here, false);
}

/* Our capture missed something: at least what the receiver has more than we, at most what it
 * admits. */
static void add_suspect(struct split *s, int64_t ns, int64_t missed, int64_t reported)
{
    bool counted = s->suspect && s->drops;
    int64_t capture_least = most(0, missed - reported);
    int64_t capture_most = counted ? most(capture_least, least(missed, (int64_t)s->drops)) : missed;
    int64_t before_least = missed - capture_most;
    int64_t before_most = missed - capture_least;
    struct rtcp_places here = {before_most, most(0, reported - before_most), capture_least};
    places_add(&s->lower, before_least, most(0, reported - before_most), capture_least);
    places_add(&s->upper, before_most, reported - before_least, capture_most);
    places_add(&s->best, here.before_tap, here.after_tap, here.capture);
    places_series_add(&s->series, ns, &here, true);
    s->suspects++;
}

static bool makes_sense(uint32_t expected, int64_t reported)
{
    return expected > 0 && expected <= INTERVAL_MAX && reported <= (int64_t)expected &&
           reported >= -(int64_t)expected;
}

void split_interval(struct split *s, const struct rtp_stream *stream, const struct rtcp_block *b,
                    int64_t ns)
{
    s->missed = false;
    /* The reporter's count of cycles is not needed, and not always right. */
    uint32_t expected = (uint16_t)(b->highest_sequence - s->highest);
    int64_t reported = (int64_t)b->cumulative_lost - s->lost;
    int missed = -1;
    if (expected == 0 && reported == 0)
        return; /* nothing new: the interval goes on */
    if (stream && makes_sense(expected, reported))
        missed = rtp_stream_missing(stream, (uint16_t)s->highest, (uint16_t)b->highest_sequence);
    if (missed < 0) {
        s->skipped++;
        split_begin(s, stream, b, ns);
        return;
    }
    uint32_t copies = rtp_stream_duplicates(stream) - s->duplicates;
    if (reported < missed)
        reported = least(missed, reported + copies);
    s->intervals++;
    s->packets += expected;
    s->missed = missed > reported + EDGE;
    if (s->suspect || s->missed)
        add_suspect(s, ns, missed, most(0, reported));
    else
        add_clean(s, ns, missed, reported);
    split_begin(s, stream, b, ns);
}

void split_free(struct split *s)
{
    places_series_free(&s->series);
}
