/* Rows back to records, and the look-ups of single calls. A uid does not name its day: the days are
 * asked newest first, each by its index on uid. */
#include "storage/store_db.h"

#include <stdlib.h>

#include "storage/record_pack.h"

#define DAY_US INT64_C(86400000000)

/* Columns of a call row: CALL_COLUMNS in store_sql.c. */
enum { COLUMN_ID, COLUMN_UID, COLUMN_DETAIL, COLUMN_CHAINS, COLUMN_RECORDING, COLUMN_TRACKS };

static int stream_read(struct call_record *r, sqlite3_stmt *row, bool full)
{
    struct record_stream *stream = &r->streams[r->stream_count];
    struct pack detail = pack_reader(column_bytes(row, 0), r->arena);

    record_stream_init(stream);
    record_pack_stream(&detail, stream);
    if (full && !detail.failed) {
        struct pack series = pack_reader(column_bytes(row, 1), r->arena);
        series_pack(&series, &stream->series);
    }
    r->stream_count++;
    return detail.failed ? ERR_INVALID : 0;
}

/* Room doubles inside the arena; calls have few streams. */
static bool streams_reserve(struct call_record *r, uint32_t *room)
{
    if (r->stream_count < *room)
        return true;
    uint32_t more = *room ? *room * 2 : 4;
    struct record_stream *streams = arena_alloc(r->arena, more * sizeof *streams);
    if (streams == NULL)
        return false;
    if (r->stream_count)
        memcpy(streams, r->streams, r->stream_count * sizeof *streams);
    r->streams = streams;
    *room = more;
    return true;
}

static int streams_read(struct db *db, int64_t id, bool full, struct call_record *r)
{
    sqlite3_stmt *statement = db_statement(db, full ? SQL_STREAMS_FULL : SQL_STREAMS);
    uint32_t room = 0;
    int err = 0, rc;

    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, id);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW && !err)
        err = streams_reserve(r, &room) ? stream_read(r, statement, full) : ERR_NOMEM;
    sqlite3_reset(statement);
    return err ? err : db_error(db, rc);
}

static int events_read(struct db *db, int64_t id, struct call_record *r)
{
    sqlite3_stmt *statement = db_statement(db, SQL_CALL_EVENTS);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_int(&b, id);
    int rc = sqlite3_step(statement);
    struct pack p = {0};
    if (rc == SQLITE_ROW) {
        p = pack_reader(column_bytes(statement, 0), r->arena);
        record_pack_events(&p, &r->events, &r->event_count);
    }
    sqlite3_reset(statement);
    return p.failed ? ERR_INVALID : db_error(db, rc);
}

int call_read(struct db *db, sqlite3_stmt *row, enum call_depth depth, struct call_record **ret_record)
{
    int64_t id = sqlite3_column_int64(row, COLUMN_ID);
    struct call_record *r = record_new();
    if (r == NULL)
        return ERR_NOMEM;
    struct pack detail = pack_reader(column_bytes(row, COLUMN_DETAIL), r->arena);
    struct pack chains = pack_reader(column_bytes(row, COLUMN_CHAINS), r->arena);
    struct pack recording = pack_reader(column_bytes(row, COLUMN_RECORDING), r->arena);
    struct pack tracks = pack_reader(column_bytes(row, COLUMN_TRACKS), r->arena);
    record_pack_call(&detail, r);
    record_pack_chains(&chains, &r->chains, &r->chain_count);
    record_pack_recording(&recording, &r->recording);
    record_pack_files(&tracks, &r->tracks);
    slice_copy_to(column_bytes(row, COLUMN_UID), r->uid, sizeof r->uid);
    int err = detail.failed || chains.failed || recording.failed || tracks.failed ? ERR_INVALID : 0;
    if (!err && depth != CALL_BRIEF)
        err = streams_read(db, id, depth == CALL_WHOLE, r);
    if (!err)
        err = tags_read(db, r);
    if (!err)
        err = notes_count(db, r);
    if (!err && depth == CALL_WHOLE)
        err = events_read(db, id, r);
    if (err) {
        record_free(r);
        return err;
    }
    *ret_record = r;
    return 0;
}

