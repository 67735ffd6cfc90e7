#include "storage/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>

struct archive_writer {
    struct archive *archive;
    enum archive_format format;
    int64_t time_us;
    archive_out *out;
    void *context;
    int err; /* the first of out() */
    uint64_t left; /* of the entry */
};

static ssize_t write_out(struct archive *a, void *context, const void *bytes, size_t size)
{
    struct archive_writer *w = context;
    int err = w->err ? w->err : w->out(w->context, bytes, size);
    if (err == 0)
        return (ssize_t)size;
    w->err = err;
    archive_set_error(a, -1, "the archive cannot be written");
    return -1;
}

static int result(const struct archive_writer *w, int code)
{
    return w->err ? w->err : code == ARCHIVE_OK ? 0 : ERR_IO;
}

/* Small blocks would be padded to large ones at the end of a TAR. */
static int open_archive(struct archive_writer *w)
{
    int code = w->format == ARCHIVE_ZIP ? archive_write_set_format_zip(w->archive) : archive_write_set_format_pax_restricted(w->archive);
    if (code == ARCHIVE_OK)
        code = archive_write_set_bytes_per_block(w->archive, 65536);
    if (code == ARCHIVE_OK)
        code = archive_write_set_bytes_in_last_block(w->archive, 1);
    if (code == ARCHIVE_OK)
        code = archive_write_open(w->archive, w, NULL, write_out, NULL);
    return result(w, code);
}

int archive_writer_open(enum archive_format format, int64_t time_us, archive_out *out, void *context, struct archive_writer **ret_writer)
{
    struct archive_writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return ERR_NOMEM;
    *w = (struct archive_writer){.archive = archive_write_new(), .format = format, .time_us = time_us, .out = out, .context = context};
    int err = w->archive ? open_archive(w) : ERR_NOMEM;
    if (err)
        archive_writer_free(w);
    else
        *ret_writer = w;
    return err;
}

int archive_entry(struct archive_writer *w, const char *name, uint64_t size, bool packs)
{
    struct archive_entry *e = archive_entry_new();
    if (e == NULL)
        return ERR_NOMEM;
    archive_entry_set_pathname(e, name);
    archive_entry_set_size(e, (int64_t)size);
    archive_entry_set_filetype(e, AE_IFREG);
    archive_entry_set_perm(e, 0600);
    archive_entry_set_mtime(e, w->time_us / 1000000, 0);
    if (w->format == ARCHIVE_ZIP)
        (void)(packs ? archive_write_zip_set_compression_deflate(w->archive) : archive_write_zip_set_compression_store(w->archive));
    w->left = size;
    int code = archive_write_header(w->archive, e);
    archive_entry_free(e);
    return result(w, code);
}

int archive_bytes(struct archive_writer *w, struct slice bytes)
{
    if (bytes.size > w->left)
        return ERR_INVALID;
    w->left -= bytes.size;
    if (bytes.size == 0)
        return 0;
    la_ssize_t n = archive_write_data(w->archive, bytes.data, bytes.size);
    return result(w, n == (la_ssize_t)bytes.size ? ARCHIVE_OK : ARCHIVE_FATAL);
}

int archive_writer_finish(struct archive_writer *w)
{
    if (w->left)
        return ERR_TRUNCATED;
    return result(w, archive_write_close(w->archive));
}

/* An archive that is given up writes no end. */
void archive_writer_free(struct archive_writer *w)
{
    if (w == NULL)
        return;
    w->err = w->err ? w->err : ERR_IO;
    if (w->archive)
        (void)archive_write_free(w->archive);
    free(w);
}
