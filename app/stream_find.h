/* What several parts of a record ask of the streams of a call. */
#pragma once

#include "app/worker.h"

/* The statistics of a stream, taken once for a record. */
struct stream_stats {
    const struct wstream *stream;
    struct rtp_stats all;
    struct rtp_stats network; /* without what may be a fault of our own capture (suspect.h) */
};
void stream_stats(const struct wstream *s, struct stream_stats *ret_stats);
/* By its number; NULL when there is none. */
const struct wstream *stream_of(const struct wcall *wc, uint32_t sid);
/* The stream that runs back: the same ends, preferably the same ports; NULL when RTCP never spoke of it. */
const struct wstream *stream_back(const struct wcall *wc, const struct wstream *s);
