/* An export from its beginning to its file: the lists, each call, the manifest with its hashes, the name. Everything that goes into
 * the file passes take_bytes(): it counts, hashes, looks for room, and hears of it when nobody wants the export any more. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/export_run.h"
#include "base/clock.h"

#define CALL_BYTES_MAX (8u << 20)  /* JSON of one call */
#define LIST_BYTES_MAX (64u << 20) /* of the manifest, each of its lists */
#define ROOM_STEP      ((uint64_t)8 << 20)

/* ---- out ---- */

int export_io_error(struct export_run *r, int errnum)
{
    if (errnum == ENOSPC || errnum == EDQUOT)
        return export_fail(r->e, ERR_FULL, "disk_full", "The disk is full.");
    return export_fail(r->e, ERR_IO, "disk", "%s cannot be written: %s.", r->all->dir, strerror(errnum ? errnum : EIO));
}

static int write_all(struct export_run *r, const uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(r->fd, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return export_io_error(r, n < 0 ? errno : EIO);
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

int export_go_on(struct export_run *r)
{
    return exports_tell(r->all, r->e) ? 0 : ERR_NOT_FOUND;
}

static int need_room(struct export_run *r, uint64_t upto)
{
    if (upto <= r->room_for)
        return 0;
    int err = exports_room(r->all, r->e, upto - r->e->bytes);
    r->room_for = err ? 0 : upto + ROOM_STEP;
    return err ? err : export_go_on(r);
}

/* The next bytes of the file. */
static int take_bytes(void *context, const void *bytes, size_t size)
{
    struct export_run *r = context;
    int err = need_room(r, r->e->bytes + size);
    if (err == 0)
        err = write_all(r, bytes, size);
    if (err)
        return err;
    crypto_sha256_update(&r->sha, slice_of(bytes, size));
    r->e->bytes += size;
    return 0;
}

/* A bare file as a stream. */
static ssize_t take_cookie(void *cookie, const char *bytes, size_t size)
{
    return take_bytes(cookie, bytes, size) == 0 ? (ssize_t)size : 0;
}

/* ---- entries of an archive ---- */

/* Not every file system has files without names: there the name goes at once. */
static int open_unnamed(struct export_run *r)
{
    char path[700];
    int fd = open(r->all->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    snprintf(path, sizeof path, "%s/%s.entry", r->all->dir, r->e->id);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

FILE *export_part_open(struct export_run *r)
{
    int fd = open_unnamed(r);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w+e");
    if (f == NULL)
        (void)export_io_error(r, errno);
    if (f == NULL && fd >= 0)
        close(fd);
    return f;
}

static void note_file(struct export_run *r, const char *name, const char *uid, const char *what, uint64_t size, const char *hex)
{
    struct json j;
    buf_printf(&r->sums, "%s  %s\n", hex, name);
    r->e->files++;
    if (what == NULL)
        return;
    json_init(&j, &r->files);
    json_object(&j);
    json_kv_str(&j, "name", name);
    json_kv_str(&j, "what", what);
    json_kv_str(&j, "call_uid", uid);
    json_kv_int(&j, "size_bytes", (int64_t)size);
    json_kv_str(&j, "sha256", hex);
    json_end(&j);
    buf_char(&r->files, ',');
}

int export_missing(struct export_run *r, const char *uid, const char *what, const char *code, const char *reason)
{
    struct json j;
    json_init(&j, &r->missing);
    json_object(&j);
    json_kv_str(&j, "call_uid", uid);
    json_kv_str(&j, "what", what);
    json_kv_str(&j, "code", code);
    json_kv_str(&j, "reason", reason);
    json_end(&j);
    buf_char(&r->missing, ',');
    r->e->missing++;
    return 0;
}

/* Exactly `size` bytes: a file that grows or shrinks meanwhile is none. */
static int copy_bytes(struct export_run *r, int fd, uint64_t size, struct crypto_sha256_state *sha)
{
    uint8_t part[65536];
    int err = 0;
    for (uint64_t at = 0; at < size && err == 0;) {
        size_t want = size - at < sizeof part ? (size_t)(size - at) : sizeof part;
        ssize_t n = pread(fd, part, want, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return export_fail(r->e, ERR_IO, "disk", "A file that is to be in it cannot be read: %s.", n < 0 ? strerror(errno) : "it became shorter");
        crypto_sha256_update(sha, slice_of(part, (size_t)n));
        err = archive_bytes(r->archive, slice_of(part, (size_t)n));
        at += (uint64_t)n;
    }
    return err;
}

static int add_entry(struct export_run *r, int fd, const char *name, const char *uid, const char *what)
{
    struct crypto_sha256_state sha;
    uint8_t digest[32];
    char hex[65];
    struct stat st;
    size_t end = strlen(name);
    bool packs = uid == NULL || (end > 5 && strcmp(name + end - 5, ".json") == 0);
    if (fstat(fd, &st) != 0)
        return export_io_error(r, errno);
    crypto_sha256_init(&sha);
    int err = archive_entry(r->archive, name, (uint64_t)st.st_size, packs);
    if (err == 0)
        err = copy_bytes(r, fd, (uint64_t)st.st_size, &sha);
    crypto_sha256_final(&sha, digest);
    if (err == 0)
        note_file(r, name, uid, what, (uint64_t)st.st_size, crypto_hex(slice_of(digest, sizeof digest), hex));
    return err ? err : export_go_on(r);
}

int export_file_add(struct export_run *r, int fd, const char *name, const char *uid, const char *what)
{
    int err = add_entry(r, fd, name, uid, what);
    close(fd);
    return err;
}

int export_part_add(struct export_run *r, FILE *part, const char *name, const char *uid, const char *what)
{
    int err = fflush(part) == 0 && !ferror(part) ? add_entry(r, fileno(part), name, uid, what) : export_io_error(r, errno);
    fclose(part);
    return err;
}

static int add_text(struct export_run *r, const struct buf *text, const char *name)
{
    if (text->failed)
        return export_fail(r->e, ERR_NOMEM, "too_large", "Its manifest would be too large: ask for fewer calls.");
    FILE *part = export_part_open(r);
    if (part == NULL)
        return ERR_IO;
    (void)fwrite(text->data, 1, text->size, part);
    return export_part_add(r, part, name, NULL, NULL);
}

/* ---- the manifest ---- */

static void list_json(struct json *j, const char *name, const struct buf *items)
{
    json_key(j, name);
    json_array(j);
    if (items->size)
        json_raw(j, slice_of(items->data, items->size - 1)); /* without the last comma */
    json_end(j);
}

static void manifest_json(struct export_run *r, struct buf *out)
{
    const struct export *e = r->e;
    struct json j;
    json_init(&j, out);
    json_object(&j);
    json_kv_str(&j, "format", "earshot export 1");
    json_kv_str(&j, "made_by", r->all->config.version);
    json_kv_str(&j, "id", e->id);
    json_kv_str(&j, "actor", e->actor);
    json_kv_time(&j, "created_at", e->created_us);
    json_kv_time(&j, "from", e->from_us);
    json_kv_time(&j, "to", e->to_us);
    export_ask_json(&j, &e->ask);
    json_kv_int(&j, "calls", (int64_t)e->calls);
    json_kv_bool(&j, "truncated", e->truncated);
    list_json(&j, "files", &r->files);
    list_json(&j, "missing", &r->missing);
    json_end(&j);
    buf_char(out, '\n');
}

static int add_manifest(struct export_run *r)
{
    struct buf text;
    buf_init(&text, 3 * (size_t)LIST_BYTES_MAX);
    manifest_json(r, &text);
    text.failed |= r->files.failed || r->missing.failed || r->sums.failed;
    int err = add_text(r, &text, "manifest.json");
    buf_fini(&text);
    return err;
}

static int add_sums(struct export_run *r)
{
    struct buf text = r->sums; /* a file cannot tell its own hash */
    r->sums = (struct buf){.ceiling = LIST_BYTES_MAX};
    int err = add_text(r, &text, "SHA256SUMS");
    buf_fini(&text);
    return err;
}

/* ---- the making ---- */

static int end_bare(struct export_run *r, FILE *f, int err)
{
    bool good = fclose(f) == 0;
    return err || good ? err : r->e->error[0] ? ERR_IO : ERR_NOT_FOUND;
}

static int make_bare(struct export_run *r)
{
    const cookie_io_functions_t io = {.write = take_cookie};
    FILE *f = fopencookie(r, "w", io);
    if (f == NULL)
        return export_fail(r->e, ERR_NOMEM, "internal", "There is no memory for it.");
    bool csv = r->e->ask.kind == EXPORT_CSV;
    return end_bare(r, f, export_list(r, csv ? f : NULL, csv ? NULL : f));
}

/* Both tables ahead of what belongs to single calls; of an export that is a table, that one. */
static int add_lists(struct export_run *r)
{
    bool with_csv = r->e->ask.kind != EXPORT_NDJSON, with_ndjson = r->e->ask.kind != EXPORT_CSV;
    FILE *csv = with_csv ? export_part_open(r) : NULL, *ndjson = with_ndjson ? export_part_open(r) : NULL;
    int err = (with_csv && csv == NULL) || (with_ndjson && ndjson == NULL) ? ERR_IO : export_list(r, csv, ndjson);
    if (csv)
        err = err ? (fclose(csv), err) : export_part_add(r, csv, "calls.csv", NULL, "table");
    if (ndjson)
        err = err ? (fclose(ndjson), err) : export_part_add(r, ndjson, "calls.ndjson", NULL, "table");
    return err;
}

static int make_archive(struct export_run *r)
{
    const struct export *e = r->e;
    enum archive_format format = e->ask.container == EXPORT_ZIP ? ARCHIVE_ZIP : ARCHIVE_TAR;
    int err = archive_writer_open(format, e->created_us, take_bytes, r, &r->archive);
    if (err == 0)
        err = add_lists(r);
    for (size_t at = 0; at < r->uids.size && err == 0 && (export_has_audio(&e->ask) || export_has_pcap(&e->ask));
         at += strlen((const char *)r->uids.data + at) + 1)
        err = export_call(r, (const char *)r->uids.data + at);
    if (err == 0)
        err = add_manifest(r);
    if (err == 0)
        err = add_sums(r);
    if (err == 0)
        err = archive_writer_finish(r->archive);
    return err;
}

int export_audit(struct export_run *r, const char *action, const char *object)
{
    char detail[300];
    snprintf(detail, sizeof detail, "export %s%s%s", r->e->id, r->e->reason[0] ? "; " : "", r->e->reason);
    const struct store_audit entry = {.time_us = clock_wall_ns() / 1000, .actor = r->e->actor, .address = r->e->address, .action = action,
                                      .object = object, .result = "ok", .detail = detail};
    if (r->all->config.audit(r->all->config.context, &entry) == 0)
        return 0;
    return export_fail(r->e, ERR_IO, "audit_unavailable", "The audit log cannot be written, so nothing that must be audited is given out.");
}

/* ---- begin and end ---- */

/* As it was when it was asked for. */
static int read_filter(struct export_run *r)
{
    struct call_filter_error error;
    const uint8_t no_cursor[32] = {0};
    struct http_request rq = {.now_us = r->e->created_us};
    uint64_t total;
    r->params_text = export_filter_params(&r->e->ask, &r->params);
    rq.query = r->params;
    if (r->params_text == NULL || !call_filter_parse(&rq, no_cursor, &r->filter, &error) || !limit_query_fill(&r->limit, &r->e->limit, &r->filter.query))
        return export_fail(r->e, ERR_INVALID, "internal", "Its filter cannot be read any more.");
    if (r->filter.header == NULL && store_count(r->x.reader, &r->filter.query, &total) == 0)
        r->e->calls_total = (int64_t)(total < r->e->ask.max_calls ? total : r->e->ask.max_calls);
    return 0;
}

static int open_part(struct export_run *r, char path[700])
{
    snprintf(path, 700, "%s/%s.part", r->all->dir, r->e->id);
    r->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return r->fd < 0 ? export_io_error(r, errno) : 0;
}

static int put_in_place(struct export_run *r, const char *part)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s.%s", r->all->dir, r->e->id, export_suffix(r->e));
    if (fsync(r->fd) != 0 || rename(part, path) != 0)
        return export_io_error(r, errno);
    crypto_sha256_final(&r->sha, r->e->sha256);
    return 0;
}

static int run_it(struct export_run *r)
{
    char part[700];
    int err = store_reader_open(r->all->config.data_dir, &r->x.reader);
    if (err)
        return export_fail(r->e, err, "database", "The database could not be opened: %s.", err_text(err));
    store_reader_describes(r->x.reader, r->all->config.describe);
    err = read_filter(r);
    if (err == 0)
        err = open_part(r, part);
    if (err)
        return err;
    err = r->e->ask.container == EXPORT_BARE ? make_bare(r) : make_archive(r);
    if (err == 0)
        err = put_in_place(r, part);
    if (err)
        (void)unlink(part);
    return err;
}

int export_make(struct exports *all, struct export *e)
{
    struct export_run *r = calloc(1, sizeof *r);
    if (r == NULL)
        return export_fail(e, ERR_NOMEM, "internal", "There is no memory for it.");
    *r = (struct export_run){.all = all, .e = e, .fd = -1};
    r->x.who.limit = e->limit;
    crypto_sha256_init(&r->sha);
    buf_init(&r->scratch, CALL_BYTES_MAX);
    buf_init(&r->uids, (size_t)EXPORT_CALLS_MAX * 40);
    buf_init(&r->files, LIST_BYTES_MAX);
    buf_init(&r->missing, LIST_BYTES_MAX);
    buf_init(&r->sums, LIST_BYTES_MAX);
    int err = run_it(r);
    if (err && e->error[0] == '\0')
        (void)export_fail(e, err, "internal", "It could not be made: %s.", err_text(err));
    archive_writer_free(r->archive);
    if (r->fd >= 0)
        close(r->fd);
    store_reader_close(r->x.reader);
    buf_fini(&r->scratch);
    buf_fini(&r->uids);
    buf_fini(&r->files);
    buf_fini(&r->missing);
    buf_fini(&r->sums);
    free(r->params_text);
    free(r);
    return err;
}
