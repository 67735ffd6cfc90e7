/* `earshot audit`: the audit log as it lies in the data directory, and whether anybody has touched it. Beside a service that runs or
 * not. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "app/commands.h"
#include "base/clock.h"
#include "base/json.h"
#include "storage/store.h"

static const char usage[] =
    "usage: earshot audit [options]\n"
    "\n"
    "The audit log: who read, heard, exported, deleted or changed what; the newest first.\n"
    "\n"
    "  --verify          is the chain of hashes whole? Exit code 1 when a row was changed, put in or taken out\n"
    "  --actor NAME      only what they did\n"
    "  --action NAME     only this: audio.read, login, token.create, ...\n"
    "  --object TEXT     only what was done with it: a uid, a recording's id, a name\n"
    "  --limit N         so many; default 100\n"
    "  --json            one JSON object a line\n"
    "  --data DIR        overrides [storage] data_dir\n"
    "  --config FILE     configuration; default " SETTINGS_DEFAULT_PATH " when it exists\n"
    "  --help            this text\n";

#define LIMIT_MAX 1000000

struct asked {
    bool verify, json;
    const char *data, *config;
    struct store_audit_query query;
};

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct asked *a)
{
    enum { OPT_VERIFY = 256, OPT_ACTOR, OPT_ACTION, OPT_OBJECT, OPT_LIMIT, OPT_JSON, OPT_DATA, OPT_CONFIG };
    static const struct option options[] = {
        {"verify", no_argument, NULL, OPT_VERIFY},       {"actor", required_argument, NULL, OPT_ACTOR},
        {"action", required_argument, NULL, OPT_ACTION}, {"object", required_argument, NULL, OPT_OBJECT},
        {"limit", required_argument, NULL, OPT_LIMIT},   {"json", no_argument, NULL, OPT_JSON},
        {"data", required_argument, NULL, OPT_DATA},     {"config", required_argument, NULL, OPT_CONFIG},
        {"help", no_argument, NULL, 'h'},                {NULL, 0, NULL, 0},
    };
    uint64_t n;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case OPT_VERIFY:
            a->verify = true;
            break;
        case OPT_ACTOR:
            a->query.actor = optarg;
            break;
        case OPT_ACTION:
            a->query.action = optarg;
            break;
        case OPT_OBJECT:
            a->query.object = optarg;
            break;
        case OPT_LIMIT:
            if (!slice_to_u64(slice_str(optarg), LIMIT_MAX, &n) || n == 0) {
                fputs("earshot: --limit takes a number from 1 to 1000000\n", stderr);
                return EXIT_USAGE;
            }
            a->query.limit = (unsigned)n;
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
        default:
            return other_option(c, "audit", usage);
        }
    }
    return nothing_more("audit", argc, argv);
}

/* ---- what it does ---- */

/* Names and reasons are other people's text: no control character of theirs reaches a terminal. */
static void print_word(const char *text)
{
    putchar(' ');
    for (const unsigned char *p = (const unsigned char *)(text ? text : "-"); *p; p++)
        putchar(*p < ' ' || *p == 127 ? '?' : *p);
}

static void show(void *context, int64_t id, const struct store_audit *e, const uint8_t hash[32])
{
    char when[CLOCK_TEXT_SIZE];
    (void)context, (void)hash;
    printf("%lld %s", (long long)id, clock_rfc3339_us(e->time_us, when));
    const char *const words[] = {e->actor, e->address, e->action, e->object, e->result, e->detail};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++)
        print_word(words[i]);
    putchar('\n');
}

static void show_json(void *context, int64_t id, const struct store_audit *e, const uint8_t hash[32])
{
    struct buf b;
    struct json j;
    (void)context, (void)hash;
    buf_init(&b, 65536);
    json_init(&j, &b);
    json_object(&j);
    json_kv_int(&j, "id", id);
    json_kv_time(&j, "at", e->time_us);
    json_kv_str(&j, "actor", e->actor);
    json_kv_str(&j, "address", e->address);
    json_kv_str(&j, "action", e->action);
    json_kv_str(&j, "object", e->object);
    json_kv_str(&j, "result", e->result);
    json_kv_str(&j, "detail", e->detail);
    json_end(&j);
    puts(buf_text(&b));
    buf_fini(&b);
}

static int verify(struct store_reader *reader, int *ret_code)
{
    int64_t bad = 0;
    uint64_t rows = 0;
    int err = store_audit_verify(reader, &bad, &rows);
    if (err)
        return err;
    *ret_code = bad ? EXIT_FAILED : EXIT_DONE;
    if (bad)
        printf("the chain is broken at row %lld of %llu\n", (long long)bad, (unsigned long long)rows);
    else
        printf("the chain is whole: %llu rows\n", (unsigned long long)rows);
    return 0;
}

static int act(struct asked *a, const char *data_dir)
{
    struct store_reader *reader = NULL;
    struct why why = {0};
    int code = EXIT_DONE;
    if (a->query.limit == 0)
        a->query.limit = 100;
    int err = store_reader_open(data_dir, &reader);
    if (err == 0)
        err = a->verify ? verify(reader, &code) : store_audit_list(reader, &a->query, a->json ? show_json : show, NULL);
    store_reader_close(reader);
    if (err == 0)
        return code;
    why_set(&why, "cannot read the audit log in %s: %s; the folder of the service is named by --data or --config", data_dir, err_text(err));
    return complain(EXIT_FAILED, &why);
}

int command_audit(int argc, char **argv)
{
    struct settings settings = {0};
    struct asked a = {0};
    int code = read_options(argc, argv, &a);
    if (code != -1)
        return code;
    code = load_settings(a.config, &settings);
    if (code == EXIT_DONE)
        code = act(&a, a.data ? a.data : settings.data_dir);
    settings_free(&settings);
    return code;
}
