/* TLS 1.2 and 1.3 (RFC 5246, 8446), read from outside: what shows of every connection (peers' names, versions, bytes), and the plain text of those
 * whose secrets are known, by key log or by the server's RSA key. Cryptography is base/crypto's.
 *
 * Keys may come late: records wait in bounded memory until they do. */
#pragma once

#include "base/counters.h"
#include "base/error.h"
#include "base/hash.h"

struct tls;      /* keys, bounds, the memory of records that wait */
struct tls_conn; /* one connection */

struct tls_config {
    struct hash_seed seed;
    uint32_t secrets_max;       /* default 65536 client randoms; oldest go */
    size_t waiting_bytes_max;   /* default 16 MiB of records that wait for keys, all together */
    size_t conn_waiting_max;    /* default 256 KiB a connection; then it is blind */
    uint32_t tickets_max;       /* default 4096 sessions remembered for resumption */
};

enum tls_state {
    TLS_HANDSHAKE,  /* still in the clear */
    TLS_WAITING,    /* encrypted, no key yet, records are kept */
    TLS_OPEN,       /* plain text flows */
    TLS_BLIND,      /* no key came, or more waited than may */
    TLS_WRONG_KEY,  /* a key came and does not fit */
    TLS_UNSUPPORTED,/* version or cipher suite that is not read */
    TLS_BROKEN,     /* lost bytes or bad records: cannot be followed any more */
};

struct tls_info {
    enum tls_state state;
    uint16_t version;           /* 0x0303, 0x0304; 0 not seen */
    uint16_t suite;             /* 0 not seen */
    char server_name[128];      /* SNI; "" none */
    char certificate_name[128]; /* the server certificate's CN or first DNS name, TLS 1.2 in the clear or 1.3 decrypted; "" none */
    uint64_t bytes[2];          /* application data, by sender: 0 client, 1 server */
    bool resumed;
    bool renegotiated;          /* TLS 1.2: another handshake inside; seen only when decrypted */
};

/* Plain text of one side, in order. `time_ns` is that of the segment that brought the record. side: 0 client, 1 server. An empty `plain`:
 * here something was lost. Neither feeds nor frees the connection. */
typedef void tls_plain_fn(void *context, unsigned side, struct slice plain, int64_t time_ns);

/* Zero values mean the defaults. 0 or ERR_NOMEM. `counters` may be NULL. */
int tls_new(const struct tls_config *config, struct counters *counters, struct tls **ret_tls);
void tls_free(struct tls *t);

/* Does a stream that begins like this look like TLS? -1: too short to tell, 0 no, 1 yes. */
int tls_guess(struct slice head);

/* NULL without memory. */
struct tls_conn *tls_conn_new(struct tls *t, tls_plain_fn *fn, void *context);
void tls_conn_free(struct tls *t, struct tls_conn *c); /* before tls_free() */
/* Bytes in order from `side` as the transport numbers it; who is the client the handshake tells.
 * `lost` bytes are missing directly before them, UINT32_MAX: not known how many. */
void tls_conn_feed(struct tls *t, struct tls_conn *c, unsigned side, struct slice bytes, uint32_t lost, int64_t time_ns);
const struct tls_info *tls_conn_info(const struct tls_conn *c);
/* The side, as the transport numbers it, that is the client: 0 until a handshake says otherwise. */
unsigned tls_conn_client(const struct tls_conn *c);

/* A line of a key log (NSS SSLKEYLOGFILE format); connections that wait for it go on at once: their plain text comes during this call.
 * Empty lines and comments are true. False: no such line (counted). */
bool tls_key_line(struct tls *t, struct slice line);
/* A PEM private key for RSA key exchange, at most 16. 0 or ERR_ with a sentence. */
int tls_private_key(struct tls *t, struct slice pem, struct why *why);
uint32_t tls_secret_count(const struct tls *t);
/* Records that wait and halves of records and messages. */
size_t tls_waiting_bytes(const struct tls *t);
