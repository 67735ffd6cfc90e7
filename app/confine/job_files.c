/* Names are read from left to right: stem, mark, ending. Marks are of letters and digits that are
 * all given here, so no name of somebody else's fits by beginning like one. */
#include "app/confine/job_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "storage/peaks.h"

#define DIGITS_MAX 9

/* Takes `word` off the beginning. */
static bool take(struct slice *rest, const char *word)
{
    if (!slice_starts(*rest, word))
        return false;
    *rest = slice_from(*rest, strlen(word));
    return true;
}

/* "-p" and a number. */
static bool take_number(struct slice *rest, const char *mark)
{
    struct slice after = *rest;
    size_t digits = 0;
    if (!take(&after, mark))
        return false;
    while (digits < after.size && after.data[digits] >= '0' && after.data[digits] <= '9')
        digits++;
    if (digits == 0 || digits > DIGITS_MAX || after.data[0] == '0')
        return false;
    *rest = slice_from(after, digits);
    return true;
}

/* A file that is rewritten as samples has a second part (decode/audio_file.c). */
static bool ends(struct slice rest, const char *ending, bool unfinished)
{
    bool good = take(&rest, ending);
    if (good && unfinished) {
        (void)take(&rest, ".pcm");
        good = take(&rest, ".part");
    }
    return good && rest.size == 0;
}

bool job_file_is_ours(enum job_kind kind, const char *asked, struct slice path, bool unfinished)
{
    const char *slash = strrchr(asked, '/'), *dot = strrchr(asked, '.');
    const char *ending = dot && (slash == NULL || dot > slash) ? dot : asked + strlen(asked);
    size_t stem = (size_t)(ending - asked);
    if (path.size < stem || memcmp(path.data, asked, stem) != 0)
        return false;
    struct slice rest = slice_from(path, stem);
    if (kind == JOB_CALL && take_number(&rest, "-v"))
        return ends(rest, ".mkv", unfinished);
    if (kind == JOB_CALL && take_number(&rest, "-f"))
        return ends(rest, ".tiff", unfinished);
    if (kind == JOB_CALL) {
        (void)(take(&rest, "-caller") || take(&rest, "-callee"));
        (void)take_number(&rest, "-p");
        return ends(rest, ending, unfinished);
    }
    return (take_number(&rest, "-t") || take(&rest, "-mix")) && ends(rest, ending, unfinished);
}

/* `name` may have been made for `asked`. */
static bool left_by(enum job_kind kind, const char *asked, struct slice name)
{
    return job_file_is_ours(kind, asked, name, false) || job_file_is_ours(kind, asked, name, true);
}

void job_files_remove(enum job_kind kind, const char *dir, const char *asked)
{
    char folder[4096];
    int n = snprintf(folder, sizeof folder, "%s/%s", dir, asked);
    char *slash = strrchr(folder, '/');
    if (n < 0 || n >= (int)sizeof folder || slash == NULL)
        return;
    *slash = '\0';
    const char *name = slash + 1;
    char peaks[4096]; /* the waveform is named like sound */
    bool drawn = kind == JOB_CALL && peaks_path(slice_str(name), peaks, sizeof peaks);
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        struct slice found = slice_str(e->d_name);
        if (left_by(kind, name, found) || (drawn && left_by(kind, peaks, found)))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
}
