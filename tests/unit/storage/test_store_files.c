/* What happens to the files: migration, refusal of what is newer or no
 * database, the audit chain, readers beside a writer, and a writer that is
 * killed. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "storage/record_pack.h"
#include "storage/store_db.h"
#include "tests/unit/storage/record_help.h"

static char dir[HELP_DIR_SIZE];
static struct counters *counters;

static void setup(void) {
  crypto_start();
  help_dir_make(dir);
  counters = calloc(1, sizeof *counters);
}

static void teardown(void) {
  help_dir_remove(dir);
  free(counters);
}

TestSuite(store_files, .init = setup, .fini = teardown, .timeout = 60);

static struct store *open_store(void) {
  struct store *s = NULL;
  struct why why = {""};
  cr_assert_eq(store_open(dir, counters, &s, &why), 0, "%s", why.text);
  return s;
}

static sqlite3 *open_behind(const char *name) {
  char path[128];
  sqlite3 *db;
  snprintf(path, sizeof path, "%s/db/%s", dir, name);
  cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
  return db;
}

/* Runs SQL on a file behind the store's back. */
static void tamper(const char *name, const char *sql) {
  char *error = NULL;
  sqlite3 *db = open_behind(name);
  cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &error), SQLITE_OK, "%s",
               error);
  sqlite3_close(db);
}

static int64_t ask(const char *name, const char *sql) {
  sqlite3_stmt *statement;
  sqlite3 *db = open_behind(name);
  cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
  cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
  int64_t v = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return v;
}

/* ---- schema ---- */

static const struct schema_step STEPS[] = {
    {"CREATE TABLE t(a INTEGER); INSERT INTO t VALUES (1);"},
    {"ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 5;"},
    {"CREATE TABLE u(x); INSERT INTO u SELECT a + b FROM t;"},
};

Test(store_files, an_older_file_is_brought_forward_step_by_step) {
  for (unsigned from = 0; from <= 3; from++) {
    struct why why = {""};
    sqlite3_stmt *statement;
    sqlite3 *db;
    sqlite3_open(":memory:", &db);
    cr_assert_eq(schema_migrate(db, STEPS, from, "x.db", &why), 0, "%s",
                 why.text);
    cr_assert_eq(schema_migrate(db, STEPS, 3, "x.db", &why), 0, "%s", why.text);
    sqlite3_prepare_v2(db, "SELECT x, (SELECT count(*) FROM t) FROM u", -1,
                       &statement, NULL);
    cr_assert_eq(sqlite3_step(statement), SQLITE_ROW);
    cr_assert_eq(sqlite3_column_int(statement, 0), 6);
    cr_assert_eq(sqlite3_column_int(statement, 1), 1);
    sqlite3_finalize(statement);
    sqlite3_close(db);
  }
}

/* It would stay for ever, and with it whose calls it told of. */
Test(store_files, a_day_that_is_no_database_any_more_goes_with_its_time) {
  char path[300];
  struct store *store = open_store();
  static const char *const NAMES[] = {"calls-20200101.db", "calls-20300101.db"};
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/db/%s", dir, NAMES[i]);
    FILE *f = fopen(path, "w");
    for (int n = 0; n < 4096; n++)
      fputs("rubbish ", f);
    fclose(f);
  }
  cr_expect_eq(help_drop_days(store, HELP_T0_US, 0, HELP_T0_US), 1);
  cr_expect_eq(access(path, F_OK), 0, "what is younger stays");
  snprintf(path, sizeof path, "%s/db/%s", dir, NAMES[0]);
  cr_expect_neq(access(path, F_OK), 0);
  store_close(store);
}

static char contended[300];

static void *migrate_it(void *failed) {
  struct why why = {""};
  sqlite3 *db;
  sqlite3_open(contended, &db);
  sqlite3_busy_timeout(db, 10000);
  *(int *)failed = schema_migrate(db, STEPS, 3, "x.db", &why);
  if (*(int *)failed)
    fprintf(stderr, "%s\n", why.text);
  sqlite3_close(db);
  return NULL;
}

Test(store_files, who_comes_at_the_same_time_does_not_go_a_step_again) {
  pthread_t threads[6];
  int failed[6];
  for (int round = 0; round < 10; round++) {
    snprintf(contended, sizeof contended, "%s/x%d.db", dir, round);
    for (int i = 0; i < 6; i++)
      cr_assert_eq(pthread_create(&threads[i], NULL, migrate_it, &failed[i]), 0);
    for (int i = 0; i < 6; i++)
      pthread_join(threads[i], NULL);
    for (int i = 0; i < 6; i++)
      cr_assert_eq(failed[i], 0);
    unlink(contended);
  }
}

