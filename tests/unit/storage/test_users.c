/* User records: every field of every kind comes back; the newest state of a thing replaces the one
 * before; lists filter and page; and a flood of what never succeeded stays small and pushes out
 * nothing. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/unit/storage/record_help.h"

static char dir[HELP_DIR_SIZE];
static struct counters *counters;
static struct store *store;
static struct store_reader *reader;

static void setup(void)
{
    help_store_begin(dir, &counters, &store, &reader);
}

#define LISTS_MAX 64

static char *lists[LISTS_MAX]; /* records that a test has read */
static unsigned list_count;

static void teardown(void)
{
    while (list_count)
        free(lists[--list_count]);
    help_store_end(dir, counters, store, reader);
}

TestSuite(users, .init = setup, .fini = teardown, .timeout = 60);

/* ---- what is seen ---- */

#define SEEN_MAX 200

struct seen {
    unsigned count;
    int64_t last_id, last_us;
    size_t size;
    char *records;
    enum user_kind kind;
};

static void note(void *context, const void *record, int64_t id)
{
    struct seen *seen = context;
    const struct user_table *t = user_table(seen->kind);
    if (seen->count < SEEN_MAX)
        memcpy(seen->records + seen->count * t->size, record, t->size);
    seen->count++;
    seen->last_id = id;
    seen->last_us = user_int(record, user_field(seen->kind, t->order));
}

/* The records stay until the end of the test. */
static struct seen list(const struct store_user_query *q, bool *more)
{
    struct seen seen = {.kind = q->kind};
    bool ignored;
    seen.records = calloc(SEEN_MAX, user_table(q->kind)->size);
    cr_assert(seen.records && list_count < LISTS_MAX);
    lists[list_count++] = seen.records;
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(store_users(reader, q, note, &seen, more ? more : &ignored), 0);
    return seen;
}

static struct store_user_query all_of(enum user_kind kind)
{
    return (struct store_user_query){.kind = kind, .limit = 1000};
}

static void put(enum user_kind kind, const void *record)
{
    cr_assert_eq(store_put_user(store, kind, record), 0);
}

/* ---- records ---- */

static struct registration_record registration(const char *aor, int64_t time_us)
{
    struct registration_record r;
    user_record_init(USER_REGISTRATION, &r);
    snprintf(r.key, sizeof r.key, "0 %s", aor);
    snprintf(r.aor, sizeof r.aor, "%s", aor);
    snprintf(r.user, sizeof r.user, "%.*s", (int)strcspn(aor, "@"), aor);
    snprintf(r.state, sizeof r.state, "registered");
    snprintf(r.ip, sizeof r.ip, "192.0.2.1");
    r.first_us = r.updated_us = time_us;
    r.expires_us = time_us + 3600 * INT64_C(1000000);
    r.successes = r.attempts = 1;
    return r;
}

static struct registration_record refused(const char *aor, const char *ip, int64_t time_us)
{
    struct registration_record r = registration(aor, time_us);
    snprintf(r.state, sizeof r.state, "failed");
    snprintf(r.ip, sizeof r.ip, "%s", ip);
    r.expires_us = r.successes = 0;
    r.failures = 1;
    r.sip_code = 403;
    r.weak = true;
    return r;
}

/* Each field another value; nothing weak and nothing summed up. */
static void fill(enum user_kind kind, void *record, int seed)
{
    const struct user_table *t = user_table(kind);
    user_record_init(kind, record);
    for (unsigned i = 0; i < t->count; i++) {
        const struct user_field *f = &t->fields[i];
        char *at = (char *)record + f->offset;
        switch (f->type) {
        case USER_TYPE_KEY:
        case USER_TYPE_TEXT:
        case USER_TYPE_BODY:
        case USER_TYPE_JSON:
            snprintf(at, f->size, "%u-%d", i, seed);
            break;
        case USER_TYPE_INT:
        case USER_TYPE_NUM:
            *(int64_t *)at = (int64_t)i * 1000 + seed;
            break;
        case USER_TYPE_TIME:
            *(int64_t *)at = HELP_T0_US + i;
            break;
        case USER_TYPE_REAL:
            *(double *)at = i + 0.25;
            break;
        case USER_TYPE_FLAG:
            *(bool *)at = strcmp(f->name, "aggregate") != 0;
            break;
        case USER_TYPE_MARK:
            break;
        }
    }
}

static bool equal(const void *a, const void *b, const struct user_field *f)
{
    switch (f->type) {
    case USER_TYPE_INT:
    case USER_TYPE_NUM:
    case USER_TYPE_TIME:
        return user_int(a, f) == user_int(b, f);
    case USER_TYPE_REAL:
        return user_real(a, f) == user_real(b, f) ||
               (isnan(user_real(a, f)) && isnan(user_real(b, f)));
    case USER_TYPE_FLAG:
    case USER_TYPE_MARK:
        return user_flag(a, f) == user_flag(b, f);
    default:
        return strcmp(user_text(a, f), user_text(b, f)) == 0;
    }
}

