#include "capture/source/hep_rate.h"

#include <stdlib.h>

#include "base/error.h"

int hep_rate_init(struct hep_rate *r, uint32_t limit)
{
    *r = (struct hep_rate){.limit = limit, .seed = hash_seed_random()};
    if (limit == 0)
        return 0;
    r->entries = calloc((size_t)HEP_RATE_ROWS * HEP_RATE_WAYS, sizeof *r->entries);
    return r->entries ? 0 : ERR_NOMEM;
}

void hep_rate_fini(struct hep_rate *r)
{
    free(r->entries);
    r->entries = NULL;
}

/* The entry of this address, or the one of its row that counted longest ago, now its own. */
static struct hep_rate_entry *entry_of(struct hep_rate *r, struct addr from, uint32_t second)
{
    uint64_t words[2] = {from.high, from.low};
    size_t row = hash_words(&r->seed, words, 2) % HEP_RATE_ROWS;
    struct hep_rate_entry *first = &r->entries[row * HEP_RATE_WAYS];
    struct hep_rate_entry *oldest = first;
    for (struct hep_rate_entry *e = first; e < first + HEP_RATE_WAYS; e++) {
        if (addr_equal(e->addr, from))
            return e;
        if (second - e->second > second - oldest->second)
            oldest = e;
    }
    *oldest = (struct hep_rate_entry){.addr = from, .second = second};
    return oldest;
}

bool hep_rate_take(struct hep_rate *r, struct addr from, uint32_t second)
{
    if (r->limit == 0)
        return true;
    struct hep_rate_entry *e = entry_of(r, from, second);
    if (e->second != second) {
        e->second = second;
        e->count = 0;
    }
    if (e->count >= r->limit)
        return false;
    e->count++;
    return true;
}
