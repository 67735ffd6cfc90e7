/* Keys of SRTP that wait for their recording, in earshot.db: a call that a crash ended is rendered
 * too, and tracks of a conference are made when its last call is over. Rows are deleted with their bytes (secure_delete), as soon as
 * no job of the call needs them: the job ends ahead of them. */
#include "storage/store_db.h"

int store_put_media_keys(struct store *s, const char *uid, int64_t started_us,
                         const struct record_secrets *keys)
{
    struct db *db;
    struct bind b;
    store_ending_cancel(s, "", uid);
    int err = store_main(s, SQL_MEDIA_KEYS_PUT, &db, &b);
    if (err)
        return err;
    bind_word(&b, uid);
    bind_int(&b, started_us);
    bind_blob(&b, slice_of(keys->items, keys->count * sizeof *keys->items));
    return store_done(s, db_run(db, b.statement), 1, "jobs");
}

int store_end_media_keys(struct store *s, const char *uid)
{
    return store_ending_add(s, "", uid);
}

int store_end_open_media_keys(struct store *s)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, SQL_MEDIA_KEYS_DELETE_OPEN, &db, &b);
    return err ? err : store_done(s, db_run(db, b.statement), 0, "jobs");
}

int store_drop_media_keys(struct store *s, int64_t before_us)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, SQL_MEDIA_KEYS_DROP, &db, &b);
    if (err)
        return err;
    bind_int(&b, before_us);
    return store_done(s, db_run(db, b.statement), 1, "jobs");
}

int store_media_keys(struct store_reader *r, struct call_record *record)
{
    struct db *db;
    int err = record->secrets.count ? ERR_NOT_FOUND : db_get(&r->set, DB_MAIN, "", &db, NULL);
    if (err)
        return err == ERR_NOT_FOUND ? 0 : err;
    struct bind b = bind_to(db_statement(db, SQL_MEDIA_KEYS));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_word(&b, record->uid);
    int rc = sqlite3_step(b.statement);
    if (rc == SQLITE_ROW) {
        struct slice blob = column_bytes(b.statement, 0);
        uint32_t count = (uint32_t)(blob.size / sizeof *record->secrets.items);
        record->secrets.items = count && blob.size % sizeof *record->secrets.items == 0
                                    ? arena_alloc(record->arena, blob.size)
                                    : NULL;
        if (record->secrets.items) {
            memcpy(record->secrets.items, blob.data, blob.size);
            record->secrets.count = count;
        }
    }
    sqlite3_reset(b.statement);
    return db_error(db, rc);
}
