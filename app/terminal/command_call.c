/* `earshot call`: one call as people understand it, and what was kept of it. */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/terminal/client.h"
#include "app/terminal/text.h"

static const char usage[] =
    "usage: earshot call [options] UID\n"
    "\n"
    "What happened in a call: who, when, how it sounded, what was wrong. UIDs are what `earshot calls` shows last.\n"
    "\n"
    "  --ladder          its messages and media as a ladder\n"
    "  --legs            with --ladder: all calls of the same conversation\n"
    "  --audio FILE      write its recording there\n"
    "  --pcap FILE       write its packets there\n"
    "  --json            the call as the API has it\n" CLIENT_HELP;

struct asked {
    struct client_where where;
    bool ladder, legs, json;
    const char *audio, *pcap;
    char uid[64];
};

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct asked *a)
{
    enum { OPT_LADDER = 256, OPT_LEGS, OPT_AUDIO, OPT_PCAP, OPT_JSON };
    static const struct option options[] = {
        {"ladder", no_argument, NULL, OPT_LADDER}, {"legs", no_argument, NULL, OPT_LEGS}, {"audio", required_argument, NULL, OPT_AUDIO},
        {"pcap", required_argument, NULL, OPT_PCAP}, {"json", no_argument, NULL, OPT_JSON}, CLIENT_OPTIONS,
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (client_option(&a->where, c, optarg))
            continue;
        switch (c) {
        case OPT_LADDER:
            a->ladder = true;
            break;
        case OPT_LEGS:
            a->legs = true;
            break;
        case OPT_AUDIO:
            a->audio = optarg;
            break;
        case OPT_PCAP:
            a->pcap = optarg;
            break;
        case OPT_JSON:
            a->json = true;
            break;
        default:
            return other_option(c, "call", usage);
        }
    }
    const char *uid = optind + 1 == argc ? argv[optind] : "";
    if (strlen(uid) != 36 || strspn(uid, "0123456789abcdef-") != 36) {
        fputs("earshot: earshot call takes the UID of a call, as `earshot calls` shows it\n", stderr);
        return EXIT_USAGE;
    }
    snprintf(a->uid, sizeof a->uid, "%s", uid);
    return -1;
}

/* ---- the call in words ---- */

static void show_head(const struct json_value *call)
{
    char a[TEXT_CELL], b[TEXT_CELL], c[TEXT_CELL], d[TEXT_CELL];
    printf("%s -> %s, %s", text_party(call, "from", a), text_party(call, "to", b),
           strcmp(json_word(call, "outcome", c), "-") == 0 ? json_word(call, "state", c) : c);
    if (text_int(call, "duration_ms", -1) >= 0)
        printf(", %s", text_length(text_int(call, "duration_ms", -1), d));
    if (strcmp(json_word(call, "end_reason", a), "-") != 0)
        printf(", ended by %s (%s)", json_word(call, "released_by", b), a);
    if (text_int(call, "sip_code", 0) > 299)
        printf(", %s %s", json_word(call, "sip_code", a), json_word(call, "reason_phrase", b));
    printf("\n%s\n", strcmp(json_word(call, "summary", a), "-") == 0 ? "nothing was wrong with it" : a);
}

static void show_times(const struct json_value *call)
{
    static const char *const TIMES[][2] = {{"started", "started_at"}, {"ringing", "ringing_at"}, {"answered", "answered_at"}, {"ended", "ended_at"}};
    char a[TEXT_CELL];
    for (size_t i = 0; i < sizeof TIMES / sizeof *TIMES; i++)
        if (strcmp(text_time(call, TIMES[i][1], a), "-") != 0)
            printf("%s%s %s", i ? ", " : "", TIMES[i][0], i ? a + 11 : a);
    printf("\nCall-ID %s, %s", json_word(call, "call_id", a), json_word(call, "src", (char[TEXT_CELL]){0}));
    printf(" -> %s", json_word(call, "dst", a));
    if (strcmp(json_word(call, "trunk", a), "-") != 0)
        printf(", trunk %s", a);
    if (strcmp(json_word(call, "site", a), "-") != 0)
        printf(", site %s", a);
    putchar('\n');
}

