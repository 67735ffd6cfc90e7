/* Whose turn it is: by call, by age, and not too often while nothing gets through. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/webhook_queue.h"

#define S INT64_C(1000000000)

static struct webhook_queue queue;

static void begin(void)
{
    cr_assert_eq(webhook_queue_init(&queue, 16), 0);
}

static void end(void)
{
    webhook_queue_fini(&queue);
}

TestSuite(webhook_queue, .init = begin, .fini = end, .timeout = 60);

/* "a1" is letter 1 of call a. */
static void put(const char *name)
{
    struct webhook_letter *v = webhook_letter_new(slice_of(name, 1), slice_str(name));
    for (struct webhook_letter *excess; (excess = webhook_queue_excess(&queue)) != NULL;) {
        webhook_queue_remove(&queue, excess);
        free(excess);
    }
    webhook_queue_put(&queue, v);
}

static struct webhook_letter *next(double seconds)
{
    int64_t due_ns;
    return webhook_queue_next(&queue, (int64_t)(seconds * 1e9), &due_ns);
}

static bool is(const struct webhook_letter *v, const char *name)
{
    return v && slice_is(slice_of(v->said, v->said_bytes), name);
}

static void done(struct webhook_letter *v)
{
    webhook_queue_answered(&queue);
    webhook_queue_remove(&queue, v);
    free(v);
}

/* Everything, in the order in which it is sent when all goes well. */
static const char *order(double seconds)
{
    static char text[500];
    text[0] = '\0';
    for (struct webhook_letter *v; (v = next(seconds)) != NULL; done(v))
        snprintf(text + strlen(text), sizeof text - strlen(text), "%.*s ", (int)v->said_bytes, v->said);
    return text;
}

Test(webhook_queue, the_oldest_goes_first)
{
    put("a1"), put("b1"), put("a2"), put("a3");
    cr_expect_str_eq(order(0), "a1 b1 a2 a3 ");
    cr_expect(queue.count == 0 && queue.first == NULL && queue.by_call.count == 0);
}

Test(webhook_queue, one_that_fails_holds_up_its_call_alone)
{
    put("a1"), put("a2"), put("b1"), put("c1"), put("a3");
    struct webhook_letter *v = next(100);
    webhook_queue_failed(&queue, v, 100 * S);
    cr_expect_null(next(100.2), "a quarter of a second nobody is asked");
    v = next(100.25);
    cr_assert(is(v, "b1"), "it was not tried yet");
    webhook_queue_failed(&queue, v, 100 * S + S / 4);
    cr_expect_null(next(100.5), "twice as long now");
    v = next(100.75);
    cr_assert(is(v, "c1"));
    done(v);
    cr_expect_str_eq(order(100.75), "a1 a2 a3 b1 ");
}

Test(webhook_queue, a_letter_that_nobody_takes_leaves_the_others_alone)
{
    char all[200] = "";
    put("x1"), put("a1"), put("b1"), put("a2"), put("x2");
    for (double now = 0; now < 3600; now += 0.05) {
        struct webhook_letter *v = next(now);
        if (v == NULL)
            continue;
        if (is(v, "x1")) {
            webhook_queue_failed(&queue, v, (int64_t)(now * 1e9));
            continue;
        }
        snprintf(all + strlen(all), sizeof all - strlen(all), "%.*s ", (int)v->said_bytes, v->said);
        done(v);
    }
    cr_expect_str_eq(all, "a1 b1 a2 ");
    cr_expect(queue.count == 2 && queue.first->tries > 100 - 1, "%u", queue.first->tries);
}

