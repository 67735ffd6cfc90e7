/* `earshot read`: capture files through the same pipeline as the service, results to standard output as calls end. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/record_json.h"
#include "app/call_table.h"
#include "app/commands.h"
#include "app/finding_print.h"
#include "app/inputs.h"
#include "app/kpi_report.h"
#include "app/progress.h"
#include "app/read_ladder.h"
#include "app/read_topology.h"
#include "app/setup.h"
#include "app/sound.h"
#include "app/user_print.h"
#include "app/wire.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/clock.h"
#include "capture/call/user_event.h"
#include "capture/source/source.h"

static const char usage[] =
    "usage: earshot read [options] FILE|DIR...\n"
    "\n"
    "Analyses capture files: pcap with µs or ns, pcapng, also compressed with gzip or zstd; - is standard input,\n"
    "DIR every .pcap, .pcapng and .cap in a directory (also with .gz or .zst). Several are merged in the order of\n"
    "their packets' time: a rotated capture, or signalling and media from different taps. Prints a table of calls:\n"
    "start, caller, callee, outcome, duration, codec, and for each direction (caller/callee) loss, mean jitter and\n"
    "MOS.\n"
    "\n"
    "  --json            one JSON object a call and line, with every field of the API\n"
    "  --kpi             the figures of telephony over all that was read (RFC 6076, E.425) instead of the calls; a table, or\n"
    "                    with --json one object\n"
    "  --ladder          instead of the table the messages and media of each call as a ladder; with --json as JSON\n"
    "  --topology        instead of the calls who talks to whom, as a graph: one JSON object\n"
    "  --findings        behind the calls: what looks like an attack, or like a peer that is gone (docs/findings.md)\n"
    "  --record DIR      render the audio of every call to DIR as stereo WAV (left caller, right callee)\n"
    "  --filter BPF      only frames that match, as tcpdump knows it\n"
    "  --offset FILE=SECONDS\n"
    "                    added to the time stamps of FILE (as named here), where the clocks of taps differ: -1.5\n"
    "  --workers N       threads for media statistics; 0, the default, is none\n"
    "  --registrations   behind the calls: users, their devices and their registrations\n"
    "  --subscriptions   behind the calls: who watches whom, and presence\n"
    "  --messages        behind the calls: messages, without their text unless messages.keep_body is set\n"
    "  --peers           behind the calls: who watches whom with OPTIONS; names of software\n"
    "  --no-orphans      leave out RTP that no signalling announced\n"
    "  --key-log FILE    secrets of TLS connections in SSLKEYLOGFILE format, to follow SIP inside TLS\n"
    "  --metrics FILE    afterwards, what was counted, as Prometheus text; - is standard output\n"
    "  --set SECTION.NAME=VALUE\n"
    "                    one setting, as in the configuration: --set capture.dedupe=no\n"
    "  --config FILE     configuration; default " SETTINGS_DEFAULT_PATH " when it exists\n"
    "  --quiet           no progress, no summary\n"
    "  --help            this text\n"
    "\n"
    "Exit codes: 0 all read, 1 failed, 2 wrong usage or configuration, 3 read only in part: a file was cut or damaged\n"
    "(what lay before was analysed), or one of several cannot be read.\n";

#define OVERRIDES_MAX 32
#define LOOK_EVERY 64 /* frames between two looks at what the file says that was dropped */
#define KPI_LOADS_MAX 262144 /* minutes times dimensions: 126 MB at most */

struct reading {
    struct settings settings;
    bool json;
    bool quiet;
    struct kpi_book *kpi; /* NULL: --kpi was not said */
    bool kpi_asked, kpi_full;
    bool ladder;
    bool topology_asked;
    struct topology *topology; /* NULL: --topology was not said */
    struct finding_print findings;
    const char *record_dir;
    const char *filter;
    const char *config;
    const char *metrics;
    const char *key_log;
    const char *overrides[OVERRIDES_MAX]; /* "section.name=value" */
    unsigned override_count;
    struct wire *wire;
    struct offsets offsets;
    unsigned workers;
    char spool_dir[600];
    struct counters_set *counters_set;
    struct counters *counters;
    struct pipeline *pipeline;
    struct progress progress;
    pthread_mutex_t out_lock; /* workers print in turns: guards `out`, `counters` and the sums */
    struct buf out;
    struct user_print users;
    uint64_t calls, orphans, recordings;
    uint64_t drops; /* that the files tell of */
    struct source *source;
    uint64_t frames;
    int64_t looked_ns, newest_ns; /* packet time when drops were looked at, and of the newest frame */
    int result;
};

