/* A stream over time: steps as they were counted, windows with their scores, and where packets were lost in each. */
#pragma once

#include "app/worker.h"

void summarise_series(struct arena *a, const struct wstream *s, int64_t first_ns, struct record_series *out);
/* The MOS of the newest scoring window, NAN without one; *ret_r and *ret_scale for the quality band. */
double stream_window_score(const struct wstream *s, double *ret_r, const char **ret_scale);
