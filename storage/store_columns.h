/* What lists filter by, of the calls of whole days, in memory: says which few calls a filter can find at all, so that SQLite
 * looks at those alone and not at all of a day. It only ever leaves out. What a list shows is read from the files with all its
 * filters; and a call that changed is looked at anew before it is left out:
 *
 *   writer --changed rows, after each commit--> versions of blocks of 64 calls
 *   reader: blocks whose version is another one are read again, then the facts of all calls are gone through: some ns each
 *
 * A day is read in when it is asked for a second time. Days that were not used for longest make room for others; a day that has
 * no room is searched without. Shared by the one writer and all readers of a store. */
#pragma once

#include "storage/store.h"

#define COLUMNS_FEW 2000 /* calls: more than that are not worth looking up one by one */

struct columns;
struct db;

/* Takes no more than about `bytes_max`. NULL without memory. */
struct columns *columns_new(size_t bytes_max);
/* Nobody uses it any more. NULL is fine. */
void columns_free(struct columns *c);
/* What it takes now. */
size_t columns_bytes(struct columns *c);

/* ---- the writer: rows of calls of a day that it changed (private to store*.c) ---- */

/* Until the end of the transaction under way. */
void columns_note(struct db *db, int64_t id);
/* They are committed, or (false) rolled back. */
void columns_done(struct db *db, bool committed);

/* ---- readers (private to store*.c) ---- */

struct columns_found {
    uint64_t count; /* all that may be meant */
    bool exact;     /* none of these is a mistake */
    unsigned few;   /* so many of them stand here, by id; 0 with a count: there are too many */
    int64_t id[COLUMNS_FEW];
};

/* Which calls of the day of `db` can be what is asked. By `order` of duration the first `limit` alone, when all filters of `q` are
 * of those that are looked at here (`whole`). False: not known, e.g. because the day is not in memory (yet). */
bool columns_find(struct columns *c, struct db *db, const struct store_query *q, bool whole, size_t limit,
                  struct columns_found *ret_found);
