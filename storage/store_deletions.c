/* What may be deleted, and what was: calls with files of sound in the order of time, day files with
 * their sizes, and a row for each thing that went, which outlives it. The files of a recording are
 * deleted in three steps, so that a crash between them leaves neither a record that promises a file
 * nor a file that nobody knows: the record says `deleted` and a job stands (one commit), the files
 * go, the job ends. */
#include "storage/store_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "storage/record_pack.h"

#define OPEN_DAYS_US (3 * INT64_C(86400000000)) /* calls that go on are looked for so far back */

/* ---- what was ---- */

int store_put_deletion(struct store *s, const struct store_deletion *d)
{
    struct db *db;
    struct bind b;
    int err = store_main(s, SQL_DELETION_PUT, &db, &b);
    if (err)
        return err;
    bind_int(&b, d->time_us);
    bind_word(&b, d->class);
    bind_word(&b, d->object);
    bind_word(&b, d->uid);
    bind_int_or_null(&b, d->started_us, d->started_us != 0);
    bind_word(&b, d->reason);
    bind_word(&b, d->actor);
    bind_int(&b, d->files);
    bind_int(&b, (int64_t)d->bytes);
    if (d->sha256)
        bind_blob(&b, slice_of(d->sha256, 32));
    else
        bind_word(&b, NULL);
    return store_done(s, db_run(db, b.statement), 1, "deletions");
}

int store_drop_deletions(struct store *s, int64_t before_us)
{
    struct db *db;
    struct bind b;
    int err = before_us > 0 ? store_main(s, SQL_DELETIONS_DROP, &db, &b) : 0;
    if (err || before_us <= 0)
        return err;
    bind_int(&b, before_us);
    return store_done(s, db_run(db, b.statement), 0, "deletions");
}

static const char *text_of(sqlite3_stmt *row, int column)
{
    return (const char *)sqlite3_column_text(row, column);
}

static void deletion_read(sqlite3_stmt *row, store_deletion_fn *fn, void *context)
{
    struct slice hash = column_bytes(row, 9);
    const struct store_deletion d = {
        .time_us = sqlite3_column_int64(row, 0),
        .class = text_of(row, 1),
        .object = text_of(row, 2),
        .uid = text_of(row, 3),
        .started_us = sqlite3_column_int64(row, 4),
        .reason = text_of(row, 5),
        .actor = text_of(row, 6),
        .files = (uint32_t)sqlite3_column_int64(row, 7),
        .bytes = (uint64_t)sqlite3_column_int64(row, 8),
        .sha256 = hash.size == 32 ? hash.data : NULL,
    };
    fn(context, &d);
}

int store_deletions(struct store_reader *r, int64_t from_us, int64_t to_us, unsigned limit,
                    store_deletion_fn *fn, void *context)
{
    struct db *db;
    int rc, err = db_get(&r->set, DB_MAIN, "", &db, NULL);
    if (err)
        return err;
    struct bind b = bind_to(db_statement(db, SQL_DELETIONS));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_int(&b, from_us);
    bind_int(&b, to_us);
    bind_int(&b, limit);
    while ((rc = sqlite3_step(b.statement)) == SQLITE_ROW)
        deletion_read(b.statement, fn, context);
    sqlite3_reset(b.statement);
    return db_error(db, rc);
}

/* ---- a recording ---- */

static int tracks_delete(struct store *s, const struct call_record *r)
{
    struct record_files tracks = r->tracks;
    if (tracks.count == 0)
        return 0;
    tracks.items = calloc(tracks.count, sizeof *tracks.items);
    if (tracks.items == NULL)
        return store_done(s, ERR_NOMEM, 0, "recordings");
    memcpy(tracks.items, r->tracks.items, tracks.count * sizeof *tracks.items);
    for (uint32_t i = 0; i < tracks.count; i++)
        tracks.items[i].result = "deleted";
    int err = store_put_tracks(s, r->uid, r->started_us, &tracks);
    free(tracks.items);
    return err;
}

int store_delete_recording(struct store *s, const struct call_record *r, int64_t now_us,
                           const char *why)
{
    struct record_recording gone = r->recording;
    int err = store_put_job(s, "delete", r->uid, r->started_us);
    gone.state = gone.state ? "deleted" : NULL;
    gone.deleted_us = now_us;
    gone.deleted_why = why;
    if (!err)
        err = store_put_recording(s, r->uid, r->started_us, &gone);
    if (!err)
        err = tracks_delete(s, r);
    if (!err)
        err = store_drop_transcript(s, r->uid, r->started_us);
    if (!err)
        err = store_end_job_for(s, "render", r->uid);
    if (!err)
        err = store_end_job_for(s, "tracks", r->uid);
    return err ? err : store_end_media_keys(s, r->uid);
}

static bool row_is_deleted(struct slice packed)
{
    struct call_record *r = record_new();
    if (r == NULL)
        return false;
    struct pack p = pack_reader(packed, r->arena);
    record_pack_recording(&p, &r->recording);
    bool deleted = !p.failed && r->recording.deleted_us;
    record_free(r);
    return deleted;
}