Test(store_files, a_step_that_fails_leaves_the_file_as_it_was) {
  static const struct schema_step BAD[] = {{"CREATE TABLE t(a)"},
                                           {"CREATE TABLE u(b); nonsense;"}};
  struct why why = {""};
  sqlite3 *db;
  sqlite3_open(":memory:", &db);
  cr_assert_lt(schema_migrate(db, BAD, 2, "x.db", &why), 0);
  cr_assert(strstr(why.text, "x.db") && strstr(why.text, "schema 2"), "%s",
            why.text);
  cr_assert_eq(sqlite3_exec(db, "INSERT INTO t VALUES (1)", NULL, NULL, NULL),
               SQLITE_OK);
  cr_assert_neq(sqlite3_exec(db, "INSERT INTO u VALUES (1)", NULL, NULL, NULL),
                SQLITE_OK);
  sqlite3_close(db);
}

struct brought {
  char files[80];
  unsigned most;
};

static bool note_brought(void *context, const char *file, unsigned done, unsigned all) {
  struct brought *b = context;
  size_t at = strlen(b->files);
  snprintf(b->files + at, sizeof b->files - at, "%s %u/%u ", file ? file : "-", done, all);
  return done < b->most;
}

static struct brought bring_up(unsigned most) {
  struct brought b = {.most = most};
  struct why why = {""};
  cr_assert_eq(store_bring_up(dir, note_brought, &b, &why), 0, "%s", why.text);
  return b;
}

Test(store_files, a_day_without_schema_is_completed) {
  store_close(open_store());
  tamper("calls-20200101.db", "PRAGMA journal_mode = WAL");
  cr_assert_str_eq(bring_up(9).files, "calls-20200101.db 0/1 - 1/1 ");
  cr_assert_eq(ask("calls-20200101.db", "PRAGMA user_version"),
               schema_version(DB_CALLS));
  cr_assert_eq(ask("calls-20200101.db", "SELECT count(*) FROM calls"), 0);
}

/* Killed on the way to its first schema, while it has no log but a journal still. */
static void leave_journal(const char *name) {
  pid_t pid = fork();
  if (pid == 0) {
    sqlite3 *db = open_behind(name);
    (void)sqlite3_exec(db, "PRAGMA cache_size = 1; CREATE TABLE t(a); BEGIN;", NULL, NULL, NULL);
    for (int i = 0; i < 50; i++)
      (void)sqlite3_exec(db, "INSERT INTO t VALUES (zeroblob(20000))", NULL, NULL, NULL);
    kill(getpid(), SIGKILL);
  }
  cr_assert(pid > 0 && waitpid(pid, NULL, 0) == pid);
}

Test(store_files, a_day_that_a_crash_cut_while_it_was_made_is_rolled_back) {
  char journal[128];
  store_close(open_store());
  leave_journal("calls-20200101.db");
  snprintf(journal, sizeof journal, "%s/db/calls-20200101.db-journal", dir);
  cr_assert_eq(access(journal, F_OK), 0);
  struct store *s = open_store();
  cr_assert_eq(store_end_open_calls(s, NULL), 0);
  store_close(s);
  cr_expect_neq(access(journal, F_OK), 0);
  cr_expect_eq(ask("calls-20200101.db", "SELECT count(*) FROM t"), 0);
}

/* What the version before the last step of calls would have left. */
static const char OLD_CALLS[] = "DROP INDEX calls_found; DROP INDEX calls_worst;"
                                "CREATE INDEX calls_started ON calls(started_us, uid);"
                                "UPDATE calls SET kpi = 0;"
                                "ALTER TABLE calls DROP COLUMN media; PRAGMA user_version = 15;";

static void put_days(struct store *s, unsigned days) {
  for (unsigned n = 0; n < days; n++) {
    struct call_record *r = help_record(n);
    r->started_us = HELP_T0_US + n * INT64_C(86400000000);
    r->ended_us = r->started_us + 1000000;
    cr_assert_eq(store_put_call(s, r), 0);
    record_free(r);
  }
  cr_assert_eq(store_commit(s), 0);
}

static void note_row(void *context, const struct call_record *r) {
  (void)r;
  ++*(unsigned *)context;
}

