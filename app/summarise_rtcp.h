/* What RTCP said about a stream, from the worker to its record. */
#pragma once

#include "app/stream_find.h"
#include "storage/record.h"

/* Reports, remote figures, extended reports, places of loss; after the stream's quality. */
void summarise_rtcp(struct arena *a, const struct stream_stats *m, struct record_stream *out);
/* Round trips of all streams: the way to the sender of one is the way to the receiver of another. */
void summarise_round_trips(struct call_record *r, const struct wcall *wc);
