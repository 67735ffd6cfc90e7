/* The messages of the handshake: put together from records, and what each changes.
 *
 * Only a few matter to one who listens. In TLS 1.2 keys change with the ChangeCipherSpec of a side;
 * in TLS 1.3 after ServerHello, after each side's Finished and with KeyUpdate. */
#include "base/crypto.h"
#include "capture/net/tls_parts.h"

enum {
    MESSAGE_CLIENT_HELLO = 1,
    MESSAGE_SERVER_HELLO = 2,
    MESSAGE_NEW_SESSION_TICKET = 4,
    MESSAGE_END_OF_EARLY_DATA = 5,
    MESSAGE_ENCRYPTED_EXTENSIONS = 8,
    MESSAGE_CERTIFICATE = 11,
    MESSAGE_SERVER_HELLO_DONE = 14,
    MESSAGE_CLIENT_KEY_EXCHANGE = 16,
    MESSAGE_FINISHED = 20,
    MESSAGE_KEY_UPDATE = 24,
};
#define MESSAGE_HEADER_SIZE  4u
#define EXTENSION_EARLY_DATA 42u

/* ---- the running digest that the extended master secret is made of (RFC 7627) ---- */

static void transcript_drop(struct tls_conn *c)
{
    for (unsigned i = 0; i < 2; i++) {
        crypto_digest_free(c->transcript[i]);
        c->transcript[i] = NULL;
    }
}

static void transcript_begin(struct tls *t, struct tls_conn *c)
{
    transcript_drop(c);
    if (t->key_count == 0)
        return;
    c->transcript[0] = crypto_digest_new(CRYPTO_SHA256);
    c->transcript[1] = crypto_digest_new(CRYPTO_SHA384);
}

static void transcript_add(struct tls_conn *c, struct slice message)
{
    for (unsigned i = 0; i < 2; i++)
        if (c->transcript[i])
            crypto_digest_add(c->transcript[i], message);
}

/* ---- RSA key exchange ---- */

static bool derive_master(struct tls_conn *c, struct slice premaster)
{
    uint8_t digest[CRYPTO_HASH_SIZE_MAX];
    const struct crypto_digest *transcript = c->transcript[c->suite.prf == CRYPTO_SHA384];
    if (!c->extended_master)
        return tls_prf(c->suite.prf, premaster, "master secret",
                       slice_of(c->client_random, TLS_RANDOM_SIZE),
                       slice_of(c->server_random, TLS_RANDOM_SIZE), c->master, TLS_MASTER_SIZE);
    return transcript && crypto_digest_peek(transcript, digest) &&
           tls_prf(c->suite.prf, premaster, "extended master secret",
                   slice_of(digest, crypto_hash_size(c->suite.prf)), slice_none(), c->master,
                   TLS_MASTER_SIZE);
}

static bool client_key_exchange(struct tls_conn *c, struct slice body)
{
    uint8_t premaster[TLS_MASTER_SIZE];
    struct cursor at = cursor_over(body);
    if (c->info.version == TLS_1_2 && c->suite.rsa_exchange && c->key) {
        struct slice sealed = cursor_slice(&at, cursor_u16(&at));
        if (!at.failed && crypto_key_decrypt(c->key, sealed, premaster, sizeof premaster))
            c->has_master = derive_master(c, slice_of(premaster, sizeof premaster));
        crypto_wipe(premaster, sizeof premaster);
    }
    transcript_drop(c);
    c->changed = true;
    return !at.failed;
}

/* ---- the others ---- */

/* The first certificate of the server's list is its own. */
static bool certificate(struct tls *t, struct tls_conn *c, unsigned role, struct slice body)
{
    struct cursor at = cursor_over(body);
    if (role != TLS_SERVER)
        return true;
    if (c->info.version == TLS_1_3)
        cursor_skip(&at, cursor_u8(&at)); /* request context */
    struct cursor list = tls_list(&at, cursor_u24(&at));
    if (at.failed || cursor_left(&list) == 0)
        return !at.failed;
    struct slice first = cursor_slice(&list, cursor_u24(&list));
    if (list.failed)
        return false;
    crypto_certificate_name(first, c->info.certificate_name, sizeof c->info.certificate_name);
    for (unsigned i = 0; i < t->key_count && c->suite.rsa_exchange && c->key == NULL; i++)
        if (crypto_key_fits(t->keys[i], first))
            c->key = t->keys[i];
    return true;
}