int store_was_deleted(struct store *s, const char *uid, int64_t started_us, bool *ret_deleted)
{
    struct db *db;
    int err = store_db(s, DB_CALLS, day_of(started_us).text, &db);
    if (err)
        return err;
    struct bind b = bind_to(db_statement(db, SQL_RECORDING));
    if (b.statement == NULL)
        return store_done(s, ERR_INVALID, 0, "recordings");
    bind_word(&b, uid);
    int rc = sqlite3_step(b.statement);
    *ret_deleted = rc == SQLITE_ROW && row_is_deleted(column_bytes(b.statement, 0));
    sqlite3_reset(b.statement);
    return store_done(s, db_error(db, rc), 0, "recordings");
}

int store_end_deletion(struct store *s, const struct call_record *r)
{
    const struct record_files none = {0};
    int err = r->tracks.count ? store_put_tracks(s, r->uid, r->started_us, &none) : 0;
    return err ? err : store_end_job_for(s, "delete", r->uid);
}

int store_audio(struct store_reader *r, const char *day, int64_t after_us, const char *after_uid,
                unsigned limit, store_take_fn *fn, void *context)
{
    struct call_record *record;
    struct db *db;
    int rc, err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    if (err)
        return db_gone_is_empty(err);
    struct bind b = bind_to(db_statement(db, SQL_AUDIO));
    if (b.statement == NULL)
        return ERR_INVALID;
    bind_int(&b, after_us);
    bind_word(&b, after_uid);
    bind_int(&b, limit);
    while ((rc = sqlite3_step(b.statement)) == SQLITE_ROW && !err) {
        err = call_read(db, b.statement, CALL_ROW, &record);
        if (err)
            break;
        fn(context, record);
    }
    sqlite3_reset(b.statement);
    return err ? err : db_error(db, rc);
}

/* ---- the spool ---- */

/* The one value of a statement, when it is lower. */
static int lower(struct store_reader *r, enum db_kind kind, const char *day, enum db_sql sql,
                 int64_t *since_us)
{
    struct db *db;
    int err = db_get(&r->set, kind, day, &db, NULL);
    if (err)
        return db_gone_is_empty(err);
    sqlite3_stmt *statement = db_statement(db, sql);
    if (statement == NULL)
        return ERR_INVALID;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL &&
        sqlite3_column_int64(statement, 0) < *since_us)
        *since_us = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
    return db_error(db, rc);
}

int store_spool_wanted(struct store_reader *r, int64_t from_us, int64_t *ret_since_us)
{
    struct day *days, first = day_of(from_us);
    size_t count;
    int64_t since_us = INT64_MAX;
    int err = lower(r, DB_MAIN, "", SQL_JOBS_SINCE, &since_us);
    if (!err)
        err = day_list(r->set.data_dir, DB_CALLS, &days, &count);
    if (err)
        return err;
    for (size_t i = count; i > 0 && !err && strcmp(days[i - 1].text, first.text) >= 0; i--)
        err = lower(r, DB_CALLS, days[i - 1].text, SQL_OPEN_SINCE, &since_us);
    free(days);
    *ret_since_us = since_us;
    return err;
}

int store_spool_begins(struct store_reader *r, int64_t now_us, int64_t age_us, int64_t *ret_us)
{
    int64_t wanted_us, before_us = now_us - age_us;
    int err = store_spool_wanted(r, before_us - OPEN_DAYS_US, &wanted_us);
    if (!err)
        *ret_us = wanted_us < before_us ? wanted_us : before_us;
    return err;
}

/* ---- days ---- */

static int64_t day_start_us(const char *day)
{
    char text[32];
    int64_t us = 0;
    snprintf(text, sizeof text, "%.4s-%.2s-%.2sT00:00:00Z", day, day + 4, day + 6);
    (void)clock_parse_rfc3339(text, &us);
    return us;
}

static uint64_t file_bytes(const char *path, const char *end)
{
    char full[STORE_PATH_MAX + 8];
    struct stat st;
    snprintf(full, sizeof full, "%s%s", path, end);
    return stat(full, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
}

int store_days(const char *data_dir, bool messages, struct store_day **ret_days, size_t *ret_count)
{
    enum db_kind kind = messages ? DB_MESSAGES : DB_CALLS;
    char path[STORE_PATH_MAX];
    struct day *days;
    size_t count;
    int err = day_list(data_dir, kind, &days, &count);
    if (err)
        return err;
    struct store_day *out = calloc(count + 1, sizeof *out);
    for (size_t i = 0; out && i < count; i++) {
        memcpy(out[i].text, days[i].text, sizeof out[i].text);
        out[i].start_us = day_start_us(days[i].text);
        if (db_path(data_dir, kind, days[i].text, path))
            out[i].bytes =
                file_bytes(path, "") + file_bytes(path, "-wal") + file_bytes(path, "-shm");
    }
    free(days);
    *ret_days = out;
    *ret_count = count;
    return out ? 0 : ERR_NOMEM;
}
