/* `earshot export`: calls with what was kept of them into a folder of its own, with a list of hashes that sha256sum checks. What should be
 * there and is not stands in missing.txt with the reason. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/commands.h"
#include "api/call_csv.h"
#include "app/terminal/list.h"
#include "app/terminal/text.h"
#include "app/terminal/words.h"
#include "base/clock.h"
#include "base/crypto.h"

static const char usage[] =
    "usage: earshot export --to DIR [options] [WORD...]\n"
    "\n"
    "Calls that the service has stored, into a new folder: calls.csv, calls.ndjson, with --audio and --pcap what was kept of each; SHA256SUMS\n"
    "for sha256sum -c; missing.txt names what was asked for and is not there, and why.\n"
    "\n" WORDS_HELP
    "\n"
    "  --to DIR          must not be there yet\n"
    "  --from TIME       begun at or after; default 24 hours ahead of --before\n"
    "  --before TIME     begun before; default now\n"
    "  --audio           with recordings\n"
    "  --pcap            with packets\n"
    "  --limit N         at most so many; default 1000\n"
    "  --json            what was done, as one JSON object\n" CLIENT_HELP;

#define QUERY_MAX 8192

struct export {
    struct client_where where;
    struct buf query;
    const char *from, *before;
    size_t limit;
    bool audio, pcap, json;
    const char *dir;
    struct client *client;
    FILE *sums, *missing;
    uint64_t files, bytes, missed;
};

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct export *a)
{
    enum { OPT_TO = 256, OPT_FROM, OPT_BEFORE, OPT_AUDIO, OPT_PCAP, OPT_LIMIT, OPT_JSON };
    static const struct option options[] = {
        {"to", required_argument, NULL, OPT_TO}, {"from", required_argument, NULL, OPT_FROM},   {"before", required_argument, NULL, OPT_BEFORE},
        {"audio", no_argument, NULL, OPT_AUDIO}, {"pcap", no_argument, NULL, OPT_PCAP},         {"limit", required_argument, NULL, OPT_LIMIT},
        {"json", no_argument, NULL, OPT_JSON},   CLIENT_OPTIONS,                                {NULL, 0, NULL, 0},
    };
    int64_t now_us = clock_wall_ns() / 1000;
    struct why why = {0};
    uint64_t n;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (client_option(&a->where, c, optarg))
            continue;
        switch (c) {
        case OPT_TO:
            a->dir = optarg;
            break;
        case OPT_FROM:
            a->from = optarg;
            break;
        case OPT_BEFORE:
            a->before = optarg;
            break;
        case OPT_AUDIO:
            a->audio = true;
            break;
        case OPT_PCAP:
            a->pcap = true;
            break;
        case OPT_LIMIT:
            if (!slice_to_u64(slice_str(optarg), LIST_MAX, &n) || n == 0) {
                fprintf(stderr, "earshot: --limit takes a number from 1 to %d\n", LIST_MAX);
                return EXIT_USAGE;
            }
            a->limit = (size_t)n;
            break;
        case OPT_JSON:
            a->json = true;
            break;
        default:
            return other_option(c, "export", usage);
        }
    }
    const struct words_span span = {.from = a->from, .to = a->before, .to_option = "before"};
    for (int i = optind; i < argc; i++)
        if (words_add(&a->query, argv[i], &why) != 0)
            return complain(EXIT_USAGE, &why);
    if (words_add_span(&a->query, &span, now_us, &why) != 0)
        return complain(EXIT_USAGE, &why);
    if (a->dir)
        return -1;
    fputs("earshot: earshot export needs --to DIR, a folder that is not there yet\n", stderr);
    return EXIT_USAGE;
}

/* ---- files ---- */

static FILE *open_file(const struct export *a, struct why *why, const char *format, ...)
{
    char name[200], path[4300];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    snprintf(path, sizeof path, "%s/%s", a->dir, name);
    FILE *f = fopen(path, "w+xe");
    if (f == NULL)
        why_set(why, "cannot write %s: %s", path, strerror(errno));
    return f;
}

static int close_file(const struct export *a, FILE *f, int err, struct why *why)
{
    bool good = !ferror(f);
    good = fclose(f) == 0 && good;
    if (good || err)
        return err;
    why_set(why, "cannot write into %s: %s", a->dir, strerror(errno));
    return ERR_IO;
}

/* Of a file of ours, which is read once more. */
static int sum_file(struct export *a, FILE *f, const char *name)
{
    struct crypto_sha256_state sha;
    uint8_t digest[32], part[65536];
    char hex[65];
    size_t n;
    crypto_sha256_init(&sha);
    rewind(f);
    while ((n = fread(part, 1, sizeof part, f)) > 0) {
        crypto_sha256_update(&sha, slice_of(part, n));
        a->bytes += n;
    }
    crypto_sha256_final(&sha, digest);
    fprintf(a->sums, "%s  %s\n", crypto_hex(slice_of(digest, sizeof digest), hex), name);
    a->files++;
    return ferror(f) ? ERR_IO : 0;
}

static int write_list(struct export *a, const struct call_list *list, bool csv, struct why *why)
{
    const char *name = csv ? "calls.csv" : "calls.ndjson";
    FILE *f = open_file(a, why, "%s", name);
    if (f == NULL)
        return ERR_IO;
    bool good = !csv || call_csv_head(f);
    for (size_t i = 0; i < list->count && good; i++)
        good = csv ? call_csv_row(f, list->rows[i]) : json_value_print(list->rows[i], f);
    int err = fflush(f) == 0 && good ? sum_file(a, f, name) : ERR_IO;
    if (err)
        why_set(why, "cannot write %s/%s: %s", a->dir, name, strerror(errno));
    return close_file(a, f, err, why);
}

