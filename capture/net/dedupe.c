/* A table of digests in buckets of one cache line: four packets, newest first. A packet that is no
 * copy goes to the front and pushes the oldest out. There is room for twice the packets asked for,
 * since a hash does not fill buckets evenly. At 500,000 packets a second the default table finds
 * all copies that come within milliseconds (a mirror port needs microseconds), 999 of 1,000 that
 * are 20 ms late, 8 of 10 at the window's end.
 *
 * The digest is a chain of multiplications with secret factors, so a stranger cannot aim at a
 * bucket, and that two different packets of a window share 63 bits is not to be expected. Media
 * differs in its first bytes (sequence, time stamp) or in its last, so not all of it is read; of
 * everything else each byte counts, for two answers of one size may differ in one digit. */
#include "capture/net/dedupe.h"

#include <stddef.h>
#include <stdlib.h>

#define WINDOW_DEFAULT  INT64_C(100000000)
#define ENTRIES_DEFAULT 65536u
#define ENTRIES_MAX     (UINT32_C(1) << 26)
#define WAYS            4

#define MEDIA_HEAD 32
#define MEDIA_TAIL 16

struct seen {
    uint64_t digest; /* 0: empty */
    int64_t time_ns;
};

struct bucket {
    struct seen at[WAYS];
};

struct dedupe {
    struct bucket *buckets;
    uint64_t mask;
    uint64_t key_a;
    uint64_t key_b;
    uint64_t window_ns;
};

/* ---- digest ---- */

struct digest {
    uint64_t sum;
    uint64_t key;
};

static inline uint64_t word_at(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* Takes two words: the halves of a product, one of whose factors holds what came before. */
static inline void take(struct digest *d, uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)(a ^ d->key) * (b ^ d->sum);
    d->sum = (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Any number of bytes; the last words are padded with zeros (the size is taken elsewhere). */
static void take_bytes(struct digest *d, const uint8_t *at, size_t size)
{
    for (; size >= 16; at += 16, size -= 16)
        take(d, word_at(at), word_at(at + 8));
    if (size > 0) {
        uint8_t rest[16] = {0};
        memcpy(rest, at, size);
        take(d, word_at(rest), word_at(rest + 8));
    }
}

/* Address space and port: the rest of the struct, which is hashed as words. */
static inline uint64_t word_of(const struct endpoint *e)
{
    return word_at((const uint8_t *)e + offsetof(struct endpoint, space));
}

static inline bool is_media(const struct datagram *p)
{
    return p->proto == PROTO_UDP && p->payload.size >= MEDIA_HEAD && p->payload.data[0] >= 0x80;
}

/* Only what routers and mirror ports leave alone. Both ends have one address space, so the second's
 * place is free for numbers, and the endpoint's last 16 bits, always 0, for the size. */
static inline uint64_t digest_of(const struct dedupe *d, const struct datagram *p)
{
    struct digest g = {.sum = d->key_a, .key = d->key_b};
    struct slice payload = p->payload;
    take(&g, p->src.addr.low, p->dst.addr.low);
    if (__builtin_expect((p->src.addr.high | p->dst.addr.high) != 0, 0))
        take(&g, p->src.addr.high, p->dst.addr.high);
    uint64_t numbers = (uint64_t)p->payload_wire << 48 | (uint32_t)p->ip_id << 16 | p->proto;
    take(&g, word_of(&p->src), word_of(&p->dst) ^ numbers);
    if (__builtin_expect(is_media(p), 1)) {
        const uint8_t *tail = payload.data + payload.size - MEDIA_TAIL;
        take(&g, word_at(payload.data), word_at(payload.data + 8));
        take(&g, word_at(payload.data + 16), word_at(payload.data + 24));
        take(&g, word_at(tail), word_at(tail + 8));
        return g.sum | 1;
    }
    if (p->proto == PROTO_TCP)
        take(&g, (uint64_t)p->tcp_seq << 32 | p->tcp_ack, p->tcp_flags);
    take_bytes(&g, payload.data, payload.size);
    return g.sum | 1;
}

/* ---- table ---- */

/* A match from ahead of `now` counts too: captures of several interfaces step back a little. */
static inline bool within(const struct dedupe *d, int64_t a_ns, int64_t b_ns)
{
    return (uint64_t)a_ns - (uint64_t)b_ns + d->window_ns <= 2 * d->window_ns;
}

/* By way of a copy: the compiler would call memmove() for a loop. */
static inline void push(struct bucket *b, uint64_t digest, int64_t time_ns)
{
    struct seen newer[WAYS - 1];
    memcpy(newer, b->at, sizeof newer);
    memcpy(b->at + 1, newer, sizeof newer);
    b->at[0] = (struct seen){.digest = digest, .time_ns = time_ns};
}

/* The window counts from the first of several copies: what is sent again and again gets through
 * once a window. */
bool dedupe_seen(struct dedupe *d, const struct datagram *datagram)
{
    if (datagram->proto == PROTO_TCP && datagram->payload_wire == 0)
        return false;
    uint64_t digest = digest_of(d, datagram);
    struct bucket *b = &d->buckets[digest >> 32 & d->mask];
    for (int i = 0; i < WAYS; i++) {
        if (__builtin_expect(b->at[i].digest == digest, 0) &&
            within(d, datagram->time_ns, b->at[i].time_ns))
            return true;
    }
    push(b, digest, datagram->time_ns);
    return false;
}

/* ---- birth and end ---- */

struct dedupe *dedupe_new(const struct hash_seed *seed, int64_t window_ns, uint32_t entries)
{
    if (entries == 0)
        entries = ENTRIES_DEFAULT;
    uint64_t buckets = 1;
    while (buckets * WAYS < entries * UINT64_C(2) && buckets * WAYS < ENTRIES_MAX)
        buckets *= 2;
    struct dedupe *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    size_t size = buckets * sizeof *d->buckets;
    d->buckets = aligned_alloc(sizeof *d->buckets, size);
    if (d->buckets == NULL) {
        free(d);
        return NULL;
    }
    memset(d->buckets, 0, size);
    d->mask = buckets - 1;
    d->window_ns = window_ns > 0 ? (uint64_t)window_ns : (uint64_t)WINDOW_DEFAULT;
    d->key_a = hash_bytes(seed, "a", 1); /* not the seed itself, which other tables use too */
    d->key_b = hash_bytes(seed, "b", 1);
    return d;
}

void dedupe_free(struct dedupe *d)
{
    if (d == NULL)
        return;
    free(d->buckets);
    free(d);
}
