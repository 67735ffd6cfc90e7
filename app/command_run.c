/* `earshot run`: one source, or several merged, into the service until a signal says stop. */
#include <getopt.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "app/commands.h"
#include "app/inputs.h"
#include "app/service.h"
#include "app/setup.h"
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
    "  --interface IF    overrides [capture] interface; several with commas between, or any\n"
    "  --read FILE...    feed capture files (or directories of them, or - for standard input) instead of an\n"
    "                    interface, merged in the order of time; the service goes on afterwards\n"
    "  --exit            with --read: end when the files are read and everything is rendered\n"
    "  --offset NAME=SECONDS\n"
    "                    added to the time stamps of a file or interface whose clock differs: eth2=-0.25\n"
    "  --data DIR        overrides [storage] data_dir\n"
    "  --port N          overrides [api] port; 0 takes any free one\n"
    "  --web-root DIR    overrides [api] web_root: the page out of a directory, for its development\n"
    "  --record          overrides [recording] default with record\n"
    "  --help            this text\n";

#define IDLE_WAIT_MS      100
#define FRAMES_A_TURN     2048
#define FILE_FRAMES       64 /* the same of files: between two looks at what they say that was dropped */
#define KERNEL_DELAY_NS   INT64_C(100000000)
#define POLL_EVERY_NS     INT64_C(200000000)
#define STATS_EVERY_NS    INT64_C(1000000000)
#define HOUSE_EVERY_NS    (60 * INT64_C(1000000000))

struct running {
    struct settings settings;
    const char *config;
    const char *decoder; /* the program */
    char **files; /* NULL: live */
    size_t file_count;
    bool read_partly;
    bool exit_after_file;
    struct offsets offsets;
    struct inputs_ifaces ifaces;
    int64_t tick_delay_ns; /* how far what waits in kernel and merge may lag behind the clock */
    char name[200];        /* of the source, for people */
    struct service *service;
    struct source *source;
    int64_t poll_ns, stats_ns, house_ns;
};

static _Atomic(struct source *) signalled_source;
static volatile sig_atomic_t stop_asked, reload_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
    struct source *s = atomic_load(&signalled_source);
    if (s)
        source_wake(s);
}

static void on_reload(int number)
{
    (void)number;
    reload_asked = 1;
}

/* What is paused or masked stands in memory for a moment: it must not get to the disk in a dump. */
static void no_core(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0);
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    const struct sigaction reload = {.sa_handler = on_reload, .sa_flags = SA_RESTART};
    sigaction(SIGHUP, &reload, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of its write */
}

static void take_frame(void *context, const struct frame *frame)
{
    service_frame(context, frame);
}

static void tell_drops(struct running *g)
{
    struct source_stats stats;
    source_stats(g->source, &stats);
    service_source_stats(g->service, &stats);
}

static void now_and_then(struct running *g)
{
    int64_t now = clock_mono_ns();
    if (reload_asked) {
        reload_asked = 0;
        service_reload(g->service);
    }
    if (g->source && now - g->poll_ns >= POLL_EVERY_NS) {
        g->poll_ns = now;
        service_poll(g->service);
    }
    if (g->source && now - g->stats_ns >= STATS_EVERY_NS) {
        g->stats_ns = now;
        tell_drops(g);
    }
    /* A file is looked at for what it is, however old: nothing of it is too old to keep. */
    if (g->files == NULL && now - g->house_ns >= HOUSE_EVERY_NS) {
        g->house_ns = now;
        service_housekeeping(g->service, clock_wall_ns() / 1000);
    }
}

