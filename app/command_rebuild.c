/* `earshot rebuild`: the files beside the recordings (sidecar.h) back into the database, where it lacks their rows. Nothing that is
 * there is changed. Each file of sound is read once and compared with its digest. The service must not run meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/commands.h"
#include "base/progress.h"
#include "app/sidecar.h"
#include "base/beneath.h"
#include "base/crypto.h"
#include "base/json.h"
#include "storage/media_dir.h"
#include "storage/media_name.h"
#include "storage/store.h"

static const char usage[] =
    "usage: earshot rebuild [options]\n"
    "\n"
    "Looks at the file beside each recording and writes the rows of calls that the database does not have: calls, streams, events,\n"
    "recordings, tags, annotations, transcripts. What is there stays as it is. Each recording is compared with its SHA-256. Not while the service runs.\n"
    "\n"
    "  --dry-run         only tell what is missing\n"
    "  --json            one JSON object a line instead of sentences\n"
    "  --no-verify       do not read the sound\n"
    "  --data DIR        overrides [storage] data_dir\n"
    "  --config FILE     configuration; default " SETTINGS_DEFAULT_PATH " when it exists\n"
    "  --quiet           no progress\n"
    "  --help            this text\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 something could not be read or is not what it was.\n";

#define COMMIT_EACH 500
#define READ_CHUNK  ((size_t)256 * 1024)

struct asked {
    bool dry_run, json, no_verify, quiet;
    const char *data, *config;
};

struct rebuild {
    const struct asked *asked;
    const char *data_dir;
    int root; /* the data directory */
    struct store *store;
    struct store_reader *reader;
    struct progress progress;
    uint64_t seen, restored, there, unreadable, missing, different;
};

/* ---- telling ---- */

static void tell(struct rebuild *b, const char *what, const char *path, const char *uid, const char *detail)
{
    struct buf text;
    struct json j;
    progress_clear(&b->progress);
    if (!b->asked->json) {
        printf("%s: %s%s%s%s%s\n", what, path, uid ? ", call " : "", uid ? uid : "", detail ? ": " : "", detail ? detail : "");
        return;
    }
    buf_init(&text, 16384);
    json_init(&j, &text);
    json_object(&j);
    json_kv_str(&j, "what", what);
    json_kv_str(&j, "path", path);
    json_kv_str(&j, "uid", uid);
    json_kv_str(&j, "detail", detail);
    json_end(&j);
    puts(buf_text(&text));
    buf_fini(&text);
}

static void tell_sum(struct rebuild *b)
{
    progress_clear(&b->progress);
    printf(b->asked->json ? "{\"what\":\"sum\",\"seen\":%llu,\"restored\":%llu,\"there\":%llu,\"unreadable\":%llu,\"missing\":%llu,\"different\":%llu}\n"
                          : "%llu recordings seen: %llu restored, %llu there already, %llu unreadable; files of sound: %llu missing, %llu different\n",
           (unsigned long long)b->seen, (unsigned long long)b->restored, (unsigned long long)b->there,
           (unsigned long long)b->unreadable, (unsigned long long)b->missing, (unsigned long long)b->different);
}

/* ---- the sound ---- */

static int digest_of(struct rebuild *b, const char *path, uint8_t ret_sha256[32])
{
    struct crypto_sha256_state sha;
    int fd = beneath_open(b->root, path, O_RDONLY, 0);
    uint8_t *chunk = fd >= 0 ? malloc(READ_CHUNK) : NULL;
    ssize_t n = -1;
    if (fd < 0)
        return fd;
    crypto_sha256_init(&sha);
    while (chunk && (n = read(fd, chunk, READ_CHUNK)) > 0)
        crypto_sha256_update(&sha, slice_of(chunk, (size_t)n));
    crypto_sha256_final(&sha, ret_sha256);
    free(chunk);
    close(fd);
    return n < 0 ? ERR_IO : 0;
}

