/* See key_runs.h. A run is a row of its own and blocks with consecutive numbers; entries are 24
 * bytes, little endian, so a block is read with one look into its page and searched in place. */
#include "storage/key_runs.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#define ENTRY_BYTES    24u
#define BLOCK_ENTRIES  320u /* 7680 bytes: a page of 8 kB holds it */
#define PENDING_MAX    65536u
#define FAN            8u
#define RUN_BLOCKS_MAX 8192

struct run {
    int64_t id, first, last; /* row; blocks */
};

static void entry_put(uint8_t *out, const struct key_entry *e)
{
    uint64_t words[3] = {htole64(e->hash), htole64((uint64_t)e->started_us),
                         htole64((uint64_t)e->call)};
    memcpy(out, words, ENTRY_BYTES);
}

static struct key_entry entry_get(const uint8_t *at)
{
    uint64_t words[3];
    memcpy(words, at, ENTRY_BYTES);
    return (struct key_entry){.hash = le64toh(words[0]),
                              .started_us = (int64_t)le64toh(words[1]),
                              .call = (int64_t)le64toh(words[2])};
}

static int entry_order(const struct key_entry *a, const struct key_entry *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash ? -1 : 1;
    if (a->started_us != b->started_us)
        return a->started_us < b->started_us ? -1 : 1;
    return (a->call > b->call) - (a->call < b->call);
}

/* The block's entries, borrowed until the statement is reset; empty where it is missing or no
 * block. */
static struct slice block_read(struct db *db, int64_t number, sqlite3_stmt **ret_statement)
{
    sqlite3_stmt *statement = db_statement(db, SQL_KEY_BLOCK);
    *ret_statement = statement;
    if (statement == NULL)
        return slice_none();
    struct bind b = bind_to(statement);
    bind_int(&b, number);
    if (sqlite3_step(statement) != SQLITE_ROW)
        return slice_none();
    struct slice bytes = column_bytes(statement, 0);
    return bytes.size % ENTRY_BYTES ? slice_none() : bytes;
}

/* ---- writing a run ---- */

/* Takes entries in order and makes blocks of them. */
struct run_writer {
    struct db *db;
    unsigned level;
    int64_t first, next; /* numbers of blocks */
    struct key_entry newest;
    unsigned count; /* in `block` */
    bool any;
    int err;
    uint8_t block[BLOCK_ENTRIES * ENTRY_BYTES];
};

static void run_begin(struct run_writer *w, struct db *db, unsigned level)
{
    sqlite3_stmt *last = db_statement(db, SQL_KEY_BLOCK_LAST);
    w->db = db;
    w->level = level;
    w->count = 0;
    w->any = false;
    w->err = last && sqlite3_step(last) == SQLITE_ROW ? 0 : ERR_IO;
    w->first = w->next = w->err ? 0 : sqlite3_column_int64(last, 0) + 1;
    if (last)
        sqlite3_reset(last);
}

static void block_write(struct run_writer *w)
{
    sqlite3_stmt *statement =
        w->err || w->count == 0 ? NULL : db_statement(w->db, SQL_KEY_BLOCK_PUT);
    if (statement == NULL) {
        w->err = w->err || w->count == 0 ? w->err : ERR_INVALID;
        return;
    }
    struct bind b = bind_to(statement);
    bind_int(&b, w->next++);
    bind_blob(&b, slice_of(w->block, (size_t)w->count * ENTRY_BYTES));
    w->err = db_run(w->db, statement);
    w->count = 0;
}

static void run_take(struct run_writer *w, const struct key_entry *e)
{
    if (w->any && entry_order(&w->newest, e) == 0)
        return;
    if (w->count == BLOCK_ENTRIES)
        block_write(w);
    entry_put(w->block + (size_t)w->count++ * ENTRY_BYTES, e);
    w->newest = *e;
    w->any = true;
}

static int run_end(struct run_writer *w)
{
    block_write(w);
    sqlite3_stmt *statement = w->err ? NULL : db_statement(w->db, SQL_KEY_RUN_PUT);
    if (statement == NULL)
        return w->err ? w->err : ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, w->level);
    bind_int(&b, w->first);
    bind_int(&b, w->next - 1);
    return db_run(w->db, statement);
}