static void show_streams(const struct json_value *call)
{
    const struct json_value *streams = json_value_get(call, "streams");
    char c[8][TEXT_CELL];
    size_t n = json_value_count(streams);
    if (n)
        printf("\n%-8s %-10s %9s %7s %7s %6s %6s  %s\n", "FROM", "CODEC", "PACKETS", "LOSS %", "JITTER", "GAP", "MOS", "WAY");
    for (size_t i = 0; i < n; i++) {
        const struct json_value *s = json_value_at(streams, i);
        printf("%-8.8s %-10.10s %9s %7s %7s %6s %6s  %s", json_word(s, "party", c[0]), json_word(s, "codec", c[1]), json_word(s, "packets", c[2]),
               text_number(s, "loss_ratio", 100, 2, c[3]), text_number(s, "jitter_ms.avg", 1, 1, c[4]), text_number(s, "max_gap_ms", 1, 0, c[5]),
               text_number(s, "mos.lq", 1, 2, c[6]), json_word(s, "src", c[7]));
        printf(" -> %s\n", json_word(s, "dst", c[7]));
    }
}

static void show_findings(const struct json_value *call)
{
    const struct json_value *labels = json_value_get(call, "diagnosis");
    char a[TEXT_CELL], b[TEXT_CELL], c[TEXT_CELL];
    size_t n = json_value_count(labels);
    if (n)
        puts("\nWhat was wrong:");
    for (size_t i = 0; i < n; i++) {
        const struct json_value *l = json_value_at(labels, i);
        printf("  %-20s %s", json_word(l, "label", a), text_length(text_int(l, "from_ms", -1), b));
        printf(" to %s", text_length(text_int(l, "to_ms", -1), b));
        if (strcmp(json_word(l, "direction", b), "-") != 0)
            printf(", %s", strcmp(b, "caller_to_callee") == 0 ? "caller to callee" : strcmp(b, "callee_to_caller") == 0 ? "callee to caller" : b);
        if (strcmp(json_word(l, "cause", c), "-") != 0)
            printf(", cause: %s", c);
        putchar('\n');
    }
}

static void show_recording(const struct json_value *call)
{
    const struct json_value *r = json_value_get(call, "recording");
    char a[TEXT_CELL], b[TEXT_CELL];
    if (!json_value_is_object(r))
        return;
    printf("\nRecording: %s", json_word(r, "result", a));
    if (strcmp(json_word(r, "state", a), "ready") == 0)
        printf(", %s %s, id %s", text_length(text_int(r, "duration_ms", -1), b), json_word(r, "format", a), json_word(r, "id", (char[TEXT_CELL]){0}));
    else if (strcmp(a, "-") != 0)
        printf(", the file is not there: %s", a);
    putchar('\n');
}

static bool show_tag(void *context, struct slice key, const struct json_value *value)
{
    char a[TEXT_CELL], name[40];
    const struct json_value *const *tags = context;
    (void)value;
    slice_copy_to(key, name, sizeof name);
    if (memchr(name, '.', strlen(name)) == NULL) /* a path would lead elsewhere */
        printf("Tag %s: %s\n", name, json_word(*tags, name, a));
    return true;
}

static void show_annotation(const struct json_value *annotation)
{
    char text[TEXT_CELL], author[TEXT_CELL], at[TEXT_CELL];
    int64_t at_ms = text_int(annotation, "at_ms", INT64_MIN);
    printf("  %s: %s (%s)\n", at_ms == INT64_MIN ? "whole call" : text_length(at_ms < 0 ? 0 : at_ms, at), json_word(annotation, "text", text),
           json_word(annotation, "author", author));
}