Test(users, every_field_of_every_kind_comes_back)
{
    for (int kind = 0; kind < USER_KINDS; kind++) {
        const struct user_table *t = user_table(kind);
        struct store_user_query q = all_of(kind);
        void *record = calloc(1, t->size), *empty = calloc(1, t->size);
        fill(kind, record, 7);
        user_record_init(kind, empty);
        put(kind, record);
        put(kind, empty);
        struct seen seen = list(&q, NULL);
        cr_assert_eq(seen.count, t->by_day ? 2 : 2, "%s: %u", t->name, seen.count);
        for (unsigned i = 0; i < t->count; i++) {
            /* The empty record is the newer row and has no time: of what happened it is the oldest.
             */
            const char *full = seen.records + (t->by_day ? 0 : t->size);
            const char *none = seen.records + (t->by_day ? t->size : 0);
            cr_expect(equal(record, full, &t->fields[i]), "%s.%s", t->name, t->fields[i].name);
            cr_expect(equal(empty, none, &t->fields[i]), "empty %s.%s", t->name, t->fields[i].name);
        }
        free(record);
        free(empty);
    }
}

Test(users, a_newer_state_replaces_the_one_before_and_keeps_what_it_does_not_know)
{
    struct registration_record r = registration("alice@a", HELP_T0_US);
    struct store_user_query q = all_of(USER_REGISTRATION);

    snprintf(r.user_agent, sizeof r.user_agent, "phone");
    r.rrd_ms = 12;
    put(USER_REGISTRATION, &r);
    r = registration("alice@a", HELP_T0_US + 5);
    r.successes = 2;
    put(USER_REGISTRATION, &r);
    struct seen seen = list(&q, NULL);
    const struct registration_record *back = (const void *)seen.records;
    cr_assert_eq(seen.count, 1);
    cr_expect_eq(back->successes, 2);
    cr_expect_eq(back->first_us, HELP_T0_US);
    cr_expect_eq(back->updated_us, HELP_T0_US + 5);
    cr_expect_str_eq(back->user_agent, "phone");
    cr_expect_eq(back->rrd_ms, 12);
}

/* ---- lists ---- */

Test(users, filters_of_one_field_are_or_and_of_two_fields_and)
{
    static const char *const AORS[] = {"a@x", "b@x", "c@x", "100%@x"};
    struct store_user_query q = all_of(USER_REGISTRATION);

    for (int i = 0; i < 4; i++) {
        struct registration_record r = registration(AORS[i], HELP_T0_US + i);
        snprintf(r.user_agent, sizeof r.user_agent, i == 2 ? "Phone_2 50%%" : "Phone-2");
        if (i == 1)
            snprintf(r.state, sizeof r.state, "expired");
        put(USER_REGISTRATION, &r);
    }
    cr_expect_eq(list(&q, NULL).count, 4);
    store_user_filter_add(&q, (struct store_user_filter){.field = "user", .text = "a"});
    cr_expect_eq(list(&q, NULL).count, 1);
    store_user_filter_add(&q, (struct store_user_filter){.field = "user", .text = "b"});
    cr_expect_eq(list(&q, NULL).count, 2);
    store_user_filter_add(&q, (struct store_user_filter){.field = "state", .text = "expired"});
    struct seen seen = list(&q, NULL);
    cr_assert_eq(seen.count, 1);
    cr_expect_str_eq(((const struct registration_record *)(const void *)seen.records)->aor, "b@x");
    q = all_of(USER_REGISTRATION);
    store_user_filter_add(&q, (struct store_user_filter){.field = "user_agent",
                                                         .match = USER_CONTAINS,
                                                         .text = "e_2 50%"});
    cr_expect_eq(list(&q, NULL).count, 1, "wildcards are letters here");
    q.filter[0].text = "' OR 1 --";
    cr_expect_eq(list(&q, NULL).count, 0);
    q = all_of(USER_REGISTRATION);
    store_user_filter_add(
        &q, (struct store_user_filter){.field = "aor", .or_field = "state", .text = "expired"});
    cr_expect_eq(list(&q, NULL).count, 1);
    q.filter[0] = (struct store_user_filter){.field = "successes", .number = 1};
    cr_expect_eq(list(&q, NULL).count, 4);
}

