/* Records and recordings -> disk and back, on SQLite, which is met in store*.c alone. One file per day for calls with their streams
 * and series (by the UTC day the call began), one per day for SIP messages, one (earshot.db) for what is not tied to a day: jobs,
 * tokens, audit, secrets. WAL. One writing connection per file, in one thread; readers have their own read-only connections.
 * Lists go day by day in time order. All SQL is constant text with bound values.
 *
 *   <data>/db/earshot.db  <data>/db/calls-20261121.db  <data>/db/messages-20261121.db
 */
#pragma once

#include "base/counters.h"
#include "base/error.h"
#include "storage/kpi_book.h"
#include "storage/record.h"
#include "storage/spool.h"
#include "storage/user_record.h"

/* ---- writing: one thread ---- */
struct store;

/* Makes the directories (0700) and files, migrates earshot.db forward (PRAGMA user_version), refuses a newer schema of any file with a
 * sentence. Files of days that an earlier version wrote are brought to the present one when they are first opened, to write or to read. */
int store_open(const char *data_dir, struct counters *counters, struct store **ret_store, struct why *why);
/* All of those, the newest first, beside whoever writes and reads. Tells of each ahead of it, and of NULL when all are done, if there were
 * any; false ends it. Any thread. */
typedef bool store_brought_fn(void *context, const char *file, unsigned done, unsigned all);
int store_bring_up(const char *data_dir, store_brought_fn *fn, void *context, struct why *why);
void store_close(struct store *s);

/* Lists of readers that share the same become faster by what is kept in memory (store_columns.h); it outlives both. Before anything is written or
 * read. NULL: nothing is shared. */
struct columns;
struct store_reader;
void store_shares(struct store *s, struct columns *columns);
void store_reader_shares(struct store_reader *r, struct columns *columns);

/* A transaction over all files touched: begin is implicit with the first write. Errors stick until store_commit, which
 * returns the first one and rolls back. */
int store_commit(struct store *s);
/* Rows of the transaction under way. */
unsigned store_pending(const struct store *s);

/* Inserts or replaces the call with its streams, series, chains and events. */
int store_put_call(struct store *s, const struct call_record *r);
/* Replaces the messages of a call that the spool has not got. */
int store_put_messages(struct store *s, const char *uid, int64_t started_us, const struct record_message *messages, unsigned count);
/* Updates the recording of a call (same fields as record.recording). */
int store_put_recording(struct store *s, const char *uid, int64_t started_us, const struct record_recording *recording);
/* Updates the tracks of the conference that ended with a call; none: as if there never had been any. */
int store_put_tracks(struct store *s, const char *uid, int64_t started_us, const struct record_files *tracks);

/* Replaces the tags of the call that began then; it needs no row. */
int store_put_tags(struct store *s, const char *uid, int64_t started_us, const struct record_tags *tags);

/* Those that the call has no tag of that key beside, as far as there is room. */
int store_add_tags(struct store *s, const char *uid, int64_t started_us, const struct record_tags *tags);
/* The same change to the tags of each of these calls, as they are then; says of each what came of it. */
struct store_tagged {
    char uid[40];
    int64_t started_us;
    bool recorded; /* the caller's */
    enum record_tags_verdict verdict;
};
int store_change_tags(struct store *s, const struct record_tag_change *change, struct store_tagged *calls, unsigned count);

/* What somebody says of a call, or brings as its transcript. It needs no row of the call. */
enum store_note_change { STORE_ANNOTATION_ADD, STORE_ANNOTATION_PUT, STORE_ANNOTATION_DROP, STORE_TRANSCRIPT_PUT, STORE_TRANSCRIPT_DROP };
struct store_note {
    enum store_note_change what;
    const char *uid;
    int64_t started_us;
    uint32_t n; /* of the annotation; 0: of a new one, gets the next */
    const struct record_annotation *annotation; /* of one that is changed the author and the first time stay */
    struct record_transcript *transcript; /* replaces the one that is there; the first time stays */
    int refused;                          /* 0 or, with nothing changed, ERR_NOT_FOUND, ERR_FULL (annotations), ERR_EXISTS (the recording was deleted) */
};
int store_change_note(struct store *s, struct store_note *change);
/* What was said goes with what it was said in; 0 also when there is none. */
int store_drop_transcript(struct store *s, const char *uid, int64_t started_us);
/* Of a call without notes: these. */
int store_restore_notes(struct store *s, const char *uid, int64_t started_us, const struct record_notes *notes);

