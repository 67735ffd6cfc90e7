/* Private to store*.c: connections to the files of the store, each with its prepared statements. A
 * db_set keeps at most DB_OPEN_MAX of them open and closes the one that was not used for longest.
 */
#pragma once

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/counters.h"
#include "base/error.h"
#include "storage/store.h"
#include "storage/user_record.h"

#define DB_OPEN_MAX    8
#define DB_LISTS       8
#define STORE_PATH_MAX 4096
#define DB_DAY_SIZE    9 /* "20261121" */

enum db_kind { DB_MAIN, DB_CALLS, DB_MESSAGES };

/* Every fixed statement, each used with one kind of file; the text is in store_sql.c. */
enum db_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    /* calls-*.db */
    SQL_QUALITY_SITE,
    SQL_QUALITY_TRUNK,
    SQL_COVERAGE,
    SQL_CALL_ID,
    SQL_CALL_PUT,
    SQL_CALL_REPLACE,
    SQL_CALL_CHANGE,
    SQL_STREAMS_DELETE,
    SQL_STREAM_PUT,
    SQL_RECORDING_PUT,
    SQL_RECORDING,
    SQL_TRACKS_PUT,
    SQL_AUDIO,
    SQL_OPEN_SINCE,
    SQL_TRACKS,
    SQL_CALLS_OPEN,
    SQL_CALLS_KPI,
    SQL_CALLS_KPI_ADOPT,
    SQL_CALL_BY_UID,
    SQL_NUMBERS_BEGIN,
    SQL_TAGGED,
    SQL_CALLS_AT_MOST,
    SQL_CALLS_IDS,
    SQL_FACTS,
    SQL_FACTS_BETWEEN,
    SQL_CALL_WHOLE,
    SQL_CALL_BY_ID,
    SQL_CALL_BRIEF,
    SQL_CALL_BY_RECORDING,
    SQL_CALL_EVENTS,
    SQL_STREAMS,
    SQL_STREAMS_FULL,
    SQL_DAY_UNFINISHED,
    SQL_DAY_IMPORTED,
    SQL_DAY_CAPTURED,
    SQL_DAY_WIPE,
    SQL_DAY_PIECE,
    SQL_NOTES_OF_PIECE,
    SQL_DAY_PRUNE_TAGS,
    SQL_DAY_PRUNE_STREAMS,
    SQL_DAY_PRUNE_CALLS,
    SQL_NOTES_OF_NOBODY,
    SQL_TAGS_OF_NOBODY,
    SQL_KEY_CALLS,
    SQL_KEY_RUN_PUT,
    SQL_KEY_RUN_DELETE,
    SQL_KEY_RUNS,
    SQL_KEY_RUNS_OF,
    SQL_KEY_BLOCK_PUT,
    SQL_KEY_BLOCK,
    SQL_KEY_BLOCK_LAST,
    SQL_KEY_BLOCKS_DELETE,
    SQL_CALLS_NAMED,
    SQL_TAGS,
    SQL_TAGS_DELETE,
    SQL_TAG_PUT,
    SQL_NOTE,
    SQL_NOTE_NUMBERS,
    SQL_NOTE_PUT,
    SQL_NOTE_DELETE,
    SQL_ANNOTATIONS,
    SQL_WORDS_PUT,
    SQL_WORDS_TAKE,
    SQL_WORDS_MERGE,
    /* messages-*.db */
    SQL_MESSAGES_PUT,
    SQL_MESSAGES,
    /* earshot.db */
    SQL_JOB_PUT,
    SQL_JOB_DELETE_FOR,
    SQL_JOB_SIDECAR,
    SQL_JOBS,
    SQL_JOBS_SINCE,
    SQL_JOBS_DROP,
    SQL_SPOOL_MARKS_PUT,
    SQL_SPOOL_MARKS,
    SQL_DELETION_PUT,
    SQL_DELETIONS,
    SQL_DELETIONS_DROP,
    SQL_MEDIA_KEYS_PUT,
    SQL_MEDIA_KEYS,
    SQL_MEDIA_KEYS_DELETE,
    SQL_MEDIA_KEYS_DELETE_OPEN,
    SQL_MEDIA_KEYS_DROP,
    SQL_TOKEN_PUT,
    SQL_TOKEN,
    SQL_TOKENS,
    SQL_TOKEN_COUNT,
    SQL_TOKEN_USED,
    SQL_ACCOUNT_PUT,
    SQL_ACCOUNT_CHANGE,
    SQL_ACCOUNT_USED,
    SQL_ACCOUNT_DROP,
    SQL_ACCOUNT,
    SQL_ACCOUNTS,
    SQL_ACCOUNT_COUNT,
    SQL_SECRET,
    SQL_SECRET_PUT,
    SQL_AUDIT_LAST,
    SQL_AUDIT_PUT,
    SQL_AUDIT_LIST,
    SQL_AUDIT_ALL,
    SQL_AUDIT_HIGHEST,
    SQL_KPI_MARK,
    SQL_KPI_MARK_PUT,
    SQL_KPI_ROW,
    SQL_KPI_ROWS,
    SQL_KPI_CELL_PUT,
    SQL_KPI_LOAD_PUT,
    SQL_KPI_MOST_PUT,
    SQL_KPI_DROP,
    SQL_USERS_OVERDUE,
    SQL_REGISTERED,
    SQL_PEERS_IN,
    SQL_FINDINGS_CLOSE,
    SQL_FINDINGS_DROP,
    /* user records: USER_SQL_COUNT statements a kind, in the file that the kind lies in */
    SQL_USER_FIRST,
    DB_SQL_COUNT = SQL_USER_FIRST + USER_KINDS * 4,
};

