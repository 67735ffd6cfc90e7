/* The memory behind fragment.c: entries, blocks, and who has to go when there are no more.
 *
 *     entry --- block[0..31]: which 2 KiB blocks of the pool hold bytes k * 2048 and up (or none)
 *     block --- 2048 bytes and a bit for each 8 of them: are they there?
 *
 * An entry is in one of three states:
 *
 *     OPEN -- last missing unit came (deliver) --> DONE -- linger over --> free
 *       |`--- timeout, evicted -----------------------------------------> free
 *       `---- IPv6 overlap (condemn) --> DEAD -- timeout ---------------> free
 *
 * DONE keeps the bytes a little, so that copies of the fragments (a mirror port gives them twice)
 * do not open the same datagram again. DEAD takes the fragments that RFC 5722 wants discarded as
 * well. */
#pragma once

#include "capture/net/fragment.h"

#define FRAGMENT_NONE        UINT32_MAX
#define FRAGMENT_UNIT        8u
#define FRAGMENT_BLOCK_SIZE  2048u
#define FRAGMENT_BLOCK_UNITS (FRAGMENT_BLOCK_SIZE / FRAGMENT_UNIT)
#define FRAGMENT_SIZE_MAX    65535u
#define FRAGMENT_BLOCKS_MAX  ((FRAGMENT_SIZE_MAX + FRAGMENT_BLOCK_SIZE - 1) / FRAGMENT_BLOCK_SIZE)
#define FRAGMENT_KEY_WORDS   6
struct fragment_block {
    uint64_t there[FRAGMENT_BLOCK_UNITS / 64];
    union {
        uint8_t bytes[FRAGMENT_BLOCK_SIZE];
        uint32_t next_free;
    };
};

enum entry_state { ENTRY_OPEN, ENTRY_DONE, ENTRY_DEAD };

struct fragment_entry {
    uint64_t key[FRAGMENT_KEY_WORDS];
    int64_t since_ns;
    uint32_t next_in_bucket; /* also: next free entry */
    uint32_t older;
    uint32_t newer;
    uint32_t total; /* bytes; 0 until the last fragment came */
    uint32_t reach; /* end of the furthest fragment */
    uint32_t units; /* that are there */
    uint32_t frames;
    enum entry_state state;
    bool has_first; /* the next three are known */
    uint8_t proto;
    uint8_t ttl;
    uint8_t tos;
    uint32_t block[FRAGMENT_BLOCKS_MAX];
};

/* Entries by age. */
struct fragment_ages {
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

    struct fragment_entry *entries;
    uint32_t entries_max;
    uint32_t entries_used; /* ever; those given back are in free_entry */
    uint32_t free_entry;
    uint32_t *buckets;
    uint32_t bucket_mask;
    struct fragment_ages pending; /* ENTRY_OPEN and ENTRY_DEAD */
    struct fragment_ages done;
    uint32_t pending_count;

    struct fragment_block *blocks;
    uint32_t blocks_max;
    uint32_t blocks_used;
    uint32_t free_block;

    uint8_t whole[FRAGMENT_SIZE_MAX + 1];
};

/* Entries go by their index; FRAGMENT_NONE is none. */
uint32_t fragment_find(struct fragments *f, const uint64_t key[FRAGMENT_KEY_WORDS]);
/* A new OPEN entry; evicts when all are in use. */
uint32_t fragment_take_entry(struct fragments *f, const uint64_t key[FRAGMENT_KEY_WORDS],
                             int64_t now_ns);
/* A block without bytes; evicts others than `owner`. FRAGMENT_NONE when that does not help. */
uint32_t fragment_take_block(struct fragments *f, uint32_t owner);
/* OPEN to DONE: from the list of the pending to that of the finished. */
void fragment_finish(struct fragments *f, uint32_t i, int64_t now_ns);
/* OPEN to DEAD. */
void fragment_condemn(struct fragments *f, uint32_t i);
void fragment_release(struct fragments *f, uint32_t i);
/* Brings the gauge up to date. */
void fragment_show_size(struct fragments *f);