static unsigned listed(struct store_reader *reader, int64_t from_us, int64_t to_us) {
  struct store_query q;
  unsigned rows = 0;
  bool more;
  store_query_defaults(&q);
  q.any_kind = true;
  q.from_us = from_us;
  q.to_us = to_us;
  cr_assert_eq(store_calls(reader, &q, note_row, &rows, &more), 0);
  return rows;
}

/* A start lets them be; who looks into one brings it up, and so does he who goes through all of them. */
Test(store_files, days_of_an_older_version_wait_until_somebody_looks) {
  static const char *const FILES[] = {"calls-20261121.db", "calls-20261122.db", "calls-20261123.db",
                                      "calls-20261124.db"};
  struct store_reader *reader;
  struct store *s = open_store();
  put_days(s, 4);
  store_close(s);
  for (unsigned i = 0; i < 4; i++)
    tamper(FILES[i], OLD_CALLS);
  s = open_store();
  cr_assert_eq(store_end_open_calls(s, NULL), 0);
  for (unsigned i = 0; i < 4; i++)
    cr_expect_eq(ask(FILES[i], "PRAGMA user_version"), 15, "%s is as it was", FILES[i]);
  cr_assert_eq(store_reader_open(dir, &reader), 0);
  cr_expect_eq(listed(reader, HELP_T0_US, HELP_T0_US + 1000000), 1);
  cr_expect_eq(ask(FILES[0], "PRAGMA user_version"), schema_version(DB_CALLS));
  cr_expect_eq(ask(FILES[1], "PRAGMA user_version"), 15, "nobody asked for that day");
  cr_assert_str_eq(bring_up(1).files, "calls-20261124.db 0/3 calls-20261123.db 1/3 ", "the newest first, until it is stopped");
  put_days(s, 3);
  cr_expect_eq(ask(FILES[2], "PRAGMA user_version"), schema_version(DB_CALLS), "it was written to");
  cr_assert_str_eq(bring_up(9).files, "");
  cr_expect_eq(listed(reader, 0, INT64_MAX), 4);
  store_reader_close(reader);
  store_close(s);
}

static bool take_second(void *context, const char *file, unsigned done, unsigned all) {
  char path[300];
  (void)all;
  snprintf(path, sizeof path, "%s/db/%s", dir, file ? file : "");
  if (done == 1 && file)
    *(int *)context = unlink(path);
  return true;
}

/* What retention takes while all are gone through is not made anew, and holds up no other. */
Test(store_files, a_day_that_goes_before_it_is_brought_up_does_not_come_back) {
  static const char *const FILES[] = {"calls-20261121.db", "calls-20261122.db", "calls-20261123.db"};
  char path[300];
  struct why why = {""};
  int taken = -1;
  struct store *s = open_store();
  put_days(s, 3);
  store_close(s);
  for (unsigned i = 0; i < 3; i++)
    tamper(FILES[i], OLD_CALLS);
  cr_assert_eq(store_bring_up(dir, take_second, &taken, &why), 0, "%s", why.text);
  cr_assert_eq(taken, 0);
  snprintf(path, sizeof path, "%s/db/%s", dir, FILES[1]);
  cr_expect_neq(access(path, F_OK), 0, "it is there again");
  cr_expect_eq(ask(FILES[0], "PRAGMA user_version"), schema_version(DB_CALLS));
  cr_expect_eq(ask(FILES[2], "PRAGMA user_version"), schema_version(DB_CALLS));
}

/* A call that a crash of the older version left is not forgotten for being in an old file. */
Test(store_files, a_call_that_goes_on_in_a_day_of_an_older_version_ends) {
  struct store *s = open_store();
  unsigned ended = 0;
  put_days(s, 1);
  store_close(s);
  tamper("calls-20261121.db", OLD_CALLS);
  tamper("calls-20261121.db", "UPDATE calls SET state = 'answered', kpi = NULL");
  s = open_store();
  cr_assert_eq(store_end_open_calls(s, &ended), 0);
  cr_assert_eq(store_commit(s), 0);
  cr_expect_eq(ask("calls-20261121.db", "SELECT count(*) FROM calls WHERE state = 'ended'"), 1);
  store_close(s);
}

struct old_messages {
  unsigned count;
  char raw[64], party[16];
};

static void note_old(void *context, const struct record_message *m) {
  struct old_messages *all = context;
  all->count += m->vlan_outer == 0 && m->vlan_inner == 0 && m->n == 1 + all->count;
  slice_copy_to(m->raw, all->raw, sizeof all->raw);
  snprintf(all->party, sizeof all->party, "%s", m->party);
}

