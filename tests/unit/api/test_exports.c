#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "api/auth.h"
#include "api/export_internal.h"
#include "requests.h"

static struct export_ask_error error;

static bool parse(const char *body, struct export_ask *ask)
{
    error = (struct export_ask_error){0};
    return export_ask_parse(slice_str(body), EXPORT_CALLS_MAX, ask, &error);
}

Test(exports, a_filter_becomes_the_query_that_a_list_of_calls_takes)
{
    static const struct {
        const char *filter, *query;
    } CASES[] = {
        {"{}", ""},
        {"{\"number\":\"+49 1&x=y\"}", "number=%2B49%201%26x%3Dy"},
        {"{\"sip_code\":[486,487],\"one_way\":true}", "sip_code=486&sip_code=487&one_way=true"},
        {"{\"mos_min__lte\":3.6,\"scale\":\"NB\"}", "mos_min__lte=3.6&scale=NB"},
        {"{\"from\":\"2023-11-14T00:00:00Z\",\"order\":\"started_at\"}", "from=2023-11-14T00:00:00Z&order=started_at"},
        {"{\"q\":\"\\u00e4%\"}", "q=%C3%A4%25"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char body[300];
        struct export_ask ask;
        struct http_query q;
        snprintf(body, sizeof body, "{\"kind\":\"csv\",\"filter\":%s}", CASES[i].filter);
        cr_assert(parse(body, &ask), "%s: %s", body, error.detail);
        cr_expect_str_eq(ask.filter, CASES[i].query);
        char *text = export_filter_params(&ask, &q);
        cr_assert_not_null(text);
        free(text);
    }
}

Test(exports, what_cannot_be_is_refused_and_names_the_member)
{
    static const struct {
        const char *body, *field;
    } CASES[] = {
        {"", ""},
        {"[]", ""},
        {"{}", "kind"},
        {"{\"kind\":1}", "kind"},
        {"{\"kind\":\"audio\",\"container\":\"none\"}", "container"},
        {"{\"kind\":\"csv\",\"rtp\":\"headers\"}", "rtp"},
        {"{\"kind\":\"audio\",\"legs\":\"all\"}", "legs"},
        {"{\"kind\":\"csv\",\"max_calls\":20001}", "max_calls"},
        {"{\"kind\":\"csv\",\"max_calls\":1.5}", "max_calls"},
        {"{\"kind\":\"csv\",\"filter\":{\"limit\":1}}", "filter.limit"},
        {"{\"kind\":\"csv\",\"filter\":{\"x\":1}}", "filter.x"},
        {"{\"kind\":\"csv\",\"filter\":{\"q\":null}}", "filter"},
        {"{\"kind\":\"csv\",\"filter\":{\"q\":\"a\\u0000b\"}}", ""},
        {"{\"kind\":\"csv\",\"filter\":{\"q\":[]}}", "filter"},
        {"{\"kind\":\"csv\",\"more\":1}", ""},
    };
    struct export_ask ask;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        cr_expect_not(parse(CASES[i].body, &ask), "%s", CASES[i].body);
        cr_expect_str_eq(error.field, CASES[i].field, "%s: %s", CASES[i].body, error.field);
        cr_expect(error.detail[0] && error.code);
    }
}

Test(exports, a_filter_of_more_values_than_a_query_has_is_not_one_of_none)
{
    char body[4096] = "{\"kind\":\"csv\",\"filter\":{\"number\":[";
    struct export_ask ask;
    for (unsigned i = 0; i <= HTTP_PARAMS_MAX; i++)
        strcat(body, i ? ",\"1\"" : "\"1\"");
    strcat(body, "]}}");
    cr_expect_not(parse(body, &ask));
    cr_expect_str_eq(error.field, "filter");
}

