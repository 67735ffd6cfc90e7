/* What is attached to a call: a few keys with texts, kept whatever becomes of the call's row. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/storage/record_help.h"

static char dir[HELP_DIR_SIZE];
static struct counters *counters;
static struct store *store;
static struct store_reader *reader;

static void setup(void)
{
    help_store_begin(dir, &counters, &store, &reader);
}

static void teardown(void)
{
    help_store_end(dir, counters, store, reader);
}

TestSuite(tags, .init = setup, .fini = teardown, .timeout = 60);

static bool set(struct record_tags *t, const char *key, const char *value)
{
    return record_tags_set(t, slice_str(key), slice_str(value));
}

static void put(const char *uid, int64_t started_us, const struct record_tags *t)
{
    cr_assert_eq(store_put_tags(store, uid, started_us, t), 0);
    cr_assert_eq(store_commit(store), 0);
}

Test(tags, keys_are_words_and_values_are_text)
{
    char key[RECORD_TAG_KEY_MAX + 2] = "", value[RECORD_TAG_VALUE_MAX + 2] = "";
    struct record_tags t = {0};
    static const char *const BAD[] = {"", "a b", "a:b", "a\"", "\xc3\xa4", "a/b", "a\nb"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        cr_expect_not(set(&t, BAD[i], "x"), "%s", BAD[i]);
    memset(key, 'k', RECORD_TAG_KEY_MAX + 1);
    memset(value, 'v', RECORD_TAG_VALUE_MAX + 1);
    cr_expect_not(set(&t, key, "x"));
    cr_expect_not(set(&t, "k", value));
    key[RECORD_TAG_KEY_MAX] = value[RECORD_TAG_VALUE_MAX] = '\0';
    cr_expect(set(&t, key, value));
    cr_expect_not(set(&t, "k", ""));
    cr_expect_not(set(&t, "k", "a\x01"));
    cr_expect_not(set(&t, "k", "a\x7f"));
    cr_expect_not(set(&t, "k", "a\xc2\x85"), "next line is a control character too");
    cr_expect(set(&t, "k", "M\xc3\xbcller & S\xc3\xb6hne"));
    cr_expect_eq(t.count, 2);
}

Test(tags, are_few_and_in_order_and_a_key_stands_once)
{
    struct record_tags t = {0};
    char key[8];
    for (int i = RECORD_TAGS_MAX; i > 0; i--) {
        snprintf(key, sizeof key, "k%02d", i);
        cr_assert(set(&t, key, "first"));
    }
    cr_expect_not(set(&t, "one-more", "x"));
    cr_expect(set(&t, "k07", "second"));
    cr_expect_eq(t.count, RECORD_TAGS_MAX);
    cr_expect_str_eq(t.tag[6].key, "k07");
    cr_expect_str_eq(t.tag[6].value, "second");
    cr_expect_str_eq(t.tag[15].key, "k16");
}

Test(tags, come_ahead_of_the_row_outlive_its_changes_and_are_read_with_it)
{
    struct call_record *r = help_record(3), *back;
    struct record_tags t = {0}, got;
    set(&t, "customer", "4711");
    put(r->uid, r->started_us, &t);
    cr_assert_eq(store_tags(reader, r->uid, r->started_us, &got), 0);
    cr_expect_eq(got.count, 1, "a call without a row");
    for (int i = 0; i < 2; i++)
        cr_assert_eq(store_put_call(store, r), 0);
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(store_call(reader, r->uid, &back), 0);
    cr_assert_not_null(back->tags);
    cr_expect_str_eq(back->tags->tag[0].value, "4711");
    record_free(back);
    t.count = 0;
    put(r->uid, r->started_us, &t);
    cr_assert_eq(store_call(reader, r->uid, &back), 0);
    cr_expect_null(back->tags, "an empty set takes them away");
    record_free(back);
    record_free(r);
}

Test(tags, of_a_day_without_a_file_are_none)
{
    struct record_tags got = {.count = 5};
    cr_assert_eq(store_tags(reader, "x", 0, &got), 0);
    cr_expect_eq(got.count, 0);
}

static void count_one(void *context, const struct call_record *r)
{
    (void)r;
    ++*(unsigned *)context;
}

static unsigned found(const char *a, const char *b)
{
    struct store_query q;
    unsigned count = 0;
    bool more;
    store_query_defaults(&q);
    q.tag[0] = a;
    q.tag[1] = b;
    cr_assert_eq(store_calls(reader, &q, count_one, &count, &more), 0);
    return count;
}

Test(tags, find_their_calls)
{
    for (uint64_t i = 0; i < 6; i++) {
        struct call_record *r = help_call(i, HELP_T0_US + (int64_t)i);
        struct record_tags t = {0};
        set(&t, "customer", i % 2 ? "odd:one" : "even");
        if (i == 0)
            set(&t, "vip", "odd:one");
        cr_assert_eq(store_put_call(store, r), 0);
        put(r->uid, r->started_us, &t);
        record_free(r);
    }
    cr_expect_eq(found("customer:even", NULL), 3);
    cr_expect_eq(found("customer:odd:one", NULL), 3);
    cr_expect_eq(found("vip:odd:one", "customer:odd:one"), 4);
    cr_expect_eq(found("customer:Even", NULL), 0);
    cr_expect_eq(found("customer:' OR 1=1--", NULL), 0);
}

struct seen {
    unsigned count;
    int64_t first_us, last_us;
};

static void see(void *context, const struct call_record *r)
{
    struct seen *s = context;
    if (s->count++ == 0)
        s->first_us = r->started_us;
    s->last_us = r->started_us;
}

static struct seen page(enum store_order order, unsigned limit, bool want_more)
{
    struct store_query q;
    struct seen s = {0};
    bool more;
    store_query_defaults(&q);
    q.tag[0] = "campaign:x";
    q.order = order;
    q.limit = limit;
    cr_assert_eq(store_calls(reader, &q, see, &s, &more), 0);
    cr_expect_eq(more, want_more);
    return s;
}

/* Then calls are not looked up one by one. */
Test(tags, find_their_calls_also_where_they_are_many)
{
    struct record_tags t = {0};
    char uid[40];
    set(&t, "campaign", "x");
    for (uint64_t i = 0; i < 20; i++) {
        struct call_record *r = help_call(i, HELP_T0_US + (int64_t)i);
        cr_assert_eq(store_put_call(store, r), 0);
        if (i % 2)
            put(r->uid, r->started_us, &t);
        record_free(r);
    }
    for (unsigned many = 0; many < 2; many++) {
        struct seen newest = page(STORE_NEWEST, 4, true), oldest = page(STORE_OLDEST, 3, true), all = page(STORE_NEWEST, 100, false);
        cr_expect(newest.count == 4 && newest.first_us == HELP_T0_US + 19 && newest.last_us == HELP_T0_US + 13);
        cr_expect(oldest.count == 3 && oldest.first_us == HELP_T0_US + 1 && oldest.last_us == HELP_T0_US + 5);
        cr_expect(all.count == 10 && all.last_us == HELP_T0_US + 1);
        for (unsigned i = 0; many == 0 && i < 10000; i++) {
            snprintf(uid, sizeof uid, "99999999-0000-8000-8000-%012u", i);
            cr_assert_eq(store_put_tags(store, uid, HELP_T0_US, &t), 0);
        }
        cr_assert_eq(store_commit(store), 0);
    }
}

