/* Signalling that comes in streams: TCP connections are put together, TLS is opened where there are keys, WebSockets are
 * unwrapped, SCTP chunks are joined, and the SIP messages in them come out as datagrams. What cannot be read is known by
 * name: encrypted connections are listed with peers, names and bytes. Owned by the front. */
#pragma once

#include "base/counters.h"
#include "capture/net/sctp.h"
#include "capture/net/tcp.h"
#include "capture/net/tls.h"

struct streams;

/* Zero values mean the defaults. */
struct streams_config {
    struct hash_seed seed;
    struct tcp_config tcp;
    struct sctp_config sctp;
    struct tls_config tls;
    size_t message_max;          /* default 128 KiB: a SIP message */
    size_t gathered_max;         /* default 64 MiB: halves of messages, of all connections; who passes it loses its own */
    bool keys;                   /* keys are or will be known: every TLS connection is followed, not only signalling ports */
    uint16_t tls_ports[16];      /* default 5061 8089 7443 10443: TLS here is signalling, even when nobody can read it */
    unsigned tls_port_count;
};

enum visibility { VISIBLE_CLEAR, VISIBLE_DECRYPTED, VISIBLE_BLIND };

/* An encrypted signalling connection as it stands at its end, or when it is opened or found blind. */
struct encrypted_flow {
    struct endpoint client;
    struct endpoint server;
    int64_t first_ns;
    int64_t last_ns;
    uint8_t visibility;          /* enum visibility */
    bool over;                   /* the connection ended */
    struct tls_info tls;
};

struct streams_user {
    void *context;
    /* One SIP message; `whole` false when bytes of it are missing. Both valid during the call. */
    void (*message)(void *context, const struct datagram *message, bool whole);
    void (*encrypted)(void *context, const struct encrypted_flow *flow);
    /* May be NULL. A stream that is no SIP: true when somebody follows it. `user` is the follower's own, kept with the connection. */
    bool (*foreign)(void *context, const struct datagram *bytes, bool first, void **user);
    void (*foreign_closed)(void *context, void *user);
};

int streams_new(const struct streams_config *config, const struct streams_user *user, struct counters *counters,
                struct streams **ret_streams);
void streams_free(struct streams *s);
/* A TCP segment or an SCTP packet. */
void streams_packet(struct streams *s, const struct datagram *packet);
void streams_tick(struct streams *s, int64_t now_ns);
/* The capture ended: what waits is delivered, encrypted flows are told. */
void streams_finish(struct streams *s);
/* For keys as they become known. */
struct tls *streams_tls(struct streams *s);
/* Keys may come from now on. */
void streams_expect_keys(struct streams *s);
