/* Terms of retention: parse and print are inverse, each shortening is seen as one, and the words for the audit log fit into it. */
#include <criterion/criterion.h>

#include "app/retention_terms.h"

#define DETAIL_MAX 599 /* of a row of the audit log */

static const struct retention_limits SOME = {
    .age_us = {1000000, 2000000, 3000000, 0}, .bytes = {0, UINT64_C(1) << 59, 7, 1024}, .min_free = 1 << 30, .growing = 0};

static void print(const struct retention_limits *l, char out[1024])
{
    struct buf text;
    buf_init(&text, 1024);
    terms_print(l, &text);
    snprintf(out, 1024, "%s", buf_text(&text));
    buf_fini(&text);
}

Test(retention_terms, what_is_printed_is_read_again)
{
    char text[1024], again[1024], field[TERMS_FIELD_SIZE];
    struct retention_limits got;
    struct why why = {0};
    print(&SOME, text);
    cr_assert_eq(terms_parse(slice_str(text), &SOME, &got, field, &why), 0, "%s %s", field, why.text);
    print(&got, again);
    cr_assert_str_eq(text, again);
}

Test(retention_terms, every_truncation_is_refused)
{
    char text[1024], field[TERMS_FIELD_SIZE];
    struct retention_limits got;
    struct why why = {0};
    print(&SOME, text);
    for (size_t n = 0; n < strlen(text); n++)
        cr_assert_neq(terms_parse(slice_of(text, n), &SOME, &got, field, &why), 0, "%zu", n);
}

static void one_more(struct retention_limits *l, unsigned n, int64_t by)
{
    if (n < RETAIN_CLASSES)
        l->age_us[n] += by * 1000000;
    else if (n < 2 * RETAIN_CLASSES)
        l->bytes[n - RETAIN_CLASSES] += (uint64_t)by;
    else
        l->min_free -= (uint64_t)by; /* more to be left free is the shorter */
}

Test(retention_terms, each_term_that_gets_shorter_is_seen)
{
    struct retention_limits base;
    for (unsigned c = 0; c < RETAIN_CLASSES; c++) {
        base.age_us[c] = 5000000;
        base.bytes[c] = 5;
    }
    base.min_free = 5;
    for (unsigned n = 0; n < 2 * RETAIN_CLASSES + 1; n++) {
        struct retention_limits less = base, more = base;
        one_more(&less, n, -1);
        one_more(&more, n, 1);
        cr_assert(terms_are_shorter(&base, &less), "%u", n);
        cr_assert_not(terms_are_shorter(&base, &more), "%u", n);
        cr_assert_not(terms_are_shorter(&base, &base));
        if (n < 2 * RETAIN_CLASSES) { /* without bound is longer than any */
            one_more(&more, n, -6);
            cr_assert_not(terms_are_shorter(&base, &more), "%u", n);
            cr_assert(terms_are_shorter(&more, &base), "%u", n);
        }
    }
}

Test(retention_terms, all_of_them_changed_fit_into_a_row_of_the_audit_log)
{
    struct retention_limits a = {0}, b = {0};
    struct buf text;
    for (unsigned c = 0; c < RETAIN_CLASSES; c++) {
        a.age_us[c] = INT64_C(3153599999000000);
        b.age_us[c] = INT64_C(3153599998000000);
        a.bytes[c] = (UINT64_C(1) << 60) - 1;
        b.bytes[c] = (UINT64_C(1) << 60) - 3;
    }
    a.min_free = (UINT64_C(1) << 60) - 1;
    b.min_free = (UINT64_C(1) << 60) - 3;
    buf_init(&text, 4096);
    terms_tell_change(&a, &b, &text);
    cr_assert_leq(text.size, DETAIL_MAX, "%zu: %s", text.size, buf_text(&text));
    buf_clear(&text);
    terms_tell_change(&a, &a, &text);
    cr_assert_eq(text.size, 0);
    buf_fini(&text);
}

Test(retention_terms, the_tag_of_a_way_is_of_both_its_ends)
{
    struct retention_limits other = SOME;
    char now[33], way[33], back[33], same[33];
    other.bytes[RETAIN_AUDIO] = 9;
    terms_tag(&SOME, NULL, now);
    terms_tag(&SOME, &other, way);
    terms_tag(&other, &SOME, back);
    terms_tag(&SOME, &other, same);
    cr_assert_str_eq(way, same);
    cr_assert_str_neq(way, now);
    cr_assert_str_neq(way, back);
}
