/* Events out: the only place that fills struct event, but for media packets (flows.c). */
#pragma once

#include "base/media_key.h"
#include "capture/call/live.h"

void emit_call(struct calls *c, struct live *l,
               enum event_kind kind); /* STARTED, CHANGED: with the brief */
/* Hands the call over: l->call is NULL afterwards. */
void emit_call_ended(struct calls *c, struct live *l);
void emit_sip(struct calls *c, struct live *l, const struct sighting *s, bool over_limit);
void emit_flow_bound(struct calls *c, const struct flow *f, const struct flow_media *media);
void emit_flow_gone(struct calls *c, const struct flow *f);
void emit_media_key(struct calls *c, struct live *l, const struct media_key *key);
/* The keys of all lines of the SDP at hand (calls.sdp), which `party` sent; nothing is kept of them here. */
void emit_media_keys(struct calls *c, struct live *l, const struct sighting *s);
void emit_control(struct calls *c, struct live *l, const struct event_control *control);
void emit_tick(struct calls *c);
/* Frames of any call were lost before they came here; to all workers. */
void emit_capture_lost(struct calls *c, uint64_t frames, int64_t since_ns);
/* Media of one flow was refused by the sink; false when this is, too. */
bool emit_refused(struct calls *c, const struct flow *f, uint64_t frames);

/* A point on the call's time line; dropped past CALL_EVENTS_MAX. `kind` is a constant. */
void emit_note(struct calls *c, struct live *l, const char *kind, const char *detail);
