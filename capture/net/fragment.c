/* The table of datagrams under way.
 *
 *     entry --- block[0..31]: which 2 KiB blocks of the pool hold bytes k * 2048 and up (or none)
 *     block --- 2048 bytes and a bit for each 8 of them: are they there?
 *
 * Offsets count in units of 8 bytes and so do the bits: overlaps, duplicates and "is it whole?" are
 * questions about bits, whatever the order of arrival. An entry is in one of three states:
 *
 *     OPEN -- last missing unit came (deliver) --> DONE -- linger over --> free
 *       |`--- timeout, evicted -----------------------------------------> free
 *       `---- IPv6 overlap (condemn) --> DEAD -- timeout ---------------> free
 *
 * DONE keeps the bytes a little, so that copies of the fragments (a mirror port gives them twice)
 * do not open the same datagram again. DEAD takes the fragments that RFC 5722 wants discarded as
 * well. */
#include "capture/net/fragment.h"

#include <stdlib.h>

#define NONE        UINT32_MAX
#define UNIT        8u
#define BLOCK_SIZE  2048u
#define BLOCK_UNITS (BLOCK_SIZE / UNIT)
#define SIZE_MAX_IP 65535u
#define BLOCKS_MAX  ((SIZE_MAX_IP + BLOCK_SIZE - 1) / BLOCK_SIZE)
#define KEY_WORDS   6
/* How long a finished datagram is remembered. */
#define LINGER_NS INT64_C(500000000)

struct block {
    uint64_t there[BLOCK_UNITS / 64];
    union {
        uint8_t bytes[BLOCK_SIZE];
        uint32_t next_free;
    };
};

enum state { OPEN, DONE, DEAD };

struct entry {
    uint64_t key[KEY_WORDS];
    int64_t since_ns;
    uint32_t next_in_bucket; /* also: next free entry */
    uint32_t older;
    uint32_t newer;
    uint32_t total; /* bytes; 0 until the last fragment came */
    uint32_t reach; /* end of the furthest fragment */
    uint32_t units; /* that are there */
    uint32_t frames;
    enum state state;
    bool has_first; /* the next three are known */
    uint8_t proto;
    uint8_t ttl;
    uint8_t tos;
    uint32_t block[BLOCKS_MAX];
};

/* Entries by age. */
struct age_list {
    uint32_t oldest;
    uint32_t newest;
};

struct fragments {
    struct hash_seed seed;
    int64_t timeout_ns;
    struct counters *counters;
    unsigned dropped_cell;
    unsigned timeouts_cell;
    unsigned size_cell;

    struct entry *entries;
    uint32_t entries_max;
    uint32_t entries_used; /* ever; those given back are in free_entry */
    uint32_t free_entry;
    uint32_t *buckets;
    uint32_t bucket_mask;
    struct age_list pending; /* OPEN and DEAD */
    struct age_list done;
    uint32_t pending_count;

    struct block *blocks;
    uint32_t blocks_max;
    uint32_t blocks_used;
    uint32_t free_block;

    uint8_t whole[SIZE_MAX_IP + 1];
};

/* ---- counting ---- */

static void count(struct fragments *f, unsigned cell, uint64_t n)
{
    if (f->counters)
        counters_add(f->counters, cell, n);
}

void fragments_count_dropped(struct fragments *f, uint64_t frames)
{
    count(f, f->dropped_cell, frames);
}

static void show_size(struct fragments *f)
{
    if (f->counters)
        counters_set(f->counters, f->size_cell, f->pending_count);
}

/* ---- lists and buckets ---- */

static void age_add(struct fragments *f, struct age_list *list, uint32_t i)
{
    struct entry *e = &f->entries[i];
    e->older = list->newest;
    e->newer = NONE;
    if (list->newest != NONE)
        f->entries[list->newest].newer = i;
    else
        list->oldest = i;
    list->newest = i;
}

