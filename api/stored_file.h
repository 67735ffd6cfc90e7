/* A file as it lies on the disk, whole or in byte ranges; every reading is in the audit log before its first byte. */
#pragma once

#include "api/handlers.h"

struct stored_file {
    const char *action;  /* in the audit log */
    const char *id;      /* its object */
    const char *note;    /* ahead of the reason there; NULL: none */
    const char *type;    /* Content-Type */
    const uint8_t *sha256;
    enum http_stream_kind stream;
    char disposition[160];
};

/* An open descriptor of a regular file below the data directory, or -1: the path comes from our own database, but a database is a
 * file, too. */
int stored_file_open(const char *data_dir, struct slice path, uint64_t *ret_size);
/* Takes over `fd`. */
void stored_file_send(struct exchange *x, const struct stored_file *f, int fd, uint64_t size);