/* ---- records out ---- */

static void name_part(struct slice s, char *out, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < s.size && n + 1 < size && n < 32; i++) {
        unsigned char c = s.data[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' || c == '_';
        out[n++] = good ? (char)c : '_';
    }
    if (n == 0)
        out[n++] = 'x';
    out[n] = '\0';
}

/* "20261121T100000Z_1001_1002_018f12ab.wav": nothing from the wire but [A-Za-z0-9+_]. */
static void recording_name(const struct call_record *r, char *out, size_t size)
{
    char day[CLOCK_TEXT_SIZE], stamp[CLOCK_TEXT_SIZE], from[40], to[40];
    clock_rfc3339_us(r->started_us, stamp);
    clock_day(r->started_us, day);
    name_part(r->from.user, from, sizeof from);
    name_part(r->to.user, to, sizeof to);
    snprintf(out, size, "%sT%.2s%.2s%.2sZ_%s_%s_%.8s.wav", day, stamp + 11, stamp + 14, stamp + 17, from, to, r->uid);
}

static void render(struct reading *g, struct call_record *r)
{
    struct why why = {0};
    char name[160];
    struct sound_config config = setup_sound(&g->settings, g->spool_dir);
    config.counters = g->counters;
    recording_name(r, name, sizeof name);
    if (sound_render(r, &config, g->record_dir, name, &why) != 0)
        g->result = complain(EXIT_FAILED, &why);
    g->recordings += r->recording.state != NULL;
}

static void print_json(struct reading *g, const struct call_record *r)
{
    struct json j;
    buf_clear(&g->out);
    json_init(&j, &g->out);
    record_json(&j, r, RECORD_JSON_FULL, false);
    buf_char(&g->out, '\n');
    if (g->out.failed)
        fprintf(stderr, "earshot: call %s is too large to print\n", r->uid);
    else
        fwrite(g->out.data, 1, g->out.size, stdout);
}

static void print_ladder(struct reading *g, const struct call_record *r)
{
    buf_clear(&g->out);
    read_ladder(&g->out, g->spool_dir, r, g->json);
    progress_clear(&g->progress);
    fwrite(g->out.data, 1, g->out.size, stdout);
}

static void emit(void *context, struct call_record *r)
{
    struct reading *g = context;
    bool orphan = strcmp(r->kind, "orphan") == 0 || strcmp(r->kind, "page") == 0;
    pthread_mutex_lock(&g->out_lock);
    if (r->recording.state)
        render(g, r);
    if (g->kpi) {
        g->kpi_full |= !kpi_book_add(g->kpi, r);
    } else if (g->topology) {
        topology_call(g->topology, r);
    } else if (g->ladder) {
        print_ladder(g, r);
    } else if (g->json) {
        print_json(g, r);
    } else {
        progress_clear(&g->progress);
        if (g->calls + g->orphans == 0)
            call_table_head(stdout);
        call_table_row(stdout, r);
    }
    *(orphan ? &g->orphans : &g->calls) += 1;
    pthread_mutex_unlock(&g->out_lock);
    record_free(r);
}

static void add_registration(struct reading *g, const struct user_register_done *d)
{
    double rrd_ms = d->rrd_ns < 0 ? NAN : (double)d->rrd_ns / 1e6;
    if (g->kpi)
        g->kpi_full |= !kpi_book_add_registration(g->kpi, d->at_ns / 1000, d->trunk, d->success, d->code, rrd_ms);
}

