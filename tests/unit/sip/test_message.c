/* Start line, header section, body bounds, flags. */
#include "tests/unit/sip/expect.h"

#define REST                                                                                       \
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"                                          \
    "From: \"Alice\" <sip:alice@example.com>;tag=a1\r\n"                                           \
    "To: <sip:bob@example.com>\r\n"                                                                \
    "Call-ID: c1@example.com\r\n"                                                                  \
    "CSeq: 7 INVITE\r\n"
#define INVITE "INVITE sip:bob@example.com SIP/2.0\r\n" REST

Test(sip, an_invite_is_read_whole)
{
    const struct sip_msg *m = parsed(INVITE "Content-Type: application/sdp\r\n"
                                            "Content-Length: 5\r\n\r\nv=0\r\ntrailing",
                                     SIP_OK);
    cr_expect(m->request && m->method == SIP_INVITE && m->flags == 0);
    EXPECT_TEXT(m->method_text, "INVITE");
    EXPECT_TEXT(m->request_uri, "sip:bob@example.com");
    EXPECT_TEXT(m->call_id, "c1@example.com");
    cr_expect_eq(m->cseq, 7);
    EXPECT_TEXT(m->cseq_method, "INVITE");
    EXPECT_TEXT(m->from.display, "Alice");
    EXPECT_TEXT(m->from.uri, "sip:alice@example.com");
    EXPECT_TEXT(m->from.tag, "a1");
    EXPECT_TEXT(m->to.user, "bob");
    cr_expect_eq(m->to.tag.size, 0);
    EXPECT_TEXT(m->via.branch, "z9hG4bK1");
    EXPECT_TEXT(m->content_type, "application/sdp");
    EXPECT_TEXT(m->body, "v=0\r\n");
    cr_expect_eq(m->header_count, 7);
    cr_expect_eq(m->whole.size, m->header_bytes + 5);
}

Test(sip, a_response_takes_its_method_from_the_cseq)
{
    const struct sip_msg *m = parsed("SIP/2.0 486 Busy Here\r\n" REST "\r\n", SIP_OK);
    cr_expect(!m->request && m->status == 486 && m->method == SIP_INVITE && m->flags == 0);
    EXPECT_TEXT(m->reason_phrase, "Busy Here");
    EXPECT_TEXT(m->method_text, "INVITE");
}

