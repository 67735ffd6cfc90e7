/* Records with every field set, from a seed, and their comparison field by field. The lists of
 * fields are the test's own, so a field that the store forgets is missed here. */
#pragma once

#include "storage/store.h"
#include "tests/unit/storage/spool_help.h"

/* 2026-11-21T10:00:00Z */
#define HELP_T0_US  INT64_C(1795255200000000)
#define HELP_DAY_US (INT64_C(86400) * 1000000)

/* An ended call with two streams, series, chains, events and a recording. */
struct call_record *help_record(uint64_t seed);
/* A small ended call: uid "<n>" padded to UUID form, times from `started_us`. */
struct call_record *help_call(unsigned n, int64_t started_us);
struct slice help_text(struct arena *arena, const char *text);
/* The first field that differs, or NULL. With `full` false series and events are not compared. */
const char *help_record_differs(const struct call_record *a, const struct call_record *b,
                                bool full);
/* What most tests begin with: a directory, a store in it and a reader of it; and their end. */
void help_store_begin(char ret_dir[HELP_DIR_SIZE], struct counters **ret_counters, struct store **ret_store,
                      struct store_reader **ret_reader);
void help_store_end(const char *dir, struct counters *counters, struct store *store, struct store_reader *reader);
/* Files with every field set, from where the last record left off; uid "call-<number>". */
void help_files(struct call_record *r, struct record_files *files, uint32_t count);
const char *help_files_differ(const struct record_files *a, const struct record_files *b);

/* What retention does with each day ahead of these times, the pieces of a day one after the other. How many files went. */
struct store;
unsigned help_drop_days(struct store *s, int64_t calls_before_us, int64_t messages_before_us, int64_t imported_since_us);
