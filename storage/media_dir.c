/* See media_dir.h. A path comes from a record, so it is checked before it is joined to the data
 * directory: no "..", not absolute. */
#include "storage/media_dir.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "storage/record.h"

static bool plain_word(const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '-')
            return false;
    return n > 0 && n < 64;
}

int media_path(int64_t started_us, const char *uid, const char *format,
               char ret_path[MEDIA_PATH_MAX])
{
    char when[CLOCK_TEXT_SIZE];

    if (!plain_word(uid) || !plain_word(format))
        return ERR_INVALID;
    clock_rfc3339_us(started_us, when); /* 2026-11-21T10:... */
    int n = snprintf(ret_path, MEDIA_PATH_MAX, "audio/%.4s/%.2s/%.2s/%.2s/%s.%s", when, when + 5,
                     when + 8, when + 11, uid, format);
    return n < MEDIA_PATH_MAX ? 0 : ERR_INVALID;
}

bool media_path_is_ours(const char *path)
{
    return strncmp(path, "audio/", 6) == 0 && strstr(path, "..") == NULL;
}

/* What may lie beside a file of sound, in the place of its ending. Behind it would be another call's: callers choose names. */
static const char *const COMPANIONS[] = {"json", "peaks"};
#define COMPANIONS_COUNT (sizeof COMPANIONS / sizeof *COMPANIONS)

static void with_companions(struct slice name, media_file_fn *fn, void *context)
{
    char path[MEDIA_PATH_MAX + 32];
    if (name.size == 0 || name.size >= MEDIA_PATH_MAX)
        return;
    slice_copy_to(name, path, sizeof path);
    if (!media_path_is_ours(path))
        return;
    fn(context, path);
    const char *dot = strrchr(path, '.'), *slash = strrchr(path, '/');
    int stem = dot && dot > slash ? (int)(dot - path) : (int)name.size;
    for (size_t i = 0; i < COMPANIONS_COUNT; i++) {
        snprintf(path, sizeof path, "%.*s.%s", stem, (const char *)name.data, COMPANIONS[i]);
        fn(context, path);
    }
}

/* What holds the name of films that have no sound beside them ("a-v1.mkv": "a.json", storage/media_name.c). */
static void with_mark(struct slice film, media_file_fn *fn, void *context)
{
    char path[MEDIA_PATH_MAX + 32];
    if (film.size == 0 || film.size >= MEDIA_PATH_MAX)
        return;
    slice_copy_to(film, path, sizeof path);
    char *mark = strrchr(path, '-');
    if (mark == NULL || strchr(mark, '/') || !media_path_is_ours(path))
        return;
    strcpy(mark, ".json"); /* "-v1.mkv" was longer */
    fn(context, path);
}

void media_files(const struct call_record *r, media_file_fn *fn, void *context)
{
    const struct record_files *parts = &r->recording.files;
    if (parts->count == 0)
        with_companions(r->recording.path, fn, context);
    for (uint32_t i = 0; i < parts->count; i++)
        with_companions(parts->items[i].path, fn, context);
    for (uint32_t i = 0; i < r->tracks.count; i++)
        with_companions(r->tracks.items[i].path, fn, context);
    for (uint32_t i = 0; i < r->recording.film_count; i++)
        with_companions(r->recording.films[i].path, fn, context);
    if (!slice_equal(r->recording.fax.path, r->recording.path)) /* else it was told above */
        with_companions(r->recording.fax.path, fn, context);
    if (r->recording.state && r->recording.path.size == 0 && parts->count == 0 && r->recording.film_count)
        with_mark(r->recording.films[0].path, fn, context);
}

static int trouble(struct why *why, const char *what, const char *path)
{
    int errnum = errno;
    why_set(why, "cannot %s %s: %s", what, path, strerror(errnum));
    return err_of_errno(errnum);
}

static int joined(const char *data_dir, const char *path, const char *end, char out[PATH_MAX])
{
    int n = snprintf(out, PATH_MAX, "%s/%s%s", data_dir, path, end);
    return n > 0 && n < PATH_MAX && media_path_is_ours(path) ? 0 : ERR_INVALID;
}

bool media_left_behind(const char *data_dir, const char *path)
{
    char full[PATH_MAX];
    return (joined(data_dir, path, ".part", full) == 0 && access(full, F_OK) == 0) ||
           (joined(data_dir, path, "", full) == 0 && access(full, F_OK) == 0);
}

int media_make_dirs(const char *data_dir, const char *path, struct why *why)
{
    char full[PATH_MAX];
    int err = joined(data_dir, path, "", full);
    if (err) {
        why_set(why, "%s is no path of a media file", path);
        return err;
    }
    for (char *slash = full + strlen(data_dir); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (*full && mkdir(full, 0700) != 0 && errno != EEXIST)
            return trouble(why, "make", full);
        *slash = '/';
    }
    return 0;
}
