/* The writer: one thread with the writing database connection. Takes records, finished recordings and audit entries from its inbox, commits
 * every commit interval or 500 rows (while more waits: larger batches, and early rows give way), and hands on what is to be
 * rendered. */
#pragma once

#include "storage/store.h"

struct writer;

struct writer_config {
    int commit_interval_ms;   /* default 200 */
    size_t inbox_max;         /* default 65536 */
    bool patient;             /* a file is read: nobody waits for its rows, so commits are few and large */
    void *context;
    /* A committed record whose media waits to be rendered, or that ends a conference whose tracks are wanted; the callee owns it. */
    void (*render)(void *context, struct call_record *record);
    /* This record has files now, or could have none; `tracks`: of its conference. Not told of what was deleted meanwhile. May be NULL. */
    void (*rendered)(void *context, const struct call_record *record, bool tracks);
    /* It was deleted while it was made: its files go before that is committed. May be NULL. */
    void (*unwanted)(void *context, const struct call_record *record);
};

/* Takes the store over. */
int writer_start(const struct writer_config *config, struct store *store, struct counters *counters, struct writer **ret_writer,
                 struct why *why);
/* Commits everything and closes the store; NULL is fine. */
void writer_stop(struct writer *w);
/* Any thread. The record is the writer's from now on. */
void writer_record(struct writer *w, struct call_record *record);
/* Ahead of this segment its writer's (struct spool_marks) hold nothing but what is in the records that came before. */
void writer_spool_mark(struct writer *w, uint32_t segment);
/* A record of a user, device or peer (malloc'ed; the writer's from now on). Of these at most WRITER_USERS_MAX wait: what comes
 * while the database stands still is lost and counted, or waited for with `wait`. */
#define WRITER_USERS_MAX 4096
void writer_user(struct writer *w, enum user_kind kind, void *record, bool wait);
/* An attempt to register that is over, for the figures of its minute. As writer_user(). */
struct writer_registration {
    int64_t at_us;
    double rrd_ms; /* NAN: unknown */
    unsigned code; /* 0: nobody answered */
    bool success;
    char trunk[KPI_NAME_SIZE]; /* "": none */
};
void writer_registration(struct writer *w, const struct writer_registration *r, bool wait);
/* Registrations that ran out before now_us without our seeing it are expired. */
void writer_users_overdue(struct writer *w, int64_t now_us);
/* The recording of this record is what its `recording` says now, unless it was deleted meanwhile; its job is over. Takes the record. */
void writer_rendered(struct writer *w, struct call_record *record);
/* Somebody asked for the recording of this call that waited for it: its recording is what the record says, and it is to be rendered. Takes the
 * record. Returns when that is committed. */
#define ON_DEMAND_JOB "on_demand"
int writer_requested(struct writer *w, struct call_record *record);
/* The tracks of this record are what its `tracks` says now; their job is over. Takes the record. */
void writer_tracks(struct writer *w, struct call_record *record);
/* A job of that kind is over: its call is not in the store any more. */
void writer_job_gone(struct writer *w, const char *kind, const char *uid);
/* Returns when the entry is committed; an ERR_ when it is not. */
int writer_audit(struct writer *w, const struct store_audit *entry);
/* The same of a copy, without waiting for the commit; it is kept until the disk takes it. False: it is lost. */
bool writer_audit_later(struct writer *w, const struct store_audit *entry);
/* What is attached to the call that began then is this. Returns when it is committed. */
int writer_tags(struct writer *w, const char *uid, int64_t started_us, const struct record_tags *tags);
/* The same change to many calls. Returns when it is committed. */
int writer_tags_of_many(struct writer *w, const struct record_tag_change *change, struct store_tagged *calls, unsigned count);
/* Of annotations and transcripts; `note->refused` says when nothing was changed. Returns when it is committed. */
int writer_note(struct writer *w, struct store_note *note);
/* Tokens and accounts. These return when it is committed, but for writer_token_used(). */
int writer_token(struct writer *w, const struct store_token *token);
void writer_token_used(struct writer *w, const char *id, int64_t used_us);
/* ERR_EXISTS: somebody else wrote it since it was read. */
int writer_account(struct writer *w, const struct store_account *account);
int writer_account_used(struct writer *w, const char *name, int64_t used_us);
int writer_account_gone(struct writer *w, const char *name);
/* What goes: a row each, and where it is a recording the call's record says so, with a job until writer_files_gone(). Of anything else the
 * job is named as the object, until writer_job_gone("delete"). Returns when it is committed. */
struct writer_deletions {
    unsigned count;
    const struct store_deletion *rows;
    struct call_record *const *records; /* NULL: no recording */
};
int writer_deleted(struct writer *w, const struct writer_deletions *d);
/* The files of this record have gone. Takes it. */
void writer_files_gone(struct writer *w, struct call_record *record);
/* Everything taken so far is committed when this returns. */
int writer_flush(struct writer *w);
/* After a recovery: rows that still say a call goes on are closed as `restart`. Returns when that is committed. */
int writer_end_open_calls(struct writer *w);
/* store_drop_day(): a piece of it. Returns when that is committed. */
int writer_drop_day(struct writer *w, struct store_day_drop *drop);
/* Keys of media that began ahead of then, which the spool has no longer; 0: none. */
void writer_drop_media_keys(struct writer *w, int64_t before_us);
/* Figures older than these times go, by level; 0: none. */
void writer_drop_kpi(struct writer *w, const int64_t before_us[STORE_KPI_LEVELS]);
size_t writer_depth(struct writer *w);
/* 0, or the error that the database stands at. */
int writer_error(const struct writer *w);
