/* What the files of exports share: the table (exports.c), its thread (export_thread.c), how one stands as a file (export_state.c), and
 * the making of one (export_make.c, export_list.c, export_call.c).
 *
 * Only the thread makes, expires and ends exports; others add rows and take them away. So a row is found by its id each time, and
 * one that is gone is not wanted any more. The lock is held for memory alone: files are written and removed without it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "api/exports.h"

#define EXPORTS_DIR "exports"

struct exports {
    struct exports_config config;
    char dir[600];
    struct counters *counters; /* the thread's */
    pthread_t thread;
    bool started;
    int64_t swept_us; /* the thread's */
    atomic_bool stopping;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    struct export *item[EXPORTS_MAX]; /* the oldest first */
    unsigned count;
    uint64_t used_bytes;
};

/* ---- export_state.c ---- */
int export_state_write(const char *dir, const struct export *e);
/* Of "<id>.json". */
int export_state_read(const char *dir, const char *name, struct export *ret_export);

/* ---- exports.c; the lock is held but where it is said ---- */
struct export *exports_find(const struct exports *all, const char *id);
void exports_forget(struct exports *all, struct export *e);
unsigned exports_count_waiting(const struct exports *all, const char *owner); /* NULL: of all */
bool export_is_over(const struct export *e);
/* "<id>.<end>"; without the lock. */
void exports_remove_file(const struct exports *all, const char *id, const char *end);

/* ---- export_thread.c ---- */
void *exports_thread(void *context);
/* What is known of it now becomes what `e` says. False: it is not wanted any more. */
bool exports_tell(struct exports *all, const struct export *e);
/* May `more` bytes be written for this one? Old exports go where that makes the room. Sets its error and detail and returns an ERR_
 * when not. */
int exports_room(struct exports *all, struct export *e, uint64_t more);
/* One that fails: a word, and a sentence. Returns `err`. */
__attribute__((format(printf, 4, 5))) int export_fail(struct export *e, int err, const char *error, const char *format, ...);

/* ---- export_make.c ---- */
/* Makes the file of `e`, which is the caller's copy; 0, or an ERR_ with `error` and `detail` set. Whether it is still wanted its row tells. */
int export_make(struct exports *all, struct export *e);
