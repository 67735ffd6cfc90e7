/* Keys that must not be kept (docs/pause-and-masking.md): of packets of events at most the header is kept, tones of keys are overwritten while
 * their packets still wait there. Costs nothing where neither rule nor setting asks for it. */
#pragma once

#include "app/worker.h"

/* What rule and setting say: RULE_MASK_KEEP, RULE_MASK_COUNT or RULE_MASK_DROP. */
enum rule_mask mask_of(const struct wcall *wc, const struct worker_config *config);
bool worker_masks(const struct worker *w, const struct wcall *wc);
/* By its codec; where that is unknown, or NULL, by its type and the size of its payload on the wire. */
bool worker_mask_is_event(const struct rtp_codec *codec, uint8_t payload_type, size_t size);
/* The packet tells of a key that this flow must not keep. */
bool worker_mask_event(const struct worker *w, const struct wflow *f, const struct rtp_codec *outer, const struct rtp_packet *p);
/* Keeps the packet; if a key sounds in it, silences it and what is near. */
void worker_mask_sound(struct worker *w, struct wflow *f, const struct rtp_packet *p, const struct event *event);