Test(sip, start_lines_are_judged)
{
    static const struct {
        const char *line;
        bool looks;
        enum sip_verdict verdict;
    } cases[] = {
        {"INVITE sip:a@b SIP/2.0", true, SIP_OK},
        {"INVITE sip:a@b SIP/2.0  ", true, SIP_OK},
        {"INVITE  sip:a@b  SIP/2.0", true, SIP_OK},
        {"INVITE sip:a@b sip/2.0", true, SIP_OK},
        {"invite sip:a@b SIP/2.0", true, SIP_OK},
        {"INVITE sip:a@b; lr SIP/2.0", true, SIP_OK},
        {"X-MY%20.method sip:a@b SIP/2.0", true, SIP_OK},
        {"INVITE tel:+1234 SIP/2.0", true, SIP_OK},
        {"SIP/2.0 200 OK", true, SIP_OK},
        {"SIP/2.0 200", true, SIP_OK},
        {"SIP/2.0 200 ", true, SIP_OK},
        {"sip/2.0 180 Ringing", true, SIP_OK},
        {"SIP/2.0 180 \xe9\x88\xb4", true, SIP_OK},
        {"SIP/2.0  100 Trying", true, SIP_OK},
        {"INVITE  SIP/2.0", true, SIP_BAD},
        {"INVITE SIP/2.0", true, SIP_BAD},
        {"SIP/2.0 99 Low", true, SIP_BAD},
        {"SIP/2.0 700 High", true, SIP_BAD},
        {"SIP/2.0 099 Low", true, SIP_BAD},
        {"SIP/2.0 2000 Long", true, SIP_BAD},
        {"SIP/2.0 4294967496 Overflow", true, SIP_BAD},
        {"SIP/2.0 20x OK", true, SIP_BAD},
        {"SIP/2.0 ", true, SIP_BAD},
        {"SIP/2.0", false, SIP_NOT_SIP},
        {"SIP/2.0200 OK", false, SIP_NOT_SIP},
        {"SIP/3.0 200 OK", true, SIP_BAD},
        {"SIP/2.1 200 OK", true, SIP_BAD},
        {"OPTIONS sip:a@b SIP/7.0", true, SIP_BAD},
        {"SIP/x.0 200 OK", false, SIP_NOT_SIP},
        {"OPTIONS sip:a@b SIP/22", false, SIP_NOT_SIP},
        {"INVITE sip:a@b SIP/2.0/UDP", false, SIP_NOT_SIP},
        {"INVITE sip:a@bSIP/2.0", false, SIP_NOT_SIP},
        {"INVITE\tsip:a@b SIP/2.0", false, SIP_NOT_SIP},
        {"GET / HTTP/1.1", false, SIP_NOT_SIP},
        {"IN(VITE sip:a@b SIP/2.0", false, SIP_NOT_SIP},
        {"1NVITE sip:a@b SIP/2.0", true, SIP_OK},
        {"!#NVITE sip:a@b SIP/2.0", false, SIP_NOT_SIP},
        {" INVITE sip:a@b SIP/2.0", false, SIP_NOT_SIP},
        {"I", false, SIP_NOT_SIP},
    };
    char text[1024];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, "%s\r\n" REST "\r\n", cases[i].line);
        const struct sip_msg *m = parsed(text, cases[i].verdict);
        if (cases[i].verdict == SIP_OK && m->request)
            cr_expect(m->request_uri.size > 0);
        cr_expect(sip_looks_like(slice_str(text)) == cases[i].looks, "%s", cases[i].line);
    }
}

Test(sip, a_request_line_may_be_long_but_not_endless)
{
    static char text[20000];
    for (size_t size = 8000; size <= 9000; size += 1000) {
        int n =
            snprintf(text, sizeof text, "INVITE sip:%0*d SIP/2.0\r\n" REST "\r\n", (int)size, 1);
        bool fits = size < 8192 - 20;
        cr_expect(sip_looks_like(slice_of(text, (size_t)n)) == fits);
    }
}

Test(sip, binary_media_does_not_look_like_sip)
{
    uint8_t rtp[172] = {0x80, 0x08};
    cr_expect_not(sip_looks_like(slice_of(rtp, sizeof rtp)));
    cr_expect_not(sip_looks_like(slice_none()));
    uint8_t letters[172];
    memset(letters, 'A', sizeof letters);
    cr_expect_not(sip_looks_like(slice_of(letters, sizeof letters)));
}

Test(sip, keep_alives_are_told_apart)
{
    cr_expect(sip_parse(slice_none(), &(struct sip_msg){0}) == SIP_KEEPALIVE);
    parsed("\r\n", SIP_KEEPALIVE);
    parsed("\r\n\r\n", SIP_KEEPALIVE);
    parsed("\n", SIP_KEEPALIVE);
    struct sip_msg m;
    cr_expect(sip_parse(slice_of("\0\0\0\0", 4), &m) == SIP_KEEPALIVE);
    cr_expect(sip_parse(slice_of("\0\0\0\1", 4), &m) == SIP_NOT_SIP);
    cr_expect(sip_parse(slice_of("\0\r\n", 3), &m) == SIP_NOT_SIP);
}

Test(sip, line_ends_in_front_of_the_start_line_are_skipped)
{
    const struct sip_msg *m = parsed("\r\n\r\n" INVITE "\r\n", SIP_OK);
    cr_expect(m->method == SIP_INVITE && m->flags == 0);
    cr_expect_eq(m->whole.data[0], 'I');
}