struct store_job {
    char kind[16];    /* "render", "tracks" */
    char uid[40];
    int64_t started_us; /* of the call: names its day */
};
/* No work, but a call that goes on without a row: the spool keeps its media. */
#define STORE_OPEN_JOB "open"
/* Tags or notes changed while the recording was made: the file beside it may have been written without them. */
#define STORE_SIDECAR_JOB "sidecar"
int store_put_job(struct store *s, const char *kind, const char *uid, int64_t started_us);
/* *ret_new false: it stands already. */
int store_put_job_new(struct store *s, const char *kind, const char *uid, int64_t started_us, bool *ret_new);
/* It is done. */
int store_end_job_for(struct store *s, const char *kind, const char *uid);

/* Keys of the call's media, until its recording is made or will never be; they are wiped from the file then. */
int store_put_media_keys(struct store *s, const char *uid, int64_t started_us, const struct record_secrets *keys);
int store_end_media_keys(struct store *s, const char *uid);
/* Those of calls that began ahead of then and that no job is about: nothing of them is left in the spool. */
int store_drop_media_keys(struct store *s, int64_t before_us);

/* How far back a recovery has to look. To be put when what is not needed any more is committed; puts that on the disk first. */
int store_put_spool_marks(struct store *s, const struct spool_marks *marks);

/* ---- what is deleted ---- */
struct store_deletion {
    int64_t time_us;
    const char *class;     /* audio, spool, calls, messages */
    const char *object;    /* id of the recording, name of the segment or day file */
    const char *uid;       /* of the call; NULL: of many */
    int64_t started_us;    /* when what went began; 0: not known */
    const char *reason;    /* age, quota, low_disk, request */
    const char *actor;     /* "system", or who asked */
    uint32_t files;
    uint64_t bytes;
    const uint8_t *sha256; /* 32 bytes, NULL: none */
};
/* Stays when the call itself has gone; rows older than store_drop_deletions() says go. */
int store_put_deletion(struct store *s, const struct store_deletion *d);
int store_drop_deletions(struct store *s, int64_t before_us);
/* The recording of this call is `deleted` from now on, its tracks too, what was to be made of them is not, and a job "delete" stands until
 * its files have gone: store_end_deletion(). */
int store_delete_recording(struct store *s, const struct call_record *r, int64_t now_us, const char *why);
/* What is made of the call now comes too late: its recording was deleted, by a commit or in this transaction. */
int store_was_deleted(struct store *s, const char *uid, int64_t started_us, bool *ret_deleted);
int store_end_deletion(struct store *s, const struct call_record *r);

struct store_audit {
    int64_t time_us;
    const char *actor;     /* token name, "anonymous", "system" */
    const char *address;
    const char *action;    /* "audio.read", "pcap.read", "login", ... */
    const char *object;
    const char *result;    /* "ok", "denied", ... */
    const char *detail;    /* bytes, range, reason; may be NULL */
};
/* Append-only, hash-chained: hash = SHA-256(previous hash, canonical fields). */
int store_put_audit(struct store *s, const struct store_audit *entry);

/* Registrations, subscriptions, presence, messages, peers, agents: the record of that kind (user_record.h), with its key
 * set. What is there under the key becomes this; of weak ones see there. */
int store_put_user(struct store *s, enum user_kind kind, const void *record);
/* Registrations that nobody refreshed while we were not looking: `expired` where they ran out before now_us. */
int store_users_overdue(struct store *s, int64_t now_us);
/* Findings that were open when we were stopped are cleared: nobody watches them any more. Commits. */
int store_findings_close(struct store *s);
/* Whose calls a token or an account is for: names with commas between; a call is seen when each of the lists that is not empty holds its
 * tenant, one of its sites, its trunk, the beginning of a number of either side, and when it began late enough. */
#define STORE_LIMIT_TEXT 272 /* 8 names */
struct store_limit {
    char tenants[STORE_LIMIT_TEXT];
    char sites[STORE_LIMIT_TEXT];
    char trunks[STORE_LIMIT_TEXT];
    char prefixes[STORE_LIMIT_TEXT];
    int64_t max_age_s; /* 0: however old */
    int64_t since_us;  /* not stored: what max_age_s means for who asks now; 0: no bound */
};