static bool new_session_ticket(struct tls_conn *c, struct slice body)
{
    struct cursor at = cursor_over(body);
    if (c->info.version == TLS_1_3)
        return true; /* its resumption brings secrets of its own */
    cursor_u32(&at); /* lifetime */
    struct slice ticket = cursor_slice(&at, cursor_u16(&at));
    if (ticket.size) {
        tls_session_name(ticket, c->given_ticket);
        c->has_given_ticket = true;
    }
    return !at.failed;
}

static bool encrypted_extensions(struct tls_conn *c, struct slice body)
{
    struct cursor at = cursor_over(body);
    struct cursor list = tls_list(&at, cursor_u16(&at));
    uint16_t type;
    struct slice extension;
    while (tls_extension(&list, &type, &extension))
        if (type == EXTENSION_EARLY_DATA)
            c->early_accepted = true;
    c->extensions_seen = true;
    c->changed = true;
    return !at.failed && !list.failed;
}

static bool key_update(struct tls *t, struct tls_conn *c, unsigned role)
{
    struct tls_side *s = &c->side[role];
    if (s->epoch != TLS_SEALED || !s->keyed)
        return false;
    if (!tls_secret_update(&c->suite, &s->secret) ||
        !tls_opener_13(&s->opener, &c->suite, &s->secret))
        tls_conn_end(t, c, TLS_BROKEN);
    return true;
}

static bool message_13(struct tls *t, struct tls_conn *c, unsigned role, uint8_t type,
                       struct slice body)
{
    enum tls_epoch epoch = c->side[role].epoch;
    switch (type) {
    case MESSAGE_ENCRYPTED_EXTENSIONS:
        return role != TLS_SERVER || encrypted_extensions(c, body);
    case MESSAGE_END_OF_EARLY_DATA:
        if (epoch == TLS_EARLY)
            tls_side_change(c, role, TLS_IN_HANDSHAKE);
        return true;
    case MESSAGE_FINISHED:
        if (epoch == TLS_IN_HANDSHAKE)
            tls_side_change(c, role, TLS_SEALED);
        return true;
    case MESSAGE_KEY_UPDATE:
        return key_update(t, c, role);
    default:
        return true;
    }
}

static bool hello(struct tls *t, struct tls_conn *c, unsigned role, uint8_t type, struct slice body)
{
    if (role != (type == MESSAGE_CLIENT_HELLO ? TLS_CLIENT : TLS_SERVER))
        return false;
    bool in_clear = c->side[role].epoch == TLS_IN_CLEAR;
    if (role == TLS_CLIENT ? in_clear && c->client_hello : c->server_hello)
        return false; /* once is enough */
    if (c->info.version == TLS_1_3 && !in_clear)
        return false; /* no renegotiation there */
    c->changed = true;
    if (role == TLS_CLIENT)
        return tls_client_hello(t, c, body);
    bool good = tls_server_hello(t, c, body);
    if (!c->suite.rsa_exchange)
        transcript_drop(c);
    return good;
}

static bool message(struct tls *t, struct tls_conn *c, unsigned role, uint8_t type,
                    struct slice body)
{
    switch (type) {
    case MESSAGE_CLIENT_HELLO:
    case MESSAGE_SERVER_HELLO:
        return hello(t, c, role, type, body);
    case MESSAGE_CERTIFICATE:
        return certificate(t, c, role, body);
    case MESSAGE_NEW_SESSION_TICKET:
        return role != TLS_SERVER || new_session_ticket(c, body);
    case MESSAGE_SERVER_HELLO_DONE:
        c->changed = c->changed || !c->flight_done;
        c->flight_done = c->flight_done || role == TLS_SERVER;
        return true;
    case MESSAGE_CLIENT_KEY_EXCHANGE:
        return role != TLS_CLIENT || client_key_exchange(c, body);
    default:
        return c->info.version != TLS_1_3 || message_13(t, c, role, type, body);
    }
}