Test(sip, content_length_bounds_the_body)
{
    static const struct {
        const char *line;
        const char *body;
        uint32_t flags;
    } cases[] = {
        {"", "0123456789", 0},
        {"Content-Length: 10\r\n", "0123456789", 0},
        {"Content-Length: 4\r\n", "0123", 0},
        {"Content-Length: 0004\r\n", "0123", 0},
        {"l:4\r\n", "0123", 0},
        {"Content-Length : 0\r\n", "", 0},
        {"Content-Length:\r\n  3 \r\n", "012", 0},
        {"Content-Length: 11\r\n", "0123456789", SIP_FLAG_TRUNCATED},
        {"Content-Length: 4294967295\r\n", "0123456789", SIP_FLAG_TRUNCATED},
        {"Content-Length: 4294967328\r\n", "0123456789", SIP_FLAG_BAD_CONTENT_LENGTH},
        {"Content-Length: 18446744073709551620\r\n", "0123456789", SIP_FLAG_BAD_CONTENT_LENGTH},
        {"Content-Length: -1\r\n", "0123456789", SIP_FLAG_BAD_CONTENT_LENGTH},
        {"Content-Length: 4x\r\n", "0123456789", SIP_FLAG_BAD_CONTENT_LENGTH},
        {"Content-Length:\r\n", "0123456789", SIP_FLAG_BAD_CONTENT_LENGTH},
        {"Content-Length: 4\r\nContent-Length: 5\r\n", "0123", SIP_FLAG_DUPLICATE},
    };
    char text[1024];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, INVITE "%s\r\n0123456789", cases[i].line);
        const struct sip_msg *m = parsed(text, SIP_OK);
        EXPECT_TEXT(m->body, cases[i].body);
        cr_expect_eq(m->flags, cases[i].flags, "%s: flags %x", cases[i].line, m->flags);
    }
}