static void age_remove(struct fragments *f, struct age_list *list, uint32_t i)
{
    struct entry *e = &f->entries[i];
    *(e->older != NONE ? &f->entries[e->older].newer : &list->oldest) = e->newer;
    *(e->newer != NONE ? &f->entries[e->newer].older : &list->newest) = e->older;
}

static uint32_t *bucket_of(struct fragments *f, const uint64_t key[KEY_WORDS])
{
    return &f->buckets[hash_words(&f->seed, key, KEY_WORDS) & f->bucket_mask];
}

static uint32_t find(struct fragments *f, const uint64_t key[KEY_WORDS])
{
    uint32_t i = *bucket_of(f, key);
    while (i != NONE && memcmp(f->entries[i].key, key, sizeof f->entries[i].key) != 0)
        i = f->entries[i].next_in_bucket;
    return i;
}

static void bucket_remove(struct fragments *f, uint32_t i)
{
    uint32_t *link = bucket_of(f, f->entries[i].key);
    while (*link != i)
        link = &f->entries[*link].next_in_bucket;
    *link = f->entries[i].next_in_bucket;
}

/* ---- giving back ---- */

static void release_blocks(struct fragments *f, struct entry *e)
{
    for (uint32_t k = 0; k * BLOCK_SIZE < e->reach; k++) {
        if (e->block[k] == NONE)
            continue;
        f->blocks[e->block[k]].next_free = f->free_block;
        f->free_block = e->block[k];
        e->block[k] = NONE;
    }
}

static void release(struct fragments *f, uint32_t i)
{
    struct entry *e = &f->entries[i];
    release_blocks(f, e);
    bucket_remove(f, i);
    age_remove(f, e->state == DONE ? &f->done : &f->pending, i);
    if (e->state != DONE)
        f->pending_count--;
    e->next_in_bucket = f->free_entry;
    f->free_entry = i;
}

/* Makes room by what is worth least: a finished datagram, else the oldest, but not `keep`. False
 * when there is nothing left to evict. */
static bool evict(struct fragments *f, uint32_t keep)
{
    uint32_t victim = f->done.oldest;
    if (victim == NONE) {
        victim = f->pending.oldest;
        if (victim == keep && victim != NONE)
            victim = f->entries[victim].newer;
        if (victim == NONE)
            return false;
        if (f->entries[victim].state == OPEN)
            fragments_count_dropped(f, f->entries[victim].frames);
    }
    release(f, victim);
    return true;
}

static bool older_than(int64_t since_ns, int64_t now_ns, int64_t limit_ns)
{
    return now_ns > since_ns && (uint64_t)now_ns - (uint64_t)since_ns > (uint64_t)limit_ns;
}

void fragments_expire(struct fragments *f, int64_t now_ns)
{
    uint32_t i;
    while ((i = f->done.oldest) != NONE && older_than(f->entries[i].since_ns, now_ns, LINGER_NS))
        release(f, i);
    while ((i = f->pending.oldest) != NONE &&
           older_than(f->entries[i].since_ns, now_ns, f->timeout_ns)) {
        if (f->entries[i].state == OPEN)
            count(f, f->timeouts_cell, 1);
        release(f, i);
    }
    show_size(f);
}

/* ---- taking ---- */

static uint32_t take_entry(struct fragments *f, const uint64_t key[KEY_WORDS], int64_t now_ns)
{
    uint32_t i;
    if (f->free_entry == NONE && f->entries_used == f->entries_max)
        evict(f, NONE);
    if (f->free_entry != NONE) {
        i = f->free_entry;
        f->free_entry = f->entries[i].next_in_bucket;
    } else {
        i = f->entries_used++;
    }
    struct entry *e = &f->entries[i];
    *e = (struct entry){.since_ns = now_ns, .state = OPEN};
    memcpy(e->key, key, sizeof e->key);
    memset(e->block, 0xff, sizeof e->block); /* NONE */
    uint32_t *bucket = bucket_of(f, key);
    e->next_in_bucket = *bucket;
    *bucket = i;
    age_add(f, &f->pending, i);
    f->pending_count++;
    return i;
}

