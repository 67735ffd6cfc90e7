/* ZIP and TAR archives, written from front to back; libarchive is met in archive.c alone. Not thread-safe: an archive belongs to one
 * thread. */
#pragma once

#include "base/error.h"

struct archive_writer;

enum archive_format { ARCHIVE_ZIP, ARCHIVE_TAR };

/* Takes the next bytes of the archive; not 0 ends the writing, which returns it. */
typedef int archive_out(void *context, const void *bytes, size_t size);

/* All entries are of that time and readable by their owner alone. */
int archive_writer_open(enum archive_format format, int64_t time_us, archive_out *out, void *context, struct archive_writer **ret_writer);
/* An entry of `size` bytes, which follow; `packs`: it becomes smaller by compression (ZIP alone has any). */
int archive_entry(struct archive_writer *w, const char *name, uint64_t size, bool packs);
int archive_bytes(struct archive_writer *w, struct slice bytes);
/* Writes the end; without it the archive is none. */
int archive_writer_finish(struct archive_writer *w);
/* NULL is fine. */
void archive_writer_free(struct archive_writer *w);