Test(sip, what_is_odd_is_flagged)
{
    static const struct {
        const char *text;
        uint32_t flags;
    } cases[] = {
        {"BYE sip:b SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n",
         SIP_FLAG_NO_FROM | SIP_FLAG_NO_TO | SIP_FLAG_NO_VIA},
        {"BYE sip:b SIP/2.0\r\nv: SIP/2.0/UDP h\r\nf: <sip:a>\r\nt: <sip:b>\r\nCSeq: 1 BYE\r\n\r\n",
         SIP_FLAG_NO_CALL_ID},
        {"BYE sip:b SIP/2.0\r\nv: SIP/2.0/UDP h\r\nf: <sip:a>\r\nt: <sip:b>\r\ni: x\r\n\r\n",
         SIP_FLAG_NO_CSEQ},
        {"BYE sip:b SIP/2.0\r\n" REST "\r\n", SIP_FLAG_CSEQ_MISMATCH},
        {"INVITE sip:b SIP/2.0\n" REST "\r\n", SIP_FLAG_BARE_LF},
        {INVITE "Subject: x\n\r\n", SIP_FLAG_BARE_LF},
        {INVITE "\n", SIP_FLAG_BARE_LF},
        {INVITE "no colon here\r\n\r\n", SIP_FLAG_MALFORMED_LINE},
        {INVITE ": no name\r\n\r\n", SIP_FLAG_MALFORMED_LINE},
        {INVITE "CSeq: 8 INVITE\r\n\r\n", SIP_FLAG_DUPLICATE},
        {INVITE "Via: SIP/2.0/UDP two\r\n\r\n", 0},
        {INVITE "Content-Encoding: gzip\r\n\r\nxx", SIP_FLAG_BODY_ENCODED},
        {INVITE "e: identity\r\n\r\nxx", 0},
        {INVITE, SIP_FLAG_TRUNCATED},
        {INVITE "Subject: cut", SIP_FLAG_TRUNCATED},
        {INVITE "X Odd\x01(name): 1\r\n\r\n", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct sip_msg *m = parsed(cases[i].text, SIP_OK);
        cr_expect_eq(m->flags, cases[i].flags, "case %zu: flags %x", i, m->flags);
    }
}

Test(sip, what_the_grammar_forbids_is_flagged_and_nothing_else)
{
    static const struct {
        const char *line;
        bool odd;
    } cases[] = {
        {"Contact: *", false},
        {"Contact: <sip:a@b?h=v>;expires=5, \"B, C;;\" <sip:c@d>", false},
        {"Contact: sip:a@b;expires=5", false},
        {"Contact: sip:a@b?h=v", true},
        {"Contact: <sip:a@b>;;q=1", true},
        {"Contact: <sip:a@b>; ;q=1", true},
        {"Contact: <sip:a@b>;q=1;", true},
        {"Contact: <sip:a@b>;a=\";;,,\"", false},
        {"Contact: <sip:a@b>;a=\"open", true},
        {"Contact: <sip:a@b", true},
        {"Contact: < sip:a@b>", true},
        {"Contact: Two Words <sip:a@b>", false},
        {"Contact: J\xc3\xbcrgen <sip:a@b>", false},
        {"Contact: a@b <sip:a@b>", true},
        {"Contact: \"quoted\" word <sip:a@b>", true},
        {"Contact: <sip:who?@b>", false},
        {"Contact: <sip:a:secret@[2001:db8::1]:5060;x=[::1]:1:2>", false},
        {"Contact: <sip:2001:db8::1>", true},
        {"Contact: <SIPS:a@2001:db8::1>", true},
        {"Contact: <sip:a@h:5060;x=1:2:3>", false},
        {"Contact: <urn:service:a:b:c>", false},
        {"Contact: <sip:a@b>\r\n ;\r\n q=1", false},
        {"Contact: <sip:x@averyveryverylonghostname.example.com:5060;transport=udp>;;a=1", true},
        {"Via: SIP/2.0/UDP h;branch=z9hG4bK1 , SIP/2.0/UDP i;rport", false},
        {"Date: Sat, 15 Oct 2005 04:44:56 GMT", false},
        {"Date: now", true},
        {"X-Odd: ;;,,<", false},
    };
    char text[1024];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, INVITE "%s\r\n\r\n", cases[i].line);
        const struct sip_msg *m = parsed(text, SIP_OK);
        cr_expect_eq(m->flags, cases[i].odd ? SIP_FLAG_SYNTAX : 0, "%s: flags %x", cases[i].line,
                     m->flags);
    }
}

Test(sip, a_message_that_belongs_nowhere_is_bad)
{
    parsed("INVITE sip:b SIP/2.0\r\n\r\n", SIP_BAD);
    parsed("INVITE sip:b SIP/2.0\r\nFrom: <sip:a>;tag=1\r\nCall-ID:\r\n\r\n", SIP_BAD);
    parsed("SIP/2.0 200 OK\r\n", SIP_BAD);
}

Test(sip, the_first_of_two_counts)
{
    const struct sip_msg *m =
        parsed(INVITE "Call-ID: second\r\nTo: <sip:other@x>;tag=2\r\nCSeq: 9 BYE\r\n\r\n", SIP_OK);
    EXPECT_TEXT(m->call_id, "c1@example.com");
    EXPECT_TEXT(m->to.user, "bob");
    cr_expect_eq(m->cseq, 7);
}

Test(sip, the_cseq_is_read_in_all_its_shapes)
{
    static const struct {
        const char *value;
        uint32_t number;
        bool found;
    } cases[] = {
        {"1 INVITE", 1, true},
        {"0009\r\n  INVITE", 9, true},
        {"4294967295\tINVITE", 4294967295u, true},
        {"4294967296 INVITE", 0, false},
        {"36893488147419103232 INVITE", 0, false},
        {"-1 INVITE", 0, false},
        {"INVITE", 0, false},
        {"", 0, false},
        {"5", 5, true},
    };
    char text[512];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, "INVITE sip:b SIP/2.0\r\nCall-ID: x\r\nCSeq: %s\r\n\r\n",
                 cases[i].value);
        const struct sip_msg *m = parsed(text, SIP_OK);
        cr_expect((m->flags & SIP_FLAG_NO_CSEQ) == (cases[i].found ? 0 : SIP_FLAG_NO_CSEQ));
        cr_expect(!cases[i].found || m->cseq == cases[i].number, "%s", cases[i].value);
    }
}

