/* `earshot retention`: what goes next, and why; or doing it now. What would go is read from the
 * data directory beside a service that runs or not. Doing it is the service's: it is asked to look
 * now; without one it is done here. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/terminal/client.h"
#include "app/retention.h"
#include "app/retention_do.h"
#include "app/retention_terms.h"
#include "base/clock.h"
#include "base/json.h"

static const char usage[] =
    "usage: earshot retention [options]\n"
    "\n"
    "Deletes what [retention] says is too old or too much, now; a service does so by itself each "
    "minute, and is asked to when\n"
    "one runs. docs/retention.md tells the order.\n"
    "\n"
    "  --dry-run         only tell what would go and why\n"
    "  --json            one JSON object a line\n"
    "  --data DIR        overrides [storage] data_dir\n"
    "  --port N          overrides [api] port\n"
    "  --config FILE     configuration; default " SETTINGS_DEFAULT_PATH " when it exists\n"
    "  --help            this text\n";

struct asked {
    bool dry_run, json;
    const char *data, *config, *port;
};

struct shown {
    bool json;
    unsigned count;
    uint64_t bytes;
};

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct asked *a)
{
    enum { OPT_DRY = 256, OPT_JSON, OPT_DATA, OPT_CONFIG, OPT_PORT };
    static const struct option options[] = {
        {"dry-run", no_argument, NULL, OPT_DRY},
        {"json", no_argument, NULL, OPT_JSON},
        {"data", required_argument, NULL, OPT_DATA},
        {"config", required_argument, NULL, OPT_CONFIG},
        {"port", required_argument, NULL, OPT_PORT},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case OPT_DRY:
            a->dry_run = true;
            break;
        case OPT_JSON:
            a->json = true;
            break;
        case OPT_DATA:
            a->data = optarg;
            break;
        case OPT_CONFIG:
            a->config = optarg;
            break;
        case OPT_PORT:
            a->port = optarg;
            break;
        default:
            return other_option(c, "retention", usage);
        }
    }
    return nothing_more("retention", argc, argv);
}

/* ---- what is told ---- */

static const char *size_text(uint64_t bytes, char out[16])
{
    static const char UNITS[] = " kMGT";
    double v = (double)bytes;
    unsigned unit = 0;
    for (; v >= 1024 && unit + 1 < sizeof UNITS - 1; unit++)
        v /= 1024;
    if (unit)
        snprintf(out, 16, "%.1f%c", v, UNITS[unit]);
    else
        snprintf(out, 16, "%llu", (unsigned long long)bytes);
    return out;
}

static void show_json(const struct retention_item *item)
{
    struct buf text;
    struct json j;
    buf_init(&text, 4096);
    json_init(&j, &text);
    json_object(&j);
    json_kv_str(&j, "class", retention_class_text(item->class));
    json_kv_str(&j, "reason", retention_reason_text(item->reason));
    json_kv_str(&j, "object", item->object);
    json_kv_str(&j, "call_uid", item->uid[0] ? item->uid : NULL);
    json_kv_time(&j, "since", item->since_us);
    json_kv_int(&j, "files", item->files);
    json_kv_int(&j, "bytes", (int64_t)item->bytes);
    json_end(&j);
    struct slice s = buf_view(&text);
    fwrite(s.data, 1, s.size, stdout);
    putchar('\n');
    buf_fini(&text);
}

static void show(void *context, const struct retention_item *item)
{
    struct shown *shown = context;
    char since[CLOCK_TEXT_SIZE], size[16];
    if (shown->json) {
        show_json(item);
    } else {
        if (shown->count == 0)
            printf("%-9s %-9s %-20s %9s %5s  %s\n", "CLASS", "WHY", "SINCE", "BYTES", "FILES",
                   "WHAT");
        clock_rfc3339_us(item->since_us, since);
        printf("%-9s %-9s %.19sZ %9s %5u  %s\n", retention_class_text(item->class),
               retention_reason_text(item->reason), since, size_text(item->bytes, size),
               item->files, item->object);
    }
    shown->count++;
    shown->bytes += item->bytes;
}

