/* Memory with one end: everything taken from an arena is freed by arena_free() in one step.
 * The first chunk is `first_bytes`, each one more half of what is held: the sum never passes `ceiling_bytes` (arena_alloc then returns
 * NULL, as it does when malloc fails). One owner, one thread at a time. */
#pragma once

#include "base/slice.h"

struct arena;

/* NULL when there is no memory. The struct itself lives in the first chunk. */
struct arena *arena_new(size_t first_bytes, size_t ceiling_bytes);
void arena_free(struct arena *a);

/* Zeroed, aligned to 8; NULL at the ceiling. */
void *arena_alloc(struct arena *a, size_t size);
/* A NUL-terminated copy (the NUL is not counted in size); an empty slice at the ceiling. */
struct slice arena_copy(struct arena *a, struct slice s);
/* The same as a C string; "" at the ceiling. */
const char *arena_str(struct arena *a, struct slice s);
/* Bytes held from malloc. */
size_t arena_held(const struct arena *a);
