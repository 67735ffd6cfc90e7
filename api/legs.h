/* The legs of a call for whoever gives out more than one call: /legs, and `legs=all` elsewhere. */
#pragma once

#include "api/handlers.h"
#include "storage/correlate.h"

/* `min_confidence` of the request, medium when it says nothing. False: the problem is set. */
bool legs_level(struct exchange *x, enum correlate_level *ret_level);
/* The legs that the asker may see; `call` must outlive them. NULL: the problem is set. End it with
 * store_legs_free(). */
struct legs *legs_of(struct exchange *x, struct call_record *call, enum correlate_level at_least);
/* By their beginnings. */
void legs_sort(struct legs *l, struct leg *ret_sorted[LEGS_MAX]);