/* Two messages as format 1 has them, in a file of schema 1. */
Test(store_files, messages_of_an_older_version_are_read_without_what_it_did_not_know) {
  static const char OLD[] =
      "DELETE FROM messages; DROP TABLE user_messages; DROP TABLE presence_changes;"
      "CREATE TABLE old(id INTEGER PRIMARY KEY, uid TEXT NOT NULL,"
      " count INTEGER NOT NULL, packed BLOB NOT NULL);"
      "DROP TABLE messages; ALTER TABLE old RENAME TO messages;"
      "CREATE UNIQUE INDEX messages_uid ON messages(uid);"
      "PRAGMA user_version = 1;";
  struct old_messages seen = {0};
  struct store_reader *reader = NULL;
  struct buf packed;
  char sql[1024];
  struct store *s = open_store();
  struct record_message m = {.n = 1, .transport = "tcp", .raw = slice_str("x")};
  cr_assert_eq(store_put_messages(s, "u", HELP_T0_US, &m, 1), 0);
  cr_assert_eq(store_commit(s), 0);
  store_close(s);
  buf_init(&packed, 4096);
  struct pack p = pack_writer(&packed);
  for (uint32_t n = 1; n <= 2; n++) {
    m = (struct record_message){
        .n = n, .transport = "tcp", .raw = slice_str("BYE sip:a SIP/2.0")};
    record_pack_message(&p, &m, 1);
  }
  tamper("messages-20261121.db", OLD);
  int at = snprintf(sql, sizeof sql, "INSERT INTO messages VALUES (1, 'u', 2, x'");
  for (size_t i = 0; i < packed.size; i++)
    at += snprintf(sql + at, sizeof sql - (size_t)at, "%02x", packed.data[i]);
  snprintf(sql + at, sizeof sql - (size_t)at, "')");
  tamper("messages-20261121.db", sql);
  buf_fini(&packed);

  store_close(open_store());
  cr_assert_eq(store_reader_open(dir, &reader), 0);
  const struct call_record call = {.uid = "u", .started_us = HELP_T0_US};
  cr_assert_eq(store_messages(reader, &call, note_old, &seen), 0);
  cr_assert_eq(ask("messages-20261121.db", "SELECT format FROM messages"), 1);
  cr_assert_eq(seen.count, 2);
  cr_assert_str_eq(seen.raw, "BYE sip:a SIP/2.0");
  cr_assert_str_eq(seen.party, "unknown");
  tamper("messages-20261121.db", "UPDATE messages SET format = 9");
  cr_assert_eq(store_messages(reader, &call, note_old, &seen), ERR_UNSUPPORTED);
  store_reader_close(reader);
}

Test(store_files, a_newer_schema_is_refused_with_a_sentence) {
  static const char *const FILES[] = {"earshot.db", "calls-20261121.db",
                                      "messages-20261121.db"};
  for (size_t i = 0; i < 3; i++) {
    struct store *s = open_store();
    struct why why = {""};
    char path[128];
    store_close(s);
    s = NULL;
    tamper(FILES[i], "PRAGMA user_version = 999");
    cr_assert_eq(store_open(dir, counters, &s, &why), ERR_UNSUPPORTED);
    cr_assert(strstr(why.text, FILES[i]) && strstr(why.text, "newer"), "%s",
              why.text);
    snprintf(path, sizeof path, "%s/db/%s", dir, FILES[i]);
    unlink(path);
  }
}

Test(store_files, a_file_that_is_no_database_is_named) {
  struct store *s = NULL;
  struct why why = {""};
  char path[128];
  store_close(open_store());
  snprintf(path, sizeof path, "%s/db/calls-20261121.db", dir);
  FILE *f = fopen(path, "w");
  for (int i = 0; i < 1000; i++)
    fputs("this is no database ", f);
  fclose(f);
  cr_assert_lt(store_open(dir, counters, &s, &why), 0);
  cr_assert(strstr(why.text, "calls-20261121.db"), "%s", why.text);
}

Test(store_files, a_directory_that_cannot_be_made_is_named) {
  struct store *s = NULL;
  struct why why = {""};
  cr_assert_lt(store_open("/proc/nowhere", counters, &s, &why), 0);
  cr_assert(strstr(why.text, "/proc/nowhere"), "%s", why.text);
}

/* ---- audit ---- */

