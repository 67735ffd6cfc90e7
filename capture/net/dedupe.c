/* A table of digests in buckets of four packets, newest first. A packet that is no copy goes to the
 * front and pushes the oldest out. An entry is one word, 48 bits of digest and 16 of time (in units
 * of a millisecond, nearly), and the table 128 KiB: it has to stay in the cache, since every packet
 * looks into another place of it (with 2 MiB that look alone took 100 ns). At 100,000 packets a
 * second the table finds all copies that come within 10 ms (a mirror port needs microseconds) and 3
 * of 4 at the window's end; at 500,000 all within 2 ms.
 *
 * Digests are made by multiplication with secret factors, so a stranger cannot aim at a bucket, and
 * that two different packets of a bucket share 48 bits is not to be expected. RTP differs in its
 * first 32 bytes (sequence, time stamp, SSRC), and no more of it is read: its end lies in a line of
 * the cache that nobody has touched. Of everything else each byte counts, for two answers of one
 * size may differ in one digit. */
#include "capture/net/dedupe.h"

#include <stddef.h>
#include <stdlib.h>

#define WINDOW_DEFAULT   INT64_C(100000000)
#define ENTRIES_DEFAULT  16384u
#define WINDOW_UNITS_MAX 28000 /* 29 s */
#define ENTRIES_MAX      (UINT32_C(1) << 24)
#define WAYS             4
#define TIME_SHIFT       20 /* 1.05 ms */

#define MEDIA_HEAD 32
#define FACTORS    8

/* Digest in the upper 48 bits, time in the lower 16; 0: empty. Time wraps after 69 s: then a packet
 * of just that age would have to have the same digest. */
struct bucket {
    uint64_t seen[WAYS];
};

struct dedupe {
    struct bucket *buckets;
    uint64_t mask;
    uint64_t factor[FACTORS];
    uint16_t window; /* in units of time */
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
    return p->proto == PROTO_UDP && p->payload.size >= MEDIA_HEAD && p->payload.data[0] >> 6 == 2 &&
           (p->src.addr.high | p->dst.addr.high) == 0;
}

static inline uint64_t folded(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Both ends have one address space, so the second's place is free for numbers, and the endpoint's
 * last 16 bits, always 0, for the size. */
static inline uint64_t numbers_of(const struct datagram *p)
{
    return (uint64_t)p->payload_wire << 48 | (uint32_t)p->ip_id << 16 | p->proto;
}

/* The products do not wait for each other. */
static inline uint64_t digest_media(const struct dedupe *d, const struct datagram *p)
{
    const uint64_t *k = d->factor;
    const uint8_t *at = p->payload.data;
    uint64_t sum = folded(p->src.addr.low ^ k[0], p->dst.addr.low ^ k[1]);
    sum += folded(word_of(&p->src) ^ k[2], word_of(&p->dst) ^ numbers_of(p) ^ k[3]);
    sum += folded(word_at(at) ^ k[4], word_at(at + 8) ^ k[5]);
    sum += folded(word_at(at + 16) ^ k[6], word_at(at + 24) ^ k[7]);
    return folded(sum ^ k[0], k[7]) | 1;
}

/* Only what routers and mirror ports leave alone. */
static uint64_t digest_other(const struct dedupe *d, const struct datagram *p)
{
    struct digest g = {.sum = d->factor[0], .key = d->factor[1]};
    take(&g, p->src.addr.low, p->dst.addr.low);
    take(&g, p->src.addr.high, p->dst.addr.high);
    take(&g, word_of(&p->src), word_of(&p->dst) ^ numbers_of(p));
    if (p->proto == PROTO_TCP)
        take(&g, (uint64_t)p->tcp_seq << 32 | p->tcp_ack, p->tcp_flags);
    take_bytes(&g, p->payload.data, p->payload.size);
    return g.sum | 1;
}

/* ---- table ---- */

/* A match from ahead of `now` counts too: captures of several interfaces step back a little. */
static inline bool within(const struct dedupe *d, uint64_t a, uint64_t b)
{
    return (uint16_t)(a - b + d->window) <= 2u * d->window;
}

/* By way of a copy: the compiler would call memmove() for a loop. */
static inline void push(struct bucket *b, uint64_t entry)
{
    uint64_t newer[WAYS - 1];
    memcpy(newer, b->seen, sizeof newer);
    memcpy(b->seen + 1, newer, sizeof newer);
    b->seen[0] = entry;
}

static inline struct bucket *bucket_of(const struct dedupe *d, uint64_t digest)
{
    return &d->buckets[digest >> 40 & d->mask]; /* the entry keeps the lower 48 bits */
}

uint64_t dedupe_digest(const struct dedupe *d, const struct datagram *datagram)
{
    if (datagram->proto == PROTO_TCP && datagram->payload_wire == 0)
        return 0;
    uint64_t digest = is_media(datagram) ? digest_media(d, datagram) : digest_other(d, datagram);
    __builtin_prefetch(bucket_of(d, digest), 1);
    return digest;
}

/* The window counts from the first of several copies: what is sent again and again gets through
 * once a window. */
bool dedupe_look(struct dedupe *d, uint64_t digest, int64_t time_ns)
{
    struct bucket *b = bucket_of(d, digest);
    uint64_t entry = digest << 16 | ((uint64_t)time_ns >> TIME_SHIFT & UINT16_MAX);
    if (digest == 0)
        return false;
    for (int i = 0; i < WAYS; i++) {
        if (__builtin_expect((b->seen[i] ^ entry) >> 16 == 0, 0) && within(d, entry, b->seen[i]))
            return true;
    }
    push(b, entry);
    return false;
}

/* ---- birth and end ---- */

static uint16_t units_of(int64_t window_ns)
{
    int64_t units = (window_ns >> TIME_SHIFT) + 1;
    return (uint16_t)(units < WINDOW_UNITS_MAX ? units : WINDOW_UNITS_MAX);
}

struct dedupe *dedupe_new(const struct hash_seed *seed, int64_t window_ns, uint32_t entries)
{
    if (entries == 0)
        entries = ENTRIES_DEFAULT;
    uint64_t buckets = 1;
    while (buckets * WAYS < entries && buckets * WAYS < ENTRIES_MAX)
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
    d->window = units_of(window_ns > 0 ? window_ns : WINDOW_DEFAULT);
    for (uint64_t i = 0; i < FACTORS; i++) /* not the seed itself, which other tables use too */
        d->factor[i] = hash_words(seed, &i, 1);
    return d;
}

void dedupe_free(struct dedupe *d)
{
    if (d == NULL)
        return;
    free(d->buckets);
    free(d);
}
