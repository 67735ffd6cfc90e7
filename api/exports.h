/* Exports: calls that somebody wants as one file, put together by a thread of their own while nobody waits.
 *
 *   POST /exports ──► queue ──► thread ──► <data>/exports/<id>.part ──► <id>.zip ──► GET /exports/{id}/download
 *                     (<id>.json says how it stands, so a restart knows)              gone when its time is over
 *
 * An export belongs to who made it, and holds what that one may see. At most EXPORTS_MAX are known, EXPORTS_WAITING of them wait; a
 * file has a ceiling, the folder has one, and what the disk must keep free for new recordings is never taken: then old exports go
 * first. Any thread may call these functions but where it is said. */
#pragma once

#include "api/auth.h"
#include "api/export_ask.h"
#include "base/counters.h"

#define EXPORTS_MAX       200
#define EXPORTS_SHARE     4 /* one owner has at most this part of them, and */
#define EXPORTS_BYTES_SHARE 2 /* this part of max_all_bytes */
#define EXPORTS_WAITING   16 /* of one owner a quarter of them */
#define EXPORT_ID_SIZE    33
#define EXPORT_OWNER_SIZE 80
#define EXPORT_CALLS_MAX  20000

enum export_state { EXPORT_QUEUED, EXPORT_RUNNING, EXPORT_READY, EXPORT_FAILED, EXPORT_EXPIRED, EXPORT_STATES };
extern const char *const EXPORT_STATE_NAMES[EXPORT_STATES + 1];

struct export {
    char id[EXPORT_ID_SIZE];
    struct export_ask ask;
    char owner[EXPORT_OWNER_SIZE]; /* "local", "token:<id>", "user:<name>" */
    char actor[80];                /* in the audit log */
    char address[ADDR_TEXT_SIZE];
    char reason[201];              /* why they asked for it */
    struct store_limit limit;      /* whose calls; of the owner when it was made */
    enum export_state state;
    char error[24];  /* a word for programs; "" */
    char detail[200];
    int64_t created_us, began_us, ended_us, expires_us; /* 0: not yet */
    int64_t from_us, to_us; /* which calls */
    int64_t oldest_us;      /* when the first call in it began; 0: there is none */
    int64_t calls_total;    /* that are to be in it; -1: not known */
    uint64_t calls, done, files, missing, bytes; /* done: calls of which all is in it */
    bool truncated;         /* there were more calls than it may have */
    uint8_t sha256[32];     /* of the file */
};

struct exports_config {
    const char *data_dir;
    struct counters_set *counters;
    message_describe_fn *describe; /* what stands in the text of a message */
    const char *version;
    uint64_t max_bytes;      /* of one */
    uint64_t max_all_bytes;  /* of the folder */
    int64_t keep_us;         /* how long a file stays */
    void *context;           /* of the functions below */
    /* Durable when it returns 0. */
    int (*audit)(void *context, const struct store_audit *entry);
    /* Bytes that may still be written before something else would have to go for them; NULL: as the disk says. */
    uint64_t (*room)(void *context);
};

struct exports;

/* Reads what there is, removes what a crash left, starts the thread. */
int exports_start(const struct exports_config *config, struct exports **ret_exports, struct why *why);
/* What is not done fails. NULL is fine. */
void exports_stop(struct exports *all);

/* Whom an export of this identity belongs to. */
void export_owner(const struct identity *who, char out[EXPORT_OWNER_SIZE]);
/* Gives it an id and queues it. ERR_BUSY: as many wait, or are kept, as may; ERR_FULL: of its owner, whose oldest has the id that `e` then has; others: the
 * disk. */
int exports_add(struct exports *all, struct export *e);
/* False: there is none of that id. */
bool exports_get(struct exports *all, const char *id, struct export *ret_export);
/* The newest first; `owner` NULL: all. malloc'ed. */
int exports_list(struct exports *all, const char *owner, struct export **ret_list, unsigned *ret_count);
/* With its file; one that is being made ends. False: there is none. */
bool exports_remove(struct exports *all, const char *id);
/* Its file, below the data directory. */
void export_path(const struct export *e, char out[64]);
/* How it ends: "csv", "zip". */
const char *export_suffix(const struct export *e);
unsigned exports_waiting(struct exports *all);
/* What the folder holds, as blocks count; its ceiling; how long files stay. */
struct exports_use {
    uint64_t bytes, max_bytes;
    int64_t keep_s;
};
void exports_use(struct exports *all, struct exports_use *ret_use);