#define STORE_SCOPES_TEXT 128
#define STORE_CIDRS_TEXT  400 /* 8 networks */

struct store_token {
    char id[24];
    uint8_t hash[32];      /* SHA-256 of the secret part */
    char name[64];
    char role[24];
    int64_t created_us;
    int64_t expires_us;    /* 0: never */
    bool revoked;
    struct store_limit limit;
    char scopes[STORE_SCOPES_TEXT]; /* with commas between; of those of its role only these; "": all of them */
    char cidrs[STORE_CIDRS_TEXT];   /* from where; "": from anywhere */
    int64_t used_us;                /* last, to some minutes; 0: never */
};
int store_put_token(struct store *s, const struct store_token *token);
int store_token_used(struct store *s, const char *id, int64_t used_us);

/* A person who logs in. */
struct store_account {
    char name[64];
    char password[128]; /* as crypto_password_hash() makes it */
    char role[24];
    char scopes[STORE_SCOPES_TEXT];
    int64_t created_us;
    int64_t changed_us; /* sessions from before are over */
    int64_t read_us;    /* changed_us of the row that it was read from; 0: it is new */
    int64_t used_us;    /* the last login; 0: never */
    bool disabled;
    struct store_limit limit;
};
/* `ret_stale`: nothing was written, somebody else made, changed or deleted it since it was read. */
int store_put_account(struct store *s, const struct store_account *account, bool *ret_stale);
int store_account_used(struct store *s, const char *name, int64_t used_us);
int store_drop_account(struct store *s, const char *name);
/* Small secrets and marks of the installation ("id_secret", "cursor_key"): made on first use. */
int store_secret(struct store *s, const char *name, uint8_t ret_secret[32]);
/* Calls whose row says they have not ended (left by a crash): ends them with end_reason `restart` at their last known time. Of those
 * without a row STORE_OPEN_JOB goes. Nothing of them is in the spool, so their media keys go too. Commits. */
int store_end_open_calls(struct store *s, unsigned *ret_count);
/* The file of a day goes, with one of calls the findings that old. One with calls that were imported since `imported_since_us` stays for
 * them alone: what was captured goes, and what is attached to calls that are not there, so many calls of the day at a time, each time a transaction.
 * Stopped in between, the rest is there as it was. Commits. */
struct store_day_drop {
    int64_t day_us; /* a time of it */
    bool messages;  /* its file of messages; else of calls */
    int64_t imported_since_us;
    unsigned calls; /* looked at each time; 0: 256 */
    bool stays;     /* false and 0 at first, then as they were left */
    int64_t after;
    bool more;      /* told: it is not done, the same once more */
    bool gone;      /* told: the file */
};
int store_drop_day(struct store *s, struct store_day_drop *d);

/* ---- figures (kpi.h): kept in earshot.db at four levels at once, longer than the calls they come from ---- */
enum store_kpi_level { STORE_KPI_MINUTE, STORE_KPI_QUARTER, STORE_KPI_HOUR, STORE_KPI_DAY, STORE_KPI_LEVELS };
int64_t store_kpi_step_us(enum store_kpi_level level);

/* From now on each final record that is put is counted, once for all times (store_kpi.c says how). */
int store_kpi_open(struct store *s, const struct kpi_book_config *config);
/* At a start, after recovery and store_end_open_calls(): calls that ended but whose last row a crash prevented are
 * counted as they stand. Commits. */
int store_kpi_adopt(struct store *s);
/* Counted calls into earshot.db. Commits. Due about once a minute. */
int store_kpi_flush(struct store *s);
/* A registration that is over; what is not flushed is lost in a crash. */
void store_kpi_registration(struct store *s, int64_t at_us, const char *trunk, bool success, unsigned code, double rrd_ms);
/* Rows that began before these times go; 0: none of that level. */
int store_kpi_drop(struct store *s, const int64_t before_us[STORE_KPI_LEVELS]);

/* ---- reading: any number of readers, one thread each ---- */
struct store_reader;

int store_reader_open(const char *data_dir, struct store_reader **ret_reader);
void store_reader_close(struct store_reader *r);

enum store_order { STORE_NEWEST, STORE_OLDEST, STORE_MOS_MIN, STORE_DURATION, STORE_LONGEST };

