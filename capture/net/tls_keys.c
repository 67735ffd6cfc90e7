/* Secrets by a name of 32 bytes: the client random of a handshake, or the digest of what a session
 * can be resumed by. And the lines of a key log that bring them. */
#include <stdlib.h>

#include "base/crypto.h"
#include "capture/net/tls_parts.h"

/* ---- the table ---- */

int tls_secret_table_init(struct tls_secret_table *t, const struct hash_seed *seed, uint32_t max)
{
    /* Not written before they are used: an idle table costs address space, not memory. */
    *t = (struct tls_secret_table){.seed = *seed, .max = max};
    t->items = malloc(max * sizeof *t->items);
    return t->items ? 0 : ERR_NOMEM;
}

void tls_secret_table_fini(struct tls_secret_table *t)
{
    if (t->items)
        crypto_wipe(t->items, t->used * sizeof *t->items);
    free(t->items);
    map_fini(&t->map);
    *t = (struct tls_secret_table){0};
}

static uint64_t hash_of(const struct tls_secret_table *t, const uint8_t *id)
{
    return hash_bytes(&t->seed, id, TLS_RANDOM_SIZE);
}

static struct tls_secrets *find(const struct tls_secret_table *t, const uint8_t *id)
{
    struct map_probe p = map_probe(&t->map, hash_of(t, id));
    for (uint32_t i; (i = map_next(&t->map, &p)) != MAP_NONE;)
        if (memcmp(t->items[i].id, id, TLS_RANDOM_SIZE) == 0)
            return &t->items[i];
    return NULL;
}

const struct tls_secret_bytes *tls_secret_find(const struct tls_secret_table *t, const uint8_t *id,
                                               enum tls_secret which)
{
    const struct tls_secrets *s = find(t, id);
    return s && s->secret[which].size ? &s->secret[which] : NULL;
}

/* The next place of the ring; what was there is forgotten. NULL without memory. */
static struct tls_secrets *take(struct tls_secret_table *t, const uint8_t *id)
{
    uint32_t i = t->next;
    struct tls_secrets *s = &t->items[i];
    if (t->used == t->max) {
        map_remove(&t->map, hash_of(t, s->id), i);
        crypto_wipe(s, sizeof *s);
    }
    memset(s, 0, sizeof *s);
    if (t->used < t->max)
        t->used++;
    t->next = (i + 1) % t->max;
    if (map_add(&t->map, hash_of(t, id), i))
        return NULL; /* the place stays, unfindable, until its turn comes again */
    memcpy(s->id, id, TLS_RANDOM_SIZE);
    return s;
}

void tls_secret_add(struct tls_secret_table *t, const uint8_t *id, enum tls_secret which,
                    struct slice secret)
{
    struct tls_secrets *s = find(t, id);
    if (s == NULL)
        s = take(t, id);
    if (s == NULL || secret.size > sizeof s->secret[which].bytes)
        return;
    s->secret[which].size = (uint8_t)secret.size;
    memcpy(s->secret[which].bytes, secret.data, secret.size);
}

/* ---- lines ---- */

static const struct {
    const char *name;
    int which; /* -1: known and not needed */
} labels[] = {
    {"CLIENT_RANDOM", TLS_MASTER},
    {"CLIENT_HANDSHAKE_TRAFFIC_SECRET", TLS_CLIENT_HANDSHAKE},
    {"SERVER_HANDSHAKE_TRAFFIC_SECRET", TLS_SERVER_HANDSHAKE},
    {"CLIENT_TRAFFIC_SECRET_0", TLS_CLIENT_TRAFFIC},
    {"SERVER_TRAFFIC_SECRET_0", TLS_SERVER_TRAFFIC},
    {"CLIENT_EARLY_TRAFFIC_SECRET", TLS_CLIENT_EARLY},
    {"CLIENT_TRAFFIC_SECRET_N", -1}, /* after a KeyUpdate; we make them ourselves */
    {"SERVER_TRAFFIC_SECRET_N", -1},
    {"EXPORTER_SECRET", -1},
    {"EARLY_EXPORTER_SECRET", -1},
    {"RSA", -1},
};

static int nibble(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes written, 0 when it is not hex or longer than `room`. */
static size_t from_hex(struct slice hex, uint8_t *out, size_t room)
{
    if (hex.size % 2 || hex.size / 2 > room)
        return 0;
    for (size_t i = 0; i < hex.size; i += 2) {
        int high = nibble(hex.data[i]);
        int low = nibble(hex.data[i + 1]);
        if (high < 0 || low < 0)
            return 0;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return hex.size / 2;
}

enum tls_line tls_line_parse(struct slice line, uint8_t ret_random[TLS_RANDOM_SIZE],
                             enum tls_secret *ret_which, struct tls_secret_bytes *ret_secret)
{
    line = slice_trim(line);
    if (line.size == 0 || line.data[0] == '#')
        return TLS_LINE_EMPTY;
    struct slice name = slice_cut(&line, ' ');
    struct slice random = slice_cut(&line, ' ');
    size_t i = 0;
    while (i < sizeof labels / sizeof *labels && !slice_is(name, labels[i].name))
        i++;
    if (i == sizeof labels / sizeof *labels || random.size == 0 || line.size == 0)
        return TLS_LINE_BAD;
    if (labels[i].which < 0)
        return TLS_LINE_UNUSED;
    *ret_which = (enum tls_secret)labels[i].which;
    size_t size = from_hex(line, ret_secret->bytes, sizeof ret_secret->bytes);
    ret_secret->size = (uint8_t)size;
    bool fits = size == 48 || (size == 32 && *ret_which != TLS_MASTER);
    if (!fits || from_hex(random, ret_random, TLS_RANDOM_SIZE) != TLS_RANDOM_SIZE)
        return TLS_LINE_BAD;
    return TLS_LINE_SECRET;
}