/* What is done with the rows of each kind of user record (store_user_sql.c). */
enum user_sql {
    USER_SQL_PUT,   /* all fields: a row or its newer values */
    USER_SQL_TALLY, /* the same for a row that stands for many: returns its count */
    USER_SQL_WEAK,  /* is the row of this key weak? */
    USER_SQL_TRIM,  /* weak or not, how many stay */
    USER_SQL_COUNT,
};
_Static_assert(USER_SQL_COUNT == 4, "the range of enum db_sql");
#define SQL_USER(kind, sql) ((enum db_sql)(SQL_USER_FIRST + (kind) * USER_SQL_COUNT + (sql)))
const char *user_sql_text(enum user_kind kind, enum user_sql sql);
/* "SELECT id, <all fields> FROM <table>", columns in the order of the fields. */
const char *user_sql_select(enum user_kind kind);

struct key_entry;
struct columns;
struct columns_noted;
struct db {
    sqlite3 *handle;
    enum db_kind kind;
    char day[DB_DAY_SIZE];
    dev_t device;
    ino_t inode;
    uint64_t used_at;
    bool writing;              /* a transaction is open */
    bool unsynced;             /* committed, and a power cut may still take it back */
    bool words_went;           /* in it words were taken out of the index (store_notes.c) */
    struct counters *counters; /* NULL for readers */
    sqlite3_stmt *fixed[DB_SQL_COUNT];
    /* The list statements made last, and what each has (store_way.c). */
    struct {
        sqlite3_stmt *statement;
        uint64_t asked;
        unsigned shape;
    } lists[DB_LISTS];
    unsigned list_next; /* the one to give way */
    /* Added in this transaction, not yet a run (key_runs.h). */
    struct key_entry *keys;
    unsigned key_count, key_room;
    /* Of a writer: who is told which calls were changed, and those of this transaction (store_columns.h). */
    struct columns *columns;
    struct columns_noted *noted;
    bool noted_lost; /* no memory: any may be */
};

struct db_set {
    char data_dir[STORE_PATH_MAX];
    bool read_only;
    bool makes_none; /* a file that is not there is not made */
    struct counters *counters;
    struct columns *columns; /* NULL: none */
    uint64_t uses;
    struct db *open[DB_OPEN_MAX];
};

