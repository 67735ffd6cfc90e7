/* The audit log: append-only rows, each with hash = SHA-256(hash of the row before, its own number
 * and fields). Changing, removing or inserting a row breaks the chain from there on; a row cut off
 * the end is missed by the highest number ever given, which SQLite keeps for the table. */
#include "storage/store_db.h"

#include <stdlib.h>

#include "base/crypto.h"

#define HASH_BYTES 32

/* Columns of SQL_AUDIT_LIST and SQL_AUDIT_ALL. */
enum {
    AUDIT_ID,
    AUDIT_TIME,
    AUDIT_ACTOR,
    AUDIT_ADDRESS,
    AUDIT_ACTION,
    AUDIT_OBJECT,
    AUDIT_RESULT,
    AUDIT_DETAIL,
    AUDIT_HASH
};
#define AUDIT_TEXTS 6

static void hash_number(struct crypto_sha256_state *h, uint64_t v)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(v >> (56 - 8 * i));
    crypto_sha256_update(h, slice_of(bytes, sizeof bytes));
}

/* Every text goes in with its length, NULL as the length of nothing possible: no two rows hash the
 * same bytes. */
static void audit_hash(const uint8_t before[HASH_BYTES], int64_t id, int64_t time_us,
                       const struct slice texts[AUDIT_TEXTS], uint8_t ret_hash[HASH_BYTES])
{
    struct crypto_sha256_state h;
    crypto_sha256_init(&h);
    crypto_sha256_update(&h, slice_of(before, HASH_BYTES));
    hash_number(&h, (uint64_t)id);
    hash_number(&h, (uint64_t)time_us);
    for (int i = 0; i < AUDIT_TEXTS; i++) {
        hash_number(&h, texts[i].data ? texts[i].size : UINT64_MAX);
        crypto_sha256_update(&h, texts[i]);
    }
    crypto_sha256_final(&h, ret_hash);
}

static int audit_last(struct db *db, int64_t *ret_id, uint8_t ret_hash[HASH_BYTES])
{
    sqlite3_stmt *statement = db_statement(db, SQL_AUDIT_LAST);
    if (statement == NULL)
        return ERR_INVALID;
    *ret_id = 0;
    memset(ret_hash, 0, HASH_BYTES);
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW) {
        struct slice hash = column_bytes(statement, 1);
        *ret_id = sqlite3_column_int64(statement, 0);
        if (hash.size == HASH_BYTES)
            memcpy(ret_hash, hash.data, HASH_BYTES);
    }
    sqlite3_reset(statement);
    return db_error(db, rc);
}

int store_put_audit(struct store *s, const struct store_audit *entry)
{
    const char *words[AUDIT_TEXTS] = {entry->actor,  entry->address, entry->action,
                                      entry->object, entry->result,  entry->detail};
    struct slice texts[AUDIT_TEXTS];
    uint8_t hash[HASH_BYTES];
    int64_t id;
    struct db *db;

    int err = store_db(s, DB_MAIN, "", &db);
    if (!err)
        err = audit_last(db, &id, hash);
    if (err)
        return store_done(s, err, 0, "audit");
    for (int i = 0; i < AUDIT_TEXTS; i++)
        texts[i] = slice_str(words[i]);
    audit_hash(hash, ++id, entry->time_us, texts, hash);
    struct bind b = bind_to(db_statement(db, SQL_AUDIT_PUT));
    if (b.statement == NULL)
        return store_done(s, ERR_INVALID, 0, "audit");
    bind_int(&b, id);
    bind_int(&b, entry->time_us);
    for (int i = 0; i < AUDIT_TEXTS; i++)
        bind_word(&b, words[i]);
    bind_blob(&b, slice_of(hash, sizeof hash));
    return store_done(s, db_run(db, b.statement), 1, "audit");
}

static const char *column_word(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

int store_audit_list(struct store_reader *r, const struct store_audit_query *q, store_audit_fn *fn,
                     void *context)
{
    struct db *db;
    int err = db_get(&r->set, DB_MAIN, "", &db, NULL), rc;
    if (err)
        return err;
    struct bind b = bind_to(db_statement(db, SQL_AUDIT_LIST));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_int(&b, q->from_us);
    bind_int(&b, q->to_us);
    bind_int(&b, q->before);
    bind_word(&b, q->actor);
    bind_word(&b, q->address);
    bind_word(&b, q->action);
    bind_word(&b, q->object);
    bind_word(&b, q->result);
    bind_int(&b, q->limit);
    while ((rc = sqlite3_step(b.statement)) == SQLITE_ROW) {
        struct slice hash = column_bytes(b.statement, AUDIT_HASH);
        uint8_t bytes[HASH_BYTES] = {0};
        struct store_audit entry = {.time_us = sqlite3_column_int64(b.statement, AUDIT_TIME),
                                    .actor = column_word(b.statement, AUDIT_ACTOR),
                                    .address = column_word(b.statement, AUDIT_ADDRESS),
                                    .action = column_word(b.statement, AUDIT_ACTION),
                                    .object = column_word(b.statement, AUDIT_OBJECT),
                                    .result = column_word(b.statement, AUDIT_RESULT),
                                    .detail = column_word(b.statement, AUDIT_DETAIL)};
        memcpy(bytes, hash.data ? hash.data : bytes,
               hash.size < HASH_BYTES ? hash.size : HASH_BYTES);
        fn(context, sqlite3_column_int64(b.statement, AUDIT_ID), &entry, bytes);
    }
    sqlite3_reset(b.statement);
    return db_error(db, rc);
}

/* The row fits when it has the number after `before_id` and the hash of its fields over `hash`,
 * which becomes its own. */
static bool row_fits(sqlite3_stmt *row, int64_t before_id, uint8_t hash[HASH_BYTES])
{
    struct slice texts[AUDIT_TEXTS];
    int64_t id = sqlite3_column_int64(row, AUDIT_ID);

    for (int i = 0; i < AUDIT_TEXTS; i++) {
        bool null = sqlite3_column_type(row, AUDIT_ACTOR + i) == SQLITE_NULL;
        const char *text = column_word(row, AUDIT_ACTOR + i);
        texts[i] = null ? slice_none()
                        : slice_of(text, (size_t)sqlite3_column_bytes(row, AUDIT_ACTOR + i));
    }
    audit_hash(hash, id, sqlite3_column_int64(row, AUDIT_TIME), texts, hash);
    struct slice stored = column_bytes(row, AUDIT_HASH);
    return id == before_id + 1 && slice_equal(stored, slice_of(hash, HASH_BYTES));
}

int store_audit_verify(struct store_reader *r, int64_t *ret_bad_id, uint64_t *ret_rows)
{
    uint8_t hash[HASH_BYTES] = {0};
    int64_t id = 0, bad = 0, highest = 0;
    uint64_t rows = 0;
    struct db *db;

    int err = db_get(&r->set, DB_MAIN, "", &db, NULL), rc;
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, SQL_AUDIT_ALL);
    if (statement == NULL)
        return ERR_INVALID;
    for (; (rc = sqlite3_step(statement)) == SQLITE_ROW; rows++) {
        if (bad == 0 && !row_fits(statement, id, hash))
            bad = sqlite3_column_int64(statement, AUDIT_ID);
        id = sqlite3_column_int64(statement, AUDIT_ID);
    }
    err = db_error(db, rc);
    if (!err)
        err = db_number(db, SQL_AUDIT_HIGHEST, &highest);
    sqlite3_reset(statement);
    if (err)
        return err;
    *ret_bad_id = bad == 0 && highest != id ? id + 1 : bad;
    *ret_rows = rows;
    return 0;
}
