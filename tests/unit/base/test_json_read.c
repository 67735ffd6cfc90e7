/* JSON from outside: what is told of it, and what is refused before the parser sees it. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/json_read.h"
#include "tests/support/guard.h"

static struct json_value *read_text(const char *text)
{
    struct slice copy = guard_copy(slice_str(text));
    struct json_value *root = json_read(copy, 1 << 16, 4);
    guard_free(copy);
    return root;
}

Test(json_read, members_items_numbers_and_texts_are_found)
{
    struct json_value *root =
        read_text("{\"a\":[1,-2.9,\"30\",\"-4\",\"x\",true,null,{\"b\":\"t\\u00e4xt\"}]} \n");
    cr_assert_not_null(root);
    const struct json_value *a = json_value_get(root, "a");
    static const int64_t numbers[] = {1, -2, 30, -4};
    cr_assert_eq(json_value_count(a), 8);
    for (size_t i = 0; i < 8; i++) {
        int64_t n = 99;
        cr_assert_eq(json_value_int(json_value_at(a, i), &n), i < 4);
        cr_assert_eq(n, i < 4 ? numbers[i] : 99);
    }
    struct slice text;
    cr_assert(json_value_is_object(json_value_at(a, 7)));
    cr_assert(json_value_text(json_value_get(json_value_at(a, 7), "b"), &text));
    cr_assert(slice_is(text, "t\xc3\xa4xt"));
    json_read_free(root);
}

Test(json_read, what_is_absent_or_of_another_type_is_answered_with_no)
{
    struct json_value *root = read_text("{\"a\":1e300}");
    int64_t n;
    struct slice text;
    cr_assert_null(json_value_get(json_value_get(root, "b"), "c"));
    cr_assert_null(json_value_at(root, 0));
    cr_assert_eq(json_value_count(NULL), 0);
    cr_assert_not(json_value_int(json_value_get(root, "a"), &n));
    cr_assert_not(json_value_int(NULL, &n));
    cr_assert_not(json_value_text(NULL, &text));
    cr_assert_not(json_value_is_object(NULL));
    json_read_free(root);
    json_read_free(NULL);
}

Test(json_read, no_json_too_deep_and_too_large_are_refused)
{
    static const char *const bad[] = {"",          "x",          "{",        "{\"a\":1,}",
                                      "[1] 2",     "[\"\xff\"]", "\"text\"", "[[[[[1]]]]]",
                                      "[\"\\\"]]", "{\"a\":1}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_null(read_text(bad[i]), "%s", bad[i]);
    cr_assert_null(json_read(slice_str("[12345]"), 6, 4));
    struct json_value *brackets =
        read_text("[\"[[[[[[[[[[\\\"{{{{{{\"]"); /* in a string they count not */
    cr_assert_not_null(brackets);
    json_read_free(brackets);
    struct json_value *nul = json_read(slice_of("[1]\0\0", 5), 100, 4);
    cr_assert_not_null(nul);
    json_read_free(nul);
}

static bool add_member(void *context, struct slice name, const struct json_value *value)
{
    char *out = context;
    int64_t v = 0;
    json_value_int(value, &v);
    size_t at = strlen(out);
    snprintf(out + at, 64 - at, "%.*s=%d ", SLICE_ARGS(name), (int)v);
    return v != 3;
}

Test(json_read, members_are_given_until_somebody_has_enough)
{
    char out[64] = "";
    struct json_value *root = json_read(slice_str("{\"a\":1,\"b\":2,\"a\":4}"), 100, 2);
    cr_expect(json_value_members(root, add_member, out));
    cr_expect_str_eq(out, "a=4 b=2 ");
    json_read_free(root);
    out[0] = '\0';
    root = json_read(slice_str("{\"a\":1,\"b\":3,\"c\":5}"), 100, 2);
    cr_expect_not(json_value_members(root, add_member, out));
    cr_expect_str_eq(out, "a=1 b=3 ");
    json_read_free(root);
    root = json_read(slice_str("[1]"), 100, 2);
    cr_expect_not(json_value_members(root, add_member, out));
    json_read_free(root);
}
