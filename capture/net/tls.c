/* What all connections have in common: the secrets, the memory of what waits, and finding those
 * that wait for a key. */
#include "capture/net/tls.h"

#include <assert.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "capture/net/tls_parts.h"

#define SECRETS_MAX_DEFAULT  65536u
#define WAITING_DEFAULT      ((size_t)16 << 20)
#define CONN_WAITING_DEFAULT ((size_t)256 << 10)
#define TICKETS_MAX_DEFAULT  4096u
#define BUCKETS              8192u

/* ---- counting ---- */

void tls_count(struct tls *t, unsigned cell, uint64_t n)
{
    if (t->counters)
        counters_add(t->counters, cell, n);
}

void tls_count_bad(struct tls *t, const char *reason)
{
    tls_count(t,
              C_PARSE_ERRORS + LABEL_PROTO_TLS * LABEL_COUNT_PARSE_REASON +
                  label_find(LABELS_PARSE_REASON, slice_str(reason)),
              1);
}

static void show(struct tls *t, unsigned family, const char *table, uint64_t value)
{
    unsigned cell = family + label_find(LABELS_TABLE, slice_str(table));
    if (t->counters && family == C_TABLE_SIZE)
        counters_set_level(t->counters, cell, COUNTERS_TABLE_UP, value);
    else if (t->counters)
        counters_set(t->counters, cell, value);
}

/* ---- memory of what waits ---- */

static void holders_add(struct tls *t, struct tls_conn *c)
{
    c->holder_older = t->holder_newest;
    c->holder_newer = NULL;
    *(c->holder_older ? &c->holder_older->holder_newer : &t->holder_oldest) = c;
    t->holder_newest = c;
}

static void holders_remove(struct tls *t, struct tls_conn *c)
{
    *(c->holder_older ? &c->holder_older->holder_newer : &t->holder_oldest) = c->holder_newer;
    *(c->holder_newer ? &c->holder_newer->holder_older : &t->holder_newest) = c->holder_older;
}

bool tls_hold(struct tls *t, struct tls_conn *c, size_t bytes)
{
    if (bytes == 0)
        return true;
    if (c->held == 0)
        holders_add(t, c);
    c->held += bytes;
    t->held += bytes;
    for (struct tls_conn *victim = t->holder_oldest, *newer;
         victim && t->held > t->config.waiting_bytes_max; victim = newer) {
        newer = victim->holder_newer;
        tls_conn_end(t, victim, TLS_BLIND);
    }
    show(t, C_TABLE_SIZE, "tls_waiting_bytes", t->held);
    return !tls_conn_ended(c);
}

void tls_release(struct tls *t, struct tls_conn *c, size_t bytes)
{
    if (bytes == 0)
        return;
    assert(bytes <= c->held && c->held <= t->held);
    c->held -= bytes;
    t->held -= bytes;
    if (c->held == 0)
        holders_remove(t, c);
    show(t, C_TABLE_SIZE, "tls_waiting_bytes", t->held);
}

size_t tls_waiting_bytes(const struct tls *t)
{
    return t->held;
}

/* ---- finding connections ---- */

static const uint8_t *name_of(const struct tls_conn *c, enum tls_file file)
{
    if (file == TLS_BY_RANDOM)
        return c->client_random;
    return c->has_offered_ticket ? c->offered_ticket : c->offered_id;
}

static bool has_name(const struct tls_conn *c, enum tls_file file, const uint8_t *name)
{
    return memcmp(name_of(c, file), name, TLS_RANDOM_SIZE) == 0;
}

static struct tls_conn **bucket_of(struct tls *t, enum tls_file file, const uint8_t *name)
{
    uint64_t hash = hash_bytes(&t->config.seed, name, TLS_RANDOM_SIZE);
    return &t->buckets[file][hash & (BUCKETS - 1)];
}

void tls_conn_unfile(struct tls_conn *c, enum tls_file file)
{
    struct tls_filed *f = &c->filed[file];
    if (f->link == NULL)
        return;
    *f->link = f->next;
    if (f->next)
        f->next->filed[file].link = f->link;
    *f = (struct tls_filed){0};
}

static void put_in(struct tls_conn *c, enum tls_file file, struct tls_conn **list)
{
    tls_conn_unfile(c, file);
    c->filed[file] = (struct tls_filed){.next = *list, .link = list};
    if (*list)
        (*list)->filed[file].link = &c->filed[file].next;
    *list = c;
}

void tls_conn_file(struct tls *t, struct tls_conn *c, enum tls_file file)
{
    put_in(c, file, bucket_of(t, file, name_of(c, file)));
}

/* ---- keys ---- */

/* A connection that goes on may say hello anew and move to another bucket, so the walk notes its
 * neighbour first; what waits in the neighbour does not change meanwhile. */
static void wake(struct tls *t, const uint8_t *random)
{
    struct tls_conn **bucket = bucket_of(t, TLS_BY_RANDOM, random);
    for (struct tls_conn *c = *bucket, *next; c; c = next) {
        next = c->filed[TLS_BY_RANDOM].next;
        if (c->first && has_name(c, TLS_BY_RANDOM, random))
            tls_conn_pump(t, c);
        if (next && next->filed[TLS_BY_RANDOM].link == NULL)
            next = *bucket; /* it ended for want of memory: once more */
    }
    tls_wake_sessions(t);
}

