/* What calls have to do with each other. Each call stays a call of its own; those of one chain have
 * one group, named after the first of them:
 *
 *   A talks to B, B refers A to C     transfer.h: the REFER, what NOTIFY reports, the INVITE it led to
 *   INVITE with Replaces or Join      here: the dialog it names, live or lately over
 *   several calls to one focus        conference.h
 *   B mixes two calls itself          mix.h
 *
 * Groups of live calls are rings, so that a group which turns out to be part of an older one takes
 * its name. A call that has left keeps the name it had then; its links still say to whom it belongs.
 *
 * Bounds: 4096 dialogs that are over are remembered for 64 s, 4096 transfers wait 64 s for their
 * INVITE, 512 conferences of 48 participants, 1024 calls on hold that may become a conference; a
 * call has 32 links and 16 transfers, a group 256 live calls. At a bound the oldest entry goes
 * (counted when it was still of use), or no more are kept. */
#pragma once

#include "capture/call/live.h"

struct relations;

/* NULL without memory. */
struct relations *relations_new(struct calls *c);
void relations_free(struct relations *r);

/* A message of the call that is no repetition, ahead of what it does to the call. */
void relate_message(struct calls *c, struct live *l, const struct sighting *s);
/* The same, behind it. */
void relate_settled(struct calls *c, struct live *l, const struct sighting *s);
/* Any NOTIFY, whose dialog may be no call. */
void relate_notify(struct calls *c, const struct sighting *s);
/* This party put the other on hold, or took it back. */
void relate_hold(struct calls *c, struct live *l, const struct sighting *s, bool hold);
/* Steady time until which a call that is over waits for what comes of a transfer; 0: it does not. */
int64_t relate_wait(const struct live *l);
void relate_tick(struct calls *c);
/* The call leaves. */
void relate_close(struct calls *c, struct live *l);