/* NONE when the pool has nothing left for `owner`. */
static uint32_t take_block(struct fragments *f, uint32_t owner)
{
    while (f->free_block == NONE && f->blocks_used == f->blocks_max) {
        if (!evict(f, owner))
            return NONE;
    }
    uint32_t b;
    if (f->free_block != NONE) {
        b = f->free_block;
        f->free_block = f->blocks[b].next_free;
    } else {
        b = f->blocks_used++;
    }
    memset(f->blocks[b].there, 0, sizeof f->blocks[b].there);
    return b;
}

/* ---- bytes and bits ---- */

/* A run of a fragment's bytes inside one block. */
struct run {
    const uint8_t *from;
    uint32_t index; /* of the block in the entry */
    uint32_t at;    /* in the block */
    uint32_t size;
};

/* The next run of [*offset, ...) over *bytes; false when none is left. */
static bool next_run(struct slice *bytes, uint32_t *offset, struct run *ret_run)
{
    if (bytes->size == 0)
        return false;
    uint32_t at = *offset % BLOCK_SIZE;
    uint32_t size = BLOCK_SIZE - at;
    if (size > bytes->size)
        size = (uint32_t)bytes->size;
    *ret_run =
        (struct run){.from = bytes->data, .index = *offset / BLOCK_SIZE, .at = at, .size = size};
    *bytes = slice_from(*bytes, size);
    *offset += size;
    return true;
}

static bool is_there(const struct block *b, uint32_t unit)
{
    return b->there[unit / 64] >> (unit % 64) & 1;
}

static uint32_t unit_size(const struct run *r, uint32_t done)
{
    return r->size - done < UNIT ? r->size - done : UNIT;
}

enum overlap { OVERLAP_NONE, OVERLAP_SAME, OVERLAP_OTHER };

/* Are the fragment's bytes new, exactly there already, or a mixture? */
static enum overlap overlap_of(const struct fragments *f, const struct entry *e,
                               const struct fragment *fragment)
{
    struct slice bytes = fragment->bytes;
    uint32_t offset = fragment->offset;
    bool fresh = false;
    bool same = false;
    for (struct run r; next_run(&bytes, &offset, &r);) {
        const struct block *b = e->block[r.index] == NONE ? NULL : &f->blocks[e->block[r.index]];
        for (uint32_t done = 0; done < r.size; done += UNIT) {
            if (b == NULL || !is_there(b, (r.at + done) / UNIT))
                fresh = true;
            else if (memcmp(b->bytes + r.at + done, r.from + done, unit_size(&r, done)) == 0)
                same = true;
            else
                return OVERLAP_OTHER;
        }
    }
    return !same ? OVERLAP_NONE : fresh ? OVERLAP_OTHER : OVERLAP_SAME;
}

/* Copies the units that are not there yet: the first byte wins. */
static void put_run(struct entry *e, struct block *b, const struct run *r)
{
    for (uint32_t done = 0; done < r->size; done += UNIT) {
        uint32_t unit = (r->at + done) / UNIT;
        if (is_there(b, unit))
            continue;
        memcpy(b->bytes + r->at + done, r->from + done, unit_size(r, done));
        b->there[unit / 64] |= UINT64_C(1) << (unit % 64);
        e->units++;
    }
}

/* False when there is no memory for all of it. */
static bool put(struct fragments *f, uint32_t i, const struct fragment *fragment)
{
    struct entry *e = &f->entries[i];
    struct slice bytes = fragment->bytes;
    uint32_t offset = fragment->offset;
    for (struct run r; next_run(&bytes, &offset, &r);) {
        if (e->block[r.index] == NONE)
            e->block[r.index] = take_block(f, i);
        if (e->block[r.index] == NONE)
            return false;
        put_run(e, &f->blocks[e->block[r.index]], &r);
    }
    return true;
}

