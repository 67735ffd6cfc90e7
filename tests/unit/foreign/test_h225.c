/* H.225: Q.931 messages, and TPKT frames however the stream is cut. */
#include <criterion/criterion.h>

#include "capture/foreign/h225.h"
#include "tests/support/guard.h"

/* SETUP 12345: bearer capability, display "Alice", calling 1001 (with octet 3a), called 2002, and a
 * user-user element of five bytes. */
static const uint8_t setup[] = {0x08, 0x02, 0x30, 0x39, 0x05, 0x04, 0x03, 0x88, 0x93, 0xa5, 0x28,
                                0x06, 'A',  'l',  'i',  'c',  'e',  0x00, 0x6c, 0x06, 0x01, 0x80,
                                '1',  '0',  '0',  '1',  0x70, 0x05, 0x81, '2',  '0',  '0',  '2',
                                0x7e, 0x00, 0x05, 0x05, 0x20, 0x80, 0x06, 0x00};
static const uint8_t release[] = {0x08, 0x02, 0xb0, 0x39, 0x5a, 0x08, 0x02,
                                  0x80, 0x91, 0x7e, 0x00, 0x02, 0x05, 0x25};

static struct slice setup_slice(void)
{
    return slice_of(setup, sizeof setup);
}

static void add_frame(struct buf *b, struct slice q931)
{
    buf_u16(b, 0x0300);
    buf_u16(b, (uint16_t)(q931.size + 4));
    buf_slice(b, q931);
}

Test(h225, a_setup_says_who_calls_whom)
{
    struct h225_msg m;
    cr_assert(h225_parse(setup_slice(), &m));
    cr_assert_eq(m.type, H225_SETUP);
    cr_assert_eq(m.reference, 12345);
    cr_assert(!m.from_destination);
    cr_assert(m.user_user);
    cr_assert(slice_is(m.calling, "1001"));
    cr_assert(slice_is(m.called, "2002"));
    cr_assert(slice_is(m.display, "Alice"));
    cr_assert_eq(m.cause, 0);
}

Test(h225, a_release_says_why_and_from_which_side)
{
    struct h225_msg m;
    cr_assert(h225_parse(slice_of(release, sizeof release), &m));
    cr_assert_eq(m.type, H225_RELEASE_COMPLETE);
    cr_assert(m.from_destination);
    cr_assert_eq(m.reference, 12345);
    cr_assert_eq(m.cause, 17);
}

Test(h225, every_truncation_is_refused_or_ends_between_elements)
{
    for (size_t n = 0; n < sizeof setup; n++) {
        struct slice copy = guard_copy(slice_of(setup, n));
        struct h225_msg m;
        bool between = n == 5 || n == 10 || n == 18 || n == 26 || n == 33;
        cr_assert_eq(h225_parse(copy, &m), between, "%zu", n);
        guard_free(copy);
    }
}

Test(h225, what_is_not_of_the_protocol_is_refused)
{
    static const struct {
        uint8_t bytes[6];
    } odd[] = {
        {{0x09, 0x02, 0x00, 0x01, 0x05}}, /* another discriminator */
        {{0x08, 0x01, 0x00, 0x01, 0x05}}, /* ISDN's short reference */
        {{0x08, 0x02, 0x00, 0x01, 0x04}}, /* no such message */
        {{0x08, 0x02, 0x00, 0x01, 0x05, 0x28}},
    };
    struct h225_msg m;
    for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++)
        cr_assert(!h225_parse(slice_of(odd[i].bytes, 6), &m), "%u", i);
}

Test(h225, a_stream_begins_with_a_frame_of_q931)
{
    struct buf b;
    buf_init(&b, 4096);
    add_frame(&b, setup_slice());
    struct slice all = buf_view(&b);
    cr_assert(h225_begins(all, false));
    cr_assert(h225_begins(all, true));
    cr_assert(h225_begins(slice_sub(all, 0, 4), true), "the header alone, on the port");
    cr_assert(!h225_begins(slice_sub(all, 0, 4), false));
    cr_assert(h225_begins(slice_sub(all, 0, 20), true));
    cr_assert(!h225_begins(slice_sub(all, 0, 20), false));
    cr_assert(!h225_begins(slice_sub(all, 0, 3), true));
    static const uint8_t rdp[] = {3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 3, 0, 0, 0};
    cr_assert(!h225_begins(slice_of(rdp, sizeof rdp), false));
    cr_assert(!h225_begins(slice_of(rdp, sizeof rdp), true));
    buf_fini(&b);
}

struct taken {
    unsigned messages, setups, releases;
};

static void take(void *context, struct slice q931)
{
    struct taken *t = context;
    struct h225_msg m;
    if (!h225_parse(q931, &m))
        return;
    t->messages++;
    t->setups += m.type == H225_SETUP;
    t->releases += m.type == H225_RELEASE_COMPLETE;
}

Test(h225, any_cut_of_the_stream_gives_the_same_messages)
{
    struct buf b;
    buf_init(&b, 4096);
    add_frame(&b, setup_slice());
    add_frame(&b, slice_none()); /* keeps the connection alive */
    add_frame(&b, slice_of(release, sizeof release));
    for (size_t step = 1; step <= b.size; step++) {
        struct h225_framer f = {0};
        struct taken t = {0};
        for (size_t at = 0; at < b.size; at += step) {
            struct slice piece = guard_copy(slice_sub(buf_view(&b), at, at + step));
            h225_feed(&f, piece, take, &t);
            guard_free(piece);
        }
        cr_assert_eq(t.setups, 1, "%zu", step);
        cr_assert_eq(t.releases, 1, "%zu", step);
        h225_framer_fini(&f);
    }
    buf_fini(&b);
}

Test(h225, after_nonsense_it_goes_on_with_the_next_message)
{
    struct buf b;
    buf_init(&b, 4096);
    buf_str(&b, "bytes of a message whose beginning is missing, \x03 and so on");
    add_frame(&b, slice_of(release, sizeof release));
    struct h225_framer f = {0};
    struct taken t = {0};
    h225_feed(&f, buf_view(&b), take, &t);
    cr_assert_eq(t.releases, 1);
    h225_framer_fini(&f);
    buf_fini(&b);
}

Test(h225, a_message_that_is_too_long_is_passed_over)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_u16(&b, 0x0300);
    buf_u16(&b, 0xffff);
    for (unsigned i = 4; i < 0xffff; i++)
        buf_u8(&b, 0x03);
    add_frame(&b, setup_slice());
    for (size_t step = 1; step < 100000; step = step * 7 + 1) {
        struct h225_framer f = {0};
        struct taken t = {0};
        for (size_t at = 0; at < b.size; at += step) {
            h225_feed(&f, slice_sub(buf_view(&b), at, at + step), take, &t);
            cr_assert_leq(f.part.room, H225_MESSAGE_MAX);
        }
        cr_assert_eq(t.messages, 1, "%zu", step);
        cr_assert_eq(t.setups, 1);
        h225_framer_fini(&f);
    }
    buf_fini(&b);
}