static int day_find(struct store_reader *r, const char *day, enum db_sql sql, const char *key,
                    struct call_record **ret_record)
{
    sqlite3_stmt *row;
    struct db *db;
    int err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    if (!err)
        err = db_row(db, sql, key, &row);
    if (err)
        return err;
    err = call_read(db, row, CALL_WHOLE, ret_record);
    sqlite3_reset(row);
    return err;
}

static int call_find(struct store_reader *r, enum db_sql sql, const char *key,
                     struct call_record **ret_record)
{
    struct day *days;
    size_t count;
    int err = day_list(r->set.data_dir, DB_CALLS, &days, &count);
    if (err)
        return err;
    int trouble = ERR_NOT_FOUND; /* a day that cannot be read does not hide the others */
    err = ERR_NOT_FOUND;
    for (size_t i = count; i > 0 && err; i--) {
        err = day_find(r, days[i - 1].text, sql, key, ret_record);
        if (err && err != ERR_NOT_FOUND)
            trouble = err;
    }
    free(days);
    return err ? trouble : 0;
}

int store_call(struct store_reader *r, const char *uid, struct call_record **ret_record)
{
    return call_find(r, SQL_CALL_BY_UID, uid, ret_record);
}

/* ERR_NOT_FOUND: that day knows nothing of it. */
static int day_whole(struct store_reader *r, const char *day, struct store_asked_whole *a)
{
    sqlite3_stmt *row;
    struct db *db;
    int err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    if (!err)
        err = db_row(db, SQL_CALL_WHOLE, a->uid, &row);
    if (err)
        return err;
    a->whole = sqlite3_column_int(row, 0) != 0;
    sqlite3_reset(row);
    return 0;
}

int store_calls_whole(struct store_reader *r, struct store_asked_whole *asked, size_t count, int64_t gone_us)
{
    struct day *days;
    size_t day_count;
    int err = day_list(r->set.data_dir, DB_CALLS, &days, &day_count);
    if (err)
        return err;
    for (size_t n = 0; n < count; n++) {
        struct day about = day_of(asked[n].about_us);
        bool there = false;
        asked[n].whole = false;
        int found = day_whole(r, about.text, &asked[n]);
        for (size_t i = day_count; i > 0 && found; i--) {
            bool same = strcmp(days[i - 1].text, about.text) == 0;
            there |= same;
            if (!same)
                found = day_whole(r, days[i - 1].text, &asked[n]);
        }
        if (found && !there && asked[n].about_us < gone_us)
            asked[n].whole = true;
    }
    free(days);
    return 0;
}

int store_recording(struct store_reader *r, const char *recording_id,
                    struct call_record **ret_record)
{
    return call_find(r, SQL_CALL_BY_RECORDING, recording_id, ret_record);
}

static int day_tracks(struct store_reader *r, const char *day, const char *group_id, const char *uid,
                      store_record_fn *fn, void *context, unsigned *found)
{
    struct call_record *record = NULL;
    struct db *db;
    int rc;
    int err = db_get(&r->set, DB_CALLS, day, &db, NULL);
    if (err)
        return err;
    sqlite3_stmt *statement = db_statement(db, SQL_TRACKS);
    if (statement == NULL)
        return ERR_INVALID;
    struct bind b = bind_to(statement);
    bind_word(&b, group_id);
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW && !err && *found < STORE_TRACKS_MAX) {
        err = call_read(db, statement, CALL_ROW, &record);
        if (!err && record_files_have(&record->tracks, uid)) {
            fn(context, record);
            ++*found;
        }
        record_free(record);
        record = NULL;
    }
    sqlite3_reset(statement);
    return err ? err : db_error(db, rc);
}

int store_tracks(struct store_reader *r, const struct call_record *call, store_record_fn *fn,
                 void *context)
{
    const char *group = call->related.group_id;
    unsigned found = 0;
    int err = 0;
    if (group[0] == '\0')
        return 0;
    for (int away = 1; away >= -1 && found == 0; away--) {
        struct day day = day_of(call->started_us + away * DAY_US);
        int day_err = day_tracks(r, day.text, group, call->uid, fn, context, &found);
        if (day_err && day_err != ERR_NOT_FOUND) /* nothing began on a day without a file */
            err = err ? err : day_err;
    }
    return found ? 0 : err;
}
