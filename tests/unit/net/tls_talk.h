/* Two real ends of TLS (libssl) in one process: what they sent, in order, with the lines of the key
 * log where they were written, and what they said. */
#pragma once

#include <openssl/ssl.h>

#include "base/buf.h"

#define TALK_EVENTS_MAX 512
#define TALK_KEY_LINE   2u

struct talk_event {
    unsigned side; /* 0 client, 1 server, TALK_KEY_LINE */
    size_t from;
    size_t size;
};

struct talk {
    SSL_CTX *context[2];
    SSL *end[2];
    SSL_SESSION *session; /* of the last talk, for the next */
    struct buf bytes;
    struct talk_event events[TALK_EVENTS_MAX];
    unsigned event_count;
    struct buf said[2];
    bool rsa;
};

struct talk_how {
    const char *name;
    int version;          /* TLS1_2_VERSION, TLS1_3_VERSION */
    const char *cipher;   /* in libssl's words */
    bool ecdsa;           /* the certificate; else RSA */
    uint64_t options;     /* SSL_OP_... of both */
    const char *groups[2];
    size_t block_padding; /* 1.3 */
    bool early;
};

/* Contexts with a certificate each; exits the test when libssl cannot. */
void talk_init(struct talk *t, const struct talk_how *how);
void talk_fini(struct talk *t);
/* New ends, an empty record; resumes the last session when there is one and `resume`. */
void talk_begin(struct talk *t, bool resume);
void talk_handshake(struct talk *t);
void talk_say(struct talk *t, unsigned side, const void *text, size_t size);
/* `size` bytes that can be told from others. */
void talk_babble(struct talk *t, unsigned side, size_t size, unsigned salt);
void talk_key_update(struct talk *t, unsigned side);
void talk_renegotiate(struct talk *t);
/* Says it ahead of the handshake (1.3, resumed), then shakes hands. True when it was accepted. */
bool talk_early(struct talk *t, const char *text);
struct slice talk_bytes(const struct talk *t, const struct talk_event *e);
/* The server's private key in PEM. */
void talk_private_key(const struct talk *t, struct buf *out);