static void sum_up(const struct shown *shown, const struct retention_use *use, bool dry_run)
{
    char size[16];
    if (shown->json)
        return;
    if (shown->count)
        printf("%u things, %s, %s\n", shown->count, size_text(shown->bytes, size), dry_run ? "would go" : "went");
    else
        puts(dry_run ? "nothing would go" : "nothing went");
    for (unsigned c = 0; c < RETAIN_CLASSES; c++)
        printf("%-9s %9s\n", retention_class_text((enum retention_class)c),
               size_text(use->bytes[c], size));
    printf("%-9s %9s\n", "free", size_text(use->free_bytes, size));
}

/* ---- doing it ---- */

/* The lock of the data directory, or -1: somebody runs on it. */
static int take_directory(const char *data_dir)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/lock", data_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int ask_service(const struct asked *a, const struct settings *s)
{
    struct client_where where = {.config = a->config};
    struct client *c;
    struct why why = {0};
    char url[200];
    snprintf(url, sizeof url, "http%s://%.100s:%s", s->api_certificate[0] ? "s" : "", s->api_bind, a->port ? a->port : "");
    if (a->port)
        where.url = url;
    int code = client_open(&where, &c);
    if (code != EXIT_DONE)
        return code;
    if (client_post(c, "/policies/retention/run", slice_str("{}"), &why) != 0)
        code = complain(EXIT_FAILED, &why);
    else
        puts("the service that runs looks now");
    client_close(c);
    return code;
}

static int go(const struct retention_config *config, struct shown *shown, struct retention_use *use)
{
    struct counters_set *set = counters_set_new();
    struct store *store = NULL;
    struct retention_config with_writer = *config;
    struct why why = {0};
    int err = set ? store_open(config->data_dir, counters_block(set), &store, &why) : ERR_NOMEM;
    const struct writer_config writer = {0};
    if (err == 0)
        err = writer_start(&writer, store, counters_block(set), &with_writer.writer, &why);
    if (err) {
        store_close(store);
    } else {
        const struct retention_hands hands = {
            .data_dir = config->data_dir, .writer = with_writer.writer, .actor = "system"};
        err = retention_resume(&hands);
        err = err ? err : retention_pass(&with_writer, show, shown, use);
        writer_stop(with_writer.writer);
    }
    counters_set_free(set);
    if (err && why.text[0] == '\0')
        why_set(&why, "cannot delete in %s: %s", config->data_dir, err_text(err));
    return err ? complain(EXIT_FAILED, &why) : EXIT_DONE;
}

static int tell(const struct retention_config *config, struct shown *shown,
                struct retention_use *use)
{
    struct why why = {0};
    int err = retention_pass(config, show, shown, use);
    if (err == 0)
        return EXIT_DONE;
    why_set(&why, "cannot read %s: %s; the folder of the service is named by --data or --config", config->data_dir, err_text(err));
    return complain(EXIT_FAILED, &why);
}

static int act(const struct asked *a, const struct settings *s)
{
    struct retention_config config = {.data_dir = a->data ? a->data : s->data_dir, .live = true};
    struct shown shown = {.json = a->json};
    struct retention_use use = {0};
    int code, lock = -1;
    struct why why = {0};
    if (terms_in_force(s, config.data_dir, &config.limits, &why) != 0)
        return complain(EXIT_FAILED, &why);
    bool there = access(config.data_dir, F_OK) == 0;
    if (!a->dry_run && there && (lock = take_directory(config.data_dir)) < 0)
        return ask_service(a, s);
    code = a->dry_run || !there ? tell(&config, &shown, &use) : go(&config, &shown, &use);
    if (code == EXIT_DONE)
        sum_up(&shown, &use, a->dry_run);
    if (lock >= 0)
        close(lock);
    return code;
}

int command_retention(int argc, char **argv)
{
    struct settings settings = {0};
    struct asked a = {0};
    int code = read_options(argc, argv, &a);
    if (code != -1)
        return code;
    code = load_settings(a.config, &settings);
    if (code == EXIT_DONE)
        code = act(&a, &settings);
    settings_free(&settings);
    return code;
}