static void emit_user(void *context, const struct event *event)
{
    struct reading *g = context;
    pthread_mutex_lock(&g->out_lock);
    if (event->kind == EVENT_REGISTER_DONE)
        add_registration(g, (const void *)event->body.data);
    else
        user_print_event(&g->users, event);
    finding_print_event(&g->findings, event);
    if (g->topology)
        read_topology_event(g->topology, event);
    pthread_mutex_unlock(&g->out_lock);
}

/* ---- files in ---- */

/* What the file says that was dropped when it was made. */
static void tell_drops(struct reading *g, int64_t now_ns)
{
    struct source_stats stats;
    source_stats(g->source, &stats);
    if (stats.kernel_drops > g->drops)
        pipeline_capture_lost(g->pipeline, stats.kernel_drops - g->drops, g->looked_ns ? g->looked_ns : now_ns);
    g->drops = stats.kernel_drops;
    g->looked_ns = now_ns;
}

static void take_frame(void *context, const struct frame *frame)
{
    struct reading *g = context;
    if (g->frames++ % LOOK_EVERY == 0)
        tell_drops(g, frame->time_ns);
    pipeline_frame(g->pipeline, frame);
    g->newest_ns = frame->time_ns;
}

/* One of several files; the others are read all the same. */
static void file_trouble(void *context, int err, const struct why *why)
{
    struct reading *g = context;
    (void)err;
    progress_clear(&g->progress);
    g->result = complain(EXIT_PARTIAL, why);
}

static void read_source(struct reading *g, struct source *source)
{
    struct why why = {0};
    enum source_state state;
    g->source = source;
    while ((state = source_dispatch(source, 20000, 0, take_frame, g, &why)) == SOURCE_MORE)
        progress_show(&g->progress, source_progress(source), counters_sum(g->counters_set, C_PACKETS));
    progress_clear(&g->progress);
    if (state == SOURCE_TRUNCATED || state == SOURCE_FAILED)
        g->result = complain(state == SOURCE_FAILED ? EXIT_FAILED : EXIT_PARTIAL, &why);
    tell_drops(g, g->newest_ns);
    source_close(source);
}

static void read_files(struct reading *g, char **paths, size_t count)
{
    struct why why = {0};
    struct source *source = NULL;
    struct inputs_files files = {
        .settings = &g->settings,
        .paths = paths,
        .count = count,
        .filter = g->filter,
        .offsets = &g->offsets,
        .trouble = file_trouble,
        .context = g,
    };
    if (inputs_open_files(&files, &source, &why) != 0)
        g->result = complain(EXIT_FAILED, &why);
    else
        read_source(g, source);
}

/* ---- the temporary spool of --record ---- */

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        char name[1024];
        struct stat st;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (lstat(name, &st) == 0 && S_ISDIR(st.st_mode))
            remove_tree(name);
        else
            unlink(name);
    }
    if (dir)
        closedir(dir);
    rmdir(path);
}

static const char *work_dir(const struct reading *g)
{
    const char *temporary = getenv("TMPDIR");
    if (g->record_dir)
        return g->record_dir;
    return temporary && temporary[0] ? temporary : "/tmp";
}

static int make_spool_dir(struct reading *g, struct why *why)
{
    if (g->record_dir && mkdir(g->record_dir, 0700) != 0 && errno != EEXIST) {
        why_set(why, "cannot make the folder %s: %s", g->record_dir, strerror(errno));
        return err_of_errno(errno);
    }
    snprintf(g->spool_dir, sizeof g->spool_dir, "%s/.earshot-XXXXXX", work_dir(g));
    if (mkdtemp(g->spool_dir) == NULL) {
        why_set(why, "cannot write to %s: %s; name a folder that is yours", work_dir(g), strerror(errno));
        g->spool_dir[0] = '\0';
        return err_of_errno(errno);
    }
    return 0;
}

/* ---- the command ---- */

