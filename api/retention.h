/* Retention as people see and change it: what the API asks of whoever deletes. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

struct retention; /* both are known to the program alone */
struct terms_of_request;

/* What is stored and for how long; by class, the first of LABELS(STORED): exports have terms of their own. 0: no bound. */
#define API_RETENTION_CLASSES 4
struct api_retention {
    struct {
        int64_t max_age_s;
        uint64_t max_bytes, bytes, protected_bytes;
    } classes[API_RETENTION_CLASSES];
    uint64_t min_free_bytes, free_bytes;
    bool low;
    const char *source; /* "configuration", "api" */
    char tag[33];       /* of the terms */
};

/* Other terms of retention, as the body of a request asks for them. */
struct api_terms {
    struct terms_of_request *terms;
    char field[48];     /* at fault, when they are refused */
    struct buf *change; /* gets what would be another; nothing: they are those in force */
    bool shorter;       /* by these something may go that stays by those in force */
    char tag_now[33], tag_tried[33]; /* of the terms in force; of going from them to these */
};

struct api_would_go {
    uint64_t things, files, bytes;
    int64_t oldest_us, newest_us;
};

/* Called from any HTTP thread. */
struct api_retention_source {
    struct retention *context;
    int (*show)(struct retention *context, struct api_retention *ret_retention); /* NULL: there is none */
    void (*run)(struct retention *context); /* looks now */
    /* What read() read, let_go() frees. Where it is refused, `why` says it in one sentence. */
    int (*read)(struct retention *context, struct slice body, struct api_terms *ret_terms, struct why *why);
    /* Nothing goes; takes seconds at most. Not complete: it took too long, and these are the first of them. */
    int (*dry_run)(struct retention *context, const struct api_terms *terms, struct api_would_go ret[API_RETENTION_CLASSES], bool *ret_complete);
    /* Stored and in force when it returns 0; ERR_BUSY: others were put since read(). */
    int (*put)(struct retention *context, const struct api_terms *terms);
    void (*let_go)(struct api_terms *terms);
    /* Deletes the files of the call's recording and says so in its record. Done when it returns 0. May be NULL. */
    int (*delete_recording)(struct retention *context, const char *uid, const char *actor, uint32_t *ret_files, uint64_t *ret_bytes);
};
