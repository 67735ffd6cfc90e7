/* A name is built folder by folder: each of them loses what it begins with of dots and dashes, is
 * never empty and never long. A template with {uuid} needs no look at the disk: such a name is the
 * call's own, also when it is rendered once more. */
#include "storage/media_name.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/clock.h"
#include "base/crypto.h"

#define MARK_READ  64 /* {"call":{"uid":"..." */
#define VALUE_MAX  64
#define FOLDER_MAX 150 /* bytes of a name in the path, without what parts and endings add */

static bool good(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("._+-", c));
}

enum {
    V_YEAR,
    V_MONTH,
    V_DAY,
    V_HOUR,
    V_MINUTE,
    V_SECOND,
    V_UUID,
    V_CALLER,
    V_CALLEE,
    V_DIR,
    V_TRUNK,
    V_RULE,
    V_CID_HASH,
    V_COUNT
};
static const char *const NAMES[V_COUNT] = {"yyyy",  "mm",   "dd",      "HH",     "MM",
                                           "SS",    "uuid", "caller",  "callee", "dir",
                                           "trunk", "rule", "cid_hash"};

/* The variable that `at` begins with ("{...}"), or V_COUNT. */
static unsigned variable(const char *at, size_t *ret_size)
{
    for (unsigned v = 0; v < V_COUNT; v++) {
        size_t n = strlen(NAMES[v]);
        if (at[0] == '{' && strncmp(at + 1, NAMES[v], n) == 0 && at[1 + n] == '}') {
            *ret_size = n + 2;
            return v;
        }
    }
    return V_COUNT;
}

bool media_template_valid(const char *template, struct why *why)
{
    const char *at = template;
    bool slash = true; /* before a folder's first letter */
    for (size_t n; *at; at += n) {
        n = 1;
        bool named = variable(at, &n) < V_COUNT;
        if (!named && *at != '/' && !good((uint8_t)*at)) {
            why_set(why,
                    "[recording] name knows no \"%.20s\": letters, digits, ._+-/ and {yyyy} {mm} "
                    "{dd} {HH} {MM} {SS} {uuid} {caller} "
                    "{callee} {dir} {trunk} {rule} {cid_hash}",
                    at);
            return false;
        }
        if (slash && (*at == '/' || *at == '.' || *at == '-')) {
            why_set(why, "[recording] name: a folder or file begins with \"%c\"", *at);
            return false;
        }
        slash = *at == '/';
    }
    if (slash && *template)
        why_set(why, "[recording] name ends in a folder");
    return *template == '\0' || !slash;
}

/* ---- expanding ---- */

struct path {
    char *text;
    size_t size;
    size_t folder; /* where the last name begins */
};

static void add(struct path *p, char c)
{
    bool first = p->size == p->folder;
    if (p->size + 1 >= MEDIA_PATH_MAX || p->size - p->folder >= FOLDER_MAX ||
        (first && (c == '.' || c == '-')))
        return;
    p->text[p->size++] = c;
}

static void end_folder(struct path *p)
{
    if (p->size == p->folder)
        add(p, '_');
    if (p->size + 1 < MEDIA_PATH_MAX)
        p->text[p->size++] = '/';
    p->folder = p->size;
}

static void add_value(struct path *p, struct slice value)
{
    size_t n = 0;
    for (size_t i = 0; i < value.size && n < VALUE_MAX; i++)
        if (good(value.data[i]) && (n || (value.data[i] != '.' && value.data[i] != '-'))) {
            add(p, (char)value.data[i]);
            n++;
        }
}

static void add_hash(struct path *p, struct slice call_id)
{
    uint8_t digest[32];
    char hex[65];
    crypto_sha256(call_id, digest);
    crypto_hex(slice_of(digest, 8), hex);
    add_value(p, slice_str(hex));
}

static void add_variable(struct path *p, unsigned v, const struct media_name *n, const char *when)
{
    static const uint8_t AT[] = {0, 5, 8, 11, 14, 17}; /* 2026-11-21T10:00:00 */
    const struct slice values[V_COUNT] = {[V_UUID] = slice_str(n->uid), [V_CALLER] = n->caller,
                                          [V_CALLEE] = n->callee,       [V_DIR] = n->dir,
                                          [V_TRUNK] = n->trunk,         [V_RULE] = n->rule};
    if (v <= V_SECOND)
        add_value(p, slice_of(when + AT[v], v == V_YEAR ? 4 : 2));
    else if (v == V_CID_HASH)
        add_hash(p, n->call_id);
    else
        add_value(p, values[v]);
}

