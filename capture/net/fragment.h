/* IP fragments to whole payloads, in bounded memory.
 *
 * All memory is taken at the start: entries (a datagram under way each) and blocks of 2 KiB, of
 * which an entry holds those that its fragments touch. When either runs out, the oldest datagram
 * goes. Time is packet time; a datagram is given up `timeout_ns` after its first fragment. */
#pragma once

#include "base/addr.h"
#include "base/counters.h"

struct fragments;

struct fragment {
    struct addr src;
    struct addr dst;
    uint32_t space;
    uint32_t id;
    bool ip6;
    uint8_t proto; /* IPv4: part of the key; IPv6: that of the first fragment counts */
    uint8_t ttl;   /* these two: likewise those of the first fragment */
    uint8_t tos;
    bool more;
    uint32_t offset; /* in bytes */
    struct slice bytes;
    int64_t time_ns;
};

struct fragment_whole {
    struct slice bytes; /* valid until the next fragments_add() */
    uint8_t proto;
    uint8_t ttl;
    uint8_t tos;
};

enum fragment_result {
    FRAGMENT_WHOLE,  /* *ret is filled */
    FRAGMENT_HELD,   /* kept, or a duplicate, or of a datagram that was condemned */
    FRAGMENT_LENGTH, /* impossible offset or size */
    FRAGMENT_SYNTAX, /* contradicts the others: they are all dropped */
};

struct fragments *fragments_new(const struct hash_seed *seed, size_t bytes_max, uint32_t count_max,
                                int64_t timeout_ns, struct counters *counters);
void fragments_free(struct fragments *f);
enum fragment_result fragments_add(struct fragments *f, const struct fragment *fragment,
                                   struct fragment_whole *ret_whole);
/* Gives up what is too old. */
void fragments_expire(struct fragments *f, int64_t now_ns);
/* A frame of a datagram that cannot be put together here (cut by the capture). */
void fragments_count_dropped(struct fragments *f, uint64_t frames);
