/* `earshot run`: one source into the service until a signal says stop. */
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/commands.h"
#include "app/service.h"
#include "base/clock.h"
#include "base/log.h"
#include "capture/source/source.h"

static const char usage[] =
    "usage: earshot run [options]\n"
    "\n"
    "Captures live, keeps records and recordings in the data directory, serves API, page and metrics\n"
    "(default http://127.0.0.1:8470/). It never sends on the capture interface. SIGTERM or ^C ends it: open\n"
    "calls end as cut, everything is committed.\n"
    "\n"
    "  --config FILE     configuration; default " SETTINGS_DEFAULT_PATH " when it exists\n"
    "  --interface IF    overrides [capture] interface\n"
    "  --read FILE       feed a capture file instead of an interface; the service goes on afterwards\n"
    "  --exit            with --read: end when the file is read and everything is rendered\n"
    "  --data DIR        overrides [storage] data_dir\n"
    "  --port N          overrides [api] port; 0 takes any free one\n"
    "  --record          overrides [recording] default with record\n"
    "  --help            this text\n";

#define IDLE_WAIT_MS      100
#define FRAMES_A_TURN     2048
#define KERNEL_DELAY_NS   INT64_C(100000000)
#define STATS_EVERY_NS    INT64_C(1000000000)
#define HOUSE_EVERY_NS    (60 * INT64_C(1000000000))

struct running {
    struct settings settings;
    const char *config;
    const char *file;
    bool exit_after_file;
    struct service *service;
    struct source *source;
    int64_t stats_ns, house_ns;
};

static _Atomic(struct source *) signalled_source;
static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
    struct source *s = atomic_load(&signalled_source);
    if (s)
        source_wake(s);
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void take_frame(void *context, const struct frame *frame)
{
    service_frame(context, frame);
}

static void now_and_then(struct running *g)
{
    struct source_stats stats;
    int64_t now = clock_mono_ns();
    if (g->source && now - g->stats_ns >= STATS_EVERY_NS) {
        g->stats_ns = now;
        source_stats(g->source, &stats);
        service_source_stats(g->service, stats.kernel_drops, stats.nic_drops);
    }
    /* A file is looked at for what it is, however old: nothing of it is too old to keep. */
    if (g->file == NULL && now - g->house_ns >= HOUSE_EVERY_NS) {
        g->house_ns = now;
        service_housekeeping(g->service, clock_wall_ns() / 1000);
    }
}

/* SOURCE_END, SOURCE_TRUNCATED or SOURCE_FAILED; SOURCE_MORE when a signal came. */
static enum source_state pump(struct running *g, struct why *why)
{
    while (!stop_asked) {
        enum source_state state = source_dispatch(g->source, FRAMES_A_TURN, IDLE_WAIT_MS, take_frame, g->service, why);
        if (state != SOURCE_MORE && state != SOURCE_IDLE)
            return state;
        /* While frames come, their own stamps move time; the clock must never overtake one that still waits in the kernel. */
        if (g->file == NULL && state == SOURCE_IDLE)
            service_tick(g->service, clock_wall_ns() - KERNEL_DELAY_NS);
        now_and_then(g);
    }
    return SOURCE_MORE;
}

static void close_source(struct running *g)
{
    atomic_store(&signalled_source, NULL);
    source_close(g->source);
    g->source = NULL;
}

/* The file is in: the service stays up until it is told to stop, or all is rendered. */
static void linger(struct running *g)
{
    while (!stop_asked && !(g->exit_after_file && !service_busy(g->service))) {
        struct timespec pause = {.tv_nsec = 50000000};
        nanosleep(&pause, NULL);
        now_and_then(g);
    }
}

static void greet(const struct running *g, const char *source)
{
    const char *token = service_first_token(g->service);
    fprintf(stderr, "earshot %s listens on %s, keeps its data in %s", EARSHOT_VERSION, source, g->settings.data_dir);
    if (g->settings.api_enabled)
        fprintf(stderr, "\nearshot: look at http://%s:%u/", g->settings.api_bind, service_port(g->service));
    fputc('\n', stderr);
    if (token[0])
        fprintf(stderr, "earshot: first start; the admin token, shown this once: %s\n", token);
}