static void put_audit(struct store *s, int n) {
  for (int i = 0; i < n; i++) {
    struct store_audit entry = {.time_us = HELP_T0_US + i,
                                .actor = "ops",
                                .address = "192.0.2.1",
                                .action = i % 2 ? "audio.read" : "login",
                                .object = "x",
                                .result = "ok",
                                .detail = i % 3 ? NULL : ""};
    cr_assert_eq(store_put_audit(s, &entry), 0);
    if (i % 5 == 0)
      cr_assert_eq(store_commit(s), 0);
  }
  cr_assert_eq(store_commit(s), 0);
}

static int64_t audit_verdict(void) {
  struct store_reader *r;
  int64_t bad = -1;
  uint64_t rows;
  cr_assert_eq(store_reader_open(dir, &r), 0);
  cr_assert_eq(store_audit_verify(r, &bad, &rows), 0);
  store_reader_close(r);
  return bad;
}

#define UNLOCK "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;"

Test(store_files, the_audit_chain_tells_what_was_touched) {
  static const struct {
    const char *sql;
    int64_t bad;
  } CASES[] = {
      {"SELECT 1", 0},
      {UNLOCK "UPDATE audit SET actor = 'ops2' WHERE id = 7", 7},
      {UNLOCK "UPDATE audit SET time_us = time_us + 1 WHERE id = 1", 1},
      {UNLOCK "UPDATE audit SET detail = '' WHERE id = 2", 2},
      {UNLOCK "UPDATE audit SET object = 'xo', result = 'k' WHERE id = 9", 9},
      {UNLOCK "UPDATE audit SET hash = x'00' WHERE id = 20", 20},
      {UNLOCK "DELETE FROM audit WHERE id = 5", 6},
      {UNLOCK "DELETE FROM audit WHERE id = 20", 20},
      {UNLOCK "DELETE FROM audit WHERE id = 1", 2},
      {"INSERT INTO audit SELECT 21, time_us, actor, address, action, object, "
       "result, detail,"
       " hash FROM audit WHERE id = 20",
       21},
  };
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    struct store *s = open_store();
    put_audit(s, 20);
    store_close(s);
    tamper("earshot.db", CASES[i].sql);
    cr_expect_eq(audit_verdict(), CASES[i].bad, "%s", CASES[i].sql);
    help_dir_remove(dir);
  }
}

Test(store_files, the_audit_log_refuses_changes) {
  struct store *s = open_store();
  put_audit(s, 3);
  store_close(s);
  sqlite3 *db = open_behind("earshot.db");
  cr_assert_neq(sqlite3_exec(db, "DELETE FROM audit", NULL, NULL, NULL),
                SQLITE_OK);
  cr_assert_neq(
      sqlite3_exec(db, "UPDATE audit SET actor = 'x'", NULL, NULL, NULL),
      SQLITE_OK);
  sqlite3_close(db);
}

static void note_audit(void *context, int64_t id,
                       const struct store_audit *entry,
                       const uint8_t hash[32]) {
  int64_t *last = context;
  (void)hash;
  cr_assert(*last == 0 || id == *last - 1);
  cr_assert_eq(entry->time_us, HELP_T0_US + id - 1);
  cr_assert_str_eq(entry->actor, "ops");
  cr_assert((entry->detail == NULL) == ((id - 1) % 3 != 0));
  *last = id;
}

Test(store_files, the_audit_log_is_listed_newest_first) {
  struct store *s = open_store();
  struct store_reader *r;
  int64_t last = 0;
  put_audit(s, 20);
  cr_assert_eq(store_reader_open(dir, &r), 0);
  cr_assert_eq(store_audit_list(r, &(struct store_audit_query){.limit = 8}, note_audit, &last), 0);
  cr_assert_eq(last, 13);
  cr_assert_eq(
      store_audit_list(r, &(struct store_audit_query){.from_us = HELP_T0_US + 4, .before = 13, .limit = 100}, note_audit, &last), 0);
  cr_assert_eq(last, 5);
  store_reader_close(r);
  store_close(s);
}

/* ---- readers beside the writer ---- */

static atomic_bool writing;

static void count_row(void *context, const struct call_record *r) {
  (void)r;
  ++*(unsigned *)context;
}

/* One look at the store; what is wrong with it, or NULL. */
static const char *look(struct store_reader *r, uint64_t *before) {
  struct store_query q;
  uint64_t count;
  unsigned rows = 0;
  bool more;

  store_query_defaults(&q);
  q.limit = 50;
  if (store_count(r, &q, &count) != 0)
    return "count failed";
  if (count < *before)
    return "calls vanished";
  if (store_calls(r, &q, count_row, &rows, &more) != 0)
    return "list failed";
  *before = count;
  return rows < (count < 50 ? count : 50) ? "list too short" : NULL;
}

