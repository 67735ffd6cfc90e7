/* One export under way: what its three files share. One thread. */
#pragma once

#include <stdio.h>

#include "api/export_internal.h"
#include "api/handlers.h"
#include "api/limit.h"
#include "base/crypto.h"
#include "storage/archive.h"

struct export_run {
    struct exports *all;
    struct export *e;
    struct exchange x; /* who asked, and the reader: what handlers ask of an exchange */
    struct http_query params;
    char *params_text;
    struct call_filter filter;
    struct limit_query limit;
    int fd; /* of the .part */
    struct crypto_sha256_state sha;
    uint64_t room_for; /* bytes that were found to have room */
    struct archive_writer *archive; /* NULL: one file, bare */
    struct buf scratch;             /* JSON of one call */
    struct buf uids;                /* of the calls in it, each with its NUL */
    struct buf files, missing, sums; /* of the manifest */
};

/* ---- export_make.c ---- */
/* An entry of the archive while it is gathered, in a file without a name. NULL: the run has failed. */
FILE *export_part_open(struct export_run *r);
/* Its bytes, under that name, with the hash that the manifest tells; closes it. `uid` NULL: of all calls. */
int export_part_add(struct export_run *r, FILE *part, const char *name, const char *uid, const char *what);
/* The same of an open file; closes it. */
int export_file_add(struct export_run *r, int fd, const char *name, const char *uid, const char *what);
/* What should be there and is not. */
int export_missing(struct export_run *r, const char *uid, const char *what, const char *code, const char *reason);
/* Is it still wanted? Tells how far it is. */
int export_go_on(struct export_run *r);
/* What the disk refused, told; returns an ERR_. */
int export_io_error(struct export_run *r, int errnum);
int export_audit(struct export_run *r, const char *action, const char *object);

/* ---- export_list.c ---- */
/* All calls, once: their uids, and a table of each form that is given (may be NULL). */
int export_list(struct export_run *r, FILE *csv, FILE *ndjson);

/* ---- export_call.c ---- */
int export_call(struct export_run *r, const char *uid);