/* Nobody answers for ten minutes, in which calls go on. */
Test(webhook_queue, after_ten_minutes_all_is_sent_once_in_the_order_of_each_call)
{
    unsigned asked = 0, put_already = 0, sent[5] = {0};
    double last = 0;
    for (double now = 0; now < 700; now += 0.05) {
        if (now >= 40 * put_already && put_already < 15) {
            char name[3] = {(char)('a' + put_already % 5), (char)('1' + put_already / 5), 0};
            put(name);
            put_already++;
        }
        struct webhook_letter *v = next(now);
        if (v && now < 600) {
            asked++;
            webhook_queue_failed(&queue, v, (int64_t)(now * 1e9));
        } else if (v) {
            unsigned call = (unsigned)(v->said[0] - 'a');
            cr_assert_eq(v->said[1], '1' + sent[call], "call %c", v->said[0]);
            sent[call]++;
            last = now;
            done(v);
        }
    }
    cr_expect_eq(queue.count, 0);
    for (unsigned i = 0; i < 5; i++)
        cr_expect_eq(sent[i], 3);
    cr_expect_leq(asked, 28, "%u attempts at nobody", asked); /* 7 that grow, then one in 30 s */
    cr_expect_geq(asked, 20, "%u", asked);
    cr_expect_leq(last, 701);
}

Test(webhook_queue, without_room_the_oldest_goes_but_never_the_one_that_is_sent)
{
    char name[3] = "a0";
    for (unsigned i = 0; i < 16; i++) {
        name[0] = (char)('a' + i);
        put(name);
    }
    struct webhook_letter *v = next(0);
    cr_assert(is(v, "a0"));
    put("A0"); /* that one waits no more: there is room */
    cr_expect_eq(queue.count, 17);
    put("B0");
    cr_expect_eq(queue.count, 17);
    cr_expect(is(queue.first, "a0") && is(queue.first->next, "c0"));
    webhook_queue_failed(&queue, v, 0);
    put("C0");
    cr_expect(queue.count == 16 && is(queue.first, "d0"), "it waits again, and is the oldest");
    put("D0");
    cr_expect_str_eq(order(100), "e0 f0 g0 h0 i0 j0 k0 l0 m0 n0 o0 p0 A0 B0 C0 D0 ");
}

Test(webhook_queue, whoever_leaves_the_others_of_its_call_stay_in_order)
{
    for (unsigned left = 0; left < 5; left++) {
        put("a1"), put("b1"), put("a2"), put("a3"), put("b2"), put("a4");
        struct webhook_letter *v = queue.first;
        for (unsigned i = 0; i < left; i++)
            v = v->next;
        bool of_a = v->uid[0] == 'a';
        webhook_queue_remove(&queue, v);
        free(v);
        put("a5");
        const char *sent = order(0);
        char before = '0';
        unsigned n = 0;
        for (const char *at = sent; *at; at += 3)
            if (*at == 'a') {
                cr_expect_gt(at[1], before, "%s", sent);
                before = at[1];
                n++;
            }
        cr_expect_eq(n, of_a ? 4 : 5, "%s", sent);
        cr_expect(queue.count == 0 && queue.by_call.count == 0);
    }
}

Test(webhook_queue, a_letter_goes_to_the_disk_and_comes_back)
{
    struct webhook_letter *v = webhook_letter_new(slice_str("0123-uid"), slice_str("{\"event\":"));
    struct buf out;
    buf_init(&out, 4096);
    v->event = WORKER_CALL_ANSWERED;
    v->started_us = 1700000000000001;
    v->since_us = 1700000009000002;
    webhook_letter_pack(v, &out);
    struct webhook_letter *back = webhook_letter_unpack(buf_view(&out));
    cr_assert_not_null(back);
    cr_expect(back->event == v->event && back->started_us == v->started_us && back->since_us == v->since_us);
    cr_expect_str_eq(back->uid, "0123-uid");
    cr_expect(slice_equal(slice_of(back->said, back->said_bytes), slice_str("{\"event\":")));
    free(back);
    for (size_t cut = 0; cut < 1 + 1 + 8 + 8 + 1 + 8 + 1; cut++)
        cr_expect_null(webhook_letter_unpack(slice_sub(buf_view(&out), 0, cut)), "cut at %zu", cut);
    out.data[0] = 9;
    cr_expect_null(webhook_letter_unpack(buf_view(&out)), "of another version");
    buf_fini(&out);
    free(v);
}
