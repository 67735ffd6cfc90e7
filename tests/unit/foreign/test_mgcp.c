/* MGCP: the grammar of RFC 3435 as far as calls need it. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "capture/foreign/mgcp.h"
#include "tests/support/guard.h"

static const char call_setup[] = "CRCX 1204 aaln/1@rgw-2567.example.net MGCP 1.0\r\n"
                                 "C: A3C47F21456789F0\r\n"
                                 "L: p:10, a:PCMU\r\n"
                                 "M: recvonly\r\n"
                                 "S: L/rg\r\n"
                                 "\r\n"
                                 "v=0\r\n"
                                 "c=IN IP4 192.0.2.1\r\n"
                                 "m=audio 3456 RTP/AVP 0\r\n";

static struct mgcp_msg first_of(const char *text)
{
    struct mgcp_msg m = {0};
    struct slice rest = slice_str(text);
    cr_assert(mgcp_next(&rest, &m), "%s", text);
    return m;
}

static void expect(struct slice s, const char *text)
{
    cr_assert(slice_is(s, text), "\"%.*s\" is not \"%s\"", SLICE_ARGS(s), text);
}

Test(mgcp, a_command_is_read_whole)
{
    struct mgcp_msg m = first_of(call_setup);
    cr_assert(m.command);
    cr_assert_eq(m.verb, MGCP_CRCX);
    cr_assert_eq(m.transaction, 1204);
    expect(m.endpoint, "aaln/1@rgw-2567.example.net");
    expect(m.local, "aaln/1");
    expect(m.domain, "rgw-2567.example.net");
    expect(m.call_id, "A3C47F21456789F0");
    expect(m.options, "p:10, a:PCMU");
    expect(m.mode, "recvonly");
    expect(m.signals, "L/rg");
    expect(m.sdp, "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 3456 RTP/AVP 0\r\n");
    expect(m.whole, call_setup);
}

Test(mgcp, a_response_is_read_whole)
{
    struct mgcp_msg m =
        first_of("200 1204 OK\nI: FDE234C8\nZ: aaln/3@gw\n\nv=0\nm=audio 1 RTP/AVP 0");
    cr_assert(!m.command);
    cr_assert_eq(m.code, 200);
    cr_assert_eq(m.transaction, 1204);
    expect(m.comment, "OK");
    expect(m.connection, "FDE234C8");
    expect(m.specific, "aaln/3@gw");
    expect(m.sdp, "v=0\nm=audio 1 RTP/AVP 0");
}

Test(mgcp, all_verbs_of_the_protocol_begin_a_command)
{
    static const char *const verbs[] = {"CRCX", "MDCX", "DLCX", "RQNT", "NTFY",
                                        "AUEP", "AUCX", "RSIP", "EPCF"};
    for (int v = MGCP_CRCX; v <= MGCP_EPCF; v++) {
        char text[64];
        snprintf(text, sizeof text, "%s 7 *@gw MGCP 0.1", verbs[v]);
        cr_assert(mgcp_is_command(slice_str(text)), "%s", text);
        cr_assert_eq(first_of(text).verb, v);
    }
}

Test(mgcp, other_text_is_none)
{
    static const char *const others[] = {
        "",
        "CRCX",
        "CRCX 1 aaln/1@gw",
        "CRCX 1 aaln/1@gw SIP/2.0",
        "CRCX 1 aaln/1@gw MGCP one",
        "CRCX 1 aaln/1 MGCP 1.0",
        "CRCX 1 @gw MGCP 1.0",
        "CRCX 0 aaln/1@gw MGCP 1.0",
        "CRCX 1000000000 aaln/1@gw MGCP 1.0",
        "CRCX x aaln/1@gw MGCP 1.0",
        "XRCX 1 aaln/1@gw MGCP 1.0",
        "NOTIFY sip:a@b SIP/2.0",
        "OPTIONS rtsp://a/b RTSP/1.0",
        "20 1204 OK",
        "2000 1204 OK",
        "200 OK",
        "200",
        "SIP/2.0 200 OK",
        "HTTP/1.1 200 OK",
        "MEGACO/1 [192.0.2.1] T=1{C=1{A=1}}",
    };
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) {
        struct slice rest = slice_str(others[i]);
        struct mgcp_msg m;
        cr_assert(!mgcp_is_command(rest), "%s", others[i]);
        cr_assert(!mgcp_is_response(rest), "%s", others[i]);
        cr_assert(!mgcp_next(&rest, &m), "%s", others[i]);
        cr_assert_eq(rest.size, 0);
    }
}

Test(mgcp, one_datagram_carries_several_messages)
{
    struct slice rest = slice_str("200 2005 OK\r\nI: 1\r\n\r\nv=0\r\n.\r\n"
                                  "DLCX 1244 card23/21@gw MGCP 1.0\r\nC: A\r\nI: 2\r\n.\r\n"
                                  "RQNT 1245 card23/21@gw MGCP 1.0\r\nX: 3\r\n");
    struct mgcp_msg m;
    cr_assert(mgcp_next(&rest, &m));
    cr_assert_eq(m.transaction, 2005);
    expect(m.sdp, "v=0\r\n");
    cr_assert(mgcp_next(&rest, &m));
    cr_assert_eq(m.verb, MGCP_DLCX);
    expect(m.connection, "2");
    cr_assert_eq(m.sdp.size, 0);
    cr_assert(mgcp_next(&rest, &m));
    cr_assert_eq(m.verb, MGCP_RQNT);
    cr_assert(!mgcp_next(&rest, &m));
}

Test(mgcp, spaces_and_case_do_not_matter)
{
    struct mgcp_msg m =
        first_of("dlcx\t9  AALN/1@GW  mgcp  1.0 NCS 1.0\r\nc :\t77 \r\ni:ab\r\nXX: no\r\n");
    cr_assert_eq(m.verb, MGCP_DLCX);
    expect(m.call_id, "77");
    expect(m.connection, "ab");
}

Test(mgcp, events_are_found_in_any_package)
{
    cr_assert(mgcp_has_event(slice_str("L/hd, L/hu(N)"), "hu"));
    cr_assert(mgcp_has_event(slice_str("hu"), "hu"));
    cr_assert(mgcp_has_event(slice_str("L/rg@0A3F58"), "rg"));
    cr_assert(!mgcp_has_event(slice_str("L/hd"), "hu"));
    cr_assert(!mgcp_has_event(slice_str("hu/hd"), "hu"));
    cr_assert(!mgcp_has_event(slice_str(""), "hu"));
}

Test(mgcp, every_truncation_is_read_within_its_bounds)
{
    for (size_t n = 0; n < sizeof call_setup - 1; n++) {
        struct slice copy = guard_copy(slice_of(call_setup, n)), rest = copy;
        struct mgcp_msg m;
        bool whole_line = n >= strlen("CRCX 1204 aaln/1@rgw-2567.example.net MGCP 1.0");
        bool read = mgcp_next(&rest, &m);
        cr_assert(read || !whole_line, "%zu", n);
        cr_assert_eq(mgcp_is_command(copy), read);
        cr_assert_eq(rest.size, 0);
        cr_assert(!read || m.sdp.size <= n);
        guard_free(copy);
    }
}