int media_name_expand(const char *template, const struct media_name *n, const char *container,
                      bool own, char ret_path[MEDIA_PATH_MAX])
{
    char when[CLOCK_TEXT_SIZE];
    struct path p = {.text = ret_path};
    clock_rfc3339_us(n->started_us, when);
    for (const char *c = "audio/"; *c; c++)
        p.text[p.size++] = *c;
    p.folder = p.size;
    for (size_t step; *template; template += step) {
        step = 1;
        unsigned v = variable(template, &step);
        if (v < V_COUNT)
            add_variable(&p, v, n, when);
        else if (*template == '/')
            end_folder(&p);
        else
            add(&p, *template);
    }
    if (p.size == p.folder)
        add(&p, '_');
    int more = snprintf(ret_path + p.size, MEDIA_PATH_MAX - p.size, "%s%s.%s", own ? "-" : "",
                        own ? n->uid : "", container);
    return more > 0 && p.size + (size_t)more < MEDIA_PATH_MAX ? 0 : ERR_INVALID;
}

/* ---- taking ---- */

static int stem_size(const char *path)
{
    return (int)(strrchr(path, '.') - path);
}

/* What rendering adds to names of parts, sides, tracks, films and pages ("-p2"): a call that has such a
 * name by itself would meet them. */
static bool looks_like_a_part(const char *path)
{
    char stem[MEDIA_PATH_MAX];
    snprintf(stem, sizeof stem, "%.*s", stem_size(path), path);
    const char *dash = strrchr(stem, '-');
    if (dash == NULL)
        return false;
    bool numbered = strchr("ptvf", dash[1]) && dash[1] && dash[2] &&
                    dash[2 + strspn(dash + 2, "0123456789")] == '\0';
    return numbered || strcmp(dash, "-mix") == 0 || strcmp(dash, "-caller") == 0 ||
           strcmp(dash, "-callee") == 0;
}

static void mark_of(const char *path, char mark[MEDIA_PATH_MAX + 8])
{
    snprintf(mark, MEDIA_PATH_MAX + 8, "%.*s.json", stem_size(path), path);
}

/* A crash cut who took it: it is still the same call's, and so is what lies under that name. */
static bool is_marked_by(int root, const char *mark, const char *uid)
{
    char text[MARK_READ];
    int fd = beneath_open(root, mark, O_RDONLY, 0);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    return n > 0 && memmem(text, (size_t)n, uid, strlen(uid)) != NULL;
}

/* Also refused when a file of sound is there without one beside it. */
static int take(int root, const char *path, const char *uid, bool own)
{
    char mark[MEDIA_PATH_MAX + 8];
    int folder = beneath_folder(root, path, true);
    if (folder < 0)
        return folder;
    close(folder);
    mark_of(path, mark);
    if (own || is_marked_by(root, mark, uid))
        return 0;
    int there = beneath_open(root, path, O_PATH, 0);
    if (there >= 0)
        close(there);
    if (there >= 0 || looks_like_a_part(path))
        return ERR_EXISTS;
    int fd = beneath_open(root, mark, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (fd < 0)
        return fd;
    ssize_t n = write(fd, uid, strlen(uid)); /* unwritten, the name is only lost to this call after a crash */
    (void)n;
    close(fd);
    return 0;
}

int media_name_take(const char *data_dir, const char *template, const struct media_name *n,
                    const char *container, char ret_path[MEDIA_PATH_MAX], struct why *why)
{
    bool own = n->with_uid || strstr(template, "{uuid}") != NULL;
    int root = beneath_root(data_dir);
    if (root < 0) {
        why_set(why, "cannot open %s: %s", data_dir, err_text(root));
        return root;
    }
    int err = media_name_expand(template, n, container, n->with_uid, ret_path);
    if (err == 0)
        err = take(root, ret_path, n->uid, own);
    if (err == ERR_EXISTS || err == ERR_INVALID) {
        err = media_name_expand(template, n, container, true, ret_path);
        if (err == 0)
            err = take(root, ret_path, n->uid, true);
    }
    close(root);
    if (err)
        why_set(why, "no name for a recording by [recording] name: %s", err_text(err));
    return err;
}

void media_name_release(const char *data_dir, const char *path)
{
    char mark[MEDIA_PATH_MAX + 8];
    struct stat st;
    int root = beneath_root(data_dir);
    mark_of(path, mark);
    int folder = root < 0 ? root : beneath_folder(root, mark, false);
    if (folder >= 0 && fstatat(folder, beneath_name(mark), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISREG(st.st_mode) && (st.st_size == 0 || st.st_size == MEDIA_MARK_BYTES))
        (void)unlinkat(folder, beneath_name(mark), 0);
    if (folder >= 0)
        close(folder);
    if (root >= 0)
        close(root);
}