/* One file of a call. What the service does not have is no failure of the export. */
static int write_part(struct export *a, const char *path, const char *name, const char *what, const char *uid, struct why *why)
{
    char digest[65], full[4300];
    uint64_t bytes;
    struct why said = {0};
    FILE *f = open_file(a, why, "%s", name);
    if (f == NULL)
        return ERR_IO;
    int err = client_file(a->client, path, f, digest, &bytes, &said);
    int closed = close_file(a, f, 0, why);
    if (err == 0 && closed == 0) {
        fprintf(a->sums, "%s  %s\n", digest, name);
        a->files++;
        a->bytes += bytes;
        return 0;
    }
    snprintf(full, sizeof full, "%s/%s", a->dir, name);
    unlink(full);
    if (err == ERR_NOT_FOUND) {
        fprintf(a->missing, "%s %s: %s\n", uid, what, said.text);
        a->missed++;
        return 0;
    }
    if (err)
        *why = said;
    return err ? err : closed;
}

static int write_call(struct export *a, const struct json_value *call, struct why *why)
{
    char uid[TEXT_CELL], id[TEXT_CELL], state[TEXT_CELL], format[TEXT_CELL], path[200], name[100];
    int err = 0;
    json_word(call, "uid", uid);
    if (strlen(uid) != 36 || strspn(uid, "0123456789abcdef-") != 36) /* it becomes the name of a file */
        return 0;
    if (a->audio && strcmp(json_word(call, "recording.state", state), "ready") == 0) {
        snprintf(path, sizeof path, "/recordings/%.100s/audio", json_word(call, "recording.id", id));
        snprintf(name, sizeof name, "%s.%.4s", uid, strspn(json_word(call, "recording.format", format), "abcdefghijklmnopqrstuvwxyz0123456789") == strlen(format) ? format : "wav");
        err = write_part(a, path, name, "audio", uid, why);
    } else if (a->audio && json_value_is_object(json_value_get(call, "recording"))) {
        fprintf(a->missing, "%s audio: recording is %s, %s\n", uid, json_word(call, "recording.result", id), state);
        a->missed++;
    }
    if (err || !a->pcap)
        return err;
    snprintf(path, sizeof path, "/calls/%s/pcap", uid);
    snprintf(name, sizeof name, "%s.pcap", uid);
    return write_part(a, path, name, "pcap", uid, why);
}

/* ---- all of it ---- */

static void tell(const struct export *a, const struct call_list *list)
{
    if (a->json) {
        printf("{\"calls\":%zu,\"files\":%llu,\"bytes\":%llu,\"missing\":%llu,\"more\":%s}\n", list->count, (unsigned long long)a->files,
               (unsigned long long)a->bytes, (unsigned long long)a->missed, list->more ? "true" : "false");
        return;
    }
    printf("%zu calls, %llu files, %llu bytes in %s; check them with: cd %s && sha256sum -c SHA256SUMS\n", list->count, (unsigned long long)a->files,
           (unsigned long long)a->bytes, a->dir, a->dir);
    if (a->missed)
        printf("%llu things are not there: missing.txt says why\n", (unsigned long long)a->missed);
    if (list->more)
        printf("there are more calls than --limit %zu\n", a->limit);
}

static int write_all(struct export *a, const struct call_list *list, struct why *why)
{
    bool progress = isatty(STDERR_FILENO) && (a->audio || a->pcap);
    int err = write_list(a, list, true, why);
    err = err ? err : write_list(a, list, false, why);
    for (size_t i = 0; i < list->count && err == 0; i++) {
        err = write_call(a, list->rows[i], why);
        if (progress)
            fprintf(stderr, "\r%zu of %zu calls", i + 1, list->count);
    }
    if (progress)
        fputs("\r\033[K", stderr);
    return err;
}

static int export_to(struct export *a, struct why *why)
{
    struct call_list list;
    int err = list_fetch(a->client, &a->query, "-started_at", a->limit, &list, why);
    if (err == 0 && mkdir(a->dir, 0700) != 0) {
        why_set(why, "cannot make %s: %s", a->dir, strerror(errno));
        err = ERR_IO;
    }
    a->sums = err ? NULL : open_file(a, why, "SHA256SUMS");
    a->missing = a->sums ? open_file(a, why, "missing.txt") : NULL;
    err = err ? err : a->missing ? write_all(a, &list, why) : ERR_IO;
    if (a->missing)
        err = close_file(a, a->missing, err, why);
    if (a->sums)
        err = close_file(a, a->sums, err, why);
    if (err == 0)
        tell(a, &list);
    list_free(&list);
    return err;
}

int command_export(int argc, char **argv)
{
    struct export a = {.limit = 1000};
    struct why why = {0};
    buf_init(&a.query, QUERY_MAX);
    int code = read_options(argc, argv, &a);
    if (code == -1)
        code = client_open(&a.where, &a.client);
    if (code == EXIT_DONE && a.client)
        code = export_to(&a, &why) ? complain(EXIT_FAILED, &why) : EXIT_DONE;
    client_close(a.client);
    buf_fini(&a.query);
    return code;
}
