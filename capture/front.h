/* The front: frames in, events out. It owns all signalling state (defragmentation, call table, media table, timers) on one
 * thread. Time is the frames' time; a live source feeds front_tick() while the link is silent, so a capture of last
 * year ends its calls exactly as it would have then. */
#pragma once

#include "base/counters.h"
#include "capture/event.h"
#include "capture/finding/config.h"
#include "capture/net/net.h"
#include "capture/streams.h"

struct front;
struct place_table;
struct place_turn;

/* Two addresses of one place: what SDP announces at one is looked for at the other too. */
struct front_alias {
    struct addr one, other;
};
#define FRONT_ALIASES_MAX 64

/* A header of the first INVITE that goes into the record. */
#define FRONT_HEADERS_MAX 16
#define FRONT_HEADER_SIZE 64
/* Headers that name the queue, or the agent, of a contact centre. */
#define FRONT_CENTRE_HEADERS_MAX 4
#define FRONT_CONTROL_HEADERS_MAX 4

struct front_config {
    struct hash_seed seed;
    uint8_t id_secret[32];          /* of the installation: call ids (docs/decisions/call-ids.md) */
    const char *probe;              /* name of this probe, part of the call id; never NULL */
    struct net_config net;
    uint32_t calls_max;             /* default 20000 */
    uint32_t flows_max;             /* default 65536 */
    uint32_t call_messages_max;     /* default 2000 */
    size_t call_text_max;           /* default 256 KiB of message text a call, then counted only */
    size_t held_bytes_max;          /* default 8 MiB of RTP waiting for its SDP */
    uint32_t held_packets_max;      /* default 64 a flow */
    int64_t held_ns;                /* default 4 s: then it is an orphan, or nothing */
    int64_t media_timeout_ns;       /* default 60 s without media nor signalling ends an answered call */
    int64_t no_media_timeout_ns;    /* default 4 h: answered call that never had media */
    int64_t setup_timeout_ns;       /* default 180 s without a final response */
    int64_t max_duration_ns;        /* default 24 h; 0: never */
    int64_t linger_ns;              /* default 2 s: a call stays after its end for late packets and retransmissions */
    int64_t orphan_timeout_ns;      /* default 10 s without media ends an orphan */
    bool orphans;                   /* default true: RTP without signalling becomes an orphan */
    bool dedupe;                    /* default true: copies that a mirror port makes are taken once */
    int64_t dedupe_ns;              /* default 100 ms: how far apart copies are */
    struct streams_config streams;
    uint32_t turn_max;              /* default 8192 TURN allocations and channels */
    unsigned header_count;
    char headers[FRONT_HEADERS_MAX][FRONT_HEADER_SIZE]; /* names */
    unsigned queue_header_count, agent_header_count;
    char queue_headers[FRONT_CENTRE_HEADERS_MAX][FRONT_HEADER_SIZE]; /* names */
    char agent_headers[FRONT_CENTRE_HEADERS_MAX][FRONT_HEADER_SIZE];
    unsigned correlation_count;
    char correlation[FRONT_HEADERS_MAX][FRONT_HEADER_SIZE]; /* headers that legs of one call share (call/keys.h) */
    struct finding_config findings; /* default: all detectors */
    bool users;                     /* default true: follow what is no call (users.h) */
    bool keep_message_body;         /* default false: the text of a MESSAGE goes with its event */
    unsigned control_header_count;  /* headers that pause and resume the recording */
    char control_headers[FRONT_CONTROL_HEADERS_MAX][FRONT_HEADER_SIZE];
    bool control_sip;               /* look for them, and for a=record */
    bool control_keys;              /* tell the worker of keys in INFO */
    bool mask_dtmf;                 /* default false: keys of INFO are told as '*' */
    uint32_t transactions_max;      /* default 32768, of requests other than INVITE */
    uint32_t registrations_max;     /* default 20000 AORs */
    uint32_t subscriptions_max;     /* default 20000; of presence as many */
    uint32_t peers_max;             /* default 4096 pairs that speak OPTIONS */
    uint32_t user_agents_max;       /* default 1000 names of software */
    const struct place_table *places; /* borrowed, sealed (call/place.h); NULL: nothing is known */
    struct place_turn *turn;          /* whose table that is, when another may come in its place; borrowed */
    unsigned alias_count;
    struct front_alias alias[FRONT_ALIASES_MAX];
};

/* Zero values above mean the defaults. Fills them in; call before changing single fields. */
void front_config_defaults(struct front_config *config);

/* `counters` is the block of the thread that will call the front. 0 or ERR_NOMEM. */
int front_new(const struct front_config *config, const struct event_sink *sink, struct counters *counters, struct front **ret_front);
void front_free(struct front *f); /* front_finish() first, or open calls are lost */
void front_frame(struct front *f, const struct frame *frame);
/* A datagram or a whole message from elsewhere than a frame (a spool that is replayed). */
void front_datagram(struct front *f, const struct datagram *datagram);
/* `frames` were lost since that time before they came here: all calls that go on are capture_suspect, and so is what was
 * measured of them in the meantime. */
void front_capture_lost(struct front *f, uint64_t frames, int64_t since_ns);
/* A line of a TLS key log. */
void front_key_line(struct front *f, struct slice line);
/* A PEM key of a server, for RSA key exchange. 0 or ERR_. */
int front_private_key(struct front *f, struct slice pem, struct why *why);
/* Packet time is at least `now_ns`. */
void front_tick(struct front *f, int64_t now_ns);
/* Ends all open calls with `reason` (CALL_END_CUT) and sends what is pending. */
void front_finish(struct front *f, enum call_end_reason reason);
