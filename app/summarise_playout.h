/* What was simulated of a stream, from the stream to its record. */
#pragma once

#include "app/worker.h"
#include "storage/record.h"

void summarise_playout(struct arena *a, const struct wstream *s, struct record_playout *out);
