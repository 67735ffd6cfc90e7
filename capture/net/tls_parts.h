/* What the files of TLS share.
 *
 *     tls_record.c    bytes of a side -> records, over cuts and gaps
 *     tls_conn.c      records -> now, later (they wait for keys or for the other side), or never
 *     tls_open.c      one sealed record -> plain text
 *     tls_handshake.c the handshake's messages: who, what suite, when keys change
 *     tls_hello.c     the two hellos and their extensions
 *     tls_schedule.c  secrets -> keys
 *     tls_suite.c     the suites that are read
 *     tls_keys.c      secrets by client random, key-log lines, sessions to resume
 *     tls.c           what all connections have in common: bounds, memory, waking
 *
 * A connection's state (enum tls_state) goes forward only, but between OPEN and WAITING:
 *
 *     HANDSHAKE --sealed record, no key--> WAITING --keys came--> OPEN
 *         |                                  |  ^---no key yet for new records---|
 *         +--------- tls_conn_end() ---------+-----------> BLIND, WRONG_KEY, UNSUPPORTED, BROKEN
 *
 * In the last four nothing is kept but the counting of bytes. */
#pragma once

#include "base/buf.h"
#include "base/crypto_certificate.h"
#include "base/crypto_cipher.h"
#include "base/crypto_key.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "base/map.h"
#include "capture/net/tls.h"

#define TLS_HEADER_SIZE    5u
#define TLS_FRAGMENT_MAX   (16384u + 2048u) /* RFC 5246 6.2.3 */
#define TLS_RECORD_MAX     (TLS_HEADER_SIZE + TLS_FRAGMENT_MAX)
#define TLS_PART_MAX       (2 * TLS_RECORD_MAX + TLS_DRIFT_STEP)
#define TLS_DRIFT_STEP     4096u
#define TLS_MESSAGE_MAX    65536u /* a handshake message; longer ones are passed over */
#define TLS_RANDOM_SIZE    32u
#define TLS_MASTER_SIZE    48u
#define TLS_KEYS_MAX       16u   /* private keys */
#define TLS_GAP_MAX        65536u /* lost bytes behind which the next record is looked for */
#define TLS_GAP_RECORDS    128u
#define TLS_GAP_BUDGET     262144u /* bytes opened in trials, a gap */
#define TLS_EARLY_SKIP_MAX 64u   /* records of refused early data */

enum { TLS_CLIENT, TLS_SERVER };
enum { TLS_1_2 = 0x0303, TLS_1_3 = 0x0304 };

enum tls_content {
    TLS_MISSING = 0, /* ours: stands for one lost record */
    TLS_CHANGE_CIPHER_SPEC = 20,
    TLS_ALERT = 21,
    TLS_HANDSHAKE_MESSAGE = 22,
    TLS_APPLICATION = 23,
};

/* A list inside: the next `size` bytes of *at; empty when they are not there. */
static inline struct cursor tls_list(struct cursor *at, size_t size)
{
    struct slice s = cursor_slice(at, size);
    return s.size ? cursor_over(s) : (struct cursor){0};
}

/* ---- suites (tls_suite.c) ---- */
struct tls_suite {
    uint16_t id;
    uint8_t cipher;    /* enum crypto_cipher */
    uint8_t prf;       /* enum crypto_hash */
    uint8_t mac;       /* enum crypto_hash, CBC only */
    bool version_1_3;
    bool rsa_exchange; /* the premaster secret is sealed with the certificate's key */
    bool is_cbc;
    bool nonce_sent;   /* GCM and CCM of 1.2: eight bytes of it stand in the record */
};
/* False when it is not read. */
bool tls_suite_find(uint16_t id, struct tls_suite *ret_suite);
/* Bytes that sealing adds to a record, at least. */
size_t tls_suite_overhead(const struct tls_suite *s);

/* ---- keys of one direction (tls_open.c) ---- */
struct tls_opener {
    struct tls_suite suite;
    struct crypto_opener *cipher;
    struct crypto_mac *mac; /* CBC */
    bool mac_over_sealed;   /* encrypt-then-MAC (RFC 7366) */
    uint8_t iv[CRYPTO_NONCE_SIZE];
    uint64_t sequence;
};
/* `record` with its header. *ret_plain lies in `room` (TLS_FRAGMENT_MAX bytes). Does not move the
 * sequence. */
bool tls_open(struct tls_opener *o, struct slice record, uint8_t *room, uint8_t *ret_content,
              struct slice *ret_plain);
void tls_opener_fini(struct tls_opener *o);

/* ---- schedule (tls_schedule.c) ---- */
struct tls_secret_bytes {
    uint8_t size; /* 0: none */
    uint8_t bytes[48];
};
/* TLS 1.2 PRF (RFC 5246 5). */
bool tls_prf(enum crypto_hash hash, struct slice secret, const char *label, struct slice seed_a,
             struct slice seed_b, uint8_t *out, size_t size);