/* SOURCE_END, SOURCE_TRUNCATED or SOURCE_FAILED; SOURCE_MORE when a signal came. */
static enum source_state pump(struct running *g, struct why *why)
{
    while (!stop_asked) {
        enum source_state state = source_dispatch(g->source, g->files ? FILE_FRAMES : FRAMES_A_TURN, IDLE_WAIT_MS, take_frame, g->service, why);
        if (state != SOURCE_MORE && state != SOURCE_IDLE)
            return state;
        /* While frames come, their own stamps move time; the clock must never overtake one that still waits in the kernel. */
        if (g->files == NULL && state == SOURCE_IDLE)
            service_tick(g->service, clock_wall_ns() - g->tick_delay_ns);
        if (g->files) /* of a file hours pass between two looks at the clock, and the drops are those of the calls of now */
            tell_drops(g);
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
        fprintf(stderr, "\nearshot: look at http%s://%s:%u/", g->settings.api_certificate[0] ? "s" : "", g->settings.api_bind, service_port(g->service));
    fputc('\n', stderr);
    if (token[0])
        fprintf(stderr, "earshot: first start; the admin token, shown this once: %s\n", token);
}

/* One of several inputs; the others go on. */
static void input_trouble(void *context, int err, const struct why *why)
{
    struct running *g = context;
    (void)err;
    g->read_partly = g->files != NULL;
    log_warn("capture", "%s", why->text);
}

static int open_files(struct running *g, struct why *why)
{
    struct inputs_files files = {
        .settings = &g->settings,
        .paths = g->files,
        .count = g->file_count,
        .filter = g->settings.capture_filter,
        .offsets = &g->offsets,
        .trouble = input_trouble,
        .context = g,
    };
    const char *first = strcmp(g->files[0], "-") == 0 ? "standard input" : g->files[0];
    snprintf(g->name, sizeof g->name, g->file_count > 1 ? "%.150s and %zu more" : "%.150s", first, g->file_count - 1);
    int err = offsets_check(&g->offsets, g->files, g->file_count, why);
    if (err)
        return err;
    err = inputs_open_files(&files, &g->source, why);
    return err == ERR_INVALID ? ERR_UNSUPPORTED : err; /* the file is wrong, not how it was asked for */
}

/* "eth1, eth2, HEP" */
static void name_live(struct running *g)
{
    for (unsigned i = 0; i < g->ifaces.count; i++)
        snprintf(g->name + strlen(g->name), sizeof g->name - strlen(g->name), "%s%s", i ? ", " : "", g->ifaces.names[i]);
    if (g->ifaces.hep)
        snprintf(g->name + strlen(g->name), sizeof g->name - strlen(g->name), "%sHEP", g->ifaces.count ? ", " : "");
}

static int open_live(struct running *g, struct why *why)
{
    int err = inputs_list_ifaces(&g->settings, &g->ifaces, why);
    if (!err)
        err = inputs_open_live(&g->settings, &g->ifaces, &g->offsets, input_trouble, g, &g->source, why);
    if (err)
        return err;
    name_live(g);
    g->tick_delay_ns = KERNEL_DELAY_NS - g->ifaces.lowest_offset_ns;
    if (g->ifaces.count + g->ifaces.hep > 1)
        g->tick_delay_ns += SOURCE_MERGE_WAIT_NS;
    return 0;
}

/* Labels of the metrics, by frame.iface. */
static unsigned name_ifaces(const struct running *g, char names[INPUTS_IFACES_MAX][16])
{
    unsigned count = g->ifaces.count;
    memcpy(names, g->ifaces.names, sizeof g->ifaces.names);
    if (g->ifaces.hep && count < INPUTS_IFACES_MAX)
        snprintf(names[count++], sizeof names[0], "hep");
    return count;
}

/* The API has its port now: its own packets are left out from here on. */
static void exclude_own(struct running *g)
{
    char filter[2048];
    struct why why = {0};
    if (g->ifaces.count == 0 || !g->settings.capture_exclude_own || !g->settings.api_enabled)
        return;
    if (setup_live_filter(&g->settings, service_port(g->service), filter, sizeof filter) != 0)
        log_warn("capture", "the filter is too long to leave out the API's own traffic as well");
    else if (source_set_filter(g->source, filter, &why) != 0)
        log_warn("capture", "the API's own traffic is not left out: %s", why.text);
}

static int run_code(const struct running *g, enum source_state state, const struct why *why)
{
    if (state == SOURCE_TRUNCATED || state == SOURCE_FAILED)
        return complain(state == SOURCE_FAILED ? EXIT_FAILED : EXIT_PARTIAL, why);
    return g->read_partly ? EXIT_PARTIAL : EXIT_DONE;
}

static int run(struct running *g)
{
    struct why why = {0};
    int err = g->files ? open_files(g, &why) : open_live(g, &why);
    if (err)
        return complain(err == ERR_INVALID ? EXIT_USAGE : EXIT_FAILED, &why);
    char names[INPUTS_IFACES_MAX][16];
    struct service_config config = {
        .settings = &g->settings,
        .decoder = {.path = g->decoder},
        .source_name = g->name,
        .ifaces = g->files ? NULL : names,
        .iface_count = name_ifaces(g, names),
        .lossless = g->files != NULL,
        .batch = g->files != NULL && g->exit_after_file,
    };
    err = service_start(&config, &g->service, &why);
    if (err) {
        source_close(g->source);
        return complain(EXIT_FAILED, &why);
    }
    exclude_own(g);
    atomic_store(&signalled_source, g->source);
    greet(g, g->name);
    enum source_state state = pump(g, &why);
    int code = run_code(g, state, &why);
    tell_drops(g);
    close_source(g);
    if (state != SOURCE_MORE && g->files) {
        service_finish_input(g->service);
        linger(g);
    }
    service_stop(g->service);
    return code;
}

enum { OPT_CONFIG = 256, OPT_INTERFACE, OPT_READ, OPT_EXIT, OPT_DATA, OPT_PORT, OPT_RECORD, OPT_OFFSET, OPT_WEB_ROOT };

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG}, {"interface", required_argument, NULL, OPT_INTERFACE},
    {"read", required_argument, NULL, OPT_READ},     {"exit", no_argument, NULL, OPT_EXIT},
    {"data", required_argument, NULL, OPT_DATA},     {"port", required_argument, NULL, OPT_PORT},
    {"record", no_argument, NULL, OPT_RECORD},       {"help", no_argument, NULL, 'h'},
    {"offset", required_argument, NULL, OPT_OFFSET}, {"web-root", required_argument, NULL, OPT_WEB_ROOT},
    {NULL, 0, NULL, 0},
};