/* ---- one fragment ---- */

/* Is it a copy of a part of a datagram that was delivered? */
static bool is_copy(const struct fragments *f, const struct entry *e,
                    const struct fragment *fragment)
{
    uint32_t end = fragment->offset + (uint32_t)fragment->bytes.size;
    bool fits = fragment->more ? end <= e->total : end == e->total;
    return fits && overlap_of(f, e, fragment) == OVERLAP_SAME;
}

/* The end that the last fragment gives, and that of the others, must agree. */
static bool end_agrees(struct entry *e, const struct fragment *fragment)
{
    uint32_t end = fragment->offset + (uint32_t)fragment->bytes.size;
    if (e->total ? end > e->total || (!fragment->more && end != e->total)
                 : !fragment->more && end < e->reach)
        return false;
    if (!fragment->more)
        e->total = end;
    if (end > e->reach)
        e->reach = end;
    return true;
}

static enum fragment_result condemn(struct fragments *f, uint32_t i, bool ip6)
{
    if (ip6) {
        release_blocks(f, &f->entries[i]);
        f->entries[i].state = DEAD;
    } else {
        release(f, i);
    }
    return FRAGMENT_SYNTAX;
}

static void deliver(struct fragments *f, uint32_t i, int64_t now_ns,
                    struct fragment_whole *ret_whole)
{
    struct entry *e = &f->entries[i];
    for (uint32_t at = 0; at < e->total; at += BLOCK_SIZE) {
        uint32_t size = e->total - at < BLOCK_SIZE ? e->total - at : BLOCK_SIZE;
        memcpy(f->whole + at, f->blocks[e->block[at / BLOCK_SIZE]].bytes, size);
    }
    *ret_whole = (struct fragment_whole){
        .bytes = slice_of(f->whole, e->total), .proto = e->proto, .ttl = e->ttl, .tos = e->tos};
    age_remove(f, &f->pending, i);
    f->pending_count--;
    e->state = DONE;
    e->since_ns = now_ns;
    age_add(f, &f->done, i);
}

/* Adds to an OPEN entry. */
static enum fragment_result add_open(struct fragments *f, uint32_t i,
                                     const struct fragment *fragment,
                                     struct fragment_whole *ret_whole)
{
    struct entry *e = &f->entries[i];
    if (!end_agrees(e, fragment))
        return condemn(f, i, fragment->ip6);
    if (fragment->ip6) {
        enum overlap overlap = overlap_of(f, e, fragment);
        if (overlap == OVERLAP_SAME)
            return FRAGMENT_HELD;
        if (overlap == OVERLAP_OTHER)
            return condemn(f, i, true);
    }
    e->frames++;
    if (fragment->offset == 0 && !e->has_first) {
        e->has_first = true;
        e->proto = fragment->proto;
        e->ttl = fragment->ttl;
        e->tos = fragment->tos;
    }
    if (!put(f, i, fragment)) {
        fragments_count_dropped(f, e->frames);
        release(f, i);
        return FRAGMENT_HELD;
    }
    if (e->total == 0 || e->units < (e->total + UNIT - 1) / UNIT)
        return FRAGMENT_HELD;
    deliver(f, i, fragment->time_ns, ret_whole);
    return FRAGMENT_WHOLE;
}

static void make_key(const struct fragment *fragment, uint64_t ret_key[KEY_WORDS])
{
    ret_key[0] = fragment->src.high;
    ret_key[1] = fragment->src.low;
    ret_key[2] = fragment->dst.high;
    ret_key[3] = fragment->dst.low;
    ret_key[4] = (uint64_t)fragment->space << 32 | fragment->id;
    ret_key[5] = fragment->ip6 ? 6u << 8 : 4u << 8 | fragment->proto;
}

