/* Messages of the kinds that RFC 4475 and RFC 5118 warn of: what a probe makes of them. */
#include "capture/sip/sdp.h"
#include "tests/unit/sip/expect.h"

#define TAIL                                                                                       \
    "Via: SIP/2.0/UDP h.example.com;branch=z9hG4bKx\r\nFrom: <sip:a@example.com>;tag=1\r\n"        \
    "To: <sip:b@example.com>\r\nCall-ID: t@x\r\n"

static const struct {
    const char *what;
    const char *text;
    enum sip_verdict verdict;
    uint32_t flags;
} kinds[] = {
    {"token method with every odd byte",
     "i!n-_te%.*`'~+ sip:1_!~*'()&=+$,;?/%C2%80:&it+$,@[2001:db8::1]:5 SIP/2.0\r\n" TAIL
     "CSeq: 1 i!n-_te%.*`'~+\r\n\r\n",
     SIP_OK, 0},
    {"method that does not begin with a letter", "!in sip:h SIP/2.0\r\n" TAIL "CSeq: 1 !in\r\n\r\n",
     SIP_NOT_SIP, 0},
    {"escapes that are none",
     "RE%47IST%45R sip:h SIP/2.0\r\n" TAIL "CSeq: 1 RE%47IST%45R\r\nC%6Fntact: <sip:x>\r\n\r\n",
     SIP_OK, 0},
    {"escaped NUL", "REGISTER sip:null-%00-null@h SIP/2.0\r\n" TAIL "CSeq: 1 REGISTER\r\n\r\n",
     SIP_OK, 0},
    {"no reason phrase", "SIP/2.0 100 \r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK, 0},
    {"extra content behind the message",
     "REGISTER sip:h SIP/2.0\r\n" TAIL
     "CSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\nINVITE sip:joe@h SIP/2.0\r\n\r\n",
     SIP_OK, 0},
    {"Content-Length larger than the datagram",
     "INVITE sip:h SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\nl: 9999\r\n\r\nv=0\r\n", SIP_OK,
     SIP_FLAG_TRUNCATED},
    {"negative Content-Length",
     "INVITE sip:h SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\nl: -999\r\n\r\nv=0\r\n", SIP_OK,
     SIP_FLAG_BAD_CONTENT_LENGTH},
    {"CSeq out of range",
     "REGISTER sip:h SIP/2.0\r\n" TAIL "CSeq: 36893488147419103232 REGISTER\r\n\r\n", SIP_OK,
     SIP_FLAG_NO_CSEQ},
    {"status out of range", "SIP/2.0 4294967301 Better Not\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n",
     SIP_BAD, 0},
    {"open quote in To",
     "INVITE sip:h SIP/2.0\r\nTo: \"Mr. J. User <sip:j@h>\r\nFrom: <sip:a>;tag=1\r\nVia: "
     "SIP/2.0/UDP h\r\n"
     "Call-ID: x\r\nCSeq: 1 INVITE\r\n\r\n",
     SIP_OK, 0},
    {"white space in the request URI",
     "INVITE sip:b@h; lr SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK, 0},
    {"several spaces in the start line",
     "INVITE  sip:b@h  SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK, 0},
    {"white space behind the start line",
     "OPTIONS sip:b@h SIP/2.0  \r\n" TAIL "CSeq: 1 OPTIONS\r\n\r\n", SIP_OK, 0},
    {"URI in brackets", "INVITE <sip:b@h> SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK, 0},
    {"unknown version", "OPTIONS sip:b@h SIP/7.0\r\n" TAIL "CSeq: 1 OPTIONS\r\n\r\n", SIP_NOT_SIP,
     0},
    {"CSeq of another method", "OPTIONS sip:b@h SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK,
     SIP_FLAG_CSEQ_MISMATCH},
    {"unknown method, CSeq of another",
     "NEWMETHOD sip:b@h SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\n\r\n", SIP_OK, SIP_FLAG_CSEQ_MISMATCH},
    {"nothing but the start line matters", "INVITE sip:b@h SIP/2.0\r\nContent-Length: 0\r\n\r\n",
     SIP_BAD, 0},
    {"single headers twice",
     "INVITE sip:b@h SIP/2.0\r\n" TAIL
     "CSeq: 1 INVITE\r\nCSeq: 59 INVITE\r\nCall-ID: y\r\nTo: sip:o@h\r\n\r\n",
     SIP_OK, SIP_FLAG_DUPLICATE},
    {"unknown schemes",
     "OPTIONS unknown:opaque SIP/2.0\r\nFrom: <http://h/x>;tag=1\r\nTo: isbn:2983792873\r\n"
     "Via: SIP/2.0/UDP h\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n",
     SIP_OK, 0},
    {"the manner of RFC 2543",
     "INVITE sip:b@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:+1303@h;user=phone>\r\n"
     "To: sip:+1650@h;user=phone\r\nCall-ID: x\r\nCSeq: 56 INVITE\r\n\r\nv=0\r\n",
     SIP_OK, 0},
    {"IPv6 without brackets",
     "REGISTER sip:2001:db8::10 SIP/2.0\r\n" TAIL "CSeq: 1 REGISTER\r\n\r\n", SIP_OK, 0},
    {"NUL in a header",
     "INVITE sip:b@h SIP/2.0\r\n" TAIL "CSeq: 1 INVITE\r\nSubject: a\x01z\r\n\r\n", SIP_OK, 0},
};

Test(sip_torture, each_kind_gets_its_verdict)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct sip_msg m;
        enum sip_verdict verdict = sip_parse(slice_str(kinds[i].text), &m);
        cr_expect(verdict == kinds[i].verdict, "%s: verdict %d", kinds[i].what, verdict);
        cr_expect(verdict != SIP_OK || m.flags == kinds[i].flags, "%s: flags %x", kinds[i].what,
                  m.flags);
    }
}

Test(sip_torture, a_body_of_both_families_is_read)
{
    const struct sip_msg *m =
        parsed("INVITE sip:user@[2001:db8::10] SIP/2.0\r\n"
               "Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh\r\n"
               "From: sip:a@h;tag=1\r\nTo: sip:user@[2001:db8::10]\r\n"
               "Call-ID: x\r\nCSeq: 8912 INVITE\r\nContent-Type: application/sdp\r\n\r\n"
               "v=0\r\no=bob 1 2 IN IP4 host.example.com\r\ns=\r\nt=0 0\r\n"
               "m=audio 22334 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n"
               "m=video 6024 RTP/AVP 107\r\nc=IN IP6 2001:db8::1\r\n"
               "a=rtpmap:107 H263-1998/90000",
               SIP_OK);
    EXPECT_TEXT(m->via.host, "::ffff:192.0.2.10");
    EXPECT_TEXT(m->to.host, "2001:db8::10");
    struct sdp s;
    cr_assert(sdp_parse(sip_body_part(m, "application/sdp"), &s) == SDP_OK && s.media_count == 2);
    cr_expect(addr_is_v4(s.media[0].address) && !addr_is_v4(s.media[1].address));
    EXPECT_TEXT(s.media[1].formats[0].encoding, "H263-1998");
}
