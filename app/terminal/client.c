#include "app/terminal/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "base/crypto.h"
#include "storage/post.h"

#define TEXT_MAX   (64u << 20)
#define DEPTH_MAX  32
#define TIMEOUT_MS (10 * 60 * 1000) /* a recording of a day over a slow line; who waits can press Ctrl-C */
#define PATH_MAX_  8192

struct client {
    struct post *post;
    char root[300];           /* "http://127.0.0.1:8080" */
    char authorization[200];
    const char *headers[3];
    /* of the answer under way: */
    struct buf text;
    FILE *file;
    uint64_t bytes;
    struct crypto_sha256_state sha;
    bool failed; /* the file takes no more */
};

bool client_option(struct client_where *w, int option, const char *value)
{
    const char **to = option == CLIENT_URL      ? &w->url
                      : option == CLIENT_TOKEN  ? &w->token_file
                      : option == CLIENT_CA     ? &w->ca_file
                      : option == CLIENT_CONFIG ? &w->config
                                                : NULL;
    if (to)
        *to = value;
    return to != NULL;
}

/* ---- where it is ---- */

/* What answers on every address answers on loopback, too. */
static void own_url(const struct settings *s, char *out, size_t size)
{
    const char *host = strcmp(s->api_bind, "0.0.0.0") == 0 ? "127.0.0.1" : strcmp(s->api_bind, "::") == 0 ? "::1" : s->api_bind;
    bool bare_v6 = strchr(host, ':') && host[0] != '[';
    snprintf(out, size, "http%s://%s%s%s:%u", s->api_certificate[0] ? "s" : "", bare_v6 ? "[" : "", host, bare_v6 ? "]" : "",
             (unsigned)s->api_port);
}

static int read_token(const char *path, char *out, size_t size, struct why *why)
{
    const char *from_environment = getenv("EARSHOT_TOKEN");
    char line[180] = "";
    if (path) {
        FILE *f = fopen(path, "re");
        if (f == NULL || fgets(line, sizeof line, f) == NULL) {
            why_set(why, "cannot read a token from %s: %s", path, f ? "it is empty" : strerror(errno));
            if (f)
                fclose(f);
            return ERR_IO;
        }
        fclose(f);
    } else if (from_environment) {
        snprintf(line, sizeof line, "%s", from_environment);
    }
    line[strcspn(line, " \t\r\n")] = '\0';
    if (line[0])
        snprintf(out, size, "Authorization: Bearer %s", line);
    crypto_wipe(line, sizeof line);
    return 0;
}

/* ---- one request ---- */

/* What the service says of an error is never written into a file. */
static bool take(void *context, unsigned status, const void *data, size_t size)
{
    struct client *c = context;
    if (c->file && status < 300) {
        crypto_sha256_update(&c->sha, slice_of(data, size));
        c->bytes += size;
        c->failed |= fwrite(data, 1, size, c->file) != size;
        return !c->failed;
    }
    buf_add(&c->text, data, size);
    return !c->text.failed;
}

static int open_at(struct client *c, const char *ca_file, struct why *why)
{
    const struct post_config config = {
        .url = c->root, .ca_file = ca_file, .timeout_ms = TIMEOUT_MS, .context = c, .take = take};
    bool secure, local;
    if (!post_url_parse(slice_str(c->root), &secure, &local)) {
        why_set(why, "%s is no address of a service: http://host:port or https://host:port", c->root);
        return ERR_INVALID;
    }
    if (c->authorization[0] && !secure && !local) {
        why_set(why, "a token is not sent to %s without encryption: use https, or ask on the machine itself", c->root);
        return ERR_DENIED;
    }
    return post_open(&config, &c->post);
}

