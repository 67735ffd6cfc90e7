/* `earshot top`: the calls that go on, the worst first, again and again until somebody presses q. */
#include <getopt.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/terminal/client.h"
#include "app/terminal/text.h"
#include "base/clock.h"

static const char usage[] =
    "usage: earshot top [options]\n"
    "\n"
    "Calls in progress, the worst MOS first, until q or Ctrl-C; where the output is no terminal, once.\n"
    "\n"
    "  --interval S      seconds between two looks; default 2\n"
    "  --once            look once\n"
    "  --json            one JSON object a line and call, once\n" CLIENT_HELP;

#define CALLS_MAX 1000
#define LINES_MAX 1000

struct asked {
    struct client_where where;
    bool once, json;
    unsigned interval_s;
};

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct asked *a)
{
    enum { OPT_INTERVAL = 256, OPT_ONCE, OPT_JSON };
    static const struct option options[] = {
        {"interval", required_argument, NULL, OPT_INTERVAL}, {"once", no_argument, NULL, OPT_ONCE}, {"json", no_argument, NULL, OPT_JSON}, CLIENT_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    uint64_t n;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (client_option(&a->where, c, optarg))
            continue;
        switch (c) {
        case OPT_INTERVAL:
            if (!slice_to_u64(slice_str(optarg), 3600, &n) || n == 0) {
                fputs("earshot: --interval takes seconds, 1 to 3600\n", stderr);
                return EXIT_USAGE;
            }
            a->interval_s = (unsigned)n;
            break;
        case OPT_ONCE:
            a->once = true;
            break;
        case OPT_JSON:
            a->json = a->once = true;
            break;
        default:
            return other_option(c, "top", usage);
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "earshot: earshot top takes no \"%s\"; earshot top --help lists the options\n", argv[optind]);
    return EXIT_USAGE;
}

/* ---- one look ---- */

/* The streams that a party sends; the worst of them. */
struct side {
    double loss, jitter, mos;
    char codec[TEXT_CELL];
};

struct row {
    const struct json_value *call;
    struct side side[2];
    double worst;
    int64_t age_ms;
};

static double worse(double a, double b, bool high)
{
    return isnan(a) ? b : isnan(b) ? a : high == (a > b) ? a : b;
}

static void read_sides(const struct json_value *call, struct row *r)
{
    const struct json_value *streams = json_value_get(call, "streams");
    char party[TEXT_CELL];
    for (unsigned i = 0; i < 2; i++)
        r->side[i] = (struct side){NAN, NAN, NAN, "-"};
    for (size_t i = 0; i < json_value_count(streams); i++) {
        const struct json_value *s = json_value_at(streams, i);
        struct side *side = &r->side[strcmp(json_word(s, "party", party), "callee") == 0];
        side->loss = worse(side->loss, text_real(s, "loss_ratio") * 100, true);
        side->jitter = worse(side->jitter, text_real(s, "jitter_ms"), true);
        side->mos = worse(side->mos, text_real(s, "mos"), false);
        json_word(s, "codec", side->codec);
    }
    r->worst = worse(r->side[0].mos, r->side[1].mos, false);
}

static int by_worst(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (isnan(x->worst) != isnan(y->worst))
        return isnan(x->worst) - isnan(y->worst);
    if (x->worst != y->worst && !isnan(x->worst))
        return x->worst < y->worst ? -1 : 1;
    return x->age_ms > y->age_ms ? -1 : x->age_ms < y->age_ms;
}

static int64_t age_of(const struct json_value *call)
{
    char text[TEXT_CELL];
    int64_t began_us;
    if (clock_parse_rfc3339(json_word(call, "started_at", text), &began_us) != 0)
        return -1;
    return (clock_wall_ns() / 1000 - began_us) / 1000;
}

static const char *pair(double a, double b, int decimals, char out[TEXT_CELL])
{
    char left[24] = "-", right[24] = "-";
    if (!isnan(a))
        snprintf(left, sizeof left, "%.*f", decimals, a);
    if (!isnan(b))
        snprintf(right, sizeof right, "%.*f", decimals, b);
    snprintf(out, TEXT_CELL, "%s/%s", left, right);
    return out;
}

#define ROW "%8s %-20.20s %-20.20s %-9.9s %-8.8s %12s %11s %9s %s"

static void show_row(const struct row *r, const char *end)
{
    char c[8][TEXT_CELL];
    const struct side *a = &r->side[0], *b = &r->side[1];
    bool recording = false;
    json_value_bool(json_value_get(r->call, "recording"), &recording);
    printf(ROW "%s", text_length(r->age_ms, c[0]), text_party(r->call, "from", c[1]), text_party(r->call, "to", c[2]), json_word(r->call, "state", c[3]),
           strcmp(a->codec, "-") ? a->codec : b->codec, pair(a->loss, b->loss, 2, c[4]), pair(a->jitter, b->jitter, 1, c[5]), pair(a->mos, b->mos, 2, c[6]),
           strcmp(json_word(r->call, "paused", c[7]), "-") != 0 ? "paused" : recording ? "rec" : "", end);
}

static void show_head(size_t calls, bool more, double worst, const char *end)
{
    char now[32];
    time_t t = time(NULL);
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(now, sizeof now, "%H:%M:%S", &tm);
    printf("%s  %zu%s calls in progress", now, calls, more ? " and more" : "");
    if (!isnan(worst))
        printf(", the worst MOS now %.2f", worst);
    printf("%s%s", end, end);
    printf(ROW "%s", "AGE", "CALLER", "CALLEE", "STATE", "CODEC", "LOSS %", "JITTER ms", "MOS", "", end);
}

static void show_table(const struct json_value *answer, int lines, const char *end)
{
    const struct json_value *data = json_value_get(answer, "data");
    size_t n = json_value_count(data);
    bool more = false;
    json_value_bool(json_value_get(answer, "has_more"), &more);
    struct row *rows = calloc(n ? n : 1, sizeof *rows);
    if (rows == NULL)
        return;
    for (size_t i = 0; i < n; i++) {
        rows[i].call = json_value_at(data, i);
        rows[i].age_ms = age_of(rows[i].call);
        read_sides(rows[i].call, &rows[i]);
    }
    qsort(rows, n, sizeof *rows, by_worst);
    show_head(n, more, n ? rows[0].worst : NAN, end);
    for (size_t i = 0; i < n && (int)i < lines - 3; i++)
        show_row(&rows[i], end);
    free(rows);
}

/* ---- the terminal ---- */

static struct termios before;
static volatile sig_atomic_t ended;

static void end(int signal)
{
    (void)signal;
    ended = 1;
}

static void take_screen(void)
{
    struct termios raw;
    struct sigaction action = {.sa_handler = end};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    if (tcgetattr(STDIN_FILENO, &before) == 0) {
        raw = before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    fputs("\033[?1049h\033[?25l\033[?7l", stdout); /* a screen of our own, no cursor, long lines are cut */
}

static void give_screen_back(void)
{
    fputs("\033[?7h\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static bool wait_for_q(unsigned seconds)
{
    int64_t until_ns = clock_mono_ns() + (int64_t)seconds * 1000000000;
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    while (!ended) {
        int64_t left_ms = (until_ns - clock_mono_ns()) / 1000000;
        char key = 0;
        if (left_ms <= 0)
            return false;
        if (poll(&in, 1, (int)left_ms) == 1 && (read(STDIN_FILENO, &key, 1) <= 0 || key == 'q' || key == 'Q'))
            return true;
    }
    return true;
}

static int look(struct client *c, const struct asked *a, bool screen, struct why *why)
{
    struct winsize size = {.ws_row = 24};
    char path[64];
    snprintf(path, sizeof path, "/live/calls?limit=%d", CALLS_MAX);
    struct json_value *answer = client_json(c, path, why);
    if (answer == NULL)
        return ERR_IO;
    if (screen) {
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        fputs("\033[H", stdout);
        show_table(answer, size.ws_row, "\033[K\n");
        fputs("\033[J", stdout);
    } else if (a->json) {
        const struct json_value *data = json_value_get(answer, "data");
        for (size_t i = 0; i < json_value_count(data); i++)
            json_value_print(json_value_at(data, i), stdout);
    } else {
        show_table(answer, LINES_MAX, "\n");
    }
    fflush(stdout);
    json_read_free(answer);
    return 0;
}

static int act(const struct asked *a)
{
    struct client *c;
    struct why why = {0};
    bool screen = !a->once && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
    int code = client_open(&a->where, &c);
    if (code != EXIT_DONE)
        return code;
    if (screen)
        take_screen();
    int err = look(c, a, screen, &why);
    while (screen && err == 0 && !wait_for_q(a->interval_s))
        err = look(c, a, screen, &why);
    if (screen)
        give_screen_back();
    client_close(c);
    return err ? complain(EXIT_FAILED, &why) : EXIT_DONE;
}

int command_top(int argc, char **argv)
{
    struct asked a = {.interval_s = 2};
    int code = read_options(argc, argv, &a);
    return code == -1 ? act(&a) : code;
}
