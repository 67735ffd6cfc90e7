/* What was asked of `earshot read`. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/read_internal.h"

static const char usage[] =
    "usage: earshot read [options] FILE|DIR...\n"
    "\n"
    "Analyses capture files: pcap with µs or ns, pcapng, also compressed with gzip or zstd; - is standard input,\n"
    "DIR every .pcap, .pcapng and .cap in a directory (also with .gz or .zst). Several are merged in the order of\n"
    "their packets' time: a rotated capture, or signalling and media from different taps. Prints a table of\n"
    "calls, each as it ends: start, caller, callee, outcome, duration, codec, and for each direction (caller/callee)\n"
    "loss, mean jitter and MOS.\n"
    "\n"
    "  --json            one JSON object a call and line, with every field of the API\n"
    "  --coverage        what became of the recordings of all answered calls instead of the calls (with --record); a table,\n"
    "                    or one JSON object with --json\n"
    "  --kpi             the figures of telephony over all that was read (RFC 6076, E.425) instead of the calls; a table, or\n"
    "                    with --json one object\n"
    "  --ladder          instead of the table the messages and media of each call as a ladder; with --json as JSON\n"
    "  --topology        instead of the calls who talks to whom, as a graph: one JSON object\n"
    "  --posture         instead of the calls how well they and registrations are protected: one JSON object\n"
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

enum { OPT_JSON = 256, OPT_RECORD, OPT_FILTER, OPT_WORKERS, OPT_NO_ORPHANS, OPT_CONFIG, OPT_QUIET, OPT_OFFSET, OPT_KEY_LOG, OPT_METRICS, OPT_SET,
       OPT_REGISTRATIONS, OPT_SUBSCRIPTIONS, OPT_MESSAGES, OPT_PEERS, OPT_KPI, OPT_COVERAGE, OPT_LADDER, OPT_FINDINGS,
       OPT_TOPOLOGY, OPT_POSTURE };

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
    {"coverage", no_argument, NULL, OPT_COVERAGE},
    {"kpi", no_argument, NULL, OPT_KPI},           {"findings", no_argument, NULL, OPT_FINDINGS},
    {"topology", no_argument, NULL, OPT_TOPOLOGY},
    {"posture", no_argument, NULL, OPT_POSTURE},
    {NULL, 0, NULL, 0},
};

/* Options that are there or not. */
static bool *flag_of(struct reading *g, int option)
{
    switch (option) {
    case OPT_JSON:
        return &g->json;
    case OPT_LADDER:
        return &g->ladder;
    case OPT_TOPOLOGY:
        return &g->topology_asked;
    case OPT_POSTURE:
        return &g->posture_asked;
    case OPT_FINDINGS:
        return &g->findings.wanted;
    case OPT_KPI:
        return &g->kpi_asked;
    case OPT_COVERAGE:
        return &g->coverage_asked;
    case OPT_REGISTRATIONS:
    case OPT_SUBSCRIPTIONS:
    case OPT_MESSAGES:
    case OPT_PEERS:
        return &g->users.wanted[option - OPT_REGISTRATIONS]; /* in the order of enum user_print_kind */
    case OPT_QUIET:
        return &g->quiet;
    default:
        return NULL;
    }
}

/* Options with a text that is kept. */
static const char **text_of(struct reading *g, int option)
{
    switch (option) {
    case OPT_RECORD:
        return &g->record_dir;
    case OPT_FILTER:
        return &g->filter;
    case OPT_KEY_LOG:
        return &g->key_log;
    case OPT_METRICS:
        return &g->metrics;
    case OPT_CONFIG:
        return &g->config;
    default:
        return NULL;
    }
}

static int take_workers(struct reading *g, const char *text)
{
    uint64_t workers;
    if (!slice_to_u64(slice_str(text), 16, &workers)) {
        fputs("earshot: --workers takes 0 to 16\n", stderr);
        return EXIT_USAGE;
    }
    g->workers = (unsigned)workers;
    return -1;
}

/* All others; -1: go on. */
static int take_option(struct reading *g, int option, struct why *why)
{
    switch (option) {
    case OPT_WORKERS:
        return take_workers(g, optarg);
    case OPT_OFFSET:
        return offsets_add(&g->offsets, optarg, why) == 0 ? -1 : complain(EXIT_USAGE, why);
    case OPT_SET:
        if (g->override_count == OVERRIDES_MAX) {
            fprintf(stderr, "earshot: more than %d times --set; write a file for --config\n", OVERRIDES_MAX);
            return EXIT_USAGE;
        }
        g->overrides[g->override_count++] = optarg;
        return -1;
    default:
        return other_option(option, "read", usage);
    }
}

int read_options(struct reading *g, int argc, char **argv, bool *ret_no_orphans)
{
    struct why why = {0};
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        bool *flag = c == OPT_NO_ORPHANS ? ret_no_orphans : flag_of(g, c);
        const char **text = text_of(g, c);
        int code = -1;
        if (flag)
            *flag = true;
        else if (text)
            *text = optarg;
        else
            code = take_option(g, c, &why);
        if (code >= 0)
            return code;
    }
    if (optind >= argc) {
        fputs("earshot: which file? earshot read --help\n", stderr);
        return EXIT_USAGE;
    }
    if (offsets_check(&g->offsets, argv + optind, (size_t)(argc - optind), &why) != 0)
        return complain(EXIT_USAGE, &why);
    return -1;
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

/* One that does not exist yet may come while a pipe is read: no error, but nobody should look for TLS in vain. */
static void tell_key_log(const struct reading *g)
{
    if (strncmp(g->key_log, "unix", 4) != 0 && access(g->key_log, R_OK) != 0)
        fprintf(stderr, "earshot: cannot read the key log %s: %s; what is inside TLS is not seen\n", g->key_log, strerror(errno));
}

int read_overrides(struct reading *g)
{
    struct why why = {0};
    int err = 0;
    for (unsigned i = 0; err == 0 && i < g->override_count; i++)
        err = set_one(&g->settings, g->overrides[i], &why);
    if (err == 0 && g->key_log)
        err = settings_set(&g->settings, "tls", "key_log", g->key_log, &why);
    if (err == 0)
        err = settings_check(&g->settings, &why);
    if (err == 0 && g->key_log)
        tell_key_log(g);
    return err ? complain(EXIT_USAGE, &why) : EXIT_DONE;
}
