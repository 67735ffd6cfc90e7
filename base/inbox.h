/* A bounded queue of pointers, many producers, one consumer; the lock guards the list only and
 * nothing is called while it is held. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct inbox;

struct inbox *inbox_new(size_t ceiling);
void inbox_free(struct inbox *i); /* must be empty: items have owners */
/* False when full or closed: the item stays the caller's. */
bool inbox_put(struct inbox *i, void *item);
/* Waits while full; false only when closed. */
bool inbox_put_wait(struct inbox *i, void *item);
/* Takes up to `max` items; waits up to timeout_ms for the first. Returns how many; 0 on time-out.
 */
size_t inbox_take(struct inbox *i, void **ret_items, size_t max, int timeout_ms);
/* The same of a consumer that does not hurry: waits until `want` items are there (or as many as fit), so that it is not woken for
 * each. After a time-out it takes what there is. */
size_t inbox_take_many(struct inbox *i, void **ret_items, size_t max, size_t want, int timeout_ms);
/* The consumer shall not wait for more. */
void inbox_hurry(struct inbox *i);
void inbox_close(struct inbox *i);
bool inbox_is_closed_and_empty(struct inbox *i);
size_t inbox_depth(struct inbox *i);