#define STORE_VALUES_MAX 8
/* Filters of GET /calls; empty or zero = not asked. Repeated values are OR. */
struct store_query {
    int64_t from_us;          /* started_us in [from, to) */
    int64_t to_us;
    const char *call_id[STORE_VALUES_MAX];
    const char *from_user[STORE_VALUES_MAX], *to_user[STORE_VALUES_MAX];
    const char *number[STORE_VALUES_MAX];      /* either side */
    const char *number_prefix;
    const char *ip[STORE_VALUES_MAX];          /* signalling or media address, text */
    const char *outcome[STORE_VALUES_MAX];
    const char *codec[STORE_VALUES_MAX];
    const char *kind;                          /* default "call" */
    int sip_code[STORE_VALUES_MAX];
    int q850[STORE_VALUES_MAX];
    int64_t duration_ms_gte, duration_ms_lte;  /* -1: not asked */
    double mos_min_lte, r_fb_min_lte, loss_ratio_gte, jitter_ms_gte; /* NAN: not asked */
    const char *mos_scale;                     /* with mos_min_lte */
    int one_way, no_rtp, has_recording, encrypted, partial; /* -1 not asked, 0, 1 */
    const char *user_agent_contains;
    const char *tenant[STORE_VALUES_MAX], *trunk[STORE_VALUES_MAX], *direction[STORE_VALUES_MAX];
    const char *site[STORE_VALUES_MAX];        /* of either side */
    const char *tag[STORE_VALUES_MAX];         /* "key:value" */
    const char *label[STORE_VALUES_MAX];       /* of the diagnosis */
    /* Of recordings. Rows of versions before know no format and no length: they are delivered, too. */
    const char *uid[STORE_VALUES_MAX];
    const char *recording_state[STORE_VALUES_MAX];
    const char *recording_format[STORE_VALUES_MAX];
    int64_t recording_ms_gte, recording_ms_lte; /* -1: not asked */
    bool any_kind;                             /* `kind` does not count */
    const char *import_id[STORE_VALUES_MAX];
    const char *source;                        /* "import": only out of captures that were brought; "capture": only others */
    /* What the asker may see at all: as above, and both hold. */
    const char *only_tenant[STORE_VALUES_MAX], *only_site[STORE_VALUES_MAX], *only_trunk[STORE_VALUES_MAX], *only_prefix[STORE_VALUES_MAX];
    const char *text;                          /* q: in call id, users, user agent */
    const char *words;                         /* in annotations and the transcript, as word_query_make() writes it */
    enum store_words_in { STORE_WORDS_ANY, STORE_WORDS_TRANSCRIPT, STORE_WORDS_ANNOTATIONS } words_in;
    enum store_order order;
    unsigned limit;                            /* 1..1000 */
    bool brief;                                /* records without streams, chains and tracks: these are not read */
    /* Where the page before ended: order value, time and uid of its last row; uid "" for the first page. */
    double after_value;
    int64_t after_us;
    char after_uid[40];
};
void store_query_defaults(struct store_query *q);

typedef void store_record_fn(void *context, const struct call_record *record);
/* Delivers at most q->limit records (without series, messages and events) in order; *ret_more says whether others follow. Ended calls
 * only. STORE_MOS_MIN and STORE_DURATION go from low to high, STORE_LONGEST from high to low, calls without a value last (after_value NAN), newer ones first among equals;
 * after_value is the row's mos_min or duration_ms. A record is valid during the call that delivers it. */
int store_calls(struct store_reader *r, const struct store_query *q, store_record_fn *fn, void *context, bool *ret_more);
int store_count(struct store_reader *r, const struct store_query *q, uint64_t *ret_count);
/* The same without looking at all of them: exact where so few calls began in the time range that counting is cheap, else so many as
 * the share of a sample makes of all. Looks at no more than STORE_ESTIMATE_EXACT entries of an index or STORE_ESTIMATE_SAMPLE
 * calls of at most STORE_ESTIMATE_DAYS days. With only_... set it is store_count(): no kind and no error of a sample tells of what others have. */
#define STORE_ESTIMATE_EXACT  20000
#define STORE_ESTIMATE_SAMPLE 2000
#define STORE_ESTIMATE_DAYS   32
int store_estimate(struct store_reader *r, const struct store_query *q, uint64_t *ret_count, bool *ret_exact);
/* What stands in after_value to go on behind this call. */
double store_order_value(enum store_order order, const struct call_record *r);
/* The whole record, series and events included. ERR_NOT_FOUND. */
int store_call(struct store_reader *r, const char *uid, struct call_record **ret_record);
/* Has the call its last row, the one with its chains? For who asks about all calls of a spool; begun about then. Yes, too, where it
 * began before gone_us and its day is not there any more: retention took it. */
