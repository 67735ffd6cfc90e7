/* Addresses and endpoints as fixed-size keys. IPv4 is kept v4-mapped (::ffff:a.b.c.d), so one form
 * serves both families. Every endpoint holds its address space (docs/architecture.md): equal
 * addresses of two tenants never meet. */
#pragma once

#include "base/hash.h"

struct addr {
    uint64_t high; /* first 8 bytes, network order read as a big-endian number */
    uint64_t low;
};

struct endpoint {
    struct addr addr;
    uint32_t space; /* 0 unless a setting maps VLANs or tunnel ids to tenants */
    uint16_t port;
    uint16_t zero; /* always 0: the struct is hashed as words */
};

static inline struct addr addr_v4(uint32_t host_order)
{
    return (struct addr){.high = 0, .low = UINT64_C(0xffff00000000) | host_order};
}

static inline bool addr_is_v4(struct addr a)
{
    return a.high == 0 && a.low >> 32 == 0xffff;
}

static inline bool addr_equal(struct addr a, struct addr b)
{
    return a.high == b.high && a.low == b.low;
}

/* 0.0.0.0, ::, or unset. */
static inline bool addr_is_any(struct addr a)
{
    return a.high == 0 && (a.low == 0 || a.low == UINT64_C(0xffff00000000));
}

static inline bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
    return addr_equal(a->addr, b->addr) && a->space == b->space && a->port == b->port;
}

static inline uint64_t endpoint_hash(const struct hash_seed *seed, const struct endpoint *e)
{
    uint64_t words[3] = {e->addr.high, e->addr.low, (uint64_t)e->space << 32 | e->port};
    return hash_words(seed, words, 3);
}

struct addr addr_v6(const uint8_t bytes[16]);
void addr_to_v6(struct addr a, uint8_t ret_bytes[16]);
bool addr_is_multicast(struct addr a);
bool addr_is_loopback(struct addr a);
/* RFC 1918, RFC 6598, link-local, unique local. */
bool addr_is_private(struct addr a);
/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]". False when it is no literal address. */
bool addr_parse(struct slice text, struct addr *ret_addr);

#define ADDR_TEXT_SIZE     48
#define ENDPOINT_TEXT_SIZE 56
/* Both return `out`. Endpoints print as "192.0.2.1:5060" and "[2001:db8::1]:5060". */
const char *addr_text(struct addr a, char out[ADDR_TEXT_SIZE]);
const char *endpoint_text(const struct endpoint *e, char out[ENDPOINT_TEXT_SIZE]);
