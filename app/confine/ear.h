/* decode/earpiece.h in a process of its own: a call is heard while it goes on, and what crashes a decoder costs a moment of
 * it. Packets are gathered and go there together with the next question. Belongs to one thread. */
#pragma once

#include "app/confine/confine.h"
#include "base/counters.h"

struct ear;

#define EAR_DEATHS ((int)LABEL_COUNT_CRASH)

/* Borrows the configuration; No process is started yet. NULL without memory. */
struct ear *ear_new(const struct confine_config *config, int rate_hz);
/* NULL is fine. */
void ear_free(struct ear *e);
/* As their namesakes. */
void ear_begin(struct ear *e, int64_t start_ns);
void ear_packet(struct ear *e, unsigned channel, unsigned flow, int64_t time_ns, struct slice datagram, const struct render_codec *codec);
/* -1: there is no process to be had any more. */
int ear_read(struct ear *e, int64_t until_ns, int16_t *out, int max);
int64_t ear_skip(struct ear *e, int64_t at_ns);
int64_t ear_end(struct ear *e);
/* How often its process died, by LABELS_CRASH. */
void ear_count(const struct ear *e, struct counters *counters);
