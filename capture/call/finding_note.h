/* What of signalling goes to the detectors (capture/finding/), and their findings out as events. Does nothing when findings are
 * off. */
#pragma once

#include "capture/call/live.h"

/* NULL without memory. */
struct findings *finding_note_new(struct calls *c);
/* A message whose call, if it has one, is known. */
void finding_note_message(struct calls *c, const struct sighting *s);
void finding_note_unreadable(struct calls *c, const struct datagram *d);
/* The answer of the callee was repeated and never acknowledged. */
void finding_note_ack_missing(struct calls *c, const struct call *call);
/* A BYE of a stranger, after which media went on. */
void finding_note_bye(struct calls *c, const struct call *call);
/* RTP by a stranger (RULE_RTP_*): so many packets, or times. */
void finding_note_media(struct calls *c, const struct live *l, unsigned rule, const struct endpoint *src, const struct endpoint *dst, uint32_t count);
/* A flow that waited for its SDP goes, and it was no stream. */
void finding_note_probe(struct calls *c, const struct endpoint *src, const struct endpoint *dst);
/* INVITE with Replaces or Join that names this call, by no party of it. */
void finding_note_intrusion(struct calls *c, const struct live *l, const struct sighting *s, const char *method);
/* A REGISTER was answered: refused although it had credentials, or accepted. */
void finding_note_login(struct calls *c, const char *aor, const struct datagram *answer, bool accepted);
/* The peer missed that many OPTIONS in a row; 0: it answered. */
void finding_note_peer(struct calls *c, const struct endpoint *src, const struct endpoint *dst, unsigned misses, bool answered_before);
void finding_note_tick(struct calls *c);
void finding_note_finish(struct calls *c);
/* A trunk or site from which nothing comes, and its coming back (outage.c). */
void finding_note_silent(struct calls *c, const char *place, int64_t since_ns, const uint8_t *call, uint32_t calls);
void finding_note_heard(struct calls *c, const char *place);
/* An answered call that ended by time-out. */
void finding_note_dropped(struct calls *c, const struct call *call);