Test(sip, folding_and_white_space_are_accepted_everywhere)
{
    const struct sip_msg *m =
        parsed("INVITE sip:bob@example.com;odd SIP/2.0\r\n"
               "TO :\r\n sip:bob@example.com ;   tag    = 19x\r\n"
               "from   : \"J \\\\\\\"\"       <sip:jd@example.com>\r\n  ;\r\n  tag = 98a\r\n"
               "CaLl-Id\r\n : fold@192.0.2.1\r\n"
               "cseq: 0009\r\n  INVITE\r\n"
               "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390s\r\n"
               "s :\r\n"
               "Newfangled:   one\r\n two\r\n\tthree\r\n"
               "v:  SIP  / 2.0  / TCP     h.example.com   ;\r\n  branch  =   z9hG4bK9  ,\r\n"
               " SIP  /    2.0   / UDP  192.0.2.111   ; branch=\r\n z9hG4bK3\r\n"
               "\r\n",
               SIP_OK);
    cr_expect_eq(m->flags, 0, "%x", m->flags);
    EXPECT_TEXT(m->call_id, "fold@192.0.2.1");
    EXPECT_TEXT(m->to.tag, "19x");
    EXPECT_TEXT(m->to.uri, "sip:bob@example.com");
    EXPECT_TEXT(m->from.display, "J \\\\\\\"");
    EXPECT_TEXT(m->from.tag, "98a");
    cr_expect_eq(m->cseq, 9);
    EXPECT_TEXT(m->via.transport, "UDP");
    EXPECT_TEXT(m->via.host, "192.0.2.2");
    EXPECT_TEXT(m->via.branch, "390s");
    struct slice item;
    struct sip_via via;
    cr_assert(sip_header_item(m, SIP_H_VIA, 2, &item) && sip_via_parse(item, &via));
    EXPECT_TEXT(via.branch, "z9hG4bK3");
    char text[32];
    sip_unfold(m->headers[6].value, text, sizeof text);
    cr_expect_str_eq(text, "one two three");
}

Test(sip, the_first_header_may_be_indented)
{
    const struct sip_msg *m =
        parsed("INVITE sip:b SIP/2.0\r\n  Call-ID: x\r\n y\r\nCSeq: 1 INVITE\r\n\r\n", SIP_OK);
    EXPECT_TEXT(m->call_id, "x\r\n y");
}

Test(sip, headers_behind_the_limit_are_read_but_not_listed)
{
    static char text[32768];
    size_t n = (size_t)snprintf(text, sizeof text, "INVITE sip:b SIP/2.0\r\n");
    for (int i = 0; i < SIP_HEADERS_MAX + 50; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "X-%d: y\r\n", i);
    snprintf(text + n, sizeof text - n, REST "\r\nbody");
    const struct sip_msg *m = parsed(text, SIP_OK);
    cr_expect_eq(m->flags, SIP_FLAG_HEADER_LIMIT);
    cr_expect_eq(m->header_count, SIP_HEADERS_MAX);
    EXPECT_TEXT(m->call_id, "c1@example.com");
    EXPECT_TEXT(m->body, "body");
}

Test(sip, an_oversize_value_is_cut)
{
    static char text[20000];
    snprintf(text, sizeof text, INVITE "Subject: %010000d\r\n\r\n", 0);
    const struct sip_msg *m = parsed(text, SIP_OK);
    cr_expect_eq(m->flags, SIP_FLAG_OVERSIZE);
    cr_expect_eq(sip_header(m, SIP_H_SUBJECT).size, SIP_VALUE_MAX);
}
