/* `earshot calls`: which calls there were, by the words of the page's search box. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "app/commands.h"
#include "app/terminal/list.h"
#include "app/terminal/text.h"
#include "app/terminal/words.h"
#include "base/clock.h"

static const char usage[] =
    "usage: earshot calls [options] [WORD...]\n"
    "\n"
    "Calls that the service has stored, the newest first, a line each.\n"
    "\n" WORDS_HELP
    "\n"
    "  --from TIME       begun at or after; default 24 hours ahead of --to\n"
    "  --to TIME         begun before; default now\n"
    "  --worst           the lowest MOS first\n"
    "  --limit N         so many; default 20\n"
    "  --json            one JSON object a line, as the API has it\n" CLIENT_HELP;

#define QUERY_MAX 8192

struct asked {
    struct client_where where;
    struct buf query;
    const char *from, *to;
    const char *order;
    size_t limit;
    bool json;
};

static int wrong(const struct why *why)
{
    complain(EXIT_USAGE, why);
    return EXIT_USAGE;
}

static int take_limit(const char *text, size_t *ret_limit)
{
    uint64_t n;
    if (slice_to_u64(slice_str(text), LIST_MAX, &n) && n > 0) {
        *ret_limit = (size_t)n;
        return -1;
    }
    fprintf(stderr, "earshot: --limit takes a number from 1 to %d\n", LIST_MAX);
    return EXIT_USAGE;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct asked *a)
{
    enum { OPT_FROM = 256, OPT_TO, OPT_WORST, OPT_LIMIT, OPT_JSON };
    static const struct option options[] = {
        {"from", required_argument, NULL, OPT_FROM},   {"to", required_argument, NULL, OPT_TO}, {"worst", no_argument, NULL, OPT_WORST},
        {"limit", required_argument, NULL, OPT_LIMIT}, {"json", no_argument, NULL, OPT_JSON},   CLIENT_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    int64_t now_us = clock_wall_ns() / 1000;
    struct why why = {0};
    for (int c, code; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (client_option(&a->where, c, optarg))
            continue;
        switch (c) {
        case OPT_FROM:
            a->from = optarg;
            break;
        case OPT_TO:
            a->to = optarg;
            break;
        case OPT_WORST:
            a->order = "mos_min";
            break;
        case OPT_LIMIT:
            if ((code = take_limit(optarg, &a->limit)) != -1)
                return code;
            break;
        case OPT_JSON:
            a->json = true;
            break;
        default:
            return other_option(c, "calls", usage);
        }
    }
    const struct words_span span = {.from = a->from, .to = a->to, .to_option = "to"};
    for (int i = optind; i < argc; i++)
        if (words_add(&a->query, argv[i], &why) != 0)
            return wrong(&why);
    return words_add_span(&a->query, &span, now_us, &why) != 0 ? wrong(&why) : -1;
}

/* ---- what it shows ---- */

#define ROW "%-19s %-20.20s %-20.20s %-11.11s %8s %-8.8s %6s %6s %5s  %s\n"

static void show(const struct json_value *call)
{
    char cell[10][TEXT_CELL];
    const char *outcome = json_word(call, "outcome", cell[3]);
    printf(ROW, text_time(call, "started_at", cell[0]), text_party(call, "from", cell[1]), text_party(call, "to", cell[2]),
           strcmp(outcome, "-") == 0 ? json_word(call, "state", cell[3]) : outcome, text_length(text_int(call, "duration_ms", -1), cell[4]),
           json_word(call, "codec", cell[5]), text_number(call, "quality.loss_ratio", 100, 2, cell[6]), text_number(call, "quality.jitter_ms_max", 1, 1, cell[7]),
           text_number(call, "quality.mos_min", 1, 2, cell[8]), json_word(call, "uid", cell[9]));
}

static int act(struct asked *a)
{
    struct client *c;
    struct call_list list;
    struct why why = {0};
    int code = client_open(&a->where, &c);
    if (code != EXIT_DONE)
        return code;
    if (!a->json)
        words_pair(&a->query, "view", slice_str("brief"));
    int err = list_fetch(c, &a->query, a->order, a->limit, &list, &why);
    if (err == 0 && !a->json)
        printf(ROW, "START", "CALLER", "CALLEE", "OUTCOME", "DURATION", "CODEC", "LOSS %", "JITTER", "MOS", "UID");
    for (size_t i = 0; i < list.count && err == 0; i++) {
        if (a->json)
            json_value_print(list.rows[i], stdout);
        else
            show(list.rows[i]);
    }
    if (err == 0 && !a->json && list.more)
        fprintf(stderr, "there are more: --limit, or a narrower question\n");
    if (err == 0 && !a->json && list.count == 0)
        fprintf(stderr, "none of these; --from 7d looks further back\n");
    list_free(&list);
    client_close(c);
    return err ? complain(EXIT_FAILED, &why) : EXIT_DONE;
}

int command_calls(int argc, char **argv)
{
    struct asked a = {.order = "-started_at", .limit = 20};
    buf_init(&a.query, QUERY_MAX);
    int code = read_options(argc, argv, &a);
    if (code == -1)
        code = act(&a);
    buf_fini(&a.query);
    return code;
}