/* HKDF-Expand-Label without context (RFC 8446 7.1). */
bool tls_expand_label(enum crypto_hash hash, struct slice secret, const char *label, uint8_t *out,
                      size_t size);
/* Keys of the direction that `role` sends. */
bool tls_opener_12(struct tls_opener *o, const struct tls_suite *suite, bool encrypt_then_mac,
                   const uint8_t *master, const uint8_t *client_random,
                   const uint8_t *server_random, unsigned role);
bool tls_opener_13(struct tls_opener *o, const struct tls_suite *suite,
                   const struct tls_secret_bytes *secret);
/* The next secret of that direction (KeyUpdate). */
bool tls_secret_update(const struct tls_suite *suite, struct tls_secret_bytes *secret);

/* ---- secrets (tls_keys.c) ---- */
enum tls_secret {
    TLS_MASTER,
    TLS_CLIENT_HANDSHAKE,
    TLS_SERVER_HANDSHAKE,
    TLS_CLIENT_TRAFFIC,
    TLS_SERVER_TRAFFIC,
    TLS_CLIENT_EARLY,
    TLS_SECRETS
};
struct tls_secrets {
    uint8_t id[TLS_RANDOM_SIZE];
    struct tls_secret_bytes secret[TLS_SECRETS];
};
/* At the ceiling what came first goes. */
struct tls_secret_table {
    struct hash_seed seed;
    struct map map;
    struct tls_secrets *items;
    uint32_t max;
    uint32_t used;
    uint32_t next; /* when all are used: the oldest */
};
int tls_secret_table_init(struct tls_secret_table *t, const struct hash_seed *seed, uint32_t max);
void tls_secret_table_fini(struct tls_secret_table *t);
/* NULL: none. */
const struct tls_secret_bytes *tls_secret_find(const struct tls_secret_table *t, const uint8_t *id,
                                               enum tls_secret which);
void tls_secret_add(struct tls_secret_table *t, const uint8_t *id, enum tls_secret which,
                    struct slice secret);
enum tls_line { TLS_LINE_BAD, TLS_LINE_EMPTY, TLS_LINE_UNUSED, TLS_LINE_SECRET };
enum tls_line tls_line_parse(struct slice line, uint8_t ret_random[TLS_RANDOM_SIZE],
                             enum tls_secret *ret_which, struct tls_secret_bytes *ret_secret);

/* ---- a connection ---- */
enum tls_epoch { TLS_IN_CLEAR, TLS_EARLY, TLS_IN_HANDSHAKE, TLS_SEALED };

/* What one end sends; by role, not by the side of the transport. */
struct tls_side {
    /* tls_record.c */
    uint8_t header[TLS_HEADER_SIZE];
    uint8_t header_size;
    struct buf part;      /* the beginning of a record; while adrift what came since the gap */
    uint32_t skip;        /* bytes left of a record that nobody wants */
    bool adrift;          /* where the next record begins is not known */
    bool lost;            /* and will not be known: not even bytes are counted any more */
    uint32_t gap;         /* adrift: bytes lost or passed over */
    uint32_t scanned;     /* adrift: bytes of `part` where no record begins */
    uint32_t budget;      /* adrift: bytes that may still be opened in trials */
    /* tls_handshake.c */
    struct buf message;
    uint32_t message_skip;
    /* tls_conn.c */
    enum tls_epoch epoch;
    bool keyed;          /* opener is set up for the epoch */
    bool proven;         /* it has opened a record */
    uint8_t early_skip;  /* records that may fail to open before the first that does */
    struct tls_opener opener;
    struct tls_secret_bytes secret; /* 1.3 */
};

/* A record that waits. */
struct tls_waiting {
    struct tls_waiting *next;
    int64_t time_ns;
    uint32_t size;
    uint32_t counted; /* of it, as bytes of the application */
    uint8_t role;
    uint8_t record[];
};

/* Where a connection is found again when a secret comes. */
enum tls_file {
    TLS_BY_RANDOM,  /* from its ClientHello on */
    TLS_BY_SESSION, /* 1.2: it waits for the master secret of the session it goes on with; then it is
                     * in the list of those to wake */
    TLS_FILES
};

struct tls_conn {
    struct tls_info info;
    tls_plain_fn *plain;
    void *context;
    struct tls_side side[2];
    uint8_t head[2][TLS_HEADER_SIZE + 1]; /* by transport side: the first bytes, which tell ... */
    uint8_t head_size[2];
    uint8_t client; /* ... whose side is the client */
    bool client_known;
    bool open_counted;

