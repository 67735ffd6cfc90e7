/* Shared by importer.c (the table, the thread), import_upload.c (files on their way in), import_file.c (what is kept of an import on the disk)
 * and import_run.c (one capture read). */
#pragma once

#include <pthread.h>

#include "app/importer.h"

#define IMPORTS_DIR "imports"

struct importer {
    struct importer_config config;
    struct pipeline_config pipeline;
    pthread_t thread;
    bool started;
    pthread_mutex_t saying; /* held while something is written of an import that may be removed, or it is removed; taken ahead of the other */
    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t changed;
    bool stopping;
    unsigned receiving;   /* uploads under way, and those whose file is being given back to the disk */
    struct api_import *items[IMPORTS_LIST_MAX]; /* the oldest first */
    unsigned count;
    char reading[40];     /* the one that is read, until its state says what became of it; "": none */
    bool cut;             /* that one was removed */
};

/* ---- import_file.c ---- */
void import_path(const struct importer *m, const char *id, const char *end, char out[600]);
/* <id>.info; 0 or an ERR_. */
int import_write(const struct importer *m, const struct api_import *i);
/* False: there is none that can be read. */
bool import_read(const struct importer *m, const char *id, struct api_import *ret_import);
/* Nobody knows of it any more, at the next start either. 0 or an ERR_. */
int import_forget(const struct importer *m, const char *id);
/* All files of it. */
void import_unlink(const struct importer *m, const char *id);

/* ---- importer.c ---- */
/* How many wait, are read or come in. Under the lock. */
unsigned importer_waiting(const struct importer *m);
/* Takes a place in the table, the oldest that is over gives way. With `ret_known` not if there is one with the same content that was not
 * refused: ERR_EXISTS, and that is *ret_known. Not under the lock. ERR_NOMEM. */
int importer_add(struct importer *m, const struct api_import *i, struct api_import *ret_known);
/* One with the same content that was not refused. Not under the lock. */
bool importer_known(struct importer *m, const char *sha256, struct api_import *ret_import);
/* So much stays free on the disk. */
uint64_t importer_min_free(const struct importer *m);

/* ---- import_upload.c ---- */
enum api_import_answer import_upload_begin(struct importer *m, const struct api_import_begin *ask, struct import_upload **ret_upload, struct why *why);
enum api_import_answer import_upload_write(struct import_upload *u, struct slice piece, struct why *why);
enum api_import_answer import_upload_finish(struct import_upload *u, struct api_import *ret_import, struct why *why);
void import_upload_drop(void *upload);

/* ---- import_run.c ---- */
struct import_run_config {
    const struct importer *importer;
    const char *path;
    bool (*goes_on)(void *context);                           /* false: stop, make nothing more */
    void (*tell)(void *context, const struct api_import *i);  /* news, now and then */
    void *context;
};
/* Reads the capture; *i says how far it came. ERR_BUSY: it was stopped. Else `why` says what was wrong. */
int import_run(const struct import_run_config *config, struct api_import *i, struct why *why);
/* Whether the file can be opened as a capture. */
int import_look(const struct settings *s, const char *path, struct why *why);
