/* The room's door: what the front sees goes in as facts, findings come out through the sink. One thread, the front's; time is
 * the packets'. Nothing here changes a call, sends or blocks anything: a finding says, others act. */
#pragma once

#include "capture/finding/engine.h"
#include "capture/net/datagram.h"
#include "capture/sip/sip.h"

struct findings;

/* NULL without memory. */
struct findings *findings_new(const struct finding_config *config, const struct hash_seed *seed,
                              const struct finding_sink *sink, struct counters *counters);
void findings_free(struct findings *f);

/* Now, ahead of every fact: of the packets, and the one that never goes back. */
void findings_time(struct findings *f, int64_t time_ns, int64_t steady_ns);
/* About every 100 ms of packet time. */
void findings_tick(struct findings *f);
/* All that is open is told for the last time. */
void findings_finish(struct findings *f);

/* A message is about to be read, then it is known to be one: both ahead of findings_message(), and only to make that faster. */
void findings_expect(struct findings *f, const struct datagram *d);
void findings_fetch(const struct findings *f);

/* A SIP message. */
struct finding_message {
    const struct datagram *d;
    const struct sip_msg *m;
    const uint8_t *call; /* uid of its call; NULL: none */
    uint64_t via;        /* hash of the top Via */
    bool in_dialog;      /* has a To tag */
    bool of_callee;      /* a request of the callee within the call, or an answer to one */
};
void findings_message(struct findings *f, const struct finding_message *s);
/* What begins like SIP and is none. */
void findings_unreadable(struct findings *f, const struct datagram *d);

/* A REGISTER with credentials was refused, or a REGISTER was accepted. */
struct finding_login {
    const char *aor;
    const struct endpoint *src, *dst; /* who asked whom */
    bool accepted;
};
void findings_login(struct findings *f, const struct finding_login *login);

/* A BYE or CANCEL by no party of the call. */
void findings_teardown(struct findings *f, const struct endpoint *src, const struct endpoint *dst, const uint8_t *call,
                       const char *method);
/* RTP by a stranger: RULE_RTP_SOURCE, _SSRC or _SEQUENCE, so much more of it. */
void findings_media(struct findings *f, enum finding_rule rule, const struct endpoint *src, const struct endpoint *dst,
                    const uint8_t *call, uint32_t count);
/* What looked like RTP came to a port that nobody announced, and no stream followed. */
void findings_probe(struct findings *f, const struct endpoint *src, const struct endpoint *dst);
/* `method` ("Replaces", "Join") of somebody who is no party of the call that it names. */
void findings_intrusion(struct findings *f, const struct endpoint *src, const struct endpoint *dst, const uint8_t *call,
                        const char *method);
/* `src` should have acknowledged what `dst` answered. */
void findings_ack_missing(struct findings *f, const struct endpoint *src, const struct endpoint *dst, const uint8_t *call);
/* OPTIONS from src to dst: so many in a row without an answer, 0 when one came. */
void findings_peer(struct findings *f, const struct endpoint *src, const struct endpoint *dst, unsigned misses,
                   bool answered_before);
/* From this place ("trunk carrier", "site north") nothing comes since then although `calls` calls go on. Once for each call that is
 * to be named, `calls` 0 from the second on. */
#define FINDING_PLACE_SIZE 48
void findings_silent(struct findings *f, const char *place, int64_t since_ns, const uint8_t *call, uint32_t calls);
/* It is heard again. */
void findings_heard(struct findings *f, const char *place);
/* An answered call ended by time-out; its last sign of life was then. `place` "": nobody knows where it belongs. */
void findings_dropped(struct findings *f, const uint8_t *call, const char *place, int64_t last_ns);