const char *db_sql_text(enum db_sql sql);

bool db_path(const char *data_dir, enum db_kind kind, const char *day, char out[STORE_PATH_MAX]);
/* The connection; borrowed until the next db_get(). ERR_NOT_FOUND when a reader's file is not there
 * (yet). A writer's file is made (without `makes_none`) and brought to the present schema. */
int db_get(struct db_set *set, enum db_kind kind, const char *day, struct db **ret_db,
           struct why *why);
/* Closes the connections of one day, or all with day NULL. Open transactions are rolled back. */
void db_set_close(struct db_set *set, const char *day);
/* ERR_ of an SQLite result code; 0 for OK, ROW and DONE. */
int db_error(const struct db *db, int rc);
/* A file that went or is not ready holds nothing. */
static inline int db_gone_is_empty(int err)
{
    return err == ERR_NOT_FOUND ? 0 : err;
}
/* Reset and without values, ready to bind; NULL when it cannot be prepared. */
sqlite3_stmt *db_statement(struct db *db, enum db_sql sql);
/* The row of a statement with this one value, to be reset; ERR_NOT_FOUND: there is none. */
int db_row(struct db *db, enum db_sql sql, const char *word, sqlite3_stmt **ret_row);
/* The number that a statement without values gives; 0: it has no row. */
int db_number(struct db *db, enum db_sql sql, int64_t *ret_number);
/* Runs a statement that returns no rows, and resets it. */
int db_run(struct db *db, sqlite3_stmt *statement);
int db_begin(struct db *db);
/* With what waits for the end of the transaction; an error leaves it open. */
int db_commit(struct db *db);
void db_rollback(struct db *db);

/* Values are bound by position, 1.. in order. They must live until the statement is reset. */
struct bind {
    sqlite3_stmt *statement;
    int at;
};
static inline struct bind bind_to(sqlite3_stmt *statement)
{
    return (struct bind){.statement = statement};
}
void bind_int(struct bind *b, int64_t v);
void bind_int_or_null(struct bind *b, int64_t v, bool known);
void bind_real(struct bind *b, double v); /* NAN: NULL */
void bind_text(struct bind *b, struct slice v);
void bind_word(struct bind *b, const char *v); /* NULL: NULL */
void bind_blob(struct bind *b, struct slice v);
struct slice column_bytes(sqlite3_stmt *statement, int column);

/* store_schema.c: brings an open file to the newest schema, or refuses it. */
struct schema_step {
    const char *sql;
};
int schema_migrate(sqlite3 *handle, const struct schema_step *steps, unsigned count,
                   const char *path, struct why *why);
/* The version of an open file; ERR_INVALID: it is no database, ERR_UNSUPPORTED: of a newer program. */
int schema_check(sqlite3 *handle, unsigned count, const char *path, int64_t *ret_version,
                 struct why *why);
int schema_apply(sqlite3 *handle, enum db_kind kind, const char *path, struct why *why);
unsigned schema_version(enum db_kind kind);
/* The version that a file has at least, -1: cannot be read. Only while no connection to it is open: to close a file lets go of all
 * locks that the process has on it. */
int64_t schema_peek(const char *path);

/* store_upgrade.c: whether there is a day that we cannot read. */
int days_check(const char *data_dir, struct why *why);
/* Brings the file of a day to the present schema; waits for whoever else does. ERR_NOT_FOUND: it has gone. */
int day_bring_up(const char *data_dir, enum db_kind kind, const char *day, struct why *why);