struct store_asked_whole {
    char uid[40];
    int64_t about_us;
    bool whole; /* out */
};
int store_calls_whole(struct store_reader *r, struct store_asked_whole *asked, size_t count, int64_t gone_us);
int store_recording(struct store_reader *r, const char *recording_id, struct call_record **ret_record);
/* What is attached to the call that began then; none when nothing is. */
int store_tags(struct store_reader *r, const char *uid, int64_t started_us, struct record_tags *ret_tags);
#define STORE_ANNOTATIONS 1
#define STORE_TRANSCRIPT  2
/* Annotations or the transcript of the call that began then, or both, into the arena; none when there is nothing. */
int store_notes(struct store_reader *r, const char *uid, int64_t started_us, unsigned which, struct arena *arena,
                struct record_notes *ret_notes);
/* The records (without series and events) that hold tracks of the conference this call was part of, at most STORE_TRACKS_MAX: of
 * the day it began, the next or the one before, the newest that has any. A conference longer than that is not found whole. */
#define STORE_TRACKS_MAX 8
int store_tracks(struct store_reader *r, const struct call_record *call, store_record_fn *fn, void *context);
/* The messages of a call that was read from the store: out of the spool, which has them as they came, or out of the rows that
 * versions before wrote. ERR_NOT_FOUND: there are none (any more). May be called from a store_record_fn. */
int store_messages(struct store_reader *r, const struct call_record *call, message_fn *fn, void *context);
/* Who knows what stands in the text of messages; without it they are shown as bytes with places and times. */
void store_reader_describes(struct store_reader *r, message_describe_fn *describe);
/* ---- what could be deleted ---- */
typedef void store_take_fn(void *context, struct call_record *record);
/* Calls of the day `day` with files of sound, the oldest first, at most `limit`: those that began behind (after_us, after_uid).
 * A record is the callee's. */
int store_audio(struct store_reader *r, const char *day, int64_t after_us, const char *after_uid, unsigned limit,
                store_take_fn *fn, void *context);
typedef void store_deletion_fn(void *context, const struct store_deletion *d);
/* Newest first, those in [from, to). */
int store_deletions(struct store_reader *r, int64_t from_us, int64_t to_us, unsigned limit, store_deletion_fn *fn, void *context);
/* When the oldest call began whose packets in the spool are wanted: it goes on (calls that began since from_us are asked), or
 * waits to be rendered. INT64_MAX: none. */
int store_spool_wanted(struct store_reader *r, int64_t from_us, int64_t *ret_since_us);
/* Of calls that began ahead of *ret_us nothing is left in a spool of that age: what goes on or waits keeps its media longer. */
int store_spool_begins(struct store_reader *r, int64_t now_us, int64_t age_us, int64_t *ret_us);
struct store_day {
    char text[9];      /* "20261121" */
    int64_t start_us;
    uint64_t bytes;    /* on the disk, its log included */
};
/* Day files of calls, or of messages, the oldest first; malloc'ed. */
int store_days(const char *data_dir, bool messages, struct store_day **ret_days, size_t *ret_count);
/* When the newest of its imported calls was imported (0: it has none), and whether it has any that was captured. */
int store_day_content(struct store_reader *r, const char *day, int64_t *ret_imported_us, bool *ret_captured);
typedef void store_job_fn(void *context, const struct store_job *job);
int store_jobs(struct store_reader *r, store_job_fn *fn, void *context);
/* Zeros where there are none that can be read. */
int store_spool_marks(struct store_reader *r, struct spool_marks *ret_marks);
/* Keys of the call's media into its record, when that has none; 0 also when there are none. */
int store_media_keys(struct store_reader *r, struct call_record *record);
int store_token(struct store_reader *r, const char *id, struct store_token *ret_token);
typedef void store_token_fn(void *context, const struct store_token *token);
int store_tokens(struct store_reader *r, store_token_fn *fn, void *context);
int store_token_count(struct store_reader *r, unsigned *ret_count);
/* ERR_NOT_FOUND */
int store_account(struct store_reader *r, const char *name, struct store_account *ret_account);
typedef void store_account_fn(void *context, const struct store_account *account);
int store_accounts(struct store_reader *r, store_account_fn *fn, void *context);
int store_account_count(struct store_reader *r, unsigned *ret_count);
typedef void store_audit_fn(void *context, int64_t id, const struct store_audit *entry, const uint8_t hash[32]);
/* NULL and 0: not asked; all that is asked holds. */
struct store_audit_query {
    int64_t from_us, to_us; /* in [from, to) */
    int64_t before;         /* id < before */
    const char *actor, *address, *action, *object, *result;
    unsigned limit;
};
/* Newest first. */
int store_audit_list(struct store_reader *r, const struct store_audit_query *q, store_audit_fn *fn, void *context);
/* Recomputes the chain. *ret_bad_id = first row that does not fit, 0 when whole. */
int store_audit_verify(struct store_reader *r, int64_t *ret_bad_id, uint64_t *ret_rows);