/* ---- merging ---- */

struct run_reader {
    int64_t next, last; /* blocks */
    unsigned at, count;
    struct key_entry entry[BLOCK_ENTRIES];
};

static const struct key_entry *run_peek(struct db *db, struct run_reader *r, int *err)
{
    while (r->at == r->count) {
        sqlite3_stmt *statement;
        if (r->next > r->last)
            return NULL;
        struct slice bytes = block_read(db, r->next++, &statement);
        r->count = (unsigned)(bytes.size / ENTRY_BYTES);
        if (r->count == 0 || r->count > BLOCK_ENTRIES) {
            *err = ERR_INVALID;
            r->count = r->at;
            r->next = r->last + 1;
        }
        for (r->at = 0; *err == 0 && r->at < r->count; r->at++)
            r->entry[r->at] = entry_get(bytes.data + (size_t)r->at * ENTRY_BYTES);
        r->at = 0;
        if (statement)
            sqlite3_reset(statement);
        if (*err)
            return NULL;
    }
    return &r->entry[r->at];
}

struct merge {
    struct run_writer writer;
    struct run_reader reader[FAN];
};

static int merge_run(struct merge *m, struct db *db)
{
    int err = 0;
    for (;;) {
        const struct key_entry *least = NULL;
        struct run_reader *from = NULL;
        for (unsigned i = 0; i < FAN; i++) {
            const struct key_entry *e = run_peek(db, &m->reader[i], &err);
            if (e && (least == NULL || entry_order(e, least) < 0)) {
                least = e;
                from = &m->reader[i];
            }
        }
        if (err || least == NULL)
            break;
        run_take(&m->writer, least);
        from->at++;
    }
    return err ? err : run_end(&m->writer);
}

static int run_delete(struct db *db, const struct run *run)
{
    sqlite3_stmt *statement = db_statement(db, SQL_KEY_BLOCKS_DELETE);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, run->first);
    bind_int(&b, run->last);
    int err = db_run(db, statement);
    statement = err ? NULL : db_statement(db, SQL_KEY_RUN_DELETE);
    if (statement == NULL)
        return err ? err : ERR_INVALID;
    b = bind_to(statement);
    bind_int(&b, run->id);
    return db_run(db, statement);
}

static int runs_merge(struct db *db, unsigned level, const struct run runs[FAN])
{
    struct merge *m = calloc(1, sizeof *m);
    if (m == NULL)
        return ERR_NOMEM;
    for (unsigned i = 0; i < FAN; i++) {
        m->reader[i].next = runs[i].first;
        m->reader[i].last = runs[i].last;
    }
    run_begin(&m->writer, db, level + 1);
    int err = merge_run(m, db);
    for (unsigned i = 0; i < FAN && !err; i++)
        err = run_delete(db, &runs[i]);
    free(m);
    return err;
}

/* FAN runs of this level that are not too large together? */
static bool runs_due(struct db *db, unsigned level, struct run runs[FAN])
{
    int64_t blocks = 0;
    unsigned count = 0;
    sqlite3_stmt *statement = db_statement(db, SQL_KEY_RUNS_OF);
    if (statement == NULL)
        return false;
    struct bind b = bind_to(statement);
    bind_int(&b, level);
    while (count < FAN && sqlite3_step(statement) == SQLITE_ROW) {
        runs[count] = (struct run){.id = sqlite3_column_int64(statement, 0),
                                   .first = sqlite3_column_int64(statement, 1),
                                   .last = sqlite3_column_int64(statement, 2)};
        blocks += runs[count].last - runs[count].first + 1;
        count++;
    }
    sqlite3_reset(statement);
    return count == FAN && blocks <= RUN_BLOCKS_MAX;
}

/* ---- the transaction ---- */

static int order(const void *a, const void *b)
{
    return entry_order(a, b);
}

int key_runs_write(struct db *db)
{
    struct run runs[FAN];
    if (db->key_count == 0)
        return 0;
    struct run_writer *w = malloc(sizeof *w);
    if (w == NULL)
        return ERR_NOMEM;
    qsort(db->keys, db->key_count, sizeof *db->keys, order);
    run_begin(w, db, 0);
    for (unsigned i = 0; i < db->key_count; i++)
        run_take(w, &db->keys[i]);
    int err = run_end(w);
    free(w);
    db->key_count = 0;
    for (unsigned level = 0; !err && runs_due(db, level, runs); level++)
        err = runs_merge(db, level, runs);
    return err;
}