static int open_pipeline(struct reading *g, struct why *why)
{
    struct spool_config spool;
    struct pipeline_config config;
    bool spooled = g->record_dir || g->ladder;
    g->settings.recording_default = g->record_dir ? RECORDING_RECORD : RECORDING_METADATA_ONLY;
    if (spooled) {
        int err = make_spool_dir(g, why);
        if (err)
            return err;
        setup_spool(&g->settings, g->spool_dir, &spool);
        spool.sync_ms = 0; /* a working file: gone when we end */
    }
    setup_pipeline(&g->settings, spooled ? &spool : NULL, &config);
    config.workers = g->workers;
    config.lossless = true;
    config.front.seed = hash_seed_random();
    config.counters = g->counters_set;
    config.worker.context = g;
    config.worker.emit = emit;
    config.worker.user_event = emit_user;
    int err = wire_open(&g->settings, &g->wire, why);
    if (err)
        return err;
    wire_configure(g->wire, &config.front);
    config.worker.identity.stir = wire_stir(g->wire);
    wire_label_counters(g->wire, g->counters_set, g->counters);
    err = pipeline_new(&config, &g->pipeline, why);
    return err ? err : wire_start(g->wire, g->pipeline, why);
}

static void print_summary(const struct reading *g, int64_t begin_ns)
{
    if (g->quiet || g->json)
        return;
    double seconds = (double)(clock_mono_ns() - begin_ns) / 1e9;
    fprintf(stderr, "%llu calls, %llu streams without signalling, %llu recordings; %llu packets in %.2f s\n",
            (unsigned long long)g->calls, (unsigned long long)g->orphans, (unsigned long long)g->recordings,
            (unsigned long long)counters_sum(g->counters_set, C_PACKETS), seconds);
    if (g->drops)
        fprintf(stderr, "%llu packets are missing: the capture itself says that it dropped them\n", (unsigned long long)g->drops);
}

enum { OPT_JSON = 256, OPT_RECORD, OPT_FILTER, OPT_WORKERS, OPT_NO_ORPHANS, OPT_CONFIG, OPT_QUIET, OPT_OFFSET, OPT_KEY_LOG, OPT_METRICS, OPT_SET,
       OPT_REGISTRATIONS, OPT_SUBSCRIPTIONS, OPT_MESSAGES, OPT_PEERS, OPT_KPI, OPT_LADDER, OPT_FINDINGS,
       OPT_TOPOLOGY };

static const struct option options[] = {
    {"ladder", no_argument, NULL, OPT_LADDER},
    {"json", no_argument, NULL, OPT_JSON},         {"record", required_argument, NULL, OPT_RECORD},
    {"filter", required_argument, NULL, OPT_FILTER}, {"workers", required_argument, NULL, OPT_WORKERS},
    {"no-orphans", no_argument, NULL, OPT_NO_ORPHANS}, {"config", required_argument, NULL, OPT_CONFIG},
    {"quiet", no_argument, NULL, OPT_QUIET},       {"help", no_argument, NULL, 'h'},
    {"offset", required_argument, NULL, OPT_OFFSET}, {"key-log", required_argument, NULL, OPT_KEY_LOG},
    {"registrations", no_argument, NULL, OPT_REGISTRATIONS}, {"subscriptions", no_argument, NULL, OPT_SUBSCRIPTIONS},
    {"messages", no_argument, NULL, OPT_MESSAGES}, {"peers", no_argument, NULL, OPT_PEERS},
    {"metrics", required_argument, NULL, OPT_METRICS}, {"set", required_argument, NULL, OPT_SET},
    {"kpi", no_argument, NULL, OPT_KPI},           {"findings", no_argument, NULL, OPT_FINDINGS},
    {"topology", no_argument, NULL, OPT_TOPOLOGY},
    {NULL, 0, NULL, 0},
};