Test(exports, what_is_in_it_says_which_scopes_it_needs)
{
    static const struct {
        const char *body;
        unsigned more;
    } CASES[] = {
        {"{\"kind\":\"csv\"}", 0},
        {"{\"kind\":\"ndjson\",\"filter\":{\"header\":\"X\"}}", SCOPE_MESSAGES},
        {"{\"kind\":\"csv\",\"filter\":{\"text\":\"refund\"}}", SCOPE_AUDIO},
        {"{\"kind\":\"csv\",\"filter\":{\"text\":\"refund\",\"text_in\":\"transcripts\"}}", SCOPE_AUDIO},
        {"{\"kind\":\"csv\",\"filter\":{\"text\":\"refund\",\"text_in\":\"annotations\"}}", 0},
        {"{\"kind\":\"audio\"}", SCOPE_AUDIO},
        {"{\"kind\":\"pcap\"}", SCOPE_AUDIO | SCOPE_MESSAGES},
        {"{\"kind\":\"pcap\",\"rtp\":\"headers\"}", SCOPE_MESSAGES},
        {"{\"kind\":\"full\",\"rtp\":\"none\"}", SCOPE_AUDIO | SCOPE_MESSAGES},
    };
    struct export_ask ask;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        cr_assert(parse(CASES[i].body, &ask));
        cr_expect_eq(export_scopes(&ask), (unsigned)SCOPE_EXPORT | SCOPE_META | CASES[i].more, "%s", CASES[i].body);
    }
}

/* ---- on the disk ---- */

static void fill(struct export *e)
{
    *e = (struct export){.state = EXPORT_READY, .created_us = 1, .began_us = 2, .ended_us = 3, .expires_us = 4, .from_us = 5, .to_us = 6, .oldest_us = 7, .calls_total = -1,
                         .calls = 9, .done = 8, .files = 10, .missing = 11, .bytes = 12, .truncated = true, .limit = {.prefixes = "+49", .max_age_s = 60, .since_us = -5}};
    cr_assert(parse("{\"kind\":\"full\",\"container\":\"tar\",\"legs\":\"all\",\"rtp\":\"headers\",\"max_calls\":7,\"filter\":{\"number\":[\"+1\",\"2\"],\"q\":\"\\\"x\"}}", &e->ask));
    memset(e->sha256, 0xa5, sizeof e->sha256);
    snprintf(e->id, sizeof e->id, "0123456789abcdef0123456789abcdef");
    snprintf(e->owner, sizeof e->owner, "user:an\"na");
    snprintf(e->detail, sizeof e->detail, "why");
}

Test(exports, how_one_stands_is_read_as_it_was_written)
{
    char dir[] = "/tmp/exports-XXXXXX", path[100];
    static struct export e, back;
    cr_assert_not_null(mkdtemp(dir));
    fill(&e);
    cr_assert_eq(export_state_write(dir, &e), 0);
    cr_assert_eq(export_state_read(dir, "0123456789abcdef0123456789abcdef.json", &back), 0);
    cr_expect_eq(memcmp(&e, &back, sizeof e), 0);
    snprintf(path, sizeof path, "%s/%s.json", dir, e.id);
    for (long size = 400; size > 0; size -= 7) { /* torn, it is none */
        cr_assert_eq(truncate(path, size), 0);
        cr_expect_eq(export_state_read(dir, "0123456789abcdef0123456789abcdef.json", &back), ERR_INVALID);
    }
    unlink(path);
    rmdir(dir);
}

static int audit(void *context, const struct store_audit *entry)
{
    (void)context, (void)entry;
    return 0;
}

static uint64_t no_room(void *context)
{
    (void)context;
    return 0;
}

static uint64_t much_room(void *context)
{
    (void)context;
    return UINT64_C(1) << 40;
}