int key_runs_add(struct db *db, const struct key_entry *entry)
{
    int err = db->key_count == PENDING_MAX ? key_runs_write(db) : 0;
    if (err)
        return err;
    if (db->key_count == db->key_room) {
        unsigned room = db->key_room ? 2 * db->key_room : 256;
        struct key_entry *more = realloc(db->keys, room * sizeof *more);
        if (more == NULL)
            return ERR_NOMEM;
        db->keys = more;
        db->key_room = room;
    }
    db->keys[db->key_count++] = *entry;
    return 0;
}

void key_runs_forget(struct db *db)
{
    free(db->keys);
    db->keys = NULL;
    db->key_count = db->key_room = 0;
}

/* ---- looking ---- */

struct look {
    struct db *db;
    uint64_t hash;
    int64_t from_us, to_us;
    key_found_fn *fn;
    void *context;
    bool more; /* are wanted */
};

/* Where in the block the first entry of the hash stands, or would. */
static size_t lower_bound(struct slice block, uint64_t hash)
{
    size_t low = 0, high = block.size / ENTRY_BYTES;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (entry_get(block.data + middle * ENTRY_BYTES).hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Hashes are spread evenly, so the place is guessed and few blocks are read: the last block that
 * begins below the hash, or the first one. */
static int64_t block_guess(const struct run *run, uint64_t hash)
{
    uint64_t blocks = (uint64_t)(run->last - run->first) + 1;
    return run->first + (int64_t)((hash >> 32) * blocks >> 32);
}

static int block_find(const struct look *l, const struct run *run, int64_t *ret_block)
{
    int64_t low = run->first, high = run->last, at = block_guess(run, l->hash);
    for (int64_t step = 1; low < high; step *= 2) {
        sqlite3_stmt *statement;
        struct slice block = block_read(l->db, at, &statement);
        bool below = block.size && entry_get(block.data).hash < l->hash;
        if (statement)
            sqlite3_reset(statement);
        if (block.size == 0)
            return ERR_INVALID;
        if (below)
            low = at;
        else
            high = at - 1;
        at = below ? low + step : high - step;
        if (at <= low || at > high)
            at = high - (high - low) / 2;
    }
    *ret_block = low;
    return 0;
}

static int run_look(struct look *l, const struct run *run)
{
    int64_t number;
    int err = block_find(l, run, &number);
    bool on = !err;
    for (; on && number <= run->last; number++) {
        sqlite3_stmt *statement;
        struct slice block = block_read(l->db, number, &statement);
        size_t at = lower_bound(block, l->hash), count = block.size / ENTRY_BYTES;
        err = count ? 0 : ERR_INVALID;
        for (; on && at < count; at++) {
            struct key_entry e = entry_get(block.data + at * ENTRY_BYTES);
            on = e.hash == l->hash;
            if (on && e.started_us >= l->from_us && e.started_us <= l->to_us)
                on = l->more = l->fn(l->context, e.call);
        }
        on &= !err;
        if (statement)
            sqlite3_reset(statement);
    }
    return err;
}

int key_runs_find(struct db *db, uint64_t hash, int64_t from_us, int64_t to_us, key_found_fn *fn,
                  void *context)
{
    struct look l = {.db = db,
                     .hash = hash,
                     .from_us = from_us,
                     .to_us = to_us,
                     .fn = fn,
                     .context = context,
                     .more = true};
    sqlite3_stmt *statement = db_statement(db, SQL_KEY_RUNS);
    int rc = statement ? SQLITE_ROW : SQLITE_ERROR, err = 0;
    while (!err && l.more && statement && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
        struct run run = {.id = sqlite3_column_int64(statement, 0),
                          .first = sqlite3_column_int64(statement, 1),
                          .last = sqlite3_column_int64(statement, 2)};
        err = run_look(&l, &run);
    }
    if (statement)
        sqlite3_reset(statement);
    return err ? err : db_error(db, rc);
}
