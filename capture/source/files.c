/* Many capture files as one source. Each is looked at first, for the time of its first frame; then
 * they wait, sorted by it, until the merge reaches them. What cannot be opened twice (a pipe) stays
 * open from the start. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/source/merge.h"

struct entry {
    char *path;
    int64_t offset_ns;
    int64_t first_ns; /* of its first frame, with the offset */
    size_t order;     /* as named; files of a directory by name */
    uint64_t size_bytes;
};

struct files {
    struct source_files_config config;
    char *filter;
    struct entry *entries;
    size_t count, room;
    size_t next; /* to be opened */
    struct merge *merge;
    bool opened;
    int last_err; /* while opening, the last trouble waits here: it is the reason if all fails */
    struct why last;
};

static void pass_on(struct files *f)
{
    if (f->last_err && f->config.trouble)
        f->config.trouble(f->config.context, f->last_err, &f->last);
}

static void tell(struct files *f, int err, const struct why *why)
{
    if (!f->opened)
        pass_on(f);
    f->last = *why;
    f->last_err = err;
    if (f->opened)
        pass_on(f);
}

static int no_memory(struct why *why)
{
    why_set(why, "no memory for the list of files");
    return ERR_NOMEM;
}

/* ---- which files ---- */

static int add(struct files *f, const char *path, int64_t offset_ns)
{
    if (f->count == f->room) {
        size_t room = f->room ? f->room * 2 : 64;
        struct entry *grown = realloc(f->entries, room * sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        f->entries = grown;
        f->room = room;
    }
    char *copy = strdup(path);
    if (copy == NULL)
        return ERR_NOMEM;
    f->entries[f->count] = (struct entry){.path = copy, .offset_ns = offset_ns, .order = f->count};
    f->count++;
    return 0;
}

static bool cut_suffix(struct slice *name, const char *suffix)
{
    struct slice end =
        slice_from(*name, name->size - (name->size < strlen(suffix) ? name->size : strlen(suffix)));
    if (!slice_equal_nocase(end, slice_str(suffix)) || end.size == name->size)
        return false;
    name->size -= end.size;
    return true;
}

/* "a.pcap", "a.pcapng.gz", "a.cap", and "a.pcap7" as tcpdump -C names its files. */
static bool is_capture_name(const char *text)
{
    static const char *const suffixes[] = {".pcap", ".pcapng", ".cap"};
    struct slice name = slice_str(text);
    if (!cut_suffix(&name, ".gz"))
        cut_suffix(&name, ".zst");
    while (name.size > 0 && name.data[name.size - 1] >= '0' && name.data[name.size - 1] <= '9')
        name.size--;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        struct slice rest = name;
        if (text[0] != '.' && cut_suffix(&rest, suffixes[i]))
            return true;
    }
    return false;
}

static int wanted(const struct dirent *e)
{
    return is_capture_name(e->d_name);
}

static int add_name(struct files *f, const struct source_file *folder, const char *name)
{
    char *path = NULL;
    struct stat st;
    if (asprintf(&path, "%s/%s", folder->path, name) < 0)
        return ERR_NOMEM;
    /* What cannot be looked at is added: opening it says why. */
    bool is_file = stat(path, &st) != 0 || S_ISREG(st.st_mode);
    int err = is_file ? add(f, path, folder->offset_ns) : 0;
    free(path);
    return err;
}