static unsigned count_files(const char *dir)
{
    unsigned n = 0;
    char path[200];
    snprintf(path, sizeof path, "%s/exports", dir);
    DIR *d = opendir(path);
    for (struct dirent *f; d && (f = readdir(d)) != NULL;)
        n += f->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

struct audited {
    unsigned ended;
    char result[20];
};

static int note_end(void *context, const struct store_audit *entry)
{
    struct audited *a = context;
    a->ended += strcmp(entry->action, "export.end") == 0;
    snprintf(a->result, sizeof a->result, "%s", entry->result);
    return 0;
}

/* What cannot be found is no word that nobody wants it. */
Test(exports, one_that_fails_for_want_of_a_database_is_audited_and_says_why)
{
    char dir[] = "/tmp/exports-XXXXXX", command[100];
    static struct export e, now;
    struct audited audited = {0};
    struct exports *all = NULL;
    struct why why = {0};
    struct counters_set *set = counters_set_new();
    cr_assert_not_null(mkdtemp(dir));
    const struct exports_config config = {.data_dir = dir, .counters = set, .version = "0", .max_bytes = 1 << 20, .max_all_bytes = 1 << 20, .keep_us = 1000000, .audit = note_end, .context = &audited};
    cr_assert_eq(exports_start(&config, &all, &why), 0);
    fill(&e);
    e.state = EXPORT_QUEUED;
    cr_assert_eq(exports_add(all, &e), 0);
    for (unsigned i = 0; i < 1000 && exports_waiting(all); i++)
        usleep(10000);
    cr_assert(exports_get(all, e.id, &now));
    cr_expect_str_eq(now.error, "database");
    exports_stop(all);
    cr_expect_eq(audited.ended, 1);
    cr_expect_str_eq(audited.result, "failed");
    counters_set_free(set);
    snprintf(command, sizeof command, "rm -r %s", dir);
    cr_expect_eq(system(command), 0);
}

static void add_of(struct exports *all, struct export *e, const char *owner, enum export_state state, int wanted)
{
    fill(e);
    e->state = state;
    e->bytes = 10000;
    e->expires_us = e->ended_us = INT64_MAX / 2;
    snprintf(e->owner, sizeof e->owner, "%s", owner);
    cr_assert_eq(exports_add(all, e), wanted);
}

/* The disk refuses what is made: only what is ready, or over, stays as it is. */
Test(exports, one_owner_has_a_share_and_leaves_the_others_theirs)
{
    char dir[] = "/tmp/exports-XXXXXX", command[100], oldest[EXPORT_ID_SIZE];
    static struct export e, row;
    struct exports *all = NULL;
    struct why why = {0};
    struct counters_set *set = counters_set_new();
    cr_assert_not_null(mkdtemp(dir));
    const struct exports_config config = {.data_dir = dir, .counters = set, .version = "0", .max_bytes = 1 << 20, .max_all_bytes = 1 << 20, .keep_us = 1000000, .audit = audit, .room = much_room};
    cr_assert_eq(exports_start(&config, &all, &why), 0);
    add_of(all, &e, "ann", EXPORT_FAILED, 0);
    add_of(all, &row, "ann", EXPORT_READY, 0);
    memcpy(oldest, row.id, sizeof oldest);
    for (unsigned i = 2; i < EXPORTS_MAX / EXPORTS_SHARE; i++)
        add_of(all, &row, "ann", EXPORT_READY, 0);
    add_of(all, &row, "ann", EXPORT_READY, 0); /* the failed one goes for it */
    cr_expect_not(exports_get(all, e.id, &row));
    add_of(all, &row, "ann", EXPORT_READY, ERR_FULL);
    cr_expect_str_eq(row.id, oldest);
    cr_expect(exports_get(all, oldest, &row));
    cr_expect_eq(count_files(dir), EXPORTS_MAX / EXPORTS_SHARE, "what was refused left a file");
    add_of(all, &row, "bob", EXPORT_READY, 0);
    cr_expect_eq(exports_room(all, &row, 300000), 0);
    snprintf(row.owner, sizeof row.owner, "ann"); /* 500000 are theirs */
    cr_expect_eq(exports_room(all, &row, 20000), ERR_FULL);
    cr_expect_str_eq(row.error, "no_room");
    cr_expect(strstr(row.detail, "500000 of the 524288"), "%s", row.detail);
    exports_stop(all);
    counters_set_free(set);
    snprintf(command, sizeof command, "rm -r %s", dir);
    cr_expect_eq(system(command), 0);
}

/* ---- calls that vanish between two looks ---- */

static unsigned vanishing; /* pages of which nothing is left */
unsigned calls_listed;

static void tell_of(const char *uid, store_record_fn *fn, void *context)
{
    struct call_record *record = record_new();
    snprintf(record->uid, sizeof record->uid, "%s", uid);
    fn(context, record);
    record_free(record);
}

int __real_store_calls(struct store_reader *r, const struct store_query *q, store_record_fn *fn, void *context, bool *ret_more);
int __wrap_store_calls(struct store_reader *r, const struct store_query *q, store_record_fn *fn, void *context, bool *ret_more);

int __wrap_store_calls(struct store_reader *r, const struct store_query *q, store_record_fn *fn, void *context, bool *ret_more)
{
    for (unsigned i = 0; i < calls_listed; i++)
        tell_of("made up", fn, context);
    if (calls_listed)
        return 0;
    if (vanishing == 0)
        return __real_store_calls(r, q, fn, context, ret_more);
    *ret_more = --vanishing > 0;
    if (*ret_more)
        return 0;
    tell_of("last", fn, context);
    return 0;
}

static void list_while_calls_vanish(unsigned pages, struct export *ret_export)
{
    char dir[] = "/tmp/exports-XXXXXX", command[100];
    struct exports *all = NULL;
    struct store *store = NULL;
    struct why why = {0};
    struct counters_set *set = counters_set_new();
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(store_open(dir, counters_block(set), &store, &why), 0, "%s", why.text);
    const struct exports_config config = {.data_dir = dir, .counters = set, .version = "0", .max_bytes = 1 << 20, .max_all_bytes = 1 << 20, .keep_us = 60000000, .audit = audit, .room = much_room};
    cr_assert_eq(exports_start(&config, &all, &why), 0);
    *ret_export = (struct export){.state = EXPORT_QUEUED, .calls_total = -1, .owner = "local"};
    cr_assert(parse("{\"kind\":\"csv\"}", &ret_export->ask));
    vanishing = pages;
    cr_assert_eq(exports_add(all, ret_export), 0);
    for (unsigned i = 0; i < 1000 && exports_waiting(all); i++)
        usleep(10000);
    cr_assert(exports_get(all, ret_export->id, ret_export));
    exports_stop(all);
    store_close(store);
    counters_set_free(set);
    snprintf(command, sizeof command, "rm -r %s", dir);
    cr_expect_eq(system(command), 0);
}

Test(exports, a_page_whose_calls_all_vanish_does_not_end_the_list)
{
    static struct export e;
    list_while_calls_vanish(4, &e);
    cr_expect_eq(e.state, EXPORT_READY, "%s", e.detail);
    cr_expect_eq(e.calls, 1);
    list_while_calls_vanish(UINT32_MAX, &e);
    cr_expect_eq(e.state, EXPORT_FAILED);
    cr_expect_str_eq(e.error, "database");
}

/* On a disk without room nothing is made: what is tried fails at once, and its row says so. */
Test(exports, a_restart_keeps_what_became_of_them_and_no_other_file)
{
    char dir[] = "/tmp/exports-XXXXXX", path[200];
    static struct export e, now;
    struct exports *all = NULL;
    struct store *store = NULL;
    struct why why = {0};
    struct counters_set *set = counters_set_new();
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(store_open(dir, counters_block(set), &store, &why), 0, "%s", why.text);
    const struct exports_config config = {.data_dir = dir, .counters = set, .version = "0", .max_bytes = 1 << 20, .max_all_bytes = 1 << 20, .keep_us = 1000000, .audit = audit, .room = no_room};
    cr_assert_eq(exports_start(&config, &all, &why), 0);
    fill(&e);
    e.state = EXPORT_QUEUED;
    cr_assert_eq(exports_add(all, &e), 0);
    for (unsigned i = 0; i < 1000 && exports_waiting(all); i++)
        usleep(10000);
    cr_assert(exports_get(all, e.id, &now));
    cr_expect_eq(now.state, EXPORT_FAILED);
    cr_expect_str_eq(now.error, "disk_full");
    exports_stop(all);
    snprintf(path, sizeof path, "%s/exports/stray.zip", dir);
    fclose(fopen(path, "w"));
    e.state = EXPORT_RUNNING;
    snprintf(e.id, sizeof e.id, "ffffffffffffffffffffffffffffffff");
    snprintf(path, sizeof path, "%s/exports", dir);
    cr_assert_eq(export_state_write(path, &e), 0);
    cr_assert_eq(exports_start(&config, &all, &why), 0);
    cr_assert(exports_get(all, "ffffffffffffffffffffffffffffffff", &now));
    cr_expect_str_eq(now.error, "interrupted");
    cr_expect_eq(count_files(dir), 2);
    cr_expect(exports_remove(all, now.id));
    cr_expect_not(exports_remove(all, now.id));
    cr_expect_eq(count_files(dir), 1);
    exports_stop(all);
    store_close(store);
    counters_set_free(set);
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", dir);
    cr_expect_eq(system(command), 0);
}
