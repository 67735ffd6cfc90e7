/* Hashes by which calls are found, in sorted runs: what a transaction adds is kept in memory,
 * sorted and written as one run when it ends, so that an entry costs some bytes behind others
 * instead of a place in the midst of a large index. FAN runs of a level become one of the next, so
 * their number grows with the logarithm of what is there; runs beyond RUN_BLOCKS_MAX stay as they
 * are, so no transaction grows with the day.
 *
 *   key_runs     level, first and last block
 *   key_blocks   number, up to 320 entries in the order of hash, time and call
 *
 * One pair of tables in a file of calls. The writer's thread adds; readers look with their own
 * connection. */
#pragma once

#include "storage/store_db.h"

struct key_entry {
    uint64_t hash;
    int64_t started_us;
    int64_t call; /* row */
};

/* Into the transaction under way; the same entry twice is found once or twice. */
int key_runs_add(struct db *db, const struct key_entry *entry);
/* Ahead of the commit: what was added becomes rows. */
int key_runs_write(struct db *db);
/* After a rollback, and at the end of the connection. */
void key_runs_forget(struct db *db);

/* False: enough. */
typedef bool key_found_fn(void *context, int64_t call);
/* Calls that began within [from_us, to_us], in no order. */
int key_runs_find(struct db *db, uint64_t hash, int64_t from_us, int64_t to_us, key_found_fn *fn,
                  void *context);