/* ---- from records to messages ---- */

static void whole_message(struct tls *t, struct tls_conn *c, unsigned role, struct slice whole)
{
    uint8_t type = whole.data[0];
    if (type == MESSAGE_CLIENT_HELLO)
        transcript_begin(t, c);
    if (type != 0) /* HelloRequest is in no digest */
        transcript_add(c, whole);
    if (message(t, c, role, type, slice_from(whole, MESSAGE_HEADER_SIZE)))
        return;
    tls_count_bad(t, "syntax");
    tls_conn_end(t, c, TLS_BROKEN);
}

static size_t message_size(struct slice bytes)
{
    struct cursor at = cursor_over(bytes);
    cursor_u8(&at);
    return MESSAGE_HEADER_SIZE + cursor_u24(&at);
}

/* A message too long to keep; of the hellos nothing can be spared. */
static void pass_over(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes)
{
    tls_count_bad(t, "limit");
    transcript_drop(c);
    if (bytes.data[0] == MESSAGE_CLIENT_HELLO || bytes.data[0] == MESSAGE_SERVER_HELLO)
        tls_conn_end(t, c, TLS_BROKEN);
    else
        c->side[role].message_skip = (uint32_t)message_size(bytes);
}

/* The first message of `bytes`; how many of them are done with, 0: more are needed. */
static size_t first_message(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes)
{
    struct tls_side *s = &c->side[role];
    if (s->message_skip) {
        size_t n = bytes.size < s->message_skip ? bytes.size : s->message_skip;
        s->message_skip -= (uint32_t)n;
        return n;
    }
    if (bytes.size < MESSAGE_HEADER_SIZE)
        return 0;
    size_t size = message_size(bytes);
    if (size > TLS_MESSAGE_MAX) {
        pass_over(t, c, role, bytes);
        return tls_conn_ended(c) ? bytes.size : first_message(t, c, role, bytes);
    }
    if (bytes.size < size)
        return 0;
    whole_message(t, c, role, slice_sub(bytes, 0, size));
    return size;
}

void tls_handshake_forget(struct tls *t, struct tls_conn *c, unsigned role)
{
    struct tls_side *s = &c->side[role];
    tls_release(t, c, s->message.room);
    buf_fini(&s->message);
    buf_init(&s->message, TLS_MESSAGE_MAX + TLS_FRAGMENT_MAX);
    s->message_skip = 0;
    if (tls_conn_ended(c))
        transcript_drop(c);
}

/* Keeps the beginning of a message. */
static void keep(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes)
{
    struct tls_side *s = &c->side[role];
    size_t room = s->message.room;
    buf_slice(&s->message, bytes);
    if (s->message.failed)
        tls_conn_end(t, c, TLS_BROKEN);
    else
        tls_hold(t, c, s->message.room - room);
}

void tls_handshake(struct tls *t, struct tls_conn *c, unsigned role, struct slice bytes)
{
    struct tls_side *s = &c->side[role];
    struct buf kept = {0};
    if (s->message.size) {
        keep(t, c, role, bytes);
        bytes = buf_view(&s->message);
        if (tls_conn_ended(c) || bytes.size < MESSAGE_HEADER_SIZE ||
            (bytes.size < message_size(bytes) && message_size(bytes) <= TLS_MESSAGE_MAX))
            return;
        kept = s->message; /* away from the side: messages may end the connection */
        buf_init(&s->message, kept.ceiling);
    }
    size_t n = 1;
    while (bytes.size && n && !tls_conn_ended(c)) {
        n = first_message(t, c, role, bytes);
        bytes = slice_from(bytes, n);
    }
    if (bytes.size && !tls_conn_ended(c))
        keep(t, c, role, bytes);
    if (kept.data)
        tls_release(t, c, kept.room);
    buf_fini(&kept);
}
