/* Readings that repeat within a minute. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "api/audit_merge.h"
#include "base/error.h"

#define S        INT64_C(1000000)
#define BEGIN_US (INT64_C(1795255200) * S)

static char rows[64][900];
static unsigned row_count;
static int verdict;

static int put(void *context, const struct store_audit *e)
{
    (void)context;
    if (verdict == 0 && row_count < 64)
        snprintf(rows[row_count], sizeof rows[0], "%s %s %s %s", e->actor, e->action, e->object,
                 e->detail ? e->detail : "-");
    row_count += verdict == 0;
    return verdict;
}

static struct audit_merge *start(void)
{
    const struct audit_out out = {.put = put};
    row_count = 0;
    verdict = 0;
    return audit_merge_new(&out);
}

static int reads(struct audit_merge *m, const char *actor, const char *object, const char *reason,
                 int64_t at_us, uint64_t first, uint64_t count)
{
    const struct store_audit e = {.time_us = at_us,
                                  .actor = actor,
                                  .address = "192.0.2.1",
                                  .action = "audio.read",
                                  .object = object,
                                  .result = "ok",
                                  .detail = reason};
    const struct audit_bytes b = {first, count, 1000};
    return audit_merge_put(m, &e, &b);
}

TestSuite(audit_merge, .timeout = 60);

Test(audit_merge, the_first_is_a_row_at_once_and_the_rest_of_its_minute_one_more)
{
    struct audit_merge *m = start();

    cr_assert_eq(reads(m, "ann", "r1", NULL, BEGIN_US, 0, 10), 0);
    cr_expect_eq(row_count, 1);
    cr_expect_str_eq(rows[0], "ann audio.read r1 bytes 0+10 of 1000");
    reads(m, "ann", "r1", NULL, BEGIN_US + S, 10, 10);
    reads(m, "ann", "r1", NULL, BEGIN_US + 2 * S, 100, 50);
    reads(m, "ann", "r1", NULL, BEGIN_US + 3 * S, 15, 10);
    audit_merge_flush(m, BEGIN_US + 59 * S);
    cr_expect_eq(row_count, 1);
    audit_merge_flush(m, BEGIN_US + 60 * S);
    cr_expect_eq(row_count, 2);
    cr_expect_str_eq(
        rows[1],
        "ann audio.read r1 3 times more in this minute; all of it: bytes 0+25, 100+50 of 1000");
    reads(m, "ann", "r1", NULL, BEGIN_US + 61 * S, 0, 1);
    cr_expect_eq(row_count, 3, "a new minute is a new row");
    audit_merge_free(m);
    cr_expect_eq(row_count, 3, "what was read once is told once");
}

Test(audit_merge, others_and_other_reasons_are_rows_of_their_own)
{
    struct audit_merge *m = start();

    reads(m, "ann", "r1", NULL, BEGIN_US, 0, 1);
    reads(m, "bob", "r1", NULL, BEGIN_US, 0, 1);
    reads(m, "ann", "r2", NULL, BEGIN_US, 0, 1);
    reads(m, "ann", "r1", "case 7", BEGIN_US, 0, 1);
    cr_expect_eq(row_count, 4);
    cr_expect_str_eq(rows[3], "ann audio.read r1 bytes 0+1 of 1000; case 7");
    reads(m, "ann", "r1", "case 7", BEGIN_US, 999, 1);
    audit_merge_free(m);
    cr_expect_eq(row_count, 5);
    cr_expect_str_eq(rows[4], "ann audio.read r1 1 times more in this minute; all of it: bytes "
                              "0+1, 999+1 of 1000; case 7");
}

Test(audit_merge, what_cannot_be_written_is_refused_or_kept)
{
    struct audit_merge *m = start();

    verdict = ERR_FULL;
    cr_expect_eq(reads(m, "ann", "r1", NULL, BEGIN_US, 0, 1), ERR_FULL);
    cr_expect_eq(reads(m, "ann", "r1", NULL, BEGIN_US, 0, 1), ERR_FULL,
                 "it is not one more of what is no row");
    verdict = 0;
    reads(m, "ann", "r1", NULL, BEGIN_US, 0, 1);
    reads(m, "ann", "r1", NULL, BEGIN_US, 1, 1);
    verdict = ERR_FULL;
    audit_merge_flush(m, BEGIN_US + 61 * S);
    verdict = 0;
    audit_merge_flush(m, BEGIN_US + 122 * S);
    cr_expect_eq(row_count, 2);
    cr_expect_str_eq(rows[1],
                     "ann audio.read r1 1 times more in this minute; all of it: bytes 0+2 of 1000");
    audit_merge_free(m);
}

Test(audit_merge, ranges_and_places_are_bounded_and_nothing_read_is_left_out)
{
    struct audit_merge *m = start();
    char object[16];

    for (unsigned i = 0; i < 100; i++)
        reads(m, "ann", "r1", NULL, BEGIN_US, i * 10, 1);
    audit_merge_flush(m, BEGIN_US + 60 * S);
    cr_expect(strstr(rows[1], "99 times more") && strstr(rows[1], "bytes 0+") &&
                  strstr(rows[1], "990+1"),
              "%s", rows[1]);
    row_count = 0;
    for (unsigned i = 0; i < 400; i++) {
        snprintf(object, sizeof object, "o%u", i);
        reads(m, "ann", object, NULL, BEGIN_US + 61 * S, 0, 1);
        reads(m, "ann", object, NULL, BEGIN_US + 61 * S, 0, 1);
    }
    audit_merge_free(m);
    cr_expect_eq(row_count, 400 + 400, "256 in two rows, the others each time");
}
