/* SCTP (RFC 9260) to user messages: DATA chunks put together by TSN, several in a packet, any payload protocol id; also from inside
 * UDP (RFC 6951). Associations and unfinished messages are bounded, time is packet time.
 *
 * I-DATA chunks (RFC 8260) too. A message is given out as soon as its last fragment is there: order between messages is that of their
 * completion, which is what a SIP peer relies on too (RFC 4168). A direction of an association is known by verification tag, ports and address
 * space, not by its addresses, of which it may have several; only where the tag is 0 the addresses count. The same TSN again is ignored. Checksums
 * are not verified (the network card fills them in after the capture). Kept are 512 fragments a direction and 64 of one packet; a message whose
 * fragments contradict each other is dropped (PARSE_ERRORS{proto="other"}). */
#pragma once

#include "base/counters.h"
#include "capture/net/datagram.h"

struct sctp;

struct sctp_config {
    struct hash_seed seed;
    uint32_t associations_max;  /* default 4096, each direction counts; the one idle longest goes, each after 10 min */
    size_t bytes_max;           /* default 8 MiB of unfinished messages */
    uint32_t message_max;       /* default 128 KiB a message */
    int64_t gap_ns;             /* default 5 s: an unfinished message is given up */
};

/* `message` is a datagram with the ports of the SCTP header, transport SCTP and the user message as payload; valid during the call. */
typedef void sctp_message_fn(void *context, const struct datagram *message, uint32_t payload_protocol);

/* Zero values mean the defaults. 0 or ERR_NOMEM. `counters` may be NULL. */
int sctp_new(const struct sctp_config *config, sctp_message_fn *fn, void *context, struct counters *counters, struct sctp **ret_sctp);
void sctp_free(struct sctp *s);
/* A datagram with proto SCTP: its payload is the packet from the common header on. */
void sctp_packet(struct sctp *s, const struct datagram *packet);
void sctp_tick(struct sctp *s, int64_t now_ns);
/* Directions of associations that are known. */
uint32_t sctp_count(const struct sctp *s);
