/* Work that waits for somebody (rendering), in earshot.db so that it survives a restart: a job is
 * deleted when it is done. A call has at most one job of a kind.
 */
#include "storage/store_db.h"

#include <stdio.h>

int store_put_job(struct store *s, const char *kind, const char *uid, int64_t started_us)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, SQL_JOB_PUT, &db, &b);
    if (err)
        return err;
    bind_word(&b, kind);
    bind_word(&b, uid);
    bind_int(&b, started_us);
    return store_done(s, db_run(db, b.statement), 1, "jobs");
}

int store_end_job_for(struct store *s, const char *kind, const char *uid)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, SQL_JOB_DELETE_FOR, &db, &b);
    if (err)
        return err;
    bind_word(&b, kind);
    bind_word(&b, uid);
    return store_done(s, db_run(db, b.statement), 1, "jobs");
}

int store_jobs(struct store_reader *r, store_job_fn *fn, void *context)
{
    struct db *db;
    int err = db_get(&r->set, DB_MAIN, "", &db, NULL), rc;
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, SQL_JOBS);
    if (statement == NULL)
        return ERR_INVALID;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_job job = {.started_us = sqlite3_column_int64(statement, 2)};
        slice_copy_to(column_bytes(statement, 0), job.kind, sizeof job.kind);
        slice_copy_to(column_bytes(statement, 1), job.uid, sizeof job.uid);
        fn(context, &job);
    }
    sqlite3_reset(statement);
    return db_error(db, rc);
}
