/* A bounded memory of what was seen: keyed hash -> two words, forgotten when it has been silent for too long or when newer
 * ones need the room. For facts whose loss costs little: which flows were counted, which answer belongs to which command.
 *
 * Sets of four places; a key has its set, the place that was silent longest gives way. So nothing grows, nothing has to be
 * removed, and a look-up reads two cache lines. Keys must come from a keyed hash. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct seen;

struct seen_item {
    uint64_t key; /* 0: free */
    int64_t last_ns;
    uint64_t value[2];
};

/* `count` items, a power of two from 4 up. NULL without memory. */
struct seen *seen_new(uint32_t count, int64_t timeout_ns);
void seen_free(struct seen *s);
/* NULL: not seen, or too long ago. An item is valid until the next seen_put(). */
struct seen_item *seen_find(struct seen *s, uint64_t key, int64_t now_ns);
/* The item of that key, as of now; zeroed when it is new. Sets *ret_pushed when another had to go
 * before its time (may be NULL). */
struct seen_item *seen_put(struct seen *s, uint64_t key, int64_t now_ns, bool *ret_pushed);