Test(users, pages_are_whole_while_rows_change)
{
    struct store_user_query q = all_of(USER_REGISTRATION);
    char aor[32];
    unsigned got = 0;
    bool more = true;

    for (int i = 0; i < 25; i++) {
        snprintf(aor, sizeof aor, "u%d@x", i);
        struct registration_record r = registration(aor, HELP_T0_US + i);
        put(USER_REGISTRATION, &r);
    }
    q.limit = 10;
    for (int page = 0; more; page++) {
        struct seen seen = list(&q, &more);
        struct registration_record r = registration("u3@x", HELP_T0_US + 1000 + page);
        put(USER_REGISTRATION, &r);
        got += seen.count;
        q.after_id = seen.last_id;
        q.after_us = seen.last_us;
        cr_assert_lt(page, 4);
    }
    cr_expect_eq(got, 25);
}

static struct message_record message(unsigned n, int64_t time_us)
{
    struct message_record m;
    user_record_init(USER_MESSAGE, &m);
    snprintf(m.key, sizeof m.key, "m%u", n);
    snprintf(m.from_user, sizeof m.from_user, "%s", n % 2 ? "odd" : "even");
    snprintf(m.kind, sizeof m.kind, "message");
    m.sent_us = time_us;
    m.sip_code = 200;
    return m;
}

Test(users, messages_page_over_days_newest_first)
{
    struct store_user_query q = all_of(USER_MESSAGE);
    unsigned got = 0;
    int64_t before = INT64_MAX;
    bool more = true;

    for (unsigned i = 0; i < 30; i++) { /* three days, several at the same moment */
        struct message_record m = message(i, HELP_T0_US + i / 10 * HELP_DAY_US + i % 10 / 4);
        put(USER_MESSAGE, &m);
    }
    q.limit = 7;
    for (int page = 0; more; page++) {
        struct seen seen = list(&q, &more);
        for (unsigned i = 0; i < seen.count; i++) {
            const struct message_record *m =
                (const struct message_record *)(const void *)seen.records + i;
            cr_expect_leq(m->sent_us, before);
            before = m->sent_us;
        }
        got += seen.count;
        q.after_id = seen.last_id;
        q.after_us = seen.last_us;
        cr_assert_lt(page, 6);
    }
    cr_expect_eq(got, 30);
    q = all_of(USER_MESSAGE);
    q.from_us = HELP_T0_US + HELP_DAY_US;
    q.to_us = HELP_T0_US + HELP_DAY_US + 2;
    cr_expect_eq(list(&q, NULL).count, 8);
    store_user_filter_add(&q, (struct store_user_filter){.field = "from_user", .text = "odd"});
    cr_expect_eq(list(&q, NULL).count, 4);
}

Test(users, messages_and_presence_changes_go_with_their_day)
{
    struct store_user_query q = all_of(USER_MESSAGE);
    struct message_record m = message(1, HELP_T0_US), n = message(2, HELP_T0_US + 2 * HELP_DAY_US);

    put(USER_MESSAGE, &m);
    put(USER_MESSAGE, &n);
    cr_expect_eq(list(&q, NULL).count, 2);
    cr_expect_gt(help_drop_days(store, 0, HELP_T0_US + HELP_DAY_US, 0), 0);
    cr_expect_eq(list(&q, NULL).count, 1);
}

/* ---- the weak ---- */

static const struct registration_record *find(const struct seen *seen, const char *aor)
{
    const struct registration_record *r = (const void *)seen->records;
    for (unsigned i = 0; i < seen->count && i < SEEN_MAX; i++)
        if (strcmp(r[i].aor, aor) == 0 && !r[i].aggregate)
            return &r[i];
    return NULL;
}

Test(users, the_failures_of_a_source_beyond_the_first_are_one_row_an_hour)
{
    struct store_user_query q = all_of(USER_REGISTRATION);
    struct registration_record r;
    char aor[32];

    for (int i = 0; i < USER_WEAK_KEPT; i++) {
        snprintf(aor, sizeof aor, "%d@x", i);
        r = refused(aor, "198.51.100.1", HELP_T0_US + i);
        put(USER_REGISTRATION, &r);
    }
    cr_expect_eq(list(&q, NULL).count, USER_WEAK_KEPT, "no aggregate as long as each has a row");
    for (int i = 0; i < 500; i++) {
        snprintf(aor, sizeof aor, "more%d@x", i);
        r = refused(aor, "198.51.100.1", HELP_T0_US + 100 + i);
        put(USER_REGISTRATION, &r);
    }
    store_user_filter_add(&q, (struct store_user_filter){.field = "aggregate", .number = 1});
    struct seen seen = list(&q, NULL);
    const struct registration_record *sum = (const void *)seen.records;
    cr_assert_eq(seen.count, 1);
    cr_expect_eq(sum->count, USER_WEAK_KEPT + 500);
    cr_expect_str_eq(sum->ip, "198.51.100.1");
    cr_expect_str_eq(sum->aor, "more499@x");
    cr_expect_str_eq(sum->state, "failed");
    cr_expect_eq(sum->first_us, HELP_T0_US);
    cr_expect_eq(sum->updated_us, HELP_T0_US + 599);
    r = refused("late@x", "198.51.100.1", HELP_T0_US + 2 * 3600 * INT64_C(1000000));
    put(USER_REGISTRATION, &r);
    q.filter_count = 0;
    seen = list(&q, NULL);
    cr_expect_not_null(find(&seen, "late@x"), "another hour");
    cr_expect_null(find(&seen, "more100@x"));
}