Test(tags, are_changed_as_a_whole_or_not_at_all)
{
    struct record_tags t = {0};
    struct record_tag_change change = {.remove_count = 1, .remove = {"old"}};
    char key[8];
    set(&t, "old", "x");
    set(&t, "kept", "y");
    set(&change.add, "new", "z");
    cr_expect_eq(record_tags_change(&t, &change), RECORD_TAGS_CHANGED);
    cr_expect(t.count == 2 && strcmp(t.tag[0].key, "kept") == 0 && strcmp(t.tag[1].value, "z") == 0);
    cr_expect_eq(record_tags_change(&t, &change), RECORD_TAGS_SAME);
    for (int i = 0; t.count < RECORD_TAGS_MAX; i++) {
        snprintf(key, sizeof key, "k%d", i);
        set(&t, key, "x");
    }
    set(&change.add, "more", "z");
    cr_expect_eq(record_tags_change(&t, &change), RECORD_TAGS_FULL);
    cr_expect(t.count == RECORD_TAGS_MAX && strcmp(t.tag[RECORD_TAGS_MAX - 2].key, "kept") == 0 && strcmp(t.tag[RECORD_TAGS_MAX - 1].key, "new") == 0);
    snprintf(change.remove[0], sizeof change.remove[0], "k3");
    cr_expect_eq(record_tags_change(&t, &change), RECORD_TAGS_CHANGED, "what goes makes room");
}

Test(tags, that_are_there_go_ahead_of_those_that_are_added)
{
    struct call_record *r = help_call(1, HELP_T0_US);
    struct record_tags t = {0}, more = {0}, got;
    set(&t, "customer", "by hand");
    put(r->uid, r->started_us, &t);
    set(&more, "customer", "of a header");
    set(&more, "campaign", "x");
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(store_add_tags(store, r->uid, r->started_us, &more), 0);
        cr_assert_eq(store_commit(store), 0);
        cr_assert_eq(store_tags(reader, r->uid, r->started_us, &got), 0);
        cr_expect(got.count == 2 && strcmp(got.tag[0].value, "x") == 0 && strcmp(got.tag[1].value, "by hand") == 0);
    }
    record_free(r);
}
