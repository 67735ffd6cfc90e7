/* ClientHello and ServerHello (RFC 5246 7.4.1, RFC 8446 4.1): who is meant, what was agreed on, and
 * what is resumed. */
#include "base/crypto.h"
#include "capture/net/tls_parts.h"

enum {
    EXTENSION_SERVER_NAME = 0,
    EXTENSION_ENCRYPT_THEN_MAC = 22,
    EXTENSION_EXTENDED_MASTER = 23,
    EXTENSION_SESSION_TICKET = 35,
    EXTENSION_PRE_SHARED_KEY = 41,
    EXTENSION_EARLY_DATA = 42,
    EXTENSION_SUPPORTED_VERSIONS = 43,
};

/* SHA-256 of "HelloRetryRequest": the random of a ServerHello that is one (RFC 8446 4.1.3). */
static const uint8_t retry_random[TLS_RANDOM_SIZE] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

void tls_session_name(struct slice bytes, uint8_t ret_name[TLS_RANDOM_SIZE])
{
    crypto_sha256(bytes, ret_name);
}

bool tls_extension(struct cursor *list, uint16_t *ret_type, struct slice *ret_body)
{
    if (cursor_left(list) == 0)
        return false;
    *ret_type = cursor_u16(list);
    *ret_body = cursor_slice(list, cursor_u16(list));
    return !list->failed;
}

/* ---- the client's ---- */

static void take_server_name(struct tls_conn *c, struct slice body)
{
    struct cursor at = cursor_over(body);
    cursor_u16(&at); /* size of the list */
    uint8_t type = cursor_u8(&at);
    struct slice name = cursor_slice(&at, cursor_u16(&at));
    if (at.failed || type != 0)
        return;
    size_t n = slice_copy_to(name, c->info.server_name, sizeof c->info.server_name);
    for (size_t i = 0; i < n; i++)
        if (c->info.server_name[i] <= ' ' || c->info.server_name[i] >= 0x7f)
            c->info.server_name[i] = '?';
}

static void client_extension(struct tls_conn *c, uint16_t type, struct slice body)
{
    if (type == EXTENSION_SERVER_NAME) {
        take_server_name(c, body);
    } else if (type == EXTENSION_EARLY_DATA) {
        c->early_offered = true;
    } else if (type == EXTENSION_SESSION_TICKET && body.size) {
        tls_session_name(body, c->offered_ticket);
        c->has_offered_ticket = true;
    }
}

/* A handshake begins: of what an earlier one left only the keys in use stay. */
static void begin(struct tls_conn *c)
{
    crypto_wipe(c->master, sizeof c->master);
    c->has_master = false;
    c->has_offered_id = c->has_offered_ticket = c->has_given_id = c->has_given_ticket = false;
    c->server_hello = c->flight_done = false;
    c->early_offered = false;
    c->key = NULL;
    tls_conn_unfile(c, TLS_BY_SESSION);
}

bool tls_client_hello(struct tls *t, struct tls_conn *c, struct slice body)
{
    struct cursor at = cursor_over(body);
    cursor_u16(&at); /* version: what was agreed on stands in the ServerHello */
    const uint8_t *random = cursor_take(&at, TLS_RANDOM_SIZE);
    struct slice id = cursor_slice(&at, cursor_u8(&at));
    cursor_skip(&at, cursor_u16(&at)); /* suites */
    cursor_skip(&at, cursor_u8(&at));  /* compression */
    if (at.failed)
        return false;
    begin(c);
    c->info.renegotiated = c->side[TLS_CLIENT].epoch == TLS_SEALED;
    memcpy(c->client_random, random, TLS_RANDOM_SIZE);
    if (id.size) {
        tls_session_name(id, c->offered_id);
        c->has_offered_id = true;
    }
    struct cursor list = {0};
    if (cursor_left(&at))
        list = tls_list(&at, cursor_u16(&at));
    uint16_t type;
    struct slice extension;
    while (tls_extension(&list, &type, &extension))
        client_extension(c, type, extension);
    c->client_hello = true;
    tls_conn_file(t, c, TLS_BY_RANDOM);
    return !at.failed && !list.failed;
}

/* ---- the server's ---- */

struct server_hello {
    uint16_t version;
    uint16_t suite;
    uint8_t compression;
    const uint8_t *random;
    struct slice id;
    bool encrypt_then_mac;
    bool extended_master;
    bool pre_shared_key;
};

static void server_extension(struct server_hello *h, uint16_t type, struct slice body)
{
    struct cursor at = cursor_over(body);
    switch (type) {
    case EXTENSION_SUPPORTED_VERSIONS:
        h->version = cursor_u16(&at);
        break;
    case EXTENSION_ENCRYPT_THEN_MAC:
        h->encrypt_then_mac = true;
        break;
    case EXTENSION_EXTENDED_MASTER:
        h->extended_master = true;
        break;
    case EXTENSION_PRE_SHARED_KEY:
        h->pre_shared_key = true;
        break;
    default:
        break;
    }
}

static bool parse_server_hello(struct slice body, struct server_hello *h)
{
    struct cursor at = cursor_over(body);
    h->version = cursor_u16(&at);
    h->random = cursor_take(&at, TLS_RANDOM_SIZE);
    h->id = cursor_slice(&at, cursor_u8(&at));
    h->suite = cursor_u16(&at);
    h->compression = cursor_u8(&at);
    struct cursor list = {0};
    if (cursor_left(&at))
        list = tls_list(&at, cursor_u16(&at));
    uint16_t type;
    struct slice extension;
    while (tls_extension(&list, &type, &extension))
        server_extension(h, type, extension);
    return !at.failed && !list.failed;
}

static void begin_13(struct tls_conn *c, const struct server_hello *h)
{
    c->info.resumed = h->pre_shared_key;
    tls_side_change(c, TLS_SERVER, TLS_IN_HANDSHAKE);
    tls_side_change(c, TLS_CLIENT, c->early_offered ? TLS_EARLY : TLS_IN_HANDSHAKE);
}

static void begin_12(struct tls_conn *c, const struct server_hello *h)
{
    c->encrypt_then_mac = h->encrypt_then_mac;
    c->extended_master = h->extended_master;
    if (h->id.size) {
        tls_session_name(h->id, c->given_id);
        c->has_given_id = true;
    }
}

/* RFC 8446 4.1.4: the client says its hello again. */
static void retry(struct tls_conn *c)
{
    c->retried = true;
    c->client_hello = false;
}

bool tls_server_hello(struct tls *t, struct tls_conn *c, struct slice body)
{
    struct server_hello h = {0};
    if (!parse_server_hello(body, &h))
        return false;
    c->info.version = h.version;
    c->info.suite = h.suite;
    bool is_13 = h.version == TLS_1_3;
    if ((!is_13 && h.version != TLS_1_2) || h.compression != 0 ||
        !tls_suite_find(h.suite, &c->suite) || c->suite.version_1_3 != is_13) {
        tls_conn_end(t, c, TLS_UNSUPPORTED);
        return true;
    }
    if (is_13 && memcmp(h.random, retry_random, TLS_RANDOM_SIZE) == 0) {
        retry(c);
        return true;
    }
    memcpy(c->server_random, h.random, TLS_RANDOM_SIZE);
    c->server_hello = true;
    c->changed = true;
    if (is_13)
        begin_13(c, &h);
    else
        begin_12(c, &h);
    return true;
}
