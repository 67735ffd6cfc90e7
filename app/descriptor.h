/* The text that stands before a flow's packets in the spool: who sends, and what its payload types are. Lines of words:
 *
 *     media party=caller type=audio secure=0 ptime=20
 *     codec 8 PCMA 8000 1
 *     codec 101 telephone-event 8000 1 0-15
 */
#pragma once

#include "base/buf.h"
#include "capture/event.h"

struct wflow;

void descriptor_write(struct buf *out, const struct wflow *flow);
/* False when it is none of ours. */
bool descriptor_read(struct slice text, struct flow_media *ret_media);