int client_open(const struct client_where *where, struct client **ret_client)
{
    struct settings settings = {0};
    struct why why = {0};
    int code = load_settings(where->config, &settings);
    struct client *c = code == EXIT_DONE ? calloc(1, sizeof *c) : NULL;
    if (c) {
        buf_init(&c->text, TEXT_MAX);
        if (where->url)
            snprintf(c->root, sizeof c->root, "%.*s", (int)(strlen(where->url) - (where->url[0] && where->url[strlen(where->url) - 1] == '/')), where->url);
        else
            own_url(&settings, c->root, sizeof c->root);
        c->headers[0] = "Content-Type: application/json";
        int err = read_token(where->token_file, c->authorization, sizeof c->authorization, &why);
        if (c->authorization[0])
            c->headers[1] = c->authorization;
        err = err ? err : open_at(c, where->ca_file ? where->ca_file : settings.api_certificate, &why);
        if (err) {
            client_close(c);
            c = NULL;
            code = complain(EXIT_USAGE, &why);
        }
    }
    settings_free(&settings);
    *ret_client = c;
    return c ? EXIT_DONE : code ? code : EXIT_FAILED;
}

void client_close(struct client *c)
{
    if (c == NULL)
        return;
    post_close(c->post);
    buf_fini(&c->text);
    crypto_wipe(c->authorization, sizeof c->authorization);
    free(c);
}

/* What a problem document says, for people. */
static void refused(struct client *c, unsigned status, struct why *why)
{
    struct json_value *root = json_read(buf_view(&c->text), TEXT_MAX, DEPTH_MAX);
    struct slice detail;
    if (json_value_text(json_value_get(root, "detail"), &detail))
        why_set(why, "the service at %s says: %.*s", c->root, SLICE_ARGS(detail));
    else
        why_set(why, "the service at %s answers with status %u", c->root, status);
    json_read_free(root);
}

/* `body` without data: GET. */
static int ask(struct client *c, const char *path, struct slice body, struct why *why)
{
    char url[PATH_MAX_];
    buf_clear(&c->text);
    c->bytes = 0;
    c->failed = false;
    if ((size_t)snprintf(url, sizeof url, "%s/api/v1%s", c->root, path) >= sizeof url) {
        why_set(why, "that is too much to ask for at once");
        return ERR_INVALID;
    }
    struct why way = {0};
    unsigned status = post_ask(c->post, url, body, c->headers, &way);
    if (c->failed) {
        why_set(why, "cannot write: %s", strerror(errno));
        return ERR_IO;
    }
    if (status == 0) {
        why_set(why, "no service answers at %s: %s", c->root, way.text);
        return ERR_IO;
    }
    if (status < 300)
        return 0;
    refused(c, status, why);
    return status == 404 || status == 409 || status == 410 ? ERR_NOT_FOUND : status == 401 || status == 403 ? ERR_DENIED : ERR_IO;
}

static int get(struct client *c, const char *path, struct why *why)
{
    return ask(c, path, slice_none(), why);
}

int client_post(struct client *c, const char *path, struct slice body, struct why *why)
{
    c->file = NULL;
    return ask(c, path, body, why);
}

static struct json_value *answered(struct client *c, struct why *why)
{
    struct json_value *root = json_read(buf_view(&c->text), TEXT_MAX, DEPTH_MAX);
    if (root == NULL)
        why_set(why, "what %s answers is no service of Earshot", c->root);
    return root;
}

struct json_value *client_bring(struct client *c, const char *path, struct slice file, struct why *why)
{
    const char *before = c->headers[0];
    c->headers[0] = "Content-Type: application/octet-stream";
    int err = client_post(c, path, file, why);
    c->headers[0] = before;
    return err ? NULL : answered(c, why);
}

struct json_value *client_json(struct client *c, const char *path, struct why *why)
{
    c->file = NULL;
    return get(c, path, why) ? NULL : answered(c, why);
}

int client_text(struct client *c, const char *path, struct buf *out, struct why *why)
{
    c->file = NULL;
    int err = get(c, path, why);
    if (err == 0)
        buf_slice(out, buf_view(&c->text));
    return err;
}

int client_file(struct client *c, const char *path, FILE *out, char ret_digest[65], uint64_t *ret_bytes, struct why *why)
{
    uint8_t digest[32];
    c->file = out;
    crypto_sha256_init(&c->sha);
    int err = get(c, path, why);
    c->file = NULL;
    crypto_sha256_final(&c->sha, digest);
    crypto_hex(slice_of(digest, sizeof digest), ret_digest);
    *ret_bytes = c->bytes;
    return err;
}
