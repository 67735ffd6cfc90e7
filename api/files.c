/* The page's files and the API's description: from memory, packed with gzip as they were compiled in, or,
 * with [api] web_root, the page as it stands in a directory. The document alone is made for each
 * answer: it carries the nonce that lets its chart library add style. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/assets.h"
#include "api/handlers.h"
#include "base/crypto.h"
#include "base/inflate.h"

#define NONCE_MARK "@NONCE@"

static const struct asset *find_asset(const char *path)
{
    for (unsigned i = 0; i < ASSET_COUNT; i++)
        if (strcmp(ASSETS[i].path, path) == 0)
            return &ASSETS[i];
    return NULL;
}

/* The document with a nonce of its own. */
static void send_document(struct exchange *x, struct slice html)
{
    static const size_t MARK = sizeof NONCE_MARK - 1;
    uint8_t random[12];

    crypto_random(random, sizeof random);
    crypto_hex(slice_of(random, sizeof random), x->rs->nonce);
    while (html.size > 0) {
        const uint8_t *at = memmem(html.data, html.size, NONCE_MARK, MARK);
        size_t before = at ? (size_t)(at - html.data) : html.size;
        buf_add(&x->rs->body, html.data, before);
        if (at)
            buf_str(&x->rs->body, x->rs->nonce);
        html = slice_of(html.data + before + (at ? MARK : 0), html.size - before - (at ? MARK : 0));
    }
    x->rs->content_type = "text/html; charset=utf-8";
}

static bool is_document(const char *path)
{
    return strcmp(path, "/") == 0;
}

/* The description, as a page: what it looks like stands with it, not with the page's files. */
static bool is_description(const char *path)
{
    return strncmp(path, "/api/", 5) == 0 || strncmp(path, "/assets/docs.", 13) == 0;
}

/* The tag is of the packed bytes: the same for both forms, and so a weak one. */
static bool is_unchanged(struct exchange *x, struct slice bytes)
{
    char etag[EXCHANGE_TAG_SIZE];

    exchange_tag_of(bytes, etag);
    http_header(x->rs, "ETag", "W/%s", etag);
    if (x->rq->if_none_match == NULL || !http_etag_matches(x->rq->if_none_match, etag)) /* it looks behind W/ */
        return false;
    x->rs->status = 304;
    return true;
}

/* The client may keep what its name tells from every other version. */
static void send_asset(struct exchange *x, const struct asset *asset)
{
    struct slice bytes = slice_of(asset->data, asset->size);

    x->rs->content_type = asset->type;
    x->rs->immutable = strncmp(asset->path, "/assets/", 8) == 0 && strchr(asset->path, '-');
    if (asset->unpacked == 0) {
        x->rs->constant = bytes;
        return;
    }
    if (is_description(asset->path) && is_unchanged(x, bytes))
        return;
    http_header(x->rs, "Vary", "Accept-Encoding");
    if (http_takes_gzip(x->rq->accept_encoding)) {
        http_header(x->rs, "Content-Encoding", "gzip");
        x->rs->constant = bytes;
        return;
    }
    uint8_t *out = buf_reserve(&x->rs->body, asset->unpacked);
    if (out && inflate_bytes(bytes, out, asset->unpacked) == asset->unpacked)
        x->rs->body.size += asset->unpacked;
    else
        x->rs->body.failed = true;
    if (x->rs->body.failed)
        problem(x->rs, x->rq, 500, "too_large", NULL, "There is no memory for this file.");
}

/* ---- development: the page out of a directory ---- */

static const char *type_of(const char *name)
{
    static const char *const TYPES[][2] = {{".js", "text/javascript; charset=utf-8"},
                                           {".css", "text/css; charset=utf-8"},
                                           {".svg", "image/svg+xml"},
                                           {".html", "text/html; charset=utf-8"},
                                           {".txt", "text/plain; charset=utf-8"}};
    const char *end = strrchr(name, '.');

    for (size_t i = 0; end && i < sizeof TYPES / sizeof TYPES[0]; i++)
        if (strcmp(end, TYPES[i][0]) == 0)
            return TYPES[i][1];
    return NULL;
}

static bool read_whole(const char *path, struct buf *out)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool read_all = false;

    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= 16 << 20) {
        uint8_t *room = buf_reserve(out, (size_t)st.st_size);
        read_all = room && read(fd, room, (size_t)st.st_size) == st.st_size;
        out->size += read_all ? (size_t)st.st_size : 0;
    }
    close(fd);
    return read_all;
}

static void send_from_root(struct exchange *x)
{
    const char *name = is_document(x->rq->path) ? "/index.html" : x->rq->path;
    struct buf file;
    char path[4200];

    buf_init(&file, 16 << 20);
    snprintf(path, sizeof path, "%s%s", x->api->config->web_root, name);
    x->rs->content_type = type_of(name);
    if (x->rs->content_type == NULL || !read_whole(path, &file))
        problem(x->rs, x->rq, 404, "not_found", NULL,
                "The directory of the page has no such file.");
    else if (is_document(x->rq->path))
        send_document(x, buf_view(&file));
    else
        buf_slice(&x->rs->body, buf_view(&file));
    buf_fini(&file);
}

void handle_file(struct exchange *x)
{
    const char *root = x->api->config->web_root;
    bool of_page = !is_description(x->rq->path);
    const struct asset *asset = find_asset(x->rq->path);

    x->rs->page = of_page || strcmp(x->rq->path, "/api/v1/docs") == 0;
    if (of_page && root && root[0])
        send_from_root(x);
    else if (asset && is_document(asset->path))
        send_document(x, slice_of(asset->data, asset->size));
    else if (asset)
        send_asset(x, asset);
    else
        problem(x->rs, x->rq, 404, "not_found", NULL, "There is nothing at this path.");
}
