/* How much one may ask: so many requests a second, ten seconds' worth at once, by address and by actor, in a bounded table. Who finds
 * no place takes that of who asked least lately. Any thread. */
#pragma once

#include "base/hash.h"

struct rates;

/* per_second 0: no limit. */
struct rates *rates_new(unsigned per_second);
void rates_free(struct rates *r);
/* Whole seconds until `who` may ask again; 0: this request is taken. */
unsigned rates_take(struct rates *r, struct slice who, int64_t now_us);
