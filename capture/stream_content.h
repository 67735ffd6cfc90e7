/* What the bytes of one connection are: SIP, a WebSocket with SIP in it, TLS with either inside, or none of our business.
 * Private to streams.c and stream_content.c.
 *
 *   UNKNOWN --start line----------------------> SIP
 *      |`----"GET ... Upgrade: websocket"-----> WEB
 *      |`----TLS record-----------------------> TLS --plain text--> inner content: SIP, WEB
 *      |`----some other signalling------------> FOREIGN
 *       `----nothing known--------------------> NOTHING: the connection is passed over from here on
 */
#pragma once

#include "capture/net/websocket.h"
#include "capture/sip/framer.h"
#include "capture/streams.h"

enum content_kind { CONTENT_UNKNOWN, CONTENT_SIP, CONTENT_WEB, CONTENT_TLS, CONTENT_FOREIGN, CONTENT_NOTHING };

/* Bytes looked at before a connection is given up as unknown. */
#define CONTENT_HEAD_MAX 4096

struct content_side {
    struct buf head;            /* while UNKNOWN and too short to tell */
    struct sip_framer *framer;
    struct ws *ws;
};

struct content {
    struct conn *conn;
    enum content_kind kind;
    bool secure;                /* came out of TLS */
    struct content_side side[2];
};

/* One connection. Hangs on tcp_peers.user. */
struct conn {
    struct streams *streams;
    struct tcp_peers *peers;
    struct content outer, inner; /* inner: behind TLS */
    struct tls_conn *tls;
    struct datagram last[2];    /* newest segment by side: what its messages inherit */
    void *foreign;              /* the follower's own */
    unsigned now_side;          /* of the bytes at hand */
    int64_t now_ns;
    bool signalling_port;
    bool told;                  /* listed as encrypted already */
    uint8_t visibility;         /* enum visibility, once counted */
    bool counted;
    size_t gathered; /* bytes of half messages, as far as they are in streams.gathered */
};

struct streams {
    struct streams_config config;
    struct streams_user user;
    struct counters *counters;
    struct tcp *tcp;
    struct sctp *sctp;
    struct tls *tls;
    size_t gathered; /* half messages of all connections */
};

void content_init(struct content *c, struct conn *conn, bool secure);
void content_fini(struct content *c);
/* False when the connection is of no interest any more. */
bool content_feed(struct content *c, unsigned side, struct slice bytes, uint32_t lost);
/* Bytes of a side are missing, nobody knows how many. */
void content_lost(struct content *c, unsigned side);
/* Memory of half messages. */
size_t content_bytes(const struct content *c);
/* Forgets half messages: SIP is looked for anew, a WebSocket cannot be read any more. */
void content_forget(struct content *c);
/* The stream ended: unfinished messages go out as they are. */
void content_end(struct content *c);
/* streams.c: a message of `conn` from the side at hand. */
void conn_message(struct conn *conn, bool secure, bool web, struct slice text, bool whole);
bool conn_start_tls(struct conn *conn);
bool conn_feed_tls(struct conn *conn, unsigned side, struct slice bytes, uint32_t lost);
bool conn_foreign(struct conn *conn, unsigned side, struct slice bytes, bool first);
