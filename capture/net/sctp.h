/* SCTP (RFC 9260) to user messages: DATA chunks put together by TSN, several in a packet, any payload protocol id; also from inside
 * UDP (RFC 6951). Associations and unfinished messages are bounded, time is packet time. */
#pragma once

#include "base/counters.h"
#include "capture/net/datagram.h"

struct sctp;

struct sctp_config {
    struct hash_seed seed;
    uint32_t associations_max;  /* default 4096; the one idle longest goes */
    size_t bytes_max;           /* default 8 MiB of unfinished messages */
    uint32_t message_max;       /* default 128 KiB a message */
    int64_t gap_ns;             /* default 5 s: an unfinished message is given up */
};

/* `message` is a datagram with ports, transport SCTP and the user message as payload; valid during the call. */
typedef void sctp_message_fn(void *context, const struct datagram *message, uint32_t payload_protocol);

int sctp_new(const struct sctp_config *config, sctp_message_fn *fn, void *context, struct counters *counters, struct sctp **ret_sctp);
void sctp_free(struct sctp *s);
/* A datagram with proto SCTP: its payload is the packet from the common header on. */
void sctp_packet(struct sctp *s, const struct datagram *packet);
void sctp_tick(struct sctp *s, int64_t now_ns);
uint32_t sctp_count(const struct sctp *s);
