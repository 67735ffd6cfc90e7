/* Work that waits for somebody (rendering), in earshot.db so that it survives a restart: a job is
 * deleted when it is done. A call has at most one job of a kind.
 *
 * The files of a commit are committed one after the other, and a crash may come between: then a job
 * without need is harmless, a call that waits without a job waits for ever. So earshot.db comes
 * first with new jobs, the files of the days follow, and what is done ends last. */
#include "storage/store_db.h"

#include <stdio.h>
#include <stdlib.h>

int store_ending_add(struct store *s, const char *kind, const char *uid)
{
    if (s->ending_count == s->ending_room) {
        size_t room = s->ending_room ? s->ending_room * 2 : 64;
        struct store_ending *more = realloc(s->endings, room * sizeof *more);
        if (more == NULL)
            return store_done(s, ERR_NOMEM, 0, "jobs");
        s->endings = more;
        s->ending_room = room;
    }
    struct store_ending *e = &s->endings[s->ending_count++];
    snprintf(e->kind, sizeof e->kind, "%s", kind);
    snprintf(e->uid, sizeof e->uid, "%s", uid);
    s->pending++;
    return 0;
}

/* The others keep their order: keys go when the job that needs them has ended ahead of them. */
bool store_ending_cancel(struct store *s, const char *kind, const char *uid)
{
    size_t kept = 0, before = s->ending_count;
    for (size_t i = 0; i < before; i++) {
        const struct store_ending *e = &s->endings[i];
        if (strcmp(e->uid, uid) == 0 && strcmp(e->kind, kind) == 0)
            continue;
        if (kept != i)
            s->endings[kept] = *e;
        kept++;
    }
    s->ending_count = kept;
    return kept < before;
}

static int ending_do(struct store *s, const struct store_ending *e)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, e->kind[0] ? SQL_JOB_DELETE_FOR : SQL_MEDIA_KEYS_DELETE, &db, &b);
    if (err)
        return err;
    if (e->kind[0])
        bind_word(&b, e->kind);
    bind_word(&b, e->uid);
    return store_done(s, db_run(db, b.statement), 1, "jobs");
}

int store_endings_do(struct store *s)
{
    int err = 0;
    for (size_t i = 0; i < s->ending_count && err == 0; i++)
        err = ending_do(s, &s->endings[i]);
    s->ending_count = 0;
    return err;
}

int store_put_job_new(struct store *s, const char *kind, const char *uid, int64_t started_us, bool *ret_new)
{
    struct db *db;
    struct bind b;
    bool had_ended = store_ending_cancel(s, kind, uid);
    int err = store_main(s, SQL_JOB_PUT, &db, &b);
    if (err)
        return err;
    bind_word(&b, kind);
    bind_word(&b, uid);
    bind_int(&b, started_us);
    err = db_run(db, b.statement);
    *ret_new = had_ended || (err == 0 && sqlite3_changes(db->handle) > 0);
    return store_done(s, err, 1, "jobs");
}

int store_put_job(struct store *s, const char *kind, const char *uid, int64_t started_us)
{
    bool is_new;
    return store_put_job_new(s, kind, uid, started_us, &is_new);
}

int store_note_late(struct store *s, const char *uid)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, SQL_JOB_SIDECAR, &db, &b);
    if (err)
        return err;
    bind_word(&b, uid);
    err = db_run(db, b.statement);
    if (!err && sqlite3_changes(db->handle))
        store_ending_cancel(s, STORE_SIDECAR_JOB, uid);
    return store_done(s, err, 0, "jobs");
}

int store_end_job_for(struct store *s, const char *kind, const char *uid)
{
    return store_ending_add(s, kind, uid);
}

int store_drop_jobs(struct store *s, const char *kind)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, SQL_JOBS_DROP, &db, &b);
    if (err)
        return err;
    bind_word(&b, kind);
    return store_done(s, db_run(db, b.statement), 0, "jobs");
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
