/* What is attached to calls, in the file of the day that the call began, beside its row. */
#include "storage/store_db.h"

static sqlite3_stmt *statement_of(struct db *db, enum db_sql sql, const char *uid,
                                  struct bind *ret_bind)
{
    sqlite3_stmt *statement = db_statement(db, sql);
    if (statement == NULL)
        return NULL;
    *ret_bind = bind_to(statement);
    bind_word(ret_bind, uid);
    return statement;
}

static int tag_put(struct db *db, const char *uid, const struct record_tag *tag)
{
    struct bind b;
    sqlite3_stmt *statement = statement_of(db, SQL_TAG_PUT, uid, &b);
    if (statement == NULL)
        return ERR_INVALID;
    bind_word(&b, tag->key);
    bind_word(&b, tag->value);
    return db_run(db, statement);
}

int store_put_tags(struct store *s, const char *uid, int64_t started_us,
                   const struct record_tags *tags)
{
    struct bind b;
    struct db *db;
    int err = store_db(s, DB_CALLS, day_of(started_us).text, &db);
    if (err)
        return err;
    sqlite3_stmt *statement = statement_of(db, SQL_TAGS_DELETE, uid, &b);
    err = statement ? db_run(db, statement) : ERR_INVALID;
    for (unsigned i = 0; i < tags->count && !err; i++)
        err = tag_put(db, uid, &tags->tag[i]);
    err = store_done(s, err, tags->count ? tags->count : 1, "tags");
    return err ? err : store_note_late(s, uid);
}

static int read_all(struct db *db, const char *uid, struct record_tags *tags)
{
    struct bind b;
    sqlite3_stmt *statement = statement_of(db, SQL_TAGS, uid, &b);
    int rc;
    tags->count = 0;
    if (statement == NULL)
        return ERR_INVALID;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
        record_tags_set(tags, column_bytes(statement, 0), column_bytes(statement, 1));
    sqlite3_reset(statement);
    return db_error(db, rc);
}

int store_add_tags(struct store *s, const char *uid, int64_t started_us, const struct record_tags *tags)
{
    struct record_tags there;
    struct db *db;
    int err = store_db(s, DB_CALLS, day_of(started_us).text, &db);
    if (!err)
        err = store_done(s, read_all(db, uid, &there), 0, "tags");
    if (err || record_tags_add(&there, tags) == RECORD_TAGS_SAME)
        return err;
    return store_put_tags(s, uid, started_us, &there);
}

static int change_one(struct store *s, const struct record_tag_change *change, struct store_tagged *call)
{
    struct record_tags tags;
    struct db *db;
    int err = store_db(s, DB_CALLS, day_of(call->started_us).text, &db);
    if (!err)
        err = store_done(s, read_all(db, call->uid, &tags), 0, "tags");
    if (err)
        return err;
    call->verdict = record_tags_change(&tags, change);
    return call->verdict == RECORD_TAGS_CHANGED ? store_put_tags(s, call->uid, call->started_us, &tags) : 0;
}

int store_change_tags(struct store *s, const struct record_tag_change *change, struct store_tagged *calls, unsigned count)
{
    int err = 0;
    for (unsigned i = 0; i < count && !err; i++)
        err = change_one(s, change, &calls[i]);
    return err;
}

int tags_read(struct db *db, struct call_record *r)
{
    struct record_tags tags;
    int err = read_all(db, r->uid, &tags);
    if (err || tags.count == 0)
        return err;
    struct record_tags *kept = arena_alloc(r->arena, sizeof *kept);
    if (kept == NULL)
        return ERR_NOMEM;
    *kept = tags;
    r->tags = kept;
    return 0;
}

int store_tags(struct store_reader *r, const char *uid, int64_t started_us,
               struct record_tags *ret_tags)
{
    struct db *db;
    ret_tags->count = 0;
    int err = db_get(&r->set, DB_CALLS, day_of(started_us).text, &db, NULL);
    if (err == 0)
        err = read_all(db, uid, ret_tags);
    return db_gone_is_empty(err);
}
