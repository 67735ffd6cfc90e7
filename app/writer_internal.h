/* The inside of the writer: one item of its inbox, and the writer itself. What is asked of it comes from any thread (writer_ask.c); all else
 * is its own thread's: what an item means in the database (writer_items.c), and batches of them (writer.c). */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "app/writer.h"
#include "base/hash.h"
#include "base/inbox.h"
#include "base/map.h"

enum item_kind { ITEM_RECORD, ITEM_RENDERED, ITEM_REQUESTED, ITEM_TRACKS, ITEM_AUDIT, ITEM_FLUSH, ITEM_DROP_DAY, ITEM_DROP_MEDIA_KEYS, ITEM_END_OPEN, ITEM_USER, ITEM_USERS_OVERDUE,
                 ITEM_DROP_KPI, ITEM_REGISTRATION, ITEM_TAGS, ITEM_TAGS_OF_MANY, ITEM_NOTE, ITEM_JOB_GONE, ITEM_DELETED, ITEM_FILES_GONE,
                 ITEM_SPOOL_MARK, ITEM_TOKEN, ITEM_TOKEN_USED, ITEM_ACCOUNT, ITEM_ACCOUNT_USED, ITEM_ACCOUNT_GONE };

struct gate { /* lives on the waiting thread's stack */
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool open;
    int err;
};

struct item {
    enum item_kind kind;
    struct call_record *record;
    const struct store_audit *audit; /* the waiter's */
    const struct record_tags *tags;  /* the waiter's, as is `uid` */
    const char *uid;
    int64_t started_us;
    const struct writer_deletions *deletions; /* the waiter's, as are these */
    struct store_note *note;
    const struct record_tag_change *tag_change;
    struct store_tagged *tagged;
    unsigned tagged_count;
    const struct store_token *token;
    const struct store_account *account;
    bool *ret_stale; /* of the account */
    int *ret_err;    /* of what commits by itself */
    struct gate *gate;
    char job_kind[16], job_uid[40];
    struct store_day_drop *day_drop;          /* the waiter's */
    int64_t now_us;
    enum user_kind user_kind;
    void *user;
    struct writer_registration registration;
    int64_t kpi_before_us[STORE_KPI_LEVELS];
    uint32_t spool_segment;
    bool gave_way;                   /* an earlier row of the same call did */
    bool kept;                       /* the disk did not take it: the last row may stand already */
    bool unwanted;                   /* what was made was deleted meanwhile */
    struct item *next;               /* in the batch */
};

struct writer {
    struct writer_config config;
    struct store *store;
    struct counters *counters;
    struct inbox *inbox;
    pthread_t thread;
    bool writing;                    /* something is written and not committed */
    struct item *batch, **batch_end; /* of it what is needed again after the commit */
    unsigned batch_records;          /* and how many records are not */
    unsigned batch_kept;             /* of the batch: only for the case that it fails */
    struct item *again, **again_end; /* the disk did not take these: the same once more, each second */
    _Atomic unsigned again_count;
    int64_t again_ns;                /* mono */
    int64_t batch_since_ns;
    int64_t kpi_flushed_ns;          /* mono */
    int64_t kpi_minute;              /* of the newest end that was flushed */
    bool kpi_due;
    struct spool_marks marks;        /* as put or to be put */
    bool marks_new;
    _Atomic bool lost_call;          /* the spool has it still: no mark may pass it */
    struct map gave_way; /* calls that have STORE_OPEN_JOB in place of a row, by a hash of their uid */
    struct hash_seed seed;
    _Atomic int error;
    _Atomic unsigned users_waiting; /* in the inbox and the batch */
    _Atomic uint64_t users_lost;    /* not yet in the counters */
};

/* The waiter goes on, with what became of the item. */
void writer_gate_open(struct gate *g, int err);
/* The item into the open transaction. */
int writer_write(struct writer *w, struct item *item);
/* Somebody gets the record when it is committed. */
bool writer_goes_on(const struct call_record *r);