#define LOOKS_MIN 3u

struct looker {
  pthread_t thread;
  atomic_uint rounds;
  const char *trouble;
};

static void *look_all_the_time(void *context) {
  struct looker *l = context;
  struct store_reader *r;
  uint64_t before = 0;

  if (store_reader_open(dir, &r) != 0) {
    l->trouble = "cannot open";
    atomic_store(&l->rounds, LOOKS_MIN);
    return NULL;
  }
  for (; atomic_load(&writing) && l->trouble == NULL; atomic_fetch_add(&l->rounds, 1))
    l->trouble = look(r, &before);
  store_reader_close(r);
  atomic_fetch_add(&l->rounds, LOOKS_MIN); /* nobody need wait for it */
  return NULL;
}

static bool all_have_looked(struct looker *lookers) {
  return atomic_load(&lookers[0].rounds) >= LOOKS_MIN &&
         atomic_load(&lookers[1].rounds) >= LOOKS_MIN;
}

/* It goes on until all have looked, however long they are kept from it. */
Test(store_files, readers_work_while_the_writer_commits, .timeout = 120) {
  struct store *s = open_store();
  struct looker lookers[2] = {0};

  atomic_store(&writing, true);
  for (int i = 0; i < 2; i++)
    pthread_create(&lookers[i].thread, NULL, look_all_the_time, &lookers[i]);
  for (unsigned n = 0; n < 3000 || !all_have_looked(lookers); n++) {
    struct call_record *r =
        help_call(n, HELP_T0_US + (n % 3) * HELP_DAY_US + n);
    cr_assert_eq(store_put_call(s, r), 0);
    record_free(r);
    if (n % 50 == 49) {
      cr_assert_eq(store_commit(s), 0);
      sched_yield();
    }
  }
  atomic_store(&writing, false);
  for (int i = 0; i < 2; i++) {
    pthread_join(lookers[i].thread, NULL);
    cr_assert_null(lookers[i].trouble, "%s", lookers[i].trouble);
  }
  cr_assert_eq(help_cell(counters, C_DB_BUSY), 0);
  store_close(s);
}

/* ---- a writer that is killed ---- */

#define KILL_ROWS_MAX 20000 /* should nobody kill it */

static void write_until_killed(int report) {
  struct store *s = NULL;
  struct why why;
  if (store_open(dir, counters, &s, &why) != 0)
    _exit(1);
  for (unsigned n = 0; n < KILL_ROWS_MAX; n++) {
    struct call_record *r = help_record(n + 1);
    int err = store_put_call(s, r);
    record_free(r);
    if (err || n % 10 != 9)
      continue;
    if (store_commit(s) != 0 || write(report, &n, sizeof n) != sizeof n)
      _exit(1);
  }
  _exit(0);
}

/* Kills a writer after some commits; returns the last row that it reported as
 * committed. */
static unsigned write_and_kill(unsigned commits) {
  unsigned committed = 0, n;
  int ends[2];

  cr_assert_eq(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0)
    write_until_killed(ends[1]);
  cr_assert_gt(child, 0);
  close(ends[1]);
  for (unsigned i = 0; i < commits; i++)
    if (read(ends[0], &committed, sizeof committed) != sizeof committed)
      break;
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  while (read(ends[0], &n, sizeof n) == sizeof n)
    committed = n;
  close(ends[0]);
  return committed;
}

Test(store_files, a_killed_writer_costs_the_transaction_under_way) {
  for (unsigned round = 0; round < 4; round++) {
    unsigned committed = write_and_kill(3 + 7 * round);
    struct store *s = open_store();
    struct store_reader *r;
    cr_assert_gt(committed, 0);
    cr_assert_eq(store_reader_open(dir, &r), 0);
    for (unsigned i = 0; i <= committed; i++) {
      struct call_record *expected = help_record(i + 1), *back = NULL;
      cr_assert_eq(store_call(r, expected->uid, &back), 0, "%u of %u", i,
                   committed);
      cr_assert_null(help_record_differs(expected, back, true));
      record_free(back);
      record_free(expected);
    }
    store_reader_close(r);
    store_close(s);
    cr_assert_eq(
        ask("calls-20261121.db",
            "SELECT integrity_check = 'ok' FROM pragma_integrity_check"),
        1);
    help_dir_remove(dir);
  }
}
