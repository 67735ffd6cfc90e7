/* How many packets each address sent in the present second. The table is of fixed size; an address
 * that finds its row full takes the place that was quiet longest and starts anew, so many spoofed
 * addresses are not held back: that takes the key. */
#pragma once

#include "base/addr.h"

#define HEP_RATE_ROWS 512
#define HEP_RATE_WAYS 4

struct hep_rate_entry {
    struct addr addr;
    uint32_t second;
    uint32_t count;
};

struct hep_rate {
    uint32_t limit; /* packets a second; 0: none, and no table */
    struct hash_seed seed;
    struct hep_rate_entry *entries;
};

/* 0 or ERR_NOMEM. */
int hep_rate_init(struct hep_rate *r, uint32_t limit);
void hep_rate_fini(struct hep_rate *r);
/* May this address send one more in this second? */
bool hep_rate_take(struct hep_rate *r, struct addr from, uint32_t second);