static void verify_file(struct rebuild *b, const struct call_record *r, struct slice name, const uint8_t sha256[32])
{
    char path[MEDIA_PATH_MAX + 64];
    uint8_t digest[32];
    if (name.size == 0 || name.size >= sizeof path)
        return;
    slice_copy_to(name, path, sizeof path);
    int err = digest_of(b, path, digest);
    if (err) {
        b->missing++;
        tell(b, "missing", path, r->uid, err_text(err));
    } else if (memcmp(digest, sha256, sizeof digest) != 0) {
        b->different++;
        tell(b, "different", path, r->uid, "its SHA-256 is not that of the record");
    }
}

static void verify(struct rebuild *b, const struct call_record *r)
{
    const struct record_files *f = &r->recording.files;
    if (b->asked->no_verify)
        return;
    if (f->count == 0)
        verify_file(b, r, r->recording.path, r->recording.sha256);
    for (uint32_t i = 0; i < f->count; i++)
        verify_file(b, r, f->items[i].path, f->items[i].sha256);
}

/* ---- the rows ---- */

static bool is_there(struct rebuild *b, const char *uid)
{
    struct call_record *r = NULL;
    bool there = b->reader && store_call(b->reader, uid, &r) == 0;
    record_free(r);
    return there;
}

static int restore(struct rebuild *b, const char *path, const struct call_record *r)
{
    int err = 0;
    b->restored++;
    if (b->asked->dry_run) {
        tell(b, "would restore", path, r->uid, NULL);
        return 0;
    }
    err = store_put_call(b->store, r);
    if (err == 0 && r->tracks.count)
        err = store_put_tracks(b->store, r->uid, r->started_us, &r->tracks);
    if (err == 0 && r->tags)
        err = store_put_tags(b->store, r->uid, r->started_us, r->tags);
    if (err == 0 && r->notes)
        err = store_restore_notes(b->store, r->uid, r->started_us, r->notes);
    if (err == 0 && store_pending(b->store) >= COMMIT_EACH)
        err = store_commit(b->store);
    return err;
}

static bool read_file(struct rebuild *b, const char *path, struct buf *out)
{
    int fd = beneath_open(b->root, path, O_RDONLY, 0);
    uint8_t chunk[16384];
    ssize_t n = -1;
    while (fd >= 0 && (n = read(fd, chunk, sizeof chunk)) > 0 && !out->failed)
        buf_add(out, chunk, (size_t)n);
    if (fd >= 0)
        close(fd);
    return fd >= 0 && n == 0 && !out->failed;
}

/* A row names files: only those below audio/ may be named by it. */
static bool paths_are_ours(const struct call_record *r)
{
    char path[MEDIA_PATH_MAX + 64];
    for (uint32_t i = 0; i <= r->recording.files.count; i++) {
        struct slice name = i ? r->recording.files.items[i - 1].path : r->recording.path;
        if (name.size >= sizeof path)
            return false;
        slice_copy_to(name, path, sizeof path);
        if (name.size && (!media_path_is_ours(path) || !beneath_path_is_plain(path)))
            return false;
    }
    return true;
}

static int take_sidecar(struct rebuild *b, const char *path)
{
    struct buf text;
    struct call_record *r = NULL;
    struct why why = {0};
    int err = 0;
    b->seen++;
    buf_init(&text, SIDECAR_BYTES_MAX);
    if (!read_file(b, path, &text) || sidecar_read(buf_view(&text), &r, &why) != 0 || !paths_are_ours(r)) {
        b->unreadable++;
        tell(b, "unreadable", path, NULL, why.text[0] ? why.text : "cannot be read, or names files elsewhere");
    } else {
        verify(b, r);
        if (is_there(b, r->uid))
            b->there++;
        else
            err = restore(b, path, r);
    }
    record_free(r);
    buf_fini(&text);
    return err;
}

static bool is_sidecar(const FTSENT *e)
{
    off_t size = e->fts_statp->st_size;
    return e->fts_info == FTS_F && size > 0 && size != MEDIA_MARK_BYTES && e->fts_namelen > 5 &&
           strcmp(e->fts_name + e->fts_namelen - 5, ".json") == 0;
}