/* -1: go on; else the exit code. */
static int read_options(struct reading *g, int argc, char **argv, bool *ret_no_orphans)
{
    struct why why = {0};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case OPT_JSON:
            g->json = true;
            break;
        case OPT_LADDER:
            g->ladder = true;
            break;
        case OPT_TOPOLOGY:
            g->topology_asked = true;
            break;
        case OPT_FINDINGS:
            g->findings.wanted = true;
            break;
        case OPT_RECORD:
            g->record_dir = optarg;
            break;
        case OPT_FILTER:
            g->filter = optarg;
            break;
        case OPT_WORKERS:
            g->workers = (unsigned)atoi(optarg);
            break;
        case OPT_OFFSET:
            if (offsets_add(&g->offsets, optarg, &why) != 0)
                return complain(EXIT_USAGE, &why);
            break;
        case OPT_KEY_LOG:
            g->key_log = optarg;
            break;
        case OPT_METRICS:
            g->metrics = optarg;
            break;
        case OPT_SET:
            if (g->override_count == OVERRIDES_MAX)
                return EXIT_USAGE;
            g->overrides[g->override_count++] = optarg;
            break;
        case OPT_KPI:
            g->kpi_asked = true;
            break;
        case OPT_REGISTRATIONS:
        case OPT_SUBSCRIPTIONS:
        case OPT_MESSAGES:
        case OPT_PEERS:
            g->users.wanted[c - OPT_REGISTRATIONS] = true; /* in the order of enum user_print_kind */
            break;
        case OPT_NO_ORPHANS:
            *ret_no_orphans = true;
            break;
        case OPT_CONFIG:
            g->config = optarg;
            break;
        case OPT_QUIET:
            g->quiet = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_DONE;
        default:
            fputs("earshot: earshot read --help lists the options\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (g->workers > 16) {
        fputs("earshot: --workers takes 0 to 16\n", stderr);
        return EXIT_USAGE;
    }
    if (optind >= argc) {
        fputs("earshot: which file? earshot read --help\n", stderr);
        return EXIT_USAGE;
    }
    if (offsets_check(&g->offsets, argv + optind, (size_t)(argc - optind), &why) != 0)
        return complain(EXIT_USAGE, &why);
    return -1;
}

static int open_kpi(struct reading *g, struct why *why)
{
    struct kpi_book_config config;
    int err = g->kpi_asked ? setup_kpi(&g->settings, &config, why) : 0;
    if (err || !g->kpi_asked)
        return err;
    config.loads_max = KPI_LOADS_MAX;
    g->kpi = kpi_book_new(&config);
    if (g->kpi == NULL)
        why_set(why, "not enough memory for the figures");
    return g->kpi ? 0 : ERR_NOMEM;
}

static int open_topology(struct reading *g, struct why *why)
{
    if (!g->topology_asked)
        return 0;
    g->topology = topology_new(hash_seed_random());
    if (g->topology == NULL)
        why_set(why, "not enough memory for the graph");
    return g->topology ? 0 : ERR_NOMEM;
}

static void print_topology(struct reading *g)
{
    buf_clear(&g->out);
    read_topology_print(g->topology, &g->out);
    if (g->out.failed) {
        fprintf(stderr, "earshot: not enough memory for the graph\n");
        g->result = EXIT_FAILED;
        return;
    }
    fwrite(g->out.data, 1, g->out.size, stdout);
}

static void print_kpi(struct reading *g)
{
    if (g->kpi_full) {
        fprintf(stderr, "earshot: the capture spans too many minutes: some calls are in no figure\n");
        g->result = EXIT_PARTIAL;
    }
    if (!g->json) {
        kpi_report_table(g->kpi, stdout);
        return;
    }
    buf_clear(&g->out);
    kpi_report_json(g->kpi, &g->out);
    fwrite(g->out.data, 1, g->out.size, stdout);
}

static void read_all(struct reading *g, int argc, char **argv)
{
    int64_t begin = clock_mono_ns();
    read_files(g, argv + optind, (size_t)(argc - optind));
    pipeline_finish(g->pipeline, CALL_END_CUT);
    g->pipeline = NULL;
    counters_add(g->counters, C_DROPS, g->drops);
    if (!user_print_end(&g->users, stdout))
        fprintf(stderr, "earshot: there is more than can be shown of what is no call\n");
    if (g->kpi)
        print_kpi(g);
    if (g->topology)
        print_topology(g);
    finding_print_end(&g->findings, g->json, stdout);
    if (g->findings.cut)
        fprintf(stderr, "earshot: only the first %d findings are shown\n", FINDINGS_PRINTED_MAX);
    fflush(stdout);
    if (ferror(stdout)) {
        fprintf(stderr, "earshot: cannot write the result: %s\n", strerror(errno));
        g->result = EXIT_FAILED;
    }
    print_summary(g, begin);
}

