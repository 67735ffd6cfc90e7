/* Captures that somebody brings (POST /imports/pcap): what the API asks of whoever takes and reads them. A body comes piece by piece and is
 * never held in memory: begin(), write() as often as needed, then finish() or drop(). */
#pragma once

#include "base/error.h"

#define IMPORT_NAME_SIZE 129
#define IMPORTS_LIST_MAX 256

enum api_import_state { API_IMPORT_QUEUED, API_IMPORT_RUNNING, API_IMPORT_DONE, API_IMPORT_FAILED };

struct api_import {
    char id[40];
    char name[IMPORT_NAME_SIZE]; /* of the file, as whoever brought it says */
    char actor[80];
    enum api_import_state state;
    int64_t received_us, started_us, ended_us; /* 0: not yet */
    uint64_t bytes;
    char sha256[65];
    unsigned crashes;             /* of the service, in the middle of it */
    unsigned attempts;            /* how often its reading began: once, unless the service ended meanwhile */
    double progress;              /* 0 to 1, of the file */
    uint64_t packets;
    uint64_t calls, others;       /* calls made; streams without signalling and such */
    int64_t first_us, last_us;    /* the first and the last of them began; 0: there are none */
    uint64_t missed_packets;      /* the capture itself says that it lacks them */
    uint64_t unkept_packets;      /* media that should have been kept and could not be written */
    uint64_t evicted_calls;       /* given up because a table was full */
    uint64_t skipped_calls;       /* of too many different days */
    bool partial;                 /* the file ends in the middle, or is damaged: read up to there */
    char error[300];              /* a sentence; "": nothing is wrong */
};

enum api_import_answer {
    API_IMPORT_TAKEN,
    API_IMPORT_OFF,
    API_IMPORT_TOO_MANY,
    API_IMPORT_NO_ROOM,
    API_IMPORT_TOO_LARGE,
    API_IMPORT_NO_CAPTURE,
    API_IMPORT_KNOWN, /* these bytes were imported before */
    API_IMPORT_TROUBLE,
};

struct api_import_begin {
    const char *name, *actor;
    uint64_t announced_bytes; /* 0: not known */
};

struct import_upload;

typedef void api_import_fn(void *context, const struct api_import *import);

/* Called from any HTTP thread; `why` gets a sentence where something is refused. */
struct api_import_source {
    void *context;
    uint64_t max_bytes; /* of one; 0: none are taken */
    enum api_import_answer (*begin)(void *context, const struct api_import_begin *ask, struct import_upload **ret_upload, struct why *why);
    enum api_import_answer (*write)(struct import_upload *u, struct slice piece, struct why *why);
    /* Waits to be read when it is API_IMPORT_TAKEN; with API_IMPORT_KNOWN *ret_import is the one before. The upload is over either way. */
    enum api_import_answer (*finish)(struct import_upload *u, struct api_import *ret_import, struct why *why);
    /* The rest does not come. NULL is fine. */
    void (*drop)(void *upload);
    /* Newest first. */
    void (*list)(void *context, api_import_fn *fn, void *fn_context);
    int (*get)(void *context, const char *id, struct api_import *ret_import);
    /* Its file goes, and its reading ends; calls that it made stay. It holds behind a crash. ERR_NOT_FOUND; else the disk refused, and it stays. */
    int (*remove)(void *context, const char *id);
};
