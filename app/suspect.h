/* Times in which our own capture missed frames of a call. What is measured over them may be our fault: such windows have no
 * score, and what is lost in them is not counted as loss of the network. */
#pragma once

#include "capture/rtp/stream.h"

#define SUSPECT_SPANS_MAX 16 /* then the newest one is stretched */

struct suspect_span {
    int64_t from_ns, to_ns;
    uint64_t frames; /* of all calls; 0: nobody knows how many */
};

struct suspect {
    const struct suspect *also; /* more of them: what a stream has beside its call's */
    unsigned count;
    struct suspect_span spans[SUSPECT_SPANS_MAX]; /* in order */
};

/* Spans that touch become one. */
void suspect_add(struct suspect *s, int64_t from_ns, int64_t to_ns, uint64_t frames);
/* NULL has none. */
bool suspect_overlaps(const struct suspect *s, int64_t from_ns, int64_t to_ns);

/* What a stream has in suspect windows, and numbers lost in suspect steps, of which `most` may be ours. */
struct suspect_sums {
    uint32_t windows;
    uint64_t expected, lost, runs, bad, bad_runs;
    uint64_t missing, most;
};
struct suspect_sums suspect_sums(const struct suspect *s, const struct rtp_stream *stream);
/* Takes what suspect windows hold off the frames that are scored. */
void suspect_take_off(const struct suspect *s, const struct rtp_stream *stream, struct rtp_stats *stats);
bool suspect_window(const struct suspect *s, const struct rtp_stream *stream, uint32_t window);
