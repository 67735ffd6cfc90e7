/* The keyed hash of a pair of endpoints chooses its set of cells. In a full set a new handshake
 * takes the place of the oldest one whose keys are told, else of the oldest. */
#include "capture/net/dtls.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/cursor.h"
#include "capture/net/tls_parts.h"

#define SETS            256
#define WAYS            8
#define CELLS           (SETS * WAYS)
#define RECORD_MAX      8 /* records of a datagram that are looked at */
#define HANDSHAKE       22
#define CLIENT_HELLO    1
#define SERVER_HELLO    2
#define USE_SRTP        14
#define LABEL_EXTRACTOR "EXTRACTOR-dtls_srtp"
#define MATERIAL_MAX    (2 * MEDIA_KEY_BYTES_MAX)

struct handshake {
    bool used, has_client, has_server, told;
    uint16_t suite, profile;
    uint64_t serial; /* of its last hello */
    struct endpoint client, server;
    uint8_t client_random[TLS_RANDOM_SIZE];
    uint8_t server_random[TLS_RANDOM_SIZE];
};

struct dtls {
    struct hash_seed seed;
    dtls_keys_fn *fn;
    void *context;
    bool waiting; /* some handshake may lack nothing but its secret */
    uint64_t hellos;
    struct handshake cell[CELLS];
};

struct dtls *dtls_new(const struct hash_seed *seed, dtls_keys_fn *fn, void *context)
{
    struct dtls *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    d->seed = *seed;
    d->fn = fn;
    d->context = context;
    return d;
}

void dtls_free(struct dtls *d)
{
    free(d);
}

/* ---- secrets to keys ---- */

/* Protection profiles (RFC 5764 4.1.2, RFC 7714 14.2). */
static bool shape_of(uint16_t profile, struct media_key *ret_shape)
{
    static const struct {
        uint16_t profile;
        struct media_key shape;
    } profiles[] = {
        {0x0001,
         {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 16, .salt_bytes = 14, .tag_bytes = 10}},
        {0x0002,
         {.cipher = MEDIA_CIPHER_AES_CM, .key_bytes = 16, .salt_bytes = 14, .tag_bytes = 4}},
        {0x0005, {.cipher = MEDIA_CIPHER_NULL, .key_bytes = 16, .salt_bytes = 14, .tag_bytes = 10}},
        {0x0006, {.cipher = MEDIA_CIPHER_NULL, .key_bytes = 16, .salt_bytes = 14, .tag_bytes = 4}},
        {0x0007,
         {.cipher = MEDIA_CIPHER_AES_GCM, .key_bytes = 16, .salt_bytes = 12, .tag_bytes = 16}},
        {0x0008,
         {.cipher = MEDIA_CIPHER_AES_GCM, .key_bytes = 32, .salt_bytes = 12, .tag_bytes = 16}},
    };
    for (unsigned i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        if (profiles[i].profile == profile) {
            *ret_shape = profiles[i].shape;
            return true;
        }
    }
    return false;
}

static enum crypto_hash hash_of_suite(uint16_t id)
{
    struct tls_suite suite;
    return tls_suite_find(id, &suite) ? (enum crypto_hash)suite.prf : CRYPTO_SHA256;
}

/* "client key, server key, client salt, server salt" (RFC 5764 4.2). */
static void share_out(const uint8_t *material, struct media_key *client, struct media_key *server)
{
    size_t key = client->key_bytes, salt = client->salt_bytes;
    memcpy(client->bytes, material, key);
    memcpy(server->bytes, material + key, key);
    memcpy(client->bytes + key, material + 2 * key, salt);
    memcpy(server->bytes + key, material + 2 * key + salt, salt);
}

static void look(struct dtls *d, const struct tls *secrets, struct handshake *h)
{
    uint8_t material[MATERIAL_MAX];
    struct dtls_keys keys = {.client = h->client, .server = h->server};
    if (h->told || !h->has_client || !h->has_server || !shape_of(h->profile, &keys.by_client))
        return;
    const struct tls_secret_bytes *master =
        tls_secret_find(&secrets->secrets, h->client_random, TLS_MASTER);
    if (master == NULL) {
        d->waiting = true;
        return;
    }
    keys.by_server = keys.by_client;
    size_t size = 2 * ((size_t)keys.by_client.key_bytes + keys.by_client.salt_bytes);
    if (tls_prf(hash_of_suite(h->suite), slice_of(master->bytes, master->size), LABEL_EXTRACTOR,
                slice_of(h->client_random, sizeof h->client_random),
                slice_of(h->server_random, sizeof h->server_random), material, size)) {
        share_out(material, &keys.by_client, &keys.by_server);
        h->told = true;
        d->fn(d->context, &keys);
    }
    crypto_wipe(material, sizeof material);
    crypto_wipe(&keys, sizeof keys);
}

