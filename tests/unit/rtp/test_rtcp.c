/* What stands in SDES, BYE and APP, and RTCP that is encrypted. */
#include <criterion/criterion.h>

#include "capture/rtp/rtp.h"
#include "tests/support/guard.h"

static struct rtcp_packet first_packet(struct slice datagram)
{
    struct rtcp_walk w = rtcp_walk(datagram);
    struct rtcp_packet p;
    cr_assert(rtcp_next(&w, &p));
    return p;
}

static const uint8_t sdes[] = {0x82, 202, 0, 7, 0, 0, 0, 1, 1, 2, 'a', 'b', 6, 3, 'S', 'I',
                               'P',  0,   0, 0, 0, 0, 0, 2, 1, 1, 'c', 0,   0, 0, 0,   0};

Test(rtcp, each_chunk_names_its_source_and_tool)
{
    struct rtcp_packet p = first_packet(slice_of(sdes, sizeof sdes));
    struct rtcp_description d;
    cr_assert(rtcp_description(&p, 0, &d));
    cr_expect_eq(d.ssrc, 1);
    cr_expect(slice_is(d.cname, "ab"));
    cr_expect(slice_is(d.tool, "SIP"));
    cr_assert(rtcp_description(&p, 1, &d));
    cr_expect_eq(d.ssrc, 2);
    cr_expect(slice_is(d.cname, "c"));
    cr_expect_eq(d.tool.size, 0);
    cr_expect_not(rtcp_description(&p, 2, &d));
}

Test(rtcp, a_description_cut_anywhere_is_survived)
{
    for (size_t words = 1; words < sizeof sdes / 4; words++) {
        uint8_t bytes[sizeof sdes];
        memcpy(bytes, sdes, sizeof sdes);
        bytes[3] = (uint8_t)(words - 1);
        struct slice copy = guard_copy(slice_of(bytes, words * 4));
        struct rtcp_walk w = rtcp_walk(copy);
        struct rtcp_packet p;
        struct rtcp_description d;
        if (rtcp_next(&w, &p))
            for (unsigned n = 0; n < 31; n++)
                cr_expect(!rtcp_description(&p, n, &d) || words >= 5);
        guard_free(copy);
    }
}

Test(rtcp, a_bye_tells_who_leaves_and_why)
{
    const uint8_t bye[] = {0x82, 203, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 4, 'd', 'o', 'n', 'e', 0, 0, 0};
    struct rtcp_packet p = first_packet(slice_of(bye, sizeof bye));
    uint32_t ssrc;
    cr_assert(rtcp_leaves(&p, 1, &ssrc));
    cr_expect_eq(ssrc, 2);
    cr_expect_not(rtcp_leaves(&p, 2, &ssrc));
    cr_expect(slice_is(rtcp_bye_reason(&p), "done"));
    const uint8_t liar[] = {0x9f, 203, 0, 1, 0, 0, 0, 1};
    p = first_packet(slice_of(liar, sizeof liar));
    cr_expect(rtcp_leaves(&p, 0, &ssrc));
    cr_expect_not(rtcp_leaves(&p, 1, &ssrc));
    cr_expect_eq(rtcp_bye_reason(&p).size, 0);
}

Test(rtcp, an_application_packet_has_a_name)
{
    const uint8_t app[] = {0x83, 204, 0, 2, 0, 0, 0, 1, 'P', 'o', 'C', '1'};
    struct rtcp_packet p = first_packet(slice_of(app, sizeof app));
    struct slice name;
    cr_assert(rtcp_app_name(&p, &name));
    cr_expect(slice_is(name, "PoC1"));
    cr_expect_eq(p.count, 3);
}

Test(rtcp, encrypted_reports_are_told_by_their_trailer)
{
    uint8_t rr[32 + 14] = {0x81, 201, 0, 7, 0, 0, 0, 1};
    for (unsigned i = 8; i < sizeof rr; i++)
        rr[i] = (uint8_t)(i * 37);
    memcpy(rr + 32, "\x80\0\0\5", 4);
    cr_expect(rtcp_is_protected(slice_of(rr, sizeof rr)));
    cr_expect_not(rtcp_is_protected(slice_of(rr, 32)));
    memcpy(rr + 32, "\0\0\0\5", 4); /* E not set */
    cr_expect_not(rtcp_is_protected(slice_of(rr, sizeof rr)));
    memcpy(rr + 32, "\x80\0\0\5", 4);
    cr_expect(rtcp_is_protected(slice_of(rr, 40))); /* a tag of 32 bits */
    cr_expect(rtcp_is_protected(slice_of(rr, 36))); /* the tag is in the ciphertext */
    for (size_t cut = 0; cut <= sizeof rr; cut++) {
        struct slice copy = guard_copy(slice_of(rr, cut));
        rtcp_is_protected(copy);
        guard_free(copy);
    }
}

Test(rtcp, plain_compounds_are_not_taken_for_encrypted)
{
    const uint8_t compound[] = {0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 202,
                                0,    2,   0, 0, 0, 1, 1, 1, 'a',  0};
    cr_expect_not(rtcp_is_protected(slice_of(compound, sizeof compound)));
    cr_expect_not(rtcp_is_protected(slice_of(compound, 8)));
    cr_expect_not(rtcp_is_protected(slice_none()));
}