struct override {
    const char *section, *name, *value;
};

/* -1: go on; else the exit code. */
static int read_options(struct running *g, int argc, char **argv, struct override *overrides, unsigned *ret_count)
{
    unsigned n = 0;
    struct why why = {0};
    for (int c; n < 8 && (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case OPT_CONFIG:
            g->config = optarg;
            break;
        case OPT_INTERFACE:
            overrides[n++] = (struct override){"capture", "interface", optarg};
            break;
        case OPT_READ:
            g->files[g->file_count++] = optarg;
            break;
        case OPT_OFFSET:
            if (offsets_add(&g->offsets, optarg, &why) != 0)
                return complain(EXIT_USAGE, &why);
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
        case OPT_WEB_ROOT:
            overrides[n++] = (struct override){"api", "web_root", optarg};
            break;
        case OPT_RECORD:
            overrides[n++] = (struct override){"recording", "default", "record"};
            break;
        default:
            return other_option(c, "run", usage);
        }
    }
    *ret_count = n;
    if (optind < argc && g->file_count == 0) {
        fprintf(stderr, "earshot: run takes no argument \"%s\"; to feed a file say --read FILE\n", argv[optind]);
        return EXIT_USAGE;
    }
    if (g->exit_after_file && g->file_count == 0) {
        fputs("earshot: --exit ends when files are read; it goes with --read FILE\n", stderr);
        return EXIT_USAGE;
    }
    while (optind < argc)
        g->files[g->file_count++] = argv[optind++];
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

int command_run(int argc, char **argv, const char *decoder)
{
    struct running *g = calloc(1, sizeof *g);
    struct override overrides[8];
    unsigned count = 0;
    if (g == NULL)
        return EXIT_FAILED;
    char **files = calloc((size_t)argc, sizeof *files);
    g->files = files;
    g->decoder = decoder;
    int code = files ? read_options(g, argc, argv, overrides, &count) : EXIT_FAILED;
    if (g->file_count == 0)
        g->files = NULL;
    if (code == -1) {
        code = apply(g, overrides, count);
        if (code == EXIT_DONE) {
            log_set((enum log_level)g->settings.log_level, g->settings.log_json);
            no_core();
            watch_signals();
            code = run(g);
        }
    }
    free(files);
    settings_free(&g->settings);
    free(g);
    return code;
}