void dtls_secrets_changed(struct dtls *d, const struct tls *secrets)
{
    if (!d->waiting)
        return;
    d->waiting = false;
    for (unsigned i = 0; i < CELLS; i++) {
        if (d->cell[i].used)
            look(d, secrets, &d->cell[i]);
    }
}

/* ---- hellos ---- */

static bool is_between(const struct handshake *h, const struct datagram *g)
{
    return h->used &&
           ((endpoint_equal(&h->client, &g->src) && endpoint_equal(&h->server, &g->dst)) ||
            (endpoint_equal(&h->client, &g->dst) && endpoint_equal(&h->server, &g->src)));
}

/* Which of the two may go first. */
static bool matters_less(const struct handshake *a, const struct handshake *b)
{
    if (a->used != b->used)
        return !a->used;
    return a->told != b->told ? a->told : a->serial < b->serial;
}

static struct handshake *handshake_of(struct dtls *d, const struct datagram *g)
{
    uint64_t hash = endpoint_hash(&d->seed, &g->src) + endpoint_hash(&d->seed, &g->dst);
    struct handshake *set = &d->cell[hash % SETS * WAYS], *least = set;
    for (unsigned i = 0; i < WAYS; i++) {
        if (is_between(&set[i], g))
            return &set[i];
        if (matters_less(&set[i], least))
            least = &set[i];
    }
    *least =
        (struct handshake){.used = true, .client = g->src, .server = g->dst, .serial = ++d->hellos};
    return least;
}

/* The same client random comes again with a cookie; another one begins anew. */
static void client_hello(struct dtls *d, struct handshake *h, const struct datagram *g,
                         const uint8_t *random)
{
    if (h->has_client && memcmp(h->client_random, random, TLS_RANDOM_SIZE) == 0)
        return;
    *h = (struct handshake){.used = true,
                            .has_client = true,
                            .client = g->src,
                            .server = g->dst,
                            .serial = ++d->hellos};
    memcpy(h->client_random, random, TLS_RANDOM_SIZE);
}

static void server_hello(struct handshake *h, const uint8_t *random, struct cursor *at)
{
    uint16_t type;
    struct slice body;
    cursor_skip(at, cursor_u8(at)); /* session id */
    uint16_t suite = cursor_u16(at);
    cursor_u8(at); /* compression */
    struct slice extensions = cursor_slice(at, cursor_u16(at));
    if (at->failed || extensions.size == 0)
        return;
    struct cursor list = cursor_over(extensions);
    memcpy(h->server_random, random, TLS_RANDOM_SIZE);
    h->suite = suite;
    while (tls_extension(&list, &type, &body)) {
        struct cursor value = cursor_over(body);
        if (type == USE_SRTP && cursor_u16(&value) == 2)
            h->profile = cursor_u16(&value);
    }
    h->has_server = h->profile != 0;
}

/* One handshake message, or the first piece of one. */
static void message(struct dtls *d, const struct datagram *g, struct slice body)
{
    struct cursor at = cursor_over(body);
    uint8_t type = cursor_u8(&at);
    cursor_u24(&at); /* length */
    cursor_u16(&at); /* number */
    uint32_t offset = cursor_u24(&at);
    cursor_u24(&at); /* length of the piece */
    cursor_u16(&at); /* version */
    const uint8_t *random = cursor_take(&at, TLS_RANDOM_SIZE);
    if (random == NULL || offset || (type != CLIENT_HELLO && type != SERVER_HELLO))
        return;
    struct handshake *h = handshake_of(d, g);
    if (type == CLIENT_HELLO)
        client_hello(d, h, g, random);
    else if (endpoint_equal(&h->server, &g->src) && h->has_client)
        server_hello(h, random, &at);
}

void dtls_datagram(struct dtls *d, const struct tls *secrets, const struct datagram *datagram)
{
    struct cursor at = cursor_over(datagram->payload);
    bool hello = false;
    for (unsigned i = 0; i < RECORD_MAX && cursor_left(&at); i++) {
        uint8_t type = cursor_u8(&at);
        cursor_u16(&at); /* version */
        uint16_t epoch = cursor_u16(&at);
        cursor_skip(&at, 6); /* number */
        struct slice body = cursor_slice(&at, cursor_u16(&at));
        if (at.failed || type != HANDSHAKE || epoch)
            break;
        message(d, datagram, body);
        hello = true;
    }
    if (hello)
        look(d, secrets, handshake_of(d, datagram));
}