void tls_session_add(struct tls *t, const uint8_t *name, struct slice master)
{
    tls_secret_add(&t->sessions, name, TLS_MASTER, master);
    for (struct tls_conn *c = *bucket_of(t, TLS_BY_SESSION, name), *next; c; c = next) {
        next = c->filed[TLS_BY_SESSION].next;
        if (has_name(c, TLS_BY_SESSION, name))
            put_in(c, TLS_BY_SESSION, &t->woken);
    }
}

/* A list and not a recursion: a session may be resumed, and that one again, as often as anybody
 * likes. */
void tls_wake_sessions(struct tls *t)
{
    while (t->woken) {
        struct tls_conn *c = t->woken;
        tls_conn_unfile(c, TLS_BY_SESSION);
        tls_conn_pump(t, c);
    }
}

bool tls_key_line(struct tls *t, struct slice line)
{
    uint8_t random[TLS_RANDOM_SIZE];
    enum tls_secret which;
    struct tls_secret_bytes secret;
    enum tls_line kind = tls_line_parse(line, random, &which, &secret);
    if (kind == TLS_LINE_BAD)
        tls_count_bad(t, "syntax");
    if (kind == TLS_LINE_SECRET)
        tls_secret_add(&t->secrets, random, which, slice_of(secret.bytes, secret.size));
    crypto_wipe(&secret, sizeof secret);
    if (kind != TLS_LINE_SECRET)
        return kind != TLS_LINE_BAD;
    show(t, C_TABLE_SIZE, "tls_secrets", t->secrets.used);
    wake(t, random);
    return true;
}

int tls_private_key(struct tls *t, struct slice pem, struct why *why)
{
    if (t->key_count == TLS_KEYS_MAX) {
        why_set(why, "more than %u private keys for TLS", TLS_KEYS_MAX);
        return ERR_FULL;
    }
    int err = crypto_key_read(pem, &t->keys[t->key_count], why);
    if (err == 0)
        t->key_count++;
    return err;
}

uint32_t tls_secret_count(const struct tls *t)
{
    return t->secrets.used;
}

/* ---- birth and end ---- */

static void set_defaults(struct tls_config *c)
{
    if (c->secrets_max == 0)
        c->secrets_max = SECRETS_MAX_DEFAULT;
    if (c->waiting_bytes_max == 0)
        c->waiting_bytes_max = WAITING_DEFAULT;
    if (c->conn_waiting_max == 0)
        c->conn_waiting_max = CONN_WAITING_DEFAULT;
    if (c->tickets_max == 0)
        c->tickets_max = TICKETS_MAX_DEFAULT;
}

int tls_new(const struct tls_config *config, struct counters *counters, struct tls **ret_tls)
{
    struct tls *t = calloc(1, sizeof *t);
    if (t == NULL)
        return ERR_NOMEM;
    t->config = *config;
    t->counters = counters;
    set_defaults(&t->config);
    for (unsigned i = 0; i < TLS_FILES; i++)
        t->buckets[i] = calloc(BUCKETS, sizeof(struct tls_conn *));
    if (t->buckets[0] == NULL || t->buckets[1] == NULL ||
        tls_secret_table_init(&t->secrets, &config->seed, t->config.secrets_max) ||
        tls_secret_table_init(&t->sessions, &config->seed, t->config.tickets_max)) {
        tls_free(t);
        return ERR_NOMEM;
    }
    show(t, C_TABLE_LIMIT, "tls_secrets", t->config.secrets_max);
    show(t, C_TABLE_LIMIT, "tls_waiting_bytes", t->config.waiting_bytes_max);
    *ret_tls = t;
    return 0;
}

void tls_free(struct tls *t)
{
    if (t == NULL)
        return;
    tls_secret_table_fini(&t->secrets);
    tls_secret_table_fini(&t->sessions);
    for (unsigned i = 0; i < t->key_count; i++)
        crypto_key_free(t->keys[i]);
    crypto_wipe(t->room, sizeof t->room); /* the last plain text */
    for (unsigned i = 0; i < TLS_FILES; i++)
        free(t->buckets[i]);
    free(t);
}

/* ---- a first look ---- */

int tls_guess(struct slice head)
{
    /* Type, major and minor version. */
    static const struct {
        uint8_t from, to;
    } first[] = {{TLS_CHANGE_CIPHER_SPEC, TLS_APPLICATION}, {3, 3}, {0, 4}};
    for (size_t i = 0; i < 3 && i < head.size; i++)
        if (head.data[i] < first[i].from || head.data[i] > first[i].to)
            return 0;
    if (head.size < TLS_HEADER_SIZE)
        return -1;
    size_t fragment = (size_t)head.data[3] << 8 | head.data[4];
    return fragment > 0 && fragment <= TLS_FRAGMENT_MAX;
}