static int walk(struct rebuild *b)
{
    char path[PATH_MAX];
    char *const roots[] = {path, NULL};
    int err = 0;
    snprintf(path, sizeof path, "%s/audio", b->data_dir);
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    for (FTSENT *e; tree && err == 0 && (e = fts_read(tree)) != NULL;)
        if (is_sidecar(e)) {
            err = take_sidecar(b, e->fts_path + strlen(b->data_dir) + 1);
            progress_show(&b->progress, 0, b->seen);
        }
    if (tree)
        fts_close(tree);
    return err;
}

/* ---- the command ---- */

static int lock(const char *data_dir, struct why *why)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/lock", data_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        why_set(why, "cannot write to the data directory %s: %s", data_dir, strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        why_set(why, "the service uses the data directory %s; stop it first", data_dir);
        close(fd);
        fd = -1;
    }
    return fd;
}

static int rebuild(struct rebuild *b, struct why *why)
{
    struct counters_set *set = counters_set_new();
    b->root = beneath_root(b->data_dir);
    int err = set == NULL ? ERR_NOMEM : b->root < 0 ? b->root : 0;
    if (err == 0 && !b->asked->dry_run)
        err = store_open(b->data_dir, counters_block(set), &b->store, why);
    if (err == 0)
        (void)store_reader_open(b->data_dir, &b->reader); /* none: nothing is there */
    if (err == 0)
        err = walk(b);
    if (err == 0 && b->store)
        err = store_commit(b->store);
    store_reader_close(b->reader);
    store_close(b->store);
    counters_set_free(set);
    if (b->root >= 0)
        close(b->root);
    if (err && why->text[0] == '\0')
        why_set(why, "cannot rebuild %s: %s", b->data_dir, err_text(err));
    return err;
}

static int act(const struct asked *a, const char *data_dir)
{
    struct rebuild b = {.asked = a, .data_dir = data_dir, .root = -1};
    struct why why = {0};
    int fd = a->dry_run ? 0 : lock(data_dir, &why);
    if (fd < 0)
        return complain(EXIT_FAILED, &why);
    progress_init(&b.progress, "rebuild", a->quiet);
    int err = rebuild(&b, &why);
    progress_clear(&b.progress);
    if (!a->dry_run)
        close(fd);
    if (err)
        return complain(EXIT_FAILED, &why);
    tell_sum(&b);
    return b.unreadable || b.missing || b.different ? EXIT_PARTIAL : EXIT_DONE;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct asked *a)
{
    enum { OPT_DRY = 256, OPT_JSON, OPT_NO_VERIFY, OPT_DATA, OPT_CONFIG, OPT_QUIET };
    static const struct option options[] = {
        {"dry-run", no_argument, NULL, OPT_DRY},     {"json", no_argument, NULL, OPT_JSON},
        {"no-verify", no_argument, NULL, OPT_NO_VERIFY}, {"data", required_argument, NULL, OPT_DATA},
        {"config", required_argument, NULL, OPT_CONFIG}, {"quiet", no_argument, NULL, OPT_QUIET},
        {"help", no_argument, NULL, 'h'},            {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        a->dry_run |= c == OPT_DRY;
        a->json |= c == OPT_JSON;
        a->no_verify |= c == OPT_NO_VERIFY;
        a->quiet |= c == OPT_QUIET;
        a->data = c == OPT_DATA ? optarg : a->data;
        a->config = c == OPT_CONFIG ? optarg : a->config;
        if (c == 'h' || c == '?')
            return other_option(c, "rebuild", usage);
    }
    return nothing_more("rebuild", argc, argv);
}

int command_rebuild(int argc, char **argv)
{
    struct settings settings = {0};
    struct asked a = {0};
    int code = read_options(argc, argv, &a);
    if (code != -1)
        return code;
    code = load_settings(a.config, &settings);
    if (code == EXIT_DONE)
        code = act(&a, a.data ? a.data : settings.data_dir);
    settings_free(&settings);
    return code;
}