    struct tls_suite suite;
    uint8_t client_random[TLS_RANDOM_SIZE];
    uint8_t server_random[TLS_RANDOM_SIZE];
    uint8_t offered_id[TLS_RANDOM_SIZE];   /* what the client wants to resume, as digests */
    uint8_t offered_ticket[TLS_RANDOM_SIZE];
    uint8_t given_id[TLS_RANDOM_SIZE];     /* what the server gave to resume this one */
    uint8_t given_ticket[TLS_RANDOM_SIZE];
    bool has_offered_id, has_offered_ticket, has_given_id, has_given_ticket;
    uint8_t master[TLS_MASTER_SIZE];
    bool has_master;
    bool client_hello, server_hello;
    bool flight_done;      /* 1.2: the server has said all that comes before the client's key */
    bool retried;          /* 1.3: HelloRetryRequest */
    bool early_offered, early_accepted, extensions_seen;
    bool encrypt_then_mac;
    bool extended_master;
    struct crypto_digest *transcript[2]; /* SHA-256 and SHA-384; only with private keys */
    struct crypto_key *key;              /* of the server's certificate, borrowed */

    struct tls_waiting *first;
    struct tls_waiting **last;
    size_t queued_bytes;
    uint32_t queued[2]; /* by role */
    bool changed;       /* something happened that others may wait for */

    /* tls.c */
    size_t held;
    struct tls_conn *holder_older, *holder_newer;
    struct tls_filed {
        struct tls_conn *next;
        struct tls_conn **link; /* NULL: not filed */
    } filed[TLS_FILES];
};

struct tls {
    struct tls_config config;
    struct counters *counters;
    struct tls_secret_table secrets;
    struct tls_secret_table sessions;
    struct crypto_key *keys[TLS_KEYS_MAX];
    unsigned key_count;
    struct tls_conn **buckets[TLS_FILES];
    struct tls_conn *woken; /* filed here instead of their bucket of sessions */
    size_t held;
    struct tls_conn *holder_oldest, *holder_newest;
    uint8_t room[TLS_FRAGMENT_MAX];
};

/* ---- tls.c ---- */
void tls_count(struct tls *t, unsigned cell, uint64_t n);
void tls_count_bad(struct tls *t, const char *reason);
/* The connection holds so many bytes more; at the ceiling those that hold longest go blind. False:
 * this one did. */
bool tls_hold(struct tls *t, struct tls_conn *c, size_t bytes);
void tls_release(struct tls *t, struct tls_conn *c, size_t bytes);
/* Files the connection under its (new) client random, or what it resumes. */
void tls_conn_file(struct tls *t, struct tls_conn *c, enum tls_file file);
void tls_conn_unfile(struct tls_conn *c, enum tls_file file);
/* The session can be resumed now: those that wait for it are woken by the next
 * tls_wake_sessions(). */
void tls_session_add(struct tls *t, const uint8_t *name, struct slice master);
/* Not from within the processing of a record: there is one room for plain text. */
void tls_wake_sessions(struct tls *t);

/* ---- tls_conn.c ---- */
static inline bool tls_conn_ended(const struct tls_conn *c)
{
    return c->info.state >= TLS_BLIND;
}
/* For good: lets go of all memory and keys. */
void tls_conn_end(struct tls *t, struct tls_conn *c, enum tls_state state);
/* A whole record, or a header with TLS_MISSING for one that is lost. */
void tls_conn_record(struct tls *t, struct tls_conn *c, unsigned role, struct slice record,
                     int64_t time_ns);
/* What waited may go on. */
void tls_conn_pump(struct tls *t, struct tls_conn *c);
/* A record that nobody opens (yet): counts what it may have carried, and returns that. */
uint32_t tls_conn_count_sealed(struct tls_conn *c, unsigned role, uint8_t content, size_t fragment);
/* New keys: from the next record of that side on. */
void tls_side_change(struct tls_conn *c, unsigned role, enum tls_epoch epoch);
void tls_side_wipe(struct tls *t, struct tls_conn *c, unsigned role);

/* ---- tls_record.c ---- */
void tls_side_feed(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes,
                   uint32_t lost, int64_t time_ns);
void tls_side_drop_part(struct tls *t, struct tls_conn *c, unsigned role);

/* ---- tls_handshake.c ---- */
void tls_handshake(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes);
void tls_handshake_forget(struct tls *t, struct tls_conn *c, unsigned role);

/* ---- tls_hello.c ---- */
/* False: cannot be parsed. */
bool tls_client_hello(struct tls *t, struct tls_conn *c, struct slice body);
bool tls_server_hello(struct tls *t, struct tls_conn *c, struct slice body);
/* A name for bytes of any size. */
void tls_session_name(struct slice bytes, uint8_t ret_name[TLS_RANDOM_SIZE]);
/* The next extension in *list; false at the end. */
bool tls_extension(struct cursor *list, uint16_t *ret_type, struct slice *ret_body);
