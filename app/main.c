/* The program's front door: which command, and what concerns none of them. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/confine/probes.h"
#include "app/diagnose/diagnose.h"
#include "app/finding_store.h"
#include "base/counters.h"
#include "base/crypto.h"
#include "decode/srtp.h"

static const char usage[] =
    "Earshot listens to phone calls on the wire: SIP and RTP in, call records, quality and recordings out.\n"
    "\n"
    "usage:\n"
    "  earshot read [options] FILE|DIR... analyse capture files (pcap, pcapng, also .gz and .zst; - is standard\n"
    "                                   input), several merged in the order of time\n"
    "  earshot run [options]            capture live from one or several interfaces (or feed files), keep records and\n"
    "                                   recordings, serve API, page and metrics\n"
    "  earshot calls [WORD...]          which calls there were: numbers, mos<3.5, failed, ...\n"
    "  earshot call UID                 what happened in one: in words, as a ladder; its recording, its packets\n"
    "  earshot top                      calls in progress, the worst first, live\n"
    "  earshot export --to DIR          calls with recordings and packets into a folder, with a list of hashes\n"
    "  earshot import FILE              a capture file to the service, which makes calls of it beside its own\n"
    "  earshot token create|list|revoke access tokens of the API\n"
    "  earshot audit [--verify]         who did what; whether anybody has touched the log\n"
    "  earshot rebuild [--dry-run]      rows that the database lacks, from the files beside the recordings\n"
    "  earshot retention [--dry-run]    delete what is too old or too much, or tell what would go\n"
    "  earshot --print-config [FILE]    the configuration in force, commented; without FILE that of the system\n"
    "  earshot --check-config [FILE]    say what is wrong with it, or nothing\n"
    "  earshot --check-decoder [FILE]   try what the process that decodes must not be able to do, and say what came of it\n"
    "  earshot --version                version, and the libraries that were linked\n"
    "  earshot --help                   this text; earshot COMMAND --help for its options\n"
    "\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 input read only in part.\n"
    "Configuration: " SETTINGS_DEFAULT_PATH " and conf.d/ beside it.\n";

int complain(int code, const struct why *why)
{
    fprintf(stderr, "earshot: %s\n", why->text[0] ? why->text : "failed");
    return code;
}

int other_option(int option, const char *command, const char *usage_of_command)
{
    if (option == 'h') {
        fputs(usage_of_command, stdout);
        return EXIT_DONE;
    }
    fprintf(stderr, "earshot: earshot %s --help lists the options\n", command);
    return EXIT_USAGE;
}

int nothing_more(const char *command, int argc, char **argv)
{
    if (optind >= argc)
        return -1;
    fprintf(stderr, "earshot: %s takes no argument \"%s\"\n", command, argv[optind]);
    return EXIT_USAGE;
}

int load_settings(const char *path, struct settings *ret_settings)
{
    struct why why = {0};
    settings_defaults(ret_settings);
    int err = settings_load(ret_settings, path, &why);
    if (err == 0)
        err = settings_check(ret_settings, &why);
    return err ? complain(EXIT_USAGE, &why) : EXIT_DONE;
}

static int print_version(const char *decoder)
{
    bool there = access(decoder, X_OK) == 0;
    printf("earshot %s\n%s\n%s %s%s\n", EARSHOT_VERSION, srtp_library(), there ? "decodes with" : "would decode with", decoder,
           there ? ", whose --version tells more" : ", which is not there");
    return EXIT_DONE;
}

static int print_config(const char *path)
{
    struct settings settings;
    int code = load_settings(path, &settings);
    if (code == EXIT_DONE)
        settings_print(&settings, stdout);
    settings_free(&settings);
    return code;
}

static int check_config(const char *path)
{
    struct settings settings;
    int code = load_settings(path, &settings);
    settings_free(&settings);
    return code;
}

static void document_metrics(void)
{
    unsigned count;
    const struct counter_family *f = counters_families(&count);
    printf("# Metrics\n\nMade from `base/counters.def` by `earshot --document metrics`; a test compares.\n\n"
           "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n");
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    static const char *const labels[] = {
#define LABELS(set, name, ...) name,
#include "base/labels.def"
#undef LABELS
    };
    for (unsigned i = 0; i < count; i++) {
        const char *a = labels[f[i].a], *b = labels[f[i].b];
        const char *c = labels[f[i].c], *d = labels[f[i].d];
        printf("| `%s` | %s | %s%s%s%s%s%s%s | %s |\n", f[i].name, kinds[f[i].kind], a ? a : "", b ? ", " : "", b ? b : "",
               c ? ", " : "", c ? c : "", d ? ", " : "", d ? d : "", f[i].help);
    }
    printf("| `earshot_http_requests_total` | counter | route, method, code | HTTP requests by what became of them. |\n"
           "| `earshot_http_request_seconds` | histogram | route, method | From the head of a request to that of its answer. |\n"
           "| `earshot_build_info` | gauge | version, revision | Version of the running program. |\n"
           "| `process_cpu_seconds_total` | counter |  | CPU time of the process. |\n"
           "| `process_resident_memory_bytes` | gauge |  | Resident memory. |\n"
           "| `process_open_fds` | gauge |  | Open file descriptors. |\n"
           "| `process_start_time_seconds` | gauge |  | Start of the process since 1970. |\n");
}

/* For the docs and their tests: the tables as Markdown. */
static int print_document(const char *what)
{
    if (what && strcmp(what, "settings") == 0)
        settings_document(stdout);
    else if (what && strcmp(what, "metrics") == 0)
        document_metrics();
    else if (what && strcmp(what, "findings") == 0)
        finding_document(stdout);
    else if (what && strcmp(what, "diagnosis") == 0)
        diagnose_document(stdout);
    else {
        fputs("earshot: --document takes settings, metrics, findings or diagnosis\n", stderr);
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static int wrong_command(const char *word)
{
    fprintf(stderr, "earshot: there is no command \"%s\"; earshot --help lists them\n", word);
    return EXIT_USAGE;
}

/* "--check-config conf.d/?.conf" must not look as if all of them had been checked. */
static int too_many(const char *word, const char *extra)
{
    fprintf(stderr, "earshot: %s takes one file, not \"%s\" too\n", word, extra);
    return EXIT_USAGE;
}

/* Records are made by one thread and freed by another, some thousands a second: memory that they leave is not given back
 * to the system each time and asked for again. */
static void keep_freed_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, 32 << 20);
    mallopt(M_TOP_PAD, 1 << 20);
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} COMMANDS[] = {
    {"calls", command_calls}, {"call", command_call},   {"top", command_top},         {"export", command_export},
    {"import", command_import},
    {"token", command_token}, {"audit", command_audit}, {"rebuild", command_rebuild}, {"retention", command_retention},
};