static int add_folder(struct files *f, const struct source_file *folder)
{
    struct why why;
    struct dirent **names = NULL;
    size_t before = f->count;
    int n = scandir(folder->path, &names, wanted, alphasort);
    if (n < 0) {
        why_set(&why, "the directory %s cannot be read: %s", folder->path, strerror(errno));
        tell(f, err_of_errno(errno), &why);
        return 0;
    }
    int err = 0;
    for (int i = 0; i < n; i++) {
        if (!err)
            err = add_name(f, folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    if (!err && f->count == before) {
        why_set(&why,
                "the directory %s holds no capture files (.pcap, .pcapng, .cap, also with .gz or "
                ".zst)",
                folder->path);
        tell(f, ERR_NOT_FOUND, &why);
    }
    return err;
}

static int list_files(struct files *f)
{
    for (size_t i = 0; i < f->config.count; i++) {
        const struct source_file *file = &f->config.files[i];
        struct stat st;
        bool is_folder =
            strcmp(file->path, "-") != 0 && stat(file->path, &st) == 0 && S_ISDIR(st.st_mode);
        int err = is_folder ? add_folder(f, file) : add(f, file->path, file->offset_ns);
        if (err)
            return err;
    }
    return 0;
}

/* ---- when each begins ---- */

static int open_entry(const struct files *f, const struct entry *e, struct source **ret_source,
                      struct why *why)
{
    struct file_options options = {.filter = f->filter, .unpack_max = f->config.unpack_max};
    return file_open(e->path, &options, ret_source, why);
}

static void take_time(void *context, const struct frame *frame)
{
    *(int64_t *)context = frame->time_ns;
}

/* Reads the first frame. False: there is none; why that is was told where it is not the end. */
static bool look(struct files *f, struct entry *e, struct source *s)
{
    struct why why;
    int64_t first_ns = 0;
    struct delivery d = {.fn = take_time, .context = &first_ns, .frames_max = 1};
    enum source_state state;
    while ((state = s->kind->read(s, &d, 0, &why)) == SOURCE_MORE && d.frames == 0)
        ;
    if (d.frames == 0) {
        if (state != SOURCE_END)
            tell(f, state == SOURCE_FAILED ? ERR_IO : ERR_TRUNCATED, &why);
        return false;
    }
    if (__builtin_add_overflow(first_ns, e->offset_ns, &e->first_ns))
        e->first_ns = e->offset_ns < 0 ? INT64_MIN : INT64_MAX - 1;
    return true;
}

/* Standard input, a pipe or a device: what is read from it is gone. */
static bool only_once(const struct entry *e)
{
    struct stat st;
    return strcmp(e->path, "-") == 0 || (stat(e->path, &st) == 0 && !S_ISREG(st.st_mode));
}

/* A pipe can be opened only once: it is a part of the merge from the start. */
static void add_pipe(struct files *f, struct entry *e)
{
    struct why why = {0};
    struct source *s = NULL;
    int err = open_entry(f, e, &s, &why);
    if (!err && (err = merge_add(f->merge, s, e->offset_ns, 0)) != 0) {
        why_set(&why, "%s is not read: more than %d pipes", s->name, SOURCE_MERGE_MAX);
        source_close(s);
    }
    if (err)
        tell(f, err, &why);
}

/* Is the file one that waits for its time? */
static bool enlist(struct files *f, struct entry *e)
{
    struct why why = {0};
    struct source *s = NULL;
    struct stat st;
    int err = open_entry(f, e, &s, &why);
    if (err) {
        tell(f, err, &why);
        return false;
    }
    bool found = look(f, e, s);
    source_close(s);
    e->size_bytes = stat(e->path, &st) == 0 ? (uint64_t)st.st_size : 0;
    return found;
}

static int by_time(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->first_ns != y->first_ns)
        return x->first_ns < y->first_ns ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* Keeps the entries that wait, in the order of their time. */
static void sort_files(struct files *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->count; i++) {
        struct entry e = f->entries[i];
        bool waits = !only_once(&e) && enlist(f, &e);
        if (only_once(&e))
            add_pipe(f, &e);
        if (waits) {
            f->merge->queue.weight += (double)e.size_bytes;
            f->entries[kept++] = e;
        } else {
            free(e.path);
        }
    }
    f->count = kept;
    if (kept > 1)
        qsort(f->entries, kept, sizeof *f->entries, by_time);
}

/* ---- the queue of the merge ---- */

static int64_t next_ns(void *context)
{
    const struct files *f = context;
    return f->next < f->count ? f->entries[f->next].first_ns : INT64_MAX;
}

static struct source *open_next(void *context, int64_t *ret_offset_ns, double *ret_weight)
{
    struct files *f = context;
    const struct entry *e = &f->entries[f->next++];
    struct why why = {0};
    struct source *s = NULL;
    *ret_offset_ns = e->offset_ns;
    *ret_weight = (double)e->size_bytes;
    int err = open_entry(f, e, &s, &why);
    if (err)
        tell(f, err, &why);
    return err ? NULL : s;
}

static void close_files(void *context)
{
    struct files *f = context;
    for (size_t i = 0; i < f->count; i++)
        free(f->entries[i].path);
    free(f->entries);
    free(f->filter);
    free(f);
}

/* ---- opening ---- */

/* A single file needs no merge: nothing stands between its reader and the receiver. */
static int open_single(struct files *f, struct source **ret_source, struct why *why)
{
    return open_entry(f, &f->entries[0], ret_source, why);
}

static int open_all(struct files *f, struct source **ret_source, struct why *why)
{
    char name[64];
    snprintf(name, sizeof name, "%zu files", f->count);
    int err = merge_new(name, f->config.trouble, f->config.context, &f->merge);
    if (err)
        return no_memory(why);
    sort_files(f);
    if (f->count == 0 && f->merge->count == 0 && f->last_err) {
        *why = f->last;
        source_close(&f->merge->source);
        return f->last_err;
    }
    pass_on(f);
    f->opened = true;
    f->merge->queue.next_ns = next_ns;
    f->merge->queue.open = open_next;
    f->merge->queue.close = close_files;
    f->merge->queue.context = f;
    *ret_source = &f->merge->source;
    return 0;
}

int source_open_files(const struct source_files_config *config, struct source **ret_source,
                      struct why *why)
{
    struct files *f = calloc(1, sizeof *f);
    if (f == NULL)
        return no_memory(why);
    f->config = *config;
    if (config->filter && (f->filter = strdup(config->filter)) == NULL) {
        close_files(f);
        return no_memory(why);
    }
    int err = list_files(f);
    bool merged = false;
    if (err) {
        no_memory(why);
    } else if (f->count == 0) {
        *why = f->last;
        err = f->last_err;
    } else if (f->count == 1 && f->last_err == 0 && f->entries[0].offset_ns == 0) {
        err = open_single(f, ret_source, why);
    } else {
        err = open_all(f, ret_source, why);
        merged = err == 0;
    }
    f->config.files = NULL; /* the caller's */
    if (!merged)
        close_files(f);
    return err;
}
