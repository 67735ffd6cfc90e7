/* `earshot token`: access tokens, made, listed and revoked in the data directory itself, beside a service that runs or not: it reads
 * each token when it is shown. Who may write to the directory may make tokens. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/server.h"
#include "app/commands.h"
#include "base/clock.h"
#include "storage/store.h"

static const char usage[] =
    "usage: earshot token create --role ROLE [options]\n"
    "       earshot token list [options]\n"
    "       earshot token revoke ID [options]\n"
    "\n"
    "Access tokens of the API. A new one is shown once; only its hash is kept.\n"
    "\n"
    "  --role ROLE       metrics, viewer, analyst, listener, supervisor, admin, probe or auditor\n"
    "  --name NAME       whose it is; stands in the audit log. Default: the role\n"
    "  --days N          how long it is good; default: for ever\n"
    "  --tenant NAMES    only calls of these tenants (names with commas between, at most 8)\n"
    "  --site NAMES      only calls with one of these sites at one of their ends\n"
    "  --trunk NAMES     only calls of these trunks\n"
    "  --prefix NUMBERS  only calls with a number of either side that begins so\n"
    "  --max-age N       only calls that began within the last N seconds\n"
    "  --scope NAMES     of the scopes of the role only these\n"
    "  --network NAMES   only from these networks, e.g. 192.0.2.0/24 (at most 8)\n"
    "  --data DIR        overrides [storage] data_dir\n"
    "  --config FILE     configuration; default " SETTINGS_DEFAULT_PATH " when it exists\n"
    "  --help            this text\n";

#define NAMES_MAX 8
#define DAY_US    (INT64_C(86400) * 1000000)

struct asked {
    const char *role, *name, *data, *config, *id;
    int64_t days;
    struct store_limit limit;
    char scopes[STORE_SCOPES_TEXT], cidrs[STORE_CIDRS_TEXT];
};

static bool is_prefix(struct slice s)
{
    for (size_t i = 0; i < s.size; i++)
        if (strchr("0123456789+*#", s.data[i]) == NULL)
            return false;
    return s.size > 0 && s.size <= 32;
}

static bool is_scope(struct slice s)
{
    return auth_scope_of(s) != SCOPE_PUBLIC;
}

/* "a, b" -> "a,b". */
static bool take_list(const char *text, bool (*good)(struct slice item), unsigned max, char *out, size_t size)
{
    struct slice rest = slice_str(text);
    size_t at = strlen(out);
    unsigned count = 0;
    for (const char *c = out; *c; c++)
        count += *c == ',';
    count += at > 0;
    while (rest.size) {
        struct slice name = slice_trim(slice_cut(&rest, ','));
        if (!good(name) || ++count > max || at + name.size + 2 > size)
            return false;
        at += (size_t)snprintf(out + at, size - at, "%s%.*s", at ? "," : "", SLICE_ARGS(name));
    }
    return at > 0;
}

static bool take_names(const char *text, char out[STORE_LIMIT_TEXT])
{
    return take_list(text, place_name_valid, NAMES_MAX, out, STORE_LIMIT_TEXT);
}

static int refuse(const char *what)
{
    fprintf(stderr, "earshot: %s\n", what);
    return EXIT_USAGE;
}

static int refuse_names(const char *option)
{
    fprintf(stderr, "earshot: --%s takes 1 to %d names of letters, digits, - and _, with commas between\n", option, NAMES_MAX);
    return EXIT_USAGE;
}

static bool take_days(const char *text, int64_t *ret_days)
{
    uint64_t days;
    if (!slice_to_u64(slice_str(text), 36500, &days) || days == 0)
        return false;
    *ret_days = (int64_t)days;
    return true;
}