static int open_source(struct running *g, struct why *why)
{
    const struct settings *s = &g->settings;
    if (g->file)
        return source_open_file(g->file, s->capture_filter, &g->source, why);
    if (s->capture_interface[0] == '\0') {
        why_set(why, "no interface: name the mirror port with --interface IF or [capture] interface, or a file with --read");
        return ERR_INVALID;
    }
    struct source_live_config live = {
        .interface = s->capture_interface,
        .ring_bytes = (size_t)s->capture_ring,
        .snaplen = (int)s->capture_snaplen,
        .promiscuous = s->capture_promiscuous,
        .immediate = s->capture_immediate,
        .filter = s->capture_filter,
    };
    return source_open_live(&live, &g->source, why);
}

static int run(struct running *g)
{
    struct why why = {0};
    const char *name = g->file ? g->file : g->settings.capture_interface;
    int err = open_source(g, &why);
    if (err)
        return complain(err == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED, &why);
    struct service_config config = {
        .settings = &g->settings, .source_name = name, .lossless = g->file != NULL};
    err = service_start(&config, &g->service, &why);
    if (err) {
        source_close(g->source);
        return complain(EXIT_FAILED, &why);
    }
    atomic_store(&signalled_source, g->source);
    greet(g, name);
    enum source_state state = pump(g, &why);
    int code = EXIT_DONE;
    if (state == SOURCE_TRUNCATED || state == SOURCE_FAILED)
        code = complain(state == SOURCE_FAILED ? EXIT_FAILED : EXIT_PARTIAL, &why);
    close_source(g);
    if (state != SOURCE_MORE && g->file) {
        service_finish_input(g->service);
        linger(g);
    }
    service_stop(g->service);
    return code;
}

enum { OPT_CONFIG = 256, OPT_INTERFACE, OPT_READ, OPT_EXIT, OPT_DATA, OPT_PORT, OPT_RECORD };

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG}, {"interface", required_argument, NULL, OPT_INTERFACE},
    {"read", required_argument, NULL, OPT_READ},     {"exit", no_argument, NULL, OPT_EXIT},
    {"data", required_argument, NULL, OPT_DATA},     {"port", required_argument, NULL, OPT_PORT},
    {"record", no_argument, NULL, OPT_RECORD},       {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct override {
    const char *section, *name, *value;
};

/* -1: go on; else the exit code. */
static int read_options(struct running *g, int argc, char **argv, struct override *overrides, unsigned *ret_count)
{
    unsigned n = 0;
    for (int c; n < 8 && (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case OPT_CONFIG:
            g->config = optarg;
            break;
        case OPT_INTERFACE:
            overrides[n++] = (struct override){"capture", "interface", optarg};
            break;
        case OPT_READ:
            g->file = optarg;
            break;
        case OPT_EXIT:
            g->exit_after_file = true;
            break;
        case OPT_DATA:
            overrides[n++] = (struct override){"storage", "data_dir", optarg};
            break;
        case OPT_PORT:
            overrides[n++] = (struct override){"api", "port", optarg};
            break;
        case OPT_RECORD:
            overrides[n++] = (struct override){"recording", "default", "record"};
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_DONE;
        default:
            fputs("earshot: earshot run --help lists the options\n", stderr);
            return EXIT_USAGE;
        }
    }
    *ret_count = n;
    if (optind < argc) {
        fprintf(stderr, "earshot: run takes no argument \"%s\"; to feed a file say --read FILE\n", argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

static int apply(struct running *g, const struct override *overrides, unsigned count)
{
    struct why why = {0};
    int code = load_settings(g->config, &g->settings);
    for (unsigned i = 0; code == EXIT_DONE && i < count; i++)
        if (settings_set(&g->settings, overrides[i].section, overrides[i].name, overrides[i].value, &why) != 0)
            code = complain(EXIT_USAGE, &why);
    if (code == EXIT_DONE && settings_check(&g->settings, &why) != 0)
        code = complain(EXIT_USAGE, &why);
    return code;
}

int command_run(int argc, char **argv)
{
    struct running *g = calloc(1, sizeof *g);
    struct override overrides[8];
    unsigned count = 0;
    if (g == NULL)
        return EXIT_FAILED;
    int code = read_options(g, argc, argv, overrides, &count);
    if (code == -1) {
        code = apply(g, overrides, count);
        if (code == EXIT_DONE) {
            log_set((enum log_level)g->settings.log_level, g->settings.log_json);
            watch_signals();
            code = run(g);
        }
    }
    free(g);
    return code;
}
