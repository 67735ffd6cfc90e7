/* Entries and blocks: taking, giving back, ageing. All is O(1) but walking a bucket of the seeded
 * hash. */
#include "capture/net/fragment_table.h"

#include <stdlib.h>

/* How long a finished datagram is remembered: the copies of a mirror port follow at once, and a
 * sender that never changes its identification repeats itself after 500 ms at the earliest (SIP
 * T1). */
#define LINGER_NS INT64_C(100000000)

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

void fragment_show_size(struct fragments *f)
{
    if (f->counters)
        counters_set_level(f->counters, f->size_cell, COUNTERS_TABLE_UP, f->pending_count);
}

/* ---- lists and buckets ---- */

static void age_add(struct fragments *f, struct fragment_ages *list, uint32_t i)
{
    struct fragment_entry *e = &f->entries[i];
    e->older = list->newest;
    e->newer = FRAGMENT_NONE;
    if (list->newest != FRAGMENT_NONE)
        f->entries[list->newest].newer = i;
    else
        list->oldest = i;
    list->newest = i;
}

static void age_remove(struct fragments *f, struct fragment_ages *list, uint32_t i)
{
    struct fragment_entry *e = &f->entries[i];
    *(e->older != FRAGMENT_NONE ? &f->entries[e->older].newer : &list->oldest) = e->newer;
    *(e->newer != FRAGMENT_NONE ? &f->entries[e->newer].older : &list->newest) = e->older;
}

static uint32_t *bucket_of(struct fragments *f, const uint64_t key[FRAGMENT_KEY_WORDS])
{
    return &f->buckets[hash_words(&f->seed, key, FRAGMENT_KEY_WORDS) & f->bucket_mask];
}

uint32_t fragment_find(struct fragments *f, const uint64_t key[FRAGMENT_KEY_WORDS])
{
    uint32_t i = *bucket_of(f, key);
    while (i != FRAGMENT_NONE && memcmp(f->entries[i].key, key, sizeof f->entries[i].key) != 0)
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

static void release_blocks(struct fragments *f, struct fragment_entry *e)
{
    for (uint32_t k = 0; k * FRAGMENT_BLOCK_SIZE < e->reach; k++) {
        if (e->block[k] == FRAGMENT_NONE)
            continue;
        f->blocks[e->block[k]].next_free = f->free_block;
        f->free_block = e->block[k];
        e->block[k] = FRAGMENT_NONE;
    }
}

void fragment_release(struct fragments *f, uint32_t i)
{
    struct fragment_entry *e = &f->entries[i];
    release_blocks(f, e);
    bucket_remove(f, i);
    age_remove(f, e->state == ENTRY_DONE ? &f->done : &f->pending, i);
    if (e->state != ENTRY_DONE)
        f->pending_count--;
    e->next_in_bucket = f->free_entry;
    f->free_entry = i;
}

/* Makes room by what is worth least: a finished datagram, else the oldest, but not `keep`. False
 * when there is nothing left to evict. */
static bool evict(struct fragments *f, uint32_t keep)
{
    uint32_t victim = f->done.oldest;
    if (victim == FRAGMENT_NONE) {
        victim = f->pending.oldest;
        if (victim == keep && victim != FRAGMENT_NONE)
            victim = f->entries[victim].newer;
        if (victim == FRAGMENT_NONE)
            return false;
        if (f->entries[victim].state == ENTRY_OPEN)
            fragments_count_dropped(f, f->entries[victim].frames);
    }
    fragment_release(f, victim);
    return true;
}

static bool older_than(int64_t since_ns, int64_t now_ns, int64_t limit_ns)
{
    return now_ns > since_ns && (uint64_t)now_ns - (uint64_t)since_ns > (uint64_t)limit_ns;
}

void fragments_expire(struct fragments *f, int64_t now_ns)
{
    uint32_t i;
    while ((i = f->done.oldest) != FRAGMENT_NONE &&
           older_than(f->entries[i].since_ns, now_ns, LINGER_NS))
        fragment_release(f, i);
    while ((i = f->pending.oldest) != FRAGMENT_NONE &&
           older_than(f->entries[i].since_ns, now_ns, f->timeout_ns)) {
        if (f->entries[i].state == ENTRY_OPEN)
            count(f, f->timeouts_cell, 1);
        fragment_release(f, i);
    }
    fragment_show_size(f);
}

/* ---- taking ---- */

uint32_t fragment_take_entry(struct fragments *f, const uint64_t key[FRAGMENT_KEY_WORDS],
                             int64_t now_ns)
{
    uint32_t i;
    if (f->free_entry == FRAGMENT_NONE && f->entries_used == f->entries_max)
        evict(f, FRAGMENT_NONE);
    if (f->free_entry != FRAGMENT_NONE) {
        i = f->free_entry;
        f->free_entry = f->entries[i].next_in_bucket;
    } else {
        i = f->entries_used++;
    }
    struct fragment_entry *e = &f->entries[i];
    *e = (struct fragment_entry){.since_ns = now_ns, .state = ENTRY_OPEN};
    memcpy(e->key, key, sizeof e->key);
    memset(e->block, 0xff, sizeof e->block); /* FRAGMENT_NONE */
    uint32_t *bucket = bucket_of(f, key);
    e->next_in_bucket = *bucket;
    *bucket = i;
    age_add(f, &f->pending, i);
    f->pending_count++;
    return i;
}

/* FRAGMENT_NONE when the pool has nothing left for `owner`. */
uint32_t fragment_take_block(struct fragments *f, uint32_t owner)
{
    while (f->free_block == FRAGMENT_NONE && f->blocks_used == f->blocks_max) {
        if (!evict(f, owner))
            return FRAGMENT_NONE;
    }
    uint32_t b;
    if (f->free_block != FRAGMENT_NONE) {
        b = f->free_block;
        f->free_block = f->blocks[b].next_free;
    } else {
        b = f->blocks_used++;
    }
    memset(f->blocks[b].there, 0, sizeof f->blocks[b].there);
    return b;
}

/* ---- changing state ---- */

void fragment_finish(struct fragments *f, uint32_t i, int64_t now_ns)
{
    struct fragment_entry *e = &f->entries[i];
    age_remove(f, &f->pending, i);
    f->pending_count--;
    e->state = ENTRY_DONE;
    e->since_ns = now_ns;
    age_add(f, &f->done, i);
}

void fragment_condemn(struct fragments *f, uint32_t i)
{
    release_blocks(f, &f->entries[i]);
    f->entries[i].state = ENTRY_DEAD;
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
    memset(f->buckets, 0xff, buckets * sizeof *f->buckets); /* FRAGMENT_NONE */
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
    size_t blocks = bytes_max / sizeof(struct fragment_block);
    f->seed = *seed;
    f->timeout_ns = timeout_ns;
    f->entries_max = count_max;
    /* One datagram of the largest size must fit. */
    f->blocks_max = blocks < FRAGMENT_BLOCKS_MAX ? FRAGMENT_BLOCKS_MAX
                    : blocks < FRAGMENT_NONE     ? (uint32_t)blocks
                                                 : FRAGMENT_NONE - 1;
    f->free_entry = FRAGMENT_NONE;
    f->free_block = FRAGMENT_NONE;
    f->pending = (struct fragment_ages){FRAGMENT_NONE, FRAGMENT_NONE};
    f->done = (struct fragment_ages){FRAGMENT_NONE, FRAGMENT_NONE};
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