static bool take_seconds(const char *text, int64_t *ret_seconds)
{
    uint64_t seconds;
    if (!slice_to_u64(slice_str(text), 36500 * UINT64_C(86400), &seconds) || seconds == 0)
        return false;
    *ret_seconds = (int64_t)seconds;
    return true;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct asked *a)
{
    enum { OPT_ROLE = 256, OPT_NAME, OPT_DAYS, OPT_TENANT, OPT_SITE, OPT_TRUNK, OPT_DATA, OPT_CONFIG, OPT_PREFIX, OPT_AGE, OPT_SCOPE, OPT_NETWORK };
    static const struct option options[] = {
        {"role", required_argument, NULL, OPT_ROLE}, {"name", required_argument, NULL, OPT_NAME},
        {"days", required_argument, NULL, OPT_DAYS}, {"tenant", required_argument, NULL, OPT_TENANT},
        {"site", required_argument, NULL, OPT_SITE}, {"trunk", required_argument, NULL, OPT_TRUNK},
        {"data", required_argument, NULL, OPT_DATA}, {"config", required_argument, NULL, OPT_CONFIG},
        {"prefix", required_argument, NULL, OPT_PREFIX}, {"max-age", required_argument, NULL, OPT_AGE},
        {"scope", required_argument, NULL, OPT_SCOPE}, {"network", required_argument, NULL, OPT_NETWORK},
        {"help", no_argument, NULL, 'h'},            {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (c) {
        case OPT_ROLE:
            a->role = optarg;
            break;
        case OPT_NAME:
            a->name = optarg;
            break;
        case OPT_DAYS:
            if (!take_days(optarg, &a->days)) {
                fputs("earshot: --days takes 1 to 36500\n", stderr);
                return EXIT_USAGE;
            }
            break;
        case OPT_TENANT:
            if (!take_names(optarg, a->limit.tenants))
                return refuse_names("tenant");
            break;
        case OPT_SITE:
            if (!take_names(optarg, a->limit.sites))
                return refuse_names("site");
            break;
        case OPT_TRUNK:
            if (!take_names(optarg, a->limit.trunks))
                return refuse_names("trunk");
            break;
        case OPT_PREFIX:
            if (!take_list(optarg, is_prefix, NAMES_MAX, a->limit.prefixes, sizeof a->limit.prefixes))
                return refuse("--prefix takes 1 to 8 beginnings of numbers, with commas between");
            break;
        case OPT_AGE:
            if (!take_seconds(optarg, &a->limit.max_age_s))
                return refuse("--max-age takes a number of seconds");
            break;
        case OPT_SCOPE:
            if (!take_list(optarg, is_scope, 11, a->scopes, sizeof a->scopes))
                return refuse("--scope takes names of scopes, with commas between");
            break;
        case OPT_NETWORK:
            if (!take_list(optarg, auth_network_valid, NAMES_MAX, a->cidrs, sizeof a->cidrs))
                return refuse("--network takes 1 to 8 networks, with commas between");
            break;
        case OPT_DATA:
            a->data = optarg;
            break;
        case OPT_CONFIG:
            a->config = optarg;
            break;
        default:
            return other_option(c, "token", usage);
        }
    }
    return -1;
}

/* ---- what it does ---- */

static int put(const char *data_dir, const struct store_token *token)
{
    struct counters_set *set = counters_set_new();
    struct store *store = NULL;
    struct why why = {0};
    int err = set ? store_open(data_dir, counters_block(set), &store, &why) : ERR_NOMEM;
    if (err == 0)
        err = store_put_token(store, token);
    if (err == 0)
        err = store_commit(store);
    store_close(store);
    counters_set_free(set);
    if (err && why.text[0] == '\0')
        why_set(&why, "cannot write to %s: %s", data_dir, err_text(err));
    return err ? complain(EXIT_FAILED, &why) : EXIT_DONE;
}

static int make_token(const struct asked *a, const char *data_dir)
{
    struct store_token token;
    char text[80];
    int64_t now_us = clock_wall_ns() / 1000;
    if (a->role == NULL || auth_role_scopes(a->role) == 0) {
        fputs("earshot: --role takes metrics, viewer, analyst, listener, supervisor, admin, probe or auditor\n", stderr);
        return EXIT_USAGE;
    }
    if (auth_scopes(a->role, a->scopes) == 0)
        return refuse("--scope leaves nothing: it takes some of the scopes of the role, and adds none");
    if (a->name && !auth_name_free(a->name))
        return refuse("--name would be another's in the audit log: not local, anonymous, system, and no colon");
    api_token_make(a->name ? a->name : a->role, a->role, now_us, text, &token);
    token.expires_us = a->days ? now_us + a->days * DAY_US : 0;
    token.limit = a->limit;
    snprintf(token.scopes, sizeof token.scopes, "%s", a->scopes);
    snprintf(token.cidrs, sizeof token.cidrs, "%s", a->cidrs);
    int code = put(data_dir, &token);
    if (code == EXIT_DONE)
        puts(text);
    explicit_bzero(text, sizeof text);
    return code;
}

static void show(void *context, const struct store_token *t)
{
    const struct {
        const char *word, *names;
    } limits[] = {{"tenant", t->limit.tenants}, {"site", t->limit.sites}, {"trunk", t->limit.trunks},
                  {"prefix", t->limit.prefixes}, {"scope", t->scopes}, {"network", t->cidrs}};
    char created[CLOCK_TEXT_SIZE], expires[CLOCK_TEXT_SIZE] = "never";
    unsigned *count = context;
    clock_rfc3339_us(t->created_us, created);
    if (t->expires_us)
        clock_rfc3339_us(t->expires_us, expires);
    printf("%s  role %s  made %s  expires %s%s  name %s", t->id, t->role, created, expires, t->revoked ? "  revoked" : "", t->name);
    for (unsigned i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (limits[i].names[0])
            printf("  %s %s", limits[i].word, limits[i].names);
    if (t->limit.max_age_s)
        printf("  max-age %lld", (long long)t->limit.max_age_s);
    putchar('\n');
    ++*count;
}

static int list_tokens(const char *data_dir)
{
    struct store_reader *reader = NULL;
    struct why why = {0};
    unsigned count = 0;
    int err = store_reader_open(data_dir, &reader);
    if (err == 0)
        err = store_tokens(reader, show, &count);
    store_reader_close(reader);
    if (err == 0 || (err == ERR_NOT_FOUND && access(data_dir, F_OK) == 0))
        return EXIT_DONE;
    why_set(&why, "cannot read the tokens in %s: %s; the folder of the service is named by --data or --config", data_dir, err_text(err));
    return complain(EXIT_FAILED, &why);
}

static int end_token(const struct asked *a, const char *data_dir)
{
    struct store_reader *reader = NULL;
    struct store_token token;
    struct why why = {0};
    if (a->id == NULL) {
        fputs("earshot: which token? earshot token list shows their ids\n", stderr);
        return EXIT_USAGE;
    }
    int err = store_reader_open(data_dir, &reader);
    if (err == 0)
        err = store_token(reader, a->id, &token);
    store_reader_close(reader);
    if (err) {
        why_set(&why, "no token %s in %s: %s", a->id, data_dir, err_text(err));
        return complain(EXIT_FAILED, &why);
    }
    token.revoked = true;
    return put(data_dir, &token);
}

static int act(const char *word, const struct asked *a, const char *data_dir)
{
    if (word && strcmp(word, "create") == 0)
        return make_token(a, data_dir);
    if (word && strcmp(word, "list") == 0)
        return list_tokens(data_dir);
    if (word && strcmp(word, "revoke") == 0)
        return end_token(a, data_dir);
    fputs(usage, stderr);
    return EXIT_USAGE;
}

int command_token(int argc, char **argv)
{
    struct settings settings = {0};
    struct asked a = {0};
    const char *word = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
    int code = word ? read_options(argc - 1, argv + 1, &a) : read_options(argc, argv, &a);
    if (code != -1)
        return code;
    if (word && strcmp(word, "revoke") == 0 && optind + 1 < argc)
        a.id = argv[++optind];
    if (word && (code = nothing_more("token", argc - 1, argv + 1)) != -1)
        return code;
    code = load_settings(a.config, &settings);
    const char *data_dir = a.data ? a.data : settings.data_dir;
    if (code == EXIT_DONE)
        code = act(word, &a, data_dir);
    settings_free(&settings);
    return code;
}
