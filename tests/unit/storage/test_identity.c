/* The identity of a record: every field back, found by its numbers, rows from before it readable.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/record_pack.h"
#include "tests/unit/storage/record_help.h"

static char dir[64];

static void setup(void)
{
    snprintf(dir, sizeof dir, "/tmp/earshot-identity-XXXXXX");
    cr_assert(mkdtemp(dir) != NULL);
}

static void teardown(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    cr_assert_eq(system(command), 0);
}

static void fill(struct call_record *r)
{
    static struct record_diversion diversions[] = {
        {.number = {(const uint8_t *)"+4930", 5}, .counter = 2, .privacy = true}};
    static struct record_passport passports[] = {{.iat_s = 1443208345, .result = "verified"}};
    static struct record_reason reasons[] = {{.time_us = 7, .party = "caller", .cause = 17}};
    struct record_identity *d = &r->identity;
    d->caller = (struct record_number){.number = slice_str("+49301234567"),
                                       .raw = slice_str("0301"),
                                       .source = "pai",
                                       .privacy = true};
    d->callee = (struct record_number){.number = slice_str("201"), .source = "to"};
    d->diversions = diversions;
    d->passports = passports;
    d->reasons = reasons;
    d->diversion_count = d->passport_count = d->reason_count = 1;
}

static unsigned found;

static void count(void *context, const struct call_record *r)
{
    (void)context;
    found++;
    cr_expect(slice_is(r->identity.caller.number, "+49301234567"));
}

Test(store_identity, a_call_is_found_by_its_numbers_and_read_back, .init = setup, .fini = teardown)
{
    struct store *store;
    struct store_reader *reader;
    struct call_record *r = help_call(1, HELP_T0_US), *back;
    static const char *const asked[] = {"+49301234567", "201", "+4930999"};
    static const unsigned wanted[] = {1, 1, 0};
    bool more;

    fill(r);
    struct counters_set *set = counters_set_new();
    cr_assert_eq(store_open(dir, counters_block(set), &store, NULL), 0);
    cr_assert_eq(store_put_call(store, r), 0);
    cr_assert_eq(store_commit(store), 0);
    cr_assert_eq(store_reader_open(dir, &reader), 0);
    for (int i = 0; i < 3; i++) {
        struct store_query q;
        store_query_defaults(&q);
        q.number[0] = asked[i];
        found = 0;
        cr_assert_eq(store_calls(reader, &q, count, NULL, &more), 0);
        cr_expect_eq(found, wanted[i], "%s", asked[i]);
    }
    cr_assert_eq(store_call(reader, r->uid, &back), 0);
    const struct record_identity *d = &back->identity;
    cr_expect(d->diversion_count == 1 && d->diversions[0].counter == 2 && d->diversions[0].privacy);
    cr_expect(d->passport_count == 1 && d->passports[0].iat_s == 1443208345);
    cr_expect_str_eq(d->passports[0].result, "verified");
    cr_expect(d->reason_count == 1 && d->reasons[0].cause == 17 && d->history_count == 0);
    cr_expect_str_eq(d->caller.source, "pai");
    record_free(back);
    record_free(r);
    store_reader_close(reader);
    store_close(store);
    counters_set_free(set);
}

Test(store_identity, a_row_that_ends_before_it_is_readable)
{
    struct call_record *r = help_call(1, HELP_T0_US), *back = record_new();
    struct buf whole, identity;
    buf_init(&whole, 65536);
    buf_init(&identity, 65536);
    struct pack p = pack_writer(&whole), q = pack_writer(&identity);
    record_pack_call(&p, r);
    record_pack_identity(&q, &r->identity);
    struct slice old = buf_view(&whole);
    old.size -= buf_view(&identity).size; /* the last visit: what came before it is an old row */
    struct pack in = pack_reader(old, back->arena);
    record_pack_call(&in, back);
    cr_expect(!in.failed);
    cr_expect(slice_equal(back->call_id, r->call_id) && back->identity.caller.source == NULL);
    buf_fini(&whole);
    buf_fini(&identity);
    record_free(back);
    record_free(r);
}
