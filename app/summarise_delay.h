/* From round trips, buffer and codec to the delay from mouth to ear, and the conversational score. */
#pragma once

#include "app/stream_find.h"
#include "storage/record.h"

/* After summarise_round_trips(); `stats` are those of r->streams, in their order. */
void summarise_delay(struct call_record *r, const struct wcall *wc, const struct stream_stats *stats);
/* Mouth to ear of one direction, ms; NAN and why not in *ret_basis ("none", "partial"). `back` runs the other way, NULL: none does. */
double summarise_delay_ms(const struct record_stream *s, const struct record_stream *back, double buffer_ms, double assumed_ms,
                          const char **ret_basis);