/* store_days.c: the days that have a file of this kind, ascending, malloc'ed. */
struct day {
    char text[DB_DAY_SIZE];
};
int day_list(const char *data_dir, enum db_kind kind, struct day **ret_days, size_t *ret_count);
struct day day_of(int64_t time_us);
/* Does it hold times of [from, to)? 0: no bound. */
bool day_between(const struct day *day, int64_t from_us, int64_t to_us);
/* Of calls, with one that goes on, or that ended and no flush up to `mark` counts (store_kpi.c). In store_upgrade.c. */
int days_unfinished(const char *data_dir, int64_t mark, struct day **ret_days, size_t *ret_count);
/* Rows of a statement over the calls of each day between these times, which are its two values; in order of days. False ends it. */
typedef bool store_row_fn(void *context, sqlite3_stmt *row);
int store_rows_between(struct store_reader *r, enum db_sql sql, int64_t from_us, int64_t to_us,
                       store_row_fn *fn, void *context);

/* store_read.c: the record of a row of SQL_CALL_* (their columns are the same). */
enum call_depth {
    CALL_BRIEF, /* without streams */
    CALL_ROW,   /* without series and events */
    CALL_WHOLE,
};
int call_read(struct db *db, sqlite3_stmt *row, enum call_depth depth, struct call_record **ret_record);

/* store_tags.c: fills r->tags of a call that was just read. */
int tags_read(struct db *db, struct call_record *r);

/* store_notes.c: how many annotations a call that was just read has, and whether a transcript. */
int notes_count(struct db *db, struct call_record *r);
/* Those that a statement names (call, number; its values are bound) go, one by one: the index has to be told what it had. */
int notes_prune(struct db *db, sqlite3_stmt *named, unsigned *ret_count);
/* Merges a piece of the index, when words were taken out of it in this transaction. */
int words_tidy(struct db *db);

struct store_reader {
    struct db_set set;
    message_describe_fn *describe;
};

/* store_kpi.c */
struct store_kpi {
    struct kpi_book *book; /* calls with the number mark + 1 */
    int64_t mark;          /* last flush that is in earshot.db */
    bool doubt;            /* the book is not what the calls say: to be built again */
    struct kpi_cell cell;  /* scratch */
};
/* Which flush counts this call: `number` when its row has one already; -1: none yet. */
int64_t store_kpi_number(struct store *s, const struct call_record *r, int64_t number);
/* A transaction was rolled back: what it added to the book is not in the store. */
void store_kpi_doubt(struct store *s);
void store_kpi_close(struct store *s);

/* store.c */
struct store {
    struct db_set set;
    struct counters *counters;
    int error; /* first one of the transaction */
    unsigned pending;
    struct buf scratch[4];
    struct store_kpi *kpi; /* NULL: figures are not kept */
    unsigned user_writes[USER_KINDS][2]; /* since the last trim, of strong and weak rows */
    struct store_ending *endings; /* for when all else is committed */
    size_t ending_count, ending_room;
};
/* A job, or the keys of a call, that are to go: only when the files of days say that they are not
 * needed any more. */
struct store_ending {
    char kind[16]; /* empty: keys */
    char uid[40];
};
int store_ending_add(struct store *s, const char *kind, const char *uid);
/* It is wanted again. */
bool store_ending_cancel(struct store *s, const char *kind, const char *uid);
/* In a transaction of its own; forgets them, whatever comes. */
int store_endings_do(struct store *s);
/* Something is said of a call: STORE_SIDECAR_JOB while it waits to be rendered. */
int store_note_late(struct store *s, const char *uid);
/* Keys of calls that have STORE_OPEN_JOB and none that needs them. */
int store_end_open_media_keys(struct store *s);
/* All jobs of a kind are over. */
int store_drop_jobs(struct store *s, const char *kind);
/* What the files of calls have in their logs is on the disk then. In store_spool_marks.c. */
int store_calls_sync(const struct store *s);
int store_day_sync(const struct store *s, const char *day);
/* The connection for writing with its transaction begun; keeps errors in s->error. */
int store_db(struct store *s, enum db_kind kind, const char *day, struct db **ret_db);
/* A statement of earshot.db, for writing. */
int store_main(struct store *s, enum db_sql sql, struct db **ret_db, struct bind *ret_bind);
int store_done(struct store *s, int err, unsigned rows, const char *table);
/* Findings without a sign since then go; 0: none. */
int store_findings_drop(struct store *s, int64_t before_us);