/* All but the last end on a unit. IPv4 forgives it as its stacks do, and takes the whole units. */
static bool size_is_sane(struct fragment *fragment)
{
    if (fragment->more && fragment->bytes.size % UNIT != 0) {
        if (fragment->ip6)
            return false;
        fragment->bytes.size -= fragment->bytes.size % UNIT;
    }
    return fragment->bytes.size > 0 && fragment->offset + fragment->bytes.size <= SIZE_MAX_IP;
}

enum fragment_result fragments_add(struct fragments *f, const struct fragment *given,
                                   struct fragment_whole *ret_whole)
{
    struct fragment fragment = *given;
    if (!size_is_sane(&fragment))
        return FRAGMENT_LENGTH;
    fragments_expire(f, fragment.time_ns);
    uint64_t key[KEY_WORDS];
    make_key(&fragment, key);
    uint32_t i = find(f, key);
    if (i != NONE && f->entries[i].state == DEAD)
        return FRAGMENT_HELD;
    if (i != NONE && f->entries[i].state == DONE) {
        if (is_copy(f, &f->entries[i], &fragment))
            return FRAGMENT_HELD;
        release(f, i); /* the sender uses the identification again */
        i = NONE;
    }
    if (i == NONE)
        i = take_entry(f, key, fragment.time_ns);
    enum fragment_result result = add_open(f, i, &fragment, ret_whole);
    show_size(f);
    return result;
}

/* ---- birth and end ---- */

static uint32_t power_of_two(uint32_t at_least)
{
    uint32_t n = 1;
    while (n < at_least && n < UINT32_C(1) << 30)
        n *= 2;
    return n;
}

static bool take_memory(struct fragments *f)
{
    uint32_t buckets = power_of_two(f->entries_max);
    f->bucket_mask = buckets - 1;
    f->buckets = malloc(buckets * sizeof *f->buckets);
    /* Not written before they are used: an idle table costs address space, not memory. */
    f->entries = malloc(f->entries_max * sizeof *f->entries);
    f->blocks = malloc(f->blocks_max * sizeof *f->blocks);
    if (f->buckets == NULL || f->entries == NULL || f->blocks == NULL)
        return false;
    memset(f->buckets, 0xff, buckets * sizeof *f->buckets); /* NONE */
    return true;
}

static void set_counters(struct fragments *f, struct counters *counters)
{
    unsigned table = label_find(LABELS_TABLE, slice_str("fragments"));
    f->counters = counters;
    f->dropped_cell = C_DROPS + label_find(LABELS_STAGE, slice_str("reassembly"));
    f->timeouts_cell = C_REASSEMBLY_TIMEOUTS + label_find(LABELS_LAYER, slice_str("ip"));
    f->size_cell = C_TABLE_SIZE + table;
    if (counters)
        counters_set(counters, C_TABLE_LIMIT + table, f->entries_max);
}

struct fragments *fragments_new(const struct hash_seed *seed, size_t bytes_max, uint32_t count_max,
                                int64_t timeout_ns, struct counters *counters)
{
    struct fragments *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    size_t blocks = bytes_max / sizeof(struct block);
    f->seed = *seed;
    f->timeout_ns = timeout_ns;
    f->entries_max = count_max;
    /* One datagram of the largest size must fit. */
    f->blocks_max = blocks < BLOCKS_MAX ? BLOCKS_MAX : blocks < NONE ? (uint32_t)blocks : NONE - 1;
    f->free_entry = NONE;
    f->free_block = NONE;
    f->pending = (struct age_list){NONE, NONE};
    f->done = (struct age_list){NONE, NONE};
    set_counters(f, counters);
    if (!take_memory(f)) {
        fragments_free(f);
        return NULL;
    }
    return f;
}

void fragments_free(struct fragments *f)
{
    if (f == NULL)
        return;
    free(f->buckets);
    free(f->entries);
    free(f->blocks);
    free(f);
}
