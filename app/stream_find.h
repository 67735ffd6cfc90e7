/* Streams of a call that are asked for by others. */
#pragma once

#include "app/worker.h"

/* By its number; NULL when there is none. */
const struct wstream *stream_of(const struct wcall *wc, uint32_t sid);
/* The stream that runs back: the same ends, preferably the same ports; NULL when RTCP never spoke of it. */
const struct wstream *stream_back(const struct wcall *wc, const struct wstream *s);
