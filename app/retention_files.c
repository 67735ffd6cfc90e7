/* How much the files of recordings take: of one record, and of the tree. Blocks are counted, not
 * lengths: silence in a recording is a hole in its file. */
#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "app/retention_plan.h"

#define BLOCK_SIZE 512 /* of st_blocks */

struct sum {
    const char *data_dir;
    uint64_t bytes;
    uint32_t files;
};

static void add(void *context, const char *path)
{
    struct sum *s = context;
    char full[PATH_MAX];
    struct stat st;
    snprintf(full, sizeof full, "%s/%s", s->data_dir, path);
    if (lstat(full, &st) != 0 || !S_ISREG(st.st_mode))
        return;
    s->bytes += (uint64_t)st.st_blocks * BLOCK_SIZE;
    s->files++;
}

uint64_t retention_files_of(const char *data_dir, const struct call_record *r, uint32_t *ret_files)
{
    struct sum sum = {.data_dir = data_dir};
    media_files(r, add, &sum);
    *ret_files = sum.files;
    return sum.bytes;
}

/* ---- the tree ---- */

struct audio_walk {
    FTS *tree; /* NULL: there is none */
    uint64_t bytes;
};

struct audio_walk *audio_walk_open(const char *data_dir)
{
    struct audio_walk *w = calloc(1, sizeof *w);
    char path[PATH_MAX];
    char *const roots[] = {path, NULL};
    if (w == NULL)
        return NULL;
    snprintf(path, sizeof path, "%s/audio", data_dir);
    w->tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    return w;
}

bool audio_walk_step(struct audio_walk *w, unsigned entries, uint64_t *ret_bytes)
{
    FTSENT *e = NULL;
    for (; w->tree && entries && (e = fts_read(w->tree)) != NULL; entries--)
        if (e->fts_info == FTS_F)
            w->bytes += (uint64_t)e->fts_statp->st_blocks * BLOCK_SIZE;
    if (w->tree && e)
        return false;
    *ret_bytes = w->bytes;
    return true;
}

void audio_walk_close(struct audio_walk *w)
{
    if (w == NULL)
        return;
    if (w->tree)
        fts_close(w->tree);
    free(w);
}