int earshot_main(int argc, char **argv, const char *decoder)
{
    keep_freed_memory();
    const char *word = argc > 1 ? argv[1] : NULL;
    const char *path = argc > 2 ? argv[2] : NULL;
    if (word == NULL) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (crypto_start() != 0) {
        fputs("earshot: the system gives no random numbers\n", stderr);
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++)
        if (strcmp(word, COMMANDS[i].name) == 0)
            return COMMANDS[i].run(argc - 1, argv + 1);
    if (strcmp(word, "read") == 0)
        return command_read(argc - 1, argv + 1, decoder);
    if (strcmp(word, "run") == 0)
        return command_run(argc - 1, argv + 1, decoder);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        fputs(usage, stdout);
        return EXIT_DONE;
    }
    if (strcmp(word, "--version") == 0)
        return print_version(decoder);
    if (argc > 3 && strncmp(word, "--", 2) == 0)
        return too_many(word, argv[3]);
    if (strcmp(word, "--print-config") == 0)
        return print_config(path);
    if (strcmp(word, "--check-config") == 0)
        return check_config(path);
    if (strcmp(word, "--check-decoder") == 0)
        return probe_command(path, decoder);
    if (strcmp(word, "--document") == 0)
        return print_document(path);
    return wrong_command(word);
}