struct store_kpi_row {
    const char *dimension; /* "", "trunk:carrier-a" */
    int64_t start_us;
    const struct kpi_cell *cell;
    uint32_t concurrent_max, started_max;
};
typedef void store_kpi_fn(void *context, const struct store_kpi_row *row);
/* Rows of a level that begin in [from, to), by dimension, then time. kind "": the one over all calls; else "trunk",
 * "direction", "site", "prefix". */
int store_kpi(struct store_reader *r, enum store_kpi_level level, const char *kind, int64_t from_us, int64_t to_us,
              store_kpi_fn *fn, void *context);

/* ---- what became of recordings ---- */
struct store_coverage_row {
    const char *result; /* of the closed list, NULL: none yet */
    bool waiting;       /* its sound is not rendered yet */
    uint64_t calls;
};
/* False ends it. */
typedef bool store_coverage_fn(void *context, const struct store_coverage_row *row);
/* Answered calls that began in [from, to), day by day: a result may come once a day. */
int store_coverage(struct store_reader *r, int64_t from_us, int64_t to_us, store_coverage_fn *fn, void *context);

/* ---- quality of places, an hour at a time ---- */
#define STORE_SCALES 3 /* NB, WB, FB */
struct store_quality_row {
    const char *place; /* name of a site or trunk */
    int64_t hour_us;
    uint64_t calls, answered, one_way, no_rtp; /* a call between two sites counts in both */
    uint64_t scored;
    /* NAN without a value; each call with that of its worse direction. */
    double r_fb_avg, r_fb_min, loss_ratio_avg, loss_ratio_max, jitter_ms_avg, jitter_ms_max;
    struct {
        uint64_t calls;
        double avg, min;
    } mos[STORE_SCALES];
};
/* False ends it. */
typedef bool store_quality_fn(void *context, const struct store_quality_row *row);
enum store_place { STORE_SITES, STORE_TRUNKS };
/* Ended calls that began in [from, to), by hour, then name. Days do not share hours, so each row is whole. */
int store_quality(struct store_reader *r, enum store_place of, int64_t from_us, int64_t to_us, store_quality_fn *fn, void *context);

/* ---- user records ---- */
enum user_match { USER_IS, USER_CONTAINS };
/* A field's value; two fields with `or_field`. Equal fields are OR, different ones AND. A number where the field is one. */
struct store_user_filter {
    const char *field, *or_field;
    enum user_match match;
    const char *text;
    int64_t number;
};

#define STORE_USER_FILTERS_MAX 48
struct store_user_query {
    enum user_kind kind;
    int64_t from_us, to_us;  /* of what happened, in [from, to); 0: open */
    struct store_user_filter filter[STORE_USER_FILTERS_MAX];
    unsigned filter_count;
    unsigned limit;          /* 1..1000 */
    /* Where the page before ended; id 0 for the first. */
    int64_t after_us, after_id;
};
/* False when there is no room. */
bool store_user_filter_add(struct store_user_query *q, struct store_user_filter filter);

/* `record` is of the query's kind and valid during the call. */
typedef void store_user_fn(void *context, const void *record, int64_t id);
/* What is so now: newest row first, by the time it was made, so pages stay whole while rows change. What happened: newest
 * first. Aggregates only once they stand for more than what has rows. */
int store_users(struct store_reader *r, const struct store_user_query *q, store_user_fn *fn, void *context, bool *ret_more);

struct store_user_counts {
    uint64_t registered, peers_up, peers_down;
};
int store_user_counts(struct store_reader *r, struct store_user_counts *ret_counts);
