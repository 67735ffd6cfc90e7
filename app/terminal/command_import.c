/* `earshot import`: a capture file to the service, which makes calls of it; with --wait until it has. The file is mapped, not read into memory. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "app/commands.h"
#include "base/progress.h"
#include "app/terminal/client.h"
#include "app/terminal/text.h"
#include "app/terminal/words.h"

static const char usage[] =
    "usage: earshot import [options] FILE\n"
    "\n"
    "Brings a capture file (pcap, pcapng, also packed with gzip or zstd) to the service, which makes calls of it beside those that it captures.\n"
    "Needs the scope control.\n"
    "\n"
    "  --name NAME       in place of the file's own\n"
    "  --wait            until it was read; exit code 1 when that failed, 3 when it was read only in part\n"
    "  --json            what the service says of the import, as JSON\n" CLIENT_HELP;

#define POLL_NS 200000000

struct import {
    struct client_where where;
    const char *file, *name;
    bool wait, json;
    struct client *client;
};

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct import *a)
{
    enum { OPT_NAME = 256, OPT_WAIT, OPT_JSON };
    static const struct option options[] = {
        {"name", required_argument, NULL, OPT_NAME}, {"wait", no_argument, NULL, OPT_WAIT}, {"json", no_argument, NULL, OPT_JSON},
        CLIENT_OPTIONS, {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (client_option(&a->where, c, optarg))
            continue;
        if (c == 'h' || c == '?')
            return other_option(c, "import", usage);
        a->wait |= c == OPT_WAIT;
        a->json |= c == OPT_JSON;
        a->name = c == OPT_NAME ? optarg : a->name;
    }
    if (optind + 1 != argc) {
        fputs("earshot: import takes one FILE\n", stderr);
        return EXIT_USAGE;
    }
    a->file = argv[optind];
    return -1;
}

/* ---- the file ---- */

static int map_file(const char *path, struct slice *ret, struct why *why)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &st) == 0;
    void *bytes = good && S_ISREG(st.st_mode) && st.st_size > 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (bytes == MAP_FAILED)
        why_set(why, "cannot read %s: %s", path, !good ? strerror(errno) : S_ISREG(st.st_mode) ? "it is empty" : "it is no file");
    else
        *ret = slice_of(bytes, (size_t)st.st_size);
    if (fd >= 0)
        close(fd);
    return bytes == MAP_FAILED ? ERR_IO : 0;
}

static struct json_value *bring(struct import *a, struct slice bytes, struct why *why)
{
    struct buf path, name;
    const char *slash = strrchr(a->file, '/');
    buf_init(&path, 4096);
    buf_init(&name, 4096);
    words_pair(&name, "name", slice_str(a->name ? a->name : slash ? slash + 1 : a->file));
    buf_printf(&path, "/imports/pcap?%s", buf_text(&name) + 1); /* without its "&" */
    struct json_value *import = client_bring(a->client, buf_text(&path), bytes, why);
    buf_fini(&path);
    buf_fini(&name);
    return import;
}

/* ---- what becomes of it ---- */

static bool is_over(const struct json_value *import)
{
    char state[TEXT_CELL];
    json_word(import, "state", state);
    return strcmp(state, "done") == 0 || strcmp(state, "failed") == 0;
}

/* Takes the import, and gives what it is in the end. */
static struct json_value *wait_for(struct import *a, struct json_value *import, struct why *why)
{
    const struct timespec pause = {.tv_nsec = POLL_NS};
    struct progress progress;
    char id[TEXT_CELL], path[TEXT_CELL + 20];
    snprintf(path, sizeof path, "/imports/%s", json_word(import, "id", id));
    progress_init(&progress, "reading", a->json);
    while (import && !is_over(import)) {
        progress_show(&progress, text_real(import, "progress"), (uint64_t)text_int(import, "packets", 0));
        nanosleep(&pause, NULL);
        json_read_free(import);
        import = client_json(a->client, path, why);
    }
    progress_clear(&progress);
    return import;
}

static int tell(const struct import *a, const struct json_value *import)
{
    char id[TEXT_CELL], state[TEXT_CELL], error[TEXT_CELL], first[TEXT_CELL];
    json_word(import, "id", id);
    json_word(import, "state", state);
    bool partial = false;
    (void)json_value_bool(json_value_get(import, "partial"), &partial);
    if (a->json)
        json_value_print(import, stdout);
    else
        printf("import %s is %s: %lld calls and %lld others of %lld packets\n", id, state, (long long)text_int(import, "calls", 0),
               (long long)text_int(import, "others", 0), (long long)text_int(import, "packets", 0));
    if (!a->json && strcmp(json_word(import, "first_call_at", first), "-") != 0)
        printf("they are listed by: earshot calls --from %s import=%s\n", first, id);
    if (!a->json && strcmp(json_word(import, "error", error), "-") != 0)
        fprintf(stderr, "earshot: %s\n", error);
    return strcmp(state, "failed") == 0 ? EXIT_FAILED : partial ? EXIT_PARTIAL : EXIT_DONE;
}

static int act(struct import *a)
{
    struct why why = {0};
    struct slice bytes = slice_none();
    struct json_value *import = NULL;
    if (map_file(a->file, &bytes, &why) == 0) {
        import = bring(a, bytes, &why);
        munmap((void *)(uintptr_t)bytes.data, bytes.size);
    }
    if (import && a->wait)
        import = wait_for(a, import, &why);
    int code = import ? tell(a, import) : complain(EXIT_FAILED, &why);
    json_read_free(import);
    return code;
}

int command_import(int argc, char **argv)
{
    struct import a = {0};
    int code = read_options(argc, argv, &a);
    if (code == -1)
        code = client_open(&a.where, &a.client);
    if (code == EXIT_DONE && a.client)
        code = act(&a);
    client_close(a.client);
    return code;
}