/* What people and programs attached to it. */
static int show_notes(struct client *c, const struct asked *a, const struct json_value *call, struct why *why)
{
    const struct json_value *tags = json_value_get(call, "tags");
    bool transcript = false;
    char path[120];
    if (json_value_is_object(tags))
        json_value_members(tags, show_tag, &tags);
    if (json_value_bool(json_value_get(call, "has_transcript"), &transcript) && transcript)
        puts("There is a transcript.");
    if (text_int(call, "annotation_count", 0) == 0)
        return 0;
    snprintf(path, sizeof path, "/calls/%s/annotations", a->uid);
    struct json_value *list = client_json(c, path, why);
    const struct json_value *data = json_value_get(list, "data");
    if (list == NULL)
        return ERR_IO;
    puts("Annotations:");
    for (size_t i = 0; i < json_value_count(data); i++)
        show_annotation(json_value_at(data, i));
    json_read_free(list);
    return 0;
}

static int show(struct client *c, const struct asked *a, struct why *why)
{
    char path[100];
    snprintf(path, sizeof path, "/calls/%s", a->uid);
    struct json_value *call = client_json(c, path, why);
    if (call == NULL)
        return ERR_IO;
    if (a->json) {
        json_value_print(call, stdout);
    } else {
        show_head(call);
        show_times(call);
        show_streams(call);
        show_findings(call);
        show_recording(call);
    }
    int err = a->json ? 0 : show_notes(c, a, call, why);
    json_read_free(call);
    return err;
}

/* ---- what was kept ---- */

static int show_ladder(struct client *c, const struct asked *a, struct why *why)
{
    struct buf text;
    char path[120];
    buf_init(&text, 64u << 20);
    snprintf(path, sizeof path, "/calls/%s/ladder?format=text%s", a->uid, a->legs ? "&legs=all" : "");
    int err = client_text(c, path, &text, why);
    if (err == 0)
        fputs(buf_text(&text), stdout);
    buf_fini(&text);
    return err;
}

static int keep(struct client *c, const char *path, const char *file, struct why *why)
{
    char digest[65];
    uint64_t bytes;
    FILE *out = fopen(file, "wxe");
    if (out == NULL) {
        why_set(why, "cannot write %s: %s", file, strerror(errno));
        return ERR_IO;
    }
    int err = client_file(c, path, out, digest, &bytes, why);
    if (fclose(out) != 0 && err == 0) {
        why_set(why, "cannot write %s: %s", file, strerror(errno));
        err = ERR_IO;
    }
    if (err)
        unlink(file);
    else
        printf("%s: %llu bytes, SHA-256 %s\n", file, (unsigned long long)bytes, digest);
    return err;
}

static int keep_audio(struct client *c, const struct asked *a, struct why *why)
{
    char path[160], id[TEXT_CELL];
    snprintf(path, sizeof path, "/calls/%s/recording", a->uid);
    struct json_value *r = client_json(c, path, why);
    if (r == NULL)
        return ERR_NOT_FOUND;
    snprintf(path, sizeof path, "/recordings/%.100s/audio", json_word(r, "id", id));
    json_read_free(r);
    return keep(c, path, a->audio, why);
}

static int act(const struct asked *a)
{
    struct client *c;
    struct why why = {0};
    char path[100];
    int code = client_open(&a->where, &c);
    if (code != EXIT_DONE)
        return code;
    int err = 0;
    if (a->audio)
        err = keep_audio(c, a, &why);
    snprintf(path, sizeof path, "/calls/%s/pcap", a->uid);
    if (err == 0 && a->pcap)
        err = keep(c, path, a->pcap, &why);
    if (err == 0 && a->ladder)
        err = show_ladder(c, a, &why);
    if (err == 0 && !a->audio && !a->pcap && !a->ladder)
        err = show(c, a, &why);
    client_close(c);
    return err ? complain(EXIT_FAILED, &why) : EXIT_DONE;
}

int command_call(int argc, char **argv)
{
    struct asked a = {0};
    int code = read_options(argc, argv, &a);
    return code == -1 ? act(&a) : code;
}
