/* How far back a recovery has to look (spool.h), in earshot.db. That one is synced at each commit, the files of days are not: what they
 * have in their logs is synced first, or a power cut could take calls that the marks say are there. */
#include "storage/store_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/spool_format.h"

#define MARKS_SIZE (SPOOL_WRITERS * 4)

/* Without a log all is in the file, and synced. */
static int log_sync(const char *data_dir, const char *day)
{
    char path[STORE_PATH_MAX], log[STORE_PATH_MAX + 8];
    if (!db_path(data_dir, DB_CALLS, day, path))
        return ERR_INVALID;
    snprintf(log, sizeof log, "%s-wal", path);
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_of_errno(errno);
    int err = fdatasync(fd) == 0 ? 0 : err_of_errno(errno);
    close(fd);
    return err;
}

int store_day_sync(const struct store *s, const char *day)
{
    return log_sync(s->set.data_dir, day);
}

int store_calls_sync(const struct store *s)
{
    const char *data_dir = s->set.data_dir;
    struct day *days;
    size_t count;
    int err = day_list(data_dir, DB_CALLS, &days, &count);
    if (err)
        return err;
    for (size_t i = 0; i < count && !err; i++)
        err = log_sync(data_dir, days[i].text);
    free(days);
    return err;
}

int store_put_spool_marks(struct store *s, const struct spool_marks *marks)
{
    uint8_t bytes[MARKS_SIZE], *end = bytes;
    struct db *db;
    struct bind b;
    int err = store_calls_sync(s);
    if (!err)
        err = store_main(s, SQL_SPOOL_MARKS_PUT, &db, &b);
    if (err)
        return err;
    for (unsigned w = 0; w < SPOOL_WRITERS; w++)
        end = put_u32(end, marks->segment[w]);
    bind_blob(&b, slice_of(bytes, sizeof bytes));
    return store_done(s, db_run(db, b.statement), 0, "jobs");
}

int store_spool_marks(struct store_reader *r, struct spool_marks *ret_marks)
{
    struct db *db;
    *ret_marks = (struct spool_marks){0};
    int err = db_get(&r->set, DB_MAIN, "", &db, NULL);
    sqlite3_stmt *row = err ? NULL : db_statement(db, SQL_SPOOL_MARKS);
    if (row == NULL)
        return err ? err : ERR_INVALID;
    int rc = sqlite3_step(row);
    struct cursor c = cursor_over(rc == SQLITE_ROW ? column_bytes(row, 0) : slice_none());
    bool whole = cursor_left(&c) == MARKS_SIZE;
    for (unsigned w = 0; whole && w < SPOOL_WRITERS; w++)
        ret_marks->segment[w] = cursor_u32_le(&c);
    sqlite3_reset(row);
    return db_error(db, rc);
}
