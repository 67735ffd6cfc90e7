#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/message_diff.h"
#include "tests/support/guard.h"

static const char A[] =
    "INVITE sip:b SIP/2.0\r\nVia: x;branch=1\r\nMax-Forwards: 70\r\nFrom: <a>;tag=1\r\n"
    "To: <b>\r\nSubject: same\r\n folded\r\nRoute: <p1>\r\nRoute: <p2>\r\n\r\n"
    "v=0\r\no=a\r\nm=audio 1\r\na=x\r\n";
static const char B[] = "SIP/2.0 200 OK\r\nv: x;branch=1\r\nf: <a>;tag=1\r\nTo: <b>;tag=2\r\n"
                        "subject: same folded\r\nRoute: <p2>\r\nServer: s\x1b[2J\r\n\r\n"
                        "v=0\r\no=b\r\nm=audio 1\r\na=x\r\na=y\r\n";
static char text[8192];

static const char *as_text(struct slice a, struct slice b)
{
    struct arena *arena = arena_new(4096, 8 << 20);
    struct message_diff d;
    struct buf out;

    buf_init(&out, sizeof text);
    cr_assert(message_diff(arena, a, b, &d));
    message_diff_text(&d, &out);
    snprintf(text, sizeof text, "%s", buf_text(&out));
    buf_fini(&out);
    arena_free(arena);
    return text;
}

Test(message_diff, tells_what_changed_went_and_came_in_order)
{
    cr_expect_str_eq(as_text(slice_str(A), slice_str(B)),
                     "-INVITE sip:b SIP/2.0\n"
                     "+SIP/2.0 200 OK\n"
                     " Via: x;branch=1\n"
                     "-Max-Forwards: 70\n"
                     " From: <a>;tag=1\n"
                     "-To: <b>\n"
                     "+To: <b>;tag=2\n"
                     " Subject: same folded\n"
                     "-Route: <p1>\n"
                     " Route: <p2>\n"
                     "+Server: s\\x1b[2J\n"
                     " \n"
                     " v=0\n"
                     "-o=a\n"
                     "+o=b\n"
                     " m=audio 1\n"
                     " a=x\n"
                     "+a=y\n",
                     "%s", text);
}

Test(message_diff, says_the_same_as_json)
{
    struct arena *arena = arena_new(4096, 1 << 20);
    struct message_diff d;
    struct buf out;
    struct json j;

    buf_init(&out, sizeof text);
    cr_assert(message_diff(arena, slice_str("A b\nt: 1\nP: 1\n\nl\n"),
                           slice_str("A b\nTo: 2\nQ: 1\n\nl\nk\n"), &d));
    json_init(&j, &out);
    json_object(&j);
    message_diff_json(&d, &j);
    json_end(&j);
    cr_expect_str_eq(
        buf_text(&out),
        "{\"equal\":false,\"exact\":true,\"start_line\":{\"op\":\"same\",\"a\":\"A b\",\"b\":\"A "
        "b\"},"
        "\"headers\":[{\"op\":\"changed\",\"name\":\"To\",\"a\":\"1\",\"b\":\"2\"},"
        "{\"op\":\"removed\",\"name\":\"P\",\"a\":\"1\",\"b\":null},"
        "{\"op\":\"added\",\"name\":\"Q\",\"a\":null,\"b\":\"1\"}],"
        "\"body\":[{\"op\":\"same\",\"text\":\"l\"},{\"op\":\"added\",\"text\":\"k\"}]}",
        "%s", buf_text(&out));
    cr_assert(message_diff(arena, slice_str(A), slice_str(A), &d));
    cr_expect(d.equal);
    buf_fini(&out);
    arena_free(arena);
}

static void holds(const struct diff *d, unsigned a_count, unsigned b_count)
{
    const struct diff_item *a = NULL, *b = NULL;
    unsigned of_a = 0, of_b = 0;

    for (unsigned i = 0; i < d->count; i++) {
        const struct diff_step *s = &d->steps[i];
        if (s->a) {
            cr_assert(a == NULL || s->a == a + 1);
            a = s->a;
            of_a++;
        }
        if (s->b) {
            cr_assert(b == NULL || s->b == b + 1);
            b = s->b;
            of_b++;
        }
        cr_assert_eq(s->op == DIFF_SAME, s->a && s->b);
    }
    cr_assert(of_a == a_count && of_b == b_count);
}

/* Every item of both lists stands once, in order; as many are the same as a plain recursion finds.
 */
static unsigned common(const char *a, const char *b)
{
    if (*a == '\0' || *b == '\0')
        return 0;
    if (*a == *b)
        return 1 + common(a + 1, b + 1);
    unsigned x = common(a + 1, b), y = common(a, b + 1);
    return x > y ? x : y;
}

Test(text_diff, finds_the_longest_common_subsequence)
{
    for (unsigned round = 0; round < 500; round++) {
        struct diff_item items[2][9];
        struct diff_list list[2];
        char letters[2][9] = {"", ""};
        struct arena *arena = arena_new(4096, 1 << 20);
        struct diff d;
        unsigned same = 0;
        for (int k = 0; k < 2; k++) {
            list[k] = (struct diff_list){items[k], (unsigned)rand() % 9};
            for (unsigned i = 0; i < list[k].count; i++) {
                letters[k][i] = (char)('a' + rand() % 3);
                items[k][i] = (struct diff_item){.text = slice_of(&letters[k][i], 1)};
            }
            letters[k][list[k].count] = '\0';
        }
        cr_assert(text_diff(arena, &list[0], &list[1], &d));
        holds(&d, list[0].count, list[1].count);
        for (unsigned i = 0; i < d.count; i++)
            same += d.steps[i].op == DIFF_SAME;
        cr_assert_eq(same, common(letters[0], letters[1]), "%s %s", letters[0], letters[1]);
        arena_free(arena);
    }
}

Test(message_diff, a_giant_is_compared_in_bounds_and_says_so)
{
    struct arena *arena = arena_new(4096, 8 << 20);
    struct message_diff d;
    struct buf a, b;

    buf_init(&a, 1 << 16);
    buf_init(&b, 1 << 16);
    buf_str(&a, "A\n\nfirst\n");
    buf_str(&b, "A\n\nfirst\n");
    for (int i = 0; i < 5000; i++) {
        buf_printf(&a, "a%d\n", i);
        buf_printf(&b, "b%d\n", i);
    }
    cr_assert(message_diff(arena, buf_view(&a), buf_view(&b), &d));
    cr_expect_not(d.body.exact);
    cr_expect_not(d.equal);
    cr_expect_eq(d.body.steps[0].op, DIFF_SAME);
    holds(&d.body, DIFF_ITEMS_MAX, DIFF_ITEMS_MAX);
    buf_fini(&a);
    buf_fini(&b);
    arena_free(arena);
}

Test(message_diff, every_truncation_is_compared)
{
    for (size_t n = 0; n < sizeof A; n++) {
        struct slice cut = guard_copy(slice_of(A, n));
        as_text(cut, slice_str(B));
        as_text(slice_str(B), cut);
        cr_expect_eq(strchr(text, '\x1b'), NULL);
        guard_free(cut);
    }
}

Test(message_diff, without_memory_it_says_no)
{
    struct message_diff d;

    for (size_t ceiling = 256; ceiling < 4096; ceiling += 64) {
        struct arena *arena = arena_new(128, ceiling);
        if (arena)
            (void)message_diff(arena, slice_str(A), slice_str(B), &d);
        arena_free(arena);
    }
}