Test(users, a_strangers_failures_do_not_unmake_a_registration)
{
    struct store_user_query q = all_of(USER_REGISTRATION);
    struct registration_record r = registration("alice@x", HELP_T0_US);

    put(USER_REGISTRATION, &r);
    r = refused("alice@x", "198.51.100.1", HELP_T0_US + 1);
    put(USER_REGISTRATION, &r);
    struct seen seen = list(&q, NULL);
    cr_assert_not_null(find(&seen, "alice@x"));
    cr_expect_str_eq(find(&seen, "alice@x")->state, "registered");
    /* Known to have been registered, it may fail. */
    r.weak = false;
    put(USER_REGISTRATION, &r);
    seen = list(&q, NULL);
    cr_expect_str_eq(find(&seen, "alice@x")->state, "failed");
}

static double megabytes(const char *name)
{
    char path[600];
    struct stat st;
    double sum = 0;
    static const char *const ENDS[] = {"", "-wal"};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/db/%s%s", dir, name, ENDS[i]);
        sum += stat(path, &st) == 0 ? (double)st.st_size / 1e6 : 0;
    }
    return sum;
}

/* A day in which the sources of each second are: one, many, or each a new one. */
Test(users, a_day_of_scanners_fits_into_20_megabytes_and_pushes_out_nobody)
{
    enum { HOURS = 24, EACH = 2000 };
    struct store_user_query q = all_of(USER_REGISTRATION);
    struct registration_record r = registration("alice@x", HELP_T0_US);
    unsigned n = 0;

    store_user_filter_add(&q, (struct store_user_filter){.field = "aor", .text = "alice@x"});
    put(USER_REGISTRATION, &r);
    for (int hour = 0; hour < HOURS; hour++) {
        for (int i = 0; i < EACH; i++, n++) {
            unsigned source = i % 3 == 0 ? 1 : i % 3 == 1 ? 2 + n % 50 : 1000 + n;
            int64_t time_us = HELP_T0_US + hour * INT64_C(3600000000) + i * INT64_C(1800000);
            char ip[48], aor[64];
            snprintf(ip, sizeof ip, "198.%u.%u.%u", source >> 16, source >> 8 & 255, source & 255);
            snprintf(aor, sizeof aor, "scan%u@198.51.100.200", n);
            r = refused(aor, ip, time_us);
            snprintf(r.user_agent, sizeof r.user_agent, "friendly-scanner");
            snprintf(r.sources, sizeof r.sources, "[{\"ip\":\"%s\",\"port\":5060,\"count\":1}]",
                     ip);
            put(USER_REGISTRATION, &r);
            struct message_record m = message(n, time_us);
            snprintf(m.ip, sizeof m.ip, "%s", ip);
            m.weak = true;
            m.sip_code = 404;
            put(USER_MESSAGE, &m);
            if (n % 2000 == 0)
                cr_assert_eq(store_commit(store), 0);
        }
    }
    cr_assert_eq(store_commit(store), 0);
    cr_expect_eq(list(&q, NULL).count, 1);
    store_close(store); /* with it go the logs of SQLite, some 8 MB a file while it is open */
    store = NULL;
    double size = megabytes("earshot.db") + megabytes("messages-20261121.db") +
                  megabytes("messages-20261122.db");
    cr_expect_lt(size, 20, "%f MB", size);
    cr_expect_gt(size, 1, "%f MB", size);
}

/* ---- time and counts ---- */

Test(users, what_ran_out_while_nobody_looked_is_expired)
{
    struct store_user_query q = all_of(USER_REGISTRATION);
    struct registration_record r = registration("old@x", HELP_T0_US);
    struct store_user_counts c;

    put(USER_REGISTRATION, &r);
    r = registration("new@x", HELP_T0_US + HELP_DAY_US);
    put(USER_REGISTRATION, &r);
    cr_assert_eq(store_users_overdue(store, HELP_T0_US + HELP_DAY_US), 0);
    struct seen seen = list(&q, NULL);
    cr_expect_str_eq(find(&seen, "old@x")->state, "expired");
    cr_expect_eq(find(&seen, "old@x")->ended_us, find(&seen, "old@x")->expires_us);
    cr_expect_str_eq(find(&seen, "new@x")->state, "registered");
    cr_assert_eq(store_user_counts(reader, &c), 0);
    cr_expect_eq(c.registered, 1);
    cr_expect_eq(c.peers_up, 0);
}