/* "section.name=value" */
static int set_one(struct settings *s, const char *text, struct why *why)
{
    char section[64], name[64];
    int at = 0;
    if (sscanf(text, "%63[^.=].%63[^=]=%n", section, name, &at) != 2 || at == 0) {
        why_set(why, "--set takes SECTION.NAME=VALUE, e.g. --set capture.dedupe=no, not \"%s\"", text);
        return ERR_INVALID;
    }
    return settings_set(s, section, name, text + at, why);
}

static int apply_overrides(struct reading *g)
{
    struct why why = {0};
    int err = 0;
    for (unsigned i = 0; err == 0 && i < g->override_count; i++)
        err = set_one(&g->settings, g->overrides[i], &why);
    if (err == 0 && g->key_log)
        err = settings_set(&g->settings, "tls", "key_log", g->key_log, &why);
    if (err == 0)
        err = settings_check(&g->settings, &why);
    return err ? complain(EXIT_USAGE, &why) : EXIT_DONE;
}

static void write_metrics(struct reading *g)
{
    struct buf text;
    bool to_stdout = strcmp(g->metrics, "-") == 0;
    FILE *out = to_stdout ? stdout : fopen(g->metrics, "we");
    buf_init(&text, (size_t)16 << 20);
    counters_render(g->counters_set, &text);
    if (out == NULL || text.failed || fwrite(text.data, 1, text.size, out) != text.size || fflush(out) != 0) {
        fprintf(stderr, "earshot: cannot write %s: %s\n", g->metrics, strerror(errno));
        g->result = EXIT_FAILED;
    }
    if (out && !to_stdout)
        fclose(out);
    buf_fini(&text);
}

int command_read(int argc, char **argv)
{
    struct reading *g = calloc(1, sizeof *g);
    struct why why = {0};
    bool no_orphans = false;
    if (g == NULL)
        return EXIT_FAILED;
    pthread_mutex_init(&g->out_lock, NULL);
    int code = read_options(g, argc, argv, &no_orphans);
    if (code == -1)
        code = load_settings(g->config, &g->settings);
    else
        goto out;
    if (code == EXIT_DONE)
        code = apply_overrides(g);
    if (code != EXIT_DONE)
        goto out;
    if (no_orphans)
        g->settings.orphans = false;
    log_set((enum log_level)g->settings.log_level, g->settings.log_json);
    buf_init(&g->out, (size_t)64 << 20);
    user_print_init(&g->users, g->json);
    progress_init(&g->progress, "reading", g->quiet);
    g->counters_set = counters_set_new();
    g->counters = g->counters_set ? counters_block(g->counters_set) : NULL;
    code = EXIT_FAILED;
    if (g->counters == NULL)
        goto out;
    static char stdout_buffer[1 << 18];
    setvbuf(stdout, stdout_buffer, _IOFBF, sizeof stdout_buffer);
    if (open_kpi(g, &why) != 0 || open_topology(g, &why) != 0 || open_pipeline(g, &why) != 0) {
        complain(code, &why);
        goto out;
    }
    read_all(g, argc, argv);
    if (g->metrics)
        write_metrics(g);
    code = g->result;
out:
    if (g->spool_dir[0])
        remove_tree(g->spool_dir);
    wire_close(g->wire);
    kpi_book_free(g->kpi);
    topology_free(g->topology);
    settings_free(&g->settings);
    finding_print_fini(&g->findings);
    counters_set_free(g->counters_set);
    buf_fini(&g->out);
    user_print_fini(&g->users);
    free(g);
    return code;
}
